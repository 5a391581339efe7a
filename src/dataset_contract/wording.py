"""Why a value or a row is refused, in the words of people. `rejected.reason` and the messages of jobs are these."""

from __future__ import annotations

from decimal import Decimal

from dataset_contract.model import RuleArgument, ValueRule
from dataset_contract.naming import as_json
from dataset_contract.types import CHAR, ColumnType

REQUIRED = "required but empty"
DUPLICATE = "duplicate key"
NOT_JSON = "not valid JSON"
NOT_AN_OBJECT = "not a JSON object"
TOO_FEW_FIELDS = "too few fields"
TOO_MANY_FIELDS = "too many fields"
NUL = "has a NUL character"
HALF_PAIR = "has half of a surrogate pair"
SINGLE_BYTES = "CHAR takes single-byte characters only"

# A reason may hold text of its row, so that there is no end of them: beyond so many the rest counts as one.
MOST_REASONS = 1_000
OTHER_REASONS = "(other reasons)"


def key_twice(key: str) -> str:
    """Of a JSON object, whose key is told as it is shown."""
    return f"has two keys {key}"


def other_case(key: str, column: str, both: bool) -> str:
    """Of a key that is a column's but for upper and lower case; `both`: the column's own key is there too."""
    return f"has the key {key} {'beside' if both else 'instead of'} {column}"


def not_a(type_: ColumnType) -> str:
    """`not an INTEGER`."""
    return f"not {'an' if type_.redshift[0] in 'AEIOU' else 'a'} {type_.redshift}"


def too_long(type_: ColumnType) -> str:
    """`longer than the 8 bytes of VARCHAR(8)`."""
    return f"longer than the {type_.bytes} {'characters' if type_.kind == CHAR else 'bytes'} of {type_.redshift}"


def reason(rule: ValueRule) -> str:
    """`less than 1 (minimum)`."""
    told = shown(rule.argument)
    return {
        "required": REQUIRED,
        "minimum": f"less than {told} (minimum)",
        "exclusiveMinimum": f"not more than {told} (exclusiveMinimum)",
        "maximum": f"more than {told} (maximum)",
        "exclusiveMaximum": f"not less than {told} (exclusiveMaximum)",
        "multipleOf": f"not a multiple of {told}",
        "minLength": f"shorter than {told} characters (minLength)",
        "maxLength": f"longer than {told} characters (maxLength)",
        "pattern": f"does not match the pattern {told}",
        "validValues": f"not one of {told}",
        "missingValues": f"counts as missing: one of {told}",
    }[rule.keyword]


def shown(value: RuleArgument) -> str:
    """A limit as the contract writes it; of many values the first ten, texts in quotes."""
    if isinstance(value, tuple):
        more = f", … ({len(value)} values)" if len(value) > 10 else ""
        return ", ".join(as_json(item) if isinstance(item, str) else shown(item) for item in value[:10]) + more
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
