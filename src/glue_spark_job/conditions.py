"""The value rules of a contract as Spark SQL: for each rule, the condition that a value breaks it by.

A limit is brought to the grid of the column's type first, so that no comparison rounds or overflows.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from dataset_contract import patterns
from dataset_contract.model import RuleArgument, ValueRule
from dataset_contract.types import BOOLEAN, DATE, FLOAT, NUMERIC_KINDS, TEXT_KINDS, ColumnType
from glue_spark_job import sql

_Single = int | Decimal | str | bool
_EXACT = Context(prec=1000)
# keyword -> the comparison that a refused value makes true, and how the limit is brought to the type's grid.
_LIMITS = {
    "minimum": ("<", ROUND_CEILING),
    "exclusiveMinimum": ("<=", ROUND_FLOOR),
    "maximum": (">", ROUND_FLOOR),
    "exclusiveMaximum": (">=", ROUND_CEILING),
}


def broken(rule: ValueRule, type_: ColumnType, value: str) -> str:
    """SQL that is true for a value that breaks the rule; null or false for null, but for `required`.

    Args:
        rule: of a column of the type `type_`, as the contract's reader makes it: its arguments are values of the type.
        type_: the column's type.
        value: an expression of that type.
    """
    keyword, argument = rule.keyword, rule.argument
    if keyword == "required":
        return f"{value} IS NULL"
    if keyword in _LIMITS:
        comparison, rounding = _LIMITS[keyword]
        return f"{value} {comparison} {_literal(_single(argument), type_, rounding)}"
    if keyword == "multipleOf":
        return f"{value} % {_literal(_single(argument), type_)} <> 0"
    if keyword == "minLength":
        return f"char_length({value}) < {argument}"
    if keyword == "maxLength":
        return f"char_length({value}) > {argument}"
    if keyword == "pattern":
        return f"NOT ({value} RLIKE {sql.literal(patterns.java(str(argument)))})"
    arguments = argument if isinstance(argument, tuple) else (argument,)
    among = f"{value} IN ({', '.join(_literal(item, type_) for item in arguments)})"
    return among if keyword == "missingValues" else f"NOT ({among})"


def _single(argument: RuleArgument) -> _Single:
    if isinstance(argument, tuple):
        raise TypeError(f"a limit is one value, not {argument!r}")
    return argument


def _literal(argument: _Single, type_: ColumnType, rounding: str = ROUND_FLOOR) -> str:
    """A literal of the type. Only limits have more decimals than it, and only they are rounded."""
    if type_.kind in TEXT_KINDS:
        return sql.literal(str(argument))
    if type_.kind == BOOLEAN:
        return "true" if argument else "false"
    if type_.kind in NUMERIC_KINDS:
        number = Decimal(argument)
        if type_.kind != FLOAT:
            number = number.quantize(Decimal(1).scaleb(-type_.scale), rounding=rounding, context=_EXACT)
        return f"CAST('{number:f}' AS {type_.spark})"
    return f"{'DATE' if type_.kind == DATE else 'TIMESTAMP'} '{argument}'"
