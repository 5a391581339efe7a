"""Terraform's plan as JSON, read into what a reviewer asks for.

The format is that of `terraform show -json`, version 1: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from dataset_contract.json_types import JsonMapping
from pipeline_tools.plan_review.differences import differences

# Roles whose inline policies are resources of their own show these as drift after the first apply.
INLINE = "inline_policy"
_DRIFT_OUTSIDE_CONFIGURATION = {"managed_policy_arns"}
_MODULE = re.compile(r'module\.([\w-]+)(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\])?')


class PlanFormatError(ValueError):
    """The document is not a plan that this code can read."""


class _Unknown:
    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Sensitive:
    """A value that may be compared and never shown."""

    _value: Any = field(repr=False)

    def __repr__(self) -> str:
        return "(sensitive value)"


class Action(Enum):
    """What a plan does with a resource."""

    NO_OP = "no-op"
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"


Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """One resource of a plan.

    Attributes:
        before, after: attributes; None where there is no such resource; unknown and sensitive values are stand-ins.
        replace_paths: of the attributes that cannot change in place.
        configured: the attributes that the configuration sets; None where it does not have the resource (any more).
        moved_from: the address that the resource had.
    """

    address: str
    type: str
    action: Action
    before: JsonMapping | None = None
    after: JsonMapping | None = None
    module: str = ""
    data: bool = False
    create_first: bool = False
    reason: str | None = None
    replace_paths: tuple[Path, ...] = ()
    configured: frozenset[str] | None = None
    moved_from: str | None = None
    imported: bool = False


@dataclass(frozen=True)
class Output:
    """An output of a plan."""

    name: str
    action: Action
    before: Any
    after: Any


@dataclass(frozen=True)
class Review:
    """A plan.

    Attributes:
        changes: every resource that the plan looked at, those without a change too.
        drift: what changed outside Terraform, of what the configuration sets.
        region: of the provider, where the plan tells.
    """

    changes: tuple[Change, ...]
    drift: tuple[Change, ...] = ()
    outputs: tuple[Output, ...] = ()
    region: str | None = None

    def of(self, *actions: Action) -> list[Change]:
        """The changes with one of these actions."""
        return [change for change in self.changes if change.action in actions]

    @property
    def moved(self) -> list[Change]:
        """The resources that are moved."""
        return [change for change in self.changes if change.moved_from]

    @property
    def imported(self) -> list[Change]:
        """The resources that are imported."""
        return [change for change in self.changes if change.imported]

    @property
    def changed_outputs(self) -> list[Output]:
        """The outputs that change."""
        return [output for output in self.outputs if output.action is not Action.NO_OP]

    @property
    def inline_policies(self) -> set[tuple[Any, Any]]:
        """Role and name of each inline policy that is a resource."""
        sides = (side for change in self.changes for side in (change.before, change.after) if side)
        return {(side["role"], side["name"]) for side in sides if {"role", "name", "policy"} <= side.keys()}

    @property
    def empty(self) -> bool:
        """Whether an apply would do nothing at all."""
        idle = len(self.of(Action.NO_OP)) == len(self.changes)
        return idle and not self.moved and not self.imported and not self.changed_outputs


def read(document: JsonMapping) -> Review:
    """Read the JSON of a plan.

    Raises:
        PlanFormatError: it is of another format, or of a version that is not 1.
    """
    version = document.get("format_version")
    if not isinstance(version, str) or not version.startswith("1."):
        raise PlanFormatError(f"format_version {version!r} of the plan's JSON: expected 1.x (terraform show -json)")
    configuration = document.get("configuration", {}).get("root_module")
    changes = tuple(_change(entry, configuration) for entry in document.get("resource_changes", []))
    outputs = tuple(_output(name, entry) for name, entry in document.get("output_changes", {}).items())
    region = _region(document.get("prior_state", {}).get("values", {}).get("root_module", {}))
    found = Review(changes, outputs=outputs, region=region)
    drift = (_change(entry, configuration) for entry in document.get("resource_drift", []))
    return replace(found, drift=tuple(change for change in drift if _drifted(change, found.inline_policies)))


def inline_policies(change: Change) -> list[JsonMapping]:
    """The inline policies of a role, as the provider reads them; they may be resources of their own, or nobody's."""
    found = (change.after or {}).get(INLINE)
    return found if change.type == "aws_iam_role" and isinstance(found, list) else []


