"""`nox -s bench`: measure each part beside the least that does the same work, in turn, and how its cost grows.

`-- PART…` measures some: python, spark, execution (with the load), growth, memory, command. Writes
build/bench/bench.json and bench.html. `-- --against FILE --ratio 1.2` compares with an earlier bench.json and exits 1
beyond that ratio.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset_contract.json_types import JsonObject
from pipeline_tools.bench import data, results, stages, warehouse_loads, whole_pipeline
from pipeline_tools.bench.growing import Growth
from pipeline_tools.bench.measuring import BenchError, Command, Comparison, Sample, Subject, compare, run
from pipeline_tools.claims import ClaimedError, claimed
from pipeline_tools.console import say, say_stage
from pipeline_tools.demo import bare, flights
from pipeline_tools.deployment import schema
from pipeline_tools.endpoint import EndpointError, add_engine_option
from pipeline_tools.environments import ROOT
from pipeline_tools.packaging import package
from pipeline_tools.terraform import TerraformError

DIRECTORY = ROOT / "build" / "bench"
DATASETS = Path(__file__).parent / "datasets"
_FLIGHTS = {"late_minutes": 15}
_FILES = 6
_MANY_FILES = 3000


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 measured, 1 a subject failed or something got slower than allowed, 2 usage."""
    options = _parser().parse_args(arguments)
    try:
        with claimed(DIRECTORY / "work", "nox -s bench") as directory:
            found = _Bench(directory, options).run(options.part or list(PARTS))
    except (BenchError, ClaimedError, EndpointError, TerraformError, schema.SchemaError, bare.BareRunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    files = results.write(DIRECTORY, found)
    print(results.table(found))
    say(f"written: {' and '.join(str(file.relative_to(ROOT)) for file in files)}")
    for line in results.over_limit(found):
        say(f"beyond its aim: {line}")
    if options.against is None:
        return 0
    lines = results.slower(found, json.loads(options.against.read_text(encoding="utf-8")), options.ratio)
    for line in lines:
        print(f"error: slower than in {options.against}: {line}", file=sys.stderr)
    return 1 if lines else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"what to measure: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="of TPC-H; 1 is 766 MB of CSV (default 1)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each subject runs, in turn (default 3)")
    parser.add_argument("--at-once", type=int, default=100, metavar="N", help="most executions at once (default 100)")
    parser.add_argument("--against", type=Path, metavar="FILE", help="an earlier bench.json to compare with")
    parser.add_argument("--ratio", type=float, default=1.2, help="how much slower is still fine (default 1.2)")
    add_engine_option(parser)
    return parser


class _Bench:
    """What was measured so far."""

    def __init__(self, directory: Path, options: argparse.Namespace) -> None:
        self._directory, self._options = directory, options
        self._rounds: int = options.rounds
        self._data = DIRECTORY / "data"
        self._data.mkdir(parents=True, exist_ok=True)
        self._package = package.build_with([ROOT / "sql" / "datasets", DATASETS], directory / "checkout")
        self._comparisons: list[Comparison] = []
        self._growths: list[Growth] = []
        self._figures: dict[str, float] = {}

    def run(self, parts: Sequence[str]) -> JsonObject:
        """Measure parts, and return the document."""
        for part in parts:
            if part not in PARTS:
                raise BenchError(f"part {part!r} is unknown; known: {', '.join(PARTS)}")
        for number, part in enumerate(parts, 1):
            say_stage(number, len(parts), part)
            PARTS[part](self)
        about = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "scale": self._options.scale,
            "rounds": self._rounds,
        }
        return results.document(self._comparisons, self._growths, self._figures, about)

    def python(self) -> None:
        """The Python stage beside DuckDB, polars and pandas; from CSV, Parquet, and .csv.gz."""
        scale, place = self._options.scale, self._directory
        sources = data.lineitem(self._data, scale)
        rows = f"{scale * data.ROWS_AT_SCALE_1 / 1e6:.1f} M rows"
        ours = stages.python_stage(self._package, sources, place / "ours")
        rivals = [
            stages.duckdb_copy(sources, place / "duckdb"),
            stages.polars_sink(sources, place / "polars"),
            stages.pandas_chunks(sources, place / "pandas"),
        ]
        self._compare("Python stage, CSV", rows, [*rivals, ours], 1.25)
        columns = data.lineitem(self._data, scale, "parquet")
        ours = stages.python_stage(self._package, columns, place / "ours")
        self._compare("Python stage, Parquet", rows, [stages.duckdb_copy(columns, place / "duckdb"), ours], 1.25)
        packed = data.compressed(data.lineitem(self._data, scale, "csv", _FILES))
        ours = stages.python_stage(self._package, packed, place / "ours")
        bound = Command("one thread", ["taskset", "-c", "0", *ours.line], ours.environment, ours.before)
        self._compare(f"Python stage, {_FILES} .csv.gz", rows, [bound, ours], 1 / 1.6)

    def spark(self) -> None:
        """The Spark stage beside the smallest script that gives the same tables."""
        staged = self._staged(self._options.scale)
        ours = stages.spark_stage(self._package, staged, self._directory / "spark")
        least = stages.spark_least(self._package, staged, self._directory / "least")
        rows = f"{self._options.scale * data.ROWS_AT_SCALE_1 / 1e6:.1f} M rows"
        self._compare("Spark stage", rows, [least, ours], 1.15)

    def execution(self) -> None:
        """An execution beside its bare scripts, the load beside psql's COPY, and the Lambda cold and warm."""
        raw = self._directory / "flights"
        flights.write(raw)
        with self._deployed() as pipeline:
            flights.upload(pipeline.clients.get("s3"), raw, pipeline.raw)
            beyond, loading, curated = [], [], {}
            for number in range(self._rounds):
                bare_seconds = bare.measure(
                    raw, self._directory / f"bare-{number}", dataset="flights", parameters=_FLIGHTS
                )
                outcome = pipeline.wait(pipeline.start("flights", f"s3://{pipeline.raw}/flights/", parameters=_FLIGHTS))
                beyond.append(whole_pipeline.beyond_scripts(outcome, bare_seconds))
                loading.append(Sample(pipeline.load_seconds(outcome.output["job_id"]), 0.0, 0))
                curated = outcome.output["uris"]["curated"]
                say(f"  execution {outcome.seconds:.1f} s, beyond its scripts {beyond[-1]['all']:+.1f} s")
            for name in ("all", "jobs", "elsewhere"):
                self._figures[f"execution beyond its bare scripts, {name}, s"] = sorted(each[name] for each in beyond)[
                    len(beyond) // 2
                ]
            self._load(pipeline, curated, loading)
            first, warm = whole_pipeline.lambda_calls(pipeline, 10)
            self._figures["Lambda, first call, s"] = first.seconds
            self._figures["Lambda, warm call, s"] = sorted(sample.seconds for sample in warm)[len(warm) // 2]

    def _load(
        self, pipeline: whole_pipeline.DeployedPipeline, curated: Mapping[str, str], loading: Sequence[Sample]
    ) -> None:
        tables = []
        for name, uri in curated.items():
            files = pipeline.download(uri, self._directory / "curated" / name, ".parquet")
            tables.append(warehouse_loads.Rows(files, pipeline.columns(name)))
        copied = warehouse_loads.psql_copy(tables, self._directory, len(loading))
        subjects = Subject("psql COPY", tuple(copied)), Subject("pipeline", tuple(loading))
        self._comparisons.append(Comparison("load", "both tables of flights, 439,851 rows", subjects, 1.5))

    def growth(self) -> None:
        """The Python stage at 0.1, 1 and 10 times the rows, and in many files; executions at once."""
        sizes, samples = (0.1, 1.0, 10.0), []
        for size in sizes:
            sources = data.lineitem(self._data, size * self._options.scale / 10)
            command = stages.python_stage(self._package, sources, self._directory / "ours")
            run(command, self._directory)
            samples.append(run(command, self._directory))
            say(f"  {size:g} × the rows: {samples[-1].seconds:.1f} s, {samples[-1].peak / 1e6:,.0f} MB")
        self._growths.append(Growth("Python stage, rows", "× a tenth of the scale", sizes, tuple(samples)))
        one = data.lineitem(self._data, self._options.scale / 100)
        many = data.cut(one, _MANY_FILES)
        commands = [stages.python_stage(self._package, place, self._directory / "ours") for place in (one, many)]
        named = [
            Command(name, command.line, command.environment, command.before)
            for name, command in zip(("one file", "pipeline"), commands, strict=True)
        ]
        self._compare(f"Python stage, {_MANY_FILES:,} files", "the same rows in one file", named, None)
        counts = [count for count in (1, 10, 50, 100) if count <= self._options.at_once]
        with self._deployed() as pipeline:
            small = data.cut(one, 600)
            source = pipeline.upload([sorted(small.iterdir())[0]], "lineitem/")
            self._growths.append(whole_pipeline.at_once(pipeline, stages.DATASET, source, counts, say))

    def memory(self) -> None:
        """The endpoint's memory after 2 GB of uploads."""
        with self._deployed() as pipeline:
            self._figures["endpoint's memory, started, MB"] = pipeline.resident() / 1e6
            self._figures["endpoint's memory with 2 GB uploaded, MB"] = (
                whole_pipeline.memory_of_uploads(pipeline, 2) / 1e6
            )

    def command(self) -> None:
        """The start of the command `pipeline`, beside that of Python."""
        python = Command("python -c pass", [sys.executable, "-c", "pass"])
        ours = Command("pipeline", [sys.executable, "-m", "pipeline", "--help"], {"PYTHONPATH": str(ROOT / "src")})
        self._compare("pipeline --help", "no work", [python, ours], None)

    def _staged(self, scale: float) -> Path:
        directory = self._directory / "staged"
        run(stages.python_stage(self._package, data.lineitem(self._data, scale), directory), self._directory)
        return directory

    def _compare(self, name: str, work: str, commands: Sequence[Command], limit: float | None) -> None:
        self._comparisons.append(compare(name, work, commands, self._directory, self._rounds, limit=limit, tell=say))

    def _deployed(self) -> Any:
        return whole_pipeline.deployed(self._directory / "deployed", self._package, self._options.engine)


PARTS: dict[str, Callable[[_Bench], None]] = {
    "python": _Bench.python,
    "spark": _Bench.spark,
    "execution": _Bench.execution,
    "growth": _Bench.growth,
    "memory": _Bench.memory,
    "command": _Bench.command,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
