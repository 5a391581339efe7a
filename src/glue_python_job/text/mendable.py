"""Files that refused rows can be mended in: which rows belong into one file, and what stands around them.

A file has the rows of one layout, with the header that they were read by. Read by the same contract, it gives the same
records, mended or not. So a line with an open quote never comes before one that would close it: there a file begins.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dataset_contract.json_types import JsonObject
from dataset_contract.model import CsvDialect
from glue_python_job.text.file_kinds import CSV, JSON
from glue_python_job.text.grammar import QUOTES, UTF_8, CsvGrammar
from glue_python_job.text.layout import Layout
from glue_python_job.text.records import TOO_LONG

VERSION = 1
_MARKED = re.compile(rb"\xff\\x([0-9a-f]{2})")  # an undecodable byte, as texts.py keeps it
_SEVERAL_BYTES = ("utf-16", "utf-32")  # in whose undecodable bytes the order counts


@dataclass
class _File:
    """A file to mend in.

    Attributes:
        open_quote: a line before has a quote that a later line could close.
    """

    number: int
    layout: Layout
    array: bool
    grammar: CsvGrammar | None
    open_quote: bool = False


class _Key(NamedTuple):
    """Rows with the same one may be in the same file.

    Attributes:
        columns, dialect: of CSV alone.
    """

    csv: bool
    columns: tuple[str, ...]
    dialect: CsvDialect | None
    array: bool


def _key(layout: Layout, raw: bytes) -> _Key:
    if layout.format == CSV:
        return _Key(True, layout.columns, layout.dialect, False)
    # JSON lines that begin with a bracket would be read as an array.
    bracket = layout.format == JSON and raw.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"[")
    return _Key(False, (), None, layout.array or bracket)


class MendableFiles:
    """Assigns refused rows to files, in the order in which the rows come."""

    def __init__(self) -> None:
        self._files: list[_File] = []
        self._current: dict[_Key, _File] = {}

    def place(self, layout: Layout, raw: bytes, reason: str) -> JsonObject:
        """Where a row belongs, as the line of the refused rows says it.

        Args:
            layout: of the source file; of a file of Parquet, whose rows are kept as JSON, without its format.
            raw: the text of the row as the job read it, without a line end.
            reason: why it was refused.

        Returns: `export`, the number of the file, or null where the text is not whole; and `bytes`, the row in base64,
            where it is not what UTF-8 or the file's encoding make of its text.
        """
        if reason == TOO_LONG:
            return {"export": None}
        encoding = codecs.lookup(layout.dialect.encoding).name if layout.format == CSV else "utf-8"
        exact = _exact(raw, encoding)
        if exact is None:
            return {"export": None}
        key = _key(layout, raw)
        file = self._current.get(key) or self._begin(key, layout)
        if file.grammar is not None and file.grammar.quote:
            file = self._beside_quotes(key, file, file.grammar, raw, reason)
        more = {} if exact == b"" else {"bytes": base64.b64encode(exact).decode("ascii")}
        return {"export": file.number, **more}

    def _begin(self, key: _Key, layout: Layout) -> _File:
        grammar = layout.csv_grammar if layout.format == CSV else None
        file = self._current[key] = _File(len(self._files), layout, key.array, grammar)
        self._files.append(file)
        return file

    def _beside_quotes(self, key: _Key, file: _File, grammar: CsvGrammar, raw: bytes, reason: str) -> _File:
        """The file, or a new one where the row would close a quote that is open in this one."""
        if file.open_quote and grammar.quote in raw:
            if grammar.closes(raw):
                file = self._begin(key, file.layout)
            else:
                file.open_quote = grammar.leaves_open(raw, within=True)
        if reason == QUOTES and grammar.leaves_open(raw, within=False):
            file.open_quote = True
        return file

    def write(self, path: Path) -> None:
        """Write what stands around the rows of each file, in the order of their numbers."""
        document = {"version": VERSION, "files": [_around(file) for file in self._files]}
        path.write_text(json.dumps(document), encoding="utf-8")


def _exact(raw: bytes, encoding: str) -> bytes | None:
    """The bytes of a row where its text does not say them; b"" where it does; None where they are not known."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return b""
    if encoding in UTF_8:
        return raw
    if encoding.startswith(_SEVERAL_BYTES):
        return None
    parts = _MARKED.split(raw)  # text, two digits, text, …
    texts = (part.decode("utf-8").encode(encoding) for part in parts[::2])
    numbers = [bytes.fromhex(part.decode("ascii")) for part in parts[1::2]] + [b""]
    return b"".join(text + number for text, number in zip(texts, numbers))


def _around(file: _File) -> JsonObject:
    """head: before the first row; between: two rows; tail: after the last one. encoding: of all of it."""
    layout = file.layout
    if file.array:
        return {"format": JSON, "head": "[\n", "between": ",\n", "tail": "\n]\n", "encoding": "utf-8"}
    if layout.format != CSV:
        return {"format": JSON, "head": "", "between": "\n", "tail": "\n", "encoding": "utf-8"}
    encoding, mark = codecs.lookup(layout.dialect.encoding).name, ""
    if encoding in _SEVERAL_BYTES:
        encoding, mark = f"{encoding}-le", "\ufeff"
    head = mark + "\n" * layout.dialect.skip_lines + (_header(layout) if layout.dialect.header else "")
    return {"format": CSV, "head": head, "between": "\n", "tail": "\n", "encoding": encoding}


def _header(layout: Layout) -> str:
    dialect = layout.dialect
    names = [_quoted(name, dialect, layout.csv_grammar) for name in layout.columns]
    return dialect.delimiter.join(names) + (dialect.delimiter if dialect.trailing_delimiter else "") + "\n"


def _quoted(name: str, dialect: CsvDialect, grammar: CsvGrammar) -> str:
    special = (dialect.delimiter, dialect.quote, dialect.comment, "\n", "\r")
    if not dialect.quote or not any(text and text in name for text in special):
        return name
    escape = grammar.escape.decode("utf-8")
    doubled = name
    for sign in dict.fromkeys((escape, dialect.quote)) if escape else ():
        doubled = doubled.replace(sign, escape + sign)
    return f"{dialect.quote}{doubled}{dialect.quote}"
