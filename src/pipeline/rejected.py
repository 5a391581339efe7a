"""The rejected rows of a job: read one after the other, counted by reason, and exported so that they can be mended.

The Python job keeps them as text beside its Parquet files (glue_python_job/text/mendable.py), with what belongs around
them.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dataset_contract.json_types import JsonObject
from dataset_contract.manifests import PYTHON
from dataset_contract.places import REFUSED_AROUND, REFUSED_TEXTS, Places, bucket_and_key, failure_of, of_run
from dataset_contract.wording import MOST_REASONS, OTHER_REASONS
from pipeline.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from pipeline.jobs import Job
    from pipeline.stacks import Stack

_VERSION = 1
_PIECE_BYTES = 1024 * 1024
_COMPRESSIONS: dict[str, Callable[..., IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open}  # type: ignore[dict-item]
# By which a source file's format is known: docs/contract.md.
_ENDINGS = {
    "csv": (".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".tbl"),
    "json": (".jsonl", ".json", ".ndjson"),
}
_REASON_FIELDS = ("export_file", "line", "source_file", "source_line", "column", "reason")


@dataclass(frozen=True)
class Refused:
    """A rejected row.

    Attributes:
        line: of the source file, from 1 (of Parquet, the row).
        column: None where the whole row is meant.
        export: number of the file to mend it in, None where its text was not kept whole.
        data: its bytes in the encoding of the source, where its text does not say them.
    """

    source_file: str
    line: int
    column: str | None
    reason: str
    text: str
    export: int | None
    data: bytes | None


@dataclass(frozen=True)
class Exported:
    """What was written: the files to mend, their rows, and where the reasons are.

    Attributes:
        left: rows that are not in a file, since their text was not kept whole.
    """

    files: tuple[Path, ...]
    reasons: Path
    rows: int
    left: int


class NoTextError(PipelineError):
    """The rejected rows of the job are not there as text."""


def rows(stack: Stack, job: Job) -> Iterator[Refused]:
    """The rejected rows, in bounded memory.

    Raises:
        NoTextError: the job has rejected rows, and they are not there as text.
    """
    yield from _rows(stack, job, _place(stack, job))


def _rows(stack: Stack, job: Job, place: str) -> Iterator[Refused]:
    found = 0
    for key in _keys(stack, place):
        for line in _lines(stack, key):
            found += 1
            yield _refused(json.loads(line))
    expected = job.counts.get("rows_rejected")
    if expected is not None and found != expected:
        raise NoTextError(
            f"job {job.job_id} has rejected {expected:,} rows, and {found:,} are there as text; all are in the Parquet "
            f"files below {place}"
        )


def reasons(stack: Stack, job: Job) -> Counter[tuple[str | None, str]]:
    """How many rows each column and reason refused; beyond a thousand, the others together."""
    counted: Counter[tuple[str | None, str]] = Counter()
    for row in rows(stack, job):
        kind = (row.column, row.reason)
        counted[kind if kind in counted or len(counted) < MOST_REASONS else (None, OTHER_REASONS)] += 1
    return counted


def export(stack: Stack, job: Job, target: Path, on_row: Callable[[], None] = lambda: None) -> Exported:
    """Write the rejected rows as they were in the source, with its header, and the reasons beside them.

    Rows of files with another header, and the few that must not stand in one file, are in a file of their own.

    Args:
        target: the file; its ending says the compression. Nothing is there at these names before, or all of it after.
        on_row: is called for each row.

    Raises:
        UsageError: a file is there already, or the ending is not that of the source's format.
        NoTextError: the job has no rejected rows, or they are not there as text.
    """
    place = _place(stack, job)
    around = _around(stack, place)
    if around is None:
        if (count := job.counts.get("rows_rejected")) is None:
            said = (
                "is running, and has not counted its rows yet"
                if job.is_running
                else f"is {job.status}, and its rows were never counted"
            )
            raise NoTextError(f"job {job.job_id} {said}: there is nothing to export")
        if not count:
            raise NoTextError(f"job {job.job_id} has rejected no row: there is nothing to export")
        raise NoTextError(
            f"the rejected rows of job {job.job_id} are not there as text; all are in the Parquet files below {place}"
        )
    with _Files(target, around) as files:
        for row in _rows(stack, job, place):
            files.add(row)
            on_row()
        return files.finish()


class _Files:
    """The files of an export: written under other names, which are changed when all are whole."""

    def __init__(self, target: Path, around: list[JsonObject]) -> None:
        if any(target.name.endswith(ending) for ending in (".zst", ".zip", ".xz")):
            raise UsageError(f"--export {str(target)!r}: accepted endings of a compression: .gz, .bz2")
        self._around = around
        self._paths = [_numbered(target, number, each["format"]) for number, each in enumerate(around)]
        # Names that begin with _ are not source files, so a directory with an export can be uploaded as it is.
        if target.name[0] in "_.":
            raise UsageError(f"--export {str(target)!r}: accepted: a name without _ or . first, which is not read")
        if not target.absolute().parent.is_dir():
            raise UsageError(
                f"--export {str(target)!r}: {str(target.parent)!r} is not a directory; accepted: one that is there"
            )
        self._reasons = target.with_name(f"_{target.name}.reasons.csv")
        for path in (*self._paths, self._reasons):
            if path.exists():
                raise UsageError(f"--export: {str(path)!r} is there already; accepted: a name that is not taken")
        self._opened = ExitStack()
        self._out: dict[int, IO[bytes]] = {}
        self._lines: dict[int, int] = {}
        self._rows = self._left = 0
        reasons = self._opened.enter_context(_partial(self._reasons).open("w", newline="", encoding="utf-8"))
        self._table = csv.writer(reasons)
        self._table.writerow(_REASON_FIELDS)

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        for path in (*self._paths, self._reasons):
            _partial(path).unlink(missing_ok=True)

    def add(self, row: Refused) -> None:
        number = row.export
        about = (row.source_file, row.line, row.column or "", row.reason)
        if number is None:
            self._left += 1
            self._table.writerow(("", "", *about))
            return
        around = self._around[number]
        first = number not in self._out
        before = around["head"] if first else around["between"] if around["between"] != "\n" else ""
        out = self._out[number] = self._out.get(number) or self._begin(number)
        line = self._lines[number] = self._lines.get(number, 1) + before.count("\n")
        data = row.data if row.data is not None else row.text.encode(around["encoding"])
        # A carriage return at its end is part of the row, so the line end has one of its own.
        end = ("\r\n" if row.text.endswith("\r") else "\n") if around["between"] == "\n" else ""
        out.write(before.encode(around["encoding"]) + data + end.encode(around["encoding"]))
        self._lines[number] += row.text.count("\n") + len(end.strip("\r"))
        self._rows += 1
        self._table.writerow((self._paths[number].name, line, *about))

    def _begin(self, number: int) -> IO[bytes]:
        path = self._paths[number]
        opened = _COMPRESSIONS.get(path.suffix, open)(_partial(path), "wb")
        return self._opened.enter_context(opened)

    def finish(self) -> Exported:
        for number, out in self._out.items():
            around = self._around[number]
            out.write(b"" if around["between"] == "\n" else around["tail"].encode(around["encoding"]))
        self._opened.close()
        written = [self._paths[number] for number in sorted(self._out)]
        for path in (*written, self._reasons):
            _partial(path).rename(path)
        return Exported(tuple(written), self._reasons, self._rows, self._left)


def _numbered(target: Path, number: int, kind: str) -> Path:
    """`refused.csv.gz`, `refused-2.csv.gz`, …; one of another format than the first has an ending of its own."""
    compression = target.suffix if target.suffix in _COMPRESSIONS else ""
    name = target.name.removesuffix(compression)
    stem, dot, ending = name.rpartition(".")
    if not dot or f".{ending}".lower() not in _ENDINGS[kind]:
        if number == 0:
            raise UsageError(
                f"--export {str(target)!r}: the source is {kind.upper()}; accepted endings: "
                f"{', '.join(_ENDINGS[kind])}, also with .gz or .bz2"
            )
        stem, ending = stem or name, _ENDINGS[kind][0][1:]
    return target.with_name(f"{stem}{f'-{number + 1}' if number else ''}.{ending}{compression}")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _refused(document: JsonObject) -> Refused:
    return Refused(
        document["source_file"],
        document["line_number"],
        document["column_name"],
        document["reason"],
        document["raw_row"],
        document["export"],
        base64.b64decode(document["bytes"]) if "bytes" in document else None,
    )


def _place(stack: Stack, job: Job) -> str:
    """The directory of the run of the Python stage that the job has.

    A run that was killed told nothing of itself: then it is that of the run that wrote last, or of all if none did.
    """
    at = Places(job.job_id, job.dataset or "", "", stack.outputs["lake_bucket"], "")
    s3, key = stack.client("s3"), at.manifest_key(PYTHON)
    for told in (key, failure_of(key)):
        try:
            document = json.loads(s3.get_object(Bucket=at.lake_bucket, Key=told)["Body"].read())
        except s3.exceptions.NoSuchKey:
            continue
        if isinstance(document, dict) and isinstance(document.get("stage_run"), str):
            return of_run(at.rejected(), document["stage_run"])
    bucket, prefix = bucket_and_key(at.rejected())
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [item for page in pages for item in page.get("Contents", []) if item["Key"].endswith(f"/{REFUSED_AROUND}")]
    last = max(found, key=lambda item: item["LastModified"])["Key"].removesuffix(REFUSED_AROUND) if found else prefix
    return f"s3://{bucket}/{last}"


def _around(stack: Stack, place: str) -> list[JsonObject] | None:
    bucket, prefix = bucket_and_key(place)
    s3 = stack.client("s3")
    try:
        document = json.loads(s3.get_object(Bucket=bucket, Key=prefix + REFUSED_AROUND)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None
    if document["version"] != _VERSION:
        raise NoTextError(
            f"s3://{bucket}/{prefix}{REFUSED_AROUND} has version {document['version']}, and this command knows "
            f"{_VERSION}: update it"
        )
    return list(document["files"])


def _keys(stack: Stack, place: str) -> list[str]:
    bucket, prefix = bucket_and_key(place)
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + REFUSED_TEXTS)
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def _lines(stack: Stack, key: str) -> Iterator[bytes]:
    body = stack.client("s3").get_object(Bucket=stack.outputs["lake_bucket"], Key=key)["Body"]
    stream, rest = zlib.decompressobj(wbits=31), b""
    with closing(body):
        while piece := body.read(_PIECE_BYTES):
            *whole, rest = (rest + stream.decompress(piece)).split(b"\n")
            yield from whole
    rest += stream.flush()
    yield from (line for line in rest.split(b"\n") if line)
