"""What a Python function raises or returns, from MiniStack's worker to AWS's form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ministack.core.lambda_runtime import _PYTHON_WORKER_SCRIPT

from local_aws.engines.ministack import lambda_errors
from tests.waiting import SECONDS

FUNCTION = """
class Refused(Exception):
    pass

def check(event):
    raise Refused("no such " + event["what"])

def handler(event, context):
    if event["what"] == "bytes":
        return event["answer"].encode()
    check(event)
"""


def invoke(directory: Path, event: dict[str, Any]) -> dict[str, Any]:
    """The worker's answer to an invocation."""
    (directory / "app.py").write_text(FUNCTION)
    script = directory / "_worker.py"
    script.write_text(lambda_errors.worker(_PYTHON_WORKER_SCRIPT))
    init = {"code_dir": str(directory), "module": "app", "handler": "handler", "env": {}}
    lines = f"{json.dumps(init)}\n{json.dumps({'event': event, **event})}\n"
    ran = subprocess.run(
        [sys.executable, script], input=lines, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def test_the_worker_is_the_one_that_is_changed() -> None:
    assert lambda_errors.worker(_PYTHON_WORKER_SCRIPT) != _PYTHON_WORKER_SCRIPT
    with pytest.raises(ValueError, match="has changed"):
        lambda_errors.worker("print()")


def test_an_exception_keeps_its_type_and_its_stack(tmp_path: Path) -> None:
    told = invoke(tmp_path, {"what": "thing"})

    answer = lambda_errors.named({"error": True, "body": {"errorMessage": told["error"]}}, "r-1")

    assert answer["body"] == {
        "errorMessage": "no such thing",
        "errorType": "Refused",
        "requestId": "r-1",
        "stackTrace": [
            '  File "/var/task/app.py", line 11, in handler\n    check(event)\n',
            '  File "/var/task/app.py", line 6, in check\n    raise Refused("no such " + event["what"])\n',
        ],
    }


@pytest.mark.parametrize(("payload", "result"), [('{"a": 1}', {"a": 1}), ('"text"', "text"), ("plain", "plain")])
def test_bytes_are_the_payload_itself(tmp_path: Path, payload: str, result: Any) -> None:
    assert invoke(tmp_path, {"what": "bytes", "answer": payload})["result"] == result


@pytest.mark.parametrize(
    "body", [{"errorMessage": "Task timed out after 3.00 seconds"}, {"errorMessage": "{}"}, "text"]
)
def test_what_no_function_raised_stays_as_it_is(body: Any) -> None:
    answer = {"error": True, "body": body}

    assert lambda_errors.named(answer, "r-1") is answer
