"""What a table has after jobs of each load mode, and which files may be loaded again."""

from __future__ import annotations

from typing import Any

from pipeline.executions import ExecutionOutcome
from tests.integration.conftest import Pipeline

FIRST = "sku,day,pieces\na,2026-01-01,1\nb,2026-01-01,2\nc,,3\n"
SECOND = "sku,day,pieces\na,2026-01-02,4\nd,2026-01-01,5\n"


def rows(pipeline: Pipeline, table: str) -> list[tuple[Any, ...]]:
    found = pipeline.query(f"SELECT sku, CAST(day AS VARCHAR(10)) AS day, pieces FROM analytics.{table} ORDER BY 1, 2")
    return [(row["sku"], row["day"], row["pieces"]) for row in found]


def loads(pipeline: Pipeline, outcome: ExecutionOutcome) -> dict[str, tuple[int, ...]]:
    """rows_inserted, rows_updated, rows_deleted and rows_kept of each table."""
    assert outcome.succeeded, (outcome.error, outcome.cause)
    found = pipeline.query("SELECT * FROM audit.table_load WHERE job_id = :job_id", job_id=outcome.output["job_id"])
    columns = ("rows_inserted", "rows_updated", "rows_deleted", "rows_kept")
    curated = outcome.output["counts"]["rows_curated"]
    for row in found:
        assert row["rows_copied"] == curated[row["table_name"]]
        assert row["rows_copied"] == row["rows_inserted"] + row["rows_updated"] + row["rows_kept"]
    return {row["table_name"].removeprefix("shop_"): tuple(row[column] for column in columns) for row in found}


def test_a_table_of_each_mode(pipeline: Pipeline) -> None:
    first, second = (pipeline.put(text, name="sales.csv") for text in (FIRST, SECOND))
    outcome = pipeline.run(first, dataset="shop")
    assert set(loads(pipeline, outcome).values()) == {(3, 0, 0, 0), (1, 0, 0, 0)}
    earlier = outcome.output["job_id"]
    changed = pipeline.run(second, dataset="shop")
    assert loads(pipeline, changed) == {
        "all": (2, 0, 0, 0),
        "days": (2, 0, 2, 0),
        "latest": (1, 1, 0, 0),
        "total": (1, 0, 1, 0),
    }
    assert rows(pipeline, "shop_days") == [("a", "2026-01-02", 4), ("c", None, 3), ("d", "2026-01-01", 5)]
    latest = [("a", "2026-01-02", 4), ("b", "2026-01-01", 2), ("c", None, 3), ("d", "2026-01-01", 5)]
    assert rows(pipeline, "shop_latest") == latest
    assert pipeline.query("SELECT pieces FROM analytics.shop_total") == [{"pieces": 9}]

    # The first file again: its rows would be there twice.
    refused = pipeline.start(first, dataset="shop")
    repeated = pipeline.start(first, dataset="shop", repeat=True)
    audit = pipeline.audit_of(refused)
    assert f"1 of 1 source files were loaded before: {first}sales.csv by job {earlier}" in audit["cause"]
    assert loads(pipeline, pipeline.wait(repeated)) == {
        "all": (3, 0, 0, 0),
        "days": (3, 0, 2, 0),
        "latest": (0, 2, 0, 1),
        "total": (1, 0, 1, 0),
    }
    assert rows(pipeline, "shop_latest") == latest
    assert len(rows(pipeline, "shop_all")) == 8
