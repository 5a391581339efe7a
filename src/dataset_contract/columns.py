"""The properties of an object: its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dataset_contract import nulls, options, quality, types, values
from dataset_contract.elements import Element, custom_properties
from dataset_contract.errors import ContractError
from dataset_contract.model import JOB_ID_COLUMN, OUTPUT, Column, CsvDialect, Key, SetRule, ValueRule
from dataset_contract.types import ColumnType

MOST_BYTES = 127  # of a name in Redshift
MOST_COLUMNS = 1600  # of a table in Redshift
_MOST_HEADER_BYTES = 1024
# https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
_SYSTEM_COLUMNS = ("oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "deletexid", "insertxid")
_PATH = re.compile(r"\$(\.[^.\[\]\s]+)+")

ENFORCED = (
    "name",
    "logicalType",
    "physicalType",
    "physicalName",
    "logicalTypeOptions",
    "required",
    "unique",
    "primaryKey",
    "primaryKeyPosition",
    "partitioned",
    "partitionKeyPosition",
    "semanticType",
    "enum",
    "quality",
    "customProperties",
)
REFUSED = {
    "relationships": "no stage checks a foreign key; write a quality rule of type sql that counts the rows without a "
    "partner",
    "properties": "a column holds no object; list the fields as columns, with a physicalName as $.a.b",
    "items": "a column holds no array; make a text of it, or a row of each item, before the pipeline",
    "map": "a column holds no map; list the fields as columns, with a physicalName as $.a.b",
}
_REFUSED_TYPES = {
    "array": "a column holds no array",
    "object": "a column holds no object; list its fields as columns with a physicalName as $.a.b",
    "map": "a column holds no map",
    "vector": "a column holds no vector",
    "time": "the pipeline does not carry Redshift's TIME; use a timestamp, or a string with a pattern",
}
_BY_KIND = {
    types.INTEGER: "integer",
    types.DECIMAL: "number",
    types.FLOAT: "number",
    types.VARCHAR: "string",
    types.CHAR: "string",
    types.DATE: "date",
    types.TIMESTAMP: "timestamp",
    types.TIMESTAMPTZ: "timestamp",
    types.BOOLEAN: "boolean",
}


class Properties:
    """The columns of an object with the keys and set rules that their properties make."""

    def __init__(self, table: Element, role: str, csv: CsvDialect, null_values: tuple[str, ...]) -> None:
        self._object = table.text("name")
        self._role = role
        self._csv = csv
        self._null_values = null_values
        self.columns: list[Column] = []
        self.keys: list[Key] = []
        self.primary_key: tuple[str, ...] = ()
        self.rules: list[SetRule] = []
        self._primary: list[tuple[int, Column, Element]] = []
        for item, place in table.items("properties"):
            self._add(Element(item, place, ENFORCED, REFUSED))
        if not 1 <= len(self.columns) < MOST_COLUMNS:
            accepted = f"1 to {MOST_COLUMNS - 1} columns"
            raise ContractError((*table.place, "properties"), f"has {len(self.columns)} columns; accepted: {accepted}")
        self._add_primary_key()

    def _add(self, element: Element) -> None:
        name = self._name(element)
        logical, type_ = _type(element)
        null_values = self._nulls(element)
        in_files = () if self._role == OUTPUT else null_values
        made = quality.of_column(element, self._object, name, type_, self._role, in_files)
        given = options.read(element, logical, type_, self._role)
        rules = _ordered(_required(element) + given.rules + _enum(element, type_, in_files) + made.values)
        values.check_together(rules, element.place)
        column = Column(
            name=name,
            type=type_,
            source_name=self._source_name(element, name),
            rules=rules,
            format=given.format,
            null_values=null_values,
        )
        self.columns.append(column)
        self._note_keys(element, column)
        self.keys += [key for key in made.keys if key not in self.keys]
        self.rules += made.sets

    def _name(self, element: Element) -> str:
        accepted = f"a printable text of 1 to {MOST_BYTES} bytes"
        name = element.text("name", accepted=accepted)
        if not name.isprintable() or len(name.encode("utf-8", "surrogatepass")) > MOST_BYTES or name != name.strip():
            raise element.refuse("name", f"is not a name of a column; accepted: {accepted}, no blank at its ends")
        if name.lower() in [column.name.lower() for column in self.columns]:
            raise element.refuse("name", "occurs twice; accepted: names that differ by more than their case")
        if self._role == OUTPUT:
            _check_output(element, name)
        return name

    def _source_name(self, element: Element, name: str) -> str:
        given = element.text("physicalName", name)
        if self._role == OUTPUT and given != name:
            raise element.refuse("physicalName", f"is not the name, as an output's is; accepted: {name}")
        long = len(given.encode("utf-8", "surrogatepass")) > _MOST_HEADER_BYTES
        if not given.isprintable() or long or (given.startswith("$.") and not _PATH.fullmatch(given)):
            raise element.refuse("physicalName", "is not a header of a column; accepted: a printable text, or $.a.b")
        for column in self.columns:
            if given.lower() == column.source_name.lower():
                name_of = "physicalName" if "physicalName" in element else "name"
                raise element.refuse(name_of, f"is also what column {column.name} is read from; accepted: another")
        return given

    def _nulls(self, element: Element) -> tuple[str, ...]:
        only = "of an object or column that is read from text files"
        custom = custom_properties(
            element,
            ("nullValues",) if self._role != OUTPUT else (),
            {"nullValues": only} if self._role == OUTPUT else {},
        )
        return nulls.read(*custom["nullValues"], self._csv) if "nullValues" in custom else self._null_values

    def _note_keys(self, element: Element, column: Column) -> None:
        position = element.get("primaryKeyPosition", -1)
        if not isinstance(position, int) or isinstance(position, bool) or (position < 1 and position != -1):
            raise element.refuse("primaryKeyPosition", "is not a position; accepted: 1, 2, 3, …")
        if element.flag("primaryKey"):
            self._primary.append((position, column, element))
        elif position != -1:
            raise element.refuse("primaryKeyPosition", "stands without a primaryKey; accepted: primaryKey: true too")
        if element.flag("unique") and Key((column.name,)) not in self.keys:
            self.keys.append(Key((column.name,)))

    def _add_primary_key(self) -> None:
        wanted = list(range(1, len(self._primary) + 1))
        given = sorted(position for position, _, _ in self._primary)
        if given not in ([-1], []) and given != wanted:
            listed = ", ".join(map(str, wanted))
            bad = next(item for item in self._primary if item[0] not in wanted or given.count(item[0]) > 1)
            problem = f"does not number the {len(wanted)} columns of the primaryKey; accepted: {listed}, each once"
            raise bad[2].refuse("primaryKeyPosition", problem)
        ordered = sorted(self._primary, key=lambda item: item[0])
        self.primary_key = tuple(column.name for _, column, _ in ordered)
        key = Key(self.primary_key)
        if ordered:
            self.keys = [key, *(other for other in self.keys if other != key)]


def _check_output(element: Element, name: str) -> None:
    """Refuse a name that no column of a table may have. A parameter of a statement begins with a colon."""
    if name.lower() == JOB_ID_COLUMN:
        raise element.refuse("name", "is the column that the pipeline appends to every output; leave it out")
    if name.lower() in _SYSTEM_COLUMNS:
        raise element.refuse("name", "is the name of a system column of Redshift; accepted: another")
    if sign := next((sign for sign in ("{{", "}}", ":") if sign in name), ""):
        raise element.refuse("name", f"has {sign} in it, which marks a value in a statement; accepted: a name without")


def _type(element: Element) -> tuple[str, ColumnType]:
    """The logicalType and the physicalType; either may be left out and follows from the other."""
    if "logicalType" not in element and "physicalType" not in element:
        raise element.missing("physicalType", "a logicalType or a physicalType")
    logical = _logical(element) if "logicalType" in element else ""
    given = element.text("physicalType", types.DEFAULTS.get(logical, ""), "a type of Redshift")
    try:
        type_ = types.parse(given)
    except ValueError as error:
        if given.count("(") > given.count(")"):
            raise element.refuse(
                "physicalType",
                'has no ) : YAML ends an unquoted text at a comma within { }; quote it, as in "DECIMAL(15,2)"',
            ) from error
        raise element.refuse("physicalType", str(error)) from error
    logical = logical or ("integer" if type_.kind == types.DECIMAL and not type_.scale else _BY_KIND[type_.kind])
    if type_.kind not in types.KINDS[logical] or (logical == "integer" and type_.scale):
        raise element.refuse(
            "physicalType",
            f"holds no logicalType {logical}; accepted: {', '.join(_names(logical))}",
        )
    return logical, type_


def _logical(element: Element) -> str:
    given = element.text("logicalType", accepted=", ".join(types.DEFAULTS))
    if given in _REFUSED_TYPES:
        accepted = ", ".join(types.DEFAULTS)
        raise element.refuse("logicalType", f"is refused: {_REFUSED_TYPES[given]}; accepted: {accepted}")
    return element.choice("logicalType", tuple(types.DEFAULTS))


def _names(logical: str) -> Sequence[str]:
    return {
        "integer": ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL(p,0)"),
        "number": ("DECIMAL(p,s)", "DOUBLE PRECISION", "REAL", "SMALLINT", "INTEGER", "BIGINT"),
        "string": ("VARCHAR(n)", "CHAR(n)"),
        "date": ("DATE",),
        "timestamp": ("TIMESTAMP", "TIMESTAMPTZ"),
        "boolean": ("BOOLEAN",),
    }[logical]


def _required(element: Element) -> tuple[ValueRule, ...]:
    if element.flag("partitioned"):
        raise element.refuse("partitioned", "is refused: Redshift has no partitions; use distributionKey and sortKey")
    if element.get("partitionKeyPosition", -1) != -1:
        raise element.refuse("partitionKeyPosition", "is refused: Redshift has no partitions; use sortKey")
    element.choice("semanticType", ("column",), "column")
    required = element.flag("required")
    return (ValueRule("required"),) if element.flag("primaryKey") or required else ()


def _enum(element: Element, type_: ColumnType, null_values: tuple[str, ...]) -> tuple[ValueRule, ...]:
    if "enum" not in element:
        return ()
    found = []
    for item, place in element.items("enum"):
        entry = Element(item, place, ("value",))
        if "value" not in entry:
            raise entry.missing("value", f"a value of {type_.redshift}")
        found.append(values.read(entry.get("value"), type_, (*place, "value")))
        if found.count(found[-1]) > 1:
            raise entry.refuse("value", "occurs twice; accepted: each value once")
    if not found:
        raise element.refuse("enum", "has no value; accepted: a list of values")
    place = (*element.place, "enum")
    values.check_not_null(found, null_values, place, "the list without it, since null is valid")
    return (ValueRule("validValues", tuple(found)),)


def _ordered(rules: tuple[ValueRule, ...]) -> tuple[ValueRule, ...]:
    """Each rule once, `required` first."""
    return tuple(sorted(dict.fromkeys(rules), key=lambda rule: rule.keyword != "required"))
