"""CREATE TABLE and ALTER TABLE: what Redshift's tables have that PostgreSQL's have not.

Distribution, sort keys and encodings are checked and dropped. PRIMARY KEY, UNIQUE and FOREIGN KEY are checked and not
enforced, as in Redshift; the columns of a primary key become NOT NULL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from local_aws.services.redshift.lexer import Kind, Token, code, identifier, split_commas
from local_aws.services.redshift.sql_expressions import rewrite
from local_aws.services.redshift.sqlerror import SqlError, refused
from local_aws.services.redshift.token_reader import Reader, quote, spaced
from local_aws.services.redshift.types import ATTRIBUTES, column_type

_ENCODINGS = frozenset(
    [
        "AUTO",
        "RAW",
        "AZ64",
        "BYTEDICT",
        "DELTA",
        "DELTA32K",
        "LZO",
        "MOSTLY8",
        "MOSTLY16",
        "MOSTLY32",
        "RUNLENGTH",
        "TEXT255",
        "TEXT32K",
        "ZSTD",
    ]
)
_TABLE_ATTRIBUTES = frozenset(["BACKUP", "DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND", "INTERLEAVED", "ENCODE"])


@dataclass
class _Table:
    columns: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    primary: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    like: bool = False


def is_create_table(words: Sequence[Token]) -> bool:
    """Whether the code tokens begin a CREATE TABLE, temporary or not."""
    heads = [token.upper for token in words[:4]]
    return heads[:1] == ["CREATE"] and "TABLE" in heads and set(heads[1 : heads.index("TABLE")]) <= {
        "TEMP", "TEMPORARY", "LOCAL",
    }  # fmt: skip


def create_table(tokens: Sequence[Token]) -> tuple[str, bool]:
    """PostgreSQL's form of a CREATE TABLE or CREATE TABLE AS, and whether it is the second."""
    reader = Reader(tokens)
    head = "CREATE"
    reader.expect("CREATE")
    reader.accept("LOCAL")
    if reader.accept("TEMP") or reader.accept("TEMPORARY"):
        head += " TEMPORARY"
    reader.expect("TABLE")
    head += " TABLE"
    if reader.accept("IF", "NOT", "EXISTS"):
        head += " IF NOT EXISTS"
    head += " " + reader.qualified_name()
    body = reader.group() if reader.peek() == "(" else None
    keys = _table_attributes(reader)
    if reader.accept("AS"):
        return _create_as(head, body, reader), True
    if body is None or not reader.done:
        raise reader.error()
    table = _Table()
    table.keys.extend(keys)
    for part in split_commas(body):
        _table_part(table, part)
    _check_keys(table)
    # PostgreSQL reads a second NOT NULL as the same one.
    parts = [*table.parts, *(f"NOT NULL {quote(column)}" for column in table.primary)]
    return f"{head} ({', '.join(parts)})", False


def _create_as(head: str, body: list[Token] | None, reader: Reader) -> str:
    columns = ""
    if body is not None:
        names = [Reader(part) for part in split_commas(body)]
        columns = f" ({', '.join(name.name() for name in names)})"
        for name in names:
            if not name.done:
                raise name.error()
    return f"{head}{columns} AS {spaced(rewrite(reader.rest()))}"


def _check_keys(table: _Table) -> None:
    if not table.like:
        for key in [*table.keys, *table.primary]:
            if key not in table.columns:
                raise SqlError(f'column "{key}" named in key does not exist', "42703")


