"""The Redshift table of an output: its DDL, and how a deployed table differs from it.

All of it follows from the contract. Identifiers are quoted and lower case: Redshift folds quoted ones too, and a column
may be called as one of its reserved words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataset_contract import types
from dataset_contract.model import JOB_ID_COLUMN, JOB_ID_LENGTH, DataObject
from dataset_contract.types import TEXT_KINDS, VARCHAR, ColumnType

SCHEMA = "analytics"
LOADING = "loading"
JOB_ID_TYPE = types.parse(f"VARCHAR({JOB_ID_LENGTH})")


@dataclass(frozen=True)
class DeployedColumn:
    """A column of a table as Redshift describes it.

    Attributes:
        type: `character varying(8)`, see `deployed_type`.
    """

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class Refusal:
    """A difference that is not made up for without a person.

    Attributes:
        statements: what that person could run, in this order.
    """

    problem: str  # table and column, what is there and what the contract says
    statements: tuple[str, ...]


@dataclass(frozen=True)
class TableComparison:
    """What brings a deployed table to its contract. There are no statements where there is a refusal."""

    statements: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class _Wanted:
    type: ColumnType
    required: bool


def identifier(name: str) -> str:
    """A name as SQL writes it: quoted, lower case."""
    return '"' + name.lower().replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant; a backslash is an escape in one."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def turn_table(dataset: str) -> str:
    """The table by which the loads of a dataset come one after the other, `loading."orders"`."""
    return f"{LOADING}.{identifier(dataset)}"


def table(output: DataObject) -> str:
    """The table of an output, `analytics."orders"`."""
    return f"{SCHEMA}.{identifier(output.name)}"


def create_table(output: DataObject) -> str:
    """CREATE TABLE IF NOT EXISTS, columns in the contract's order and job_id last."""
    columns = ",\n".join(f"    {_definition(name, column)}" for name, column in _wanted(output).items())
    return f"CREATE TABLE IF NOT EXISTS {table(output)} (\n{columns}\n){_distribution(output)};\n"


def column_list(output: DataObject) -> str:
    """The columns of an output's files in their order, one per line.

    COPY maps them by this order, whatever that of the table.
    """
    return ",\n".join(f"    {identifier(name)}" for name in _wanted(output))


def deployed_type(
    data_type: str, length: int | None = None, precision: int | None = None, scale: int | None = None
) -> str:
    """A type of svv_columns in one text: `character varying` and 8 are `character varying(8)`.

    Args:
        length: character_maximum_length.
        precision, scale: numeric_precision and numeric_scale, which Redshift gives for other numbers too, where
            they say nothing.
    """
    name = " ".join(data_type.lower().split())
    if length is not None and name in ("character varying", "character", "varchar", "char", "bpchar"):
        return f"{'character' if name == 'bpchar' else name}({length})"
    if precision is not None and name in ("numeric", "decimal"):
        return f"{name}({precision},{scale or 0})"
    return name


def compare(output: DataObject, deployed: Sequence[DeployedColumn]) -> TableComparison:
    """What is to be done so that the deployed table can take the output. No columns: the table is not there.

    A new column that may be null is added. Everything else is refused, with the statements that a person could run:
    they drop values, or need a value for the rows that are there.
    """
    if not deployed:
        return TableComparison((create_table(output),))
    wanted = _wanted(output)
    there = {column.name.lower(): column for column in deployed}
    new = {name: column for name, column in wanted.items() if name not in there}
    refusals = [_gone(output, column, new) for name, column in there.items() if name not in wanted]
    for name, column in wanted.items():
        refusal = _changed(output, name, column, there) if name in there else _required(output, name, column)
        refusals += [refusal] if refusal else []
    if any(not refusal.statements for refusal in refusals):
        # One script for the whole table: the statements for its columns by themselves would contradict it.
        problem = "; ".join(refusal.problem for refusal in refusals)
        return TableComparison(refusals=(Refusal(f"{problem}; the table has to be made anew", _anew(output, there)),))
    if refusals:
        return TableComparison(refusals=tuple(refusals))
    return TableComparison(
        tuple(f"ALTER TABLE {table(output)} ADD COLUMN {_definition(*item)}" for item in new.items())
    )


def _wanted(output: DataObject) -> dict[str, _Wanted]:
    columns = {column.name.lower(): _Wanted(column.type, column.required) for column in output.columns}
    return {**columns, JOB_ID_COLUMN: _Wanted(JOB_ID_TYPE, True)}


def _definition(name: str, column: _Wanted) -> str:
    return f"{identifier(name)} {column.type.redshift}{' NOT NULL' if column.required else ''}"


def _distribution(output: DataObject) -> str:
    distribution = output.distribution
    text = f"\nDISTSTYLE {distribution.style}"
    if distribution.style == "KEY":
        text = f"\nDISTKEY ({identifier(distribution.key)})"
    if distribution.sort_key:
        text += f"\nCOMPOUND SORTKEY ({', '.join(map(identifier, distribution.sort_key))})"
    return text


