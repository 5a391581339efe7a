"""The error of one SQL statement: it becomes the statement's ``Error`` text, never an API error."""

from __future__ import annotations


class SqlError(Exception):
    """A statement that fails, with Redshift's text without its severity in front, and its SQLSTATE."""

    def __init__(
        self, message: str, sqlstate: str = "42601", detail: str | None = None, severity: str = "ERROR"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.detail = detail
        self.severity = severity

    @property
    def text(self) -> str:
        """The text as DescribeStatement shows it."""
        return f"{self.severity}: {self.message}" + (f"\n  Detail: {self.detail}" if self.detail else "")


def refused(what: str) -> SqlError:
    """The error for SQL that Redshift knows and this endpoint does not run."""
    return SqlError(f"{what} is not implemented by this local endpoint", "0A000")


def syntax_error(near: str) -> SqlError:
    """The parser's error at ``near``."""
    return SqlError(f'syntax error at or near "{near}"' if near else "syntax error at end of input", "42601")
