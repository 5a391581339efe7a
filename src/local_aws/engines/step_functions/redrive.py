"""RedriveExecution: an execution that failed, timed out or was stopped goes on where it ended, as the same execution.

Of a Parallel and an inline Map state the branches and iterations go on that did not end; a distributed Map begins anew.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local_aws.engines.step_functions.execution_runs import open_run
from local_aws.engines.step_functions.expressions import as_aws_writes
from local_aws.engines.step_functions.history_events import Publish
from local_aws.engines.step_functions.interpreter import Changes
from local_aws.engines.step_functions.program_progress import ProgramProgress, resume
from local_aws.errors import AwsError

REDRIVABLE: Final = ("FAILED", "TIMED_OUT", "ABORTED")
# The event of the redrive and one more have to fit into the 25,000 of a history.
_MOST_EVENTS: Final = 24_998
_PERIOD: Final = timedelta(days=14)
_TOKEN_LIVES: Final = timedelta(minutes=15)
_lock = threading.Lock()


@dataclass
class Redrives:
    """The redrives of one execution.

    Attributes:
        tokens: the moment of the redrive that each client token asked for.
    """

    count: int = 0
    last: datetime | None = None
    tokens: dict[str, datetime] = field(default_factory=dict)


def change(changes: Changes, publish: Publish) -> None:
    """Keep what executions have come to, and give executions a method `redrive(token)`."""
    interpreter = changes.interpreter
    _describe(changes)
    worker = interpreter.get("backend.execution_worker", "ExecutionWorker")
    execution = interpreter.get("backend.execution", "Execution")
    start_at = interpreter.get("asl.component.common.flow.start_at", "StartAt")
    event_details = interpreter.get("asl.eval.event.event_detail", "EventDetails")
    running = interpreter.of_api("ExecutionStatus").RUNNING
    redriven_event = interpreter.of_api("HistoryEventType").ExecutionRedriven

    make_environment = worker._get_evaluation_environment

    def environment_with_count(self: object) -> Any:
        env = make_environment(self)
        env.states.context_object.context_object_data["Execution"]["RedriveCount"] = 0
        return env

    changes.replace(worker, "_get_evaluation_environment", environment_with_count)

    def redrive(self: Any, token: str | None = None) -> datetime:
        with _lock:
            redrives, now = redrives_of(self), datetime.now(UTC)
            asked = redrives.tokens.get(token or "")
            if asked is not None and now - asked < _TOKEN_LIVES:
                return asked
            if reason := not_redrivable(self):
                raise AwsError("ExecutionNotRedrivable", reason)
            old = self.exec_worker
            redrives.count, redrives.last = redrives.count + 1, now
            if token:
                redrives.tokens[token] = now
            new = self._get_start_execution_worker()
            env = new._get_evaluation_environment()
            history = env.event_manager._history_event_list = old.env.event_manager._history_event_list
            env.event_manager._event_id_gen = old.env.event_manager._event_id_gen
            env.map_run_record_pool_manager = old.env.map_run_record_pool_manager
            env.event_history_context.source_event_id = history[-1]["id"]
            context = env.states.context_object.context_object_data["Execution"]
            context.update(RedriveCount=redrives.count, RedriveTime=as_aws_writes(now))
            program = copy.copy(old.program)
            # What the run before did not come to is as it was in the one before that.
            progress = ProgramProgress(before={**old.env.run.progress.before, **old.env.run.progress.reached})
            at = progress.before.pop((), None)
            if at is not None:
                program.start_at = start_at(at.state)
                resume(env, progress, (), at)
            open_run(interpreter, new, program, env, progress)
            self.exec_worker, self.exec_status = new, running
            self.stop_date = self.error = self.cause = self.output = None
            env.event_manager.add_event(
                env.event_history_context,
                redriven_event,
                event_details(executionRedrivenEventDetails={"redriveCount": redrives.count}),
            )
        publish(self)
        new.start()
        return now

    changes.add(execution, "redrive", redrive)


def redrives_of(execution: object) -> Redrives:
    """The redrives of an execution."""
    found: Redrives = vars(execution).setdefault("redrives", Redrives())
    return found


def not_redrivable(execution: Any) -> str:
    """Why an execution cannot be redriven; empty where it can."""
    status = str(getattr(execution.exec_status, "value", execution.exec_status))
    if status not in REDRIVABLE:
        return f"Execution is {status} and cannot be redriven"
    if len(execution.exec_worker.env.event_manager._history_event_list) > _MOST_EVENTS:
        return "Execution history is too long and cannot be redriven"
    if execution.stop_date and datetime.now(UTC) - execution.stop_date > _PERIOD:
        return "Execution's redrivable period of 14 days has passed"
    return ""


def _describe(changes: Changes) -> None:
    execution = changes.interpreter.get("backend.execution", "Execution")
    standard = changes.interpreter.of_api("StateMachineType").STANDARD
    describe, item = execution.to_describe_output, execution.to_execution_list_item

    def described(self: Any) -> Any:
        self = copy.copy(self)  # it may end meanwhile
        found = describe(self)
        if self.sm_type != standard:
            return found
        redrives, reason = redrives_of(self), not_redrivable(self)
        found["redriveCount"] = redrives.count
        if redrives.last:
            found["redriveDate"] = redrives.last
        found["redriveStatus"] = "NOT_REDRIVABLE" if reason else "REDRIVABLE"
        if reason:
            found["redriveStatusReason"] = reason
        return found

    def listed(self: object) -> Any:
        self = copy.copy(self)
        redrives = redrives_of(self)
        return {
            **item(self),
            "redriveCount": redrives.count,
            **({"redriveDate": redrives.last} if redrives.last else {}),
        }

    changes.replace(execution, "to_describe_output", described)
    changes.replace(execution, "to_execution_list_item", listed)
