from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from glue_python_job import database


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    return connection.execute(f"SELECT current_setting('{name}')").fetchall()[0][0]


def test_the_memory_is_bounded_and_spills_to_the_scratch_directory(tmp_path: Path) -> None:
    with database.connect(512_000_000, tmp_path) as connection:
        assert setting(connection, "memory_limit") == "488.2 MiB"
        assert setting(connection, "temp_directory") == str(tmp_path / "spill")
        assert setting(connection, "TimeZone") == "UTC"
        assert setting(connection, "preserve_insertion_order") is True
        assert setting(connection, "autoinstall_known_extensions") is False


@pytest.mark.parametrize(("cpus", "memory", "threads"), [(2, 512, 2), (16, 512, 4), (16, 4096, 16), (8, 128, 1)])
def test_there_are_as_many_threads_as_processors_and_memory_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpus: int, memory: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)), raising=False)
    with database.connect(memory * 1_000_000, tmp_path) as connection:
        assert setting(connection, "threads") == threads