def _table_part(table: _Table, tokens: Sequence[Token]) -> None:
    reader = Reader(tokens)
    if reader.accept("LIKE"):
        table.like = True
        table.parts.append(_like(reader))
        return
    if reader.peek() == "CONSTRAINT":
        reader.take()
        reader.name()
    if reader.peek() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK") and reader.peek(1) in ("KEY", "("):
        _table_constraint(table, reader)
        return
    name = identifier(reader.tokens[reader.position]) if not reader.done else ""
    quoted = reader.name()
    type_tokens: list[Token] = []
    while not reader.done and reader.peek() not in ATTRIBUTES:
        type_tokens.append(reader.take())
    if name in table.columns:
        raise SqlError(f'column "{name}" duplicated', "42701")
    table.columns[name] = column_type(name, type_tokens)
    table.parts.append(f"{quoted} {table.columns[name]}{_column_attributes(table, name, reader)}")


def _like(reader: Reader) -> str:
    parent = reader.qualified_name()
    defaults = False
    if reader.accept("INCLUDING", "DEFAULTS"):
        defaults = True
    elif not reader.done:
        reader.expect("EXCLUDING", "DEFAULTS")
    if not reader.done:
        raise reader.error()
    return f"LIKE {parent}{' INCLUDING DEFAULTS' if defaults else ''}"


def _table_constraint(table: _Table, reader: Reader) -> None:
    if reader.accept("PRIMARY", "KEY"):
        table.primary.extend(_names(reader.group()))
    elif reader.accept("UNIQUE"):
        table.keys.extend(_names(reader.group()))
    elif reader.accept("FOREIGN", "KEY"):
        table.keys.extend(_names(reader.group()))
        _references(reader)
    else:
        raise SqlError("CHECK constraints are not supported", "0A000")
    if not reader.done:
        raise reader.error()


def _names(tokens: Sequence[Token]) -> list[str]:
    names = []
    for part in split_commas(tokens):
        words = code(part)
        if len(words) != 1 or words[0].kind not in (Kind.WORD, Kind.QUOTED):
            raise Reader(part).error()
        names.append(identifier(words[0]))
    if not names:
        raise SqlError('syntax error at or near ")"')
    return names


def _references(reader: Reader) -> None:
    reader.expect("REFERENCES")
    reader.qualified_name()
    if reader.peek() == "(":
        reader.group()


def _column_attributes(table: _Table, column: str, reader: Reader) -> str:
    text = ""
    while not reader.done:
        if reader.accept("NOT", "NULL"):
            text += " NOT NULL"
        elif reader.accept("DEFAULT"):
            text += " DEFAULT " + _default(reader)
        elif reader.accept("IDENTITY"):
            text += _identity("ALWAYS", reader)
        elif reader.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            text += _identity("BY DEFAULT", reader)
        elif reader.accept("ENCODE"):
            _encoding(reader)
        elif reader.accept("PRIMARY", "KEY"):
            table.primary.append(column)
        elif reader.peek() == "REFERENCES":
            _references(reader)
        elif reader.accept("COLLATE"):
            _collation(reader)
        elif not any(reader.accept(word) for word in ("NULL", "DISTKEY", "SORTKEY", "UNIQUE")):
            raise reader.error()
    return text


def _default(reader: Reader) -> str:
    tokens: list[Token] = []
    while not reader.done:
        ends = reader.peek() in ATTRIBUTES and not (reader.peek() == "NULL" and not tokens)
        if tokens and ends:
            break
        if reader.peek() == "(":
            start = reader.position
            reader.group()
            tokens.extend(reader.tokens[start : reader.position])
        else:
            tokens.append(reader.take())
    if not tokens:
        raise reader.error()
    return spaced(rewrite(tokens))


def _identity(kind: str, reader: Reader) -> str:
    values = Reader(reader.group())
    seed = values.number()
    values.expect(",")
    step = values.number()
    if not values.done:
        raise values.error()
    bounds = "MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807"
    return f" GENERATED {kind} AS IDENTITY (START WITH {seed} INCREMENT BY {step} {bounds})"


def _encoding(reader: Reader) -> None:
    if reader.peek() not in _ENCODINGS:
        raise reader.error()
    reader.take()


def _collation(reader: Reader) -> None:
    if reader.accept("CASE_INSENSITIVE") or reader.accept("CI"):
        raise refused("COLLATE CASE_INSENSITIVE")
    if not (reader.accept("CASE_SENSITIVE") or reader.accept("CS")):
        raise reader.error()


def _table_attributes(reader: Reader) -> list[str]:
    """Take the attributes after the column list; returns the columns that they name."""
    keys: list[str] = []
    while reader.peek() in _TABLE_ATTRIBUTES:
        if reader.accept("BACKUP"):
            if not (reader.accept("YES") or reader.accept("NO")):
                raise reader.error()
        elif reader.accept("DISTSTYLE"):
            if not any(reader.accept(style) for style in ("AUTO", "EVEN", "KEY", "ALL")):
                raise reader.error()
        elif reader.accept("ENCODE"):
            reader.expect("AUTO")
        elif reader.accept("DISTKEY"):
            keys.extend(_names(reader.group()))
        elif reader.accept("SORTKEY", "AUTO"):
            continue
        else:
            if not reader.accept("COMPOUND"):
                reader.accept("INTERLEAVED")
            reader.expect("SORTKEY")
            keys.extend(_names(reader.group()))
    return keys


def alter_table(tokens: Sequence[Token]) -> str:
    """PostgreSQL's form of an ALTER TABLE.

    What has no counterpart (keys, distribution, encodings) becomes a statement that only checks the table is there.
    """
    reader = Reader(tokens)
    reader.expect("ALTER", "TABLE")
    name = reader.qualified_name()
    exists = f"LOCK TABLE {name} IN ACCESS SHARE MODE"
    if reader.accept("APPEND"):
        raise refused("ALTER TABLE ... APPEND")
    if reader.accept("ADD"):
        return _alter_add(name, exists, reader)
    if reader.accept("ALTER"):
        return _alter_alter(name, exists, reader)
    return f"ALTER TABLE {name} {spaced(rewrite(reader.rest()))}"


def _alter_add(name: str, exists: str, reader: Reader) -> str:
    if reader.accept("CONSTRAINT"):
        reader.name()
    table = _Table(like=True)
    if reader.peek() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK") and reader.peek(1) in ("KEY", "("):
        _table_constraint(table, reader)
        if table.primary:
            actions = ", ".join(f"ALTER COLUMN {quote(column)} SET NOT NULL" for column in table.primary)
            return f"ALTER TABLE {name} {actions}"
        return exists
    reader.accept("COLUMN")
    _table_part(table, reader.rest())
    return f"ALTER TABLE {name} ADD COLUMN {table.parts[0]}"


def _alter_alter(name: str, exists: str, reader: Reader) -> str:
    if reader.peek() in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        if reader.accept("ENCODE", "AUTO") or reader.accept("SORTKEY", "NONE"):
            return exists
        if reader.accept("DISTKEY") or reader.accept("DISTSTYLE", "KEY", "DISTKEY"):
            reader.name()
        else:
            _table_attributes(reader)
        if not reader.done:
            raise reader.error()
        return exists
    reader.accept("COLUMN")
    column = reader.name()
    if reader.accept("ENCODE"):
        _encoding(reader)
        return exists
    if reader.accept("TYPE"):
        return f"ALTER TABLE {name} ALTER COLUMN {column} TYPE {column_type(column.strip(chr(34)), reader.rest())}"
    raise reader.error()
