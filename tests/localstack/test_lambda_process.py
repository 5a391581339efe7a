"""Lambda functions in processes, as Lambda answers for them.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws import processes
from local_aws.engines.localstack.lambda_process import InvocationAnswer, LambdaProcess

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
Make = Callable[..., LambdaProcess]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[LambdaProcess] = []

    def build(code: str, handler: str = "app.main.handler", **environment: str) -> LambdaProcess:
        root = tmp_path / "code"
        (root / "app").mkdir(parents=True)
        (root / "app" / "main.py").write_text(code)
        process = LambdaProcess(root, {"_HANDLER": handler, **environment}, tmp_path / "run")
        made.append(process)
        return process

    yield build
    for process in made:
        process.stop()


def invoke(process: LambdaProcess, event: Any = None, *, seconds: float = 60.0) -> InvocationAnswer:
    return process.invoke("request-1", ARN, json.dumps(event), timeout_seconds=seconds)


def test_a_handler_gets_event_context_and_environment_and_its_output_is_the_log(make: Make) -> None:
    code = """
import os, sys
count = 0
def handler(event, context):
    global count
    count += 1
    print("said", event["x"]); print("complained", file=sys.stderr)
    return [event, context.aws_request_id, context.invoked_function_arn, os.environ["KEY"], count,
            0 < context.get_remaining_time_in_millis() <= 60000]
"""
    process = make(code, KEY="value")
    for count in (1, 2):  # one process for both
        answer = invoke(process, {"x": count})
        assert json.loads(answer.payload) == [{"x": count}, "request-1", ARN, "value", count, True]
        assert not answer.is_error
        assert f"said {count}" in answer.logs
        assert "complained" in answer.logs
    assert "said 1" not in answer.logs


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("class Refused(Exception): ...\ndef handler(e, c): raise Refused('field x')", "Refused", "field x"),
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "Unable to marshal response"),
        ("import nothing_like_it", "Runtime.ImportModuleError", "nothing_like_it"),
        ("", "AttributeError", "handler"),
    ],
)
def test_a_failed_invocation_is_lambdas_error_document(make: Make, code: str, kind: str, message: str) -> None:
    answer = invoke(make(code))
    document = json.loads(answer.payload)
    assert answer.is_error
    assert document["errorType"] == kind
    assert message in document["errorMessage"]
    assert kind in answer.logs


def test_a_handler_that_ends_its_process_is_an_error_and_the_next_gets_a_new_one(make: Make) -> None:
    process = make("import os\ndef handler(e, c):\n    if e: os._exit(7)\n    return os.getpid()")
    first = invoke(process)
    died = invoke(process, True)
    assert json.loads(died.payload)["errorType"] == "Runtime.ExitError"
    assert "exit status 7" in died.payload
    second = invoke(process)
    assert not second.is_error
    assert second.payload != first.payload


def test_a_handler_that_takes_too_long_is_ended(make: Make) -> None:
    process = make("import os, time\ndef handler(e, c):\n    print(os.getpid(), flush=True)\n    time.sleep(3600)")
    answer = invoke(process, seconds=1.0)
    assert answer.is_error
    assert "Task timed out after 1.00 seconds" in answer.payload
    with pytest.raises(ProcessLookupError):
        os.kill(int(answer.logs.split()[0]), 0)


def test_a_stop_ends_the_invocation_that_is_going_on_and_refuses_further_ones(make: Make, tmp_path: Path) -> None:
    fifo = tmp_path / "begun"
    os.mkfifo(fifo)
    process = make(f"import time\ndef handler(e, c):\n    open({str(fifo)!r}, 'w').close()\n    time.sleep(3600)")
    answers: list[InvocationAnswer] = []
    waiting = threading.Thread(target=lambda: answers.append(invoke(process)))
    waiting.start()
    fifo.read_text()  # until the handler runs
    process.stop()
    waiting.join()
    assert "signal: SIGKILL" in answers[0].payload
    with pytest.raises(RuntimeError, match="was stopped"):
        invoke(process)


def test_a_function_has_the_mark_by_which_it_ends_with_its_endpoint(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(processes.OWNER, "/the/endpoint")
    process = make(f"import os\ndef handler(event, context):\n    return os.environ[{processes.OWNER!r}]\n")
    assert json.loads(invoke(process).payload) == "/the/endpoint"
