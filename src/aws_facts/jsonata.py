"""JSONata as Step Functions evaluates it: the version, its functions, its limits, what a definition is refused for.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html says which version and which functions. The
limits stand in no documentation: they were measured on AWS, as the issues beside them tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VERSION: Final = "2.0.6"
# Operators that a later version of the language added; 2.0.6 reads each as two tokens, and refuses the second.
# https://github.com/jsonata-js/jsonata/blob/v2.1.0/CHANGELOG.md
LATER_OPERATORS: Final = ("??", "?:")

# https://github.com/jsonata-js/jsonata/blob/v2.0.6/src/jsonata.js
LANGUAGE_FUNCTIONS: Final = frozenset(
    {
        *("abs", "append", "assert", "average", "base64decode", "base64encode", "boolean", "ceil", "clone"),
        *("contains", "count", "decodeUrl", "decodeUrlComponent", "distinct", "each", "encodeUrl"),
        *("encodeUrlComponent", "error", "eval", "exists", "filter", "floor", "formatBase", "formatInteger"),
        *("formatNumber", "fromMillis", "join", "keys", "length", "lookup", "lowercase", "map", "match", "max"),
        *("merge", "millis", "min", "not", "now", "number", "pad", "parseInteger", "power", "random", "reduce"),
        *("replace", "reverse", "round", "shuffle", "sift", "single", "sort", "split", "spread", "sqrt", "string"),
        *("substring", "substringAfter", "substringBefore", "sum", "toMillis", "trim", "type", "uppercase", "zip"),
    }
)
# "JSONata functions provided by Step Functions", with the most arguments that each takes. $random replaces the
# language's own, which takes none.
ADDED_FUNCTIONS: Final = {"partition": 2, "range": 3, "hash": 2, "random": 1, "uuid": 0, "parse": 1}
# "… does not support $eval": calling it is calling something that is not a function.
MISSING_FUNCTIONS: Final = frozenset({"eval"})
FUNCTIONS: Final = (LANGUAGE_FUNCTIONS | ADDED_FUNCTIONS.keys()) - MISSING_FUNCTIONS
HASH_ALGORITHMS: Final = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")

# Levels of evaluation: the 101st fails. https://github.com/floci-io/floci/issues/2737, as are the next two
MOST_DEPTH: Final = 100
# Elements of one array: [1..873782] is evaluated, [1..873783] is not.
MOST_ELEMENTS: Final = 873_782
# Characters of one string: 2^22 are evaluated, 2^23 are not; between them nothing is known.
MOST_CHARACTERS: Final = 2**22
# Elements that $range gives: https://github.com/floci-io/floci/pull/2790
MOST_RANGE_ELEMENTS: Final = 360_145
# Not known; AWS says only that there is one. Seconds of the processor.
MOST_SECONDS: Final = 5.0

# Words of a failed evaluation: https://github.com/floci-io/floci/issues/2737
STACK_OVERFLOW: Final = (
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
)
MEMORY_EXCEEDED: Final = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TIME_EXCEEDED: Final = "Expression evaluation timeout: Check for infinite loop"

# Codes that CreateStateMachine, UpdateStateMachine and ValidateStateMachineDefinition answer for an expression:
# https://github.com/floci-io/floci/issues/2745 and https://github.com/floci-io/floci/issues/2670
INVALID_EXPRESSION: Final = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED_EXPRESSION: Final = "UNSUPPORTED_JSONATA_EXPRESSION"
# "The string must start with {% with no leading spaces. The string must end with %} with no trailing spaces. Improperly
# opening or closing the expression will result in a validation error":
# https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html; the words are ours
HALF_OPEN: Final = "An expression starts with '{%' and ends with '%}', with no spaces around them."
# The reserved variable: https://states-language.net/spec.html#jsonata-expression
STATES: Final = "states"

# The fields whose `{% … %}` is evaluated, each with what its result has to be (None: any JSON). At any depth of
# Arguments, Assign, ItemSelector, Output and BatchInput a text can be an expression.
# https://states-language.net/spec.html#fields-jsonata and the page of each state type
ANY: Final = None
FIELD_TYPES: Final = {
    "Arguments": ANY,
    "Assign": ANY,
    "Output": ANY,
    "ItemSelector": ANY,
    "BatchInput": ANY,
    "Items": "array",
    "Condition": "boolean",
    "Seconds": "number",
    "Timestamp": "string",
    "TimeoutSeconds": "number",
    "HeartbeatSeconds": "number",
    "MaxConcurrency": "number",
    "ToleratedFailureCount": "number",
    "ToleratedFailurePercentage": "number",
    "MaxItems": "number",
    "MaxItemsPerBatch": "number",
    "MaxInputBytesPerBatch": "number",
    "Error": "string",
    "Cause": "string",
    "RoleArn": "string",
}

# What such a number has to be: whole, from the first to the second (None: no end); a percentage may have a fraction.
# https://states-language.net/spec.html#wait-state, #task-state, #map-state and below them; the words are ours
_ANY_POSITIVE: Final = (1, None)
_ANY_COUNT: Final = (0, None)
FIELD_LIMITS: Final[Mapping[str, tuple[int, int | None]]] = MappingProxyType(
    {
        "Seconds": (0, 99_999_999),
        "TimeoutSeconds": (1, 99_999_999),
        "HeartbeatSeconds": (1, 99_999_999),
        "MaxConcurrency": _ANY_COUNT,
        "ToleratedFailureCount": _ANY_COUNT,
        "ToleratedFailurePercentage": (0, 100),
        "MaxItems": _ANY_POSITIVE,
        "MaxItemsPerBatch": _ANY_POSITIVE,
        "MaxInputBytesPerBatch": _ANY_POSITIVE,
    }
)
WITH_FRACTION: Final = frozenset({"ToleratedFailurePercentage"})


def number_refusal(field: str, value: float) -> str:
    """Why a field, by its name, cannot have a number; empty where it can."""
    least, most = FIELD_LIMITS.get(field, (None, None))
    whole = field in WITH_FRACTION or field not in FIELD_LIMITS or value == int(value)
    if whole and (least is None or least <= value) and (most is None or value <= most):
        return ""
    kind = "a number" if field in WITH_FRACTION else "an integer"
    return f"returned {json.dumps(value)}. Expected {kind} of at least {least}" + (
        f" and at most {most}." if most else "."
    )
