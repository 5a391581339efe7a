"""logicalTypeOptions: the rules that they make for each value, and how dates are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from dataset_contract import elements, formats, patterns, values
from dataset_contract.elements import Element
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.model import OUTPUT, ValueRule
from dataset_contract.naming import as_json
from dataset_contract.types import FLOAT, INTEGER, TIME_KINDS, TIMESTAMP, TIMESTAMPTZ, ColumnType

_LIMITS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_ACCEPTED = {
    "integer": (*_LIMITS, "multipleOf", "format"),
    "number": (*_LIMITS, "multipleOf", "format"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "date": (*_LIMITS, "format"),
    "timestamp": (*_LIMITS, "format", "timezone", "defaultTimezone"),
    "boolean": (),
}
_UTC = ("Etc/UTC", "UTC")

# What a text of a named format looks like. A whole text has to match.
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
TEXT_FORMATS: Mapping[str, str] = {
    "uuid": "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "email": f"^[0-9A-Za-z.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\\.{_LABEL})+$".replace("{|}", r"\{|\}"),
    "ipv4": f"^{_OCTET}(?:\\.{_OCTET}){{3}}$",
    "hostname": f"^{_LABEL}(?:\\.{_LABEL})*$",
    "uri": r"^[A-Za-z][0-9A-Za-z+.-]*:(?:[0-9A-Za-z\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$",
}
_LONGEST_HOSTNAME = 253
_BITS = (8, 16, 32, 64)


@dataclass(frozen=True)
class Options:
    """What the options of a column make. `format` is empty where texts are in ISO 8601."""

    rules: tuple[ValueRule, ...] = ()
    format: str = ""


def read(element: Element, logical: str, type_: ColumnType, role: str) -> Options:
    """The logicalTypeOptions of a property.

    Raises:
        ContractError: one is unknown for its logicalType, or is none that the type can keep.
    """
    if "logicalTypeOptions" not in element:
        return Options()
    options = Element(element.get("logicalTypeOptions"), (*element.place, "logicalTypeOptions"), _ACCEPTED[logical])
    if type_.kind in TIME_KINDS:
        _check_zone(options, type_)
        return Options(_limits(options, type_), _moment_format(options, type_, role))
    if logical == "string":
        return Options(_lengths(options, type_) + _text_patterns(options))
    return Options(_limits(options, type_) + _multiple(options, type_) + _number_format(options, type_))


def pattern(value: object, place: ElementPath) -> ValueRule:
    """The rule of a regular expression.

    Raises:
        ContractError: the engines do not read it alike.
    """
    given = elements.text(value, place, "a regular expression")
    try:
        patterns.check(given)
    except ValueError as error:
        raise ContractError(place, f"{as_json(given)} is not a pattern that every engine reads: {error}") from error
    return ValueRule("pattern", given)


def _limits(options: Element, type_: ColumnType) -> tuple[ValueRule, ...]:
    """The exclusive forms are limits of their own, or `true` (version 3.0.0), which makes the plain one exclusive."""
    found: list[ValueRule] = []
    for keyword, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        strict = options.get(exclusive)
        if isinstance(strict, bool) and keyword not in options:
            raise options.refuse(exclusive, f"is not a limit; accepted: a limit, or true beside a {keyword}")
        names = {keyword: exclusive if strict is True else keyword}
        if not isinstance(strict, bool):
            names[exclusive] = exclusive
        found += [
            ValueRule(rule, values.limit(options.get(name), type_, (*options.place, name)))
            for name, rule in names.items()
            if name in options
        ]
    _check_order(options, found)
    return tuple(found)


def _check_order(options: Element, rules: list[ValueRule]) -> None:
    for low in rules:
        for high in rules:
            if "inimum" not in low.keyword or "aximum" not in high.keyword:
                continue
            exclusive = "exclusive" in low.keyword or "exclusive" in high.keyword
            least, most = low.argument, high.argument
            if least > most or (exclusive and least == most):  # type: ignore[operator]
                name = low.keyword if low.keyword in options else "minimum"
                raise options.refuse(
                    name, f"leaves no value below the {high.keyword} {as_json(most)}; accepted: a lower one"
                )


def _multiple(options: Element, type_: ColumnType) -> tuple[ValueRule, ...]:
    if "multipleOf" not in options:
        return ()
    if type_.kind == FLOAT:
        raise options.refuse(
            "multipleOf",
            f"cannot be told of a {type_.redshift}, which holds no exact decimals; accepted with a physicalType "
            "of whole numbers or DECIMAL(p,s)",
        )
    value = values.read(options.get("multipleOf"), type_, (*options.place, "multipleOf"))
    if not isinstance(value, (int, Decimal)) or value <= 0:
        raise options.refuse("multipleOf", "is not above 0; accepted: a number above 0")
    return (ValueRule("multipleOf", value),)


def _number_format(options: Element, type_: ColumnType) -> tuple[ValueRule, ...]:
    """The integer formats are ranges; a range as wide as the type's own is no rule. The others have to be the type."""
    if "format" not in options:
        return ()
    if type_.kind == FLOAT:
        options.choice("format", ("f32",) if type_.redshift == "REAL" else ("f64",))
        return ()
    given = options.choice("format", [f"{sign}{bits}" for sign in "iu" for bits in _BITS])
    bits = int(given[1:])
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if given[0] == "i" else (0, 2**bits - 1)
    if type_.kind != INTEGER and type_.scale:
        raise options.refuse("format", f"is a format of whole numbers; {type_.redshift} has decimals")
    lowest, highest = values.bounds(type_)
    rules = [ValueRule("minimum", least)] if least > lowest else []
    return tuple(rules + ([ValueRule("maximum", most)] if most < highest else []))


