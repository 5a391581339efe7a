"""How a source file is laid out: its format and its columns. Files of one layout are read by one statement."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_python_job import records, sql
from glue_python_job.contract import Contract
from glue_python_job.errors import JobError
from glue_python_job.grammar import TOO_FEW, TOO_MANY, CsvGrammar, Grammar, JsonGrammar

CSV, JSON, PARQUET = "csv", "json", "parquet"
SUFFIXES = {
    ".csv": CSV,
    ".csv.gz": CSV,
    ".json": JSON,
    ".json.gz": JSON,
    ".jsonl": JSON,
    ".jsonl.gz": JSON,
    ".ndjson": JSON,
    ".ndjson.gz": JSON,
    ".parquet": PARQUET,
}


@dataclass(frozen=True)
class Layout:
    """format: csv, json or parquet. columns: the names in the file, in order (none for JSON lines).

    types: DuckDB's types of the columns (Parquet only). newline: the line end of the file, escaped as DuckDB's option.
    skip: lines before the first record.
    """

    format: str
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    newline: str = "\\n"
    skip: int = 0

    def grammar(self, contract: Contract) -> Grammar:
        """How the text splits into records."""
        if self.format == JSON:
            return JsonGrammar()
        return CsvGrammar(len(self.columns), tuple(value.encode() for value in contract.null_values))

    def scan(self, files: Sequence[Path], contract: Contract) -> str:
        """A table function over files of this layout; CSV columns are named f0, f1, …, a JSON line is `line`.

        strict_mode is DuckDB's default and is left unset: given as an option, 1.4.5 misreads files with \\r\\n.
        A text has no byte-order mark.
        """
        if self.format == PARQUET:
            return f"read_parquet({sql.paths(files)}, hive_partitioning = false, file_row_number = false)"
        if self.format == JSON:
            separator, quote, names, nulls = JsonGrammar.separator.decode(), "", ["line"], [""]
        else:
            separator, quote = ",", '"'
            names = [f"f{index}" for index in range(len(self.columns))]
            nulls = list(contract.null_values) or [chr(2)]  # the list may not be empty
        fields = ", ".join(f"{name}: 'VARCHAR'" for name in names)
        return (
            f"read_csv({sql.paths(files)}, columns = {{{fields}}}, auto_detect = false, header = false, "
            f"skip = {self.skip}, "
            f"delim = {sql.literal(separator)}, quote = {sql.literal(quote)}, escape = {sql.literal(quote)}, "
            f"nullstr = {sql.literals(nulls)}, new_line = {sql.literal(self.newline)}, "
            f"max_line_size = {records.MAX_RECORD_BYTES + 1})"
        )


def format_of(uri: str) -> str:
    """The format that a file's name tells.

    Raises:
        JobError: the name has no known ending.
    """
    match = re.search(r"\.(csv|json|jsonl|ndjson)(\.gz)?$|\.parquet$", uri.lower())
    if not match:
        raise JobError(f"{uri} is not of a known format; its name must end with one of {', '.join(SUFFIXES)}")
    return SUFFIXES[match[0]]


def header_names(uri: str, raw: bytes, problem: str) -> tuple[str, ...]:
    """The column names in the header record of a CSV file.

    Raises:
        JobError: it is no record of CSV in UTF-8.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JobError(f"the header of {uri} is not UTF-8: {error}; store the file as UTF-8") from error
    if problem not in ("", TOO_FEW, TOO_MANY):
        raise JobError(f"the header of {uri} is not CSV: {problem}; lines must end with \\n or \\r\\n")
    return tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))


def check_columns(uri: str, found: Sequence[str], contract: Contract) -> list[str]:
    """The columns of the file that are not the contract's.

    Raises:
        JobError: a column of the contract is missing, or is there twice.
    """
    names = [column.name for column in contract.columns]
    missing = [name for name in names if name not in found]
    if missing:
        more = f" (and {', '.join(missing[1:])})" if missing[1:] else ""
        raise JobError(
            f"contract column {missing[0]}{more} is missing from the file {uri}; "
            f"columns found: {', '.join(found) or 'none'}"
        )
    for name in names:
        if found.count(name) > 1:
            raise JobError(f"column {name} is there twice in the file {uri}; columns found: {', '.join(found)}")
    return [name for name in found if name not in names]
