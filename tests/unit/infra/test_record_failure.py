"""The whole of record-failure, with the Lambda's own code: whatever is broken beside it, people are told, and once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from dataset_contract.manifests import PYTHON, VERSION
from lambda_generate_param import handler, job_id
from local_aws.engines.step_functions import waits
from local_aws.errors import AwsError
from pipeline_tools.crosscheck import template
from pipeline_tools.environments import ROOT
from tests.unit.local_aws.engines.step_functions.conftest import Functions

PREFIX = "arn:aws:states:us-east-1:000000000000"
RECORDER, RUN_SQL = f"{PREFIX}:stateMachine:record-failure", f"{PREFIX}:stateMachine:run-sql"
PIPELINE = f"{PREFIX}:stateMachine:pipeline"
ARN = f"{PREFIX}:execution:pipeline:nightly"
DETAIL = {
    "executionArn": ARN,
    "stateMachineArn": PIPELINE,
    "name": "nightly",
    "status": "FAILED",
    "startDate": 1769862896789,
    "stopDate": 1769862899000,
    "redriveCount": 0,
    "redriveDate": None,
    "input": json.dumps({"dataset": "flights", "source_uri": "s3://raw/flights/", "parameters": {}}),
    "inputDetails": {"included": True},
    "output": None,
    "error": "States.TaskFailed",
    "cause": json.dumps({"ErrorMessage": "Command failed with exit code 1"}),
}
JOB = job_id.make(ARN, DETAIL["startDate"])  # type: ignore[arg-type]
MOST = 256 * 1024
TOLD = b"<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"


def broken(code: str = "InternalError") -> ClientError:
    metadata: Any = {"HTTPStatusCode": 500, "RequestId": "-"}
    said: Any = {"Error": {"Code": code, "Message": "not now"}, "ResponseMetadata": metadata}
    return ClientError(said, "Any")


def events(*types: str) -> list[dict[str, Any]]:
    """The end of a history, the latest first."""
    found = []
    for number, type_ in enumerate(types):
        event: dict[str, Any] = {"id": 99 - number, "type": type_, "timestamp": 1}
        if type_.endswith("StateEntered"):
            event["stateEnteredEventDetails"] = {"name": "CleanWithPython"}
        found.append(event)
    return found


def mark(arn: str = ARN, redrive: int = 0) -> str:
    """What pipeline.asl.yaml calls the work of an attempt."""
    return f"{hashlib.sha256(arn.encode()).hexdigest()[:6]}-{redrive}"


def job_run(
    id_: str, state: str = "RUNNING", *, job: str = JOB, attempt: str = mark(), after: int = 1, parameters: str = "{}"
) -> Any:
    """A run of a Glue job that began so many seconds after the execution."""
    started = DETAIL["startDate"] / 1000 + after  # type: ignore[operator]
    arguments = {"--job_id": job, "--attempt": attempt, "--parameters": parameters}
    return {"Id": id_, "JobRunState": state, "StartedOn": started, "Arguments": arguments}


@cache
def parsed(text: str) -> Any:
    """Nobody changes it."""
    return yaml.safe_load(text)


@dataclass
class World:
    """What record-failure calls. `fails`: by call, how many of the next ones fail; -1 for all of them."""

    functions: Functions
    fails: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(
        default_factory=lambda: events("ExecutionFailed", "TaskFailed", "TaskSubmitted", "TaskStateEntered")
    )
    runs: dict[str, list[Any]] = field(default_factory=lambda: {"python": [], "spark": []})  # newest first
    nested: list[str] = field(default_factory=list)  # the names of executions of run-sql that run
    page_size: int = 1000
    unknown: bool = False  # Step Functions does not know the execution
    files: dict[str, bytes] = field(default_factory=dict)
    outcome: str = "FAILED"
    has_chat: bool = False
    pages: int = 400  # of job runs, at most; as many as there are in the file unless a test has less time
    calls: list[tuple[str, Any]] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = (ROOT / "infra" / "state_machines" / "record-failure.asl.yaml").read_text(encoding="utf-8")
        assert "run_pages_left: 400" in text
        text = text.replace("run_pages_left: 400", f"run_pages_left: {self.pages}")
        values = {
            "lambda_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:generate-param",
            "pipeline_state_machine_arn": PIPELINE,
            "record_failure_state_machine_arn": RECORDER,
            "python_job_name": "python",
            "spark_job_name": "spark",
            "run_sql_state_machine_arn": RUN_SQL,
            "lake_bucket": "lake",
            "topic_arn": "arn:aws:sns:us-east-1:000000000000:failures",
        }
        definition = parsed(template.renderings(text, values)[0 if self.has_chat else 1])
        self.machine = self.functions.machine(
            definition["States"], name="record-failure", TimeoutSeconds=definition["TimeoutSeconds"],
            StartAt=definition["StartAt"],
        )  # fmt: skip
        self.functions.answers |= {
            name: self._answer(name, call)
            for name, call in {
                "invoke": self._invoke,
                "startExecution": self._start,
                "describeExecution": self._describe,
                "listExecutions": self._list,
                "stopExecution": lambda _: {"stopDate": 1},
                "getExecutionHistory": self._history,
                "getObject": self._get,
                "getJobRuns": self._job_runs,
                "batchStopJobRun": lambda _: {},
                "publish": lambda _: TOLD,
            }.items()
        }

    def _answer(self, name: str, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def answer(request: Any) -> Any:
            known = name
            if name == "invoke":
                known = json.loads(request["Payload"])["action"]
            elif name == "startExecution":
                document = json.loads(request["input"])
                known = "start" if "job_id" not in document else "cancel" if document.get("cancel") else "record"
            self.calls.append((known, request))
            if self.fails.get(known, 0):
                self.fails[known] -= 1
                raise broken()
            if name == "publish":
                self.told.append(request)
            return call(request)

        return answer

    def _invoke(self, request: Any) -> Any:
        try:
            answer = handler.answer(json.loads(request["Payload"]), sql=ROOT / "sql")
        except (KeyError, ValueError) as error:
            raise broken("KeyError") from error
        return json.dumps(answer).encode()

    def _start(self, request: Any) -> Any:
        if request["stateMachineArn"] == RECORDER:
            try:
                found = self.functions.ask("StartExecution", **request)
            except AwsError as error:
                raise broken(error.code) from error
            return {"executionArn": found["executionArn"], "startDate": 1}
        return {"executionArn": f"{PREFIX}:execution:run-sql:{request['name']}", "startDate": 1}

    def _history(self, request: Any) -> Any:
        if self.unknown:
            # As boto3 raises it, in whose model it is.
            raise type("ExecutionDoesNotExist", (ClientError,), {})(broken("ExecutionDoesNotExist").response, "Any")
        return {"events": self.history[: request["maxResults"]]}

    def _job_runs(self, request: Any) -> Any:
        first, runs = int(request.get("NextToken", 0)), self.runs[request["JobName"]]
        last = first + request["MaxResults"]
        return {"JobRuns": runs[first:last], **({"NextToken": str(last)} if last < len(runs) else {})}

    def _list(self, request: Any) -> Any:
        assert (request["stateMachineArn"], request["statusFilter"]) == (RUN_SQL, "RUNNING")
        first = int(request.get("nextToken", 0))
        last = first + min(request["maxResults"], self.page_size)
        found = [
            {
                "executionArn": f"{PREFIX}:execution:run-sql:{name}",
                "stateMachineArn": RUN_SQL,
                "name": name,
                "status": "RUNNING",
                "startDate": 1,
            }
            for name in self.nested[first:last]
        ]
        return {"executions": found, **({"nextToken": str(last)} if last < len(self.nested) else {})}

    def _describe(self, request: Any) -> Any:
        if ":execution:record-failure:" in request["executionArn"]:
            found = self.functions.ask("DescribeExecution", **request)
            kept = {name: found[name] for name in ("executionArn", "stateMachineArn", "status")}
            return {**kept, "startDate": 1}
        row = [{"StringValue": self.outcome}, {"StringValue": "dataset of the job"}]
        output = {"statement_id": "s", "seconds": 1, "records": [row]}
        described = {"executionArn": request["executionArn"], "stateMachineArn": RUN_SQL, "startDate": 1}
        return {**described, "status": "SUCCEEDED", "input": "{}", "output": json.dumps(output)}

    def _get(self, request: Any) -> Any:
        if request["Key"] not in self.files:
            raise broken("NoSuchKey")
        return self.files[request["Key"]][:60_000]

    def stopped(self) -> list[str]:
        """The IDs of job runs and the names of nested executions, in the order in which they were stopped."""
        ids = [id_ for name, request in self.calls if name == "batchStopJobRun" for id_ in request["JobRunIds"]]
        arns = [request["executionArn"] for name, request in self.calls if name == "stopExecution"]
        return [*ids, *(arn.rpartition(":")[2] for arn in arns)]

    def count(self, call: str) -> int:
        return [name for name, _ in self.calls].count(call)

    def messages(self) -> list[dict[str, Any]]:
        """What people were told, each with its subject."""
        return [{"Subject": request["Subject"], **json.loads(said["default"])} for request, said in self._said()]

    def texts(self, protocol: str) -> list[str]:
        """The same, as subscriptions of a protocol get it."""
        return [str(said.get(protocol, said["default"])) for _, said in self._said()]

    def _said(self) -> list[tuple[Any, Any]]:
        assert all(request["MessageStructure"] == "json" for request in self.told)
        return [(request, json.loads(request["Message"])) for request in self.told]

    def run(self, detail: Any = None) -> dict[str, Any]:
        """Deliver an event and return how the execution that works on it ended."""
        event = {
            "detail-type": "Step Functions Execution Status Change",
            "detail": DETAIL if detail is None else detail,
        }
        text = json.dumps(event, ensure_ascii=False)
        delivered = self.functions.ended(self.machine.start(input=text))
        assert delivered["status"] == "SUCCEEDED", delivered["cause"]
        started = json.loads(delivered["output"]).get("execution_arn")
        return self.functions.ended(started) if started else delivered


@pytest.fixture
def world(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> World:
    return unhurried(World(functions), monkeypatch)


@pytest.fixture
def chat_world(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> World:
    return unhurried(World(functions, has_chat=True), monkeypatch)


def unhurried(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(waits, "pause", lambda _, seconds: world.paused.append(seconds))
    return world


def assert_bounded(request: Mapping[str, Any]) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html; that the state has room for it as well."""
    assert len(request["Message"].encode()) < MOST
    assert len(json.dumps(dict(request))) < MOST
    assert all(isinstance(said, str) for said in json.loads(request["Message"]).values())
    assert len(json.loads(request["Message"])["sms"].encode()) <= 560
    assert request["Subject"].isascii()
    assert request["Subject"].isprintable()
    assert 0 < len(request["Subject"]) <= 100
    assert request["Subject"][0].isalnum()


