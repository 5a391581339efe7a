"""The contract of a dataset: an Open Data Contract Standard v3 document, and the part of it that this job applies.

https://bitol-io.github.io/open-data-contract-standard/v3.1.0/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from glue_python_job import column_types
from glue_python_job.column_types import ColumnType
from glue_python_job.errors import JobError
from glue_python_job.limits import Limit, parse_limits

_OPTIONS = {
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "date": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "timestamp": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "string": {"minLength", "maxLength", "pattern"},
    "boolean": set(),
}
# Options that say how a producer writes a value, not which values are good.
_DESCRIPTIVE = {"format", "timezone", "defaultTimezone"}

Value = Any  # a value of the JSON document: its shape is what this module checks


class ContractError(JobError):
    """The contract is not what this job can apply; the message names the field and its value."""


@dataclass(frozen=True)
class Column:
    """One column and the rules for its values. Lengths count characters; the type's max_bytes counts bytes."""

    name: str
    type: ColumnType
    required: bool = False
    limits: tuple[Limit, ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    valid_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class UniqueKey:
    """Columns whose values together may occur once. rule: unique or primaryKey."""

    columns: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class Contract:
    """The source object of a contract. null_values: the texts that mean null in CSV."""

    version: str
    columns: tuple[Column, ...]
    keys: tuple[UniqueKey, ...] = ()
    null_values: tuple[str, ...] = ("",)


def parse(text: str) -> Contract:
    """Read a contract (JSON).

    Raises:
        ContractError: it is not JSON, has not exactly one object of role source, or uses what is not supported.
    """
    try:
        document = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise ContractError(f"the contract is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise ContractError("the contract is not a JSON object")
    objects = _list(document, "schema", "contract")
    sources = [item for item in objects if isinstance(item, Mapping) and _custom(item).get("role") == "source"]
    if len(sources) != 1:
        raise ContractError(
            f"contract.schema has {len(sources)} objects with the customProperty role = source; it needs exactly one"
        )
    return _source(sources[0], _version(document))


def _version(document: Mapping[str, Value]) -> str:
    version = document.get("version")
    if not isinstance(version, str) or not version:
        raise ContractError(f"contract.version is {_shown(version)}; write a version such as '1.0.0'")
    return version


def _source(element: Mapping[str, Value], version: str) -> Contract:
    where = f"schema.{element.get('name')}"
    properties = _list(element, "properties", where)
    if not properties:
        raise ContractError(f"{where}.properties is empty; a source needs a column at least")
    keyed = [(item, _column(item, where)) for item in properties]
    names = [column.name for _, column in keyed]
    for position, name in enumerate(names):
        # DuckDB and Redshift do not tell names apart by case.
        if name.lower() in [earlier.lower() for earlier in names[:position]]:
            raise ContractError(f"{where}.{name} is there twice; names differ by more than upper and lower case")
    return Contract(version, tuple(column for _, column in keyed), _keys(keyed, where), _nulls(element, where))


def _column(item: Value, where: str) -> Column:
    name = item.get("name") if isinstance(item, Mapping) else None
    if not isinstance(name, str) or not name or not name.isprintable() or len(name.encode()) > 127:
        raise ContractError(f"{where}.properties has a name {_shown(name)}; write 1 to 127 printable bytes")
    where = f"{where}.{name}"
    logical, type_ = _type(item, where)
    options = item.get("logicalTypeOptions") or {}
    for option in options:
        if option not in _OPTIONS[logical] | _DESCRIPTIVE:
            known = ", ".join(sorted(_OPTIONS[logical])) or "none"
            raise ContractError(
                f"{where}.logicalTypeOptions.{option} is not supported for logicalType {logical}; supported: {known}"
            )
    valid_values, patterns = _quality(item, where, type_)
    if "pattern" in options:
        patterns = (_text(options["pattern"], f"{where}.logicalTypeOptions.pattern"), *patterns)
    try:
        limits = parse_limits(options, type_)
    except ValueError as error:
        raise ContractError(f"{where}.logicalTypeOptions.{error}") from error
    return Column(
        name=name,
        type=type_,
        required=_flag(item, "required", where) or _flag(item, "primaryKey", where),
        limits=limits,
        min_length=_length(options, "minLength", where),
        max_length=_length(options, "maxLength", where),
        patterns=patterns,
        valid_values=valid_values,
    )


def _type(item: Mapping[str, Value], where: str) -> tuple[str, ColumnType]:
    logical = item.get("logicalType", "string")
    if logical not in column_types.DEFAULTS:
        known = ", ".join(column_types.DEFAULTS)
        raise ContractError(f"{where}.logicalType is {_shown(logical)}; supported are {known}")
    physical = item.get("physicalType", column_types.DEFAULTS[logical])
    try:
        type_ = column_types.parse(_text(physical, f"{where}.physicalType"))
    except ValueError as error:
        raise ContractError(f"{where}.physicalType is {_shown(physical)}; {error}") from error
    if type_.kind not in column_types.KINDS[logical]:
        raise ContractError(f"{where}.physicalType is {_shown(physical)}, which does not hold a logicalType {logical}")
    return logical, type_


def _quality(
    item: Mapping[str, Value], where: str, type_: ColumnType
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    values: tuple[str, ...] | None = None
    patterns: tuple[str, ...] = ()
    for rule in item.get("quality") or []:
        if rule.get("type") == "text":  # a rule for people
            continue
        if rule.get("metric") != "invalidValues" or rule.get("mustBe") != 0:
            raise ContractError(
                f"{where}.quality has metric {_shown(rule.get('metric'))}, mustBe {_shown(rule.get('mustBe'))}; "
                "supported is invalidValues with mustBe 0"
            )
        arguments = rule.get("arguments") or {}
        if not arguments or set(arguments) - {"validValues", "pattern"}:
            raise ContractError(f"{where}.quality.arguments is {_shown(arguments)}; supported: validValues, pattern")
        if "validValues" in arguments:
            values = _valid_values(arguments["validValues"], where, type_)
        if "pattern" in arguments:
            if type_.kind != "string":
                raise ContractError(f"{where}.quality.arguments.pattern is for strings, not for {type_.name}")
            patterns += (_text(arguments["pattern"], f"{where}.quality.arguments.pattern"),)
    return values, patterns


def _valid_values(values: Value, where: str, type_: ColumnType) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        raise ContractError(f"{where}.quality.arguments.validValues is {_shown(values)}; write a list of values")
    expected = (str,) if type_.kind in ("string", "date", "timestamp", "timestamptz") else (int, Decimal, bool)
    for value in values:
        if not isinstance(value, expected):
            raise ContractError(
                f"{where}.quality.arguments.validValues has {_shown(value)}, which is not a {type_.name}"
            )
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def _keys(keyed: Sequence[tuple[Mapping[str, Value], Column]], where: str) -> tuple[UniqueKey, ...]:
    primary = [(item, column) for item, column in keyed if _flag(item, "primaryKey", f"{where}.{column.name}")]
    positions = [item.get("primaryKeyPosition", 1 if len(primary) == 1 else None) for item, _ in primary]
    for position, (_, column) in zip(positions, primary):
        # -1 is the standard's default: no position given.
        if not isinstance(position, int) or isinstance(position, bool) or positions.count(position) > 1:
            raise ContractError(
                f"{where}.{column.name}.primaryKeyPosition is {_shown(position)}; number a composite key 1, 2, 3, …"
            )
    ordered = sorted(zip(positions, primary), key=lambda pair: pair[0])
    keys = [UniqueKey(tuple(column.name for _, (_, column) in ordered), "primaryKey")] if primary else []
    unique = [column for item, column in keyed if _flag(item, "unique", f"{where}.{column.name}")]
    keys += [
        UniqueKey((column.name,), "unique") for column in unique if (column.name,) not in [k.columns for k in keys]
    ]
    return tuple(keys)


def _nulls(element: Mapping[str, Value], where: str) -> tuple[str, ...]:
    values = _custom(element).get("nullValues", [""])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ContractError(f"{where}.customProperties.nullValues is {_shown(values)}; write a list of strings")
    for value in values:
        if any(character in value for character in ',"\r\n'):
            raise ContractError(
                f"{where}.customProperties.nullValues has {_shown(value)}; no comma, quote or line end can be in it"
            )
    return tuple(dict.fromkeys(values))


def _custom(element: Mapping[str, Value]) -> dict[str, Value]:
    return {item.get("property"): item.get("value") for item in element.get("customProperties") or []}


def _list(element: Mapping[str, Value], field: str, where: str) -> list[Value]:
    value = element.get(field)
    if not isinstance(value, list):
        raise ContractError(f"{where}.{field} is {_shown(value)}; write a list")
    return value


def _flag(item: Mapping[str, Value], field: str, where: str) -> bool:
    value = item.get(field, False)
    if not isinstance(value, bool):
        raise ContractError(f"{where}.{field} is {_shown(value)}; write true or false")
    return value


def _length(options: Mapping[str, Value], field: str, where: str) -> int | None:
    value = options.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ContractError(f"{where}.logicalTypeOptions.{field} is {_shown(value)}; write a number of characters")
    return value


def _text(value: Value, where: str) -> str:
    if not isinstance(value, str):
        raise ContractError(f"{where} is {_shown(value)}; write a string")
    return value


def _shown(value: Value) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
