"""Commands in pages: sessions, modules, commands of `pipeline`, and the options of each."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline import cli
from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.pages.page_text import Page

# What follows "--" goes to pytest, which has options of its own and of its plugins.
_TESTS = {"test", "unit", "integration"}
_OURS = ("pipeline_tools", "local_aws", "pipeline")


@dataclass(frozen=True)
class Tools:
    """What can be run in a checkout."""

    # The modules that each session runs.
    sessions: Mapping[str, frozenset[str]]
    # The folder in which modules lie.
    sources: Path

    @classmethod
    def read(cls, root: Path) -> Tools:
        """Read the sessions of noxfile.py; nothing of it is run."""
        tree = ast.parse((root / "noxfile.py").read_text(encoding="utf-8"))
        found = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and any(
                "session" in ast.unparse(each) for each in node.decorator_list
            ):
                found[node.name] = frozenset(_modules_in(_texts(node)))
        return cls(found, root / "src")

    def file(self, module: str) -> Path | None:
        """The file that `python -m` runs."""
        path = self.sources.joinpath(*module.split("."))
        places = (path.with_suffix(".py"), path / "__main__.py")
        return next((place for place in places if place.is_file()), None)

    def accepts(self, module: str, option: str) -> bool:
        """Whether the program, or a module of ours that it imports, has the option as a text."""
        file = self.file(module)
        if file is None:
            return False
        tree = ast.parse(file.read_text(encoding="utf-8"))
        files = [self._source(name) for name in _imports(tree)]
        trees = [tree, *(ast.parse(each.read_text(encoding="utf-8")) for each in files if each)]
        return any(option in _texts(each) for each in trees)

    def _source(self, module: str) -> Path | None:
        path = self.sources.joinpath(*module.split("."))
        places = (path.with_suffix(".py"), path / "__init__.py")
        return next((place for place in places if place.is_file()), None)


def check(pages: Mapping[str, Page], tools: Tools) -> Iterator[Finding]:
    """Commands that cannot be run as they are written."""
    for page in pages.values():
        for line, text in [*page.words, *page.typed]:
            for wrong, todo in _wrong(text, tools):
                yield Finding(page.name, line, f"`{text}`: {wrong}", todo)


def _wrong(text: str, tools: Tools) -> Iterator[tuple[str, str]]:
    words = _words(text)
    for place, word in enumerate(words):
        rest = words[place + 1 :]
        if word in ("./noxw", "nox") and rest[:1] == ["-s"] and len(rest) > 1:
            yield from _session(rest[1], rest[2:], tools)
        elif re.fullmatch(r"python3?", word) and rest[:1] == ["-m"] and len(rest) > 1:
            yield from _module(rest[1], rest[2:], tools)
        elif word == "pipeline" and (place == 0 or words[place - 1] in ("|", "&&", ";")):
            yield from _pipeline(rest)


def _session(name: str, arguments: list[str], tools: Tools) -> Iterator[tuple[str, str]]:
    if name not in tools.sessions:
        yield f"there is no session {name}", f"there are {', '.join(tools.sessions)}"
    elif name not in _TESTS:
        for option in _options(arguments):
            if not any(tools.accepts(module, option) for module in tools.sessions[name]):
                yield f"the session {name} has no option {option}", "take one of its module's"


def _module(name: str, arguments: list[str], tools: Tools) -> Iterator[tuple[str, str]]:
    if name.partition(".")[0] not in _OURS:
        return
    if not tools.file(name):
        yield f"there is no module {name} that can be run", "name one below src/"
        return
    for option in _options(arguments):
        if not tools.accepts(name, option):
            yield f"{name} has no option {option}", "take one of its own"


def _pipeline(arguments: list[str]) -> Iterator[tuple[str, str]]:
    top = click.Context(cli.pipeline, info_name="pipeline", help_option_names=["-h", "--help"])
    try:
        _, rest, _ = cli.pipeline.make_parser(top).parse_args(list(arguments))
    except click.UsageError as error:
        yield error.format_message(), "take one of its own"
        return
    if not rest or not re.fullmatch(r"[a-z]+", rest[0]):
        return
    command = cli.pipeline.get_command(top, rest[0])
    if command is None:
        yield f"pipeline has no command {rest[0]}", f"there are {', '.join(cli.COMMANDS)}"
        return
    context = click.Context(command, parent=top, help_option_names=["-h", "--help"])
    parameters = [*cli.pipeline.get_params(top), *command.get_params(context)]
    known = {option for parameter in parameters for option in parameter.opts}
    for option in _options(rest[1:]):
        if option not in known:
            yield f"pipeline {rest[0]} has no option {option}", f"there are {', '.join(sorted(known))}"


def _options(arguments: list[str]) -> list[str]:
    """The options of one command, up to where another one begins."""
    end = next((place for place, word in enumerate(arguments) if word in ("|", "&&", ";", "||")), len(arguments))
    return [word.partition("=")[0] for word in arguments[:end] if re.match(r"--?[a-z]", word)]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # a quote is left open: no command
        return text.split()


def _texts(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _modules_in(texts: list[str]) -> list[str]:
    return [text for text in texts if re.fullmatch(r"(pipeline_tools|local_aws)(\.\w+)+", text)]


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_OURS):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