def test_a_failure_is_recorded_and_told_once(world: World) -> None:
    ended = world.run()
    assert ended["status"] == "SUCCEEDED"
    [message] = world.messages()
    assert message == {
        "Subject": f"FAILED {JOB}: flights in CleanWithPython",
        "job_id": JOB,
        "dataset": "flights",
        "status": "FAILED",
        "failed_state": "CleanWithPython",
        "error": "States.TaskFailed",
        "cause": "Command failed with exit code 1",
        "counts": {},
        "execution_arn": ARN,
        "audit": "recorded in audit.job_run",
    }
    assert world.count("record") == world.count("cancel") == 1
    assert world.count("batchStopJobRun") == 0
    names = [request["name"] for name, request in world.calls if name in ("record", "cancel")]
    assert all(name.startswith(f"{JOB}-") and len(name) <= 80 for name in names)


LOOKS = (
    *("start", "getExecutionHistory", "getJobRuns", "batchStopJobRun", "listExecutions", "stopExecution"),
    *("evidence", "getObject"),
)


@pytest.mark.parametrize("broken_call", [*LOOKS, "cancel"])
def test_what_is_only_looked_for_may_fail(world: World, broken_call: str) -> None:
    world.runs["spark"], world.nested = [job_run("jr_1")], [f"{JOB}-load-{mark()}-0"]
    world.fails[broken_call] = -1
    assert world.run()["status"] == "SUCCEEDED"
    [message] = world.messages()
    assert (message["job_id"], message["audit"]) == (JOB, "recorded in audit.job_run")
    assert message["failed_state"] == ("-" if broken_call == "getExecutionHistory" else "CleanWithPython")
    assert world.count(broken_call) >= 1
    # None of these is needed to stop what another one finds.
    expected = {"getJobRuns": world.stopped()[-1:], "listExecutions": ["jr_1"]}
    assert sorted(set(world.stopped())) == sorted(expected.get(broken_call, ["jr_1", *world.nested]))


