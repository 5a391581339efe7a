"""Output values as the types of the contract: a value that the cast would change fails the job.

A cast in Spark rounds a decimal, cuts a fraction off an INTEGER and a time of day off a DATE, and says nothing. So each
value is cast to the declared type and back, and has to come back as it was; rounding is for transform.sql to write,
where it is meant. The check is part of the expression that is written: no further Spark job reads the rows.

What is accepted beside values of the very type:
- any number in a numeric column that holds it exactly; a double in a DECIMAL that gives the same double back;
- a timestamp at midnight in a DATE, a date in a TIMESTAMP;
- a text in ISO notation in a column of another type; numbers without blanks, `true` and `false` in any case;
- any value as its text in a VARCHAR or CHAR.
NaN and Infinity are refused everywhere, as in sources; so are a NUL character and bytes that are not UTF-8, which no
database takes in a text.

A text column that comes from staged rows as it was needs no check where the output takes as much: the Python stage has
checked each value of it. `staged` marks such a column, and Spark keeps the mark while the column is only named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)
from pyspark.sql import types as T  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract import types, wording
from dataset_contract.model import Column
from dataset_contract.types import (
    BOOLEAN,
    CHAR,
    DATE,
    DECIMAL,
    FLOAT,
    INTEGER,
    NUMERIC_KINDS,
    TEXT_KINDS,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    ColumnType,
)
from glue_spark_job import sql
from glue_spark_job.errors import JobError

_KINDS: dict[type[T.DataType], str] = {
    T.ByteType: INTEGER,
    T.ShortType: INTEGER,
    T.IntegerType: INTEGER,
    T.LongType: INTEGER,
    T.DecimalType: DECIMAL,
    T.FloatType: FLOAT,
    T.DoubleType: FLOAT,
    T.StringType: VARCHAR,
    T.DateType: DATE,
    T.TimestampType: TIMESTAMP,
    T.TimestampNTZType: TIMESTAMP,
    T.BooleanType: BOOLEAN,
}
_SCALARS = (*NUMERIC_KINDS, VARCHAR, DATE, TIMESTAMP, BOOLEAN)
# kind of a column -> the kinds of values that it may hold.
_TAKES = {
    **dict.fromkeys(NUMERIC_KINDS, (*NUMERIC_KINDS, VARCHAR)),
    **dict.fromkeys(TEXT_KINDS, _SCALARS),
    **dict.fromkeys((DATE, TIMESTAMP, TIMESTAMPTZ), (DATE, TIMESTAMP, VARCHAR)),
    BOOLEAN: (BOOLEAN, VARCHAR),
}
# Spark type -> decimal digits that each of its values has at most, and that it holds whatever they are.
_MOST_DIGITS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_SAFE_DIGITS = {"smallint": 4, "int": 9, "bigint": 18, "float": 7, "double": 15}
# Spark type -> the smallest number that is beyond it, as a double.
_BEYOND = {"tinyint": "128D", "smallint": "32768D", "int": "2147483648D", "bigint": "9223372036854775808D"}

_ZONE = r"( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NOTATIONS = {
    INTEGER: r"[+-]?[0-9]+",
    FLOAT: r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
    DATE: _DAY,
    TIMESTAMP: rf"{_DAY}([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?{_ZONE})?",
    BOOLEAN: "(?i:true|false)",
}
_NO_ZERO = r"\\A[^eE]*[1-9]"  # in SQL; of texts in the notation of a number
_LONGEST_EXAMPLE = 100  # characters
# Metadata of a column whose texts were checked when they were staged: the declared type.
_CHECKED = "staged_as"


def staged(field: T.StructField, type_: ColumnType) -> T.StructField:
    """The field of a staged table, marked with its declared type where that type has limits for texts."""
    metadata = {_CHECKED: type_.redshift} if type_.kind in TEXT_KINDS else {}
    return T.StructField(field.name, field.dataType, field.nullable, metadata)


def keeps_marks(view: DataFrame) -> bool:
    """Whether a marked column of the view can hold nothing but staged values.

    A UNION takes the mark of its first part for both, and so does a conditional or an array of structs for its items.
    """
    jvm: Any = view.sparkSession._jvm
    plan: Any = view._jdf.queryExecution().analyzed()
    patterns = jvm.org.apache.spark.sql.catalyst.trees.TreePattern
    return not (plan.containsPattern(patterns.UNION()) or plan.containsPattern(patterns.CREATE_NAMED_STRUCT()))


def typed(field: T.StructField, column: Column, table: str, *, marked: bool) -> SparkColumn:
    """The column of the view, of the declared type, failing with an example for a value that would change.

    Args:
        field: the column as the view has it.
        column: what the contract declares.
        table: the output's name, for messages.
        marked: whether the marks of the view's columns hold.

    Raises:
        JobError: no value of the type of `field` can be a value of the column.
    """
    found = field.dataType
    target, name = column.type, sql.identifier(column.name)
    if isinstance(found, T.NullType):
        return F.lit(None).cast(target.spark)
    kind = _KINDS.get(type(found), "")
    if kind not in _TAKES[target.kind]:
        raise JobError(
            f"table {table}, column {column.name}: the view has {found.simpleString()}, which cannot be "
            f"{target.redshift}; convert it in transform.sql, or change the contract"
        )
    value = F.col(name)
    # A cast to the same type would be removed by Spark, and with it what Spark knows of the place of an expression.
    result = value if found.simpleString() == target.spark else F.expr(f"CAST({name} AS {target.spark})")
    if marked and _is_checked(field, target):
        return result
    # The code that Spark generates for a message is long, and Java compiles no long method: the less of it the better.
    quote = "'" if kind == VARCHAR else ""
    before, example = F.lit(f"table {table}, column {column.name}: {quote}"), F.expr(_example(name))
    checked: SparkColumn | None = None
    for condition, problem in _problems(found, kind, target, name):
        message = F.concat(before, example, F.lit(f"{quote} {problem}"))
        failed = F.raise_error(message)
        checked = F.when(F.expr(condition), failed) if checked is None else checked.when(F.expr(condition), failed)
    return result if checked is None else checked.otherwise(result)


def _problems(found: T.DataType, kind: str, target: ColumnType, name: str) -> Iterator[tuple[str, str]]:
    """SQL conditions that are true for a value that does not fit, never for null, each with what to say."""
    if kind == FLOAT:
        yield f"NOT (abs({name}) < double('Infinity'))", "is not a number; decide in transform.sql what it becomes"
    if target.kind in TEXT_KINDS:
        yield from _text_problems(kind, target, name)
    elif kind == VARCHAR:
        condition = f"NOT ({name} RLIKE {sql.literal(_notation(target))})"
        back = f"try_cast({name} AS {target.spark})"
        condition += f" OR ({name} IS NOT NULL AND {back} IS NULL)"
        if target.kind == FLOAT:
            condition += f" OR abs({back}) = double('Infinity') OR {back} = 0 AND {name} RLIKE '{_NO_ZERO}'"
        yield condition, f"is {wording.not_a(target)}; convert it in transform.sql"
    elif not _always_fits(found, kind, target):
        source = found.simpleString()
        condition = f"NOT (try_cast(try_cast({name} AS {target.spark}) AS {source}) <=> {name})"
        if {kind, target.kind} == {INTEGER, FLOAT}:
            # Spark casts 2**63 to the largest BIGINT, one less, so that it comes back as it was, and 2**31 likewise.
            whole, real = (target.spark, name) if kind == FLOAT else (source, f"CAST({name} AS {target.spark})")
            condition += f" OR {real} >= {_BEYOND[whole]}"
        yield condition, f"does not fit {target.redshift} without loss; round or cast it in transform.sql"


def _text_problems(kind: str, target: ColumnType, name: str) -> Iterator[tuple[str, str]]:
    advice = "in transform.sql, or change the contract"
    if kind == VARCHAR:
        yield f"contains({name}, chr(0))", f"{wording.NUL}, which no database takes; remove it in transform.sql"
        # Java decodes what is not UTF-8 as another character, so that other bytes come back.
        yield f"encode({name}, 'UTF-8') <> CAST({name} AS BINARY)", "is not UTF-8; decode its bytes in transform.sql"
    else:
        name = f"CAST({name} AS STRING)"
    yield f"octet_length({name}) > {target.bytes}", f"is {wording.too_long(target)}; shorten it {advice}"
    if kind == VARCHAR and target.kind == CHAR:
        yield (
            f"octet_length({name}) <> char_length({name})",
            f"does not fit: {wording.SINGLE_BYTES}; replace it {advice}",
        )


def _is_checked(field: T.StructField, target: ColumnType) -> bool:
    """Whether the column holds staged texts as they were, of a type whose values the target takes too."""
    declared = field.metadata.get(_CHECKED)
    if declared is None or target.kind not in TEXT_KINDS:
        return False
    source = types.parse(declared)
    return (source.bytes or 0) <= (target.bytes or 0) and (target.kind == VARCHAR or source.kind == CHAR)


def _always_fits(found: T.DataType, kind: str, target: ColumnType) -> bool:
    """Whether the target holds each value of the type, so that there is nothing to check."""
    source = found.simpleString()
    if source == target.spark or (source, target.spark) == ("float", "double"):
        return True
    if kind == DATE or (kind == TIMESTAMP and target.kind in (TIMESTAMP, TIMESTAMPTZ)):
        return True
    if kind not in (INTEGER, DECIMAL):
        return False
    if isinstance(found, T.DecimalType):
        whole, scale = found.precision - found.scale, found.scale
    else:
        whole, scale = _MOST_DIGITS[source], 0
    return whole <= _SAFE_DIGITS.get(target.spark, target.precision - target.scale) and scale <= target.scale


def _notation(target: ColumnType) -> str:
    """A regular expression of the texts that are values of the type, but for its range."""
    if target.kind == DECIMAL:
        fraction = f"[0-9]{{0,{target.scale}}}0*"
        return rf"\A[+-]?([0-9]+(\.{fraction})?|\.(?=[0-9]){fraction})\z"
    return rf"\A(?:{_NOTATIONS[TIMESTAMP if target.kind == TIMESTAMPTZ else target.kind]})\z"


def _example(name: str) -> str:
    return f"left(CAST({name} AS STRING), {_LONGEST_EXAMPLE})"
