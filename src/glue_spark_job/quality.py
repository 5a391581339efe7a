"""The contract's rules of an output, over what was written: that costs less than while it is computed.

The files' footers say how many nulls there are. One Spark job counts everything else about a table, if there is
anything else; another one, only after a failure, looks for an example.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract import judging, wording
from dataset_contract.conditions import any_broken, broken
from dataset_contract.model import Contract, DataObject, Key, SetRule, ValueRule, Verdict
from glue_spark_job import sql
from glue_spark_job.conditions import SPARK
from glue_spark_job.errors import JobError
from glue_spark_job.spark_errors import explained

_MOST_IN_MESSAGE = 5
_LONGEST_EXAMPLE = 100  # characters


@dataclass(frozen=True)
class RowCheck:
    """A rule that each row keeps."""

    columns: tuple[str, ...]
    reason: str
    count: str  # SQL that counts the rows that break it
    condition: str = ""  # SQL that is true for a row that breaks it; "" for a key

    @property
    def is_required(self) -> bool:
        """Whether the rows that break it are those with a null in its one column."""
        return self.reason == wording.REQUIRED


@dataclass(frozen=True)
class Measured:
    """What was counted in a table."""

    rows: int
    sets: Mapping[str, int] = field(default_factory=dict)  # id of a set rule -> rows


def row_checks(table: DataObject) -> list[RowCheck]:
    """The rules that each row of `table` keeps: those of its columns, then its keys."""
    checks = []
    for column in table.columns:
        for rule in column.rules:
            condition = broken(rule, column.type, sql.identifier(column.name), SPARK)
            checks.append(RowCheck((column.name,), wording.reason(rule), f"count_if({condition})", condition))
    return checks + [RowCheck(key.columns, wording.DUPLICATE, _duplicates(key)) for key in table.keys]


def columns_without_nulls(table: DataObject) -> list[str]:
    """The columns of `table` that may hold no null."""
    return [check.columns[0] for check in row_checks(table) if check.is_required]


def count(written: DataFrame, table: DataObject, rows: int, nulls: Mapping[str, int] | None = None) -> Measured:
    """Count what the rules of `table` need, in one Spark job, or in none where the rules need no counting.

    Args:
        written: the rows as they were written.
        table: the output.
        rows: how many there are, as the files' footers say.
        nulls: how many each column has, of those columns where the files' footers say it.

    Raises:
        JobError: rows break a rule that each row keeps; the columns, the rules, the counts and examples are named.
    """
    checks, nulls = row_checks(table), nulls or {}
    sets = {rule.id: text for rule in table.rules if (text := _set_count(rule, table))}
    told = [check for check in checks if check.is_required and check.columns[0] in nulls]
    known = {check.count: nulls[check.columns[0]] for check in told}
    what = f"table {table.name}"
    wanted = dict.fromkeys([*(check.count for check in checks), *sets.values()])
    counts = known | _counted(what, written, [text for text in wanted if text not in known])
    breaches = [(check, counts[check.count]) for check in checks if counts[check.count]]
    if breaches:
        raise JobError(_told(what, written, breaches))
    return Measured(rows, _row_counts(table, rows) | {id_: counts[text] for id_, text in sets.items()})


def queried(spark: SparkSession, rules: Sequence[SetRule]) -> dict[str, Decimal | None]:
    """The value of each sql rule by its id, in one Spark job. The views that the queries read must exist.

    Raises:
        JobError: a query is wrong, fails, or gives no number.
    """
    if not rules:
        return {}
    parser: Any = spark._jsparkSession.sessionState().sqlParser()
    for rule in rules:
        what = f"rule {rule.id} of {rule.object}"
        with explained(what):
            # By itself first: a query that closes the parentheses around it would be more than one value.
            parser.parsePlan(rule.query)
            kind = spark.sql(_as_value(rule)).schema[0].dataType
        if not isinstance(kind, T.NumericType | T.NullType):
            raise JobError(f"{what}: the query gives {kind.simpleString()}; give one number")
    selects = ", ".join(_as_value(rule).removeprefix("SELECT ") for rule in rules)
    with explained(f"rule {', '.join(rule.id for rule in rules)}"):
        values = spark.sql(f"SELECT {selects}").collect()[0]
    return {rule.id: _number(value, rule) for rule, value in zip(rules, values, strict=True)}


def judged(
    agreed: Contract, measured: Mapping[str, Measured], values: Mapping[str, Decimal | None]
) -> list[tuple[int, Verdict]]:
    """The verdict on each set rule of the outputs, with its position in the contract's set rules.

    Args:
        agreed: the contract.
        measured: the counts by table.
        values: what the sql rules gave, by rule.
    """
    outputs = {table.name for table in agreed.outputs}
    verdicts = []
    for number, rule in enumerate(agreed.set_rules):
        if rule.object in outputs:
            counts = measured[rule.object]
            value = values[rule.id] if rule.metric == "sql" else counts.sets[rule.id]
            verdicts.append((number, judging.judge(rule, value, counts.rows)))
    return verdicts


def warnings(verdicts: Sequence[Verdict]) -> list[str]:
    """What is told of the rules that do not hold and do not halt the run."""
    return [judging.message(verdict) for verdict in verdicts if not verdict.passed and not verdict.halts]


def require(verdicts: Sequence[Verdict]) -> None:
    """Raise JobError that names each rule whose verdict halts the run, if there is one."""
    halting = [judging.message(verdict) for verdict in verdicts if verdict.halts]
    if halting:
        raise JobError("; ".join(halting))


def _counted(what: str, written: DataFrame, texts: Sequence[str]) -> dict[str, int]:
    """The value of each of the texts in SQL, which are counts."""
    if not texts:
        return {}
    with explained(what):
        found = written.selectExpr(f"array({', '.join(f'CAST({text} AS BIGINT)' for text in texts)})").collect()[0][0]
    return dict(zip(texts, found, strict=True))


def _duplicates(key: Key) -> str:
    """Rows beyond the first of their key. As in SQL, a row with a null in the key has no equal."""
    names = [sql.identifier(name) for name in key.columns]
    complete = " AND ".join(f"{name} IS NOT NULL" for name in names)
    return f"count_if({complete}) - count(DISTINCT {', '.join(names)})"


def _row_counts(table: DataObject, rows: int) -> dict[str, int]:
    return {rule.id: rows for rule in table.rules if rule.metric == "rowCount"}


def _set_count(rule: SetRule, table: DataObject) -> str:
    """SQL that counts what a set rule is about; "" where the files' footers or a query of its own tell."""
    if rule.metric == "duplicateValues":
        return _duplicates(Key(rule.columns))
    types = {column.name: column.type for column in table.columns}
    if rule.metric == "nullValues":
        rules: tuple[ValueRule, ...] = (ValueRule("required"),)
    elif rule.metric in ("missingValues", "invalidValues"):
        rules = rule.rules
    elif rule.metric in ("rowCount", "sql"):
        return ""
    else:
        raise JobError(f"{table.name}: the metric {rule.metric} (rule {rule.id}) cannot be measured of an output")
    each = [any_broken(rules, types[name], sql.identifier(name), SPARK) for name in rule.columns]
    return f"count_if({' OR '.join(each)})"