@pytest.mark.parametrize("gone", ["failure", "record"])
def test_people_are_told_at_once_and_the_failure_is_recorded_when_that_can_be_done(world: World, gone: str) -> None:
    world.fails[gone] = 40
    ended = world.run()
    assert ended["status"] == "SUCCEEDED"
    [message] = world.messages()
    assert message["execution_arn"] == ARN
    assert message["audit"].startswith("NOT recorded yet, which is tried again for 24 hours: ")
    assert "not now" in message["audit"]
    assert message["job_id"] == ("-" if gone == "failure" else JOB)
    # Told after a few quick tries, and recorded in the end.
    calls = [name for name, _ in world.calls if name != "describeExecution"]
    assert calls.index("publish") <= 18
    assert calls[-1] == "record"


def test_what_cannot_be_recorded_in_a_day_fails_where_a_redrive_goes_on(world: World) -> None:
    world.fails["record"] = -1
    ended = world.run()
    assert ended["status"] == "FAILED"
    assert world.functions.history(ended["executionArn"])[-2]["type"].value == "TaskFailed"
    assert sum(world.paused[-99:]) == 24 * 60 * 60
    world.fails["record"] = 0
    world.functions.events.clear()
    world.functions.ask("RedriveExecution", executionArn=ended["executionArn"])
    assert world.functions.ended(ended["executionArn"])["status"] == "SUCCEEDED"
    assert len(world.messages()) == 1
    names = [request["name"] for name, request in world.calls if name == "record"]
    assert names[-1].endswith("-1-0")
    assert len(set(names)) == len(names)


