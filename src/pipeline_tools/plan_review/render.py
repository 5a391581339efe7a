"""The summary of a plan as GitHub Markdown, the most important first, within the length of a comment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.prices import Prices
from pipeline.prices import prices as list_prices
from pipeline_tools.plan_review import asl_differences, cost, markdown, policy_differences
from pipeline_tools.plan_review.cost_section import cost_section, head_line
from pipeline_tools.plan_review.differences import ABSENT, Difference, at, differences, following
from pipeline_tools.plan_review.loss import data_loss
from pipeline_tools.plan_review.markdown import code
from pipeline_tools.plan_review.page import Section, fitting
from pipeline_tools.plan_review.review import INLINE, UNKNOWN, Action, Change, Review

_SHORTEST_NAME = 6
_GROUPED_FROM = 3
# Copies of `tags` with the provider's default tags.
_COPIES = {"tags_all"}

_REASONS = {
    "replace_because_tainted": "it is tainted: an earlier apply failed half-way",
    "replace_by_request": "asked for by -replace",
    "replace_by_triggers": "by replace_triggered_by",
    "delete_because_no_resource_config": "no longer in the configuration",
    "delete_because_no_module": "its module is no longer in the configuration",
    "delete_because_no_move_target": "moved to an address that the configuration does not have",
    "delete_because_wrong_repetition": "count or for_each was added or taken away",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is no longer in for_each",
}


def summary(review: Review, environment: str, *, against: str, full_plan: str, prices: Prices | None = None) -> str:
    """The summary in Markdown.

    Args:
        against: what the plan was made against, as a phrase: "the deployed environment".
        full_plan: the path of the whole plan as text.
        prices: those of prices.toml unless given.
    """
    title = f"## Terraform plan: {code(environment)}"
    if review.empty:
        drift = f" {len(review.drift)} changed outside Terraform:" if review.drift else ""
        head = [title, "", f"**No changes** against {against}.{drift}"]
        return fitting(head, [_drift(review)], full_plan)
    listed = prices or list_prices()
    before, after = cost.estimates(review, listed)
    renames = _renames(review)
    head = [title, "", f"**{_counts(review)}** · against {against}", "", head_line(before, after, listed)]
    policies = [
        found
        for change in review.of(Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
        if not change.data
        for found in policy_differences.policy_changes(change, renames)
    ]
    machines = [
        found
        for change in review.of(Action.UPDATE, Action.REPLACE)
        if (found := asl_differences.machine_change(change, renames))
    ]
    sections = [
        _destroyed(review),
        _policies(policies),
        _machines(machines),
        _updates(review, renames),
        _renamed(review, renames, policies, machines),
        _others(review),
        _drift(review),
        _created(review),
        _outputs(review),
        cost_section(before, after, listed, review.region),
        _created_policies(policies),
    ]
    return fitting(head, sections, full_plan)


def _counts(review: Review) -> str:
    words = {
        Action.CREATE: "to create",
        Action.UPDATE: "to update in place",
        Action.REPLACE: "to replace",
        Action.DELETE: "to delete",
        Action.READ: "to read",
    }
    parts = [f"{len(review.of(action))} {word}" for action, word in words.items()]
    parts.append(f"{len(review.drift)} drifted")
    extra = {"moved": review.moved, "imported": review.imported, "forgotten": review.of(Action.FORGET)}
    parts += [f"{len(found)} {word}" for word, found in extra.items() if found]
    return ", ".join(parts)


def _renames(review: Review) -> list[tuple[str, str]]:
    """Names that change because their resource is replaced: what only follows such a name is said once."""
    names = set()
    for change in review.of(Action.REPLACE):
        for path in change.replace_paths:
            old, new = at(change.before, path), at(change.after, path)
            named = isinstance(old, str) and isinstance(new, str) and path[-1] != "id"
            # What a wildcard takes in is no matter of names.
            if named and len(old) >= _SHORTEST_NAME and "*" not in new:
                names.add((old, new))
    return sorted(names, key=lambda pair: (-len(pair[0]), pair))


# ---- What is lost ---------------------------------------------------------------------------------------------------


def _destroyed(review: Review) -> Section:
    section = Section("⚠ Replaced and deleted", 9)
    together: dict[tuple[Any, ...], list[Change]] = {}
    for change in review.of(Action.REPLACE, Action.DELETE):
        together.setdefault(_cause(change), []).append(change)
    groups = sorted(together.values(), key=lambda group: (not any(map(data_loss, group)), group[0].address))
    for group in groups:
        loses = [change for change in group if data_loss(change)]
        rest = [change for change in group if not data_loss(change)]
        for change in loses:
            section.lines.append(f"- {_destruction(change)} — ⚠ **data loss**: {_plain(data_loss(change))}")
        if loses and len(rest) > 1:
            section.lines.append(f"  - for the same reason: {_addresses(rest)}")
        else:
            section.lines += [f"- {_destruction(change)}" for change in rest]
    return section


def _cause(change: Change) -> tuple[Any, ...]:
    if change.action is Action.DELETE:
        return (change.module, change.address)
    values = [(path[-1:], repr(at(change.before, path)), repr(at(change.after, path))) for path in change.replace_paths]
    return (change.module, *values) if values else (change.module, change.address)


def _destruction(change: Change) -> str:
    reason = _REASONS.get(change.reason or "", "")
    if change.action is Action.DELETE:
        return f"**delete** {code(change.address)}" + (f": {reason}" if reason else "")
    forced = "; ".join(
        f"{code(markdown.path(path))}: {markdown.values(at(change.before, path), at(change.after, path))}"
        for path in change.replace_paths
    )
    order = ", the new one first" if change.create_first else ""
    return f"**replace** {code(change.address)}{order}: {forced or reason or 'Terraform gives no reason'}"


# ---- IAM ------------------------------------------------------------------------------------------------------------


def _policies(policies: Sequence[policy_differences.PolicyChange]) -> Section:
    section = Section("IAM", 8)
    shown = [policy for policy in policies if policy.change.action is not Action.CREATE and not policy.follows_rename]
    for policy in sorted(shown, key=lambda found: (not found.widens, not found.removes, found.change.address)):
        section.lines += _policy(policy)
    return section


def _created_policies(policies: Sequence[policy_differences.PolicyChange]) -> Section:
    section = Section("IAM of what is created", 1)
    for policy in sorted((found for found in policies if found.change.action is Action.CREATE), key=_widens_first):
        section.lines += _policy(policy)
    return section


def _widens_first(policy: policy_differences.PolicyChange) -> tuple[bool, str]:
    return not policy.widens, policy.change.address


def _policy(policy: policy_differences.PolicyChange) -> Iterator[str]:
    change = policy.change
    values = change.after or change.before or {}
    owner = values.get("role") or values.get("bucket") or values.get("name")
    of = f" of {markdown.value(owner)}" if isinstance(owner, str) else ""
    replaced_too = {Action.DELETE: ", deleted", Action.REPLACE: ", replaced"}.get(change.action, "")
    yield f"- {code(change.address)}: {code(policy.attribute)}{of}{replaced_too}"
    if policy.unreadable:
        yield f"  - ⚠ its statements cannot be shown: {policy.unreadable}"
    for statement in policy.statements:
        yield from (f"  - {line}" for line in _statement(statement))


def _statement(found: policy_differences.StatementChange) -> Iterator[str]:
    one = found.after or found.before
    assert one is not None
    sid = code(one.sid) if one.sid else "without Sid"
    flag = f" — ⚠ **widens**: {', '.join(found.widenings)}" if found.widenings else ""
    if found.before and found.after:
        effect = "" if found.before.effect == found.after.effect else f" {found.before.effect} → {found.after.effect},"
        parts = [
            f"{element} " + ", ".join([*_signed("−", found.went(element)), *_signed("+", found.came(element))])
            for element in found.touched
        ]
        yield f"changed {sid}:{effect} {'; '.join(parts)}{flag}"
        return
    verb = "**added**" if found.after else "**removed**"
    parts = [f"{element} {', '.join(_codes(sorted(values)))}" for element, values in one.elements.items()]
    yield f"{verb} {sid}: {_plain(one.effect)} {'; '.join(parts)}{flag}"


def _signed(sign: str, items: Sequence[str]) -> list[str]:
    return [f"{sign} {item}" for item in _codes(items)]


def _codes(items: Sequence[str], most: int = 12) -> list[str]:
    more = [f"{len(items) - most} more"] if len(items) > most else []
    return [code(_cut(item)) for item in items[:most]] + more


# ---- State machines -------------------------------------------------------------------------------------------------


def _machines(machines: Sequence[asl_differences.MachineChange]) -> Section:
    section = Section("State machines", 7)
    for machine in sorted(machines, key=lambda found: found.change.address):
        if machine.follows_rename:
            continue
        section.lines.append(f"- {code(machine.change.address)}")
        if machine.unreadable:
            section.lines.append(f"  - ⚠ its definition cannot be shown: {machine.unreadable}")
        section.lines += [f"  - **removed** state {code(name)}" for name in machine.removed]
        section.lines += [f"  - **added** state {code(name)}" for name in machine.added]
        section.lines += [f"  - {_difference(difference)}" for difference in machine.changed]
    return section


def _difference(difference: Difference) -> str:
    where = code(markdown.path(difference.path))
    if difference.before is ABSENT:
        return f"{where}: + {markdown.value(difference.after)}"
    if difference.after is ABSENT:
        return f"{where}: − {markdown.value(difference.before)}"
    return f"{where}: {markdown.values(difference.before, difference.after)}"


# ---- Everything else ------------------------------------------------------------------------------------------------


def _updates(review: Review, renames: Sequence[tuple[str, str]]) -> Section:
    section = Section("Changed attributes", 6)
    groups: dict[tuple[Any, ...], list[tuple[Change, list[Difference]]]] = {}
    for change in review.of(Action.UPDATE, Action.REPLACE):
        forced = {path[0] for path in change.replace_paths}
        found = [
            one
            for one in _attributes(change, renames)
            # What a new resource is to fill in for itself is nothing to review.
            if one.path[0] not in forced and not (forced and one.before is ABSENT and one.after is UNKNOWN)
        ]
        if found:
            paths = (change.module, change.type, *sorted(markdown.path(one.path) for one in found))
            groups.setdefault(paths, []).append((change, found))
    for group in sorted(groups.values(), key=lambda members: (len(members) >= _GROUPED_FROM, members[0][0].address)):
        if len(group) >= _GROUPED_FROM:
            names = sorted({markdown.path(one.path) for one in group[0][1]})
            addresses = _addresses([change for change, _ in group])
            section.lines.append(f"- {len(group)} × {', '.join(map(code, names))}: {addresses}")
            continue
        for change, found in group:
            section.lines.append(f"- {code(change.address)}")
            section.lines += [f"  - {_difference(difference)}" for difference in found]
    return section


def _attributes(change: Change, renames: Sequence[tuple[str, str]]) -> Iterator[Difference]:
    """What differs beside policies and definitions, of what the configuration sets."""
    aside = {*policy_differences.policy_attributes(change), *_COPIES}
    if change.type == asl_differences.TYPE:
        aside.add(asl_differences.ATTRIBUTE)
    for difference in differences(following(change.before, change.after, renames), change.after):
        name = difference.path[0]
        follows = difference.after is UNKNOWN and change.configured is not None and name not in change.configured
        if name not in aside and not follows:
            yield difference


def _renamed(
    review: Review,
    renames: Sequence[tuple[str, str]],
    policies: Sequence[policy_differences.PolicyChange],
    machines: Sequence[asl_differences.MachineChange],
) -> Section:
    section = Section("Follows from a new name", 4)
    followers = [policy.change for policy in policies if policy.follows_rename]
    followers += [machine.change for machine in machines if machine.follows_rename]
    followers += [
        change
        for change in review.of(Action.UPDATE)
        if any(_attributes(change, ())) and not any(_attributes(change, renames))
    ]
    if renames:
        left_out = "left out above wherever only it differs"
        section.lines += [f"- {markdown.values(old, new)}, {left_out}" for old, new in renames]
    if followers:
        section.lines.append(f"- nothing else changes in {_addresses(followers)}")
    return section


def _others(review: Review) -> Section:
    section = Section("Moved, imported, forgotten, read", 5)
    section.lines += [f"- moved {code(str(one.moved_from))} → {code(one.address)}" for one in review.moved]
    section.lines += [f"- imported {code(one.address)}" for one in review.imported]
    section.lines += [f"- forgotten, and left as it is: {code(one.address)}" for one in review.of(Action.FORGET)]
    section.lines += [f"- read during the apply: {code(one.address)}" for one in review.of(Action.READ)]
    return section


def _outputs(review: Review) -> Section:
    section = Section("Outputs", 3)
    for output in review.changed_outputs:
        if output.action is Action.CREATE:
            section.lines.append(f"- {code(output.name)}: + {markdown.value(output.after)}")
        elif output.action is Action.DELETE:
            section.lines.append(f"- {code(output.name)}: − {markdown.value(output.before)}")
        else:
            section.lines.append(f"- {code(output.name)}: {markdown.values(output.before, output.after)}")
    return section


def _drift(review: Review) -> Section:
    section = Section("Changed outside Terraform", 5)
    touched = {change.address for change in review.changes if change.action is not Action.NO_OP}
    for change in review.drift:
        stays = "" if change.address in touched else ", and the apply leaves it so"
        if change.action is Action.DELETE:
            section.lines.append(f"- {code(change.address)}: gone{stays}")
            continue
        section.lines.append(f"- {code(change.address)}{stays}")
        for policy in policy_differences.policy_changes(change):
            section.lines += [f"  {line}" for line in _policy(policy)]
        section.lines += [f"  - {_difference(one)}" for one in _attributes(change, ()) if one.path[0] != INLINE]
        for name, statements in policy_differences.foreign_inline_policies(change, review):
            section.lines.append(f"  - inline policy {code(name)}, which this configuration does not have")
            found = [policy_differences.StatementChange(None, statement) for statement in statements]
            section.lines += [f"    - {line}" for one in found for line in _statement(one)]
        if machine := asl_differences.machine_change(change):
            section.lines += [f"  - {_difference(difference)}" for difference in machine.changed]
    return section


def _created(review: Review) -> Section:
    section = Section("Created", 2)
    modules: dict[str, Counter[str]] = {}
    for change in review.of(Action.CREATE):
        modules.setdefault(change.module, Counter())[change.type] += 1
    for module, types in sorted(modules.items()):
        kinds = ", ".join(f"{count} × {code(kind)}" for kind, count in sorted(types.items()))
        section.lines.append(f"- {code(module) if module else 'root module'}: {kinds}")
    return section


# ---- Lists of addresses, and short texts --------------------------------------------------------------------------


def _addresses(changes: Sequence[Change], most: int = 8) -> str:
    shown = [code(change.address) for change in changes[:most]]
    return ", ".join(shown) + (f" and {len(changes) - most} more" if len(changes) > most else "")


def _plain(text: str) -> str:
    """Text in a line of Markdown; ours but for a name within it."""
    return text if text.isascii() and not set(text) & set("`<>|[]*\\@#") else code(text)


def _cut(text: str) -> str:
    most = markdown.MOST_CHARACTERS
    return text if len(text) <= most else f"{text[: most - 20]}… ({len(text):,} characters)"
