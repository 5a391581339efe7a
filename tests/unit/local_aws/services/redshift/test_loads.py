"""The load of a job on a real database: which rows a table has after it, and what fails it."""

from __future__ import annotations

import contextlib
import operator
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract import manifests
from dataset_contract.manifests import PYTHON, SPARK, FileEntry
from dataset_contract.places import Places
from lambda_generate_param import loading, sql_batches
from lambda_generate_param.sql_batches import SqlBatch
from tests.unit.lambda_generate_param.conftest import ARN, ROOT, STAGE_RUNS, contract, manifest, table, write_dataset
from tests.unit.local_aws.services.conftest import Redshift
from tests.unit.local_aws.services.redshift.test_concurrency import wait_for_lock, wait_for_status

pytestmark = pytest.mark.postgres

LAKE = "the-lake-bucket"
ATTEMPT = {"redrive_count": "0", "attempt_started_at": "2026-01-31 12:34:56.789"}
MOMENT = {**ATTEMPT, "load_started_at": "2026-01-31 12:37:00.000"}
# Job IDs sort by the start of their executions.
OLD, NEW = (f"2026013{day}T000000000Z-00000000-0000-0000-0000-000000000000" for day in (0, 1))
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "physicalType": "BIGINT", "primaryKey": True},
    {"name": "day", "physicalType": "DATE"},
    {"name": "amount", "physicalType": "DECIMAL(9,2)"},
]
TYPES = "id BIGINT, day DATE, amount DECIMAL(9,2)"

Row = tuple[int, str | None, str | None]
Source = tuple[str, str, int]  # URI, version, bytes


