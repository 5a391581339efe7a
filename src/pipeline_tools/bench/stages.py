"""The two jobs by themselves, each beside the least that does the same work."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dataset_contract.places import of_run
from pipeline_tools.bench.measuring import Command
from pipeline_tools.demo.bare import spark_environment, spark_submit
from pipeline_tools.environments import BENCH
from pipeline_tools.job_arguments import BareJob
from pipeline_tools.packaging.package import PYTHON_JOB

DATASET = "lineitem"
_RIVALS = Path(__file__).parent / "rivals"


def python_stage(package: Path, sources: Path, directory: Path, memory: str = "512MB") -> Command:
    """Our Python stage over local files, with the whole contract of lineitem."""
    line = [
        *(sys.executable, str(package / "glue_python_job" / "main.py"), "--memory_limit", memory),
        *_job(package).python(sources, directory / "none", directory),
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
    transform = package / "sql" / "datasets" / DATASET / "transform.sql"
    line = [
        *spark_submit("--py-files", str(package / "glue_spark_job.zip"), str(package / "glue_spark_job" / "main.py")),
        *_job(package).spark(staged, directory, transform, ("lines", "ship_modes"), {}),
    ]
    return Command("pipeline", line, spark_environment(), _emptied(directory))


def spark_least(package: Path, staged: Path, directory: Path) -> Command:
    """The smallest script that gives the same tables."""
    transform = package / "sql" / "datasets" / DATASET / "transform.sql"
    run = json.loads((staged / "python.json").read_text(encoding="utf-8"))["stage_run"]
    rows = of_run(f"{staged}/staged/", run)
    line = [*spark_submit(str(_RIVALS / "spark_least.py")), rows, str(transform), f"{directory}/curated"]
    return Command("spark alone", line, spark_environment(), _emptied(directory))


def _job(package: Path) -> BareJob:
    contract = package / "sql" / "datasets" / DATASET / "contract.json"
    return BareJob("bench", DATASET, contract, "2026-01-01T00:00:00.000Z")


def _files(sources: Path) -> Sequence[str]:
    return [str(file) for file in sorted(sources.iterdir()) if not file.name.startswith(".")]


def _emptied(directory: Path) -> Callable[[], None]:
    def empty() -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    return empty
