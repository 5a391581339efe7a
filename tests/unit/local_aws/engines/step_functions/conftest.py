"""Step Functions on moto's interpreter, in this process: what services answer to tasks is told by the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from local_aws.endings import Endings
from local_aws.engines.step_functions import changes
from local_aws.engines.step_functions.api import StepFunctions
from local_aws.engines.step_functions.interpreter import MOTO
from local_aws.services.faults.fault_rules import Faults
from tests.waiting import SECONDS, until

ROLE = "arn:aws:iam::000000000000:role/machine"
_SESSION = boto3.session.Session()  # one for all: it keeps the services' models
# The members of a request to its answer: those of the document, or a body; a (code, message) is an error.
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any] | bytes | tuple[str, str]]


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body

    def read(self, *_: Any) -> bytes:
        body, self._body = self._body, b""
        return body


@dataclass
class Machine:
    """A state machine, and what one does with it."""

    functions: Functions
    arn: str

    def start(self, document: Any = None, **members: Any) -> str:
        """Start an execution and return its ARN."""
        request = {"stateMachineArn": self.arn, "input": json.dumps({} if document is None else document), **members}
        return str(self.functions.ask("StartExecution", **request)["executionArn"])

    def run(self, document: Any = None) -> dict[str, Any]:
        """Start an execution and describe it when it has ended."""
        return self.functions.ended(self.start(document))


@dataclass
class Functions:
    """The service, with the status events that it sent and the answers of other services, by API ("invoke")."""

    service: StepFunctions
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    heard: Callable[[dict[str, Any]], None] = field(default=lambda _: None)
    permit: Callable[..., None] = field(default=lambda *_: None)
    faults: Faults = field(default_factory=Faults)
    endings: Endings = field(default_factory=Endings)
    running: set[str] = field(default_factory=set)
    told: threading.Condition = field(default_factory=threading.Condition)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _clients: dict[str, Any] = field(default_factory=dict)

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.service.handle(operation, request)

    def machine(self, states: Mapping[str, Any], *, name: str = "machine", **fields: Any) -> Machine:
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **fields}
        made = self.ask("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE)
        return Machine(self, made["stateMachineArn"])

    def ended(self, arn: str) -> dict[str, Any]:
        """An execution once it has ended: its last status event is sent after that."""
        with self.told:
            assert self.told.wait_for(lambda: self.last_status(arn) not in (None, "RUNNING"), SECONDS)
        return self.ask("DescribeExecution", executionArn=arn)

    def last_status(self, arn: str) -> str | None:
        return next((found["status"] for found in reversed(self.events) if found["executionArn"] == arn), None)

    def history(self, arn: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GetExecutionHistory", executionArn=arn, maxResults=1000)["events"]
        return found

    def types(self, arn: str) -> list[str]:
        return [str(event["type"].value) for event in self.history(arn)]

    def reached(self, arn: str, type_: str, count: int = 1) -> None:
        """Wait until the history has events of a type."""
        until(lambda: self.types(arn).count(type_) >= count, f"{count} {type_}")

    def tell(self, _execution: Any, event: dict[str, Any]) -> None:
        self.heard(json.loads(event["Detail"]))
        with self.told:
            self.events.append(json.loads(event["Detail"]))
            self.told.notify_all()

    def note(self, arn: str, runs: bool) -> None:
        (self.running.add if runs else self.running.discard)(arn)

    def client_for(self, region: str, service: str, _credentials: Any) -> Any:
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._client(region, service)
            return self._clients[service]

    def _client(self, region: str, service: str) -> Any:
        client: Any = _SESSION.client(
            service,  # type: ignore[call-overload]
            region_name=region,
            aws_access_key_id="a",
            aws_secret_access_key="b",
            endpoint_url="http://127.0.0.1:1",
            config=Config(retries={"total_max_attempts": 1}),
        )
        asked = threading.local()

        def keep(params: dict[str, Any], **_: Any) -> None:
            asked.parameters = dict(params)

        client.meta.events.register("provide-client-params", keep)

        def answer(request: Any, event_name: str, **_: Any) -> AWSResponse:
            api = event_name.rpartition(".")[2]
            found = self.answers[api[0].lower() + api[1:]](asked.parameters)
            if isinstance(found, bytes):
                return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(found))
            if not isinstance(found, tuple):
                return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(json.dumps(found).encode()))
            code, message = found
            error: dict[str, str] = {"__type": code, "message": message, "Message": message}
            body = (
                f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
                if service == "s3"
                else json.dumps(error)
            )
            headers = HTTPHeaders.from_dict({"x-amzn-errortype": code})
            return AWSResponse(request.url, 400, headers, _Raw(body.encode()))

        client.meta.events.register("before-send", answer)
        return client


@pytest.fixture
def functions() -> Iterator[Functions]:
    """The service with nothing in it."""
    made = Functions(StepFunctions(MOTO, region="us-east-1", account_id="000000000000", logs_client=lambda: None))
    done = changes.apply(
        MOTO,
        emit=made.tell,
        note=made.note,
        faults=made.faults,
        client_for=made.client_for,
        permit=lambda *what: made.permit(*what),
        endings=made.endings,
    )
    yield made
    done.undo()
