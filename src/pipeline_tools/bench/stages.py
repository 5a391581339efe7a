"""The two jobs by themselves, each beside the least that does the same work."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pyspark

from local_aws.java import java_home
from pipeline_tools.bench.measuring import Command
from pipeline_tools.environments import BENCH
from pipeline_tools.packaging.package import PYTHON_JOB

DATASET = "lineitem"
_RIVALS = Path(__file__).parent / "rivals"
_COMMON = ("--job_id", "bench", "--dataset", DATASET, "--started_at", "2026-01-01T00:00:00.000Z")


def python_stage(package: Path, sources: Path, directory: Path, memory: str = "512MB") -> Command:
    """Our Python stage over local files, with the whole contract of lineitem."""
    contract = package / "sql" / "datasets" / DATASET / "contract.json"
    line = [
        *(sys.executable, str(package / "glue_python_job" / "main.py"), *_COMMON, "--contract_uri", str(contract)),
        *("--source_uri", f"{sources}/", "--reference_uri", f"{directory}/none/", "--memory_limit", memory),
        *("--staged_uri", f"{directory}/staged/", "--staged_references_uri", f"{directory}/references/"),
        *("--rejected_uri", f"{directory}/rejected/", "--manifest_uri", f"{directory}/python.json"),
    ]
    path = str(next(package.glob(f"{PYTHON_JOB}-*.whl")))
    return Command("pipeline", line, {"PYTHONPATH": path}, _emptied(directory))


def duckdb_copy(sources: Path, directory: Path, threads: int = 2) -> Command:
    """DuckDB alone, with types that it finds by itself and no check."""
    files = _files(sources)
    script = "duckdb_parquet.py" if files[0].endswith(".parquet") else "duckdb_copy.py"
    line = [sys.executable, str(_RIVALS / script), *files, str(directory / "out.parquet"), str(threads)]
    return Command("duckdb", line, {}, _emptied(directory))


def polars_sink(sources: Path, directory: Path) -> Command:
    """Only polars, without a check."""
    return _rival("polars", "polars_sink.py", sources, directory)


def pandas_chunks(sources: Path, directory: Path) -> Command:
    """Only pandas, in chunks and without a check."""
    return _rival("pandas", "pandas_chunks.py", sources, directory)


def _rival(name: str, script: str, sources: Path, directory: Path) -> Command:
    line = [str(BENCH.ensure()), str(_RIVALS / script), *_files(sources), str(directory / "out.parquet")]
    return Command(name, line, {}, _emptied(directory))


def spark_stage(package: Path, staged: Path, directory: Path) -> Command:
    """Our Spark stage over what the Python stage left in `staged`."""
    artifacts = package / "sql" / "datasets" / DATASET
    curated = {table: f"{directory}/curated/{table}/job_id=bench/" for table in ("lines", "ship_modes")}
    line = [
        *_submit("--py-files", str(package / "glue_spark_job.zip"), str(package / "glue_spark_job" / "main.py")),
        *(*_COMMON, "--contract_uri", str(artifacts / "contract.json")),
        *("--staged_uri", f"{staged}/staged/", "--staged_references_uri", f"{staged}/references/"),
        *("--python_manifest_uri", f"{staged}/python.json", "--transform_uri", str(artifacts / "transform.sql")),
        *("--curated_uris", json.dumps(curated), "--parameters", "{}"),
        *("--manifest_uri", f"{directory}/spark.json"),
    ]
    return Command("pipeline", line, _java(), _emptied(directory))


def spark_least(package: Path, staged: Path, directory: Path) -> Command:
    """The smallest script that gives the same tables."""
    transform = package / "sql" / "datasets" / DATASET / "transform.sql"
    line = [*_submit(str(_RIVALS / "spark_least.py")), f"{staged}/staged/", str(transform), f"{directory}/curated"]
    return Command("spark alone", line, _java(), _emptied(directory))


def _submit(*arguments: str) -> list[str]:
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


def _java() -> dict[str, str]:
    return {"JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}


def _files(sources: Path) -> Sequence[str]:
    return [str(file) for file in sorted(sources.iterdir()) if not file.name.startswith(".")]


def _emptied(directory: Path) -> Callable[[], None]:
    def empty() -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    return empty
