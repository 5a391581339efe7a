"""What a state machine is refused for because of its expressions, when it is created, updated or validated.

https://states-language.net/spec.html#jsonata-expression: an expression has no input document, so `$`, `$$` and the name
of a field are nothing at its top level. Codes and words as measured on AWS: https://github.com/floci-io/floci/pull/2786
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_facts import jsonata as facts
from local_aws.jsonata import ExpressionSyntaxError, embedded
from local_aws.jsonata.program import compiled

# Fields that are evaluated, and which fields of theirs are; True: at any depth.
_EFFECTS: Final[Mapping[str, Any]] = {"Assign": True, "Output": True}
_FIELDS: Final[Mapping[str, Any]] = {
    **_EFFECTS,
    **dict.fromkeys(("Arguments", "ItemSelector"), True),
    **dict.fromkeys(facts.FIELD_TYPES, True),
    "Credentials": {"RoleArn": True},
    "ItemReader": {"Arguments": True, "ReaderConfig": {"MaxItems": True}},
    "ItemBatcher": {"BatchInput": True, "MaxInputBytesPerBatch": True, "MaxItemsPerBatch": True},
    "ResultWriter": {"Arguments": True},
    "Choices": {"Condition": True, **_EFFECTS},
    "Catch": _EFFECTS,
}
_ERROR_OUTPUT: Final = "$states.errorOutput"


@dataclass(frozen=True)
class ExpressionDiagnostic:
    """One reason, as ValidateStateMachineDefinition gives it: `location` is a path such as /States/Load/Output/rows."""

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location}"


def problems(definition: object) -> list[ExpressionDiagnostic]:
    """Every expression of a definition that AWS refuses, in the order of the definition; none where it has no form."""
    if not isinstance(definition, Mapping):
        return []
    return list(_in_states(definition, definition.get("QueryLanguage", "JSONPath"), ""))


def _in_states(machine: object, language: object, location: str) -> Iterator[ExpressionDiagnostic]:
    states = machine.get("States") if isinstance(machine, Mapping) else None
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if not isinstance(state, Mapping):
            continue
        at = f"{location}/States/{name}"
        if state.get("QueryLanguage", language) == "JSONata":
            yield from _in_fields(state, _FIELDS, at)
        # States inside take the language of the whole machine.
        for key in ("ItemProcessor", "Iterator"):
            yield from _in_states(state.get(key), language, f"{at}/{key}")
        branches = state.get("Branches")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _in_states(branch, language, f"{at}/Branches[{index}]")


def _in_fields(value: object, fields: Any, location: str, *, caught: bool = False) -> Iterator[ExpressionDiagnostic]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            below = True if fields is True else fields.get(key)
            if below is not None:
                inside = caught or (fields is _FIELDS and key == "Catch")
                yield from _in_fields(member, below, f"{location}/{key}", caught=inside)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _in_fields(member, fields, f"{location}[{index}]", caught=caught)
    elif fields is True and (expression := embedded(value)) is not None:
        yield from _in_expression(expression, location, caught)
    elif fields is True and isinstance(value, str) and _half_open(value):
        yield ExpressionDiagnostic(facts.INVALID_EXPRESSION, facts.HALF_OPEN, location)


def _half_open(text: str) -> bool:
    # What is inside of a text at both ends is text, as AWS answered LocalStack's tests.
    return text.startswith("{%") or text.endswith("%}")


def _in_expression(expression: str, location: str, caught: bool) -> Iterator[ExpressionDiagnostic]:
    try:
        tree = compiled(expression).ast
    except ExpressionSyntaxError as error:
        yield ExpressionDiagnostic(facts.INVALID_EXPRESSION, error.message, location)
        return
    for name in dict.fromkeys(_references(tree)):
        if name == _ERROR_OUTPUT:
            if caught:
                continue
            message = f"Field '{name}' does not exist."
        elif name == "$$":
            message = "Reference to '$$' is not supported."
        else:
            message = f"Reference to '{name}' at the top level is not supported."
        yield ExpressionDiagnostic(facts.UNSUPPORTED_EXPRESSION, message, location)


def _references(node: Any) -> Iterator[str]:
    """What an expression refers to that is not there: predicates, groups and later steps of a path have a context."""
    if node is None:
        return
    kind = node.type
    if kind == "path":
        yield from _references(node.steps[0])
        names = [step.value for step in node.steps[:2] if step.type in ("variable", "name")]
        if names == ["states", "errorOutput"] and node.steps[0].type == "variable":
            yield _ERROR_OUTPUT
    elif kind == "name":
        yield str(node.value)
    elif kind == "variable":
        if node.value in ("", "$"):
            yield f"${node.value}"
    elif kind == "lambda":
        yield from _references(node.body)
    elif kind == "unary" and str(node.value) == "{":
        for key, value in node.lhs_object:
            yield from _references(key)
            yield from _references(value)
    elif kind in ("unary", "binary", "apply", "bind", "condition", "block", "function", "partial"):
        parts = (node.expression, node.lhs if kind != "bind" else None, node.rhs, node.condition, node.then, node._else)
        for part in (*parts, node.procedure, *(node.expressions or ()), *(node.arguments or ())):
            yield from _references(part)