class Warehouse:
    """A dataset's tables, and the jobs that load into them. loads: by table, its load."""

    def __init__(
        self, redshift: Redshift, directory: Path, loads: Mapping[str, Mapping[str, Any]], name: str = "shop"
    ) -> None:
        self.redshift = redshift
        self.sql = directory / name / "sql"
        shutil.copytree(ROOT / "sql" / "audit", self.sql / "audit")
        self.dataset = write_dataset(self.sql, shop(loads, name))
        for portion in sql_batches.portions(sql_batches.schema(self.sql, [self.dataset]).statements):
            redshift.run(*portion)

    def stage(self, job: str, name: str, rows: Sequence[Row], *, file: str = "part-0.parquet", of: str = "") -> Path:
        """Write a file of curated rows below the job's prefix; of: the job ID in its rows, where it is another."""
        path = self._path(self.places(job).curated(name) + file)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({TYPES})")
            if rows:
                connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            connection.execute(f"COPY (SELECT *, '{of or job}' AS job_id FROM t) TO '{path}' (FORMAT parquet)")
        return path

    def list_files(self, job: str, name: str, paths: Sequence[Path]) -> None:
        """Write what Spark tells COPY."""
        self._path(self.places(job).copy_manifest(STAGE_RUNS[SPARK], name)).write_text(self._listed(paths))

    def write(self, job: str, tables: Mapping[str, Sequence[Row]], sources: Sequence[Source] = ()) -> None:
        """Have a job be at work, and write what its stages write; sources: the files that it read, else one."""
        self.register(job)
        for name, rows in tables.items():
            self.list_files(job, name, [self.stage(job, name, rows)])
        path = self._path(self.places(job).source_files_list(STAGE_RUNS[PYTHON])).with_name("part.parquet")
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE t (uri VARCHAR, version VARCHAR, bytes BIGINT)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", sources or [(f"s3://raw/{job}", "1", 5)])
            connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        self._path(self.places(job).source_files_list(STAGE_RUNS[PYTHON])).write_text(self._listed([path]))

    def batch(self, job: str, counts: Mapping[str, int], *, sources: int = 1, repeat: bool = False) -> SqlBatch:
        """The load of a job, by the counts of rows that Spark told."""
        rows = sum(counts.values())
        found = {
            PYTHON: {**self._manifest(job, PYTHON), "rows_in": rows + 6, "rows_out": rows, "files_in": sources},
            SPARK: {
                **self._manifest(job, SPARK),
                "rows_in": rows,
                "rows_out": rows,
                "tables": {name: {"rows": count} for name, count in counts.items()},
            },
        }
        return loading.load(
            self.sql, self.places(job), self.dataset, found, execution_arn=ARN, repeat=repeat, code_version="abc"
        )

    def register(self, job: str) -> None:
        """Have the job be at work. One that was loaded stays so: a load may come twice."""
        about: dict[str, Any] = {"execution_arn": ARN, "started_at": "2026-01-31 12:34:56.789", "parameters": "{}"}
        about |= {"source_uri": "s3://the-raw-bucket/a/", "repeat": False}
        batch = sql_batches.register(self.sql, self.places(job), **about)
        described = self.redshift.describe(*batch.statements, parameters={**ATTEMPT, **batch.parameters}, batch=True)
        assert described["Status"] == "FINISHED" or f"job {job} has succeeded" in described["Error"]

    def start(self, batch: SqlBatch) -> str:
        """Submit a load; the ID of the statement."""
        return self.redshift.start(*batch.statements, parameters={**MOMENT, **batch.parameters}, batch=True)

    def end(self, identifier: str) -> str:
        """Wait for a load; its error, or ""."""
        return str(self.redshift.wait(identifier).get("Error", ""))

    def load(self, job: str, tables: Mapping[str, Sequence[Row]], **more: Any) -> str:
        """Write and load a job; the error, or ""."""
        self.write(job, tables)
        return self.load_written(job, {name: len(rows) for name, rows in tables.items()}, **more)

    def load_written(self, job: str, counts: Mapping[str, int], **more: Any) -> str:
        """Load what was written of a job; the error, or ""."""
        return self.end(self.start(self.batch(job, counts, **more)))

    def rows(self, name: str = "sales") -> list[tuple[Any, ...]]:
        return self.redshift.rows(f"SELECT id, day, amount, job_id FROM analytics.{name} ORDER BY id, day, job_id")

    def audited(self, job: str, name: str = "sales") -> dict[str, int]:
        """What audit.table_load says of a job, without what is 0."""
        columns = ("copied", "inserted", "updated", "deleted", "kept")
        listed = ", ".join(f"rows_{column}" for column in columns)
        (row,) = self.redshift.rows(
            f"SELECT {listed} FROM audit.table_load WHERE job_id = '{job}' AND table_name = '{name}' AND attempt = 1"
        )
        return {column: number for column, number in zip(columns, row, strict=True) if number}

    def places(self, job: str) -> Places:
        return Places(job, self.dataset.name, "the-raw-bucket", LAKE, "the-artifacts-bucket")

    def _manifest(self, job: str, stage: str) -> dict[str, Any]:
        return manifest(self.dataset, stage, job=job)

    def _listed(self, paths: Sequence[Path]) -> str:
        root = self.redshift.s3.root
        return manifests.render_copy(
            [FileEntry(f"s3://{path.relative_to(root)}", path.stat().st_size, 0) for path in paths]
        )

    def _path(self, uri: str) -> Path:
        path = self.redshift.s3.root / uri.removeprefix("s3://")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def shop(loads: Mapping[str, Mapping[str, Any]], name: str = "shop") -> dict[str, Any]:
    """A contract with an output for each load."""
    outputs = [table(name, "output", COLUMNS, []) for name in loads]
    for output, load in zip(outputs, loads.values(), strict=True):
        output["customProperties"].append({"property": "load", "value": dict(load)})
    return contract(name, table("orders", "source", COLUMNS, []), *outputs)


@pytest.fixture
def warehouse(redshift: Redshift, tmp_path: Path) -> Warehouse:
    return Warehouse(redshift, tmp_path, {"sales": {"mode": "append"}})


ROWS: list[Row] = [(1, "2026-01-01", "1.50"), (2, None, None)]


def held(rows: Sequence[Row], job: str) -> list[tuple[Any, ...]]:
    return [(*row, job) for row in rows]


def test_a_job_is_loaded_and_loaded_again(warehouse: Warehouse) -> None:
    for again in range(2):
        assert warehouse.load(OLD, {"sales": ROWS}) == ""
        assert warehouse.rows() == held(ROWS, OLD)
        assert warehouse.audited(OLD) == {"copied": 2, "inserted": 2, **({"deleted": 2} if again else {})}
    assert warehouse.redshift.rows("SELECT rows_in, rows_out FROM audit.stage_run WHERE stage = 'load'") == [(2, 2)]


