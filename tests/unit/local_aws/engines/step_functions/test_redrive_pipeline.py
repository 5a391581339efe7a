"""The pipeline's definition, redriven at each of its Task states: failed, stopped and timed out, twice in a row."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from pipeline_tools.environments import ROOT
from tests.unit.local_aws.engines.step_functions.conftest import Functions, Machine
from tests.waiting import SECONDS

JOB = {
    "job_id": "job-1",
    "dataset": "d",
    "repeat": False,
    "replays": None,
    "source_uri": "s3://raw/a/",
    "started_at": "2026-11-24T10:00:00Z",
    "parameters": {"p": "1"},
    "uris": {
        **{name: f"s3://lake/{name}" for name in ("reference", "contract", "staged", "staged_references", "rejected")},
        "transform": "s3://lake/transform.sql",
        "curated": {"t": "s3://lake/t"},
        "manifests": {stage: f"s3://lake/{stage}.json" for stage in ("python", "spark", "load")},
        "manifest_keys": {stage: f"{stage}.json" for stage in ("python", "spark", "load")},
    },
    "sql": {
        step: {"statement_name": step, "statements": ["SELECT 1"], "parameters": [{"Name": "a", "Value": "b"}]}
        for step in ("register", "finish")
    },
}
LOAD = {"statement_name": "l", "statements": ["SELECT 2"], "parameters": [{"Name": "c", "Value": "d"}]}
MANIFESTS = {
    "python.json": {"job_id": "job-1", "stage_run": "r", "rows_in": 3, "rows_out": 2, "rows_rejected": 1},
    "spark.json": {
        "job_id": "job-1",
        "rows_in": 2,
        "rows_out": 2,
        "tables": {"t": {"rows": 2, "uri": "s3://t/r/"}, "u": {"rows": 0, "uri": "s3://u/r/"}},
    },
}
# Of the load, and of the job that is continued, whose seventh field is the execution that has it.
OWNER = "arn:aws:states:us-east-1:000000000000:execution:pipeline:earlier"
RECORDS = [
    [{"StringValue": "t"}, {"LongValue": 2}, *({"IsNull": True} for _ in range(4)), {"StringValue": OWNER}],
    [{"StringValue": "u"}, {"LongValue": 0}],
]
CHILD = "arn:aws:states:us-east-1:000000000000:execution:run-sql:one"


def definition() -> dict[str, Any]:
    """The pipeline's, with a value for each of the template's."""
    text = (ROOT / "infra" / "state_machines" / "pipeline.asl.yaml").read_text(encoding="utf-8")
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:run-sql"
    text = re.sub(r"\$\{\w*seconds\}", "600", text).replace("${run_sql_state_machine_arn}", machine)
    document: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{(\w+)\}", r"\1", text))
    return document


STATES = definition()["States"]
# Entered by a redrive that began after the load alone.
ONLY_REDRIVEN = "RecordAttempt"
TASKS = [name for name, state in STATES.items() if state["Type"] == "Task" and name != ONLY_REDRIVEN]
EARLIER = "20260131T123456789Z-497de66f-737f-54f4-9aa4-4a7b8a2c0281"


class Services:
    """Answers what the tasks ask. The first request of `broken` does not come through until the second redrive."""

    def __init__(self, functions: Functions, broken: str, *, held: bool) -> None:
        self.functions, self.broken, self.held = functions, broken, held
        self.arn = ""
        self.redrives = 0
        self.began: list[str] = []  # of the attempts that nested executions were asked for in
        self.asked: dict[str, list[tuple[str, Any]]] = {}
        self.arrived, self.released = threading.Semaphore(0), threading.Event()
        output = json.dumps({"statement_id": "s", "records": RECORDS})
        child = {"executionArn": CHILD, "stateMachineArn": "m", "startDate": 1, "status": "SUCCEEDED", "output": output}
        answers: dict[str, Any] = {
            "invoke": lambda request: LOAD if json.loads(request["Payload"])["action"] == "load" else JOB,
            "startExecution": lambda _: {"executionArn": CHILD, "startDate": 1},
            "describeExecution": lambda _: child,
            "startJobRun": lambda _: {"JobRunId": "jr"},
            "getJobRun": lambda _: {"JobRun": {"Id": "jr", "JobRunState": "SUCCEEDED"}},
            "getObject": lambda request: json.dumps(MANIFESTS[request["Key"]]).encode(),
            "putObject": lambda _: b"",
        }
        functions.answers.update({api: self._asked(api, answer) for api, answer in answers.items()})

    def _asked(self, api: str, answer: Any) -> Any:
        def ask(request: Mapping[str, Any]) -> Any:
            state = self.entered()[-1]
            self.asked.setdefault(state, []).append((api, dict(request)))
            if state == self.broken and self.redrives < 2:
                self.arrived.release()
                if not self.held:
                    return "AccessDenied", "not yet"
                self.released.wait(SECONDS)
            return answer(request)

        return ask

    def entered(self) -> list[str]:
        """The states that the history has entered."""
        details = [found.get("stateEnteredEventDetails") for found in self.functions.history(self.arn)]
        return [found["name"] for found in details if found]

    def count(self, asked: tuple[str, Any]) -> int:
        """The RedriveCount that what a request starts is called after; it is taken out of the request."""
        api, request = asked
        if api == "putObject":
            request["Body"] = {**json.loads(request["Body"]), "finished_at": "a moment"}
        if api == "startJobRun":
            return int(request["Arguments"].pop("--attempt").rpartition("-")[2])
        if api != "startExecution":
            return -1
        *_, count, retries = request.pop("name").split("-")
        document = json.loads(request["input"])
        moment = {found["Name"]: found["Value"] for found in document["batch"]["parameters"]}
        assert (moment.pop("redrive_count", count), retries) == (count, "0")
        self.began.append(moment.pop("attempt_started_at", ""))
        moment.pop("load_started_at", None)
        named = re.sub(rf" ([0-9a-f]{{6}})-{count} ", r" \1 ", document["batch"]["statement_name"])
        request["input"] = {**document, "batch": {**document["batch"], "statement_name": named, "parameters": moment}}
        return int(count)


def end(services: Services, how: str) -> str:
    """Let the execution end at its broken state, and return its status."""
    functions, arn = services.functions, services.arn
    assert services.arrived.acquire(timeout=SECONDS)
    told = len(functions.events)
    if how == "stopped":
        functions.ask("StopExecution", executionArn=arn, cause="by a test")
    elif how == "timed out":
        functions.service.store.executions[arn].exec_worker.time_out_after(0)
    with functions.told:
        assert functions.told.wait_for(lambda: functions.last_status(arn) != "RUNNING", SECONDS), told
    return str(functions.last_status(arn))


@pytest.mark.parametrize("how", ["failed", "stopped", "timed out"])
def test_the_pipeline_goes_on_at_each_state(how: str, functions: Functions) -> None:
    assert len(TASKS) >= 9
    for state in TASKS:
        redrive_twice(functions, state, how)


def redrive_twice(functions: Functions, state: str, how: str) -> None:
    document, name = definition(), f"pipeline-{state}"
    made = functions.ask("CreateStateMachine", name=name, definition=json.dumps(document), roleArn="r")
    machine = Machine(functions, made["stateMachineArn"])
    services = Services(functions, state, held=how != "failed")
    services.arn = f"arn:aws:states:us-east-1:000000000000:execution:{name}:one"
    assert machine.start({"job_id": EARLIER}, name="one") == services.arn
    status = {"failed": "FAILED", "stopped": "ABORTED", "timed out": "TIMED_OUT"}[how]
    reached = []
    for count in range(2):
        assert end(services, how) == status
        progress = functions.service.store.executions[services.arn].exec_worker.env.run.progress
        reached.append(progress.reached[()])
        services.redrives = count + 1
        functions.ask("RedriveExecution", executionArn=services.arn)
    described = functions.ended(services.arn)
    services.released.set()
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 2), described
    assert reached[0] == reached[1]
    assert reached[0].state == state
    rows: dict[str, Any] = {"rows_in": 3, "rows_staged": 2, "rows_rejected": 1}
    rows |= {"rows_curated": {"t": 2, "u": 0}, "rows_loaded": {"t": 2, "u": 0}}
    assert json.loads(described["output"])["counts"] == rows
    assert services.entered() == [name for name in STATES if name != ONLY_REDRIVEN or state == "WriteLoadManifest"]
    tried = services.asked[state][:3]
    assert [services.count(asked) for asked in tried] in ([0, 1, 2], [-1, -1, -1])
    assert tried[0] == tried[1] == tried[2]
    # A redrive is an attempt of its own, which began when it was asked for.
    assert services.began == sorted(set(services.began) - {""}) or set(services.began) == {""}
    for other in set(TASKS) - {state}:
        # Each request of a state that ended was sent once.
        apis = [api for api, _ in services.asked[other]]
        assert len(apis) == len(set(apis)), other