def test_who_cannot_be_told_now_is_told_later(world: World) -> None:
    world.fails["publish"] = 30
    assert world.run()["status"] == "SUCCEEDED"
    assert world.messages()[-1]["audit"] == "recorded in audit.job_run"
    assert (world.count("record"), world.count("publish")) == (1, 31)


def test_an_event_that_comes_twice_is_told_once(world: World) -> None:
    first, second = world.run(), world.run()
    assert first["executionArn"] == second["executionArn"]
    assert len(world.messages()) == 1
    later = world.run({**DETAIL, "redriveCount": 1})
    assert later["executionArn"] != first["executionArn"]
    assert len(world.messages()) == 2


def test_an_event_whose_execution_failed_can_be_started_again(world: World) -> None:
    world.fails["record"] = -1
    assert world.run()["status"] == "FAILED"
    world.fails["record"] = 0
    again = world.run()
    assert (again["status"], world.messages()[-1]["audit"]) == ("SUCCEEDED", "recorded in audit.job_run")
    assert again["executionArn"] != world.run()["executionArn"]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("LOADED", "the rows are loaded, so audit.job_run says SUCCEEDED, and audit.job_attempt has the failure; "
         "a redrive writes what is missing"),
        ("LOADED_ELSEWHERE", "another execution has loaded the job, so audit.job_run says SUCCEEDED; "
         "audit.job_attempt has the failure of this one"),
        ("LATER", "recorded in audit.job_attempt; audit.job_run is of another attempt"),
    ],
)  # fmt: skip
def test_the_message_says_what_the_warehouse_holds(world: World, outcome: str, said: str) -> None:
    world.outcome = outcome
    world.run()
    assert [message["audit"] for message in world.messages()] == [said]


def test_all_that_the_attempt_started_is_stopped(world: World) -> None:
    """Also what no history names, since the answer of its start was lost."""
    world.history = events("ExecutionFailed")
    world.runs = {
        "python": [job_run("jr_1"), job_run("jr_2", "STARTING"), job_run("jr_3", "WAITING")],
        "spark": [job_run("jr_over", "FAILED"), job_run("jr_stopping", "STOPPING"), job_run("jr_4")],
    }
    world.nested = [f"{JOB}-register-{mark()}-{retry}" for retry in range(5)]
    world.page_size = 2
    assert world.run()["status"] == "SUCCEEDED"
    assert sorted(world.stopped()) == sorted(["jr_1", "jr_2", "jr_3", "jr_4", *world.nested])
    stops = [request for name, request in world.calls if name == "batchStopJobRun"]
    assert sorted(request["JobName"] for request in stops) == ["python", "spark"]


