from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from glue_python_job import sql


@pytest.mark.parametrize("text", ["", "it's", "''", "back\\slash", "\\'", 'q"', "é\n", "$$", "; DROP TABLE x --"])
def test_a_quoted_text_is_itself(text: str) -> None:
    assert duckdb.sql(f"SELECT {sql.literal(text)}").fetchall() == [(text,)]
    assert duckdb.sql(f"SELECT {sql.literals([text, 'b'])}").fetchall() == [([text, "b"],)]
    if text:
        assert duckdb.sql(f"SELECT 1 AS {sql.identifier(text)}").columns == [text]


def test_paths() -> None:
    assert sql.paths([Path("/a"), Path("/it's")]) == "['/a', '/it''s']"
