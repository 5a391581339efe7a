"""How many bytes each text column of the audit tables takes, as sql/audit/schema.sql says.

What a caller may ask for is refused before the job starts where it does not fit; what is recorded of a failure is cut,
since a failure is always recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS audit\.(\w+) \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^\s*(\w+) VARCHAR\((\d+)\)", re.MULTILINE)
_CUT = "…"


class TooLongError(ValueError):
    """A text does not fit into its column; the message says the bytes that it has and that are accepted."""


@dataclass(frozen=True)
class AuditColumns:
    """The sizes in bytes of UTF-8, by table and column."""

    sizes: Mapping[str, Mapping[str, int]]

    @classmethod
    def read(cls, sql: Path) -> AuditColumns:
        """Read them from the packaged folder sql/."""
        text = (sql / "audit" / "schema.sql").read_text(encoding="utf-8")
        tables = {match[1]: match[2] for match in _TABLE.finditer(text)}
        return cls({table: {name: int(size) for name, size in _COLUMN.findall(body)} for table, body in tables.items()})

    def check(self, table: str, column: str, value: str) -> None:
        """Raises TooLongError, also for what UTF-8 cannot hold."""
        size = self.sizes[table][column]
        try:
            found = len(value.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise TooLongError(
                f"has half of a character (position {error.start + 1}); accepted: text that UTF-8 can hold"
            ) from error
        if found > size:
            raise TooLongError(f"takes {found:,} bytes; accepted: at most {size:,} (audit.{table}.{column})")

    def cut(self, table: str, column: str, value: str) -> str:
        """The text, or as much of it as the column takes with an ellipsis; no character is split."""
        size = self.sizes[table][column]
        data = value.replace("\x00", "").encode("utf-8", "replace")
        if len(data) > size:
            data = data[: size - len(_CUT.encode())].decode("utf-8", "ignore").encode() + _CUT.encode()
        return data.decode("utf-8")
