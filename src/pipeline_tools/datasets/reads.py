"""What a query may read: views that are there, by their bare names. No file, no other program, no Java."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlglot import exp

from dataset_contract.naming import near

# Functions that give rows of what they are given; all others in the place of a table may read files.
_ROWS = (exp.UDTF, exp.GenerateSeries)
_NAMED_ROWS = {"range", "json_tuple", "stack", "inline", "inline_outer", "explode_outer", "posexplode_outer"}
_REFUSED_FUNCTIONS = {
    "reflect": "it calls Java",
    "try_reflect": "it calls Java",
    "java_method": "it calls Java",
    "identifier": "it makes a name of a text",
    "getenv": "it reads the environment",
    "current_setting": "it reads the engine's settings",
}
_REFUSED_NODES = {
    exp.QueryTransform: "TRANSFORM … USING runs another program",
    exp.Describe: "DESCRIBE is not an SELECT",
    exp.Summarize: "SUMMARIZE is not an SELECT",
    exp.Command: "only a SELECT is read",
}
# Spark fills these from its settings and from the environment, before it parses the statement.
_VARIABLE = re.compile(r"\$\{[^\s}]+\}")


@dataclass(frozen=True)
class ForbiddenRead:
    """What a query may not read.

    Attributes:
        line: within the text that was parsed, from 1.
    """

    line: int
    text: str


def findings(tree: exp.Expr, known: Collection[str], text: str) -> Iterator[ForbiddenRead]:
    """Whatever a query reads that is not a known view.

    Args:
        tree: the query, or the view that is cached.
        text: that the tree was parsed of.
        known: names in lower case; those of its CTEs are known besides.
    """
    for node in tree.walk():
        if isinstance(node, tuple(_REFUSED_NODES)):
            told = next(text for kind, text in _REFUSED_NODES.items() if isinstance(node, kind))
            yield ForbiddenRead(_line(node), f"is not permitted: {told}; accepted: one SELECT of views")
        elif isinstance(node, exp.Table):
            yield from _table(node, known, text)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Func):
            yield from _rows(node.this, text)
        elif isinstance(node, exp.Anonymous) and node.name.lower() in _REFUSED_FUNCTIONS:
            why = _REFUSED_FUNCTIONS[node.name.lower()]
            line = _line_of(node.name, text)
            yield ForbiddenRead(line, f"calls {node.name}, which is not permitted: {why}; accepted: other functions")


def variable(text: str) -> ForbiddenRead | None:
    """The first `${name}` that Spark would fill, or None."""
    found = _VARIABLE.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return ForbiddenRead(line, f"has the variable {found[0]}, which Spark would fill; accepted: no variables")


def bare(table: exp.Table) -> bool:
    """Whether a table is called by one name, without a database, a format or a path."""
    return isinstance(table.this, exp.Identifier) and not table.args.get("db") and not table.args.get("catalog")


def _table(table: exp.Table, known: Collection[str], text: str) -> Iterator[ForbiddenRead]:
    if isinstance(table.this, exp.Func) and not table.args.get("db"):
        yield from _rows(table.this, text)
        return
    name = table.name.lower()
    if bare(table) and (name in known or name in _ctes(table)):
        return
    called = ".".join(part.sql("spark") for part in table.parts)
    listed = ", ".join(known)
    meant = near(name, known) if bare(table) else ""
    yield ForbiddenRead(_line(table), f"reads {called}, which is not a view here{meant}; accepted: {listed}")


def _rows(function: exp.Func, text: str) -> Iterator[ForbiddenRead]:
    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    if not isinstance(function, _ROWS) and name.lower() not in _NAMED_ROWS | _REFUSED_FUNCTIONS.keys():
        told = f"reads {name}(…), which is not permitted in the place of a table; accepted: a view"
        yield ForbiddenRead(_line_of(name, text), told)


def _ctes(node: exp.Expr) -> set[str]:
    """The names of the common table expressions that a place sees, in lower case."""
    names: set[str] = set()
    around = node.parent
    while around is not None:
        with_ = around.args.get("with_")
        names |= {cte.alias.lower() for cte in with_.expressions} if with_ else set()
        around = around.parent
    return names


def _line(node: exp.Expr) -> int:
    """The line of the first name in a node; sqlglot keeps the position of names only."""
    return next((int(name.meta["line"]) for name in node.find_all(exp.Identifier) if "line" in name.meta), 1)


def _line_of(function: str, text: str) -> int:
    found = re.search(rf"\b{re.escape(function)}\b", text, re.IGNORECASE)
    return text.count("\n", 0, found.start()) + 1 if found else 1