@pytest.mark.parametrize("of", [OLD, NEW, "nobody"])
def test_a_foreign_file_below_the_jobs_prefix_is_not_loaded(warehouse: Warehouse, of: str) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    warehouse.stage(OLD, "sales", [(3, None, None)], file="part-1.parquet", of=of)
    assert warehouse.load_written(OLD, {"sales": 2}) == ""
    assert warehouse.rows() == held(ROWS, OLD)


def test_counts_that_are_wrong_alike_in_both_stages_are_told_by_what_copy_counted(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    error = warehouse.load_written(OLD, {"sales": 3})
    assert "rows do not add up: analytics.sales: 3 written by Spark, 2 copied" in error
    assert warehouse.rows() == []


def test_rows_of_another_job_in_a_listed_file_are_refused(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    paths = [warehouse.stage(OLD, "sales", ROWS[:1]), warehouse.stage(OLD, "sales", ROWS[1:], file="b", of=NEW)]
    warehouse.list_files(OLD, "sales", paths)
    assert "rows do not add up: analytics.sales: 2 to be loaded, 1 loaded" in warehouse.load_written(OLD, {"sales": 2})
    assert warehouse.rows() == []


def test_a_listed_file_that_is_gone_or_changed_fails_the_load(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    warehouse.stage(OLD, "sales", [*ROWS, (3, None, None)])
    assert "content_length" in warehouse.load_written(OLD, {"sales": 2})
    warehouse.stage(OLD, "sales", ROWS).unlink()
    assert "Mandatory url is not present in manifest file" in warehouse.load_written(OLD, {"sales": 2})
    assert warehouse.rows() == []


# Source files.

FILES: list[Source] = [("s3://raw/a", "1", 5), ("s3://raw/b", "2", 7)]


def read_again(warehouse: Warehouse, job: str, sources: Sequence[Source], **more: Any) -> str:
    warehouse.write(job, {"sales": ROWS}, sources)
    return warehouse.load_written(job, {"sales": 2}, sources=len(sources), **more)


def test_a_file_that_another_job_has_loaded_is_refused_unless_it_may_be_repeated(warehouse: Warehouse) -> None:
    assert read_again(warehouse, OLD, FILES) == ""
    error = read_again(warehouse, NEW, [("s3://raw/0", "1", 1), FILES[1]])
    assert f"1 of 2 source files were loaded before: s3://raw/b by job {OLD}; " in error
    assert warehouse.rows() == held(ROWS, OLD)
    assert warehouse.redshift.rows("SELECT COUNT(*) FROM audit.source_file") == [(2,)]
    assert read_again(warehouse, NEW, FILES, repeat=True) == ""
    assert warehouse.rows() == sorted([*held(ROWS, OLD), *held(ROWS, NEW)], key=lambda row: (row[0], row[3]))
    loaded = "SELECT uri, version, bytes, dataset FROM audit.source_file WHERE job_id = :job ORDER BY uri"
    assert warehouse.redshift.rows(loaded, parameters={"job": NEW}) == [(*file, "shop") for file in FILES]


def test_the_same_job_may_load_its_files_again(warehouse: Warehouse) -> None:
    for sources in (FILES, FILES, FILES[:1]):
        assert read_again(warehouse, OLD, sources) == ""
        assert warehouse.redshift.rows("SELECT COUNT(*) FROM audit.source_file") == [(len(sources),)]


def test_a_file_that_was_replaced_is_another_one_and_so_is_one_of_another_dataset(warehouse: Warehouse) -> None:
    assert read_again(warehouse, OLD, FILES) == ""
    warehouse.redshift.run("UPDATE audit.source_file SET dataset = 'another' WHERE uri = 's3://raw/a'")
    assert read_again(warehouse, NEW, [FILES[0], ("s3://raw/b", "3", 7)]) == ""


def test_files_are_loaded_by_their_number(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS}, FILES)
    error = warehouse.load_written(OLD, {"sales": 2}, sources=3)
    assert "source files do not add up: 3 read by the Python stage, 2 copied" in error


def test_five_thousand_files_are_no_more_sql_than_one(warehouse: Warehouse) -> None:
    few = warehouse.batch(OLD, {"sales": 2})
    files = [(f"s3://raw/{number:05d}", "1", number) for number in range(5000)]
    assert read_again(warehouse, OLD, files) == ""
    assert warehouse.batch(OLD, {"sales": 2}, sources=5000).statements == few.statements
    error = read_again(warehouse, NEW, files)
    assert f"5000 of 5000 source files were loaded before: s3://raw/00000 by job {OLD}; " in error


# Modes.

REPLACE: dict[str, Any] = {"mode": "replace"}
PARTITION: dict[str, Any] = {"mode": "replace_partition", "columns": ["day"]}
MERGE: dict[str, Any] = {"mode": "merge"}
ORDERED: dict[str, Any] = {"mode": "merge", "orderBy": ["day", "amount"]}
ONE, TWO = "2026-01-01", "2026-01-02"


@pytest.fixture
def make(redshift: Redshift, tmp_path: Path) -> Callable[..., Warehouse]:
    """A warehouse with the table `sales` of a load."""
    return lambda load: Warehouse(redshift, tmp_path, {"sales": load})


def test_replace_leaves_the_rows_of_the_newest_job(make: Callable[..., Warehouse]) -> None:
    warehouse = make(REPLACE)
    assert warehouse.load(OLD, {"sales": ROWS}) == ""
    newer: list[Row] = [(1, ONE, "2.00")]
    for again in range(2):
        assert warehouse.load(NEW, {"sales": newer}) == ""
        assert warehouse.rows() == held(newer, NEW)
        assert warehouse.audited(NEW) == {"copied": 1, "inserted": 1, "deleted": 1 if again else 2}
    error = warehouse.load(OLD, {"sales": ROWS})
    said = f"analytics.sales is what the newer job {NEW} left, which job {OLD} must not replace"
    assert said in error
    assert warehouse.rows() == held(newer, NEW)
    assert warehouse.load(NEW, {"sales": []}) == ""
    assert said in warehouse.load(OLD, {"sales": ROWS})
    assert warehouse.rows() == []


def test_replace_partition_exchanges_what_came_and_null_is_a_partition(make: Callable[..., Warehouse]) -> None:
    warehouse = make(PARTITION)
    first: list[Row] = [(1, ONE, None), (2, ONE, None), (3, TWO, None), (4, None, None)]
    assert warehouse.load(OLD, {"sales": first}) == ""
    assert warehouse.audited(OLD) == {"copied": 4, "inserted": 4}
    second: list[Row] = [(5, ONE, None), (6, None, None), (7, None, None)]
    assert warehouse.load(NEW, {"sales": second}) == ""
    assert warehouse.rows() == [*held([(3, TWO, None)], OLD), *held(second, NEW)]
    assert warehouse.audited(NEW) == {"copied": 3, "inserted": 3, "deleted": 3}
    # The same job again, which has left a partition.
    assert warehouse.load(NEW, {"sales": second[:1]}) == ""
    assert warehouse.rows() == [*held([(3, TWO, None)], OLD), *held(second[:1], NEW)]
    assert warehouse.audited(NEW) == {"copied": 1, "inserted": 1, "deleted": 3}


def test_an_older_job_replaces_no_partition_with_rows_of_a_newer_one(make: Callable[..., Warehouse]) -> None:
    warehouse = make(PARTITION)
    newer: list[Row] = [(1, ONE, None), (2, None, None)]
    assert warehouse.load(NEW, {"sales": newer}) == ""
    for day in (ONE, None):
        error = warehouse.load(OLD, {"sales": [(3, TWO, None), (4, day, None)]})
        assert f"rows of the newer job {NEW} in a partition that job {OLD} must not replace" in error
        assert warehouse.rows() == held(newer, NEW)
    assert warehouse.load(OLD, {"sales": [(3, TWO, None)]}) == ""
    assert warehouse.rows() == [*held(newer, NEW), *held([(3, TWO, None)], OLD)]


def test_merge_keeps_the_row_of_the_newest_job_for_each_key(make: Callable[..., Warehouse]) -> None:
    warehouse = make(MERGE)
    assert warehouse.load(NEW, {"sales": [(1, ONE, "2.00"), (2, None, "2.00")]}) == ""
    assert warehouse.load(OLD, {"sales": [(1, TWO, "1.00"), (3, None, "1.00")]}) == ""
    assert warehouse.rows() == [(1, ONE, "2.00", NEW), (2, None, "2.00", NEW), (3, None, "1.00", OLD)]
    assert warehouse.audited(OLD) == {"copied": 2, "inserted": 1, "kept": 1}
    run = "SELECT rows_curated, rows_loaded FROM audit.job_run WHERE job_id = :job"
    assert warehouse.redshift.rows(run, parameters={"job": OLD}) == [(2, 1)]
    for _ in range(2):
        assert warehouse.load(NEW, {"sales": [(1, ONE, "2.00"), (3, None, "3.00"), (4, None, None)]}) == ""
        assert warehouse.rows() == [(1, ONE, "2.00", NEW), (3, None, "3.00", NEW), (4, None, None, NEW)]
    assert warehouse.audited(NEW) == {"copied": 3, "updated": 3}


def test_merge_counts_what_it_updated(make: Callable[..., Warehouse]) -> None:
    warehouse = make(MERGE)
    assert warehouse.load(OLD, {"sales": [(1, ONE, None), (2, ONE, None)]}) == ""
    assert warehouse.audited(OLD) == {"copied": 2, "inserted": 2}
    assert warehouse.load(NEW, {"sales": [(2, TWO, None), (3, TWO, None), (4, TWO, None)]}) == ""
    assert warehouse.audited(NEW) == {"copied": 3, "inserted": 2, "updated": 1}
    # The same job again with fewer rows takes its others away; what they had replaced is gone.
    assert warehouse.load(NEW, {"sales": [(4, TWO, None)]}) == ""
    assert warehouse.audited(NEW) == {"copied": 1, "updated": 1, "deleted": 2}
    assert warehouse.rows() == [(1, ONE, None, OLD), (4, TWO, None, NEW)]


# What is there of a key, what comes, and whether it stays. Null is the oldest value.
ORDERED_ROWS: list[tuple[tuple[str | None, str | None], tuple[str | None, str | None], bool]] = [
    ((TWO, "1.00"), (ONE, "2.00"), True),
    ((ONE, "1.00"), (TWO, "0.50"), False),
    ((ONE, "2.00"), (ONE, "1.00"), True),
    ((ONE, "1.00"), (ONE, "2.00"), False),
    ((ONE, None), (ONE, "1.00"), False),
    ((ONE, "1.00"), (ONE, None), True),
    ((None, "2.00"), (ONE, None), False),
    ((ONE, None), (None, "2.00"), True),
    ((None, "1.00"), (None, "2.00"), False),
    ((None, "2.00"), (None, "1.00"), True),
]


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)], ids=["older first", "newer first"])
def test_merge_with_an_order_keeps_the_greater_row_whichever_job_has_it(
    make: Callable[..., Warehouse], first: str, second: str
) -> None:
    warehouse = make(ORDERED)
    there: list[Row] = [(key, *row) for key, (row, _, _) in enumerate(ORDERED_ROWS)]
    came: list[Row] = [(key, *row) for key, (_, row, _) in enumerate(ORDERED_ROWS)]
    assert warehouse.load(first, {"sales": there}) == ""
    assert warehouse.load(second, {"sales": came}) == ""
    stays = [stays for _, _, stays in ORDERED_ROWS]
    expected = [(*there[key], first) if stays[key] else (*came[key], second) for key in range(len(stays))]
    assert warehouse.rows() == expected
    assert warehouse.audited(second) == {"copied": 10, "kept": stays.count(True), "updated": stays.count(False)}


