"""What is read of a page: its headings, its links, and the code in it, each with its line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass
class Page:
    """A page of the project."""

    # Its path below the project's folder.
    name: str
    # The fragments that a link may name, as GitHub makes them of headings and of explicit anchors.
    anchors: set[str] = field(default_factory=set)
    # Targets of links and pictures.
    links: list[tuple[int, str]] = field(default_factory=list)
    # Code in the text, between backticks.
    words: list[tuple[int, str]] = field(default_factory=list)
    # Lines of code blocks that a person types: those behind "$ ", with the lines that continue them.
    typed: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, name: str) -> Page:
        """Read a page."""
        return cls.of(name, (root / name).read_text(encoding="utf-8"))

    @classmethod
    def of(cls, name: str, text: str) -> Page:
        """Take a page from its text."""
        page = cls(name)
        page.anchors |= set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
        headings: Counter[str] = Counter()
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        for place, token in enumerate(tokens):
            line = token.map[0] + 1 if token.map else 1
            if token.type == "heading_open":
                slug = _slug(tokens[place + 1])
                page.anchors.add(f"{slug}-{headings[slug]}" if headings[slug] else slug)
                headings[slug] += 1
            elif token.type == "fence" and token.info.strip() == "console":
                page.typed += _typed(token.content, line + 1)
            elif token.type == "inline":
                page._take(token, line)
        return page

    def _take(self, inline: Token, line: int) -> None:
        for token in inline.children or ():
            if token.type in ("softbreak", "hardbreak"):
                line += 1
            elif token.type == "code_inline":
                self.words.append((line, token.content))
            elif target := token.attrGet("href") or token.attrGet("src"):
                self.links.append((line, str(target)))


def _slug(heading: Token) -> str:
    """The fragment that GitHub gives a heading."""
    text = "".join(token.content for token in heading.children or () if token.type in ("text", "code_inline"))
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _typed(block: str, line: int) -> Iterator[tuple[int, str]]:
    """Commands of a block, without their comments; a line that ends with a backslash or a pipe goes on."""
    command, first = "", line
    for number, text in enumerate(block.splitlines(), line):
        if text.startswith("$ "):
            command, first = text[2:], number
        elif command.endswith(("\\", "|")):
            command = f"{command.rstrip(chr(92))} {text.strip()}"
        else:
            continue
        if not command.endswith(("\\", "|")):
            yield first, re.sub(r"\s#\s.*", "", command)
