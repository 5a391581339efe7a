"""What the command `pipeline` says when it cannot do what was asked, and the exit code that goes with it."""

from __future__ import annotations

from typing import ClassVar


class PipelineError(Exception):
    """A message of one line for a person: what, where, and what to do next. The command exits with exit_code."""

    exit_code: ClassVar[int] = 1


class UsageError(PipelineError):
    """What was asked for is not accepted."""

    exit_code = 2


class StackNotFoundError(UsageError):
    """No deployment was found where one was named or looked for."""


class ClientSettingsError(PipelineError):
    """A setting of AWS's SDK, by which clients are made, has a value that it does not take."""


class UnknownJobError(PipelineError):
    """No job, or more than one, is what the text names."""

    exit_code = 3


class TimedOutError(PipelineError):
    """What was waited for had not ended in the time given."""

    exit_code = 4
