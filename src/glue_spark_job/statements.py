"""Splits transform.sql into its statements and holds them to what a transformation may do.

The rules of quoting and comments are those of Spark's lexer (SqlBaseLexer.g4 of Spark 3.5): 'text' and "text" with
backslash escapes, r'text' without, `name` with `` for a backtick, `-- comment` (continued by a backslash at the line's
end), and /* comments */, which nest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from glue_spark_job.errors import JobError, one_line

_TOKEN = re.compile(
    r"""(?P<raw>(?<!\w)[rR](?:'[^']*'|"[^"]*"))
      | (?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`)
      | (?P<comment>--(?:\\\r?\n|[^\r\n])*)
      | (?P<block>/\*)
      | (?P<semicolon>;)
      | (?P<open>['"`])""",
    re.VERBOSE | re.DOTALL,
)
# Inside a comment, /*+ (a hint) does not open another one.
_BLOCK_EDGE = re.compile(r"/\*(?!\+)|\*/")
_NAME = r"(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<plain>\w+))"
_VIEW = re.compile(rf"CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\s+VIEW\s+{_NAME}(?P<rest>.*)", re.I | re.S)
_USING = re.compile(r"\s*(?:\([^)]*\)\s*)?USING\b", re.I)
_CACHE = re.compile(r"CACHE\s+(?:LAZY\s+)?TABLE\b", re.I)


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        number: counts from 1.
        line: where it starts in the file.
        view: what it creates, if it creates a view.
    """

    number: int
    line: int
    text: str
    view: str | None

    @property
    def first_line(self) -> str:
        """The first line of the statement, for a message."""
        return self.text.split("\n", 1)[0].strip()


def split(sql: str, file: str = "transform.sql") -> list[Statement]:
    """The statements of `sql`, without the semicolons. Parts that are only white space or comments are left out.

    `file` is the name to use in messages. Raises JobError for a quote or comment without an end, and for a statement
    other than CREATE [OR REPLACE] TEMPORARY VIEW … AS … and CACHE TABLE.
    """
    sql = sql.removeprefix("\ufeff")
    statements: list[Statement] = []
    for start, end, code in _pieces(sql, file):
        indent = len(code) - len(code.lstrip())
        if indent == len(code):
            continue
        number = len(statements) + 1
        text = sql[start + indent : end].rstrip()
        line = sql.count("\n", 0, start + indent) + 1
        view = _permitted(code.strip(), f"{file} statement {number}", text.split("\n", 1)[0])
        statements.append(Statement(number, line, text, view))
    if not statements:
        raise JobError(f"{file} has no statement; create a view for each output table of the contract")
    return statements


def _pieces(sql: str, file: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and code of each part between semicolons; in the code, comments are blanked out, lengths kept."""
    start = position = 0
    code: list[str] = []
    while match := _TOKEN.search(sql, position):
        code.append(sql[position : match.start()])
        position = match.end()
        kind = match.lastgroup
        if kind == "semicolon":
            yield start, match.start(), "".join(code)
            start, code = position, []
        elif kind == "open":
            raise _unclosed(sql, match, file)
        elif kind in ("comment", "block"):
            if kind == "block":
                position = _block_end(sql, match, file)
            code.append(" " * (position - match.start()))
        else:
            code.append(match.group())
    yield start, len(sql), "".join(code) + sql[position:]


def _block_end(sql: str, opening: re.Match[str], file: str) -> int:
    depth, position = 1, opening.end()
    while depth:
        edge = _BLOCK_EDGE.search(sql, position)
        if edge is None:
            raise _unclosed(sql, opening, file)
        depth += -1 if edge.group() == "*/" else 1
        position = edge.end()
    return position


def _unclosed(sql: str, opening: re.Match[str], file: str) -> JobError:
    line = sql.count("\n", 0, opening.start()) + 1
    return JobError(f"{file} line {line}: {opening.group()} opens here and is never closed; close it")


def _permitted(code: str, where: str, first_line: str) -> str | None:
    view = _VIEW.match(code)
    if view and not _USING.match(view["rest"]):
        return view["plain"] or view["quoted"].replace("``", "`")
    if _CACHE.match(code):
        return None
    raise JobError(
        f"{where}: {one_line(first_line)!r} is not permitted; a transformation consists of "
        "CREATE [OR REPLACE] TEMPORARY VIEW name AS SELECT … and CACHE TABLE name"
    )
