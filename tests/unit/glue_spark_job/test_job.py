"""Whole runs in this process, on the dataset "orders" changed in one place."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from dataset_contract import manifests
from glue_spark_job import job, output, transformation
from glue_spark_job.errors import JobError
from glue_spark_job.main import main
from glue_spark_job.storage import Storage
from tests.unit.glue_spark_job.orders import JOB_ID, ORDERS, STAGED_BY, STAGED_SQL, TRANSFORM, Orders

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


def last_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line on stderr."""
    return capsys.readouterr().err.splitlines()[-1]


PRICED = [
    (1, "tea", Decimal("1.25"), "2013-01-01 10:00:00+00", JOB_ID),
    (2, "cake", Decimal("1.50"), "2013-01-01 23:30:00+00", JOB_ID),
    (3, "soap", Decimal("0.63"), None, JOB_ID),
    (4, None, None, "2013-01-02 00:00:00+00", JOB_ID),
]
SOLD = [("cake", 1, None, JOB_ID), ("soap", 1, 80, JOB_ID), ("tea", 1, 100, JOB_ID)]


def test_a_run_writes_the_tables_then_the_manifest(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    assert orders.run() == 0
    assert orders.rows("priced", "id, item, price, CAST(sold AS VARCHAR), job_id") == PRICED
    assert orders.rows("items_sold") == SOLD

    manifest = json.loads(orders.manifest.read_text())
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rows_rejected"]) == (4, 7, 0)
    assert orders.details["parameters"] == {"discount": 0.5}
    assert (manifest["code_version"], manifest["contract_version"]) == ("abc123", "2.1.0")
    assert manifest["contract_hash"] == manifests.contract_hash(json.dumps(orders.contract))
    assert manifest["source_uri"] == "s3://raw/orders/"
    for name, rows in (("priced", 4), ("items_sold", 3)):
        files = list(orders.output(name).iterdir())
        assert manifest["tables"][name] == {
            "uri": f"{orders.output(name)}/",
            "rows": rows,
            "bytes": sum(path.stat().st_size for path in files),
            "files": len(files),
        }
        assert all(path.name.endswith(".snappy.parquet") for path in files)
    assert {file["uri"] for file in orders.details["files_out"]} == {
        str(path) for path in (orders.root / "curated").rglob("*") if path.is_file()
    }
    assert (manifest["manifest_version"], manifest["files_in"]) == (5, len(orders.details["files_in"]))
    assert manifest["execution_started_at"] == "2013-01-01T10:00:00.000Z"
    assert manifest["rules"] == []
    assert not orders.manifest.with_name("spark-error.json").exists()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(line["job_id"], line["stage"], line["level"]) for line in lines} == {(JOB_ID, "spark", "INFO")}
    assert lines[-1]["message"] == "manifest written"


def test_parameters_reach_the_sql(orders: Orders) -> None:
    orders.parameters = {"discount": 0.1}
    assert orders.run() == 0
    assert orders.rows("priced", "price")[:3] == [(Decimal("0.13"),), (Decimal("0.25"),), (Decimal("0.30"),)]


def test_a_complete_run_is_not_done_again(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    assert orders.run() == 0
    before = {path: path.stat().st_mtime_ns for path in orders.root.joinpath("curated").rglob("*.parquet")}
    manifest = orders.manifest.read_bytes()
    capsys.readouterr()
    orders.transform = "not even SQL"
    assert orders.run() == 0
    assert "complete already" in capsys.readouterr().out
    assert orders.manifest.read_bytes() == manifest
    assert {path: path.stat().st_mtime_ns for path in orders.root.joinpath("curated").rglob("*.parquet")} == before


def test_a_run_after_one_that_broke_off_leaves_no_stale_file(orders: Orders) -> None:
    orders.write()
    orders.manifest.write_text('{"stage": "spark", "job_id": "')  # cut off
    stale = [
        orders.curated("priced") / name
        for name in (
            "part-00000-old.snappy.parquet",
            "3fa9c1-0-ffffffff/part-0.parquet",
            "_SUCCESS",
            "_temporary/0/x.parquet",
        )
    ]
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"old")
    other = orders.root / "curated" / "priced" / "job_id=another" / "part-0.parquet"
    other.parent.mkdir()
    other.touch()
    assert orders.run() == 0
    assert not any(path.exists() for path in stale)
    assert other.exists()
    assert orders.rows("priced", "count(*)") == [(4,)]


