"""Turns one Redshift statement into a plan: the SQL that PostgreSQL runs, and what must happen around it.

What Redshift does not know is refused here even where PostgreSQL would run it (``ON CONFLICT``, ``CREATE INDEX``):
what passes here should pass there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp, transforms

from local_aws.services.redshift import copy_statement, unload_statement
from local_aws.services.redshift.bound_parameters import untyped
from local_aws.services.redshift.ddl import alter_table, create_table, is_create_table
from local_aws.services.redshift.lexer import Kind, Token, code, join, next_code, statements, tokenize
from local_aws.services.redshift.merge import check_merge
from local_aws.services.redshift.procedures import create_function, create_procedure
from local_aws.services.redshift.sql_expressions import rewrite
from local_aws.services.redshift.sqlerror import SqlError, refused, syntax_error
from local_aws.services.redshift.token_reader import Reader, spaced
from local_aws.services.redshift.users import user_statement


class TransactionUse(enum.Enum):
    """Where a statement may run."""

    ANYWHERE = "anywhere"
    COMMITS = "commits the transaction it runs in"
    OUTSIDE = "only outside of a transaction block"


@dataclass(frozen=True)
class StatementPlan:
    """How to run a statement.

    ``sql`` has ``$1`` … for ``values``; ``write`` is the quoted table that it writes to, to be locked first;
    ``copy`` or ``unload`` is set instead of ``sql`` where the work is not a statement of PostgreSQL's.
    """

    sql: str = ""
    values: tuple[str, ...] = ()
    write: str | None = None
    place: TransactionUse = TransactionUse.ANYWHERE
    copy: copy_statement.CopyStatement | None = None
    unload: unload_statement.UnloadStatement | None = None


_BINDABLE = frozenset(["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CALL", "EXPLAIN", "("])
_PASSED = frozenset(
    [
        "COMMENT",
        "DECLARE",
        "FETCH",
        "CLOSE",
        "PREPARE",
        "EXECUTE",
        "DEALLOCATE",
        "GRANT",
        "LOCK",
        "RESET",
        "REVOKE",
        "SHOW",
    ]
)
_TRANSACTION = frozenset(["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"])
_OBJECTS = frozenset(["TABLE", "VIEW", "SCHEMA", "PROCEDURE", "FUNCTION", "USER", "GROUP", "ROLE", "DEFAULT"])
_REDSHIFT_OBJECTS = frozenset(
    ["EXTERNAL", "DATABASE", "DATASHARE", "LIBRARY", "MODEL", "MASKING", "RLS", "IDENTITY", "CATALOG", "AGGREGATE"]
)
_OTHER_REDSHIFT = frozenset(["ATTACH", "DETACH", "CANCEL", "USE", "INSERT_EXTERNAL"])
# Settings that steer Redshift's queues; they change nothing in a result, and are kept under a prefix of their own.
_LABELS = frozenset(["query_group", "wlm_query_slot_count", "enable_result_cache_for_session"])


def plan(text: str, parameters: Mapping[str, str] | None = None) -> StatementPlan:
    """The plan for one statement; ``parameters`` are the values of its ``:name`` parameters.

    Raises SqlError, whose text becomes the statement's error.
    """
    found = statements(tokenize(text))
    if not found:
        raise SqlError("syntax error at end of input")
    if len(found) > 1:
        raise SqlError("cannot insert multiple commands into a prepared statement")
    tokens = found[0]
    words = code(tokens)
    head = words[0].upper
    if parameters:
        _refuse_untyped(tokens)
    if head in _BINDABLE:
        return _bind(_HANDLERS.get(head, _query)(tokens), parameters)
    table = create_table(tokens) if is_create_table(words) else None
    if table is not None and table[1]:  # CREATE TABLE AS
        return _bind(StatementPlan(table[0]), parameters)
    if parameters:
        # Neither Redshift nor PostgreSQL binds a value in what follows.
        _refuse_parameters(tokens)
    if table is not None:
        return StatementPlan(table[0])
    handler = _HANDLERS.get(head)
    if handler is not None:
        return handler(tokens)
    if head in _PASSED:
        return StatementPlan(join(rewrite(tokens)))
    if head in _TRANSACTION:
        raise refused(f"{head} (a batch is one transaction, a single statement commits by itself)")
    if head in _OTHER_REDSHIFT:
        raise refused(head)
    raise syntax_error(words[0].text)


def _bind(planned: StatementPlan, parameters: Mapping[str, str] | None) -> StatementPlan:
    """Parameters as ``$1`` …, a number for each use, so that one value may be a text here and a number there."""
    if not parameters:
        return planned
    values: list[str] = []
    tokens = tokenize(planned.sql)
    for index, token in enumerate(tokens):
        if token.kind is Kind.PARAMETER:
            values.append(parameters[token.text[1:]])
            tokens[index] = replace(token, text=f"${len(values)}")
    return replace(planned, sql=join(tokens), values=tuple(values))


def _refuse_untyped(tokens: Sequence[Token]) -> None:
    for name, place in untyped(tokens):
        raise SqlError(f"could not determine data type of parameter :{name}, {place}: CAST it", "42P18")


def _query(tokens: Sequence[Token]) -> StatementPlan:
    words = [token.upper for token in code(tokens)]
    if words[0] == "WITH":
        for verb in ("UPDATE", "DELETE"):
            target = _verb_outside_parentheses(tokens, verb)
            if target is not None:
                return target
    if "QUALIFY" in words or any(
        word == "TOP" and words[index - 1] in ("SELECT", "DISTINCT", "ALL") for index, word in enumerate(words)
    ):
        tokens = _desugar(tokens)
    return StatementPlan(join(rewrite(tokens)))


def _verb_outside_parentheses(tokens: Sequence[Token], verb: str) -> StatementPlan | None:
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.upper == verb:
            changed = _HANDLERS[verb](tokens[index:])
            return replace(changed, sql=join(rewrite(tokens[:index])) + changed.sql)
    return None


_PARAMETER_PREFIX = "redshift_parameter_"


def _desugar(tokens: Sequence[Token]) -> list[Token]:
    """SELECT TOP n and QUALIFY, which PostgreSQL lacks, as LIMIT and a subquery. The rest stays Redshift's."""
    hidden = [
        replace(token, text=_PARAMETER_PREFIX + token.text[1:]) if token.kind is Kind.PARAMETER else token
        for token in tokens
    ]
    try:
        tree: exp.Expr = sqlglot.parse_one(join(hidden), read="redshift")
    except sqlglot.errors.ParseError as error:
        described = error.errors[0] if error.errors else {}
        raise syntax_error(str(described.get("highlight", ""))) from error
    while True:
        qualified = [select for select in tree.find_all(exp.Select) if select.args.get("qualify")]
        if not qualified:
            break
        innermost = qualified[-1]
        if innermost.is_star:
            raise refused("SELECT * with QUALIFY (name the columns)")
        changed = transforms.eliminate_qualify(innermost.copy())
        tree = changed if innermost is tree else tree
        innermost.replace(changed)
    return [
        Token(Kind.PARAMETER, ":" + token.text[len(_PARAMETER_PREFIX) :])
        if token.kind is Kind.WORD and token.text.startswith(_PARAMETER_PREFIX)
        else token
        for token in tokenize(tree.sql(dialect="redshift"))
    ]


