from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import job_logs
from pipeline.cli.logs_command import readable
from pipeline.clients import Clients
from pipeline.job_logs import LogLine
from pipeline.jobs import Attempt, Job
from pipeline.stacks import Stack

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
JOB = Job("20261101T000000000Z-497de66f-737f-5f54-9aa4-4a7b8a2c0281", (Attempt("arn", 0, "FAILED", BEGAN),))


class Glue:
    """Runs of a job, newest first, a page each; says how many pages were asked for."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.runs, self.pages = runs, 0

    def get_paginator(self, _operation: str) -> Glue:
        return self

    def paginate(self, **_: Any) -> Any:
        for run in self.runs:
            self.pages += 1
            yield {"JobRuns": [run]}


class Logs:
    """A stream whose pages may be empty in between, and whose last token comes again."""

    class exceptions:  # noqa: N801 - boto3's name
        class ResourceNotFoundException(Exception):  # noqa: N818 - boto3's name
            pass

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages

    def get_log_events(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        number = int(nextToken)
        if not self.pages:
            raise self.exceptions.ResourceNotFoundException
        texts = self.pages[number] if number < len(self.pages) else []
        events = [{"timestamp": 1000 * number, "message": f"{text}\n"} for text in texts]
        return {"events": events, "nextForwardToken": str(min(number + 1, len(self.pages)))}

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **_: Any) -> Any:
        for page in self.pages:
            yield {"events": [{"timestamp": 1000, "message": text, "logStreamName": "s"} for text in page]}


def stack(**clients: Any) -> Stack:
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:p"
    names = {"python_job_name": "python", "lambda_function_name": "lambda", "state_machine_arn": machine}
    made = Stack(Clients(), names, Path())
    made._clients_made.update(clients)
    return made


def run(identifier: str, minutes: int, job_id: str = JOB.job_id) -> dict[str, Any]:
    return {"Id": identifier, "StartedOn": BEGAN + timedelta(minutes=minutes), "Arguments": {"--job_id": job_id}}


def test_runs_are_looked_for_no_further_back_than_the_job() -> None:
    glue = Glue(run("jr_4", 9, "another"), run("jr_3", 5), run("jr_2", 1), run("jr_1", -60), run("jr_0", -90))
    assert [found["Id"] for found in job_logs.job_runs(stack(glue=glue), JOB, "python")] == ["jr_3", "jr_2"]
    assert glue.pages == 4


@pytest.mark.parametrize(
    ("pages", "texts"),
    [
        ([["a", "b"], [], ["c"]], ["a", "b", "c"]),
        ([[]], []),
        ([], []),  # there is no such stream, or it is no longer kept
    ],
)
def test_a_stream_is_read_to_its_end(pages: list[list[str]], texts: list[str]) -> None:
    made = stack(glue=Glue(run("jr_1", 1)), logs=Logs(*pages))
    found = [line.text for line in job_logs.lines(made, JOB, ("python",)) if line.group.endswith("/output")]
    assert found == texts


@pytest.mark.parametrize(
    ("stage", "own", "others"),
    [
        (
            "lambda",
            [f'{{"job_id": "{JOB.job_id}"}}', f"Traceback of {JOB.job_id}", f'["{JOB.job_id}"]'],
            [f'{{"job_id": "another", "replays": "{JOB.job_id}"}}'],
        ),
        ("states", ['{"execution_arn": "arn", "type": "TaskStarted"}'], ['{"execution_arn": "arn-10"}']),
    ],
)
def test_lines_of_another_job_that_name_this_one_are_not_its_lines(
    stage: str, own: list[str], others: list[str]
) -> None:
    made = stack(logs=Logs([*others, *own]))
    assert [line.text for line in job_logs.lines(made, JOB, (stage,))] == own


@pytest.mark.parametrize(
    ("stage", "text", "shown"),
    [
        (
            "python",
            '{"time": "t", "level": "INFO", "job_id": "j", "message": "read", "rows": 3, "file": "a"}',
            "INFO read rows=3 file=a",
        ),
        ("spark", "26/11/29 INFO SparkContext", "26/11/29 INFO SparkContext"),
        ("spark", "[1]", "[1]"),
        ("lambda", '{"REPORT": 1}', '{"REPORT": 1}'),
        ("states", '{"type": "TaskStateEntered", "details": {"name": "PrepareLoad"}}', "TaskStateEntered PrepareLoad"),
        ("states", '{"type": "TaskStarted"}', "TaskStarted"),
    ],
)
def test_a_line_is_shown_for_a_person(stage: str, text: str, shown: str) -> None:
    assert readable(LogLine(BEGAN, stage, "group", "stream", text)) == shown
