"""The script in a process of its own, as spark-submit and plain python start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from glue_spark_job.main import main
from tests.unit.glue_spark_job.orders import JOB_ID, QUICK_JVM, TRANSFORM, Orders
from tests.waiting import SECONDS

SOURCES = Path(__file__).parents[3] / "src"
SCRIPT = str(SOURCES / "glue_spark_job" / "main.py")
SPARK_SUBMIT = str(Path(pyspark.__file__).parent / "bin" / "spark-submit")


def submit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(SPARK_SUBMIT, "--driver-java-options", QUICK_JVM, *arguments)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK")}
    environment |= {
        "PYTHONPATH": str(SOURCES),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.mark.spark
def test_under_spark_submit_s3_uris_work_through_hadoop(tmp_path: Path) -> None:
    # Hadoop's overlay scheme makes s3:// a view of a local directory: here, and where the job runs without S3.
    bucket = tmp_path / "bucket"
    orders = Orders(bucket, base="s3://lake")
    orders.write()
    settings = {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
        "spark.hadoop.fs.viewfs.mounttable.lake.linkFallback": bucket.as_uri(),
        "spark.sql.shuffle.partitions": "3",
    }
    conf = [text for name, value in settings.items() for text in ("--conf", f"{name}={value}")]
    stale = orders.curated("priced") / "part-00000-old.snappy.parquet"
    stale.parent.mkdir(parents=True)
    stale.touch()

    done = submit(*conf, SCRIPT, *orders.argv(), "--JOB_NAME", "job-spark-param")

    assert done.returncode == 0, done.stderr
    started = next(json.loads(line) for line in done.stdout.splitlines() if "Spark started" in line)
    assert started["application"] == f"job-spark-param orders {JOB_ID}"
    manifest = json.loads(orders.manifest.read_text())
    assert manifest["tables"]["priced"]["uri"] == f"s3://lake/curated/priced/job_id={JOB_ID}/{orders.stage_run}/"
    on_disk = {
        f"s3://lake/{path.relative_to(bucket)}": path.stat().st_size
        for path in (bucket / "curated").rglob("*")
        if path.is_file() and not path.name.endswith(".crc")
    }
    assert {file["uri"]: file["bytes"] for file in orders.details["files_out"]} == on_disk
    assert len(orders.rows("items_sold")) == 3


@pytest.mark.spark
def test_under_spark_submit_a_wrong_statement_is_the_last_line_on_stderr(orders: Orders) -> None:
    orders.transform = TRANSFORM.replace("o.item, count", "o.itm, count")
    orders.write()
    done = submit(SCRIPT, *orders.argv())
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "error: transform.sql statement 2 (view items_sold, line 7): [UNRESOLVED_COLUMN.WITH_SUGGESTION] "
    )
    assert "`o`.`itm`" in last
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.spark
def test_under_spark_submit_a_wrong_argument_is_the_last_line_on_stderr() -> None:
    done = submit(SCRIPT, "--job_id", "j1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: the following arguments are required: --attempt, --dataset")


def test_under_plain_python_a_wrong_argument_is_all_there_is_on_stderr() -> None:
    done = run(sys.executable, SCRIPT, "--job_id", "j1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the following arguments are required: --attempt, --dataset")
    assert done.stderr.count("\n") == 1


def test_main_returns_the_code_for_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("error: ")
