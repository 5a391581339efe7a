"""The pipe between the engine that reads a file and the one that loads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws.services.redshift import copy_load


class LateWriter:
    """Writes all it has and ends, at the moment when somebody asks whether it has ended."""

    def __init__(self, writing: int) -> None:
        self._writing: int | None = writing

    def is_alive(self) -> bool:
        if self._writing is not None:
            os.write(self._writing, b"1,one\n")
            os.close(self._writing)
            self._writing = None
        return False


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


def test_what_a_writer_wrote_last_is_read(pipe: tuple[int, int]) -> None:
    writer: Any = LateWriter(pipe[1])
    assert list(copy_load._chunks(pipe[0], writer)) == [b"1,one\n"]
