"""Lower and upper limits of a column, as its logicalTypeOptions write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from glue_python_job import sql
from glue_python_job.column_types import ColumnType

# keyword -> the comparison that a refused value makes true
_REFUSED = {"minimum": "<", "exclusiveMinimum": "<=", "maximum": ">", "exclusiveMaximum": ">="}


@dataclass(frozen=True)
class Limit:
    """keyword: of logicalTypeOptions. shown: the limit for messages. refused: `< 1`, true for a value beyond it."""

    keyword: str
    shown: str
    refused: str


def parse_limits(options: Mapping[str, Any], type_: ColumnType) -> tuple[Limit, ...]:
    """Read minimum, maximum and their exclusive forms.

    The exclusive forms are limits of their own (standard 3.0.1 and later), or true, which makes minimum or maximum
    exclusive (standard 3.0.0).

    Raises:
        ValueError: a limit is not a value of the type; the message begins with the keyword.
    """
    limits = []
    for keyword, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        strict = options.get(exclusive)
        if isinstance(strict, bool):
            if strict and options.get(keyword) is None:
                raise ValueError(f"{exclusive} is true without a {keyword}; give the limit")
            if options.get(keyword) is not None:
                limits.append(_limit(exclusive if strict else keyword, options[keyword], type_))
            continue
        for name in (keyword, exclusive):
            if options.get(name) is not None:
                limits.append(_limit(name, options[name], type_))
    return tuple(limits)


def _limit(keyword: str, value: object, type_: ColumnType) -> Limit:
    try:
        text = _literal(value, type_)
    except ValueError as error:
        raise ValueError(f"{keyword} is {value!r}; {error}") from error
    return Limit(keyword, str(value), f"{_REFUSED[keyword]} {text}")


def _literal(value: object, type_: ColumnType) -> str:
    if type_.kind in ("integer", "decimal", "float"):
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise ValueError("write a number")
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise ValueError("write a string, ISO 8601")
    if type_.kind == "date":
        return "DATE " + sql.literal(date.fromisoformat(value).isoformat())
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    text = moment.isoformat(sep=" ")
    return (
        "TIMESTAMPTZ " + sql.literal(text + "+00") if type_.kind == "timestamptz" else "TIMESTAMP " + sql.literal(text)
    )
