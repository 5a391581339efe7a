"""The SQL below sql/: that each statement parses, and that it binds what the pipeline provides."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from aws_facts.redshift_data import PARAMETER
from lambda_generate_param.sql_batches import split
from local_aws.services.redshift.bound_parameters import ambiguous
from local_aws.services.redshift.lexer import Kind, tokenize
from local_aws.services.redshift.sqlerror import SqlError
from pipeline_tools.crosscheck.project import Project
from pipeline_tools.crosscheck.run import SampleCall, SampleRun
from pipeline_tools.crosscheck.sample_values import UNKNOWN
from pipeline_tools.datasets.transforms import quiet

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# sqlglot does not know it.
_LOCK = re.compile(r"LOCK\s+(TABLE\s+)?[\w.]+\s*", re.IGNORECASE)
_CALL = re.compile(r"CALL\s+([\w.]+)\s*\(", re.IGNORECASE)


def check_files(project: Project) -> None:
    """Report what is wrong with the SQL files.

    That is a statement that does not parse (in Spark SQL or Redshift SQL), a call of a procedure that does not fit, and
    a parameter that nothing gives a type or that is within a text.
    """
    audit = project.root / "sql" / "audit"
    procedures = {**dict(_procedures(audit / "schema.sql")), **dict(_procedures(audit / "loads.sql"))}
    for file in _files(project.root):
        for statement, line in _statements(file.read_text(encoding="utf-8")):
            problem = _problem(statement, "spark" if file.name == "transform.sql" else "redshift", procedures)
            if problem:
                offset, wrong = problem
                project.say(file, line + offset, wrong, "correct the statement")
            elif file.parent.name == "audit":
                for offset, wrong, todo in _parameter_faults(statement):
                    project.say(file, line + offset, wrong, todo)


def check_batches(project: Project, run: SampleRun) -> None:
    """Report parameters that a batch uses and does not bind, or binds and does not use."""
    for call in run.calls.values():
        given = call.arguments.get("Input") if isinstance(call.arguments, dict) else None
        batch = given.get("batch") if isinstance(given, dict) else None
        if call.api.action == "startExecution" and isinstance(batch, dict):
            _check_batch(project, call, batch)


def _check_batch(project: Project, call: SampleCall, batch: dict[str, object]) -> None:
    statements, parameters = batch.get("statements"), batch.get("parameters")
    if not isinstance(statements, list) or not isinstance(parameters, list):
        return  # an expression that is reported already
    line = call.line("Input", "batch", "parameters")
    if parameters:
        for statement in _generated(project.root, statements):
            for _, wrong, todo in _parameter_faults(statement):
                project.say(call.machine.file, line, f"state {call.name}: {wrong} of: {statement[:200]}", todo)
    used = {name for statement in statements for name in _parameters(str(statement))}
    bound = [item.get("Name") for item in parameters if isinstance(item, dict)]
    for item in parameters:
        value = item.get("Value") if isinstance(item, dict) else None
        if value is not UNKNOWN and not (isinstance(value, str) and value):
            wrong = f"state {call.name} binds {item}, whose Value is not a text of at least one character"
            project.say(call.machine.file, line, wrong, "correct the expression")
    for name in sorted(used - set(bound)):
        for file, place in _uses(project.root, name, statements) or [(call.machine.file, line)]:
            wrong = f":{name} is not bound by state {call.name}"
            project.say(
                file, place, wrong, f"bind it there or in lambda_generate_param; bound are {', '.join(map(str, bound))}"
            )
    for name in sorted({str(name) for name in bound} - used):
        wrong = f"state {call.name} binds {name}, which no statement uses; the Data API refuses that"
        project.say(call.machine.file, line, wrong, "delete it, or use it in the SQL")
    for name in sorted({str(name) for name in bound if bound.count(name) > 1}):
        project.say(call.machine.file, line, f"state {call.name} binds {name} twice", "bind it once")


def _problem(statement: str, dialect: str, procedures: dict[str, int]) -> tuple[int, str] | None:
    """The line, counted from the statement's first, and what is wrong there."""
    if dialect == "redshift" and _LOCK.fullmatch(_COMMENT.sub("", statement).strip()):
        return None
    try:
        parsed, name = _parse(statement, dialect)
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        text = details[0].get("description") or str(error)
        return (details[0].get("line") or 1) - 1, f"not {dialect} SQL: {text} near {details[0].get('highlight', '')!r}"
    if isinstance(parsed, exp.Command):
        return _start(statement), f"{parsed.name} is not a statement that can be checked as {dialect} SQL"
    if name:
        count = len(parsed.expressions[0].find(exp.Anonymous, exp.Func).expressions)
        if name not in procedures:
            return _start(statement), f"procedure {name} is not in sql/audit/schema.sql or loads.sql"
        if count != procedures[name]:
            return _start(statement), f"procedure {name} takes {procedures[name]} arguments, not {count}"
    return None