OTHER = ARN + "-again"


def test_nothing_else_is_stopped(world: World) -> None:
    """A late event of an earlier attempt must not stop a redrive, nor another execution that continues the job."""
    stranger = JOB.replace("T12", "T13")
    world.runs["python"] = [
        job_run("of a redrive", attempt=mark(redrive=1)),
        job_run("of a continuation", attempt=mark(OTHER)),
        job_run("of another job with the same mark", job=stranger),
        {**job_run("by hand"), "Arguments": {}},
    ]
    own = "abcdef-0"
    world.nested = [
        f"{JOB}-load-{mark(redrive=1)}-0",
        f"{JOB}-load-{mark(OTHER)}-0",
        f"{stranger}-load-{mark()}-0",
        *(f"{JOB}-{step}-{mark()}-0" for step in ("cancel", "fail", "later")),
        f"{JOB}-cancel-{own}-0",
        "by-hand",
    ]
    assert world.run()["status"] == "SUCCEEDED"
    assert world.stopped() == []


def test_what_continues_a_job_is_stopped_by_its_own_mark(world: World) -> None:
    earlier = JOB.replace("T12", "T11")
    world.runs["python"] = [
        job_run("mine", job=earlier),
        job_run("of the earlier one", job=earlier, attempt=mark(OTHER)),
    ]
    world.nested = [f"{earlier}-find-{mark()}-0", f"{earlier}-load-{mark(OTHER)}-0"]
    world.run({**DETAIL, "input": json.dumps({"job_id": earlier})})
    assert world.stopped() == ["mine", world.nested[0]]


def test_a_redrive_is_stopped_by_its_own_mark(world: World) -> None:
    world.runs["python"] = [job_run("mine", attempt=mark(redrive=3), after=700), job_run("of the first attempt")]
    redriven = DETAIL["startDate"] + 600_000  # type: ignore[operator]
    world.run({**DETAIL, "redriveCount": 3, "redriveDate": redriven})
    assert world.stopped() == ["mine"]


def test_runs_are_looked_for_as_far_back_as_the_attempt(world: World) -> None:
    strangers = [job_run(f"other-{n}", attempt="abcdef-0", after=100 - n) for n in range(30)]
    before = [job_run(f"before-{n}", attempt="abcdef-0", after=-61 - n) for n in range(60)]
    world.runs["python"] = [*strangers, job_run("mine"), *before]
    world.run()
    assert world.stopped() == ["mine"]
    asked = [request for name, request in world.calls if name == "getJobRuns" and request["JobName"] == "python"]
    assert [(request["MaxResults"], request.get("NextToken")) for request in asked] == [(25, None), (25, "25")]


def test_runs_with_many_arguments_are_asked_for_one_by_one(world: World) -> None:
    long = "x" * 65_000
    world.runs["spark"] = [
        *(job_run(f"other-{n}", attempt="abcdef-0", parameters=long) for n in range(4)),
        *(job_run(f"mine-{n}", parameters=long) for n in range(2)),
    ]
    assert world.run()["status"] == "SUCCEEDED"
    assert world.stopped() == ["mine-0", "mine-1"]
    asked = [request["MaxResults"] for name, request in world.calls if name == "getJobRuns"]
    assert asked.count(1) == 6


def test_a_run_that_no_answer_holds_ends_the_search(world: World) -> None:
    world.runs["spark"] = [job_run("huge", parameters="x" * 300_000)]
    world.nested = [f"{JOB}-load-{mark()}-0"]
    assert world.run()["status"] == "SUCCEEDED"
    assert world.stopped() == world.nested
    assert world.messages()[0]["audit"] == "recorded in audit.job_run"


