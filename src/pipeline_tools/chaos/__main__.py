"""`nox -s chaos`: break every state of the pipeline in every way that AWS documents, and check what is left.

`-- NAME…` plays the cases whose names begin so, or that match a pattern (`*.throttled.*`); `-- --list` shows all. On
LocalStack it plays a subset unless some are named.
Writes build/chaos/<engine>/chaos.json and chaos.html. Exit code 0 only when every case passed.
"""

from __future__ import annotations

import argparse
import fnmatch
import random
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos import matrix, random_histories, results_page, rig, runner
from pipeline_tools.chaos.cases import ChaosCase
from pipeline_tools.chaos.matrix import drawn
from pipeline_tools.chaos.runner import CaseResult
from pipeline_tools.claims import ClaimedError, claimed
from pipeline_tools.console import say
from pipeline_tools.deployment import schema
from pipeline_tools.endpoint import ENGINES, EndpointError, add_engine_option
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import TerraformError

DIRECTORY = ROOT / "build" / "chaos"
_ON_SECOND_ENGINE = 40
_MOST_CHARACTERS = 400  # of a finding while the others are still played; the end tells all of it


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 all passed, 1 a case failed or the rig did not stand, 2 usage."""
    options = _parser().parse_args(arguments)
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    engine = options.engine or ENGINES[0]
    cases = chosen(matrix.cases(), options.name, engine)
    cases += drawn.pairs(matrix.cases(), options.pairs, random.Random(seed))
    cases += drawn.walks(options.walks, random.Random(seed))
    if options.list:
        for case in cases:
            print(f"{case.name:<64}  {case.what}")
        print(f"{len(cases)} cases on {engine}", file=sys.stderr)
        return 0
    if options.histories and not random_histories.play(options.histories, seed):
        return 1
    if not cases:
        print(f"error: no case is named {' or '.join(options.name)}; --list shows all", file=sys.stderr)
        return 2
    try:
        with claimed(DIRECTORY / engine, "nox -s chaos") as directory:
            return _play(cases, engine, seed, directory)
    except (ClaimedError, EndpointError, TerraformError, schema.SchemaError, rig.RigError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s chaos --", description=__doc__)
    add_engine_option(parser)
    parser.add_argument("name", nargs="*", help="beginnings of names, or patterns (default: all)")
    parser.add_argument("--list", action="store_true", help="show the cases and play none")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="add N pairs of faults, drawn at random")
    parser.add_argument("--walks", type=int, default=0, metavar="N", help="add N jobs that fail in several states")
    parser.add_argument("--seed", type=int, help="of what is drawn at random (default: a new one, which is printed)")
    parser.add_argument("--histories", type=int, default=0, metavar="N", help="first N random histories of the model")
    return parser


def chosen(cases: Sequence[ChaosCase], names: Sequence[str], engine: str) -> list[ChaosCase]:
    """The cases whose names begin so or match a pattern; without names all, or on the second engine a subset."""
    found = [case for case in cases if engine in case.engines]
    if names:
        return [case for case in found if any(_is_called(case, name) for name in names)]
    return found if engine == ENGINES[0] else matrix.subset(found, _ON_SECOND_ENGINE)


def _is_called(case: ChaosCase, name: str) -> bool:
    return case.name.startswith(name) or fnmatch.fnmatchcase(case.name, name)


def _play(cases: Sequence[ChaosCase], engine: str, seed: int, directory: Path) -> int:
    say(f"{len(cases)} cases on {engine}, seed {seed}")
    with rig.served(directory, engine) as stage:
        began = time.monotonic()
        with _Progress(len(cases)) as progress:
            results = runner.play_all(stage, cases, str(seed), progress.tell)
        about: JsonObject = {"engine": engine, "seed": seed, "seconds": round(time.monotonic() - began, 1)}
    found = results_page.document(results, about)
    print(results_page.table(results))
    files = results_page.write(directory, found)
    say(f"{found['passed']} of {found['cases']} passed in {about['seconds']:.0f} s, seed {seed}")
    say(f"written: {' and '.join(str(file.relative_to(ROOT)) for file in files)}")
    return 0 if found["failed"] == 0 else 1


class _Progress:
    """A line per case, and a bar below them on a terminal."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("cases", total=total)
        self._width = 64

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, result: CaseResult) -> None:
        mark = "✓" if result.passed else "✗"
        line = f"{mark} {result.case.name:<{self._width}} {result.seconds:6.1f} s"
        if not result.passed:
            line += "".join(f"\n    {finding}"[:_MOST_CHARACTERS] for finding in result.findings)
        if self._bar.disable:
            say(line)
        else:
            self._bar.console.print(line, markup=False)
        self._bar.advance(self._task)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