@pytest.mark.parametrize("files", ["one without rows", "none"])
def test_an_empty_input_gives_tables_without_rows(orders: Orders, files: str) -> None:
    if files == "none":
        next(orders.root.glob("staged/*/*/*.parquet")).unlink()
    else:
        orders.stage(ORDERS, sql=STAGED_SQL + " WHERE false")
    orders.rows_out = 0
    assert orders.run() == 0
    manifest = json.loads(orders.manifest.read_text())
    assert (manifest["rows_in"], manifest["rows_out"]) == (0, 0)
    assert {name: (table["rows"], table["files"]) for name, table in manifest["tables"].items()} == {
        "priced": (0, 1),
        "items_sold": (0, 1),
    }
    assert orders.rows("priced", "id") == []


def _rows_differ(orders: Orders) -> None:
    orders.rows_out = 5


def _no_staged_files(orders: Orders) -> None:
    next(orders.root.glob("staged/*/*/*.parquet")).unlink()


def _staged_is_no_parquet(orders: Orders) -> None:
    next(orders.root.glob("staged/*/*/*.parquet")).write_bytes(b"id,item\n1,tea\n")


def _staged_without_column(orders: Orders) -> None:
    orders.stage("(1, 2), (1, 2), (1, 2), (1, 2)", sql="SELECT * FROM (VALUES {rows}) AS t(id, sold)")


