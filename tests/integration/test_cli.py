"""The command `pipeline` against the deployed pipeline: what a person types, sees, and gets as exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline_tools.environments import ROOT
from tests.integration.conftest import KindOfJob, Pipeline, until_entered
from tests.waiting import SECONDS


@dataclass
class Answer:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Answer]


@pytest.fixture
def run(stack_file: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(name: str, *arguments: str) -> Answer:
        code = cli.run([name, "--stack", str(stack_file), *arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Answer(code, told.out, told.err)

    return call


def interrupted(stack_file: Path, *arguments: str) -> Answer:
    """A command of its own process that gets Ctrl-C when it has begun to say something."""
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments, "--stack", str(stack_file)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        # As at a terminal: what runs in the background of a shell ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    return Answer(process.returncode, out, first + err)


def test_a_job_is_started_watched_stopped_and_run_again(
    pipeline: Pipeline, run: Run, stack_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flights.csv").write_text(pipeline.sample(7), encoding="utf-8")
    given = ("--upload", str(tmp_path / "data"), "--param", "late_minutes=30", "--name", "from-the-command-line")
    started = run("start", "flights", *given)
    job_id = started.out.strip()
    assert started.code == 0
    assert "uploaded 1 file (" in started.err
    arn = pipeline.outputs["state_machine_arn"].replace(":stateMachine:", ":execution:") + ":from-the-command-line"

    timed_out = run("watch", job_id, "--timeout", "0")
    assert (timed_out.code, timed_out.out) == (4, "")
    assert f"job {job_id} still runs after 0 s, and goes on" in timed_out.err
    stopped_watching = interrupted(stack_file, "watch", "from-the-command-line")
    assert stopped_watching.code == 130
    assert f"the job goes on: pipeline watch {job_id}" in stopped_watching.err
    assert run("list", "--status", "running", "--output", "json").json()[0]["job_id"] == job_id
    assert f"job {job_id} runs as {arn}" in run("rerun", job_id).err

    until_entered(pipeline, arn, "CleanWithPython")
    stopped = run("stop", job_id, "--reason", "the wrong month")
    assert (stopped.code, stopped.out) == (0, f"job {job_id} is stopped\n")
    again = run("stop", job_id)
    assert (again.code, again.err) == (1, f"error: job {job_id} does not run: it is ABORTED\n")
    assert "the wrong month" in pipeline.audit_of(arn)["cause"]

    redriven = run("rerun", job_id, "--watch", "--output", "json")
    assert redriven.code == 0, redriven.err
    assert re.search(f"job {job_id}: redrive, since [A-Za-z]+ is run again by the same execution\n", redriven.err)
    watched = redriven.json()
    assert (watched["job_id"], watched["status"], watched["execution_arn"]) == (job_id, "SUCCEEDED", arn)
    rows = {step["state"]: step["rows"] for step in watched["steps"]}
    assert rows["ReadPythonManifest"] == {"rows_in": 7, "rows_staged": 7, "rows_rejected": 0}
    assert "LoadAndRecord: done in " in redriven.err

    refused = run("rerun", job_id)
    assert refused.code == 1
    assert f"job {job_id} has succeeded; its source is run as a new job by: pipeline start flights" in refused.err
    assert "--param late_minutes=30 --repeat" in refused.err
    (listed,) = (job for job in run("list", "--limit", "0", "--output", "json").json() if job["job_id"] == job_id)
    assert (listed["status"], listed["parameters"]) == ("SUCCEEDED", {"late_minutes": 30})
    assert [attempt["redrive_count"] for attempt in listed["attempts"]] == [0, 1]
    logs = run("logs", job_id, "--output", "json").json()
    assert {line["stage"] for line in logs} >= {"lambda", "python", "spark"}
    assert "job begins" in run("logs", job_id, "--stage", "lambda", "--follow").out
    taken = run("start", "flights", "--source", listed["source_uri"], "--name", "from-the-command-line")
    assert taken.code == 2
    assert "--name 'from-the-command-line' is taken" in taken.err
    taken = run("start", "flights", "--upload", str(tmp_path / "data"), "--name", "from-the-command-line")
    assert (taken.code, "uploaded" in taken.err) == (2, False)


def test_how_a_job_ended_is_the_exit_code_of_watching_it(run: Run, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    for kind, (code, status, said) in {
        "good": (0, "SUCCEEDED", "LoadAndRecord: done in"),
        "rejected": (0, "SUCCEEDED", "rejected 3"),
        "failed": (1, "FAILED", "CleanWithPython: States.TaskFailed: "),
        "timed out": (1, "TIMED_OUT", ": failed in "),
        "stopped": (1, "ABORTED", "TransformWithSpark: ABORTED: nobody needs it"),
    }.items():
        made = jobs_of_all_kinds[kind]
        watched = run("watch", made.job_id)
        assert (watched.code, watched.out) == (code, f"job {made.job_id} {status}\n"), (kind, watched)
        assert said in watched.err, kind
    failed = run("watch", jobs_of_all_kinds["failed"].job_id)
    assert "day" in failed.err
    assert "error: " in failed.err  # of the job's log


def test_a_list_shows_each_kind(run: Run, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    shown = run("list", "--limit", "0")
    lines = {line.split()[0]: line for line in shown.out.splitlines()}
    for made in jobs_of_all_kinds.values():
        assert "flights" in lines[made.job_id]
    assert "TIMED_OUT" in lines[jobs_of_all_kinds["timed out"].job_id]
    listed = {job["dataset"] for job in run("list", "--limit", "0", "--output", "json").json()}
    for document in run("datasets", "--output", "json").json():
        if document["dataset"] not in listed:
            assert run("list", "--dataset", document["dataset"]).err == "no jobs\n"


@pytest.mark.parametrize("dataset", ["nonsense", "a/b", "flight", "'"])
@pytest.mark.parametrize("command", ["list", "report"])
def test_a_dataset_that_nobody_knows_is_refused(
    run: Run, command: str, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run(command, "--dataset", dataset)
    assert (answer.code, answer.out, list(tmp_path.iterdir())) == (2, "", [])
    assert f'dataset "{dataset}" is unknown' in answer.err
    assert re.search("; known: .*\\bflights\\b", answer.err)
    assert len(answer.err.splitlines()) == 1


def test_a_dataset_that_has_jobs_is_known_whatever_its_name(
    run: Run, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arn = pipeline.start(f"s3://{pipeline.outputs['raw_bucket']}/x/", dataset="no/such dataset")
    assert not pipeline.wait(arn).succeeded
    job_id = pipeline.audit_of(arn)["job_id"]
    (listed,) = run("list", "--dataset", "no/such dataset", "--output", "json").json()
    assert listed["job_id"] == job_id
    reported = run("report", "--dataset", "no/such dataset")
    assert (reported.code, reported.out) == (0, f"{tmp_path}/report-no_such_dataset.html\n")
    # A redrive has the same input.
    refused = run("rerun", job_id)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        f"error: job {job_id} failed in GenerateJobId: its input was not accepted: start a job with another one, "
        "pipeline start --help\n"
    )
    assert "its input was not accepted" in run("watch", job_id).err


def test_what_is_not_accepted_is_refused_before_anything_starts(run: Run, pipeline: Pipeline, tmp_path: Path) -> None:
    (before,) = run("list", "--limit", "1", "--output", "json").json()
    source = ("--source", f"s3://{pipeline.outputs['raw_bucket']}/x/")
    for arguments, said in (
        (("flihgts", *source), 'dataset "flihgts" is unknown; did you mean "flights"'),
        (("flights", *source, "--param", "late_minutes=soon"), "accepted: a whole number"),
        (("flights", "--source", "s3://elsewhere/x/"), "accepted: a place in the raw bucket"),
        (("flights", *source, "--name", "a b"), "--name 'a b' is not a name of an execution; accepted: 1 to 80"),
        (("flights", "--upload", str(tmp_path)), "gives no file"),
        (("flights", "--upload", ""), "Invalid value for '--upload': it is empty"),
        (("flights", *source, "--replays", ""), "Invalid value for '--replays': it is empty"),
    ):
        answer = run("start", *arguments)
        assert (answer.code, answer.out) == (2, ""), arguments
        assert said in answer.err
        assert len(answer.err.splitlines()) == 1
    (after,) = run("list", "--limit", "1", "--output", "json").json()
    assert after["job_id"] == before["job_id"]
    unknown = run("watch", "nobody")
    assert (unknown.code, unknown.out) == (3, "")


def test_the_datasets_are_told_in_short(run: Run) -> None:
    shown = run("datasets", "flights")
    assert "parameter  late_minutes: integer, default 15, from 0, to 1440" in shown.out
    assert "output     route_delays  (append): flight_date DATE required, " in shown.out
    documents = {document["dataset"]: document for document in run("datasets", "--output", "json").json()}
    assert [item["name"] for item in documents["flights"]["references"]] == [
        "airlines",
        "airports",
        "planes",
        "weather",
    ]
    assert len(documents) > 1


def test_the_doctor_finds_nothing_wrong_and_names_what_is(run: Run, pipeline: Pipeline, tmp_path: Path) -> None:
    well = run("doctor", "--output", "json")
    assert well.code == 0, well.out
    assert {finding["result"] for finding in well.json()} <= {"ok", "warning"}
    ill = {**pipeline.outputs, "lake_bucket": "not-there", "spark_job_name": "not-there"}
    del ill["failure_topic_arn"]
    place = tmp_path / "ill.json"
    place.write_text(json.dumps(ill))
    found = run("doctor", "--stack", str(place), "--output", "json")
    wrong = {finding["check"]: finding for finding in found.json() if finding["result"] == "wrong"}
    assert found.code == 1
    assert set(wrong) == {"deployment", "buckets", "Glue jobs", "notifications"}
    assert all(finding["advice"] for finding in wrong.values())
    place.write_text(json.dumps({**ill, "endpoint_url": "http://127.0.0.1:9"}))
    away = run("doctor", "--stack", str(place))
    assert away.code == 1
    assert "→ the local endpoint is not running: ./noxw -s local" in away.out