def _required(output: DataObject, name: str, column: _Wanted) -> Refusal | None:
    if not column.required:
        return None
    return Refusal(
        f"{table(output)} has no column {name}, which the contract requires; "
        "the rows that are there need a value for it",
        (f"ALTER TABLE {table(output)} ADD COLUMN {_definition(name, column)} DEFAULT <a value>",),
    )


def _gone(output: DataObject, column: DeployedColumn, new: Mapping[str, _Wanted]) -> Refusal:
    alter = f"ALTER TABLE {table(output)}"
    known = _parsed(column.type)
    names = [name for name, wanted in new.items() if known is not None and wanted.type == known]
    # The new name of a column cannot be told from another column; who knows it chooses.
    statements = [f"{alter} RENAME COLUMN {identifier(column.name)} TO {identifier(name)}" for name in names]
    choice = f" (or is it now {' or '.join(names)}? Then run a RENAME, not the DROP)" if names else ""
    return Refusal(
        f"{table(output)} has the column {column.name}, which the contract has not; "
        f"to drop it loses its values{choice}",
        (*statements, f"{alter} DROP COLUMN {identifier(column.name)}"),
    )


def _changed(output: DataObject, name: str, wanted: _Wanted, there: Mapping[str, DeployedColumn]) -> Refusal | None:
    column = there[name]
    known = _parsed(column.type)
    where = f"{table(output)}, column {name}"
    null_differs = column.nullable == wanted.required
    if known != wanted.type:
        shown = known.redshift if known else column.type
        problem = f"{where}: the table has {shown}, the contract {wanted.type.redshift}"
        if known and known.kind == wanted.type.kind == VARCHAR and not null_differs:
            return Refusal(
                f"{problem}; Redshift changes the length outside of a transaction, as long as every value fits",
                (f"ALTER TABLE {table(output)} ALTER COLUMN {identifier(name)} TYPE {wanted.type.redshift}",),
            )
        return Refusal(problem, ())
    if null_differs:
        has, says = ("NULL", "required") if wanted.required else ("NOT NULL", "not required")
        return Refusal(f"{where}: the table has {has}, the contract says {says}", ())
    return None


def _anew(output: DataObject, there: Mapping[str, DeployedColumn]) -> tuple[str, ...]:
    """The statements that make the table anew from its rows.

    First come queries for what would be lost: each has to give 0. The old table stays, and with it every value.
    """
    before = f"{SCHEMA}.{identifier(f'{output.name}_before')}"
    wanted = _wanted(output)
    taken = {name: column for name, column in wanted.items() if name in there or column.required}
    columns = ", ".join(map(identifier, taken))
    values = [
        _value(name, column.type, there[name].type) if name in there else "<a value>" for name, column in taken.items()
    ]
    lost = [identifier(name) for name in there if name not in wanted]
    kept = f"-- {', '.join(lost)} stays in {before} only\n" if lost else ""
    return (
        *(f"-- has to give 0\nSELECT COUNT(*) FROM {table(output)} WHERE {test}" for test in _losses(wanted, there)),
        "BEGIN",
        f"ALTER TABLE {table(output)} RENAME TO {identifier(f'{output.name}_before')}",
        create_table(output).rstrip(";\n"),
        f"{kept}INSERT INTO {table(output)} ({columns}) SELECT {', '.join(values)} FROM {before}",
        "COMMIT",
    )


def _losses(wanted: Mapping[str, _Wanted], there: Mapping[str, DeployedColumn]) -> Iterator[str]:
    """Conditions for the rows whose values the new table would not hold as they are."""
    for name, column in wanted.items():
        if name not in there:
            continue
        known, value = _parsed(there[name].type), identifier(name)
        if column.required and there[name].nullable:
            yield f"{value} IS NULL"
        if known and known.kind in TEXT_KINDS and column.type.kind in TEXT_KINDS:
            if (column.type.bytes or 0) < (known.bytes or 0):
                yield f"OCTET_LENGTH({value}) > {column.type.bytes}"
        elif known and known != column.type:
            yield f"CAST(CAST({value} AS {column.type.redshift}) AS {known.redshift}) <> {value}"


def _value(name: str, wanted: ColumnType, deployed: str) -> str:
    known = _parsed(deployed)
    # A cast to a shorter text cuts it without a word; the INSERT by itself refuses it.
    if known == wanted or (known and known.kind in TEXT_KINDS and wanted.kind in TEXT_KINDS):
        return identifier(name)
    return f"CAST({identifier(name)} AS {wanted.redshift})"


def _parsed(text: str) -> ColumnType | None:
    try:
        return types.parse(text)
    except ValueError:
        return None