def _bad_sql(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("o.item, count", "o.itm, count")


def _refused_sql(orders: Orders) -> None:
    orders.transform = TRANSFORM + "DROP VIEW priced"


def _output_missing(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("VIEW items_sold", "VIEW sold")


def _column_missing(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("SELECT sold, id", "SELECT id")


def _column_extra(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("SELECT sold, id", "SELECT sold, amount, id")


def _overflow(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("sum(i.weight)", "sum(i.weight) * 1000000000")


def _output_null(orders: Orders) -> None:
    orders.column("priced", "item")["required"] = True


def _output_too_long(orders: Orders) -> None:
    orders.column("items_sold", "item")["physicalType"] = "VARCHAR(3)"


def _reference_rows_differ(orders: Orders) -> None:
    orders.reference_rows = 2


def _reference_missing(orders: Orders) -> None:
    orders.items.unlink()


def _reference_without_column(orders: Orders) -> None:
    orders.reference("(1), (2), (3)", sql="SELECT * FROM (VALUES {rows}) AS t(item)")


def _contract_type(orders: Orders) -> None:
    orders.column("priced", "price")["physicalType"] = "MONEY"


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (_rows_differ, "source orders: 4 rows in 1 files below"),
        (_no_staged_files, "source orders: 0 rows in 0 files below"),
        (_staged_is_no_parquet, "cannot read the Parquet footer of"),
        (
            _staged_without_column,
            "source orders: {root}/staged/job_id={job}/{run}/part-0.parquet has no column item, amount",
        ),
        (_bad_sql, "transform.sql statement 2 (view items_sold, line 7): [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column"),
        (_refused_sql, "transform.sql statement 3: 'DROP VIEW priced' is not permitted"),
        (_output_missing, "transform.sql does not create output items_sold; views found: priced, sold"),
        (_column_missing, "table priced: column sold is missing"),
        (_column_extra, "table priced: column amount is not in the contract"),
        (_overflow, "table items_sold, column weight: 100000000000 does not fit INTEGER without loss; round or cast"),
        (_output_null, "table priced breaks its contract: column item: required but empty (1 row); correct transform"),
        (_output_too_long, "table items_sold, column item: '"),
        (
            _reference_rows_differ,
            "reference items: 3 rows in 1 files below {root}/references/job_id={job}/{run}/items/, but",
        ),
        (_reference_missing, "reference items: 0 rows in 0 files below"),
        (
            _reference_without_column,
            "reference items: {root}/references/job_id={job}/{run}/items/part-00000.parquet has no",
        ),
        (_contract_type, 'schema[2].properties[2].physicalType: "MONEY" '),
    ],
)
def test_a_failure_is_one_line_and_leaves_no_manifest(
    orders: Orders, capsys: pytest.CaptureFixture[str], break_it: Callable[[Orders], None], message: str
) -> None:
    break_it(orders)
    assert orders.run() == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(
        f"error: {message.format(root=orders.root, job=JOB_ID, run=STAGED_BY)}"
    )
    last = json.loads(captured.out.splitlines()[-1])
    assert (last["level"], last["job_id"]) == ("ERROR", JOB_ID)
    assert captured.err.splitlines()[-1] == "error: " + " ".join(last["message"].split())
    assert not orders.manifest.exists()
    assert (orders.failure["stage"], orders.failure["error"]) == ("spark", " ".join(last["message"].split()))


def test_a_failure_tells_what_was_done_until_then(orders: Orders) -> None:
    orders.column("items_sold", "weight")["required"] = True
    assert orders.run() == 1
    failure = orders.failure
    assert failure["error"].startswith(
        "table items_sold breaks its contract: column weight: required but empty (1 row)"
    )
    assert (failure["rows_in"], failure["contract_version"]) == (4, "2.1.0")
    assert orders.details["parameters"] == {"discount": 0.5}
    assert "items_sold" not in failure["tables"]


def _with_set_rules(orders: Orders, most_without_weight: int) -> None:
    orders.table("items_sold")["quality"] = [
        {"metric": "rowCount", "mustBeGreaterThan": 3, "severity": "warning"},
        {"type": "sql", "query": "SELECT sum(orders) FROM ${object}", "mustBe": 3, "id": "orders_sold"},
    ]
    orders.column("items_sold", "weight")["quality"] = [
        {"metric": "nullValues", "mustBeLessOrEqualTo": most_without_weight, "unit": "percent"},
    ]


def test_set_rules_are_judged_and_a_warning_halts_nothing(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    _with_set_rules(orders, 40)
    assert orders.run() == 0
    rules = {rule["metric"]: rule for rule in json.loads(orders.manifest.read_text())["rules"]}
    assert {metric: (rule["measured"], rule["passed"]) for metric, rule in rules.items()} == {
        "rowCount": ("3", False),
        "sql": ("3", True),
        "nullValues": ("33.333333", True),
    }
    assert sorted(rule["number"] for rule in rules.values()) == [0, 1, 2]
    warnings = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"WARNING"' in line]
    assert [line["message"].partition(" (")[0] for line in warnings] == [
        "items_sold: rowCount is 3, expected mustBeGreaterThan 3 rows"
    ]


def test_a_set_rule_that_does_not_hold_halts_before_anything_is_published(orders: Orders) -> None:
    _with_set_rules(orders, 33)
    assert orders.run() == 1
    assert not orders.manifest.exists()
    failure = orders.failure
    assert failure["error"].startswith(
        "items_sold: nullValues of weight is 33.333333, expected mustBeLessOrEqualTo 33 percent (rule "
    )
    assert {rule["metric"]: rule["passed"] for rule in failure["rules"]} == {
        "rowCount": False,
        "sql": True,
        "nullValues": False,
    }
    assert (failure["rows_in"], failure["rows_out"], sorted(failure["tables"])) == (4, 7, ["items_sold", "priced"])


def test_staged_files_of_different_types_are_named(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    orders.stage("(5, NULL, NULL, NULL)", "part-1.parquet", STAGED_SQL.replace("item::VARCHAR", "9::INTEGER"))
    orders.rows_out = 5
    assert orders.run() == 1
    message = last_error(capsys)
    assert message.startswith(
        f"error: source orders: {orders.root}/staged/job_id={JOB_ID}/{STAGED_BY}/part-1.parquet has column "
    )
    assert "column item as int, the contract has VARCHAR(8) (string); run the Python stage" in message


def test_rows_that_were_staged_under_another_contract_are_refused(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert orders.run() == 0
    orders.contract["description"] = {"purpose": "of the same version, and of the same types"}
    contract = orders.root / "contract.json"
    contract.write_text(json.dumps(orders.contract), encoding="utf-8")
    assert main(orders.argv()) == 1
    message = last_error(capsys)
    assert message.startswith(f"error: {orders.manifest.with_name('python.json')} was made under another contract (")
    assert message.endswith("); run the Python stage of this job again")
    assert not orders.manifest.exists()
    assert orders.failure["contract_hash"] == manifests.contract_hash(contract.read_text(encoding="utf-8"))
    # The Python stage ran again.
    assert orders.run() == 0
    assert json.loads(orders.manifest.read_text())["contract_hash"] == manifests.contract_hash(contract.read_text())


def test_a_crash_is_told_and_not_hidden(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.transform = "not even SQL"
    assert orders.run() == 1
    assert "not even SQL" in orders.failure["error"]
    orders.transform = TRANSFORM

    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(transformation, "transform", crash)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        orders.run()
    assert (orders.failure["error"], orders.failure["rows_in"]) == ("ZeroDivisionError: a bug", 4)
    assert not orders.manifest.exists()


def test_where_a_crash_cannot_be_told_it_is_still_the_crash(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    def lost(*_: object) -> None:
        raise ConnectionError("Java is gone")

    monkeypatch.setattr(transformation, "transform", crash)
    monkeypatch.setattr(Storage, "write_text", lost)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        orders.run()


def test_an_earlier_failure_is_not_told_of_a_later_attempt(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.transform = "not even SQL"
    assert orders.run() == 1

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(transformation, "transform", end)
    orders.transform = TRANSFORM
    with pytest.raises(KeyboardInterrupt):
        orders.run()
    assert not orders.manifest.with_name("spark-error.json").exists()


def test_a_failed_run_can_be_run_again(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("sum(i.weight)", "sum(i.weight) * 1000000000")
    assert orders.run() == 1
    assert orders.failure["error"]
    orders.transform = TRANSFORM
    assert orders.run() == 0
    assert orders.rows("items_sold") == SOLD
    left = sorted(path.name for path in orders.manifest.parent.iterdir())
    assert left == ["python.json", "spark", "spark.json"]


def overtake(orders: Orders, monkeypatch: pytest.MonkeyPatch, manifest: str) -> None:
    """Have no manifest now, and this one when the next run has written its tables."""
    orders.manifest.unlink()
    one_run = job._run

    def overtaken(*arguments: Any) -> None:
        one_run(*arguments)
        orders.manifest.write_text(manifest)

    monkeypatch.setattr(job, "_run", overtaken)


def test_of_two_runs_at_once_the_one_that_is_complete_first_stands(
    orders: Orders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert orders.run() == 0
    first, manifest = orders.stage_run, orders.manifest.read_text()
    before = orders.rows("priced", "id, price")
    overtake(orders, monkeypatch, manifest)
    orders.transform = TRANSFORM.replace("* (SELECT discount FROM parameters)", "* 0")
    assert orders.run() == 0
    assert orders.manifest.read_text() == manifest
    assert [path.name for path in orders.curated("priced").iterdir()] == [first]
    assert orders.rows("priced", "id, price") == before
    assert "another run of this stage was complete first" in capsys.readouterr().out


def test_a_run_that_was_complete_first_over_other_rows_fails_this_one(
    orders: Orders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert orders.run() == 0
    other = orders.manifest.read_text().replace(STAGED_BY, "3fa9c1-0-ffffffff")
    overtake(orders, monkeypatch, other)
    assert orders.run() == 1
    assert "is of another run, under another contract or over other rows" in last_error(capsys)
    assert orders.manifest.read_text() == other


def test_what_a_run_that_was_complete_at_the_same_moment_wrote_stays(
    orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orders.run() == 0
    first, manifest = orders.stage_run, orders.manifest.read_text()
    orders.manifest.unlink()
    publish = job._publish

    def overwritten(*arguments: Any) -> bool:
        done = publish(*arguments)
        orders.manifest.write_text(manifest)
        return done

    monkeypatch.setattr(job, "_publish", overwritten)
    assert orders.run() == 0
    names = [path.name for path in orders.curated("priced").iterdir()]
    assert first in names
    assert len(names) == 2


def test_what_other_runs_left_may_stay(
    orders: Orders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(*_: object) -> None:
        raise JobError("cannot delete it")

    monkeypatch.setattr(output, "tidy", denied)
    assert orders.run() == 0
    assert "files of other runs are left" in capsys.readouterr().out


def test_a_complete_run_whose_files_are_gone_is_done_again(orders: Orders) -> None:
    assert orders.run() == 0
    before = orders.stage_run
    next(orders.output("priced").glob("*.parquet")).unlink()
    assert main(orders.argv()) == 0
    assert orders.stage_run != before
    assert orders.rows("priced", "count(*)") == [(4,)]


def test_what_a_loaded_job_was_made_of_is_kept(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    assert orders.run() == 0
    loaded = orders.manifest.with_name("load.json")
    loaded.write_text("{}")
    manifest = orders.manifest.read_text()
    files = sorted(path for path in (orders.root / "curated").rglob("*"))
    # Nothing is to do under its own contract, and another one would replace what was loaded.
    assert main(orders.argv()) == 0
    orders.contract["description"] = {"purpose": "another text"}
    assert orders.run() == 1
    assert f"the job is loaded, as {loaded} says" in last_error(capsys)
    assert orders.manifest.read_text() == manifest
    assert sorted(path for path in (orders.root / "curated").rglob("*")) == files


def test_a_complete_run_is_done_again_over_other_staged_rows(orders: Orders) -> None:
    assert orders.run() == 0
    before = orders.stage_run
    other = "3fa9c1-0-ffffffff"
    for directory in (orders.staged, orders.items.parents[1]):
        directory.rename(directory.with_name(other))
    python = orders.manifest.with_name("python.json")
    python.write_text(python.read_text().replace(STAGED_BY, other))
    assert main(orders.argv()) == 0
    assert orders.stage_run != before
    assert json.loads(orders.manifest.read_text())["python_stage_run"] == other


@pytest.mark.parametrize("name", ["--python_manifest_uri", "--contract_uri", "--transform_uri"])
def test_a_missing_file_is_named(orders: Orders, capsys: pytest.CaptureFixture[str], name: str) -> None:
    orders.write()
    missing = Path(orders.arguments()[name])
    missing.unlink()
    assert main(orders.argv()) == 1
    assert last_error(capsys).startswith(f"error: cannot read {missing} (")


def test_directories_and_outputs_must_be_the_same(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    orders.write()
    argv = orders.argv()
    orders.contract["schema"].pop()
    orders.write()
    assert main(argv) == 2
    assert last_error(capsys).startswith(
        "error: --curated_uris has items_sold, priced, the contract's outputs are priced;"
    )


def test_an_unknown_parameter_is_a_wrong_argument(orders: Orders, capsys: pytest.CaptureFixture[str]) -> None:
    orders.parameters = {"discont": 0.1}
    assert orders.run() == 2
    assert last_error(capsys) == (
        'error: parameters.discont is unknown for dataset "orders"; did you mean "discount"?; known: discount'
    )
    assert orders.failure["error"].startswith("parameters.discont is unknown")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manifest_version": 1}, "has manifest_version 1, expected 5; run the Python stage of this job again"),
        ({"job_id": "another"}, 'has job_id "another", expected'),
        ({"references": {}}, "says null; run the Python stage of this job again"),
    ],
)
def test_a_python_manifest_that_does_not_fit_is_refused(
    orders: Orders, capsys: pytest.CaptureFixture[str], changes: dict[str, object], message: str
) -> None:
    orders.write()
    path = orders.manifest.with_name("python.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert main(orders.argv()) == 1
    assert message in last_error(capsys)


def test_the_session_of_the_caller_goes_on(orders: Orders, spark: SparkSession) -> None:
    assert orders.run() == 0
    assert spark.range(3).count() == 3
