"""A definition of a state machine: rendered as templatefile does, then read as YAML with the line of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

_INTERPOLATION = re.compile(r"(?<!\$)\$\{([^{}]*)\}")
_DIRECTIVE = re.compile(r"(?<!%)%\{~?\s*(if|else|endif|for|endfor)\b([^{}]*?)~?\}")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w(])")
_KEYWORDS = {"true", "false", "null", "in"}


class TemplateError(ValueError):
    """The template or its YAML cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def references(text: str) -> Iterator[tuple[str, int]]:
    """The variables that a template uses, comments included (Terraform looks there too), with their lines."""
    inner = [(match.start(), match[1]) for match in _INTERPOLATION.finditer(text)]
    inner += [(match.start(), match[2]) for match in _DIRECTIVE.finditer(text)]
    for start, expression in sorted(inner):
        for name in _NAME.findall(re.sub(r'"[^"]*"', "", expression)):
            if name not in _KEYWORDS:
                yield name, text.count("\n", 0, start) + 1


def renderings(text: str, values: Mapping[str, str]) -> list[str]:
    """The text with its values, line by line as the template: one, or with conditions each side of them.

    Raises:
        TemplateError: a directive that is not closed.
    """
    sides = [_choose(text, True), _choose(text, False)] if _DIRECTIVE.search(text) else [text]
    return [
        _INTERPOLATION.sub(lambda match: values.get(match[1].strip(), "x"), side)
        .replace("$${", "${")
        .replace("%%{", "%{")
        for side in sides
    ]


def _choose(text: str, condition: bool) -> str:
    taken: list[bool] = []
    kept, position = "", 0
    for match in [*_DIRECTIVE.finditer(text), None]:
        piece = text[position : match.start() if match else len(text)]
        kept += piece if all(taken) else "\n" * piece.count("\n")
        if match is None:
            break
        position = match.end()
        line = text.count("\n", 0, position) + 1
        if match[1] in ("if", "for"):
            taken.append(condition or match[1] == "for")
        elif not taken:
            raise TemplateError(line, f"%{{ {match[1]} }} without %{{ if }}")
        elif match[1] == "else":
            taken[-1] = not taken[-1]
        else:
            taken.pop()
    if taken:
        raise TemplateError(text.count("\n"), "a %{ if } or %{ for } has no end")
    return kept


@dataclass(frozen=True)
class Node:
    """A YAML value: a dict of Nodes, a list of Nodes, or a scalar; `keys` has the line of each key."""

    line: int
    value: Any
    keys: Mapping[str, int] = field(default_factory=dict)
    source: str = ""  # of a scalar, as it is written

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def get(self, key: str) -> Node | None:
        """The node of a key; None if there is none."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if isinstance(found, Node) else None

    def text(self, key: str) -> str:
        """The text below a key; empty where there is none."""
        found = self.get(key)
        return found.value if found is not None and isinstance(found.value, str) else ""

    def items(self) -> Iterator[tuple[str, Node]]:
        """The keys of a mapping, each with its node."""
        yield from self.value.items() if isinstance(self.value, dict) else ()

    def nodes(self) -> list[Node]:
        """The elements of a list; nothing for another value."""
        return self.value if isinstance(self.value, list) else []

    def line_at(self, offset: int) -> int:
        """The line of a character of a text, which YAML may have folded."""
        ink = "".join(str(self.value).split())
        if "".join(self.source.split()) != ink:  # written with escapes, so on one line
            return self.line
        wanted, seen, line = len("".join(str(self.value)[:offset].split())), 0, self.line
        for character in self.source:
            if not character.isspace():
                if seen >= wanted:
                    break
                seen += 1
            line += character == "\n"
        return line


@lru_cache(maxsize=64)
def read(text: str) -> tuple[Node, tuple[tuple[int, str], ...]]:
    """The document, and the keys that it has twice, with their lines. It is for reading: equal texts have the same one.

    Raises:
        TemplateError: the text is not YAML.
    """
    twice: list[tuple[int, str]] = []
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise TemplateError(1, "the document is empty")
        return _node(root, text, twice), tuple(twice)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TemplateError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from error


def _node(node: yaml.Node, text: str, twice: list[tuple[int, str]]) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Node] = {}
        keys: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in values:
                twice.append((key.start_mark.line + 1, name))
            values[name], keys[name] = _node(value, text, twice), key.start_mark.line + 1
        return Node(line, values, keys)
    if isinstance(node, yaml.SequenceNode):
        return Node(line, [_node(value, text, twice) for value in node.value])
    assert isinstance(node, yaml.ScalarNode)
    source = text[node.start_mark.index : node.end_mark.index]
    if node.style in ("|", ">"):
        source = source.partition("\n")[2]
        line += 1
    elif node.style:
        source = source[1:-1]
    return Node(line, yaml.constructor.SafeConstructor().construct_object(node), source=source)
