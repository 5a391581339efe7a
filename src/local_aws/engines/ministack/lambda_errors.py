"""What a Python function of MiniStack's raises or returns, in the form that AWS's runtime gives it.

https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

from __future__ import annotations

import json
from typing import Final

from local_aws.json_types import JsonObject

# Of MiniStack's worker. It tells the message of an exception only, and cannot write bytes, which AWS's runtime takes
# for the payload itself.
_ANSWERS: Final = '_real_stdout.write(json.dumps({"status": "ok", "result": result})'
_BYTES: Final = "_payload(result)"
_PAYLOAD: Final = """
import json

def _payload(result):
    if not isinstance(result, bytes):
        return result
    try:
        return json.loads(result)
    except ValueError:
        return result.decode()

"""
_FAILS: Final = 'json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
_RAISED: Final = (
    'json.dumps({"errorMessage": str(e), "errorType": type(e).__name__, "stackTrace": '
    '[frame.replace(code_dir, "/var/task") for frame in traceback.format_list('
    "[one for one in traceback.extract_tb(e.__traceback__) if not one.filename.endswith('_worker.py')])]})"
)


def worker(script: str) -> str:
    """MiniStack's worker with these answers.

    Raises:
        ValueError: it is not the version that this was written for.
    """
    if _ANSWERS not in script or _FAILS not in script:
        raise ValueError("the worker of MiniStack's Python functions has changed")
    script = script.replace(_ANSWERS, _ANSWERS.replace('"result": result', f'"result": {_BYTES}'))
    return _PAYLOAD + script.replace(_FAILS, _FAILS.replace('"error": str(e)', f'"error": {_RAISED}'))


def named(answer: JsonObject, request_id: str) -> JsonObject:
    """An answer whose error is what AWS answers: with its type, the request and the stack."""
    body = answer.get("body")
    if not answer.get("error") or not isinstance(body, dict):
        return answer
    try:
        raised = json.loads(body.get("errorMessage", ""))
        parts = {name: raised[name] for name in ("errorMessage", "errorType", "stackTrace")}
    except (ValueError, TypeError, KeyError):  # a time-out, or a worker that could not start
        return answer
    stack = parts.pop("stackTrace")
    return {**answer, "body": {**parts, "requestId": request_id, "stackTrace": stack}}
