"""What has to hold of any run of the Python job, by readers that share no code with it.

A text is walked line by line: each line is of the header, empty, of a refused row, whose raw text it is, or of the next
staged row, whose values Python's csv or json module reads from it. So no line is lost, told twice or changed.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.unit.glue_python_job.conftest import Job, Result

Row = tuple[Any, ...]
csv.field_size_limit(100_000_000)


def adds_up(job: Job, result: Result) -> bool:
    """Whether the job succeeded. A failure is one line and leaves nothing that looks finished."""
    if result.code:
        assert result.code == 1, result.error
        assert result.error.startswith("error: ")
        assert result.error.count("\n") == 1
        told = f"error: {' '.join(result.failure['error'].split())}"
        # The file has as much of a long one as a state passes on.
        assert result.error == f"{told}\n" or (told.endswith("…") and result.error.startswith(told[:-1]))
        assert not result.manifest
        assert not result.staged
        return False
    counts = result.manifest
    assert not result.failure
    assert counts["rows_in"] == counts["rows_out"] + counts["rows_rejected"]
    assert counts["rows_out"] == len(result.staged) == sum(file["rows"] for file in counts["files_out"])
    assert counts["rows_rejected"] == len(result.rejected) == sum(counts["rejected_reasons"].values())
    assert counts["rows_in"] == sum(file["rows"] for file in counts["files_in"])
    return True


class Walk:
    """Goes through the files of a source in their order, and takes the staged rows as they come."""

    def __init__(self, result: Result) -> None:
        self._staged = list(result.staged)
        self._files = {Path(file["uri"]).name: file for file in result.manifest["files_in"]}
        self._refused: dict[tuple[str, int], tuple[str | None, str, str]] = {}
        for row in result.rejected:
            place = Path(row[1]).name, row[2]
            assert place not in self._refused, f"{place} is refused twice"
            self._refused[place] = row[3], row[4], row[5]

    def csv_file(self, name: str, text: bytes, *, delimiter: str = ",", encoding: str = "utf-8") -> None:
        """The text of a CSV file, of which all columns are the contract's, in its order."""
        lines = _lines(text.removeprefix(b"\xef\xbb\xbf"))
        number = 0
        header = None
        rows = empty = 0
        while number < len(lines):
            refusal = self._refused.pop((name, number + 1), None)
            if refusal is not None:
                told = refusal[2]
                found = _read(b"\n".join(lines[number : number + 1 + told.count("\n")]))
                assert found in (told, f"{told}\r"), (name, number + 1)
                number += 1 + told.count("\n")
                rows += 1
            elif lines[number] in (b"", b"\r"):
                number, empty = number + 1, empty + (header is not None)
            elif header is None:
                header = next(csv.reader(io.StringIO(_read(b"\n".join(lines[number:])), newline="")))
                number += 1 + sum(name.count("\n") for name in header)
            else:
                row = self._staged.pop(0)
                span = 1 + sum(str(value).count("\n") for value in row if value is not None)
                record = b"\n".join(lines[number : number + span]).removesuffix(b"\r")
                read = list(
                    csv.reader(io.StringIO(record.decode(encoding), newline=""), delimiter=delimiter, strict=True)
                )
                assert read == [list(row)], (name, number + 1)
                number += span
                rows += 1
        self._counted(name, rows, empty)

    def json_file(self, name: str, text: bytes, columns: list[str]) -> None:
        """The text of a file of JSON lines."""
        rows = empty = 0
        for number, line in enumerate(_lines(text.removeprefix(b"\xef\xbb\xbf")), 1):
            refusal = self._refused.pop((name, number), None)
            if refusal is not None:
                assert _read(line) in (refusal[2], f"{refusal[2]}\r"), (name, number)
            elif not line.strip(b" \t\r"):
                empty += 1
                continue
            else:
                document = json.loads(line.decode(), parse_int=str, parse_float=str)
                expected = [_text(document.get(column)) for column in columns]
                assert list(self._staged.pop(0)) == expected, (name, number)
            rows += 1
        self._counted(name, rows, empty)

    def end(self) -> None:
        """Nothing is left."""
        assert not self._staged
        assert not self._refused

    def _counted(self, name: str, rows: int, empty: int) -> None:
        assert self._files[name]["rows"] == rows
        assert self._files[name].get("empty_lines", 0) == empty


def _lines(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _read(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return {True: "true", False: "false"}[value]
