"""Ask a service, so that an error is an answer as well: a trace goes on, and shows what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import PipelineError
from pipeline.evidence.model import Answer
from pipeline.redshift import QueryError

T = TypeVar("T")
# What a service says of something that is not there.
_NOT_THERE = (
    *("ExecutionDoesNotExist", "StateMachineDoesNotExist", "EntityNotFoundException", "ResourceNotFoundException"),
    *("NoSuchKey", "NoSuchBucket", "404"),
)
_AT_ONCE = 12


class Asker:
    """Asks in threads. Close it (with) once the answers are taken."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def ask(self, look: Callable[..., T | None], *arguments: object) -> Future[Answer[T]]:
        """Call `look` in a thread."""
        return self._pool.submit(answer, look, *arguments)

    def start(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Call a function that answers by itself in a thread; it must not wait for what it starts here."""
        return self._pool.submit(function, *arguments)


def answer(look: Callable[..., T | None], *arguments: object) -> Answer[T]:
    """What `look` returns, or why it could not."""
    try:
        return Answer(look(*arguments))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _NOT_THERE:
            return Answer()
        return Answer(problem=_line(error))
    except (BotoCoreError, QueryError, PipelineError, LookupError, TypeError, ValueError) as error:
        return Answer(problem=f"{type(error).__name__}: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
