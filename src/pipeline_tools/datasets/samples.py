"""Reads a sample of a dataset's source: its dialect, its columns, and the type that holds every value of the file."""

from __future__ import annotations

import bz2
import codecs
import gzip
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import duckdb

from dataset_contract.json_types import JsonObject
from pipeline_tools.datasets import inference
from pipeline_tools.datasets.inference import Guess

_LONGEST_LINE = 1 << 26  # bytes
_DELIMITERS = (",", ";", "\t", "|")
_DEEPEST = 5  # levels of nested JSON objects that become columns
_MOST_PAIRS = 50  # that are tried for a key of two


class SampleError(ValueError):
    """A sample that no contract can be drafted from; the message says what to give instead."""


@dataclass(frozen=True)
class SampleColumn:
    """A column.

    Attributes:
        source: its header, or its path in JSON; empty where the file has no header.
    """

    source: str
    guess: Guess


@dataclass
class FileSample:
    """What a file told.

    Attributes:
        csv: the customProperty, what differs from the standard dialect.
        notes: for a person.
    """

    columns: list[SampleColumn]
    rows: int
    csv: JsonObject = field(default_factory=dict)
    keys: list[tuple[int, ...]] = field(default_factory=list)  # positions of columns whose values are unique
    notes: list[str] = field(default_factory=list)


def read(path: Path, scratch: Path) -> FileSample:
    """Read a CSV, JSON or Parquet file, also packed by gzip or bzip2.

    Args:
        path: the file.
        scratch: an empty folder for copies.

    Raises:
        SampleError: it is not there, empty, or of no format that is read.
    """
    if not path.is_file():
        raise SampleError(f"{path} is not a file; accepted: a CSV, JSON or Parquet file")
    plain = _unpacked(path, scratch)
    if plain.stat().st_size == 0:
        raise SampleError(f"{path} is empty; accepted: a file with some rows")
    connection = duckdb.connect()
    with connection, plain.open("rb") as stream:
        head = stream.read(4096)
        try:
            if head.startswith(b"PAR1"):
                sample = _parquet(connection, plain)
            elif head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"["):
                sample = _json(connection, plain, scratch)
            else:
                sample = _csv(connection, plain, scratch)
        except duckdb.Error as error:
            raise SampleError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
        if sample.rows == 0:
            raise SampleError(f"{path} has no rows; accepted: a file with some")
        sample.keys = _keys(connection, sample)
    return sample


def _unpacked(path: Path, scratch: Path) -> Path:
    with path.open("rb") as stream:
        head = stream.read(4)
    opener: Any = None
    if head.startswith(b"\x1f\x8b"):
        opener = gzip.open
    elif head.startswith(b"BZh"):
        opener = bz2.open
    elif head.startswith((b"PK\x03\x04", b"\x28\xb5\x2f\xfd")):
        raise SampleError(f"{path} is packed by zip or zstd; accepted: gzip, bzip2, or the file itself")
    if opener is None:
        return path
    target = scratch / "unpacked"
    try:
        with opener(path, "rb") as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    except (OSError, EOFError) as error:
        raise SampleError(f"{path} cannot be unpacked: {error}") from error
    return target