def test_of_rows_that_are_equal_in_the_order_that_of_the_newer_job_stays(make: Callable[..., Warehouse]) -> None:
    warehouse = make(ORDERED)
    rows: list[Row] = [(1, ONE, "1.00"), (2, ONE, None), (3, None, None)]
    for job, kept in ((OLD, OLD), (NEW, NEW), (OLD, NEW)):
        assert warehouse.load(job, {"sales": rows}) == ""
        assert warehouse.rows() == held(rows, kept)


def test_the_same_job_again_counts_its_own_rows_as_no_newer_ones(make: Callable[..., Warehouse]) -> None:
    warehouse = make(ORDERED)
    assert warehouse.load(OLD, {"sales": [(1, TWO, None)]}) == ""
    assert warehouse.load(OLD, {"sales": [(1, ONE, None)]}) == ""
    assert warehouse.rows() == [(1, ONE, None, OLD)]


def test_a_key_in_two_rows_is_refused(make: Callable[..., Warehouse]) -> None:
    warehouse = make(MERGE)
    error = warehouse.load(OLD, {"sales": [(1, ONE, None), (1, TWO, None)]})
    assert f"analytics.sales: 1 keys of job {OLD} are in several rows" in error


def test_a_table_that_was_appended_to_is_merged_into(make: Callable[..., Warehouse]) -> None:
    warehouse = make(MERGE)
    key = "INSERT INTO analytics.sales VALUES (1, NULL, 1, '1'), (1, NULL, 2, '2'), (2, NULL, 3, '3')"
    warehouse.redshift.run(key)
    assert warehouse.load(NEW, {"sales": [(1, ONE, None)]}) == ""
    assert warehouse.rows() == [(1, ONE, None, NEW), (2, None, "3.00", "3")]
    assert warehouse.audited(NEW) == {"copied": 1, "updated": 1}


