"""Activities, and the task tokens that workers answer with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from aws_facts.states_api import MOST_STATE_BYTES
from local_aws.engines.step_functions import validation
from local_aws.engines.step_functions.execution_input import json_error
from local_aws.engines.step_functions.paging import page
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

# GetActivityTask holds the connection for a minute.
_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN_LOOKS = 0.1
_GONE = "Task Timed Out: 'Provided task does not exist anymore'"


class Activities:
    """Operations on activities and tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._activity = store.interpreter.get("backend.activity", "Activity")
        callback = store.interpreter.module("asl.eval.callback.callback")
        self._success, self._failure = callback.CallbackOutcomeSuccess, callback.CallbackOutcomeFailure
        self._consumer_error, self._timeout = callback.CallbackNotifyConsumerError, callback.CallbackConsumerTimeout
        self._activity_endpoint = callback.ActivityCallbackEndpoint

    def create(self, request: JsonMapping) -> JsonObject:
        """CreateActivity; one that is there already is given again."""
        name = request["name"]
        validation.check_name(name)
        arn = self._store.arn("activity", name)
        with self._store.lock:
            activity = self._store.activities.setdefault(arn, self._activity(arn=arn, name=name))
        return {"activityArn": activity.arn, "creationDate": activity.creation_date}

    def delete(self, request: JsonMapping) -> JsonObject:
        """Answer DeleteActivity."""
        validation.check_arn(request["activityArn"], validation.ACTIVITY_ARN)
        self._store.activities.pop(request["activityArn"], None)
        return {}

    def describe(self, request: JsonMapping) -> JsonObject:
        """Answer DescribeActivity."""
        return dict(self._found(request).to_describe_activity_output())

    def list(self, request: JsonMapping) -> JsonObject:
        """Answer ListActivities."""
        found = [activity.to_activity_list_item() for activity in list(self._store.activities.values())]
        items, more = page(found, request, lambda item: str(item["activityArn"]))
        return {"activities": items, **more}

    def get_task(self, request: JsonMapping) -> JsonObject:
        """GetActivityTask: waits up to a minute for a task; without one, the token is null."""
        activity = self._found(request)
        end = time.monotonic() + _SECONDS_TO_WAIT
        while True:
            try:
                task = activity.get_task()
                break
            except IndexError:
                if time.monotonic() > end:
                    return {"taskToken": None, "input": None}
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        for execution in list(self._store.executions.values()):
            endpoint = execution.exec_worker.env.callback_pool_manager.get(callback_id=task.task_token)
            if isinstance(endpoint, self._activity_endpoint):
                endpoint.notify_activity_task_start(worker_name=request.get("workerName"))
                return {"taskToken": task.task_token, "input": task.task_input}
        raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")

    def succeed(self, request: JsonMapping) -> JsonObject:
        """Answer SendTaskSuccess."""
        pool = self._pool(request)
        text = request["output"]
        if len(text.encode()) > MOST_STATE_BYTES:
            rule = f"Member must have length less than or equal to {MOST_STATE_BYTES}"
            said = f"1 validation error detected: Value at 'output' failed to satisfy constraint: {rule}"
            raise AwsError("ValidationException", said)
        try:
            json.loads(text)
        except ValueError as error:
            raise AwsError("InvalidOutput", f"Invalid Output: '{json_error(text, error)}'") from error
        outcome = self._success(callback_id=request["taskToken"], output=text)
        return self._tell(lambda: pool.notify(callback_id=request["taskToken"], outcome=outcome))

    def fail(self, request: JsonMapping) -> JsonObject:
        """Answer SendTaskFailure."""
        pool = self._pool(request)
        outcome = self._failure(
            callback_id=request["taskToken"], error=request.get("error"), cause=request.get("cause")
        )
        return self._tell(lambda: pool.notify(callback_id=request["taskToken"], outcome=outcome))

    def heartbeat(self, request: JsonMapping) -> JsonObject:
        """SendTaskHeartbeat; a task that asks for none takes it too."""
        pool = self._pool(request)
        return self._tell(lambda: pool.heartbeat(callback_id=request["taskToken"]))

    def _pool(self, request: JsonMapping) -> Any:
        """Where the task of a token waits.

        Raises:
            AwsError: InvalidToken, or TaskTimedOut where its execution has ended.
        """
        for execution in list(self._store.executions.values()):
            pool = execution.exec_worker.env.callback_pool_manager
            if pool.get(callback_id=request["taskToken"]) is None:
                continue
            if execution.exec_status != "RUNNING":
                raise AwsError("TaskTimedOut", _GONE)
            return pool
        raise AwsError("InvalidToken", "Invalid Token: 'Invalid token'")

    def _tell(self, tell: Callable[[], bool]) -> JsonObject:
        try:
            tell()
        except self._consumer_error as error:
            if isinstance(error.callback_consumer_error, self._timeout):
                raise AwsError("TaskTimedOut", _GONE) from error
            raise AwsError("TaskDoesNotExist", "Task does not exist") from error
        return {}

    def _found(self, request: JsonMapping) -> Any:
        arn = request["activityArn"]
        validation.check_arn(arn, validation.ACTIVITY_ARN)
        if arn not in self._store.activities:
            raise AwsError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        return self._store.activities[arn]
