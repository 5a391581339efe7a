"""What the service has: state machines with their versions and aliases, executions, activities."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final

from local_aws.engines.step_functions.execution_log import Logs
from local_aws.engines.step_functions.interpreter import Interpreter
from local_aws.errors import AwsError

# AWS keeps executions for 90 days; here the latest are kept.
MOST_ENDED_EXECUTIONS: Final = 10_000


class Store:
    """What Step Functions keeps, by ARN: objects of the interpreter's `backend`.

    Args:
        interpreter: the one that executes.
        region: of all ARNs.
        account_id: of all ARNs.
        logs: where executions write to.
    """

    def __init__(self, interpreter: Interpreter, *, region: str, account_id: str, logs: Logs) -> None:
        self.interpreter = interpreter
        self.region = region
        self.account_id = account_id
        self.logs = logs
        self.state_machines: OrderedDict[str, Any] = OrderedDict()
        self.aliases: dict[str, Any] = {}
        self.executions: OrderedDict[str, Any] = OrderedDict()
        self.activities: OrderedDict[str, Any] = OrderedDict()
        self.lock = threading.RLock()
        self._revision = interpreter.get("backend.state_machine", "StateMachineRevision")

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a stateMachine, execution, express or activity."""
        return f"arn:aws:states:{self.region}:{self.account_id}:{kind}:{name}"

    def revision(self, arn: str) -> Any:
        """A state machine itself, not one of its versions.

        Raises:
            AwsError: StateMachineDoesNotExist.
        """
        found = self.state_machines.get(arn)
        if not isinstance(found, self._revision):
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return found

    def revisions(self) -> list[Any]:
        """All state machines."""
        return [found for found in list(self.state_machines.values()) if isinstance(found, self._revision)]

    def execution(self, arn: str) -> Any:
        """Raises AwsError: ExecutionDoesNotExist."""
        found = self.executions.get(arn)
        if found is None:
            raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found

    def add_execution(self, execution: Any) -> None:
        """Add one; the first of too many that have ended goes."""
        with self.lock:
            self.executions[execution.exec_arn] = execution
            excess = len(self.executions) - MOST_ENDED_EXECUTIONS
            if excess > 0:
                ended = [arn for arn, found in self.executions.items() if found.exec_status != "RUNNING"]
                for arn in ended[:excess]:
                    del self.executions[arn]
