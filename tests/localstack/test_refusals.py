"""Requests that LocalStack takes and AWS refuses: each change is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any

import pytest

from local_aws.endings import Endings
from local_aws.services.faults.fault_rules import Faults

# Of what LocalStack imports.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
WRONG = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Seconds": 1, "End": True}}})
RIGHT = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}})


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module over services that take everything."""
    module: Any = importlib.import_module("local_aws.engines.localstack.messages")

    def publish(
        _self: Any,
        _context: Any,
        message: str,
        _topic: str = "",
        subject: str | None = None,
        message_structure: str | None = None,
    ) -> str:
        return f"{message} {subject} {message_structure}"

    def publish_batch(_self: Any, _context: Any, publish_batch_request_entries: Any) -> str:
        return str(publish_batch_request_entries)

    def put_message(_self: Any, _queue: Any, _context: Any, message_body: str, delay_seconds: int | None = None) -> str:
        return f"{message_body} {delay_seconds}"

    def put_events(_self: Any, _context: Any, entries: Any) -> str:
        return str(entries)

    monkeypatch.setattr(module.SnsProvider, "publish", publish)
    monkeypatch.setattr(module.SnsProvider, "publish_batch", publish_batch)
    monkeypatch.setattr(module.SqsProvider, "_put_message", put_message)
    monkeypatch.setattr(module.EventsProvider, "put_events", put_events)
    module.change()
    module.change()
    return module


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "right"),
    [
        ("SnsProvider", "publish", {"message": "m", "subject": "a\nb"}, {"message": "m", "subject": "a"}),
        ("SnsProvider", "publish", {"message": ""}, {"message": "m"}),
        ("SnsProvider", "publish", {"message": "[]", "message_structure": "json"}, {"message": "[]"}),
        (
            "SnsProvider",
            "publish_batch",
            {"publish_batch_request_entries": [{"Message": "m", "Subject": "ü"}]},
            {"publish_batch_request_entries": [{"Message": "m"}]},
        ),
        (
            "SqsProvider",
            "_put_message",
            {"_queue": None, "message_body": "m", "delay_seconds": 901},
            {"_queue": None, "message_body": "m", "delay_seconds": 900},
        ),
        ("EventsProvider", "put_events", {"entries": []}, {"entries": [{}]}),
    ],
)
def test_messages_that_are_refused(messages: Any, owner: str, name: str, wrong: Any, right: Any) -> None:
    from localstack.aws.api import CommonServiceException

    operation = getattr(getattr(messages, owner), name)
    with pytest.raises(CommonServiceException):
        operation(None, _context=None, **wrong)
    assert operation(None, _context=None, **right)


def test_localstack_checks_no_delay_and_no_length_of_a_subject() -> None:
    sns: Any = importlib.import_module("localstack.services.sns.provider")
    queues: Any = importlib.import_module("localstack.services.sqs.queue")
    assert "len(subject)" not in inspect.getsource(sns)
    assert "900" not in inspect.getsource(queues)


def test_a_definition_with_a_field_that_aws_refuses_is_refused() -> None:
    from localstack.aws.api.stepfunctions import InvalidDefinition
    from localstack.services.stepfunctions.asl.static_analyser.static_analyser import StaticAnalyser
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    ours: Any = importlib.import_module("local_aws.engines.localstack.step_functions")
    StepFunctionsProvider._validate_definition(WRONG, [StaticAnalyser()])  # LocalStack's own takes it
    changes = ours.change(Faults(), lambda *_: None, Endings())
    try:
        StepFunctionsProvider._validate_definition(RIGHT, [StaticAnalyser()])
        with pytest.raises(InvalidDefinition) as refused:
            StepFunctionsProvider._validate_definition(WRONG, [StaticAnalyser()])
    finally:
        changes.undo()
    assert "Field 'Seconds' is not supported" in str(refused.value)


@pytest.mark.parametrize("command", [{"Name": "spark"}, {"Name": "pythonshell", "PythonVersion": "3.7"}])
def test_a_job_that_glue_has_not_is_refused(command: dict[str, str]) -> None:
    from localstack.aws.api import CommonServiceException

    providers: Any = importlib.import_module("local_aws.engines.localstack.providers")
    made: list[Any] = []
    operation = providers._checked("CreateJob", lambda _context, request: made.append(request))
    job = {"Name": "j", "Role": "r", "Command": {"Name": "pythonshell", "PythonVersion": "3.9"}}
    operation(None, job)
    with pytest.raises(CommonServiceException):
        operation(None, {**job, "Command": command})
    assert made == [job]
