"""Checks of transform.sql and of the queries in rules, by parsing alone: no engine is started."""

from __future__ import annotations

import contextlib
import difflib
import logging
import re
from collections.abc import Collection, Iterator, Sequence

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import ParseError, SqlglotError

from dataset_contract.model import PARAMETERS_VIEW, Contract, DataObject
from glue_spark_job import statements
from glue_spark_job.errors import JobError
from glue_spark_job.statements import Statement
from pipeline_tools.datasets import reads
from pipeline_tools.datasets.strict_yaml import Problem

FILE = "transform.sql"
_ACCEPTED = "CREATE [OR REPLACE] TEMPORARY VIEW name AS SELECT … and CACHE TABLE name"
_ACCEPTED_AS = "accepted: CREATE TEMPORARY VIEW name AS SELECT …"
_LINE = re.compile(rf"{re.escape(FILE)} (line|statement) (\d+):? ?")
_QUERY = re.compile(r"\bAS\b", re.IGNORECASE)
# A statement that makes a view.
_View = tuple[Statement, exp.Create | exp.Cache]


def problems(sql: str, contract: Contract) -> list[Problem]:
    """What is wrong with a transform.sql: statements, views that are missing or taken, columns of the outputs."""
    try:
        found = statements.split(sql, FILE)
    except JobError as error:
        return [_unsplit(str(error), sql)]
    told: list[Problem] = []
    views: dict[str, _View] = {}
    inputs = _inputs(contract)
    parsed_ones = [_parsed(statement) for statement in found]
    # A view of a statement that does not parse is not known, so nothing can be said of views that are not there.
    all_known = not any(isinstance(parsed, Problem) for parsed in parsed_ones)
    for statement, parsed in zip(found, parsed_ones, strict=True):
        if isinstance(parsed, Problem):
            told.append(parsed)
            continue
        if all_known:
            told += _reads(statement, parsed, (*inputs, *views))
        if parsed.expression is not None:
            name = (statement.view or parsed.this.name).lower()
            told += _taken(statement, name, parsed, inputs, views)
            views[name] = (statement, parsed)
    for output in contract.outputs:
        if output.name in views:
            told += _columns(output, *views[output.name])
        elif all_known:
            told.append(_missing(output, views))
    return sorted(told, key=lambda problem: problem.line)


def query_problem(query: str, dialect: str, table: str) -> str | None:
    """What is wrong with the query of a rule, or None.

    Args:
        query: with its placeholders filled.
        dialect: `spark` or `duckdb`, as sqlglot calls them.
        table: the one object that it may read.
    """
    try:
        with quiet():
            parsed = [tree for tree in sqlglot.parse(query, read=dialect) if tree is not None]
    except SqlglotError as error:
        return f"is not {dialect} SQL: {_position(error)[1]}; accepted: one SELECT"
    if len(parsed) != 1:
        return f"has {len(parsed)} statements; accepted: one SELECT"
    if not isinstance(parsed[0], exp.Query) or parsed[0].find(exp.Into, exp.DML, exp.DDL) not in (None, parsed[0]):
        return "is not permitted, since it does not only read; accepted: one SELECT"
    columns = parsed[0].selects
    if len(columns) != 1 and not parsed[0].is_star:
        return f"gives {len(columns)} columns; accepted: one SELECT of one value"
    found = next(reads.findings(parsed[0], (table,), query), None)
    if found is None and dialect == "spark":
        found = reads.variable(query)
    return found.text if found else None


def _unsplit(message: str, sql: str) -> Problem:
    """The splitter's error. It names a line, or a statement by its number."""
    place = _LINE.match(message)
    text = message[place.end() :] if place else message.removeprefix(f"{FILE} ")
    if place is None:
        return Problem(1, (), text)
    number = int(place[2])
    if place[1] == "line":
        return Problem(number, (), text)
    starts = _first_lines(sql)
    return Problem(starts[number - 1] if number <= len(starts) else 1, (), text)


def _first_lines(sql: str) -> list[int]:
    """The line of each statement's first token."""
    lines: list[int] = []
    begins = True
    for token in sqlglot.tokenize(sql, read="spark"):
        if token.text == ";":
            begins = True
        elif begins:
            lines.append(token.line)
            begins = False
    return lines


def _parsed(statement: Statement) -> exp.Create | exp.Cache | Problem:
    try:
        with quiet():
            tree = sqlglot.parse_one(statement.text, read="spark")
            if isinstance(tree, exp.Command):
                # sqlglot does not say why it gave up; the query by itself does.
                start = _QUERY.search(statement.text)
                if start is not None:
                    rest = "\n" * statement.text.count("\n", 0, start.end()) + statement.text[start.end() :]
                    sqlglot.parse_one(rest, read="spark")
    except SqlglotError as error:
        line, text = _position(error)
        return Problem(statement.line + line - 1, (), f"not Spark SQL: {text}")
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query) and not _has_as(statement):
        return Problem(statement.line, (), f"the view {statement.view} has no AS before its query; {_ACCEPTED_AS}")
    if isinstance(tree, exp.Cache) or (isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query)):
        return tree
    return Problem(statement.line, (), f"{statement.first_line!r} is not permitted; accepted: {_ACCEPTED}")


