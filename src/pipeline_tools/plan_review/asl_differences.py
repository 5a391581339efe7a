"""Changes of a state machine's definition (Amazon States Language), state by state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataset_contract.json_types import JsonMapping
from pipeline_tools.plan_review.differences import Difference, decoded, differences, following
from pipeline_tools.plan_review.review import UNKNOWN, Change, Sensitive

TYPE = "aws_sfn_state_machine"
ATTRIBUTE = "definition"
_START_JOB_RUN = ":glue:startJobRun"


@dataclass(frozen=True)
class MachineChange:
    """What changes in one definition.

    Attributes:
        added, removed: names of states; a state within a Parallel or Map state is `Outer/Inner`.
        changed: fields; the path begins with the state's name, or is that of a field of the machine itself.
        unreadable: why the definition cannot be shown; else empty.
        follows_rename: whether it differs only by a name that changes elsewhere in the plan.
    """

    change: Change
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Difference, ...] = ()
    unreadable: str = ""
    follows_rename: bool = False


def machine_change(change: Change, renames: Sequence[tuple[str, str]] = ()) -> MachineChange | None:
    """What changes in the definition of a state machine, or None."""
    before = (change.before or {}).get(ATTRIBUTE)
    after = (change.after or {}).get(ATTRIBUTE)
    if before == after or before is None or after is None:
        return None
    for side in (before, after):
        if side is UNKNOWN:
            return MachineChange(change, unreadable="known only after apply")
        if isinstance(side, Sensitive):
            return MachineChange(change, unreadable="a sensitive value")
    old, new = definition(before), definition(after)
    if old is None or new is None:
        return MachineChange(change, unreadable="not JSON")
    found = compare(following(old, new, renames), new)
    if any(found):
        return MachineChange(change, *found)
    return MachineChange(change, follows_rename=True) if any(compare(old, new)) else None


def definition(text: object) -> JsonMapping | None:
    """The definition that a text holds, or None."""
    document = decoded(text)
    return document if isinstance(document, Mapping) else None


def compare(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Difference, ...]]:
    """States that were added, states that were removed, and the fields that changed."""
    left, right = dict(_states(before)), dict(_states(after))
    changed = list(differences(_without_states(before), _without_states(after)))
    for name in (name for name in left if name in right):
        is_job = all(_START_JOB_RUN in str(states[name].get("Resource", "")) for states in (left, right))
        for difference in differences(left[name], right[name]):
            path = difference.path
            if is_job and path[:2] == ("Arguments", "Arguments"):
                # Of the task's arguments, the one that is named Arguments has those of the job.
                path = path[1:]
            changed.append(Difference((name, *path), difference.before, difference.after))
    added = tuple(name for name in right if name not in left)
    return added, tuple(name for name in left if name not in right), tuple(changed)


def inner_machines(state: JsonMapping) -> list[JsonMapping]:
    """The machines within a Parallel or Map state."""
    of_map = [state[key] for key in ("ItemProcessor", "Iterator") if isinstance(state.get(key), Mapping)]
    return [*(state.get("Branches") or []), *of_map]


def happy_path(machine: JsonMapping) -> list[tuple[str, JsonMapping]]:
    """The states, by name, of the shortest way from the start to an end that is no failure; empty if there is none.

    Choices are followed, catches are not; of a Parallel state every branch counts, of a Map one item.
    """
    states: JsonMapping = machine.get("States", {})
    start = machine.get("StartAt")
    ways: list[list[str]] = [[start]] if isinstance(start, str) and start in states else []
    seen = {start}
    while ways:
        way = ways.pop(0)
        state = states[way[-1]]
        if state.get("End") is True or state.get("Type") == "Succeed":
            return [entered for name in way for entered in _entered(name, states[name])]
        for name in _next_of(state):
            if name in states and name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _entered(name: str, state: Mapping[str, object]) -> Iterator[tuple[str, JsonMapping]]:
    yield name, state
    for machine in inner_machines(state):
        yield from happy_path(machine)


def _next_of(state: JsonMapping) -> Iterator[str]:
    steps = [*state.get("Choices", []), {"Next": state.get("Default")}, state]
    yield from (step["Next"] for step in steps if isinstance(step.get("Next"), str))


def _states(machine: JsonMapping, above: str = "") -> Iterator[tuple[str, JsonMapping]]:
    for name, state in machine.get("States", {}).items():
        own = {key: inner for key, inner in state.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
        inner = inner_machines(state)
        if inner:
            own["Machines"] = [_without_states(machine) for machine in inner]
        yield above + name, own
        for machine_within in inner:
            yield from _states(machine_within, f"{above}{name}/")


def _without_states(machine: Mapping[str, object]) -> JsonMapping:
    return {key: inner for key, inner in machine.items() if key != "States"}