@pytest.mark.parametrize("load", [REPLACE, PARTITION, MERGE, ORDERED])
def test_a_file_may_be_read_again_where_its_rows_are_not_appended(
    make: Callable[..., Warehouse], load: dict[str, Any]
) -> None:
    warehouse = make(load)
    for job in (OLD, NEW):
        assert read_again(warehouse, job, FILES) == ""
    assert warehouse.rows() == held(ROWS, NEW)


def test_tables_of_several_modes_are_loaded_together_or_not_at_all(redshift: Redshift, tmp_path: Path) -> None:
    loads: dict[str, Any] = {"sales": {"mode": "append"}, "by_day": PARTITION, "latest": ORDERED, "now": REPLACE}
    warehouse = Warehouse(redshift, tmp_path, loads)
    tables: dict[str, list[Row]] = {
        "sales": ROWS, "by_day": [(1, ONE, None)], "latest": [(1, ONE, None)], "now": [(1, ONE, None)]
    }  # fmt: skip
    assert warehouse.load(NEW, tables) == ""
    result = "SELECT table_name, mode, rows_inserted FROM audit.table_load WHERE job_id = :job ORDER BY 1"
    assert redshift.rows(result, parameters={"job": NEW}) == [
        (name, loads[name]["mode"], len(tables[name])) for name in sorted(loads)
    ]
    # An older job, of which one table alone refuses.
    error = warehouse.load(OLD, {**tables, "by_day": [(1, TWO, None)]})
    assert f"analytics.now is what the newer job {NEW} left" in error
    for name, rows in tables.items():
        assert warehouse.rows(name) == held(rows, NEW)
    assert redshift.rows("SELECT DISTINCT job_id FROM audit.table_load") == [(NEW,)]
    assert redshift.rows("SELECT DISTINCT job_id FROM audit.source_file") == [(NEW,)]


