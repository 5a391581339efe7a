"""Errors that the job understands: each ends as one line that says what, where and what to do."""

from __future__ import annotations


class JobError(Exception):
    """The run cannot succeed; its message is meant for the user."""

    exit_code = 1


class ArgumentsError(JobError):
    """The job was started wrongly."""

    exit_code = 2
