from __future__ import annotations

import json
from datetime import UTC, datetime

import click
import pytest
from rich.console import Console

from pipeline import cli, job_logs, trace
from pipeline.cli import logs_command, shown, watch_command
from pipeline.errors import PipelineError
from pipeline.evidence.hop import FORGOTTEN, FOUND, MISSING, NOT_EXPECTED, Hop
from pipeline.jobs import Attempt, Job
from pipeline.progress import FAILED, Step
from pipeline.terminal import plain
from pipeline.watching import Sight
from tests.unit.pipeline import evidences

# A color, the title of the window with a bell, a line end, C1's control sequence, and text that turns its direction.
FOREIGN = "\x1b[31mred\x1b]0;title\a\r\nline 2\x9b2J\u202eevil"
SEEN = "·[31mred·]0;title·  line 2·2J·evil"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def test_text_without_what_steers_a_terminal() -> None:
    assert plain(FOREIGN) == SEEN
    assert plain("ä, 'b'\t\u00a0😀") == "ä, 'b'  😀"


def test_a_document_has_what_others_wrote_without_steering_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"text": FOREIGN, "list": ["ä😀"]}
    shown.print_json(document)
    said = capsys.readouterr().out
    assert json.loads(said) == json.loads(shown.one_line(document)) == document
    assert all(sign.isprintable() or sign == "\n" for sign in said)
    assert "ä😀" in said


@pytest.mark.parametrize(
    ("stage", "text", "said"),
    [
        ("python", '{"level": 3, "message": "x"}', "3 x"),
        ("python", '{"level": null, "message": null}', "None"),
        ("states", '{"type": "TaskFailed", "details": null}', "TaskFailed"),
    ],
)
def test_a_log_line_of_any_json_can_be_read(stage: str, text: str, said: str) -> None:
    assert logs_command.readable(job_logs.LogLine(BEGAN, stage, "group", "stream", text)) == said


def test_what_others_wrote_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.print_table(("A", "B"), [(FOREIGN, 1)])
    step = Step("CleanWithPython", BEGAN, tries=1, waits_for=FOREIGN)
    watch_command._Lines()(Sight(Job("job", (Attempt("arn", 0, "RUNNING", BEGAN),)), "RUNNING", (step,)))
    failed = Step("CleanWithPython", BEGAN, BEGAN, FAILED, error=FOREIGN)
    live = Sight(Job("job", (Attempt("arn", 0, "FAILED", BEGAN),)), "FAILED", (failed,))
    Console(width=200).print(watch_command._live(live, live.job))
    print(logs_command.readable(job_logs.LogLine(BEGAN, "python", "group", "stream", FOREIGN)))
    hop = Hop("argument", "Glue", "the run", FOUND, FOREIGN)
    print(trace.Trace(evidences.succeeded(), (hop,)).table())

    def fail(*_: object, **__: object) -> None:
        raise PipelineError(FOREIGN)

    monkeypatch.setattr(cli.pipeline, "main", fail)
    assert cli.run(["list"]) == 1
    said = capsys.readouterr()
    assert said.out.count(SEEN) == 4
    assert said.err.count(SEEN) == 2
    assert all(sign.isprintable() or sign == "\n" for sign in said.out + said.err)


def test_a_trace_is_shown_where_stdout_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trace.Trace(evidences.succeeded(), (Hop("one", "Glue", "the run", FOUND, "detail"),))
    monkeypatch.setattr("sys.stdout", None)
    assert "detail" in shown.trace(found)


def test_what_is_longer_than_a_line_of_a_trace_goes_on_below_itself() -> None:
    hops = (Hop("one", "Glue", "the run", FOUND, "so long " * 5), Hop("two", "S3", "a", MISSING, "gone"))
    found = trace.Trace(evidences.succeeded(), hops)
    indent = "  ✓ Glue  the run  "
    assert found.table(columns=len(indent) + 24).splitlines()[:3] == [
        f"{indent}so long so long so long",
        f"{' ' * len(indent)}so long so long",
        "  ✗ S3    a        missing: gone",
    ]
    for columns in (None, len(indent) + 19):
        assert found.table(columns=columns).splitlines()[0] == f"{indent}{hops[0].detail}"


def test_a_trace_has_the_colors_of_its_hops_and_no_other_text() -> None:
    states = (FOUND, MISSING, NOT_EXPECTED, FORGOTTEN)
    found = trace.Trace(evidences.succeeded(), tuple(Hop(each, "Glue", each, each, "detail") for each in states))
    painted = shown.trace(found)
    assert click.unstyle(painted) == f"job ID {found.job.job_id}\n\n{found.table()}"
    green, red, yellow = (
        click.style(mark, fg=color) for mark, color in (("✓", "green"), ("✗", "red"), ("…", "yellow"))
    )
    assert all(mark in painted for mark in (green, red, yellow, click.style("–", dim=True)))
    assert f"job {click.style('SUCCEEDED', fg='green')}; hops:" in painted
