"""Why an expression fails, in the words of Step Functions."""

from __future__ import annotations

import json
import re
from typing import Final

from jsonata.jexception import JException
from jsonata.utils import Utils

_PLACE: Final = re.compile(r"\{\{(\{)?\w+\}\}\}?")
_ELEMENTS: Final = {
    "a": "arrays",
    "b": "booleans",
    "f": "functions",
    "n": "numbers",
    "o": "objects",
    "s": "strings",
}
NOTHING: Final = "returned nothing (undefined)."
_OWN_MESSAGE: Final = {"D3137", "D3141"}


class EvaluationError(Exception):
    """An expression cannot be evaluated, or has a result that is not JSON; Step Functions' QueryEvaluationError.

    `str` gives AWS's sentence without the field; `cause` gives it with one.
    """

    def __init__(self, expression: str, problem: str) -> None:
        self.expression = expression.strip()
        self.problem = problem
        super().__init__(f"The JSONata expression '{self.expression}' {problem}")

    def cause(self, field: str) -> str:
        """AWS's sentence for a field of a state, named by its path: `Output/name`, `Choices[0]/Condition`."""
        return f"The JSONata expression '{self.expression}' specified for the field '{field}' {self.problem}"


class ExpressionSyntaxError(EvaluationError):
    """An expression that is not JSONata 2.0.6: `message` as AWS gives it, `position` the offset where it shows."""

    def __init__(self, expression: str, message: str, position: int) -> None:
        super().__init__(expression, f"is not JSONata: {message}")
        self.message = message
        self.position = position


class BoundExceededError(Exception):
    """An evaluation that exceeds one of AWS's bounds; the text is AWS's."""


def failure(error: Exception) -> str:
    """What follows `threw an error during evaluation`: `. CODE: message` or `: message`."""
    if isinstance(error, JException):
        code = str(error.error)
        return f". {code}: {message(error)}" if code in JException.error_codes else f": {code}"
    return f": {error}"


def message(error: JException) -> str:
    """An error of the language in the words of its reference implementation, without the code.

    The library's templates call every function an Object, quote names doubly, and its messages quote no value.
    """
    code, values = str(error.error), [error.current, error.expected, error.extra]
    if code in _OWN_MESSAGE:
        return str(values[0])
    if code == "T0412":
        values[2] = _ELEMENTS.get(str(values[2])[:1], values[2])
    template = JException.error_codes.get(code, code).replace("Object", "function").replace('"', "'")
    given = iter(values)
    return _PLACE.sub(lambda place: _written(next(given, None), raw=place.group(1) is not None), template)


def _written(value: object, *, raw: bool) -> str:
    if raw:
        return str(value)
    return json.dumps(value, default=lambda other: None if other is Utils.NULL_VALUE else "", ensure_ascii=False)