def test_the_search_for_runs_has_an_end(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    world = unhurried(World(functions, pages=20), monkeypatch)
    world.functions.answers["getJobRuns"] = world._answer("getJobRuns", lambda _: {"JobRuns": [], "NextToken": "more"})
    assert world.run()["status"] == "SUCCEEDED"
    assert world.count("getJobRuns") == 2 * 20


def test_the_dataset_of_a_continued_job_is_told(world: World) -> None:
    world.run({**DETAIL, "input": json.dumps({"job_id": JOB})})
    assert [message["dataset"] for message in world.messages()] == ["dataset of the job"]


@pytest.mark.parametrize(
    "arn",
    [
        f"{PREFIX}:execution:pipeline-2:nightly",
        f"{PREFIX}:execution:run-sql:pipeline:nightly",
        ARN.replace("us-east-1", "eu-west-1"),
        ARN.replace("000000000000", "000000000001"),
        "anything",
    ],
)
def test_an_event_of_something_else_is_refused(world: World, arn: str) -> None:
    ended = world.functions.ended(world.machine.start(input=json.dumps({"detail": {**DETAIL, "executionArn": arn}})))
    assert (ended["status"], ended["error"]) == ("FAILED", "OfAnotherStateMachine")
    assert ended["cause"] == f"detail.executionArn is {arn}; accepted: an execution of {PIPELINE}"
    assert world.calls == []


DAY = 24 * 60 * 60 * 1000


def days_ago(days: float) -> int:
    return int(time.time() * 1000 - days * DAY)


@pytest.mark.parametrize("start", [days_ago(0), days_ago(89.9), days_ago(-400), "now", None], ids=range(5))
def test_an_execution_that_never_was_is_refused(world: World, start: Any) -> None:
    world.unknown = True
    ended = world.run({**DETAIL, "startDate": start})
    assert (ended["status"], ended["error"]) == ("FAILED", "NoSuchExecution")
    assert ARN in ended["cause"]
    assert {name for name, _ in world.calls} == {"start", "getExecutionHistory"}


@pytest.mark.parametrize("detail", [{}, {"input": json.dumps({"job_id": JOB})}], ids=["begun", "continued"])
def test_the_failure_of_an_execution_that_is_forgotten_is_recorded(world: World, detail: Any) -> None:
    """Else audit.job_run would say RUNNING for ever, and no execution could continue the job."""
    world.unknown = True
    start = days_ago(90.1)
    assert world.run({**DETAIL, "startDate": start, "stopDate": start + DAY, **detail})["status"] == "SUCCEEDED"
    [message] = world.messages()
    assert message["job_id"] == (JOB if detail else job_id.make(ARN, start))
    assert (message["failed_state"], message["audit"]) == ("-", "recorded in audit.job_run")
    assert world.count("record") == 1


@pytest.mark.parametrize("count", [-1, 1.5, 2**31, 1e300, "2", True, None, [1]], ids=str)
def test_a_number_of_redrives_that_is_none_is_0(world: World, count: Any) -> None:
    """No column takes it, so the failure would never be recorded."""
    assert world.run({**DETAIL, "redriveCount": count})["status"] == "SUCCEEDED"
    [document] = [json.loads(request["input"]) for name, request in world.calls if name == "record"]
    assert {"name": "redrive_count", "value": "0"} in [
        {name.lower(): value for name, value in parameter.items()} for parameter in document["batch"]["parameters"]
    ]
    assert ", redrive 0\n" in world.texts("email")[0]


CHARACTERS = {
    "letters": "x",
    "quotes": '"',
    "umlauts": "ü",
    "emoji": "😀",
    "controls": "\x01",
    "lines": "\n",
    "backslashes": "\\",
}


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
@pytest.mark.parametrize("is_described", [True, False], ids=["described", "from the event alone"])
def test_a_failure_of_any_size_and_alphabet_is_told(chat_world: World, character: str, is_described: bool) -> None:
    world = chat_world
    world.fails["failure"] = 0 if is_described else 20
    detail = {
        **DETAIL,
        "executionArn": ARN.rpartition(":")[0] + ":" + ("n" if character in '"\\\n\x01' else character) * 80,
        "name": character * 80,
        "error": character * 256,
        "cause": character * 32_768,
    }
    # As much as the largest event has room for.
    room = 250_000 - len(json.dumps(detail, ensure_ascii=False).encode())
    most = room // len(json.dumps(json.dumps(character, ensure_ascii=False), ensure_ascii=False).encode())
    given = {"dataset": character * 130, "source_uri": character * most}
    detail["input"] = json.dumps(given, ensure_ascii=False)
    ended = world.run(detail)
    assert ended["status"] == "SUCCEEDED"
    published = [request for name, request in world.calls if name == "publish"]
    assert len(published) == 1
    assert_bounded(published[0])
    assert world.count("record") == 1


@pytest.mark.parametrize("text", [None, "[1]", '"text"', "null", "7", "{", "", "[" * 30_000], ids=range(8))
def test_an_input_of_another_kind_is_none(world: World, text: str | None) -> None:
    world.run({**DETAIL, "input": text, "inputDetails": {"included": text is not None}})
    [message] = world.messages()
    assert (message["dataset"], message["audit"]) == ("dataset of the job", "recorded in audit.job_run")


@pytest.mark.parametrize("detail", [{}, "text", [1], {"executionArn": 7}, {**DETAIL, "startDate": "now"}], ids=range(5))
def test_what_is_no_event_is_told_and_fails(world: World, detail: Any) -> None:
    assert world.run(detail)["status"] == "FAILED"
    [message] = world.messages()
    assert message["audit"].startswith("NOT recorded yet")
    assert_bounded(next(request for name, request in world.calls if name == "publish"))


def manifest(**more: Any) -> bytes:
    counts = dict.fromkeys(("rows_in", "rows_out", "bytes_in", "bytes_out", "files_out"), 5)
    document = {"manifest_version": VERSION, "stage": PYTHON, "stage_run": "3fa9c1-0-0a1b2c3d", "job_id": JOB, **counts}
    document["dataset"] = "flights"
    return json.dumps({**document, "rows_rejected": 0, **more}).encode()


@pytest.mark.parametrize(
    "bad",
    [b"", b"{", b"\xff\xfe", b"[]", b"x" * 200_000, '"ü'.encode() * 40_000, b"\\" * 70_000],
    ids=["empty", "cut", "no text", "another", "huge", "wide", "escapes"],
)
def test_a_bad_file_loses_only_itself(world: World, bad: bytes) -> None:
    world.files = {
        f"runs/{JOB}/python.json": manifest(),
        f"runs/{JOB}/spark.json": bad,
        f"runs/{JOB}/python-error.json": bad,
        f"runs/{JOB}/spark-error.json": bad,
    }
    assert world.run()["status"] == "SUCCEEDED"
    [message] = world.messages()
    assert message["counts"] == {"rows_in": 5, "rows_staged": 5, "rows_rejected": 0}


def test_a_variable_that_the_lambda_misses_hides_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAW_BUCKET", "LAKE_BUCKET", "ARTIFACTS_BUCKET", "CODE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    world.run()
    assert world.messages()[0]["audit"] == "recorded in audit.job_run"


def test_people_read_a_text(world: World) -> None:
    world.files = {f"runs/{JOB}/python.json": manifest()}
    world.run()
    assert world.texts("email") == [
        f"""Job {JOB} of dataset flights ended as FAILED.

Where: CleanWithPython (stage python), redrive 0
Why:   States.TaskFailed: Command failed with exit code 1
When:  2026-01-31 12:34:56 UTC to 2026-01-31 12:34:59 UTC
Rows:  rows_in 5, rows_staged 5, rows_rejected 0
Audit: recorded in audit.job_run

What to do: Mend what is named under Why, the source files or the contract (then deploy it), and redrive the execution.

pipeline trace {JOB}
aws stepfunctions redrive-execution --execution-arn {ARN}
"""
    ]
    assert world.texts("sms") == [f"FAILED {JOB}"]
    assert world.texts("https") == world.texts("sqs")


REDRIVE = "aws stepfunctions redrive-execution"


@pytest.mark.parametrize(
    ("detail", "state", "outcome", "advised", "redrives"),
    [
        (
            {"status": "ABORTED", "error": None, "cause": None},
            "TransformWithSpark",
            "FAILED",
            "stopped on request",
            True,
        ),
        ({"status": "TIMED_OUT", "error": None, "cause": None}, "LoadAndRecord", "FAILED", "what it waited for", True),
        ({"error": "InvalidInputError"}, "GenerateJobId", "FAILED", "an input that is accepted", False),
        ({}, "TransformWithSpark", "FAILED", "Mend transform.sql", True),
        ({}, "LoadAndRecord", "FAILED", "the warehouse refused", True),
        ({}, "RegisterJob", "FAILED", "in the state that failed", True),
        ({}, "WriteLoadManifest", "LOADED", "the rows are loaded", True),
        ({}, "LoadAndRecord", "LOADED_ELSEWHERE", "Nothing: another execution has loaded the job.", False),
        ({}, "CleanWithPython", "LATER", "a later attempt has the job", False),
    ],
)
def test_the_text_says_what_to_do(
    world: World, detail: Any, state: str, outcome: str, advised: str, redrives: bool
) -> None:
    world.outcome = outcome
    world.history = [{**events("TaskStateEntered")[0], "stateEnteredEventDetails": {"name": state}}]
    world.run({**DETAIL, **detail})
    [text] = world.texts("email")
    asked = text.partition("What to do: ")[2].partition("\n")[0]
    assert advised in asked
    assert f"Where: {state}" in text
    assert f"\npipeline trace {JOB}\n" in text
    assert (REDRIVE in text) is redrives


def test_a_job_that_another_execution_has_loaded_is_left_alone(chat_world: World) -> None:
    """A redrive is refused again, and what this attempt counted is not what was loaded."""
    world = chat_world
    world.outcome, world.files = "LOADED_ELSEWHERE", {f"runs/{JOB}/python.json": manifest()}
    world.run()
    [text], [message] = world.texts("email"), world.messages()
    assert "\nRows:  none loaded by this execution\n" in text
    assert text.endswith(f"What to do: Nothing: another execution has loaded the job.\n\npipeline trace {JOB}\n")
    assert message["counts"] == {}
    steps = json.loads(world.texts("https")[0])["content"]["nextSteps"]
    assert steps == ["Nothing: another execution has loaded the job.", f"`pipeline trace {JOB}`"]


def test_the_text_is_told_from_the_event_alone(world: World) -> None:
    world.fails["failure"] = 20
    world.history = []
    world.run({**DETAIL, "name": "nächtlich", "startDate": None, "stopDate": -5})
    [text] = world.texts("email")
    assert "Where: a state that is not known, redrive 0\n" in text
    assert "When:  an unknown time to an unknown time\n" in text
    assert "that is tried again for 24 hours by itself" in text
    assert f"\npipeline trace {ARN}\n" in text
    assert world.messages()[0]["Subject"] == "FAILED n?chtlich"


def test_a_redriven_attempt_begins_with_the_redrive(world: World) -> None:
    world.run({**DETAIL, "redriveCount": 2, "redriveDate": DETAIL["startDate"] + 60_000})  # type: ignore[operator]
    assert "redrive 2\n" in world.texts("email")[0]
    assert "When:  2026-01-31 12:35:56 UTC to" in world.texts("email")[0]


def test_chat_applications_get_their_own_form(chat_world: World) -> None:
    """https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html"""
    world = chat_world
    world.run({**DETAIL, "cause": "<!channel> `rm` & more"})
    [text] = world.texts("https")
    found = json.loads(text)
    assert (found["version"], found["source"], found["content"]["textType"]) == ("1.0", "custom", "client-markdown")
    assert found["content"]["title"] == ":x: FAILED: flights in CleanWithPython (stage python)"
    assert "\n*Why:* `States.TaskFailed: ‹!channel› 'rm' & more`\n" in found["content"]["description"]
    assert [step.partition(" ")[0] for step in found["content"]["nextSteps"]] == ["Mend", "`pipeline", "`aws"]
    assert found["content"]["keywords"] == ["FAILED", "flights", "CleanWithPython"]
    assert found["metadata"]["threadId"] == JOB
    assert found["metadata"]["additionalContext"]["execution_arn"] == ARN
    # Queues and functions, and people, get what they get without it.
    assert json.loads(world.texts("sqs")[0])["job_id"] == JOB
    assert world.texts("email")[0].startswith(f"Job {JOB}")
