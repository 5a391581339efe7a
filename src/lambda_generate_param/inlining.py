"""SQL with its values in place: what `run-sql` makes of a batch where the Data API takes no Parameters with one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aws_facts import redshift_data as facts

_PARAMETER = re.compile(facts.PARAMETER)


def inlined(sql: str, values: Mapping[str, str]) -> str:
    """The statement with each `:name` that has a value as a text constant; others stay.

    It is read in one go, so a `:name` within a value is not taken for a parameter. No literal, quoted name or comment
    of the statement may hold a `:name`; the cross-check sees to it.
    """
    return _PARAMETER.sub(lambda match: literal(values[match[1]]) if match[1] in values else match[0], sql)


def literal(value: str) -> str:
    """A text constant of Redshift, in which a backslash is an escape."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
