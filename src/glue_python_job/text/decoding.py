"""The text of a source file as a stream of UTF-8: decompressed, decoded, and a JSON array as one line for each element.

A stream is the same each time that it is read, so a place in it is found again.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Callable

from dataset_contract.model import DataObject
from glue_python_job.errors import JobError
from glue_python_job.text import records
from glue_python_job.text.file_kinds import BZIP2, CSV, GZIP, JSON, ZSTD, FileKind, check_head, kind_of
from glue_python_job.text.grammar import UNDECODABLE, UTF_8
from glue_python_job.text.json_records import LINE_MARK, RETURN_MARK

_PIECE_BYTES = 1024 * 1024
_ZSTD_BYTES = 1024  # the text of these comes at once, and a block of 4 bytes may stand for 128 KB
_HEAD_BYTES = 64 * 1024  # in which a JSON text must begin
_UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BOMS = {"utf-16": _UTF_16_BOMS, "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)}
_MARKED = "pipeline-undecodable"


def open_text(path: Path, uri: str, source: DataObject) -> SourceText:
    """Open a file of text.

    Raises:
        JobError: it is not a text in the encoding of the object's dialect.
    """
    kind = kind_of(path, uri)
    return SourceText(path, uri, kind, source.csv.encoding if kind.format == CSV else "utf-8")


class SourceText:
    """The text of a file. kind: what the file is. plain: it is the bytes of the file. array: of a JSON array."""

    def __init__(self, path: Path, uri: str, kind: FileKind, encoding: str) -> None:
        self.uri = uri
        self.kind = kind
        self.array = False
        with ExitStack() as opened:
            handle = opened.enter_context(path.open("rb"))
            self._stream = _decompressed(handle, kind.compression, uri)
            head = self._stream.peek(_HEAD_BYTES)
            check_head(head, uri)
            encoding = _encoding_of(head, kind.format, codecs.lookup(encoding).name, uri)
            self.plain = not kind.compression and encoding in UTF_8
            if encoding not in UTF_8:
                self._stream = _Stream(_decoded(self._stream.read, encoding))
                head = self._stream.peek(_HEAD_BYTES)
            if kind.format == JSON and head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"["):
                self.array, self.plain = True, False
                self._stream = _Stream(_array_lines(self._stream.read, uri))
            self._opened = opened.pop_all()

    def __enter__(self) -> SourceText:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self, size: int) -> bytes:
        """The next bytes, `size` at most; none at the end."""
        return self._stream.read(size)

    def skip(self, count: int) -> None:
        """Pass over bytes."""
        while count and (data := self.read(min(count, _PIECE_BYTES))):
            count -= len(data)


class _Stream:
    """Reads pieces as one stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        data = self._rest[self._position : self._position + size]
        self._position += len(data)
        if len(data) == size:
            return data
        parts, length = [data], len(data)
        while length < size and (piece := next(self._pieces, b"")):
            parts.append(piece[: size - length])
            self._rest, self._position = piece, len(parts[-1])
            length += len(parts[-1])
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """The next bytes, which are still to be read."""
        self._rest, self._position = self.read(size) + self._rest[self._position :], 0
        return self._rest[:size]


def _decompressed(handle: BinaryIO, compression: str, uri: str) -> _Stream:
    if compression == ZSTD:
        return _Stream(_checked(_zstd(handle), compression, uri))
    if compression == BZIP2:
        return _Stream(_checked(_bzip2(handle), compression, uri))
    opened = gzip.GzipFile(fileobj=handle) if compression == GZIP else handle
    return _Stream(_checked(iter(lambda: opened.read(_PIECE_BYTES), b""), compression, uri))


def _checked(pieces: Iterator[bytes], compression: str, uri: str) -> Iterator[bytes]:
    """The same pieces; the errors of a damaged file translated."""
    try:
        yield from pieces
    except (EOFError, zlib.error, OSError, ValueError) as error:
        if not compression:
            raise
        raise JobError(f"{uri} is not a complete {compression} file: {error}; store it again") from error


