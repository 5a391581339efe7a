"""The two job scripts by themselves, on local files: what a run costs without any service around it."""

from __future__ import annotations

import json
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
    common = [
        *("--job_id", "bare", "--dataset", dataset, "--contract_uri", str(artifacts / "contract.json")),
        *("--staged_uri", f"{directory}/staged/", "--staged_references_uri", f"{directory}/references/"),
        *("--started_at", utc_text(datetime.now(UTC))),
    ]
    python = [
        *(sys.executable, str(package / "glue_python_job" / "main.py"), *common),
        *("--source_uri", f"{raw / dataset}/", "--reference_uri", f"{raw / 'reference' / dataset}/"),
        *("--rejected_uri", f"{directory}/rejected/", "--manifest_uri", f"{directory}/python.json"),
    ]
    spark = [
        *(str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[*]"),
        *("--conf", "spark.driver.memory=2g", "--conf", "spark.ui.enabled=false"),
        *("--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.driver.bindAddress=127.0.0.1"),
        *("--py-files", str(package / "glue_spark_job.zip"), str(package / "glue_spark_job" / "main.py"), *common),
        *("--python_manifest_uri", f"{directory}/python.json", "--transform_uri", str(artifacts / "transform.sql")),
        *("--curated_uris", json.dumps({table: f"{directory}/curated/{table}/job_id=bare/" for table in tables})),
        *("--parameters", json.dumps(dict(parameters)), "--manifest_uri", f"{directory}/spark.json"),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(next(package.glob(f"{PYTHON_JOB}-*.whl"))),
        "JAVA_HOME": str(java_home()),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    return {
        "python": _seconds(python, environment, directory / "python"),
        "spark": _seconds(spark, environment, directory / "spark"),
    }


def _seconds(line: list[str], environment: dict[str, str], log: Path) -> float:
    began = time.monotonic()
    with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
        code = subprocess.run(line, stdout=out, stderr=err, env=environment, cwd=log.parent, check=False).returncode
    if code != 0:
        said = log.with_suffix(".err").read_text(encoding="utf-8", errors="replace").strip()
        raise BareRunError(f"{Path(line[0]).name} ended with exit code {code} ({log}.err): {said[-1000:]}")
    return time.monotonic() - began
