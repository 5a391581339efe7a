"""YAML that every reader reads alike, with the line of each element.

A scalar that YAML 1.1 and YAML 1.2 take for different values is refused (`NO` is false in one and a text in the other),
as are a key that occurs twice, an alias, a tag, and a text that a comma has cut in two. Numbers keep their digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from dataset_contract.errors import ElementPath
from dataset_contract.json_types import JsonObject

_TAG = "tag:yaml.org,2002:"
# https://yaml.org/spec/1.2.2/#103-core-schema
_CORE = (
    ("null", re.compile(r"null|Null|NULL|~|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")),
)
_SHOWN = {
    "null": "null",
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "str": "a text",
    "timestamp": "a date or time",
    "merge": "a merge key",
    "value": "a default key",
}
_RESOLVER: Any = yaml.SafeLoader("")
# Deeper than any contract: a list in a list in a list … would else end in a RecursionError.
_DEEPEST = 50
# More than any type of a column holds: DECIMAL has 38 digits, DOUBLE PRECISION reaches 1.8e308.
_MOST_DIGITS, _EXPONENTS = 100, (-400, 308)
_NUMBER = re.compile(r"[-+]?([0-9]*)\.?([0-9]*)(?:[eE]([-+]?[0-9]+))?|0x[0-9a-fA-F]+")
_ACCEPTED_NUMBERS = f"accepted: at most {_MOST_DIGITS} digits, powers of ten of {_EXPONENTS[0]} to {_EXPONENTS[1]}"
# What no database, no file of text and no JSON in UTF-8 takes: NUL, and halves of a character.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """What is wrong with an element. line counts from 1; text says what is there and what is accepted."""

    line: int
    place: ElementPath
    text: str


class ProblemsError(ValueError):
    """The text cannot be read; `problems` are in the order of the text."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = problems


@dataclass
class Document:
    """A document and where its elements stand."""

    value: Any = None
    lines: dict[ElementPath, int] = field(default_factory=dict)
    texts: dict[ElementPath, str] = field(default_factory=dict)  # the scalars as written

    def line(self, place: ElementPath) -> int:
        """The line of an element, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(text: str, nulls: Callable[[ElementPath], bool] = lambda _: False) -> Document:
    """Read one document: mappings, lists, texts, true and false, null, whole numbers, Decimals.

    Args:
        text: in YAML.
        nulls: whether a list may have null at a place. Elsewhere null is most often a text that was not quoted.

    Raises:
        ProblemsError: it is not YAML, or some of it is read differently by other readers.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ProblemsError([_syntax(error, text)]) from error
    except RecursionError as error:
        raise ProblemsError([Problem(1, (), f"is nested too deeply; accepted: {_DEEPEST} levels")]) from error
    if root is None:
        raise ProblemsError([Problem(1, (), "is empty")])
    reader = _YamlReader(text, nulls)
    value = reader.node(root, ())
    if reader.problems:
        raise ProblemsError(sorted(reader.problems, key=lambda problem: problem.line))
    reader.document.value = value
    return reader.document