def _insert(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("INSERT", "INTO")
    table = reader.qualified_name()
    _refuse_pairs(tokens, "INSERT", ("ON", "CONFLICT"), ("RETURNING",))
    return StatementPlan(join(rewrite(tokens)), write=table)


def _update(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("UPDATE")
    table = reader.qualified_name()
    _refuse_pairs(tokens, "UPDATE", ("RETURNING",))
    return StatementPlan(join(rewrite(tokens)), write=table)


def _delete(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("DELETE")
    has_from = reader.accept("FROM")
    table = reader.qualified_name()
    _refuse_pairs(tokens, "DELETE", ("RETURNING",))
    rewritten = rewrite(tokens)
    if not has_from:
        # Redshift lets FROM out.
        verb = next_code(rewritten, 0)
        rewritten.insert(verb + 1, Token(Kind.SPACE, " FROM"))
    return StatementPlan(join(rewritten), write=table)


def _merge(tokens: Sequence[Token]) -> StatementPlan:
    return StatementPlan(join(rewrite(tokens)), write=check_merge(tokens))


def _refuse_pairs(tokens: Sequence[Token], verb: str, *clauses: tuple[str, ...]) -> None:
    words = [token.upper for token in code(tokens) if token.kind is not Kind.QUOTED]
    for clause in clauses:
        if any(tuple(words[index : index + len(clause)]) == clause for index in range(len(words))):
            raise SqlError(f"{verb} ... {' '.join(clause)} is not supported by Redshift", "0A000")


def _truncate(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("TRUNCATE")
    reader.accept("TABLE")
    table = reader.qualified_name()
    if not reader.done:
        raise reader.error()
    return StatementPlan(f"TRUNCATE TABLE {table}", place=TransactionUse.COMMITS)


def _vacuum(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("VACUUM")
    for mode in (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",)):
        if reader.accept(*mode):
            break
    table = "" if reader.done or reader.peek() in ("TO", "BOOST") else " " + reader.qualified_name()
    if reader.accept("TO"):
        reader.number()
        reader.expect("PERCENT")
    reader.accept("BOOST")
    if not reader.done:
        raise reader.error()
    # Redshift's VACUUM FULL does not lock the table out; PostgreSQL's plain VACUUM is its counterpart.
    return StatementPlan(f"VACUUM{table}", place=TransactionUse.OUTSIDE)


def _analyze(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.take()
    if reader.peek() == "COMPRESSION":
        raise refused("ANALYZE COMPRESSION")
    reader.accept("VERBOSE")
    target = ""
    if not reader.done and reader.peek() not in ("PREDICATE", "ALL"):
        target = " " + reader.qualified_name()
        if reader.peek() == "(":
            target += f" ({spaced(reader.group())})"
    if not reader.accept("PREDICATE", "COLUMNS"):
        reader.accept("ALL", "COLUMNS")
    if not reader.done:
        raise reader.error()
    return StatementPlan(f"ANALYZE{target}")


def _create(tokens: Sequence[Token]) -> StatementPlan:
    words = [token.upper for token in code(tokens)]
    skipped = [word for word in words[1:4] if word not in ("OR", "REPLACE", "TEMP", "TEMPORARY", "MATERIALIZED")]
    what = skipped[0] if skipped else ""
    if what == "PROCEDURE":
        return StatementPlan(create_procedure(tokens))
    if what == "FUNCTION":
        return StatementPlan(create_function(tokens))
    if what == "USER":
        return StatementPlan(user_statement(tokens))
    if what == "VIEW" and words[-4:] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise refused("a late-binding view (WITH NO SCHEMA BINDING)")
    if what == "SCHEMA" and "QUOTA" in words:
        raise refused("CREATE SCHEMA ... QUOTA")
    _check_object("CREATE", what)
    return StatementPlan(join(rewrite(tokens)))


def _alter(tokens: Sequence[Token]) -> StatementPlan:
    words = [token.upper for token in code(tokens)]
    if words[1:2] == ["TABLE"]:
        return StatementPlan(alter_table(tokens))
    if words[1:2] == ["USER"]:
        return StatementPlan(user_statement(tokens))
    if words[1:2] == ["SCHEMA"] and "QUOTA" in words:
        raise refused("ALTER SCHEMA ... QUOTA")
    _check_object("ALTER", words[1] if len(words) > 1 else "")
    return StatementPlan(join(rewrite(tokens)))


def _drop(tokens: Sequence[Token]) -> StatementPlan:
    words = [token.upper for token in code(tokens) if token.upper != "MATERIALIZED"]
    _check_object("DROP", words[1] if len(words) > 1 else "")
    return StatementPlan(join(rewrite(tokens)))


def _check_object(verb: str, what: str) -> None:
    if what in _REDSHIFT_OBJECTS:
        raise refused(f"{verb} {what}")
    if what not in _OBJECTS:
        raise SqlError(f"{verb} {what} is not supported by Redshift" if what else "syntax error at end of input")


def _set(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("SET")
    scope = "LOCAL " if reader.accept("LOCAL") else ""
    reader.accept("SESSION")
    name = reader.peek().lower()
    if name in _LABELS:
        reader.take()
        return StatementPlan(f"SET {scope}redshift.{name} {spaced(reader.rest())}")
    if name == "enable_case_sensitive_identifier":
        reader.take()
        if not (reader.accept("TO") or reader.accept("=")) or reader.peek().strip("'").upper() not in ("FALSE", "OFF"):
            raise refused("enable_case_sensitive_identifier = true")
        return StatementPlan("SET redshift.enable_case_sensitive_identifier TO 'false'")
    return StatementPlan(join(rewrite(tokens)))


def _copy(tokens: Sequence[Token]) -> StatementPlan:
    _refuse_parameters(tokens)
    statement = copy_statement.parse(tokens)
    return StatementPlan(copy=statement, write=statement.table)


def _unload(tokens: Sequence[Token]) -> StatementPlan:
    _refuse_parameters(tokens)
    statement = unload_statement.parse(tokens)
    return StatementPlan(unload=replace(statement, query=plan(statement.query).sql))


def _refuse_parameters(tokens: Sequence[Token]) -> None:
    if any(token.kind is Kind.PARAMETER for token in tokens):
        raise syntax_error("$1")


def _refresh(tokens: Sequence[Token]) -> StatementPlan:
    reader = Reader(tokens)
    reader.expect("REFRESH", "MATERIALIZED", "VIEW")
    return StatementPlan(join(rewrite(tokens)))


_HANDLERS: dict[str, Callable[[Sequence[Token]], StatementPlan]] = {
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
    "TRUNCATE": _truncate,
    "VACUUM": _vacuum,
    "ANALYZE": _analyze,
    "ANALYSE": _analyze,
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "SET": _set,
    "COPY": _copy,
    "UNLOAD": _unload,
    "REFRESH": _refresh,
}
