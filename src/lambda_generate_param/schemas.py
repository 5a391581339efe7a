"""How deployed tables differ from the outputs of all contracts, and those of the audit from sql/audit/schema.sql."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from dataset_contract import redshift, types
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.redshift import DeployedColumn
from dataset_contract.types import VARCHAR, ColumnType
from lambda_generate_param.datasets import Dataset

AUDIT = "audit"
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS audit\.(\w+) \((.*?)\n\)", re.DOTALL)
_DEFINITION = re.compile(r"^ +([a-z_]+) ([A-Z]+(?: PRECISION)?(?:\(\d+\))?)( NOT NULL)?,?(?: |$)", re.MULTILINE)

Deployed = Mapping[str, Sequence[JsonMapping]]


def compare(datasets: Iterable[Dataset], deployed: Deployed) -> JsonObject:
    """What brings deployed tables to their contracts.

    Args:
        datasets: all that were packaged.
        deployed: by table, its columns in order, each as a row of svv_columns: column_name, data_type, is_nullable
            (YES, NO), character_maximum_length, numeric_precision, numeric_scale.

    Returns:
        `statements` to run, and `refusals`: each a `problem` and the `statements` that a person could run.
    """
    statements: list[str] = []
    refusals: list[JsonObject] = []
    for dataset in datasets:
        for output in dataset.contract.outputs:
            found = redshift.compare(output, [_column(row) for row in deployed.get(output.name, ())])
            statements += found.statements
            refusals += [{"problem": each.problem, "statements": list(each.statements)} for each in found.refusals]
    return {"statements": statements, "refusals": refusals}


def compare_audit(sql: Path, deployed: Deployed) -> JsonObject:
    """What brings the audit tables of an earlier version to this one's; a table that is missing needs nothing.

    A column that may be null is added. What else would make the pipeline's own statements fail is refused; what would
    not, such as a longer text or a surplus column that may be null, is left as it is.

    Args:
        sql: the packaged folder sql/.
        deployed: as for `compare`.

    Returns:
        As `compare`.
    """
    statements: list[str] = []
    refusals: list[JsonObject] = []
    text = (sql / AUDIT / "schema.sql").read_text(encoding="utf-8")
    for name, body in _TABLE.findall(text):
        table, there = f"{AUDIT}.{name}", {column.name: column for column in map(_column, deployed.get(name, ()))}
        wanted = {column: (types.parse(kind), bool(required)) for column, kind, required in _DEFINITION.findall(body)}
        for column, (type_, required) in wanted.items() if there else ():
            add = f"ALTER TABLE {table} ADD COLUMN {column} {type_.redshift}"
            if column in there:
                refusals += _unfit(table, there[column], type_, required)
            elif required:
                problem = f"{table} has no column {column}, which is NOT NULL; the rows that are there need a value"
                refusals.append(_refusal(problem, f"{add} NOT NULL DEFAULT <a value>"))
            else:
                statements.append(add)
        for column in there.keys() - wanted.keys():
            if not there[column].nullable:
                problem = f"{table} has the column {column}, which is NOT NULL and which nothing writes any more"
                refusals.append(_refusal(problem, f"ALTER TABLE {table} DROP COLUMN {column}"))
    return {"statements": [] if refusals else statements, "refusals": refusals}


def _unfit(table: str, column: DeployedColumn, wanted: ColumnType, required: bool) -> Iterator[JsonObject]:
    """Why a column does not take what is written into it."""
    try:
        known = types.parse(column.type)
    except ValueError:
        known = None
    where, shown = f"{table}, column {column.name}", known.redshift if known else column.type
    rename = f"ALTER TABLE {table} RENAME TO {table.rpartition('.')[2]}_before"
    after = "; then run nox -s schema again, and copy the rows"
    if known and known.kind == wanted.kind == VARCHAR:
        if (known.bytes or 0) < (wanted.bytes or 0):
            longer = f"ALTER TABLE {table} ALTER COLUMN {column.name} TYPE {wanted.redshift}"
            yield _refusal(f"{where} is {shown}, not {wanted.redshift}", longer)
    elif known != wanted:
        yield _refusal(f"{where} is {shown}, not {wanted.redshift}", rename + after)
    if not column.nullable and not required:
        yield _refusal(f"{where} is NOT NULL, but need not be known", rename + after)


def _refusal(problem: str, statement: str) -> JsonObject:
    return {"problem": problem, "statements": [statement]}


def _column(row: JsonMapping) -> DeployedColumn:
    sizes = (row.get(name) for name in ("character_maximum_length", "numeric_precision", "numeric_scale"))
    type_ = redshift.deployed_type(str(row["data_type"]), *(None if size is None else int(size) for size in sizes))
    return DeployedColumn(str(row["column_name"]), type_, row["is_nullable"] == "YES")
