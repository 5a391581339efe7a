from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from pipeline.cli import watch_command
from pipeline.jobs import Attempt, Job
from pipeline.progress import DONE, FAILED, Step
from pipeline.watching import Sight

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
JOB = Job("20261101T000000000Z-497de66f-737f-5f54-9aa4-4a7b8a2c0281", (Attempt("arn", 0, "RUNNING", BEGAN),))


def sight(*steps: Step) -> Sight:
    return Sight(JOB, "RUNNING", steps)


def done(state: str, seconds: float) -> Step:
    return Step(state, BEGAN, BEGAN + timedelta(seconds=seconds), DONE, tries=1, rows={"rows_in": 1200})


def test_elsewhere_a_line_is_written_once_for_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    lines = watch_command._Lines()
    running = Step("CleanWithPython", BEGAN, tries=1, waits_for="a Glue job run")
    lines(sight(done("RegisterJob", 1.5), running))
    lines(sight(done("RegisterJob", 1.5), running))
    assert capsys.readouterr().err.splitlines() == [
        "RegisterJob: done in 1.5 s, in 1,200",
        "CleanWithPython: a Glue job run",
    ]
    failed = Step("CleanWithPython", BEGAN, BEGAN + timedelta(seconds=70), FAILED, tries=3)
    lines(sight(done("RegisterJob", 1.5), failed))
    assert capsys.readouterr().err == "CleanWithPython: failed in 1 min 10 s, 3 tries\n"


def test_on_a_terminal_each_state_has_a_row_and_texts_are_no_markup() -> None:
    screen = io.StringIO()
    running = Step("CleanWithPython", BEGAN, tries=1, waits_for="another try, after [red]X[/red]")
    Console(file=screen, width=120).print(watch_command._live(sight(done("RegisterJob", 1.5), running), JOB))
    first, bar, headings, *rows = screen.getvalue().splitlines()
    assert set(bar.strip()) <= set("━╺╸ ")
    assert headings.split() == ["state", "time,", "rows", "waits", "for"]
    assert first == f"job {JOB.job_id} RUNNING"
    assert rows[0].split() == ["✓", "RegisterJob", "1.5", "s,", "in", "1,200"]
    assert rows[1].startswith("…  CleanWithPython")
    assert rows[1].endswith("another try, after [red]X[/red]")


@pytest.mark.parametrize(
    ("status", "state", "reason", "said"),
    [
        ("FAILED", "CleanWithPython", "InvalidInputError: x", f"once it is mended: pipeline rerun {JOB.job_id}"),
        ("ABORTED", "CleanWithPython", "ABORTED", f"to go on with it: pipeline rerun {JOB.job_id}"),
        # A redrive has the same input, and would fail again.
        (
            "FAILED",
            "GenerateJobId",
            "InvalidInputError: dataset",
            "its input was not accepted: start a job with another one, pipeline start --help",
        ),
        (
            "FAILED",
            "GenerateJobId",
            "Lambda.TooManyRequestsException: x",
            f"once it is mended: pipeline rerun {JOB.job_id}",
        ),
    ],
)
def test_what_can_be_done_next_is_told_by_how_the_job_ended(status: str, state: str, reason: str, said: str) -> None:
    assert watch_command._next(Sight(JOB, status, ()), state, reason) == said
