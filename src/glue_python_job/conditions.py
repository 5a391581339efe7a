"""The value rules of a contract as SQL: for each rule, the condition that a value breaks it by.

A limit is brought to the grid of the column's type first, so that no comparison rounds or overflows.
"""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Union

from dataset_contract.model import Column, RuleArgument, ValueRule
from dataset_contract.types import DATE, DECIMAL, FLOAT, NUMERIC_KINDS, TIME_KINDS, TIMESTAMPTZ, ColumnType
from glue_python_job import sql

Single = Union[int, Decimal, str, bool]

_EXACT = Context(prec=1000)
# keyword -> the comparison that a refused value makes true, and how the limit is brought to the type's grid.
_LIMITS = {
    "minimum": ("<", ROUND_CEILING),
    "exclusiveMinimum": ("<=", ROUND_FLOOR),
    "maximum": (">", ROUND_FLOOR),
    "exclusiveMaximum": (">=", ROUND_CEILING),
}


def broken(rule: ValueRule, column: Column, value: str) -> str:
    """SQL that is true for a value that breaks the rule. `value`: an expression of the column's type.

    It is null or false for null, but for `required`.
    """
    keyword, argument = rule.keyword, rule.argument
    if keyword == "required":
        return f"{value} IS NULL"
    if keyword in _LIMITS:
        return _beyond(keyword, _single(argument), column.type, value)
    if keyword == "multipleOf":
        return _no_multiple(_number(argument), column.type, value)
    if keyword == "minLength":
        return f"length({value}) < {argument}"
    if keyword == "maxLength":
        return f"length({value}) > {argument}"
    if keyword == "pattern":
        return f"NOT regexp_matches({value}, {sql.literal(str(argument))})"
    values = argument if isinstance(argument, tuple) else (argument,)
    literals = ", ".join(_literal(each, column.type) for each in values)
    return f"{value} {'IN' if keyword == 'missingValues' else 'NOT IN'} ({literals})"


def any_broken(rules: tuple[ValueRule, ...], column: Column, value: str) -> str:
    """SQL that is true for a value that breaks one of the rules."""
    return " OR ".join(f"coalesce({broken(rule, column, value)}, false)" for rule in rules) or "false"


def _beyond(keyword: str, argument: Single, type_: ColumnType, value: str) -> str:
    comparison, rounding = _LIMITS[keyword]
    if type_.kind in TIME_KINDS:
        return f"{value} {comparison} {_moment(str(argument), type_)}"
    if type_.kind not in NUMERIC_KINDS:
        return f"{value} {comparison} {sql.literal(str(argument))}"
    limit = _number(argument)
    if type_.kind != FLOAT:
        limit = limit.quantize(Decimal(1).scaleb(-type_.scale), rounding=rounding, context=_EXACT)
    return f"{value} {comparison} {_exact(limit, type_)}"


def _no_multiple(step: Decimal, type_: ColumnType, value: str) -> str:
    # In units of the last decimal: whole numbers that are multiples of n / d, in lowest terms, are multiples of n.
    units, _ = step.scaleb(type_.scale, context=_EXACT).as_integer_ratio()
    digits = f"replace(CAST({value} AS VARCHAR), '.', '')" if type_.kind == DECIMAL else value
    if units >= 10**38:
        return f"{value} <> 0"
    return f"CAST({digits} AS HUGEINT) % CAST({units} AS HUGEINT) <> 0"


def _literal(argument: Single, type_: ColumnType) -> str:
    if type_.kind in TIME_KINDS:
        return _moment(str(argument), type_)
    if isinstance(argument, bool):
        return "true" if argument else "false"
    return _exact(_number(argument), type_) if type_.kind in NUMERIC_KINDS else sql.literal(str(argument))


def _single(argument: RuleArgument) -> Single:
    if isinstance(argument, tuple):
        raise TypeError(f"a limit is one value, not {argument!r}")
    return argument


def _number(argument: RuleArgument) -> Decimal:
    if isinstance(argument, (bool, tuple)):
        raise TypeError(f"a limit of a number is a number, not {argument!r}")
    return Decimal(argument)


def _exact(number: Decimal, type_: ColumnType) -> str:
    return f"CAST('{number:f}' AS {type_.duckdb})"


def _moment(text: str, type_: ColumnType) -> str:
    if type_.kind == DATE:
        return "DATE " + sql.literal(date.fromisoformat(text).isoformat())
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    text = moment.isoformat(sep=" ")
    if type_.kind == TIMESTAMPTZ:
        return "TIMESTAMPTZ " + sql.literal(text + "+00")
    return "TIMESTAMP " + sql.literal(text)