@lru_cache(maxsize=1024)
def _parse(statement: str, dialect: str) -> tuple[exp.Expr, str]:
    """The syntax tree and, of a CALL, the procedure's name; a CALL is read as a SELECT, which sqlglot knows.

    The tree is for reading: a statement that is asked about again has the same one.
    """
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), statement)
    called = _CALL.match(bare.strip())
    with quiet():
        parsed = sqlglot.parse_one(_CALL.sub("SELECT f(", bare, count=1) if called else bare, read=dialect)
    return parsed, called[1] if called else ""


def _parameter_faults(statement: str) -> Iterator[tuple[int, str, str]]:
    """The line, counted from the statement's first, what is wrong with a parameter there, and what to do.

    A CAST gives a parameter its type, and so does the column that it is compared with; of other places the
    documentation is silent (aws_facts.redshift_data).
    """
    try:
        parsed, _ = _parse(statement, "redshift")
        tokens = tokenize(statement)
    except (SqlglotError, SqlError):
        return  # reported as no SQL
    for name in sorted({each.name for each in parsed.find_all(exp.Placeholder) if each.name and not _is_typed(each)}):
        todo = "write CAST(:name AS type), or compare it with a column"
        yield _line(statement, name), f"nothing gives the parameter :{name} a type", todo
    if any(token.kind is Kind.PARAMETER for token in tokens):
        for text in ambiguous(tokens):
            yield _start(statement), f"{text} within a text may be taken for a parameter", "write it without a colon"


def _is_typed(placeholder: exp.Placeholder) -> bool:
    node: exp.Expr = placeholder
    while isinstance(node.parent, (exp.Paren, exp.Tuple)):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Cast):
        return True
    compared = isinstance(parent, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between))
    if parent is None or not compared or placeholder.find_ancestor(exp.Where, exp.Having) is None:
        return False
    return any(isinstance(each, exp.Column) for each in parent.iter_expressions())


def _generated(root: Path, statements: list[object]) -> Iterator[str]:
    """The statements of a batch that are not those of a file, which are checked there."""
    written = {_ink(statement) for file in _files(root) for statement, _ in _statements(file.read_text("utf-8"))}
    for statement in map(str, statements):
        if _ink(statement) not in written:
            yield statement


def _ink(statement: str) -> str:
    return "".join(_COMMENT.sub("", statement).split())


def _line(statement: str, name: str) -> int:
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), statement)
    use = re.search(rf"{PARAMETER}(?<=:{re.escape(name)})(?!\w)", bare)
    return bare.count("\n", 0, use.start() if use else 0)


def _parameters(statement: str) -> set[str]:
    try:
        parsed, _ = _parse(statement, "redshift")
    except SqlglotError:
        return set()
    return {placeholder.name for placeholder in parsed.find_all(exp.Placeholder) if placeholder.name}


def _files(root: Path) -> list[Path]:
    return sorted((root / "sql").rglob("*.sql"))


def _statements(text: str) -> Iterator[tuple[str, int]]:
    """The statements of a file with the line of each."""
    position = 0
    for statement in split(text):
        position = text.index(statement, position)
        yield statement, text.count("\n", 0, position) + 1
        position += len(statement)


def _start(statement: str) -> int:
    """The lines before the statement itself, which are its comments."""
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), statement)
    return bare[: len(bare) - len(bare.lstrip())].count("\n")


def _procedures(schema: Path) -> Iterator[tuple[str, int]]:
    for statement, _ in _statements(schema.read_text(encoding="utf-8")):
        with contextlib.suppress(SqlglotError):
            parsed, _ = _parse(statement, "redshift")
            if isinstance(parsed, exp.Create) and parsed.kind == "PROCEDURE":
                yield parsed.this.this.sql("redshift"), len(parsed.this.expressions)


def _uses(root: Path, name: str, statements: list[object]) -> list[tuple[Path, int]]:
    """The statements of files that are among those of a batch and use a parameter."""
    sent = ["".join(str(statement).split()) for statement in statements]
    found = []
    for file in _files(root):
        for statement, line in _statements(file.read_text(encoding="utf-8")):
            if name in _parameters(statement) and any("".join(statement.split())[-40:] in each for each in sent):
                bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), statement)
                use = re.search(rf"(?<!:):{re.escape(name)}\b", bare)
                found.append((file, line + bare.count("\n", 0, use.start() if use else 0)))
    return found
