"""Changes of IAM policies, statement by statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline_tools.plan_review.differences import decoded, following
from pipeline_tools.plan_review.review import UNKNOWN, Change, Review, Sensitive, inline_policies

# Attributes that hold a policy; every other attribute does where it decodes to an object with statements.
_POLICY_ATTRIBUTES = ("policy", "assume_role_policy")
_ELEMENTS = ("Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
_ARN_PARTS = 6


@dataclass(frozen=True)
class PlannedStatement:
    """A statement; of each element the plain values, so that "a" and ["a"] are the same."""

    sid: str
    effect: str
    elements: Mapping[str, frozenset[str]]

    @property
    def allows(self) -> bool:
        """Whether the statement allows, and does not deny."""
        return self.effect != "Deny"

    def same_as(self, other: PlannedStatement) -> bool:
        """Whether another statement says the same."""
        return (self.effect, self.elements) == (other.effect, other.elements)


@dataclass(frozen=True)
class StatementChange:
    """One statement that was added (no before), removed (no after) or changed."""

    before: PlannedStatement | None
    after: PlannedStatement | None

    def came(self, element: str) -> list[str]:
        """The new values of an element."""
        return sorted(_of(self.after, element) - _of(self.before, element))

    def went(self, element: str) -> list[str]:
        """The removed values of an element."""
        return sorted(_of(self.before, element) - _of(self.after, element))

    @property
    def touched(self) -> list[str]:
        """The elements that differ, in the order of the policy grammar."""
        return [element for element in _ELEMENTS if self.came(element) or self.went(element)]

    @property
    def widenings(self) -> list[str]:
        """In which ways it permits more than before, as short phrases."""
        return list(_widenings(self))


@dataclass(frozen=True)
class PolicyChange:
    """One policy of a resource.

    Attributes:
        unreadable: why statements cannot be shown: unknown until apply, sensitive, or no policy; else empty.
        follows_rename: whether it differs only by a name that changes elsewhere in the plan.
    """

    change: Change
    attribute: str
    statements: tuple[StatementChange, ...] = ()
    unreadable: str = ""
    follows_rename: bool = False

    @property
    def widens(self) -> bool:
        """Whether a statement allows more than before."""
        return any(statement.widenings for statement in self.statements)

    @property
    def removes(self) -> bool:
        """Whether a statement is removed."""
        return any(statement.after is None for statement in self.statements)


def policy_attributes(change: Change) -> list[str]:
    """The attributes of a resource that hold a policy, before or after."""
    names = {**(change.before or {}), **(change.after or {})}
    return [name for name in names if any(_is_policy(name, side, change) for side in (change.before, change.after))]


def policy_changes(change: Change, renames: Sequence[tuple[str, str]] = ()) -> Iterator[PolicyChange]:
    """What changes in the policies of a resource."""
    for attribute in policy_attributes(change):
        before = (change.before or {}).get(attribute)
        after = (change.after or {}).get(attribute)
        if before == after:
            continue
        reason = _unreadable(before) or _unreadable(after)
        if reason:
            yield PolicyChange(change, attribute, unreadable=reason)
            continue
        try:
            old, new = statements(before), statements(after)
            renamed = statements(following(decoded(before), decoded(after), renames))
        except ValueError as error:
            yield PolicyChange(change, attribute, unreadable=str(error))
            continue
        found = tuple(compare(renamed, new))
        if found or any(compare(old, new)):
            yield PolicyChange(change, attribute, found, follows_rename=not found)


def foreign_inline_policies(change: Change, review: Review) -> Iterator[tuple[str, list[PlannedStatement]]]:
    """The inline policies that a role has and no resource of the plan describes, by name."""
    known = review.inline_policies
    for policy in inline_policies(change):
        if ((change.after or {}).get("name"), policy.get("name")) not in known:
            try:
                yield str(policy.get("name")), statements(policy.get("policy"))
            except ValueError:
                yield str(policy.get("name")), []


def statements(policy: object) -> list[PlannedStatement]:
    """The statements of a policy, as JSON text or decoded; none of None and of the empty text.

    Raises:
        ValueError: it is not a policy.
    """
    if policy in (None, ""):
        return []
    document = decoded(policy) if isinstance(policy, str) else policy
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise ValueError("not a policy in JSON")
    listed = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    if not all(isinstance(statement, Mapping) for statement in listed):
        raise ValueError("a statement that is not an object")
    return [_statement(statement) for statement in listed]


def compare(before: Sequence[PlannedStatement], after: Sequence[PlannedStatement]) -> Iterator[StatementChange]:
    """Changes between two policies.

    Statements are the same by content, whatever their order and Sid, or else by Sid, or else those without a common Sid
    that share most.
    """
    left, right = list(before), list(after)
    for statement in before:
        match = next((other for other in right if statement.same_as(other)), None)
        if match:
            left.remove(statement)
            right.remove(match)
    pairs = [(one, other) for one in left for other in right if one.sid and one.sid == other.sid]
    pairs += sorted(
        ((one, other) for one in left for other in right if not (one.sid and other.sid) and _shared(one, other)),
        key=lambda pair: -_shared(*pair),
    )
    changed = []
    for one, other in pairs:
        if any(one is item for item in left) and any(other is item for item in right):
            changed.append(StatementChange(one, other))
            left = [item for item in left if item is not one]
            right = [item for item in right if item is not other]
    yield from (StatementChange(statement, None) for statement in left)
    yield from (StatementChange(None, statement) for statement in right)
    yield from changed


def _is_policy(name: str, side: Mapping[str, object] | None, change: Change) -> bool:
    value = (side or {}).get(name)
    if value is UNKNOWN or isinstance(value, Sensitive):
        # An attribute that only the provider fills in is a copy of a policy that is managed elsewhere.
        return name in _POLICY_ATTRIBUTES and (change.configured is None or name in change.configured)
    document = decoded(value)
    return isinstance(document, Mapping) and "Statement" in document


def _unreadable(policy: object) -> str:
    if policy is UNKNOWN:
        return "known only after apply"
    return "a sensitive value" if isinstance(policy, Sensitive) else ""


def _statement(document: Mapping[str, object]) -> PlannedStatement:
    elements = {
        element: frozenset(_conditions(document[element]) if element == "Condition" else _plain(document[element]))
        for element in _ELEMENTS
        if element in document
    }
    return PlannedStatement(str(document.get("Sid") or ""), str(document.get("Effect", "")), elements)


def _plain(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        # Principals by their kind.
        yield from (f"{kind}:{inner}" for kind, inners in value.items() for inner in _plain(inners))
    elif isinstance(value, list):
        yield from (str(inner) for inner in value)
    else:
        yield str(value)


def _conditions(value: object) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield str(value)
        return
    for operator, keys in value.items():
        for key, wanted in keys.items() if isinstance(keys, Mapping) else ():
            several = sorted(wanted, key=str) if isinstance(wanted, list) else [wanted]
            yield f"{operator} {key} = {', '.join(_text(one) for one in several)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _of(statement: PlannedStatement | None, element: str) -> frozenset[str]:
    return statement.elements.get(element, frozenset()) if statement else frozenset()


def _shared(one: PlannedStatement, other: PlannedStatement) -> int:
    if one.effect != other.effect:
        return 0
    # Without a common action two statements are about different things.
    if not any(_of(one, element) & _of(other, element) for element in ("Action", "NotAction")):
        return 0
    return sum(len(_of(one, element) & _of(other, element)) for element in _ELEMENTS)


def _widenings(change: StatementChange) -> Iterator[str]:
    before, after = change.before, change.after
    if before and not before.allows and (after is None or not after.allows):
        # What a denial loses is permitted again.
        less = [change.went(element) for element in ("Principal", "Action", "Resource")]
        less += [change.came(element) for element in ("NotPrincipal", "NotAction", "NotResource", "Condition")]
        if after is None:
            yield "a denial goes"
        elif any(less):
            yield "a denial covers less"
        return
    if after is None or not after.allows:
        return
    if before and not before.allows:
        yield "a denial becomes a permission"
    for element in ("Action", "Resource", "Principal"):
        if any(_is_wide(element, value) for value in change.came(element)):
            yield f"new `*` in {element}"
    # That a service may take a role that is new is what the role is for.
    if any(before or not principal.startswith("Service:") for principal in change.came("Principal")):
        yield "new principal"
    for element in ("NotAction", "NotResource", "NotPrincipal"):
        if element in after.elements and (change.went(element) or element not in (before.elements if before else ())):
            yield f"{element} permits all but what it lists"
    if before and change.went("Condition"):
        yield "a condition goes" if not change.came("Condition") else "a condition changes"


def _is_wide(element: str, value: str) -> bool:
    if element == "Action":
        return "*" in value
    if element == "Principal":
        return "*" in value
    parts = value.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS:
        return "*" in value
    # A path below a named resource may end in "*"; a name or an account may not begin with it.
    return "*" in "".join(parts[1:5]) or parts[5].startswith("*")