# Two loads at once. By the first one's rows the second one is an older or a newer job.

FIRST: list[Row] = [(1, ONE, "1.00"), (2, TWO, "1.00")]
SECOND: list[Row] = [(1, ONE, "2.00"), (3, None, "2.00")]


def serial(load: dict[str, Any], first: str, second: str) -> list[tuple[Any, ...]]:
    """What the table has once the first and then the second job was loaded."""
    refused = second < first
    both = sorted([*held(FIRST, first), *held(SECOND, second)], key=lambda row: (row[0], row[3]))
    if load["mode"] == "append":
        return both
    if load["mode"] == "merge":
        # orderBy: the second one's row has the greater amount.
        loser = second if refused and "orderBy" not in load else first
        return [row for row in both if (row[0], row[3]) != (1, loser)]
    if refused:
        return held(FIRST, first)
    return (
        held(SECOND, second)
        if load["mode"] == "replace"
        else [both[1], *held(FIRST[1:], first), *held(SECOND[1:], second)]
    )


def refuses(load: dict[str, Any], error: str, first: str, second: str) -> bool:
    """Whether the error of the second load is what it has to be."""
    if second < first and load["mode"].startswith("replace"):
        return f" the newer job {first} " in error
    return error == ""


LOADS = [{"mode": "append"}, REPLACE, PARTITION, MERGE, ORDERED]
ORDERS = [(OLD, NEW), (NEW, OLD)]


