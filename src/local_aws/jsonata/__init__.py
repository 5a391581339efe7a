"""JSONata as Step Functions evaluates it: AWS's functions on top of the language, and no undefined results.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from jsonata import Jsonata
from jsonata.utils import Utils

_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_MOST_RANGE_ITEMS: Final = 1_000
_LARGEST_EXACT_INTEGER: Final = 2**53
_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)")


class QueryError(Exception):
    """An expression cannot be evaluated, or has a result that is not JSON; Step Functions' QueryEvaluationError."""


def variables_in(expression: str) -> set[str]:
    """The names behind each `$` of an expression, functions included."""
    return set(_VARIABLE.findall(expression))


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Evaluate an expression (without its `{% %}`) over variables that hold JSON values; the result is JSON too.

    Raises:
        QueryError: the expression is malformed, fails, or has the result undefined or a function.
    """
    try:
        compiled = Jsonata(expression)
        # Else null and undefined would both be None.
        compiled.set_output_convert_nulls(False)
        for name, function in _FUNCTIONS.items():
            compiled.register_lambda(name, function)
        result = compiled.evaluate(None, {name: _to_jsonata(value) for name, value in variables.items()})
    except Exception as error:  # the library raises what Python raised: ZeroDivisionError, TypeError, RecursionError …
        raise QueryError(f"The JSONata expression '{expression}' threw an error during evaluation: {error}") from error
    if result is None:
        raise QueryError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    try:
        return _from_jsonata(result)
    except TypeError as error:
        raise QueryError(f"The JSONata expression '{expression}' returned an unsupported result type.") from error


def _to_jsonata(value: Any) -> Any:
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, Mapping):
        return {name: _to_jsonata(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_to_jsonata(member) for member in value]
    return _number(value)


def _from_jsonata(value: Any) -> Any:
    """Raises TypeError for what is not JSON."""
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, Mapping):
        return {str(name): _from_jsonata(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_from_jsonata(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"{value} is no JSON")
    if isinstance(value, bool | int | float | str):
        return _number(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _number(value: Any) -> Any:
    # JSONata has one kind of number, which prints 2.0 as 2.
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT_INTEGER:
        return int(value)
    return value


def _partition(array: Any, size: Any) -> list[list[Any]]:
    if not isinstance(array, list):
        raise TypeError("$partition needs an array")
    if not _is_number(size) or size < 1:
        raise TypeError("$partition needs a chunk size of at least 1")
    step = int(size)
    return [array[first : first + step] for first in range(0, len(array), step)]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    if not all(map(_is_number, (first, last, step))):
        raise TypeError("$range needs three numbers")
    begin, end, by = round(first), round(last), round(step)
    if by == 0:
        raise ValueError("$range needs a step other than 0")
    values = range(begin, end + (1 if by > 0 else -1), by)
    if len(values) > _MOST_RANGE_ITEMS:
        raise ValueError(f"$range gives at most {_MOST_RANGE_ITEMS} values")
    return list(values)


def _hash(text: Any, algorithm: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("$hash needs a text")
    if algorithm not in _HASHES:
        raise ValueError(f"$hash knows {', '.join(_HASHES)}")
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    if seed is not None and not _is_number(seed):
        raise TypeError("$random needs a number as its seed")
    return random.Random(seed).random()


def _parse(text: Any) -> Any:
    if not isinstance(text, str):
        raise TypeError("$parse needs a text")
    return _to_jsonata(json.loads(text))


def _eval(*_arguments: Any) -> Any:
    raise TypeError("$eval is not supported; $parse reads JSON")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _parse,
    "eval": _eval,
}
