"""What a source file is, by the ending of its name and its first bytes. Where the two differ, the bytes are right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from glue_python_job.errors import JobError

CSV, JSON, PARQUET = "csv", "json", "parquet"
GZIP, BZIP2, ZSTD = "gzip", "bzip2", "zstd"

SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".tbl"), CSV),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), JSON),
    ".parquet": PARQUET,
}
COMPRESSIONS = {".gz": GZIP, ".bz2": BZIP2, ".zst": ZSTD}

_ENDING = re.compile(r"(?P<format>\.[a-z0-9]+?)?(?P<compression>\.gz|\.bz2|\.zst)?$")
_HEAD_BYTES = 16
# bzip2's own sign is "BZh" and a digit, which a text may begin with: a block's sign follows, or that of the end.
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
# Files of these kinds are refused by name. ORC's sign is at the end as well: a text may begin with it.
_OTHERS = {
    b"PK\x03\x04": "a ZIP file or an Excel workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook (.xls)",
    b"Obj\x01": "an Avro file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"\xff\x06\x00\x00sNaPpY": "a Snappy file",
}


@dataclass(frozen=True)
class FileKind:
    """What the name of a file tells.

    Attributes:
        format: csv, json or parquet.
        compression: gzip, bzip2, zstd or "".
        note: what its name does not tell.
    """

    format: str
    compression: str = ""
    note: str = ""


def kind_of(path: Path, uri: str) -> FileKind:
    """What the file of this URI, a copy of which is at `path`, is.

    Raises:
        JobError: it is of no kind that is read.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
        handle.seek(max(0, path.stat().st_size - 5))
        tail = handle.read()
    check_head(head, uri, tail)
    match = _ENDING.search(uri.lower().rpartition("/")[2])
    assert match is not None  # every part of the pattern is optional
    format_, named = SUFFIXES.get(match["format"] or ""), COMPRESSIONS.get(match["compression"] or "", "")
    if head.startswith(b"PAR1") and tail.endswith(b"PAR1"):
        return FileKind(PARQUET, note="" if format_ == PARQUET and not named else "is Parquet, in spite of its name")
    if format_ is None or (format_ == PARQUET and named):
        raise JobError(
            f"{uri} is not of a known format; its name must end with one of {', '.join(SUFFIXES)}, text also with "
            f"{', '.join(COMPRESSIONS)} after it"
        )
    found = _compression(head)
    if found == named or not head:
        return FileKind(format_, found)
    return FileKind(format_, found, f"is {found or 'not compressed'}, in spite of its name")


def check_head(head: bytes, uri: str, tail: bytes = b"") -> None:
    """Refuse what begins as a file of a kind that is not read.

    Raises:
        JobError: it names the kind.
    """
    kind = next((kind for sign, kind in _OTHERS.items() if head.startswith(sign)), None)
    if kind is None and head.startswith(b"ORC") and tail[:-1].endswith(b"ORC"):
        kind = "an ORC file"
    if kind:
        raise JobError(f"{uri} is {kind}, which is not read; store it as CSV, JSON or Parquet")


def _compression(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return ZSTD
    return BZIP2 if _BZIP2.match(head) else ""