def _csv(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> FileSample:
    encoding = _encoding(path)
    if encoding != "utf-8":
        target = scratch / "utf-8"
        with path.open(encoding=encoding, newline="") as given, target.open("w", encoding="utf-8", newline="") as plain:
            shutil.copyfileobj(given, plain)
        path = target
    delimiter, quote, escape, skip, has_header, count = _sniffed(connection, path)
    # The sniffer gives \0 where it saw no quote; then the usual one does no harm.
    quote = '"' if quote in ("", "\0", "(empty)") else quote
    escape = quote if escape in ("", "\0", "(empty)") else escape
    columns = {f"c{index}": "VARCHAR" for index in range(count)}
    reading: dict[str, Any] = {"sep": delimiter, "quotechar": quote, "escapechar": escape, "columns": columns}
    reading |= {"auto_detect": False, "max_line_size": _LONGEST_LINE, "ignore_errors": True}
    header: list[str] = []
    if has_header:
        first = connection.read_csv(str(path), header=False, skiprows=skip, **reading).limit(1).fetchone()
        header = [text or "" for text in first or ()]
    relation = connection.read_csv(
        str(path), header=has_header, skiprows=skip, store_rejects=True,
        allow_quoted_nulls=False, **reading,
    )  # fmt: skip
    relation.create("sample")
    sample = _one_decimal_separator(connection, _guessed(connection, header or [""] * count))
    sample.csv = _dialect(delimiter, quote, escape, skip, has_header, encoding)
    if any("," in column.guess.separators for column in sample.columns):
        sample.csv["decimalSeparator"] = ","
    bad = connection.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()
    if bad and bad[0]:
        sample.notes.append(f"{bad[0]} lines of the sample do not have {count} fields and were left out")
    if encoding == "cp1252":
        sample.notes.append("the sample is not UTF-8; cp1252 is a guess")
    return sample


def _sniffed(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[Any, ...]:
    """Delimiter, quote, escape, lines to skip, whether there is a header, and the count of columns."""
    query = (
        "SELECT Delimiter, Quote, Escape, SkipRows, HasHeader, len(Columns) "
        "FROM sniff_csv(?, sample_size = 100000{more})"
    )
    found = connection.execute(query.format(more=""), [str(path)]).fetchone()
    assert found is not None
    with path.open(encoding="utf-8-sig") as stream:
        first = stream.readline()
    usual = max(_DELIMITERS, key=first.count)
    # Where lines differ in their fields, the sniffer takes each for one field; the header tells better.
    if found[-1] == 1 and usual in first:
        more = f", delim = '{usual}', ignore_errors = true, strict_mode = false"
        found = connection.execute(query.format(more=more), [str(path)]).fetchone() or found
    return found


def _one_decimal_separator(connection: duckdb.DuckDBPyConnection, sample: FileSample) -> FileSample:
    """A dialect has one: where a column has points, those with commas are texts."""
    if not any("." in column.guess.separators for column in sample.columns):
        return sample
    for index, column in enumerate(sample.columns):
        if "," in column.guess.separators:
            guess = inference.guess(connection, f"c{index}", sample.rows, is_text=True)
            sample.columns[index] = SampleColumn(column.source, replace(guess, check="decimal commas, others points"))
    return sample


def _dialect(delimiter: str, quote: str, escape: str, skip: int, header: bool, encoding: str) -> JsonObject:
    usual = {"delimiter": ",", "quote": '"', "escape": quote, "skipLines": 0, "header": True, "encoding": "utf-8"}
    values = (delimiter, quote, escape, skip, header, encoding)
    given = dict(zip(usual, values, strict=True))
    return {name: value for name, value in given.items() if value != usual[name]}


def _encoding(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"


def _json(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> FileSample:
    """JSON goes through a CSV file, since DuckDB would take its numbers through doubles."""
    kinds: dict[str, set[str]] = {}
    with path.open(encoding="utf-8-sig") as stream:
        for record in _records(stream, path):
            for name, value in _fields(record):
                kinds.setdefault(name, set()).add(_kind(value))
    names = [name for name, found in kinds.items() if found <= {"null", "string", "number", "boolean"}]
    left_out = sorted(name for name in kinds if name not in names)
    if not names:
        raise SampleError(f"{path} has no record with a text, a number, true or false; accepted: JSON objects")
    target = scratch / "records.csv"
    with path.open(encoding="utf-8-sig") as stream, target.open("w", encoding="utf-8", newline="") as out:
        for record in _records(stream, path):
            values = dict(_fields(record))
            out.write(",".join(_quoted(values.get(name)) for name in names) + "\n")
    connection.read_csv(
        str(target), header=False, auto_detect=False, columns={f"c{i}": "VARCHAR" for i in range(len(names))},
        sep=",", quotechar='"', escapechar='"', allow_quoted_nulls=False, max_line_size=_LONGEST_LINE,
    ).create("sample")  # fmt: skip
    texts = {index for index, name in enumerate(names) if "string" in kinds[name]}
    sample = _guessed(connection, names, texts)
    sample.notes += [f"{name} holds lists, or objects and other values, which no column takes" for name in left_out]
    return sample


def _records(stream: IO[str], path: Path) -> Iterator[JsonObject]:
    first = next((character for character in iter(lambda: stream.read(1), "") if not character.isspace()), "")
    stream.seek(0)
    lines: Any = enumerate(stream, start=1)
    try:
        items = [(1, item) for item in json.loads(stream.read(), parse_float=Decimal)] if first == "[" else None
        for number, item in items if items is not None else lines:
            record = item
            if items is None:
                if not item.strip():
                    continue
                record = json.loads(item, parse_float=Decimal)
            if not isinstance(record, dict):
                raise SampleError(
                    f"{path}:{number}: is not a JSON object; accepted: an object per line, or a list of them"
                )
            yield record
    except json.JSONDecodeError as error:
        raise SampleError(f"{path} is not JSON: {error}; accepted: an object per line, or a list of them") from error


def _fields(record: JsonObject, path: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """The fields of a record by their name, or by their path in nested objects."""
    for name, value in record.items():
        place = f"{path}.{name}" if path else name
        if isinstance(value, dict) and depth < _DEEPEST and not set(name) & set(".[] \t"):
            yield from _fields(value, f"{path}.{name}" if path else f"$.{name}", depth + 1)
        else:
            yield place, value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, Decimal)) else "string" if isinstance(value, str) else "nested"


def _quoted(value: object) -> str:
    if value is None:
        return ""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"'


def _guessed(connection: duckdb.DuckDBPyConnection, names: list[str], texts: set[int] | None = None) -> FileSample:
    """The columns c0, c1, … of the table `sample`.

    Args:
        texts: those whose numbers are meant as texts.
    """
    row = connection.execute("SELECT count(*) FROM sample").fetchone()
    rows = int(row[0]) if row else 0
    columns = [
        SampleColumn(name, inference.guess(connection, f"c{index}", rows, is_text=index in (texts or set())))
        for index, name in enumerate(names)
    ]
    return FileSample(columns, rows)


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> FileSample:
    relation = connection.read_parquet(str(path))
    row = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
    rows = int(row[0]) if row else 0
    columns: list[SampleColumn] = []
    kept: list[str] = []
    notes: list[str] = []
    for name, type_ in zip(relation.columns, relation.types, strict=True):
        quoted = '"' + name.replace('"', '""') + '"'
        guess = inference.of_parquet(connection, f"read_parquet('{_literal(path)}')", quoted, str(type_), rows)
        if guess is None:
            notes.append(f"{name} is of the type {type_}, which no column takes")
            continue
        kept.append(f"{quoted} AS c{len(columns)}")
        columns.append(SampleColumn(name, guess))
    if not columns:
        raise SampleError(f"{path} has no column that can be taken")
    connection.execute(f"CREATE VIEW sample AS SELECT {', '.join(kept)} FROM read_parquet('{_literal(path)}')")
    return FileSample(columns, rows, notes=notes)


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")


def _keys(connection: duckdb.DuckDBPyConnection, sample: FileSample) -> list[tuple[int, ...]]:
    """Columns whose values are unique in the sample; where there are none, pairs of columns."""
    able = [index for index, column in enumerate(sample.columns) if column.guess.required and column.guess.may_be_key]
    counts = {index: _distinct(connection, (index,)) for index in able}
    single: list[tuple[int, ...]] = [(index,) for index in able if counts[index] == sample.rows]
    if single or sample.rows < 2:
        return single
    pairs = (pair for pair in itertools.combinations(able, 2) if counts[pair[0]] * counts[pair[1]] >= sample.rows)
    tried = itertools.islice(pairs, _MOST_PAIRS)
    return list(itertools.islice((pair for pair in tried if _distinct(connection, pair) == sample.rows), 3))


def _distinct(connection: duckdb.DuckDBPyConnection, columns: tuple[int, ...]) -> int:
    names = ", ".join(f"c{index}" for index in columns)
    row = connection.execute(f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM sample)").fetchone()
    return int(row[0]) if row else 0