def _told(what: str, written: DataFrame, breaches: Sequence[tuple[RowCheck, int]]) -> str:
    parts = []
    for check, number in breaches[:_MOST_IN_MESSAGE]:
        example = _example(written, check)
        such = f", such as {example}" if example else ""
        columns = f"column{'s' if len(check.columns) > 1 else ''} {', '.join(check.columns)}"
        parts.append(f"{columns}: {check.reason} ({number} row{'s' if number > 1 else ''}{such})")
    more = f" and {len(breaches) - _MOST_IN_MESSAGE} more" if len(breaches) > _MOST_IN_MESSAGE else ""
    return f"{what} breaks its contract: {'; '.join(parts)}{more}; correct transform.sql, or change the contract"


def _example(written: DataFrame, check: RowCheck) -> str:
    """A value that breaks the rule, "" for null."""
    if check.is_required:
        return ""
    names = [sql.identifier(name) for name in check.columns]
    if check.condition:
        rows = written.where(check.condition)
    else:
        rows = (
            written.groupBy(*names)
            .count()
            .where(" AND ".join(["count > 1", *(f"{name} IS NOT NULL" for name in names)]))
        )
    row = rows.selectExpr(*[f"CAST({name} AS STRING)" for name in names]).first()
    return "" if row is None or row[0] is None else ", ".join(row)[:_LONGEST_EXAMPLE]


def _as_value(rule: SetRule) -> str:
    """The query as a value: within parentheses Spark takes nothing but a query. It may end in a comment."""
    return f"SELECT (\n{rule.query}\n)"


def _number(value: object, rule: SetRule) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        raise JobError(f"rule {rule.id} of {rule.object}: the query gives {value}; give a number")
    return Decimal(str(value))
