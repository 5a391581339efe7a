"""Definitions are parsed once: the components of a program keep nothing of an execution.

What an execution has while it runs is in its environment, under names that the components make for themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

from local_aws.engines.step_functions import field_places
from local_aws.engines.step_functions.interpreter import Changes

# A program and the tree of its text, of which the tree is by far the larger one.
Parse = Callable[[str], tuple[Any, Any]]
_MOST_PROGRAMS = 256
_MOST_TREES = 4
_MOST_PATHS = 4096


def change(changes: Changes) -> None:
    """Give the parser a stack of query languages for each definition, and each program to all executions of it."""
    interpreter = changes.interpreter
    preprocessor = interpreter.get("asl.parse.preprocessor", "Preprocessor")
    if "_query_language_per_scope" in vars(preprocessor):
        # moto keeps it in the class: what a refused definition leaves there is the language of all later ones, and
        # threads that parse at the same time share it.
        changes.replace(preprocessor, "__init__", _with_own_languages)
    worker = interpreter.get("backend.execution_worker", "ExecutionWorker")
    parse: Parse = interpreter.get("asl.parse.asl_parser", "AmazonStateLanguageParser").parse
    program_of = partial(_program_of, parse)
    # Whoever checks a definition parses it too. TestState does it by itself, since it changes what it gets.
    checker = interpreter.module("asl.static_analyser.static_analyser")
    changes.replace(checker, "AmazonStateLanguageParser", SimpleNamespace(parse=partial(_parsed, parse)))
    changes.add(worker, "program_of", staticmethod(program_of))
    changes.replace(
        worker,
        "_get_evaluation_entrypoint",
        lambda self: program_of(self._evaluation_details.state_machine_details.definition),
    )
    # Each use of a path would build the parser of paths anew, which takes longer than all else of a state.
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{interpreter.root}.asl.") and _is_path_parser(vars(module).get("parse")):
            changes.replace(module, "parse", lru_cache(maxsize=_MOST_PATHS)(module.parse))


def _is_path_parser(function: object) -> bool:
    return str(getattr(function, "__module__", "")).startswith("jsonpath_ng")


def _with_own_languages(self: Any) -> None:
    self._query_language_per_scope = []


@lru_cache(maxsize=_MOST_TREES)
def _parsed(parse: Parse, definition: str) -> tuple[Any, Any]:
    return parse(definition)


@lru_cache(maxsize=_MOST_PROGRAMS)
def _program_of(parse: Parse, definition: str) -> Any:
    program, _tree = _parsed(parse, definition)
    settle(program)
    field_places.note(program)
    return program


def settle(component: Any, _seen: set[int] | None = None) -> None:
    """Have each component make the name of its place in an environment now, so that no two threads make it."""
    seen = _seen if _seen is not None else set()
    if id(component) in seen or isinstance(component, str | int | float | bool | type(None)):
        return
    seen.add(id(component))
    if isinstance(component, dict):
        parts = list(component.values())
    elif isinstance(component, list | tuple | set):
        parts = list(component)
    elif ".asl.component." in type(component).__module__:
        if hasattr(type(component), "heap_key"):
            _ = component.heap_key
        parts = list(getattr(component, "__dict__", {}).values())
    else:
        return
    for part in parts:
        settle(part, seen)
