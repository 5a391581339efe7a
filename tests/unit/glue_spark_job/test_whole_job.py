"""The job as Glue starts it: spark-submit, real Spark, local files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pyspark
import pytest

from local_aws.engines.java import java_home
from pipeline_tools import contracts

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[3]
FLIGHTS = ROOT / "sql" / "datasets" / "flights"
REFERENCES = {
    "airlines": "carrier,name\nUA,United\nAA,American\n",
    "airports": "faa,name,lat,lon,alt,tz,dst,tzone\nEWR,Newark,40.7,-74.2,18,-5,A,America/New_York\n"
    "IAH,Houston,29.9,-95.3,97,-6,A,America/Chicago\n",
    "planes": "tailnum,year,type,manufacturer,model,engines,seats,speed,engine\n"
    "N1,1999,Fixed wing,BOEING,737-824,2,149,NA,Turbo-fan\n",
    "weather": "origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,"
    "time_hour\n"
    "EWR,2013,1,1,5,39.5,28,64,260,12.5,NA,0,1011,10,2013-01-01T10:00:00Z\n",
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


class Job:
    """The flights dataset on disk, with three staged rows, and the job on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "staged").mkdir()
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE staged ({COLUMNS})")
            for row in STAGED:
                connection.execute(f"INSERT INTO staged VALUES ({row})")
            connection.execute(f"COPY staged TO '{directory / 'staged' / 'part-00000.parquet'}' (FORMAT PARQUET)")
        for name, text in REFERENCES.items():
            (directory / "reference" / name).mkdir(parents=True)
            (directory / "reference" / name / f"{name}.csv").write_text(text)
        contract = json.dumps(contracts.compile_dataset(FLIGHTS))
        (directory / "contract.json").write_text(contract)
        (directory / "transform.sql").write_text((FLIGHTS / "transform.sql").read_text(encoding="utf-8"))
        self.staged_rows(len(STAGED))
        with zipfile.ZipFile(directory / "job.zip", "w") as archive:
            for path in (ROOT / "src" / "glue_spark_job").glob("*.py"):
                archive.write(path, f"glue_spark_job/{path.name}")

    def staged_rows(self, count: int) -> None:
        """What the Python stage's manifest says."""
        manifest = {"manifest_version": 1, "stage": "python", "job_id": "the-job", "dataset": "flights"}
        manifest |= {"rows_in": count, "rows_out": count, "rows_rejected": 0}
        (self.directory / "python.json").write_text(json.dumps(manifest))

    def run(self) -> subprocess.CompletedProcess[str]:
        home, here = Path(pyspark.__file__).parent, self.directory
        tables = {table: f"{here}/curated/{table}/job_id=the-job/" for table in ("enriched_flights", "route_delays")}
        arguments = {
            "job_id": "the-job",
            "dataset": "flights",
            "staged_uri": f"{here}/staged/",
            "python_manifest_uri": f"{here}/python.json",
            "contract_uri": f"{here}/contract.json",
            "transform_uri": f"{here}/transform.sql",
            "reference_uri": f"{here}/reference/",
            "curated_uris": json.dumps(tables),
            "parameters": json.dumps({"late_minutes": 15}),
            "manifest_uri": f"{here}/spark.json",
            "JOB_NAME": "the-glue-job",
        }
        line = [str(home / "bin" / "spark-submit"), "--master", "local[1]", "--py-files", str(here / "job.zip")]
        for setting in ("ui.enabled=false", "driver.host=127.0.0.1", "driver.bindAddress=127.0.0.1"):
            line += ["--conf", f"spark.{setting}"]
        line.append(str(ROOT / "src" / "glue_spark_job" / "main.py"))
        line += [part for name, value in arguments.items() for part in (f"--{name}", value)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        return subprocess.run(line, env=environment, cwd=here, capture_output=True, text=True, check=False)

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            files = str(self.directory / "curated" / table / "job_id=the-job" / "*.parquet")
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
    # Redshift's COPY takes every file below the prefix.
    files = [path.name for path in (job.directory / "curated").rglob("*") if path.is_file()]
    assert all(name.endswith(".parquet") for name in files if not name.endswith(".crc"))


def test_a_complete_manifest_means_that_there_is_nothing_to_do(job: Job) -> None:
    assert job.run().returncode == 0
    before = (job.directory / "spark.json").read_text()
    (job.directory / "transform.sql").write_text("this is no SQL")
    assert job.run().returncode == 0
    assert (job.directory / "spark.json").read_text() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("transform.sql", "dep_delay", "dep_dleay"), "dep_dleay"),
        (("transform.sql", "VIEW route_delays", "VIEW route_delay"), "route_delays"),
        (("reference/planes/planes.csv", "N1,1999", "N1,last year"), "planes"),
        (("reference/airlines/airlines.csv", "carrier,name", "carrier,title"), "name"),
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


def test_staged_rows_that_are_not_the_manifests_are_refused(job: Job) -> None:
    job.staged_rows(4)
    done = job.run()
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert not (job.directory / "spark.json").exists()
