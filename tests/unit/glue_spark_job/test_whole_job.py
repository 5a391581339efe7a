"""The job as Glue starts it: spark-submit, real Spark, local files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyspark
import pytest
import yaml

from dataset_contract import manifests, reading
from dataset_contract.manifests import FileEntry, StageResult, StageRun
from dataset_contract.model import DataObject
from local_aws.java import java_home
from tests.unit.glue_spark_job.orders import QUICK_JVM

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[3]
FLIGHTS = ROOT / "sql" / "datasets" / "flights"
# Of each reference the columns that it has rows of, and the rows; its other columns are null.
REFERENCES = {
    "airlines": ("carrier, name", "('UA', 'United'), ('AA', 'American')"),
    "airports": ("faa, name", "('EWR', 'Newark'), ('IAH', 'Houston')"),
    "planes": ("tailnum, year, model, seats", "('N1', 1999, '737-824', 149)"),
    "weather": ("origin, temp, time_hour", "('EWR', 39.5, '2013-01-01T10:00:00')"),
}
COLUMNS = (
    "year SMALLINT, month SMALLINT, day SMALLINT, dep_time SMALLINT, sched_dep_time SMALLINT, dep_delay INTEGER, "
    "arr_time SMALLINT, sched_arr_time SMALLINT, arr_delay INTEGER, carrier VARCHAR, flight INTEGER, tailnum VARCHAR, "
    "origin VARCHAR, dest VARCHAR, air_time INTEGER, distance INTEGER, hour SMALLINT, minute SMALLINT, "
    "time_hour TIMESTAMP"
)
STAGED = [
    # Late by one minute more than the parameter; everything about it is known.
    "2013,1,1,517,515,2,836,819,16,'UA',1545,'N1','EWR','IAH',227,1400,5,15,'2013-01-01 10:00:00'",
    # At the boundary, so not late; plane, airline's weather hour and airport are unknown.
    "2013,1,1,615,600,15,900,845,15,'XX',7,'N9','EWR','ZZZ',100,500,6,0,'2013-01-01 11:00:00'",
    # Cancelled.
    "2013,1,1,NULL,500,NULL,NULL,800,NULL,'UA',9,NULL,'EWR','IAH',NULL,1400,5,0,'2013-01-01 10:00:00'",
]


STAGED_BY = "3fa9c1-0-0a1b2c3d"


class Job:
    """The flights dataset on disk, with three staged rows, and the job on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        staged = directory / "staged" / STAGED_BY / "part-00000.parquet"
        staged.parent.mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE staged ({COLUMNS})")
            for row in STAGED:
                connection.execute(f"INSERT INTO staged VALUES ({row})")
            connection.execute(f"COPY staged TO '{staged}' (FORMAT PARQUET)")
        document = yaml.safe_load((FLIGHTS / "contract.yaml").read_text(encoding="utf-8"))
        (directory / "contract.json").write_text(json.dumps(document, default=str))
        for table in reading.parse(document).references:
            self.reference(table, *REFERENCES[table.name])
        (directory / "transform.sql").write_text((FLIGHTS / "transform.sql").read_text(encoding="utf-8"))
        self.staged_rows(len(STAGED))
        with zipfile.ZipFile(directory / "job.zip", "w") as archive:
            for package in ("glue_spark_job", "dataset_contract"):
                for path in (ROOT / "src" / package).glob("*.py"):
                    archive.write(path, f"{package}/{path.name}")

    def reference(self, table: DataObject, names: str, rows: str) -> None:
        """What the Python stage writes of a reference."""
        path = self.directory / "references" / STAGED_BY / table.name / "part-00000.parquet"
        path.parent.mkdir(parents=True)
        given = names.split(", ")
        casts = [
            f"CAST({item.name if item.name in given else 'NULL'} AS {item.type.duckdb}) AS {item.name}"
            for item in table.columns
        ]
        with duckdb.connect() as connection:
            select = f"SELECT {', '.join(casts)} FROM (VALUES {rows}) AS t({names})"
            connection.execute(f"COPY ({select}) TO '{path}' (FORMAT PARQUET)")

    def staged_rows(self, count: int) -> None:
        """What the Python stage's manifest says."""
        moment = datetime(2013, 1, 1, 10, tzinfo=UTC)
        contract_hash = manifests.contract_hash((self.directory / "contract.json").read_text())
        run = StageRun(
            "python",
            STAGED_BY,
            "the-job",
            "flights",
            "s3://raw/",
            moment,
            moment,
            "1",
            "1.0.0",
            "duckdb",
            contract_hash,
        )
        below = self.directory / "references" / STAGED_BY
        references = {
            name: {"rows": rows.count("("), "bytes": (below / name / "part-00000.parquet").stat().st_size}
            for name, (_, rows) in REFERENCES.items()
        }
        staged = self.directory / "staged" / STAGED_BY / "part-00000.parquet"
        files = [FileEntry(str(staged), staged.stat().st_size, count)]
        result = StageResult(count, count, 0, (), files, more={"references": references})
        (self.directory / "python.json").write_text(manifests.render(run, result))

    def run(self) -> subprocess.CompletedProcess[str]:
        home, here = Path(pyspark.__file__).parent, self.directory
        tables = {table: f"{here}/curated/{table}/job_id=the-job/" for table in ("enriched_flights", "route_delays")}
        arguments = {
            "job_id": "the-job",
            "attempt": "3fa9c1-0",
            "dataset": "flights",
            "staged_uri": f"{here}/staged/",
            "python_manifest_uri": f"{here}/python.json",
            "contract_uri": f"{here}/contract.json",
            "transform_uri": f"{here}/transform.sql",
            "staged_references_uri": f"{here}/references/",
            "curated_uris": json.dumps(tables),
            "parameters": json.dumps({"late_minutes": 15}),
            "manifest_uri": f"{here}/spark.json",
            "load_manifest_uri": f"{here}/load.json",
            "started_at": "2013-01-01T10:00:00.000Z",
            "JOB_NAME": "the-glue-job",
        }
        line = [str(home / "bin" / "spark-submit"), "--master", "local[1]", "--py-files", str(here / "job.zip")]
        line += ["--driver-java-options", QUICK_JVM]
        for setting in ("ui.enabled=false", "driver.host=127.0.0.1", "driver.bindAddress=127.0.0.1"):
            line += ["--conf", f"spark.{setting}"]
        line.append(str(ROOT / "src" / "glue_spark_job" / "main.py"))
        line += [part for name, value in arguments.items() for part in (f"--{name}", value)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        return subprocess.run(line, env=environment, cwd=here, capture_output=True, text=True, check=False)

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            files = str(self.directory / "curated" / table / "job_id=the-job" / "*" / "*.parquet")
            return connection.execute(f"SELECT {columns} FROM read_parquet('{files}') ORDER BY 1").fetchall()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_the_flights_are_enriched_and_their_delays_summed(job: Job) -> None:
    # An attempt that failed left a file behind.
    stale = job.directory / "curated" / "route_delays" / "job_id=the-job" / "part-left-behind.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"left behind")
    done = job.run()
    assert done.returncode == 0, done.stderr
    assert not stale.exists()
    columns = "flight, carrier_name, dest_name, plane_model, temperature, cancelled, late, job_id"
    assert job.rows("enriched_flights", columns) == [
        (7, None, None, None, None, False, False, "the-job"),
        (9, "United", "Houston", None, 39.5, True, None, "the-job"),
        (1545, "United", "Houston", "737-824", 39.5, False, True, "the-job"),
    ]
    assert job.rows(
        "route_delays", "carrier, origin, dest, flights, cancelled, late, mean_arr_delay, worst_arr_delay"
    ) == [
        ("UA", "EWR", "IAH", 2, 1, 1, 16.0, 16),
        ("XX", "EWR", "ZZZ", 1, 0, 0, 15.0, 15),
    ]
    manifest = json.loads((job.directory / "spark.json").read_text())
    assert (manifest["stage"], manifest["rows_in"], manifest["rows_out"]) == ("spark", 3, 5)
    assert {name: table["rows"] for name, table in manifest["tables"].items()} == {
        "enriched_flights": 3,
        "route_delays": 2,
    }
    assert "the-glue-job flights the-job" in done.stdout
    # Redshift's COPY takes the files of its manifest, by their size.
    for table in manifest["tables"]:
        listed = job.directory / "spark" / manifest["stage_run"] / "copy" / f"{table}.manifest"
        entries = json.loads(listed.read_text())["entries"]
        written = sorted((job.directory / "curated" / table / "job_id=the-job").glob("*/*.parquet"))
        assert entries == [
            {"url": str(path), "mandatory": True, "meta": {"content_length": path.stat().st_size}} for path in written
        ]


def test_a_complete_manifest_means_that_there_is_nothing_to_do(job: Job) -> None:
    assert job.run().returncode == 0
    before = (job.directory / "spark.json").read_text()
    (job.directory / "transform.sql").write_text("this is not SQL")
    assert job.run().returncode == 0
    assert (job.directory / "spark.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("transform.sql", "dep_delay", "dep_dleay"), "dep_dleay"),
        (("transform.sql", "VIEW route_delays", "VIEW route_delay"), "route_delays"),
    ],
)
def test_what_is_wrong_is_said_in_the_last_line(job: Job, change: tuple[str, str, str], said: str) -> None:
    file, old, new = change
    text = (job.directory / file).read_text()
    assert old in text
    (job.directory / file).write_text(text.replace(old, new))
    done = job.run()
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (job.directory / "spark.json").exists()
    assert said in json.loads((job.directory / "spark-error.json").read_text())["error"]


def test_staged_rows_that_are_not_the_manifests_are_refused(job: Job) -> None:
    job.staged_rows(4)
    done = job.run()
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert not (job.directory / "spark.json").exists()
