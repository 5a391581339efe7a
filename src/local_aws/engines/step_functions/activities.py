"""Activities, and the task tokens that workers answer with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.engines.step_functions import validation
from local_aws.engines.step_functions.paging import page
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError

Request = Mapping[str, Any]
Answer = dict[str, Any]
# GetActivityTask holds the connection for a minute.
_SECONDS_TO_WAIT = 60.0
_SECONDS_BETWEEN_LOOKS = 0.1


class Activities:
    """Operations on activities and tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._activity = store.interpreter.get("backend.activity", "Activity")
        callback = store.interpreter.module("asl.eval.callback.callback")
        self._success, self._failure = callback.CallbackOutcomeSuccess, callback.CallbackOutcomeFailure
        self._consumer_error, self._timeout = callback.CallbackNotifyConsumerError, callback.CallbackConsumerTimeout
        self._activity_endpoint = callback.ActivityCallbackEndpoint

    def create(self, request: Request) -> Answer:
        """CreateActivity; one that is there already is given again."""
        name = request["name"]
        validation.check_name(name)
        arn = self._store.arn("activity", name)
        with self._store.lock:
            activity = self._store.activities.setdefault(arn, self._activity(arn=arn, name=name))
        return {"activityArn": activity.arn, "creationDate": activity.creation_date}

    def delete(self, request: Request) -> Answer:
        """DeleteActivity"""
        validation.check_arn(request["activityArn"], validation.ACTIVITY_ARN)
        self._store.activities.pop(request["activityArn"], None)
        return {}

    def describe(self, request: Request) -> Answer:
        """DescribeActivity"""
        return dict(self._found(request).to_describe_activity_output())

    def list(self, request: Request) -> Answer:
        """ListActivities"""
        found = [activity.to_activity_list_item() for activity in list(self._store.activities.values())]
        items, more = page(found, request, lambda item: str(item["activityArn"]))
        return {"activities": items, **more}

    def get_task(self, request: Request) -> Answer:
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
        raise AwsError("InvalidToken", "Invalid token")

    def succeed(self, request: Request) -> Answer:
        """SendTaskSuccess"""
        try:
            json.loads(request["output"])
        except ValueError as error:
            raise AwsError("InvalidOutput", f"Invalid Output: '{error}'") from error
        outcome = self._success(callback_id=request["taskToken"], output=request["output"])
        return self._tell(lambda pool: pool.notify(callback_id=request["taskToken"], outcome=outcome))

    def fail(self, request: Request) -> Answer:
        """SendTaskFailure"""
        outcome = self._failure(
            callback_id=request["taskToken"], error=request.get("error"), cause=request.get("cause")
        )
        return self._tell(lambda pool: pool.notify(callback_id=request["taskToken"], outcome=outcome))

    def heartbeat(self, request: Request) -> Answer:
        """SendTaskHeartbeat"""
        return self._tell(lambda pool: pool.heartbeat(callback_id=request["taskToken"]))

    def _tell(self, told: Callable[[Any], bool]) -> Answer:
        for execution in list(self._store.executions.values()):
            try:
                if told(execution.exec_worker.env.callback_pool_manager):
                    return {}
            except self._consumer_error as error:
                if isinstance(error, self._timeout):
                    raise AwsError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'") from error
                raise AwsError("TaskDoesNotExist", "Task does not exist") from error
        raise AwsError("InvalidToken", "Invalid token")

    def _found(self, request: Request) -> Any:
        arn = request["activityArn"]
        validation.check_arn(arn, validation.ACTIVITY_ARN)
        if arn not in self._store.activities:
            raise AwsError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        return self._store.activities[arn]
