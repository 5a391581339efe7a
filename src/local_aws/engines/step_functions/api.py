"""The operations of Step Functions, for an emulator that has none of the interpreter's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from local_aws.engines.step_functions.activities import Activities
from local_aws.engines.step_functions.execution_log import Logs
from local_aws.engines.step_functions.executions import Executions
from local_aws.engines.step_functions.interpreter import Interpreter
from local_aws.engines.step_functions.state_machines import StateMachines
from local_aws.engines.step_functions.store import Store
from local_aws.engines.step_functions.test_state import SingleStates
from local_aws.engines.step_functions.validation import check_members
from local_aws.engines.step_functions.versions import Aliases, Versions
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

# What is answered without waiting for anything and without asking another service.
AT_ONCE: Final = frozenset({"StartExecution", "DescribeExecution"})


class StepFunctions:
    """Answers the service's JSON protocol. The interpreter is changed before, by `changes.apply`.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
    """

    def __init__(
        self, interpreter: Interpreter, *, region: str, account_id: str, logs_client: Callable[[], Any]
    ) -> None:
        self.store = Store(interpreter, region=region, account_id=account_id, logs=Logs(logs_client))
        machines, versions, aliases = StateMachines(self.store), Versions(self.store), Aliases(self.store)
        executions, activities = Executions(self.store), Activities(self.store)
        self._operations: dict[str, Callable[[JsonMapping], JsonObject]] = {
            "CreateStateMachine": machines.create,
            "UpdateStateMachine": machines.update,
            "DescribeStateMachine": machines.describe,
            "ListStateMachines": machines.list,
            "DeleteStateMachine": machines.delete,
            "ValidateStateMachineDefinition": machines.validate,
            "TagResource": machines.tag,
            "UntagResource": machines.untag,
            "ListTagsForResource": machines.tags,
            "PublishStateMachineVersion": versions.publish,
            "ListStateMachineVersions": versions.list,
            "DeleteStateMachineVersion": versions.delete,
            "CreateStateMachineAlias": aliases.create,
            "DescribeStateMachineAlias": aliases.describe,
            "UpdateStateMachineAlias": aliases.update,
            "DeleteStateMachineAlias": aliases.delete,
            "ListStateMachineAliases": aliases.list,
            "StartExecution": executions.start,
            "StartSyncExecution": executions.start_sync,
            "RedriveExecution": executions.redrive,
            "StopExecution": executions.stop,
            "DescribeExecution": executions.describe,
            "DescribeStateMachineForExecution": executions.state_machine,
            "GetExecutionHistory": executions.history,
            "ListExecutions": executions.list,
            "DescribeMapRun": executions.describe_map_run,
            "ListMapRuns": executions.list_map_runs,
            "UpdateMapRun": executions.update_map_run,
            "CreateActivity": activities.create,
            "DescribeActivity": activities.describe,
            "ListActivities": activities.list,
            "DeleteActivity": activities.delete,
            "GetActivityTask": activities.get_task,
            "TestState": SingleStates(self.store).answer,
            "SendTaskSuccess": activities.succeed,
            "SendTaskFailure": activities.fail,
            "SendTaskHeartbeat": activities.heartbeat,
        }

    def handle(self, operation: str, request: Mapping[str, object]) -> JsonObject:
        """Carry out an operation. Times in the answer are datetimes.

        Raises:
            AwsError: the answer is an error.
        """
        if operation not in self._operations:
            raise AwsError("UnknownOperationException", f"{operation} is not implemented here")
        check_members(operation, request)
        answer = self._operations[operation](request)
        return {name: value for name, value in answer.items() if value is not None}
