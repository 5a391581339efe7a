"""The errors that this job understands: each becomes one line on stderr and an exit code, without a traceback."""

from __future__ import annotations


class JobError(Exception):
    """The input, the contract or the SQL is at fault. The text says what, where and what to do."""

    exit_code = 1


class ArgumentsError(JobError):
    """The command line is at fault."""

    exit_code = 2


def told(error: Exception) -> str:
    """What is said of an error: the text of one that is understood; of another, its class too, without Java's stack."""
    if isinstance(error, JobError):
        return str(error)
    return f"{type(error).__name__}: {error}".partition("\n\tat ")[0]


def one_line(text: str) -> str:
    """`text` with every run of white space, line breaks included, made one blank."""
    return " ".join(text.split())
