"""How the rows of an output come into their table: what a contract says of it (`load`), and the SQL that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dataset_contract import elements, redshift
from dataset_contract.elements import Element
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.model import APPEND, LOAD_MODES, MERGE, REPLACE, REPLACE_PARTITION, Column, DataObject, Load
from dataset_contract.naming import as_json
from dataset_contract.redshift import identifier, literal
from dataset_contract.types import BOOLEAN, FLOAT

_MOST_COLUMNS = 20
# sql/audit/loads.sql makes them.
_INCOMING, _PARTITIONS = "_incoming", "_partitions"
# The fields of each mode beside `mode`.
_FIELDS = {APPEND: (), REPLACE: (), REPLACE_PARTITION: ("columns",), MERGE: ("orderBy",)}


def read(value: object, place: ElementPath, columns: Sequence[Column], primary_key: Sequence[str]) -> Load:
    """The `load` of an output.

    Args:
        value: what stands there.
        place: its path.
        columns: of the output.
        primary_key: its columns.

    Raises:
        ContractError: it cannot be honoured.
    """
    element = Element(value, place, ("mode", "columns", "orderBy"))
    mode = element.choice("mode", LOAD_MODES)
    for name in ("columns", "orderBy"):
        if name in element and name not in _FIELDS[mode]:
            wanted = next(other for other, fields in _FIELDS.items() if name in fields)
            raise element.refuse(name, f"does not apply to mode {mode}; accepted for: {wanted}")
    known = {column.name: column for column in columns}
    if mode == REPLACE_PARTITION:
        if "columns" not in element:
            raise element.missing("columns", "a list of the columns whose values tell a partition from another")
        return Load(mode, columns=_columns(element, "columns", known, (FLOAT,)))
    if mode == MERGE and not primary_key:
        raise element.refuse(
            "mode", "needs a key by which rows are told apart; accepted: with primaryKey at its columns"
        )
    if "orderBy" in element:
        order_by = _columns(element, "orderBy", known, (FLOAT, BOOLEAN))
        for index, name in enumerate(order_by):
            if name in primary_key:
                problem = "is of the primaryKey, so it is equal in the rows that are compared; accepted: another column"
                raise ContractError((*place, "orderBy", index), f"{as_json(name)} {problem}")
        return Load(mode, order_by=order_by)
    return Load(mode)


def _columns(element: Element, name: str, known: Mapping[str, Column], refused: Sequence[str]) -> tuple[str, ...]:
    place = (*element.place, name)
    names = elements.columns(element.get(name), place, tuple(known), most=_MOST_COLUMNS)
    for index, each in enumerate(names):
        if known[each].type.kind in refused:
            problem = f"is {known[each].type.redshift}, whose values are not compared exactly; accepted: another type"
            if known[each].type.kind == BOOLEAN:
                problem = "is BOOLEAN, which has no order; accepted: a number, date, timestamp or text"
            raise ContractError((*place, index), f"{as_json(each)} {problem}")
    return names


def load_statements(output: DataObject) -> str:
    """The statements that load a job's rows of an output, which may run again.

    Hold the parameters :job_id and :rows_<output>, what Spark wrote, and the token {{<output>_manifest}}. COPY reads
    by the warehouse's default role: an ARN in its text has colons, as a parameter has. A manifest names the files: what
    else lies beside them is none of the job's. The procedures of sql/audit/loads.sql do the rest.
    """
    mode = output.load.mode
    name = literal(output.name)
    job = f"CAST(:job_id AS {redshift.JOB_ID_TYPE.redshift})"
    target = _INCOMING if mode in (REPLACE_PARTITION, MERGE) else redshift.table(output)
    procedure = {REPLACE_PARTITION: "replace_partitions", MERGE: "merge_rows"}.get(mode, "end_table")
    end = [job, name, f"CAST(:rows_{output.name} AS BIGINT)", *map(literal, _conditions(output))]
    return (
        f"CALL audit.begin_table({job}, {name}, {literal(mode)});\n\n"
        f"COPY {target} (\n{redshift.column_list(output)}\n)\n"
        f"FROM '{{{{{output.name}_manifest}}}}'\n"
        "IAM_ROLE DEFAULT\n"
        "FORMAT AS PARQUET\n"
        "MANIFEST;\n\n"
        f"CALL audit.{procedure}(\n    " + ",\n    ".join(end) + "\n);\n"
    )


def _conditions(output: DataObject) -> list[str]:
    """What a mode's procedure takes besides: columns, when two rows are in one place, and which of them is newer."""
    if output.load.mode == REPLACE_PARTITION:
        return [_listed(output.load.columns), _same(output, output.load.columns, _PARTITIONS)]
    if output.load.mode == MERGE:
        return [_listed(output.primary_key), _same(output, output.primary_key, _INCOMING), _newer(output)]
    return []


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(identifier, names))


def _same(output: DataObject, names: Sequence[str], other: str) -> str:
    """Whether a row of the table has the values of one of another table; null is a value like others."""
    return " AND ".join(
        _equal(f"{identifier(output.name)}.{identifier(name)}", f"{other}.{identifier(name)}", _required(output, name))
        for name in names
    )


def _newer(output: DataObject) -> str:
    """Whether a row of the table is newer than one that came: by orderBy, then by the job. Null is the oldest value."""
    table = identifier(output.name)
    condition = f"{table}.job_id > {_INCOMING}.job_id"
    for name in reversed(output.load.order_by):
        held, came = f"{table}.{identifier(name)}", f"{_INCOMING}.{identifier(name)}"
        required = _required(output, name)
        greater = f"{held} > {came}"
        if not required:
            greater = f"({greater} OR ({held} IS NOT NULL AND {came} IS NULL))"
        condition = f"({greater} OR ({_equal(held, came, required)} AND {condition}))"
    return condition


def _equal(one: str, other: str, required: bool) -> str:
    # An equality by itself can be joined by a hash.
    return f"{one} = {other}" if required else f"({one} = {other} OR ({one} IS NULL AND {other} IS NULL))"


def _required(output: DataObject, name: str) -> bool:
    return next(column.required for column in output.columns if column.name == name)