def _change(entry: JsonMapping, configuration: JsonMapping | None) -> Change:
    change = entry["change"]
    action, create_first = _action(change["actions"], entry["address"])
    before, after = _values(change)
    address = entry["address"]
    return Change(
        address=f"{address} (deposed {entry['deposed']})" if "deposed" in entry else address,
        type=entry["type"],
        action=action,
        before=before,
        after=after,
        module=entry.get("module_address", ""),
        data=entry.get("mode") == "data",
        create_first=create_first,
        reason=entry.get("action_reason"),
        replace_paths=tuple(tuple(path) for path in change.get("replace_paths", [])),
        configured=_configured(configuration, entry),
        moved_from=entry.get("previous_address"),
        imported="importing" in change,
    )


def _output(name: str, entry: JsonMapping) -> Output:
    before, after = _values(entry)
    return Output(name, _action(entry["actions"], f"output {name}")[0], before, after)


def _action(actions: list[str], where: str) -> tuple[Action, bool]:
    """The action, and whether a replacement creates before it destroys."""
    if sorted(actions) in (["create", "delete"], ["create", "forget"]):
        return Action.REPLACE, actions[0] == "create"
    try:
        (only,) = actions
        return Action(only), False
    except ValueError:
        known = ", ".join(action.value for action in Action if action is not Action.REPLACE)
        raise PlanFormatError(f"actions {actions} of {where}: expected one of {known}, or create and delete") from None


def _values(change: Mapping[str, object]) -> tuple[Any, Any]:
    """Before and after, with stand-ins.

    What either mask hides is hidden on both sides: a value that becomes sensitive is most often the value it was.
    """
    masks = (change.get("before_sensitive"), change.get("after_sensitive"))
    after = _with_unknown(change.get("after"), change.get("after_unknown"))
    return _masked(change.get("before"), masks), _masked(after, masks)


def _with_unknown(value: object, unknown: object) -> Any:
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, Mapping) and (value is None or isinstance(value, Mapping)):
        parts = {name: _with_unknown((value or {}).get(name), inner) for name, inner in unknown.items()}
        merged = {**(value or {}), **{name: part for name, part in parts.items() if part is not None}}
        return merged if merged or value is not None else None
    if isinstance(unknown, list) and (value is None or isinstance(value, list)):
        items = list(value or [])
        items += [None] * (len(unknown) - len(items))
        merged_items = [_with_unknown(item, unknown[i] if i < len(unknown) else None) for i, item in enumerate(items)]
        return merged_items if merged_items or value is not None else None
    return value


def _masked(value: object, masks: tuple[object, ...]) -> Any:
    if value is None or value is UNKNOWN:
        return value
    if any(mask is True for mask in masks):
        return Sensitive(value)
    if isinstance(value, Mapping):
        of_names = [mask for mask in masks if isinstance(mask, Mapping)]
        return {name: _masked(inner, tuple(mask.get(name) for mask in of_names)) for name, inner in value.items()}
    if isinstance(value, list):
        # Items move: what is hidden in one of them is hidden in all.
        of_items = tuple(inner for mask in masks if isinstance(mask, list) for inner in mask)
        return [_masked(item, of_items) for item in value]
    return value


def _configured(module: JsonMapping | None, entry: JsonMapping) -> frozenset[str] | None:
    for name in _MODULE.findall(entry.get("module_address", "")):
        module = (module or {}).get("module_calls", {}).get(name, {}).get("module")
    for resource in (module or {}).get("resources", []):
        same = (resource.get("type"), resource.get("name")) == (entry["type"], entry.get("name"))
        if same and resource.get("mode") == entry.get("mode"):
            return frozenset(resource.get("expressions", {}))
    return None


def _drifted(change: Change, managed: set[tuple[Any, Any]]) -> bool:
    """Whether somebody changed what the configuration says, rather than AWS filled in what it leaves open."""
    if change.action is Action.DELETE:
        return True
    names = {str(difference.path[0]) for difference in differences(change.before, change.after)}
    if names & ((change.configured or frozenset()) | _DRIFT_OUTSIDE_CONFIGURATION):
        return True
    if INLINE not in names:
        return False
    role = (change.after or {}).get("name")
    return any((role, policy.get("name")) not in managed for policy in inline_policies(change))


def _region(module: Mapping[str, object]) -> str | None:
    for resource in _resources(module):
        if resource.get("type") == "aws_region":
            region = resource.get("values", {}).get("id")
            return str(region) if region else None
    return None


def _resources(module: JsonMapping) -> Iterator[JsonMapping]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
