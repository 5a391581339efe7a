"""JSONata as Step Functions evaluates it: version 2.0.6, AWS's functions and bounds, no undefined results.

One implementation for both engines and for the cross-check. Facts with their sources are in `aws_facts.jsonata`.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from aws_facts import jsonata as facts
from local_aws.jsonata import numbers
from local_aws.jsonata.errors import NOTHING, EvaluationError, ExpressionSyntaxError, failure
from local_aws.jsonata.functions import NULL, is_function
from local_aws.jsonata.program import compiled

__all__ = ["EvaluationError", "ExpressionSyntaxError", "embedded", "evaluate", "type_name", "variables_in"]


def embedded(value: object) -> str | None:
    """The expression of a value `{% … %}`; None for a value that is none."""
    if isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}"):
        return value[2:-2]
    return None


def evaluate(expression: str, variables: Mapping[str, object], expected: str | None = None) -> Any:
    """Evaluate an expression (without its `{% %}`) over variables that hold JSON values; the result is JSON too.

    A number that is not finite comes out as the text `Infinity`, `-Infinity` or `NaN`. `expected` is the type that the
    result has to have, as `aws_facts.jsonata.FIELD_TYPES` has it for a field.

    Raises:
        EvaluationError: the expression is malformed, fails, or has the result undefined, a function or of another type.
    """
    program = compiled(expression)
    try:
        result = program.evaluate(None, {name: to_jsonata(value) for name, value in variables.items()})
    except RecursionError as error:
        raise EvaluationError(expression, f"threw an error during evaluation: {facts.STACK_OVERFLOW}") from error
    except Exception as error:  # what the library's functions raise: JException, and TypeError, ValueError …
        raise EvaluationError(expression, f"threw an error during evaluation{failure(error)}") from error
    if result is None:
        raise EvaluationError(expression, NOTHING)
    try:
        value = _Result().json(result)
    except TypeError as error:
        raise EvaluationError(expression, "returned an unsupported result type.") from error
    except MemoryError as error:
        raise EvaluationError(expression, f"threw an error during evaluation: {facts.MEMORY_EXCEEDED}") from error
    if expected is not None and type_name(value) != expected:
        written = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        found = f"Expected '{expected}', but was '{type_name(value)}' for value: {written}"
        raise EvaluationError(expression, f"returned an unexpected result type. {found}")
    return value


def type_name(value: object) -> str:
    """The type of a JSON value as AWS names it: null, boolean, number, string, array or object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def variables_in(expression: str) -> set[str]:
    """The names behind each `$` of an expression, functions included.

    Raises:
        ExpressionSyntaxError: the expression is not JSONata 2.0.6.
    """
    return set(compiled(expression).names)


def to_jsonata(value: Any) -> Any:
    """A JSON value as the evaluator holds it: null is not undefined."""
    if value is None:
        return NULL
    if isinstance(value, Mapping):
        return {name: to_jsonata(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonata(member) for member in value]
    return numbers.plain(value) if numbers.is_number(value) else value


class _Result:
    """A result as JSON. What an expression built of one value many times is as large as it is written."""

    def __init__(self) -> None:
        self._left = facts.MOST_ELEMENTS

    def json(self, value: Any) -> Any:
        """Raises TypeError for what is not JSON, MemoryError for more than AWS holds."""
        self._left -= 1
        if self._left < 0:
            raise MemoryError
        if value is None or value is NULL:
            return None
        if isinstance(value, str | bool):
            return value
        if numbers.is_number(value):
            return numbers.plain(value) if math.isfinite(value) else _name(value)
        if isinstance(value, Mapping):
            return {str(name): self.json(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(member) for member in value]
        raise TypeError(f"{'a function' if is_function(value) else type(value).__name__} is not JSON")


def _name(value: float) -> str:
    """How a number that is not finite is written.

    https://github.com/floci-io/floci/pull/2783
    """
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
