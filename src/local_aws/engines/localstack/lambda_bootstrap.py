"""The program of a Lambda process: it imports a handler and answers one invocation after the other.

`python lambda_bootstrap.py FD` reads invocations from stdin, one JSON object per line, and writes the answers to the
file descriptor FD, one per line; what the handler prints goes where stdout and stderr go. It ends with stdin. Standard
library only: it runs in whatever interpreter serves the function.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, object], Any]


class Context:
    """What a function gets as its context.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.invoked_function_arn = invocation["arn"]
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.aws_request_id = invocation["id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = None
        self.client_context = None
        self._deadline = invocation["deadline_ms"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return max(0, int(self._deadline - time.time() * 1000))


def load(name: str) -> Handler:
    """Import "package.module.function" (or with slashes) from the task root.

    Raises:
        ImportError, AttributeError: there is no such module or function.
    """
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), function)
    return handler


def answer(handler: Handler, invocation: dict[str, Any]) -> dict[str, Any]:
    """Call the handler; an exception becomes the error document that Lambda gives."""
    try:
        result = handler(json.loads(invocation["payload"]), Context(invocation))
    except Exception as error:  # of the user's handler, as Lambda's own runtime does
        return failed(error, invocation["id"])
    try:
        return {"payload": json.dumps(result), "error": False}
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return failed(error, invocation["id"], kind="Runtime.MarshalError", message=message)


def failed(error: BaseException, request_id: str, *, kind: str = "", message: str = "") -> dict[str, Any]:
    """The error document, after its text went to the log.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    document = {
        "errorMessage": message or str(error),
        "errorType": kind or type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(traceback.extract_tb(error.__traceback__)),
    }
    trace = "".join(document["stackTrace"])
    print(f"[ERROR] {document['errorType']}: {document['errorMessage']}\nTraceback (most recent call last):\n{trace}")
    return {"payload": json.dumps(document), "error": True}


def main(descriptor: int) -> None:
    """Serve until stdin ends."""
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(message)s")
    with os.fdopen(os.dup(0), encoding="utf-8") as invocations, os.fdopen(descriptor, "w", encoding="utf-8") as answers:
        # A handler that reads stdin must not take the next invocation.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.set_inheritable(descriptor, False)
        sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
        handler: Handler | None = None
        for line in invocations:
            invocation = json.loads(line)
            try:
                handler = handler or load(os.environ["_HANDLER"])
            except Exception as error:  # of the user's module, which runs as it is imported
                kind = "Runtime.ImportModuleError" if isinstance(error, ImportError) else ""
                said = failed(error, invocation["id"], kind=kind)
            else:
                said = answer(handler, invocation)
            # The log of an invocation is read when its answer is there.
            sys.stdout.flush()
            sys.stderr.flush()
            answers.write(json.dumps(said) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
