"""JSON as it is written: numbers by their text, never through a double; nothing chosen in silence.

A file holds JSON lines, or one array at the top. A row is refused that is not a JSON object, that has two keys of one
name, or a key that differs from a column's by upper and lower case only. A value is refused that is not a scalar, or no
text that can be kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Optional

from dataset_contract import wording
from dataset_contract.json_types import JsonObject
from dataset_contract.model import Column
from dataset_contract.naming import as_json
from glue_python_job.text.grammar import LineGrammar, shown
from glue_python_job.text.records import Read, RecordRun, Splitter

# Text of an array comes as one line for each element. These stand for its own line ends: no JSON has them.
LINE_MARK, RETURN_MARK = b"\x1e", b"\x1d"

_BLANKS = " \t\r\n"
_KEY_CHARACTERS = 100  # of a key, in a reason
_TEXTS = frozenset((str, type(None)))

Row = Sequence[Optional[str]]


class _RefusedError(ValueError):
    """A row is refused: why, and for which column if it is one."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


def path_of(source_name: str) -> tuple[str, ...]:
    """The keys that lead to a column: `$.a.b` is a, b; every other name is one key."""
    return tuple(source_name[2:].split(".")) if source_name.startswith("$.") else (source_name,)


@dataclass(frozen=True)
class JsonGrammar:
    """Rows of these columns.

    Attributes:
        array: the text is of an array, one line for each element.
    """

    columns: tuple[Column, ...]
    array: bool = False

    def splitter(self, read: Read) -> JsonSplitter:
        """What splits text of this grammar."""
        return JsonSplitter(read, self)

    def text(self, raw: bytes) -> str:
        """A row's text as people read it."""
        return shown(raw, "utf-8")

    def values(self, line: bytes, unseen: set[int]) -> Row:
        """The texts of the columns, null where JSON has null or no key. Takes columns with a key out of `unseen`.

        Raises:
            _RefusedError: the line is no such row.
        """
        text = line.decode("utf-8").strip(_BLANKS)
        document = self._document(text)
        if type(document) is not dict:
            raise _RefusedError(wording.NOT_AN_OBJECT)
        found: list[Any] = list(map(document.get, self._keys))
        for index, path in self._nested:
            found[index] = self._walk(document, index, path)
        if not document.keys() <= self._key_set:
            self._check_case(document, ())
        if unseen:
            unseen.difference_update([index for index in unseen if self._has(document, index)])
        if not _TEXTS.issuperset(map(type, found)):
            found = [self._scalar(value, index) for index, value in enumerate(found)]
        if "\\u" in text:
            self._check_escaped(found)
        return found

    @cached_property
    def _paths(self) -> list[tuple[str, ...]]:
        return [path_of(column.source_name) for column in self.columns]

    @cached_property
    def _keys(self) -> list[str]:
        return [path[0] for path in self._paths]

    @cached_property
    def _key_set(self) -> frozenset[str]:
        return frozenset(self._keys)

    @cached_property
    def _nested(self) -> list[tuple[int, tuple[str, ...]]]:
        return [(index, path) for index, path in enumerate(self._paths) if len(path) > 1]

    @cached_property
    def _names_by_key(self) -> dict[str, str]:
        return {path[-1]: column.name for path, column in zip(self._paths, self.columns)}

    @cached_property
    def _scan(self) -> Callable[[str, int], tuple[Any, int]]:
        def pairs(items: list[tuple[str, Any]]) -> JsonObject:
            found = dict(items)
            if len(found) != len(items):
                keys = [key for key, _ in items]
                twice = next(key for key in keys if keys.count(key) > 1)
                raise _RefusedError(wording.key_twice(_told(twice)), self._names_by_key.get(twice))
            return found

        decoder = json.JSONDecoder(
            object_pairs_hook=pairs, parse_float=str, parse_int=str, parse_constant=_refuse_constant
        )
        return decoder.scan_once  # type: ignore[attr-defined, no-any-return] # the scanner of C, which no stub lists

    def _document(self, text: str) -> Any:
        try:
            # The scanner alone, without blanks around: a line is short, and `decode` takes as long again.
            document, end = self._scan(text, 0)
        except _RefusedError:
            raise
        except (ValueError, RecursionError, StopIteration):
            raise _RefusedError(wording.NOT_JSON) from None
        if end != len(text):
            raise _RefusedError(wording.NOT_JSON)
        return document

    def _walk(self, document: JsonObject, index: int, path: tuple[str, ...]) -> Any:
        value: Any = document
        for depth, key in enumerate(path):
            if value is None:
                return None
            if not isinstance(value, dict):
                before = ".".join(("$", *path[:depth]))
                raise _RefusedError(f"{before} is {wording.NOT_AN_OBJECT}", self.columns[index].name)
            if depth and not value.keys() <= {key}:
                self._check_case(value, path[:depth])
            value = value.get(key)
        return value

    def _has(self, document: JsonObject, index: int) -> bool:
        """Whether the key of a column is there, whatever its value."""
        value: Any = document
        for key in self._paths[index]:
            if not isinstance(value, dict) or key not in value:
                return False
            value = value[key]
        return True

    @cached_property
    def _known(self) -> dict[tuple[str, ...], dict[str, Column]]:
        """The keys of columns, or on the way to them, by the keys before them; each with its first column."""
        known: dict[tuple[str, ...], dict[str, Column]] = {}
        for path, column in zip(self._paths, self.columns):
            for depth, key in enumerate(path):
                known.setdefault(path[:depth], {}).setdefault(key, column)
        return known

    @cached_property
    def _known_by_lower(self) -> dict[tuple[str, ...], dict[str, str]]:
        return {before: {key.lower(): key for key in reversed(keys)} for before, keys in self._known.items()}

    def _check_case(self, value: JsonObject, before: tuple[str, ...]) -> None:
        """Refuse a key that is a column's but for upper and lower case: nobody knows which one is meant."""
        known, by_lower = self._known[before], self._known_by_lower[before]
        for other in value:
            key = by_lower.get(other.lower())
            if key is not None and other not in known:
                reason = wording.other_case(_told(other), _told(key), both=key in value)
                raise _RefusedError(reason, known[key].name)

    def _scalar(self, value: object, index: int) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        column = self.columns[index]
        raise _RefusedError(wording.not_a(column.type), column.name)

    def _check_escaped(self, found: Row) -> None:
        for column, value in zip(self.columns, found):
            if value is None or (value.isascii() and "\0" not in value):
                continue
            if "\0" in value:
                raise _RefusedError(wording.NUL, column.name)
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise _RefusedError(wording.HALF_PAIR, column.name) from None