def _has_as(statement: Statement) -> bool:
    """Whether AS stands before the query of a view, as Spark needs and sqlglot does not."""
    depth = 0
    tokens = sqlglot.tokenize(statement.text, read="spark")
    name = next(index for index, token in enumerate(tokens) if token.token_type == TokenType.VIEW) + 1
    for token in tokens[name + 1 :]:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth == 0 and token.token_type == TokenType.ALIAS:
            return True
        if token.token_type in (TokenType.SELECT, TokenType.WITH, TokenType.FROM):
            return False
    return False


def _position(error: SqlglotError) -> tuple[int, str]:
    """The line in the statement, and what is wrong there."""
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    text = " ".join(str(details.get("description") or error).split()).rstrip(".")
    near = details.get("highlight")
    return int(details.get("line") or 1), f"{text} near {near!r}" if near else text


def _inputs(contract: Contract) -> dict[str, str]:
    """The views that are there before the first statement, and what they are."""
    inputs = {contract.source.name: "the source", PARAMETERS_VIEW: "the view of the parameters"}
    return inputs | {reference.name: "a reference" for reference in contract.references}


def _reads(statement: Statement, parsed: exp.Create | exp.Cache, known: Collection[str]) -> Iterator[Problem]:
    """What a statement reads that is not a view. CACHE TABLE without a query reads the view that it names."""
    made = parsed.this.this if isinstance(parsed.this, exp.Schema) else parsed.this
    found = [*reads.findings(parsed.expression or made, known, statement.text)]
    if parsed.expression is not None and not (isinstance(made, exp.Table) and reads.bare(made)):
        found.append(
            reads.ForbiddenRead(1, f"makes {made.sql('spark')}, which is not a bare name; accepted: a view's name")
        )
    if (filled := reads.variable(statement.text)) is not None:
        found.append(filled)
    for finding in found:
        yield Problem(statement.line + finding.line - 1, (), finding.text)


def _taken(
    statement: Statement,
    name: str,
    parsed: exp.Create | exp.Cache,
    inputs: dict[str, str],
    views: dict[str, _View],
) -> Iterator[Problem]:
    if name in inputs:
        yield Problem(statement.line, (), f"the view {name} has the name of {inputs[name]}; accepted: another name")
    elif name in views and not parsed.args.get("replace"):
        first = views[name][0].line
        yield Problem(statement.line, (), f"the view {name} is created in line {first} already; accepted: once")


def _missing(output: DataObject, views: dict[str, _View]) -> Problem:
    near = difflib.get_close_matches(output.name, views, 1)
    meant = f"is {near[0]} in line {views[near[0]][0].line} meant? " if near else ""
    accepted = f"accepted: CREATE TEMPORARY VIEW {output.name} AS SELECT …"
    return Problem(1, (), f"no statement creates the view {output.name}, an output of the contract; {meant}{accepted}")


def _columns(output: DataObject, statement: Statement, parsed: exp.Create | exp.Cache) -> Iterator[Problem]:
    given = _names(parsed)
    if given is None:
        return
    wanted = [column.name.lower() for column in output.columns]
    listed = f"accepted: the columns of the contract: {', '.join(column.name for column in output.columns)}"
    for word, names in (("lacks", set(wanted) - set(given)), ("has", set(given) - set(wanted))):
        if names:
            which = ", ".join(sorted(names))
            but = ", which the contract has not" if word == "has" else ""
            yield Problem(statement.line, (), f"the view {output.name} {word} {which}{but}; {listed}")
    for name in sorted({name for name in given if given.count(name) > 1}):
        yield Problem(statement.line, (), f"the view {output.name} has {name} twice; accepted: once")


def _names(parsed: exp.Create | exp.Cache) -> list[str] | None:
    """The columns of a view in lower case, since Spark does not tell case apart; None where only Spark can tell."""
    if isinstance(parsed.this, exp.Schema):
        return [column.name.lower() for column in parsed.this.expressions]
    selects: Sequence[exp.Expr] = parsed.expression.selects
    if not selects or any(not isinstance(item, (exp.Alias, exp.Column)) or item.is_star for item in selects):
        return None
    return [item.alias_or_name.lower() for item in selects]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without sqlglot's warning that it does not know a statement, which the caller reports."""
    logger = logging.getLogger("sqlglot")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