def _bzip2(handle: BinaryIO) -> Iterator[bytes]:
    """Every stream of the file. BZ2File takes what follows the first for its end if it is no stream."""
    stream, begun = bz2.BZ2Decompressor(), False
    while data := handle.read(_PIECE_BYTES // 8):
        while data or not stream.needs_input:
            begun = True
            if text := stream.decompress(data, _PIECE_BYTES):
                yield text
            data = b""
            if stream.eof:
                data, begun = stream.unused_data, False
                stream = bz2.BZ2Decompressor()
    if begun:
        raise EOFError("the last stream does not end")


def _zstd(handle: BinaryIO) -> Iterator[bytes]:
    import zstandard  # most files are no such ones

    frame = zstandard.ZstdDecompressor().decompressobj()
    begun = False
    while data := handle.read(_ZSTD_BYTES):
        while data:
            begun = True
            try:
                text = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
            data = b""
            if frame.eof:
                data, begun = frame.unused_data, False
                frame = zstandard.ZstdDecompressor().decompressobj()
            if text:
                yield text
    if begun:
        raise EOFError("the last frame does not end")


def _encoding_of(head: bytes, file_format: str, encoding: str, uri: str) -> str:
    """The encoding of a text that begins with `head`, where `encoding` is the one of its dialect."""
    if encoding in UTF_8 and head.startswith(_UTF_16_BOMS):
        if file_format == CSV:
            raise JobError(f"{uri} is UTF-16 by its first bytes; set encoding to utf-16 in the object's csv dialect")
        return "utf-16"
    if head and encoding in _BOMS and not head.startswith(_BOMS[encoding]):
        raise JobError(
            f"{uri} has no byte-order mark, which encoding {encoding} needs; set encoding to {encoding}-le or "
            f"{encoding}-be, or to what the file is, in the object's csv dialect"
        )
    return encoding


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """Keep the number of a byte that cannot be decoded, marked by a byte that is in no UTF-8."""
    if isinstance(error, UnicodeDecodeError):
        numbers = "".join(f"\udcff\\x{byte:02x}" for byte in error.object[error.start : error.end])
        return numbers, error.end
    if isinstance(error, UnicodeEncodeError):
        return UNDECODABLE * (error.end - error.start), error.end
    raise error


codecs.register_error(_MARKED, _mark)


def _decoded(read: Callable[[int], bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(_MARKED)
    while data := read(_PIECE_BYTES):
        # A piece without text would be the end of the stream.
        if text := decoder.decode(data):
            yield text.encode("utf-8", _MARKED)
    if text := decoder.decode(b"", True):
        yield text.encode("utf-8", _MARKED)


_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|"', re.DOTALL)


def _array_lines(read: Callable[[int], bytes], uri: str) -> Iterator[bytes]:
    return _ArrayReader(read, uri).lines()


class _ArrayReader:
    """Finds the elements of a JSON array. One that is not JSON ends where its brackets and quotes close."""

    def __init__(self, read: Callable[[int], bytes], uri: str) -> None:
        self._read = read
        self._uri = uri
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._position = 0
        self._end = False
        self._line = 1

    def lines(self) -> Iterator[bytes]:
        """One line for each element, its own line ends marked."""
        self._fill(1)
        self._position += self._text.startswith("\ufeff")
        marks = self._space()
        self._position += 1  # the bracket
        marks += self._space()
        closed = self._next() == "]"
        while not closed:
            element = self._element()
            self._line += element.count("\n")
            yield _lines(marks, _marked(element))
            marks = self._space()
            closed = self._next() == "]"
            if not closed:
                if self._next() != ",":
                    raise self._broken("a comma or the end of the array")
                self._position += 1
                marks += self._space()
        self._position += 1
        self._space()
        if self._next():
            raise self._broken("nothing after the array")

    def _next(self) -> str:
        return self._text[self._position : self._position + 1]

    def _fill(self, wanted: int) -> None:
        while not self._end and len(self._text) - self._position < wanted:
            data = self._read(records.WINDOW_BYTES)
            self._end = not data
            self._text = self._text[self._position :] + self._decoder.decode(data, self._end)
            self._position = 0

    def _space(self) -> bytes:
        """Pass over blanks. Returns a mark for each line end."""
        marks = 0
        while True:
            self._fill(1)
            match = _SPACE.match(self._text, self._position)
            assert match is not None  # the pattern matches an empty text
            self._position = match.end()
            marks += match[0].count("\n")
            if self._position < len(self._text) or self._end:
                break
        self._line += marks
        return LINE_MARK * marks

    def _element(self) -> str:
        self._fill(records.MAX_RECORD_BYTES)
        while True:
            begin, end = self._position, self._element_end()
            if end > begin and (end < len(self._text) or self._end):
                self._position = end
                return self._text[begin:end]
            if self._end:
                raise self._broken("an element that ends, and the end of the array")
            if len(self._text) - begin > 4 * records.MAX_RECORD_BYTES:
                raise self._broken(f"an element of {records.MAX_RECORD_BYTES} bytes at most")
            self._fill(2 * (len(self._text) - begin))

    def _element_end(self) -> int:
        try:
            return int(self._scan(self._text, self._position)[1])
        except (ValueError, RecursionError):
            pass
        depth = 0
        for token in _TOKEN.finditer(self._text, self._position):
            text = token[0]
            if text == '"':
                return -1
            if depth == 0 and text in ",]}":
                return token.start()
            depth += (text in "[{") - (text in "]}")
            if depth == 0 and text in "]}":
                return token.end()
        return -1

    def _broken(self, expected: str) -> JobError:
        return JobError(
            f"the JSON array in {self._uri} is broken in line {self._line}: expected {expected}, found "
            f"{self._text[self._position : self._position + 20] or 'the end of the file'!r}"
        )


def _lines(marks: bytes, element: bytes) -> bytes:
    """An element with the marks before it. Marks of which no record has room, have lines of their own."""
    longest = records.MAX_RECORD_BYTES
    if len(marks) + len(element) <= longest:
        return marks + element + b"\n"
    beyond = LINE_MARK * element.count(LINE_MARK, longest)
    cut = element[:longest] + b"." if element[longest:] else element  # one byte too many: it shows as too long
    return _marks_alone(marks) + cut + b"\n" + _marks_alone(beyond)


def _marks_alone(marks: bytes) -> bytes:
    longest = records.MAX_RECORD_BYTES
    return b"".join(marks[begin : begin + longest] + b"\n" for begin in range(0, len(marks), longest))


def _marked(element: str) -> bytes:
    raw = element.rstrip().encode("utf-8", "surrogateescape")
    if LINE_MARK in raw or RETURN_MARK in raw:
        raw = raw.replace(LINE_MARK, b"\x1f").replace(RETURN_MARK, b"\x1f")
    return raw.replace(b"\n", LINE_MARK).replace(b"\r", RETURN_MARK)