def _lengths(options: Element, type_: ColumnType) -> tuple[ValueRule, ...]:
    found = []
    for name in ("minLength", "maxLength"):
        if name not in options:
            continue
        length = options.whole(name, 0)
        if type_.bytes is not None and length > type_.bytes:
            raise options.refuse(name, f"is more than {type_.redshift} holds; accepted: 0 to {type_.bytes}")
        found.append(ValueRule(name, length))
    if len(found) == 2 and found[0].argument > found[1].argument:  # type: ignore[operator]
        raise options.refuse("minLength", f"is more than maxLength {found[1].argument}; accepted: no more")
    return tuple(found)


def _text_patterns(options: Element) -> tuple[ValueRule, ...]:
    found = [pattern(options.get("pattern"), (*options.place, "pattern"))] if "pattern" in options else []
    if "format" in options:
        name = options.choice("format", tuple(TEXT_FORMATS))
        found.append(ValueRule("pattern", TEXT_FORMATS[name]))
        if name == "hostname" and "maxLength" not in options:
            found.insert(0, ValueRule("maxLength", _LONGEST_HOSTNAME))
    return tuple(found)


def _moment_format(options: Element, type_: ColumnType, role: str) -> str:
    if "format" not in options:
        return ""
    if role == OUTPUT:
        raise options.refuse("format", "is how text files write a value; an output is typed: leave it out")
    given = options.text("format", accepted="a pattern as yyyy-MM-dd")
    try:
        formats.check(given, with_time=type_.kind in (TIMESTAMP, TIMESTAMPTZ))
    except ValueError as error:
        raise options.refuse("format", str(error)) from error
    return given


def _check_zone(options: Element, type_: ColumnType) -> None:
    if options.flag("timezone", type_.kind == TIMESTAMPTZ) != (type_.kind == TIMESTAMPTZ):
        accepted = "true with TIMESTAMPTZ, false with TIMESTAMP"
        raise options.refuse("timezone", f"is not what {type_.redshift} is; accepted: {accepted}")
    if "defaultTimezone" in options and options.text("defaultTimezone") not in _UTC:
        raise options.refuse(
            "defaultTimezone",
            f"is not the zone of timestamps without one, which is UTC; accepted: {', '.join(_UTC)}",
        )
