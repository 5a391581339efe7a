"""Values of the contract that stand for values of a column: limits and lists. Each has to be a value of the type."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, Union

from dataset_contract import elements, patterns
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.model import ValueRule
from dataset_contract.naming import as_json
from dataset_contract.types import BOOLEAN, CHAR, DATE, DECIMAL, FLOAT, INTEGER, NUMERIC_KINDS, TEXT_KINDS, ColumnType

Value = Union[int, Decimal, str, bool]

INTEGER_BITS = {"SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_LARGEST_FLOAT = {"REAL": Decimal("3.4028234663852886e38"), "DOUBLE PRECISION": Decimal("1.7976931348623157e308")}
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def read(value: object, type_: ColumnType, place: ElementPath) -> Value:
    """A value of a type as the document writes it.

    Numbers are exact, dates are `2024-12-31`, and timestamps are `2024-12-31T23:59:59.5` in UTC.

    Raises:
        ContractError: it is not a value of the type, or none that the type can hold.
    """
    if type_.kind in NUMERIC_KINDS:
        number = limit(value, type_, place)
        if type_.kind != FLOAT and _scale(Decimal(number)) > type_.scale:
            raise ContractError(place, f"{as_json(value)} does not fit {type_.redshift}; {_decimals(type_)}")
        return number  # type: ignore[no-any-return]
    if type_.kind == BOOLEAN:
        if not isinstance(value, bool):
            raise ContractError(place, f"{as_json(value)} does not fit BOOLEAN; accepted: true, false")
        return value
    if type_.kind in TEXT_KINDS:
        return _text(value, type_, place)
    return _moment(value, type_, place)


def limit(value: object, type_: ColumnType, place: ElementPath) -> Any:
    """A lower or upper limit of a type: as `read`, and a number may have more decimals than the type.

    Raises:
        ContractError: it is not a value of the type, or lies beyond what the type holds.
    """
    if type_.kind not in NUMERIC_KINDS:
        return read(value, type_, place)
    number = elements.number(value, place)
    least, most = bounds(type_)
    if not least <= number <= most:
        raise ContractError(
            place, f"{as_json(value)} is beyond {type_.redshift}; accepted: {_short(least)} to {_short(most)}"
        )
    return int(number) if number == int(number) else number


def bounds(type_: ColumnType) -> tuple[int | Decimal, int | Decimal]:
    """The least and the largest number that a numeric type holds."""
    if type_.kind == INTEGER:
        half = 2 ** (INTEGER_BITS[type_.redshift] - 1)
        return -half, half - 1
    if type_.kind == DECIMAL:
        most = Decimal((0, (9,) * type_.precision, -type_.scale))
        return most.copy_negate(), most
    most = _LARGEST_FLOAT[type_.redshift]
    return most.copy_negate(), most


def keeps(value: Value, rule: ValueRule) -> bool:
    """Whether a value that is not null keeps a rule. Dates and timestamps are in the form that `read` gives."""
    return rule.keyword == "required" or _KEEPS[rule.keyword](value, rule.argument)


def listed(values: object, type_: ColumnType, place: ElementPath) -> tuple[Value, ...]:
    """A list of values of a type, each once.

    Raises:
        ContractError: it is empty or no list, or an item is not a value of the type or there twice.
    """
    if not isinstance(values, list) or not values:
        raise ContractError(place, f"{as_json(values)} is not a list with a value in it; accepted: a list of values")
    found: list[Value] = []
    for index, item in enumerate(values):
        if item is None:
            raise ContractError((*place, index), "null keeps every rule but required; accepted: values, null left out")
        value = read(item, type_, (*place, index))
        if value in found:
            raise ContractError((*place, index), f"{as_json(item)} occurs twice; accepted: each value once")
        found.append(value)
    return tuple(found)


def check_not_null(values: Iterable[Value], null_values: Sequence[str], place: ElementPath, instead: str) -> None:
    """Refuse a value of a list whose text means null in the column's files: it is null before a rule sees it.

    Args:
        values: of the column's type.
        null_values: the column's nullValues.
        place: of the list.
        instead: what to write for it.

    Raises:
        ContractError: it names the value.
    """
    for value in values:
        if (value if isinstance(value, str) else as_json(value)) in null_values:
            raise ContractError(
                place, f"has {as_json(value)}, which the column's nullValues make null before; accepted: {instead}, "
                "or nullValues without it"
            )  # fmt: skip


def check_together(rules: Sequence[ValueRule], place: ElementPath) -> None:
    """Refuse a valid value that the other rules of its column never let in, and lists that have no value in common.

    Raises:
        ContractError: it names the value and the rule.
    """
    lists = [rule.argument for rule in rules if rule.keyword == "validValues" and isinstance(rule.argument, tuple)]
    others = [rule for rule in rules if rule.keyword != "validValues"]
    for value in (value for values in lists for value in values):
        broken = next((rule for rule in others if not keeps(value, rule)), None)
        if broken:
            raise ContractError(
                place,
                f"has the valid value {as_json(value)}, which its {broken.keyword} {as_json(broken.argument)} never "
                "lets in; accepted: valid values that keep the other rules",
            )
    if lists and not any(all(value in values for values in lists) for value in lists[0]):
        raise ContractError(place, "has lists of valid values without a value in common; accepted: one that all share")


def _scale(number: Decimal) -> int:
    """Digits after the point, without trailing zeros. Decimal.normalize would round to 28 digits."""
    _, digits, exponent = number.as_tuple()
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -int(exponent) - trailing) if any(digits) else 0


_KEEPS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "exclusiveMinimum": operator.gt,
    "maximum": operator.le,
    "exclusiveMaximum": operator.lt,
    "multipleOf": lambda value, step: Fraction(value) % Fraction(step) == 0,
    "minLength": lambda value, length: len(value) >= length,
    "maxLength": lambda value, length: len(value) <= length,
    "pattern": lambda value, pattern: re.search(patterns.python(pattern), value) is not None,
    "validValues": lambda value, values: value in values,
    "missingValues": lambda value, values: value not in values,
}


def _decimals(type_: ColumnType) -> str:
    if not type_.scale:
        return "accepted: a whole number"
    return f"accepted: a number of at most {type_.scale} decimals"


def _short(number: int | Decimal) -> str:
    return str(number) if isinstance(number, int) or abs(number) < 10**40 else f"{number:.6E}"


def _text(value: object, type_: ColumnType, place: ElementPath) -> str:
    given = elements.text(value, place)
    if "\0" in given:
        raise ContractError(place, f"{as_json(value)} has a NUL character; accepted: a text without")
    if type_.kind == CHAR and not given.isascii():
        raise ContractError(
            place, f"{as_json(value)} does not fit {type_.redshift}; accepted: single-byte characters only"
        )
    size = len(given.encode("utf-8", "surrogatepass"))
    if type_.bytes is not None and size > type_.bytes:
        raise ContractError(
            place, f"{as_json(value)} takes {size} bytes; accepted: at most {type_.bytes}, as {type_.redshift} holds"
        )
    return given


def _moment(value: object, type_: ColumnType, place: ElementPath) -> str:
    given = elements.text(value, place, _accepted_moment(type_))
    match = _MOMENT.fullmatch(given)
    if match is None or (type_.kind == DATE and match[4]):
        raise ContractError(
            place, f"{as_json(value)} does not fit {type_.redshift}; accepted: {_accepted_moment(type_)}"
        )
    year, month, day, hour, minute, second = (int(match[group] or 0) for group in range(1, 7))
    try:
        micros = int((match[7] or "").ljust(6, "0"))
        moment = datetime(year, month, day, hour, minute, second, micros, timezone.utc) - _offset(match[8] or "Z")
    except (ValueError, OverflowError):
        raise ContractError(
            place, f"{as_json(value)} is not in the calendar; accepted: {_accepted_moment(type_)}"
        ) from None
    return moment.date().isoformat() if type_.kind == DATE else moment.replace(tzinfo=None).isoformat()


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if text[0] == "-" else offset


def _accepted_moment(type_: ColumnType) -> str:
    if type_.kind == DATE:
        return 'a date as "2024-12-31"'
    return 'a timestamp as "2024-12-31T23:59:59", UTC where it has no offset'