@contextlib.contextmanager
def gate(redshift: Redshift) -> Iterator[None]:
    """While it is open, who runs the statement ENTER waits."""
    redshift.run("CREATE TABLE public.gate (a INT)")
    holder = redshift.start("INSERT INTO public.gate VALUES (1)", "SELECT pg_sleep(60)")
    wait_for_status(redshift, f"{holder}:1", "FINISHED")
    try:
        yield
    finally:
        redshift.call("CancelStatement", Id=holder)


ENTER = "LOCK public.gate IN SHARE MODE"


@pytest.mark.parametrize("load", LOADS, ids=lambda load: "_".join([load["mode"], *load.get("orderBy", [])]))
@pytest.mark.parametrize(("first", "second"), ORDERS, ids=["older first", "newer first"])
def test_the_second_of_two_loads_at_once_waits_and_sees_the_first(
    make: Callable[..., Warehouse], load: dict[str, Any], first: str, second: str
) -> None:
    warehouse = make(load)
    warehouse.write(first, {"sales": FIRST})
    warehouse.write(second, {"sales": SECOND})
    batch = warehouse.batch(first, {"sales": 2})
    with gate(warehouse.redshift):
        # It has taken its turn, and holds what it has until the end.
        slow = warehouse.start(replace(batch, statements=(*batch.statements[:2], ENTER, *batch.statements[2:])))
        wait_for_lock(warehouse.redshift)
        other = warehouse.start(warehouse.batch(second, {"sales": 2}))
        wait_for_lock(warehouse.redshift, 2)
        # Nobody who reads waits.
        assert warehouse.rows() == []
    assert warehouse.end(slow) == ""
    assert refuses(load, warehouse.end(other), first, second)
    assert warehouse.rows() == serial(load, first, second)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: "_".join([load["mode"], *load.get("orderBy", [])]))
@pytest.mark.parametrize(("first", "second"), ORDERS, ids=["older first", "newer first"])
def test_a_load_whose_snapshot_lacks_another_one_is_error_1023_and_right_when_it_runs_again(
    make: Callable[..., Warehouse], load: dict[str, Any], first: str, second: str
) -> None:
    warehouse = make(load)
    warehouse.write(first, {"sales": FIRST})
    warehouse.write(second, {"sales": SECOND})
    batch = warehouse.batch(second, {"sales": 2})
    assert "LOCK" in batch.statements[0]
    early = ("SELECT COUNT(*) FROM analytics.sales", ENTER, *batch.statements[1:])
    with gate(warehouse.redshift):
        # As where something has taken the snapshot before the lock.
        late = warehouse.start(replace(batch, statements=early))
        wait_for_lock(warehouse.redshift)
        assert warehouse.load_written(first, {"sales": 2}) == ""
    assert "ERROR: 1023 DETAIL: Serializable isolation violation" in warehouse.end(late)
    assert warehouse.rows() == held(FIRST, first)
    assert refuses(load, warehouse.load_written(second, {"sales": 2}), first, second)
    assert warehouse.rows() == serial(load, first, second)


def test_a_load_keeps_no_other_dataset_waiting_until_its_end(redshift: Redshift, tmp_path: Path) -> None:
    slow = Warehouse(redshift, tmp_path, {"sales": ORDERED})
    quick = Warehouse(redshift, tmp_path, {"others": {"mode": "append"}}, "bazaar")
    slow.write(OLD, {"sales": ROWS})
    batch = slow.batch(OLD, {"sales": 2})
    end = next(number for number, text in enumerate(batch.statements) if "audit.job_attempt" in text)
    with gate(redshift):
        held_up = slow.start(replace(batch, statements=(*batch.statements[:end], ENTER, *batch.statements[end:])))
        wait_for_lock(redshift)
        assert quick.load(NEW, {"others": ROWS}) == ""
    assert slow.end(held_up) == ""
    for warehouse, job in ((slow, OLD), (quick, NEW)):
        (name,) = warehouse.dataset.outputs
        assert warehouse.rows(name) == held(ROWS, job)
        assert warehouse.audited(job, name) == {"copied": 2, "inserted": 2}