class _YamlReader:
    """Makes values of the nodes of one text and collects what is wrong with them."""

    def __init__(self, text: str, nulls: Callable[[ElementPath], bool]) -> None:
        self._text = text
        self._nulls = nulls
        self._seen: set[int] = set()
        self.document = Document()
        self.problems: list[Problem] = []

    def node(self, node: yaml.Node, place: ElementPath) -> Any:
        """The value of a node. An alias gives the very node that it names, so one that was seen is an alias."""
        self.document.lines.setdefault(place, _line(node))
        if id(node) in self._seen:
            return self._wrong(node, place, "is an alias of another element; accepted: the value itself, written again")
        if len(place) > _DEEPEST:
            return self._wrong(node, place, f"is nested too deeply; accepted: {_DEEPEST} levels")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if not isinstance(node, yaml.ScalarNode):
            return [self._item(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: ElementPath) -> JsonObject:
        found: JsonObject = {}
        cut = self._cut_texts(node, place)
        for key, item in node.value:
            if key in cut:
                continue
            name = self._scalar(key, place) if isinstance(key, yaml.ScalarNode) else None
            if not isinstance(name, str):
                if not self.problems or self.problems[-1].line != _line(key):
                    self._wrong(key, place, f"has the key {self._source(key)}; accepted: a text, quoted if need be")
                continue
            element = (*place, name)
            if name in found:
                self._wrong(key, element, f"occurs twice, first in line {self.document.lines[element]}; accepted: once")
                continue
            self.document.lines[element] = _line(key)
            found[name] = self.node(item, element)
        return found

    def _item(self, node: yaml.Node, place: ElementPath) -> Any:
        is_null = isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null" and _plain(node)
        if is_null and not (node.value and self._nulls(place)):
            return self._wrong(
                node, place, f"{node.value or 'nothing'} is read as null; accepted in a list: values; quote a text: "
                f'"{node.value}"'
            )  # fmt: skip
        return self.node(node, place)

    def _scalar(self, node: yaml.ScalarNode, place: ElementPath) -> Any:
        self.document.texts[place] = node.value
        if (bad := _UNWRITABLE.search(node.value)) is not None:
            return self._wrong(
                node, place, f"has the character U+{ord(bad[0]):04X}, which no text can hold; accepted: a text without"
            )
        if not _plain(node):
            return self._explicit(node, place)
        text = node.value
        # y and n are booleans in the text of YAML 1.1, but readers take them for texts; a column may be called y.
        old = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG)
        if node.tag.removeprefix(_TAG) != old:
            return self._wrong(node, place, f"has the tag {node.tag}; accepted: no tags; quote a text")
        new = next((kind for kind, pattern in _CORE if pattern.fullmatch(text)), "str")
        if {old, new} & {"int", "float"} and _too_large(text):
            return self._wrong(node, place, f"{_cut(text)} is beyond all numbers that are read; {_ACCEPTED_NUMBERS}")
        if old != new or (old == "int" and _octal(text)):
            told = f"{_as(old, text, 8)} in YAML 1.1 and {_as(new, text, 10)} in YAML 1.2"
            return self._wrong(node, place, f'{text} is read as {told}; quote it: "{text}"{_instead(old, new, text)}')
        if old in ("null", "bool"):
            return None if old == "null" else text.lower() == "true"
        if old == "int":
            return int(text, 16) if "x" in text else int(text)
        if old == "float" and not text.lower().endswith(("inf", "nan")):
            return Decimal(text)
        return text if old == "str" else self._wrong(node, place, f'{text} is not a number; quote a text: "{text}"')

    def _explicit(self, node: yaml.ScalarNode, place: ElementPath) -> Any:
        if node.tag != f"{_TAG}str":
            return self._wrong(node, place, f"has the tag {node.tag}; accepted: no tags")
        return node.value

    def _cut_texts(self, node: yaml.MappingNode, place: ElementPath) -> set[yaml.Node]:
        """The keys of a mapping in braces that are the rest of a text with a comma: `{type: DECIMAL(15,2)}`."""
        cut: set[yaml.Node] = set()
        if not node.flow_style:
            return cut
        head: tuple[yaml.Node, yaml.Node] | None = None
        rest: list[yaml.Node] = []
        for key, item in [*node.value, (None, None)]:
            if key is not None and self._bare(key, item) and head:
                rest.append(key)
                continue
            if head and rest:
                cut.update(rest)
                text = self._text[head[1].start_mark.index : rest[-1].end_mark.index]
                quoted = f'{head[0].value}: "{text}"'
                told = f"a comma ends the text {self._source(head[1])} here; quote it: {quoted}"
                self._wrong(head[0], (*place, str(head[0].value)), told)
            both = isinstance(key, yaml.ScalarNode) and isinstance(item, yaml.ScalarNode) and _plain(item)
            head, rest = ((key, item) if both else None), []
        return cut

    def _bare(self, key: yaml.Node, item: yaml.Node) -> bool:
        """Whether a key stands alone, without a colon."""
        empty = isinstance(item, yaml.ScalarNode) and item.value == "" and _plain(item)
        return empty and not self._text[key.end_mark.index :].lstrip().startswith(":")

    def _source(self, node: yaml.Node) -> str:
        return self._text[node.start_mark.index : node.end_mark.index].strip().split("\n", 1)[0]

    def _wrong(self, node: yaml.Node, place: ElementPath, text: str) -> None:
        # Of an alias, the node stands where it was first written; the place is where it is used.
        self.problems.append(Problem(max(_line(node), self.document.lines.get(place, 1)), place, text))


def _plain(node: yaml.ScalarNode) -> bool:
    return node.style is None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _too_large(text: str) -> bool:
    """Whether a number has more digits than are read, or is too far from 1. Told without making the number."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return False
    if match[1] is None:
        return len(text) > _MOST_DIGITS
    written = (match[3] or "0").lstrip("+")
    if len(match[1]) + len(match[2]) > _MOST_DIGITS or len(written) > 9:
        return True
    exponent = int(written) + len(match[1]) - 1
    return not _EXPONENTS[0] <= exponent <= _EXPONENTS[1]


def _cut(text: str) -> str:
    return text if len(text) <= 30 else text[:30] + "…"


def _octal(text: str) -> bool:
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits.isdigit()


def _instead(old: str, new: str, text: str) -> str:
    """What to write where no text is meant."""
    if old == "bool":
        return f", or write {_as(old, text, 10)}"
    return ", or write a plain number" if {old, new} & {"int", "float"} else ""


def _as(kind: str, text: str, base: int) -> str:
    """How a version of YAML reads a text."""
    if kind == "bool":
        return "true" if text.lower() in ("yes", "on", "true") else "false"
    if kind == "int" and _octal(text):
        return f"the number {int(text, base)}"
    return _SHOWN[kind]


def _syntax(error: yaml.YAMLError, text: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        lines = text.split("\n")
        there = lines[line - 1] if line <= len(lines) else ""
        if "\\t" in what or there[: len(there) - len(there.lstrip())].count("\t"):
            return Problem(line, (), "a line begins with a TAB; accepted: spaces")
        return Problem(line, (), f"not YAML: {what}; quote a text that has one of : # , [ ] {{ }} & * ! | > ' \" % @ `")
    character, position = getattr(error, "character", 0), getattr(error, "position", 0)
    line = text.count("\n", 0, position) + 1
    return Problem(line, (), f"not YAML: the character U+{character:04X} is not accepted")