def _told(key: str) -> str:
    r"""A key as JSON writes it, cut where it is long. Half a surrogate pair cannot be kept and is written as \uNNNN."""
    cut = key if len(key) <= _KEY_CHARACTERS else key[:_KEY_CHARACTERS] + "…"
    return as_json(cut).encode("utf-8", "backslashreplace").decode("utf-8")


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


class JsonSplitter:
    """Splits text into rows, as `Splitter` does; a row never ends beyond the text."""

    tail = b""

    def __init__(self, read: Read, grammar: JsonGrammar) -> None:
        self._lines = Splitter(read, LineGrammar())
        self._grammar = grammar
        self._marks = 0  # lines of an array's file that are passed
        self._unseen = set(range(len(grammar.columns)))

    @property
    def empty_lines(self) -> int:
        """The number of empty lines so far."""
        return self._lines.empty_lines

    @property
    def unseen(self) -> frozenset[int]:
        """Positions of the columns whose key was in no row."""
        return frozenset(self._unseen)

    def runs(self) -> Iterator[RecordRun]:
        """The records of the text, in order."""
        for run in self._lines.runs():
            if self._grammar.array:
                yield from self._elements(run)
            elif run.problem:
                yield run
            else:
                yield from self._rows(run)

    def _elements(self, run: RecordRun) -> Iterator[RecordRun]:
        for marked in run.raws:
            element = marked.lstrip(LINE_MARK)
            line = self._marks + len(marked) - len(element)
            self._marks += marked.count(LINE_MARK)
            if not element:
                continue  # marks alone
            raw = element.replace(RETURN_MARK + LINE_MARK, b"\r\n").replace(LINE_MARK, b"\n")
            one = RecordRun(line, [raw.replace(RETURN_MARK, b"\r")], run.problem)
            yield from [one] if run.problem else self._rows(one)

    def _rows(self, run: RecordRun) -> Iterator[RecordRun]:
        """Records on consecutive lines together, each that is none by itself."""
        first, rows, values = 0, [], self._grammar.values
        for index, raw in enumerate(run.raws):
            try:
                rows.append(values(raw, self._unseen))
            except _RefusedError as error:
                if rows:
                    yield RecordRun(run.line + first, run.raws[first:index], "", None, rows)
                yield RecordRun(run.line + index, [raw], error.reason, error.column)
                first, rows = index + 1, []
        if rows:
            yield RecordRun(run.line + first, run.raws[first:], "", None, rows)
