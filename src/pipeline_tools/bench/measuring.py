"""Measures commands as whole processes: time, CPU time and memory, several subjects in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from dataset_contract.json_types import JsonObject

# macOS counts ru_maxrss in bytes, Linux in KiB.
_RSS_UNIT = 1 if os.uname().sysname == "Darwin" else 1024

# A process's peak counts that of the process that it was forked from, so a small one starts the subject.
_STARTER = """
import json, os, sys, time
began = time.monotonic()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(process, 0)
code = os.waitstatus_to_exitcode(status)
sample = [time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, code]
with open(sys.argv[1], "w") as file:
    json.dump(sample, file)
"""


class BenchError(RuntimeError):
    """A subject failed, so nothing is known of its speed; the message is what it said last."""


@dataclass(frozen=True)
class Sample:
    """One run.

    Attributes:
        seconds: from start to end.
        cpu: user and system of it and its children.
        peak: bytes of the largest.
    """

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Command:
    """A subject of a comparison that is a process of its own.

    Attributes:
        before: makes what it needs, unmeasured.
    """

    name: str
    line: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Subject:
    """What was measured of one subject."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The median time."""
        return median(sample.seconds for sample in self.samples)

    @property
    def cpu(self) -> float:
        """The median CPU time."""
        return median(sample.cpu for sample in self.samples)

    @property
    def peak(self) -> int:
        """The most memory of all samples, in bytes."""
        return max(sample.peak for sample in self.samples)


@dataclass(frozen=True)
class Comparison:
    """Subjects that did the same work, in turn; the first is what the others are compared with.

    Attributes:
        work: rows or bytes in words.
        limit: the ratio to the first subject that the last one may have; None: none is set.
    """

    name: str
    work: str
    subjects: tuple[Subject, ...]
    limit: float | None = None

    def ratios(self, what: str = "seconds") -> dict[str, tuple[float, float, float]]:
        """The lowest, median and highest ratio of each other subject to the first one, in runs of the same round.

        Empty where it was not measured of the first one, as the CPU time of what another process does.
        """
        first, *others = self.subjects
        found: dict[str, tuple[float, float, float]] = {}
        if not all(getattr(sample, what) for sample in first.samples):
            return found
        for other in others:
            rounds = zip(first.samples, other.samples, strict=True)
            each = sorted(getattr(theirs, what) / getattr(base, what) for base, theirs in rounds)
            found[other.name] = (each[0], median(each), each[-1])
        return found

    def document(self) -> JsonObject:
        """As the JSON file has it."""
        return {
            "name": self.name,
            "work": self.work,
            "limit": self.limit,
            "subjects": [
                {
                    "name": subject.name,
                    "seconds": subject.seconds,
                    "cpu_seconds": subject.cpu,
                    "peak_bytes": subject.peak,
                    "samples": [asdict(sample) for sample in subject.samples],
                }
                for subject in self.subjects
            ],
            "ratios": {name: list(ratio) for name, ratio in self.ratios().items()},
            "cpu_ratios": {name: list(ratio) for name, ratio in self.ratios("cpu").items()},
        }


def compare(
    name: str,
    work: str,
    commands: Sequence[Command],
    directory: Path,
    rounds: int,
    *,
    limit: float | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Comparison:
    """Run each command once for its file caches, then all in turn, `rounds` times.

    Raises:
        BenchError: one ended with another exit code than 0.
    """
    samples: dict[str, list[Sample]] = {command.name: [] for command in commands}
    for number in range(rounds + 1):
        for command in commands:
            sample = run(command, directory)
            if number:
                samples[command.name].append(sample)
                tell(f"  {name}: {command.name} {sample.seconds:.2f} s, CPU {sample.cpu:.2f} s")
    subjects = tuple(Subject(command.name, tuple(samples[command.name])) for command in commands)
    return Comparison(name, work, subjects, limit)


def run(command: Command, directory: Path) -> Sample:
    """Run a command to its end.

    Raises:
        BenchError: it ended with another exit code than 0.
    """
    command.before()
    log, report = directory / "said.txt", directory / "used.json"
    report.unlink(missing_ok=True)
    with log.open("wb") as out:
        line = [sys.executable, "-I", "-S", "-c", _STARTER, str(report), *command.line]
        environment = {**os.environ, **command.environment}
        subprocess.run(line, stdout=out, stderr=out, env=environment, cwd=directory, check=False)
    seconds, cpu, peak, code = json.loads(report.read_text()) if report.exists() else (0.0, 0.0, 0, "none")
    if code != 0:
        said = log.read_text(encoding="utf-8", errors="replace").strip()
        raise BenchError(f"{command.name} ended with exit code {code}: {said[-1000:]}")
    return Sample(seconds, cpu, peak * _RSS_UNIT)
