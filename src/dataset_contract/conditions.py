"""The value rules of a contract as SQL: for each rule, the condition that a value breaks it by.

Both engines are given the same conditions; a `Dialect` says how an engine writes what they are made of. A limit is
brought to the grid of the column's type first, so that no comparison rounds or overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Union

from dataset_contract.model import RuleArgument, ValueRule
from dataset_contract.types import BOOLEAN, FLOAT, NUMERIC_KINDS, TEXT_KINDS, ColumnType

Single = Union[int, Decimal, str, bool]

EXACT = Context(prec=1000)
# keyword -> the comparison that a refused value makes true, and how the limit is brought to the type's grid.
_LIMITS = {
    "minimum": ("<", ROUND_CEILING),
    "exclusiveMinimum": ("<=", ROUND_FLOOR),
    "maximum": (">", ROUND_FLOOR),
    "exclusiveMaximum": (">=", ROUND_CEILING),
}
# What `kept` says directly, so that `broken` is its opposite; of all others it is the other way round.
_KEPT = ("pattern", "validValues")


class Dialect:
    """How an engine writes it. Every method takes and returns SQL, but for the constants."""

    def text(self, value: str) -> str:
        """A text constant."""
        raise NotImplementedError

    def type(self, type_: ColumnType) -> str:
        """The engine's name of a type."""
        raise NotImplementedError

    def moment(self, value: str, type_: ColumnType) -> str:
        """A constant of a date or timestamp: ISO 8601, UTC without a suffix."""
        raise NotImplementedError

    def length(self, value: str) -> str:
        """The number of characters."""
        raise NotImplementedError

    def matches(self, value: str, pattern: str) -> str:
        """Whether a pattern of the contract is found in a text."""
        raise NotImplementedError

    def no_multiple(self, value: str, step: Decimal, type_: ColumnType) -> str:
        """Whether a number is not a multiple of `step`, exactly."""
        raise NotImplementedError


def broken(rule: ValueRule, type_: ColumnType, value: str, dialect: Dialect) -> str:
    """SQL that is true for a value that breaks the rule; null or false for null, but for `required`.

    Args:
        rule: of a column of the type `type_`, as the contract's reader makes it: its arguments are values of the type.
        type_: the column's type.
        value: an expression of that type.
        dialect: the engine's.
    """
    keyword, argument = rule.keyword, rule.argument
    if keyword == "required":
        return f"{value} IS NULL"
    if keyword in _LIMITS:
        comparison, rounding = _LIMITS[keyword]
        return f"{value} {comparison} {_constant(_single(argument), type_, dialect, rounding)}"
    if keyword == "multipleOf":
        return dialect.no_multiple(value, Decimal(_single(argument)), type_)
    if keyword == "minLength":
        return f"{dialect.length(value)} < {argument}"
    if keyword == "maxLength":
        return f"{dialect.length(value)} > {argument}"
    if keyword == "missingValues":
        return _among(rule, type_, value, dialect)
    if keyword in _KEPT:
        return f"NOT ({kept(rule, type_, value, dialect)})"
    raise NotImplementedError(f"the rule {keyword} is no condition here")


def kept(rule: ValueRule, type_: ColumnType, value: str, dialect: Dialect) -> str:
    """SQL that is true for a value that keeps the rule, and for no other; the arguments are those of `broken`."""
    if rule.keyword == "pattern":
        return dialect.matches(value, str(rule.argument))
    if rule.keyword == "validValues":
        return _among(rule, type_, value, dialect)
    return f"NOT ({broken(rule, type_, value, dialect)})"


def any_broken(rules: Sequence[ValueRule], type_: ColumnType, value: str, dialect: Dialect) -> str:
    """SQL that is true for a value that breaks one of the rules, and false for any other."""
    return " OR ".join(f"coalesce({broken(rule, type_, value, dialect)}, false)" for rule in rules) or "false"


def number(value: Decimal, type_: ColumnType, dialect: Dialect) -> str:
    """A constant of a numeric type, which can hold the value."""
    return f"CAST('{value:f}' AS {dialect.type(type_)})"


def _single(argument: RuleArgument) -> Single:
    if isinstance(argument, tuple):
        raise TypeError(f"a limit is one value, not {argument!r}")
    return argument


def _among(rule: ValueRule, type_: ColumnType, value: str, dialect: Dialect) -> str:
    arguments = rule.argument if isinstance(rule.argument, tuple) else (rule.argument,)
    return f"{value} IN ({', '.join(_constant(item, type_, dialect) for item in arguments)})"


def _constant(argument: Single, type_: ColumnType, dialect: Dialect, rounding: str = ROUND_FLOOR) -> str:
    """Only limits may have more decimals than the type, and only they are rounded."""
    if type_.kind in TEXT_KINDS:
        return dialect.text(str(argument))
    if type_.kind == BOOLEAN:
        return "true" if argument else "false"
    if type_.kind not in NUMERIC_KINDS:
        return dialect.moment(str(argument), type_)
    value = Decimal(argument)
    if type_.kind != FLOAT:
        value = value.quantize(Decimal(1).scaleb(-type_.scale), rounding=rounding, context=EXACT)
    return number(value, type_, dialect)
