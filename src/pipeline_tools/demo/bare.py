"""The two job scripts by themselves, on local files: what a run costs without any service around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyspark

from dataset_contract.manifests import utc_text
from lambda_generate_param import datasets
from local_aws.java import java_home
from local_aws.plain_path import plain
from pipeline_tools.job_arguments import BareJob
from pipeline_tools.packaging.package import OUTPUT, PYTHON_JOB


class BareRunError(RuntimeError):
    """A script failed; the message is what it said last."""


def measure(raw: Path, directory: Path, *, dataset: str, parameters: Mapping[str, object]) -> dict[str, float]:
    """Run both scripts on the files below `raw`, as the job runs do, and return the seconds of each.

    Raises:
        BareRunError: a script failed.
    """
    with plain(directory) as files:
        package = files / "package"
        shutil.copytree(OUTPUT, package)
        (files / "raw").symlink_to(raw.absolute(), target_is_directory=True)
        return _measure(files / "raw", files, package, dataset, parameters)


def _measure(
    raw: Path, directory: Path, package: Path, dataset: str, parameters: Mapping[str, object]
) -> dict[str, float]:
    artifacts = package / "sql" / "datasets" / dataset
    tables = datasets.load(package / "sql", dataset).outputs
    job = BareJob("bare", dataset, artifacts / "contract.json", utc_text(datetime.now(UTC)))
    python = [
        *(sys.executable, str(package / "glue_python_job" / "main.py")),
        *job.python(raw / dataset, raw / "reference" / dataset, directory),
    ]
    spark = [
        *spark_submit("--py-files", str(package / "glue_spark_job.zip"), str(package / "glue_spark_job" / "main.py")),
        *job.spark(directory, directory, artifacts / "transform.sql", tables, parameters),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(next(package.glob(f"{PYTHON_JOB}-*.whl"))),
        **spark_environment(),
    }
    return {
        "python": _seconds(python, environment, directory / "python"),
        "spark": _seconds(spark, environment, directory / "spark"),
    }


def spark_submit(*arguments: str) -> list[str]:
    """The command line of a Spark program on this machine."""
    settings = {
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    line = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[*]"]
    for name, value in settings.items():
        line += ["--conf", f"{name}={value}"]
    return [*line, *arguments]


def spark_environment() -> dict[str, str]:
    """The variables that such a program needs."""
    return {"JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}


def _seconds(line: list[str], environment: dict[str, str], log: Path) -> float:
    began = time.monotonic()
    with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
        code = subprocess.run(line, stdout=out, stderr=err, env=environment, cwd=log.parent, check=False).returncode
    if code != 0:
        said = log.with_suffix(".err").read_text(encoding="utf-8", errors="replace").strip()
        raise BareRunError(f"{Path(line[0]).name} ended with exit code {code} ({log}.err): {said[-1000:]}")
    return time.monotonic() - began