def test_two_executions_at_once_cannot_both_load_a_file(warehouse: Warehouse) -> None:
    for job in (OLD, NEW):
        warehouse.write(job, {"sales": ROWS}, FILES)
    started = [warehouse.start(warehouse.batch(job, {"sales": 2}, sources=2)) for job in (NEW, OLD)]
    errors = sorted(map(warehouse.end, started))
    assert errors[0] == ""
    assert "2 of 2 source files were loaded before: s3://raw/a by job" in errors[1]
    assert warehouse.redshift.rows("SELECT COUNT(*) FROM analytics.sales") == [(2,)]


def test_a_dataset_whose_turn_has_no_row_is_not_loaded(warehouse: Warehouse) -> None:
    warehouse.redshift.run("DELETE FROM loading.shop")
    assert "loading.shop has no row: run nox -s schema" in warehouse.load(OLD, {"sales": ROWS})


def test_the_schema_may_be_made_again(warehouse: Warehouse) -> None:
    assert warehouse.load(OLD, {"sales": ROWS}) == ""
    warehouse.redshift.run(*sql_batches.schema(warehouse.sql, [warehouse.dataset]).statements)
    assert warehouse.redshift.rows("SELECT job_id FROM loading.shop") == [(OLD,)]


# Jobs that are loaded in any order, also again with other rows, against a model of what the table has to hold.

JOBS = [f"202601{day:02d}T000000000Z-00000000-0000-0000-0000-000000000000" for day in range(1, 5)]


class RefusedError(Exception):
    """The model's refusal of a load."""


def after(
    load: dict[str, Any], table: list[tuple[Any, ...]], newest: str, job: str, came: Sequence[Row]
) -> list[tuple[Any, ...]]:
    """The rows of the table once a job is loaded; newest: of the jobs that were. RefusedError: it must not be."""
    others, new = [row for row in table if row[3] != job], held(came, job)
    if load["mode"] == "append":
        return others + new
    if load["mode"] == "merge":
        kept = [row for row in new for other in others if other[0] == row[0] and _age(load, other) > _age(load, row)]
        new = [row for row in new if row not in kept]
        return [row for row in others if row[0] not in [each[0] for each in new]] + new
    if load["mode"] == "replace":
        if newest > job:
            raise RefusedError
        return new
    gone = [row for row in table if row[1] in [each[1] for each in new]]
    if any(row[3] > job for row in gone):
        raise RefusedError
    return [row for row in others if row not in gone] + new


def _age(load: dict[str, Any], row: tuple[Any, ...]) -> tuple[Any, ...]:
    columns = [row[{"day": 1, "amount": 2}[name]] for name in load.get("orderBy", [])]
    return (*((value is not None, value) for value in columns), row[3])


@pytest.mark.parametrize("load", LOADS, ids=lambda load: "_".join([load["mode"], *load.get("orderBy", [])]))
def test_jobs_in_any_order_leave_what_the_model_says(make: Callable[..., Warehouse], load: dict[str, Any]) -> None:
    warehouse, draw = make(load), random.Random(11)
    table: list[tuple[Any, ...]] = []
    newest, refused = "", 0
    for _ in range(9):
        job = draw.choice(JOBS)
        rows: list[Row] = [
            (number, draw.choice([ONE, TWO, None]), draw.choice(["1.00", "2.00", None]))
            for number in draw.sample(range(6), draw.randint(0, 4))
        ]
        error = warehouse.load(job, {"sales": rows})
        try:
            table = after(load, table, newest, job, rows)
            newest = max(newest, job)
            assert error == ""
            counts = warehouse.audited(job)
            assert counts.get("copied", 0) == sum(counts.get(name, 0) for name in ("inserted", "updated", "kept"))
        except RefusedError:
            refused += 1
            assert " the newer job " in error
        order = operator.itemgetter(0, 3)
        assert sorted(warehouse.rows(), key=order) == sorted(table, key=order)
    assert bool(refused) == load["mode"].startswith("replace")
