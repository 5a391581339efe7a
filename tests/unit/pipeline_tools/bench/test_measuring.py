from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline_tools.bench.measuring import BenchError, Command, Comparison, Sample, Subject, compare, run


def python(name: str, program: str) -> Command:
    return Command(name, [sys.executable, "-c", program])


def test_a_run_is_measured_by_what_it_alone_used(tmp_path: Path) -> None:
    idle = run(python("idle", "pass"), tmp_path)
    busy = run(python("busy", "sum(range(20_000_000)); x = bytearray(200_000_000)"), tmp_path)
    assert busy.peak - idle.peak > 150_000_000
    assert busy.cpu > idle.cpu


def test_a_subject_that_fails_has_no_speed(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="broken ended with exit code 3: no such table"):
        run(python("broken", "import sys; print('no such table'); sys.exit(3)"), tmp_path)


def test_subjects_run_in_turn_and_the_first_round_does_not_count(tmp_path: Path) -> None:
    order = tmp_path / "order"
    names = [python(name, f"open({str(order)!r}, 'a').write({name!r})") for name in ("a", "b")]
    found = compare("letters", "no work", names, tmp_path, 2)
    assert order.read_text() == "ababab"
    assert [len(subject.samples) for subject in found.subjects] == [2, 2]


def test_ratios_are_of_runs_of_one_round() -> None:
    first = Subject("first", (Sample(1.0, 1.0, 0), Sample(2.0, 1.0, 0), Sample(4.0, 1.0, 0)))
    ours = Subject("pipeline", (Sample(1.5, 3.0, 0), Sample(2.0, 2.0, 0), Sample(8.0, 1.0, 0)))
    found = Comparison("x", "rows", (first, ours))
    assert found.ratios() == {"pipeline": (1.0, 1.5, 2.0)}
    assert found.ratios("cpu") == {"pipeline": (1.0, 2.0, 3.0)}


def test_what_was_not_measured_has_no_ratio() -> None:
    copied, loaded = Subject("psql COPY", (Sample(2.0, 0.0, 0),)), Subject("pipeline", (Sample(3.0, 0.0, 0),))
    found = Comparison("load", "rows", (copied, loaded)).document()
    assert (found["ratios"], found["cpu_ratios"]) == ({"pipeline": [1.5, 1.5, 1.5]}, {})
