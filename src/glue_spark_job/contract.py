"""What the Spark stage needs of a dataset's contract (Open Data Contract Standard v3.1, as JSON)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glue_spark_job.errors import JobError

# The column that every output gets, last; and the view that holds the run's parameters.
JOB_ID_COLUMN = "job_id"
PARAMETERS_VIEW = "parameters"

_DEFAULT_PHYSICAL = {
    "integer": "BIGINT",
    "number": "DOUBLE PRECISION",
    "string": "VARCHAR(65535)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
# Redshift type -> Spark type. TIMESTAMP without a zone holds UTC by convention, and the session's zone is UTC, so both
# of Redshift's timestamps are Spark's TIMESTAMP.
_SPARK = {
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "REAL": "float",
    "DOUBLE PRECISION": "double",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp",
    "BOOLEAN": "boolean",
}
_TEXT = re.compile(r"(VARCHAR|CHAR)(?:\((\d+|MAX)\))?")
_TEXT_DEFAULT_BYTES = {"VARCHAR": 256, "CHAR": 1}  # Redshift's own, where the length is left out
_TEXT_MOST_BYTES = 65535
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)(?:\((\d+)(?:,(\d+))?\))?")
_PARAMETER_TYPES = ("integer", "number", "string", "boolean", "date")


@dataclass(frozen=True)
class Column:
    """A column of an object. `bytes` is the most that its UTF-8 text may take, None where it is not text."""

    name: str
    physical_type: str
    spark_type: str
    bytes: int | None
    required: bool
    options: Mapping[str, Any]
    valid_values: tuple[Any, ...] | None


@dataclass(frozen=True)
class Table:
    """An object of the contract. `null_values` are the CSV texts that mean null; `keys` are the columns, or groups of
    columns, that no two rows may share."""

    name: str
    role: str
    columns: tuple[Column, ...]
    null_values: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Parameter:
    """A parameter of the dataset; `default` is None where it has none."""

    name: str
    type: str
    default: Any


@dataclass(frozen=True)
class Contract:
    """A dataset's contract."""

    version: str
    source: Table
    references: tuple[Table, ...]
    outputs: tuple[Table, ...]
    parameters: tuple[Parameter, ...]


def parse(text: str, where: str) -> Contract:
    """The contract in the JSON `text`; `where` is its URI, for messages. Raises JobError where it is not usable."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise JobError(f"contract {where} is not JSON ({error}); run `nox -s package` to compile it") from None
    try:
        return _contract(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise JobError(
            f"contract {where} does not have the structure of a data contract ({type(error).__name__}: {error}); "
            "check contract.yaml and run `nox -s package`"
        ) from None
    except JobError as error:
        raise JobError(f"contract {where}: {error}") from None


def _contract(document: dict[str, Any]) -> Contract:
    tables = [_table(item) for item in document["schema"]]
    names = [table.name.lower() for table in tables]
    for name in names:
        if names.count(name) > 1 or name == PARAMETERS_VIEW:
            why = "is the name of the view of the parameters" if name == PARAMETERS_VIEW else "occurs twice"
            raise JobError(f'object name "{name}" {why}; names of objects become view names, so rename one')
    by_role = {role: tuple(t for t in tables if t.role == role) for role in ("source", "reference", "output")}
    if len(by_role["source"]) != 1 or not by_role["output"]:
        raise JobError("needs exactly one object of role source and at least one of role output")
    parameters = _custom(document).get("parameters") or {}
    return Contract(
        version=str(document.get("version", "unknown")),
        source=by_role["source"][0],
        references=by_role["reference"],
        outputs=by_role["output"],
        parameters=tuple(_parameter(name, item) for name, item in parameters.items()),
    )


def _custom(item: dict[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in item.get("customProperties") or []}


def _parameter(name: str, item: dict[str, Any]) -> Parameter:
    if item["type"] not in _PARAMETER_TYPES:
        raise JobError(f'parameter "{name}" has type {item["type"]!r}; known types: {", ".join(_PARAMETER_TYPES)}')
    return Parameter(name, item["type"], item.get("default"))


def _table(item: dict[str, Any]) -> Table:
    custom = _custom(item)
    name, role = item["name"], custom.get("role")
    if role not in ("source", "reference", "output"):
        raise JobError(f'object "{name}" has role {role!r}; give it source, reference or output')
    columns = tuple(_column(name, column) for column in item.get("properties") or [])
    if not columns:
        raise JobError(f'object "{name}" has no properties; list its columns')
    names = [column.name.lower() for column in columns]
    for column in names:
        if names.count(column) > 1:
            raise JobError(f'object "{name}" lists column "{column}" twice')
        if role == "output" and column == JOB_ID_COLUMN:
            raise JobError(f'object "{name}" lists column "{JOB_ID_COLUMN}", which the job appends itself; remove it')
    null_values = custom.get("nullValues", [""])
    return Table(name, role, columns, tuple(null_values), tuple(_keys(item["properties"])))


def _keys(properties: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    for item in properties:
        if item.get("unique"):
            yield (item["name"],)
    primary = [item for item in properties if item.get("primaryKey")]
    if primary:
        yield tuple(item["name"] for item in sorted(primary, key=lambda item: int(item.get("primaryKeyPosition", 1))))


def _column(table: str, item: dict[str, Any]) -> Column:
    name = item["name"]
    physical = item.get("physicalType") or _DEFAULT_PHYSICAL.get(item.get("logicalType", ""), "")
    try:
        spark_type, most_bytes = _types(physical)
    except ValueError:
        known = ", ".join([*_SPARK, "DECIMAL(p,s)", "VARCHAR(n)", "CHAR(n)"])
        raise JobError(f'object "{table}", column "{name}" has physicalType {physical!r}; known: {known}') from None
    valid = [
        tuple(rule["arguments"]["validValues"])
        for rule in item.get("quality") or []
        if rule.get("metric") == "invalidValues" and rule.get("mustBe") == 0
    ]
    return Column(
        name=name,
        physical_type=physical,
        spark_type=spark_type,
        bytes=most_bytes,
        required=bool(item.get("required")),
        options=item.get("logicalTypeOptions") or {},
        valid_values=valid[0] if valid else None,
    )


def _types(physical: str) -> tuple[str, int | None]:
    """Spark type, and most bytes of a text column, of a Redshift type. Raises ValueError for an unknown type."""
    text = re.sub(r"\s*([(),])\s*", r"\1", " ".join(physical.upper().split()))
    if text in _SPARK:
        return _SPARK[text], None
    if match := _TEXT.fullmatch(text):
        length = match[2] or _TEXT_DEFAULT_BYTES[match[1]]
        return "string", _TEXT_MOST_BYTES if length == "MAX" else int(length)
    if match := _DECIMAL.fullmatch(text):
        precision, scale = int(match[1] or 18), int(match[2] or 0)  # Redshift's DECIMAL is DECIMAL(18,0)
        if scale <= precision <= 38:
            return f"decimal({precision},{scale})", None
    raise ValueError(physical)
