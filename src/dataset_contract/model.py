"""What a contract says, once it is read: plain values, the same for every engine.

Rows: a `ValueRule` or a `Key` is kept by each row or value; a row of a source that breaks one is refused, a reference
or an output that breaks one fails the job. Sets: a `SetRule` is judged once over all rows of an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Union

from dataset_contract.types import ColumnType

SOURCE, REFERENCE, OUTPUT = "source", "reference", "output"
ROLES = (SOURCE, REFERENCE, OUTPUT)

# What a load does with the rows that a table has.
APPEND, REPLACE, REPLACE_PARTITION, MERGE = "append", "replace", "replace_partition", "merge"
LOAD_MODES = (APPEND, REPLACE, REPLACE_PARTITION, MERGE)

# The characters of a job ID, whose form lambda_generate_param.job_id knows. The cross-check holds SQL and ASL to it.
JOB_ID_LENGTH = 56

# The column that the pipeline appends to every output, last; and the view that holds the parameters of a run.
JOB_ID_COLUMN = "job_id"
PARAMETERS_VIEW = "parameters"

# The limit of a rule: a number; a text for strings, dates (YYYY-MM-DD) and timestamps (ISO 8601, UTC); several values.
RuleArgument = Union[int, Decimal, str, bool, tuple[Union[int, Decimal, str, bool], ...]]


@dataclass(frozen=True)
class ValueRule:
    """A rule for one value; null keeps every rule but `required`.

    Attributes:
        keyword: `required`, `minimum`, `exclusiveMinimum`, `maximum`, `exclusiveMaximum`, `multipleOf`,
            `minLength`, `maxLength` (characters), `pattern` (found anywhere in the text), `validValues`,
            `missingValues` (none of these). The type's own bounds (bytes of a text, range of a number) are no rule:
            every column has them.
    """

    keyword: str
    argument: RuleArgument = ""


@dataclass(frozen=True)
class Key:
    """Columns whose values together occur once; a key with a null in it equals no other, as in SQL."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column of an object."""

    name: str
    type: ColumnType
    source_name: str  # physicalName: the header of the column in the files, or for JSON a path `$.a.b`; else `name`
    rules: tuple[ValueRule, ...] = ()  # in the order in which they are tried
    format: str = ""  # how dates and timestamps are written in text files, a DateTimeFormatter pattern; "": ISO 8601
    null_values: tuple[str, ...] = ("",)  # the texts that mean null in CSV

    @property
    def required(self) -> bool:
        """Whether null is refused."""
        return any(rule.keyword == "required" for rule in self.rules)


@dataclass(frozen=True)
class CsvDialect:
    """How the text files of an object are written."""

    delimiter: str = ","  # one or more characters
    quote: str = '"'  # "": no quoting
    escape: str = '"'  # what makes a quote within quotes literal; the quote itself: it is doubled; "": nothing does
    header: bool = True  # False: columns by position, in the contract's order
    encoding: str = "utf-8"  # Python's name of the codec
    decimal_separator: str = "."
    thousands_separator: str = ""
    comment: str = ""  # lines that begin with it are skipped
    skip_lines: int = 0  # lines before the header, or before the first record
    trailing_delimiter: bool = False  # each record, the header too, ends with a delimiter


@dataclass(frozen=True)
class SetRule:
    """A rule that is judged once over all rows of an object.

    Attributes:
        metric: `rowCount`, `nullValues`, `missingValues`, `invalidValues`, `duplicateValues` (rows beyond the first
            of their key), `rejectedRows` (of a source), `latency` (seconds from the newest timestamp to the start
            of the execution), `sql` (the one value of `query`).
    """

    id: str  # unique in the contract: the rule's own id or name, or else its place, `orders.status.invalidValues`
    object: str
    metric: str
    operator: str  # `mustBe` … `mustNotBeBetween`
    bounds: tuple[Decimal, ...]  # two for the operators with Between, else one
    severity: str = "error"  # error: halts before anything is loaded; warning: is recorded
    unit: str = "rows"  # rows, percent (of the rows of the object); seconds for latency; value for sql
    columns: tuple[str, ...] = ()  # those that it is about, in the order of the key for duplicateValues
    rules: tuple[ValueRule, ...] = ()  # invalidValues, missingValues: a value that breaks one of these counts
    query: str = ""  # sql: one SELECT, the object's view or table by its name


@dataclass(frozen=True)
class Verdict:
    """What a set rule came to. `measured` is None where there was nothing to measure: that never passes."""

    rule: SetRule
    measured: Decimal | None
    passed: bool

    @property
    def halts(self) -> bool:
        """Whether the verdict fails the job."""
        return not self.passed and self.rule.severity == "error"


@dataclass(frozen=True)
class Load:
    """How an output comes into its Redshift table."""

    mode: str = APPEND
    columns: tuple[str, ...] = ()  # replace_partition: rows with equal values in these are a partition
    order_by: tuple[str, ...] = ()  # merge: of two rows with one key the newer is that with the greater values


@dataclass(frozen=True)
class Distribution:
    """Where Redshift keeps the rows of an output's table, and in which order."""

    style: str = "AUTO"  # AUTO, EVEN, ALL, KEY
    key: str = ""  # the column of style KEY
    sort_key: tuple[str, ...] = (JOB_ID_COLUMN,)


@dataclass(frozen=True)
class DataObject:
    """An object of the contract: a set of files (source, reference), or a table (output)."""

    name: str
    role: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()  # the primary key first, where there is one
    primary_key: tuple[str, ...] = ()  # its columns
    rules: tuple[SetRule, ...] = ()
    csv: CsvDialect = field(default_factory=CsvDialect)
    load: Load = field(default_factory=Load)  # of an output
    distribution: Distribution = field(default_factory=Distribution)  # of an output


@dataclass(frozen=True)
class Parameter:
    """A parameter that a caller may give.

    Attributes:
        type: integer (BIGINT in Spark SQL), number (DOUBLE), string (STRING), boolean (BOOLEAN), date (DATE).
    """

    name: str
    type: str
    default: Any = None  # None: a caller has to give it
    minimum: Any = None
    maximum: Any = None
    valid_values: tuple[Any, ...] = ()
    pattern: str = ""  # the whole text has to match it


@dataclass(frozen=True)
class Contract:
    """A dataset's contract."""

    dataset: str
    version: str
    source: DataObject
    references: tuple[DataObject, ...]
    outputs: tuple[DataObject, ...]
    parameters: Mapping[str, Parameter]

    @property
    def set_rules(self) -> tuple[SetRule, ...]:
        """All set rules, in the order of the document's objects: source, references, outputs."""
        return tuple(rule for item in (self.source, *self.references, *self.outputs) for rule in item.rules)
