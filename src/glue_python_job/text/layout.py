"""How a source file is laid out: its format and its columns. Files of one layout are read by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dataset_contract.model import Column, CsvDialect, DataObject
from glue_python_job import sql
from glue_python_job.errors import JobError
from glue_python_job.text import records
from glue_python_job.text.file_kinds import CSV, JSON, PARQUET
from glue_python_job.text.grammar import CsvGrammar
from glue_python_job.text.json_records import JsonGrammar
from glue_python_job.text.records import Grammar

__all__ = ["CSV", "JSON", "PARQUET", "Layout", "check_columns"]

# What DuckDB says where `counted` refuses a record, and where it cannot count since a line end is in quotes.
OTHER_FIELDS = "a record has other fields than the header"
QUOTED_LINE_END = "null_padding in conjunction with quoted new lines"
# No field holds this text: an unquoted one has no line end, and a quoted one is never null.
_NO_NULL = "\n"


@dataclass(frozen=True)
class Layout:
    """How the files of a source are laid out.

    Attributes:
        format: csv, json or parquet.
        columns: the names in the file, in order; of JSON those of the contract.
        types: DuckDB's types of the columns (Parquet only).
        newline: the line end of the file, escaped as DuckDB's option.
        skip: lines before the first record.
        array: a JSON array, else JSON lines.
        normal: the records were written anew by `splitting.split`, quoted throughout, JSON's nulls unquoted, with
            one more field at the end.
    """

    format: str
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    newline: str = "\\n"
    skip: int = 0
    dialect: CsvDialect = field(default_factory=CsvDialect)
    array: bool = False
    normal: bool = False

    @property
    def exact(self) -> bool:
        """Whether the text is always split here: DuckDB does not read it as it is."""
        # An empty line is a record of a single column, but not to DuckDB.
        return self.format == JSON or (self.format == CSV and (len(self.columns) == 1 or not self.csv_grammar.is_usual))

    @property
    def counted_by_duckdb(self) -> bool:
        """Whether DuckDB can tell a record with another number of fields: `scan` with `counted`."""
        return self.format == CSV and not self.exact and not self.normal

    @property
    def split_text(self) -> Layout:
        """The layout of what `splitting.split` writes."""
        return replace(self, newline="\\n", skip=0, normal=self.exact)

    @property
    def csv_grammar(self) -> CsvGrammar:
        """How CSV splits into records."""
        return CsvGrammar.of(self.dialect, len(self.columns))

    def grammar(self, source: DataObject) -> Grammar:
        """How the text splits into records."""
        return JsonGrammar(source.columns, self.array) if self.format == JSON else self.csv_grammar

    def position(self, column: Column) -> int:
        """The position of a contract's column among the columns of the file."""
        return _positions(self.columns, column)[0]

    def scan(self, files: Sequence[Path], source: DataObject, *, counted: bool = False) -> str:  # noqa: ARG002 - all is known of the columns
        r"""A table expression over files of this layout. Text columns are named f0, f1 and so on.

        A text is as it is in the file, never null in CSV; in JSON null is null. strict_mode is DuckDB's default and is
        left unset: given as an option, 1.4.5 misreads files with \r\n. A text has no byte-order mark.

        counted: a record with more or fewer fields than columns is an error, and so is a line end in quotes. Otherwise
        DuckDB passes over surplus fields that are empty.
        """
        if self.format == PARQUET:
            return f"read_parquet({sql.paths(files)}, hive_partitioning = false, file_row_number = false)"
        grammar, longest = self.csv_grammar, records.MAX_RECORD_BYTES + 1
        delimiter, quote, more = grammar.delimiter.decode(), grammar.quote.decode(), grammar.trailing
        if self.normal:
            delimiter, quote, more = ",", '"', True
            longest = 2 * longest + 4 * len(self.columns)  # each quote is doubled
        names = [f"f{index}" for index in range(len(self.columns) + more)]
        # A field that is not there is null, and one that is there never is.
        padded = [*names, f"f{len(names)}"] if counted else names
        fields = ", ".join(f"{name}: 'VARCHAR'" for name in padded)
        null = "" if self.normal and self.format == JSON else _NO_NULL
        text = (
            f"read_csv({sql.paths(files)}, columns = {{{fields}}}, auto_detect = false, header = false, "
            f"skip = {self.skip}, "
            f"delim = {sql.literal(delimiter)}, quote = {sql.literal(quote)}, escape = {sql.literal(quote)}, "
            f"nullstr = {sql.literals([null])}, allow_quoted_nulls = false, new_line = {sql.literal(self.newline)}, "
            f"max_line_size = {longest}, buffer_size = {4 * longest}{', null_padding = true' if counted else ''})"
        )
        conditions = [f"{padded[-2]} IS NOT NULL", f"{padded[-1]} IS NULL"] if counted else []
        if grammar.trailing and not self.normal:
            # The field after the last delimiter is empty, or the record has too many.
            conditions.append(f"{names[-1]} = ''")
        if not conditions:
            return text
        # An error has the text split exactly.
        right = f"CASE WHEN {' AND '.join(conditions)} THEN true ELSE error('{OTHER_FIELDS}') END"
        return f"(SELECT {', '.join(names[: len(self.columns)])} FROM {text} WHERE {right})"


def _positions(found: Sequence[str], column: Column) -> list[int]:
    """Where a column may be: exactly its name, or else its name but for upper and lower case."""
    name = column.source_name
    exact = [index for index, other in enumerate(found) if other == name]
    return exact or [index for index, other in enumerate(found) if other.lower() == name.lower()]


def check_columns(uri: str, found: Sequence[str], source: DataObject) -> list[str]:
    """The columns of the file that are not the contract's.

    Raises:
        JobError: a column of the contract is missing, or several could be it.
    """
    places = [(column.source_name, _positions(found, column)) for column in source.columns]
    missing = [name for name, positions in places if not positions]
    if missing:
        more = f" (and {', '.join(missing[1:])})" if missing[1:] else ""
        raise JobError(
            f"contract column {missing[0]}{more} is missing from the file {uri}; "
            f"columns found: {', '.join(found) or 'none'}"
        )
    for name, positions in places:
        if len(positions) > 1:
            same = len({found[position] for position in positions}) == 1
            problem = "occurs twice" if same else "occurs twice but for upper and lower case"
            raise JobError(f"column {name} {problem} in the file {uri}; columns found: {', '.join(found)}")
    used = {positions[0] for _, positions in places}
    return [name for position, name in enumerate(found) if position not in used]
