"""How an execution starts, is stopped, times out and ends.

An execution that was stopped or timed out has ended there and then: the states that still wait are told, and what they
do after that is no part of its history.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from local_aws.engines.step_functions.events import Publish
from local_aws.engines.step_functions.expressions import as_aws_writes
from local_aws.engines.step_functions.interpreter import Changes
from local_aws.engines.step_functions.progress import Progress

_SECONDS_TO_STOP = 10.0
_SECONDS_TO_WIND_UP = 0.25
_LAST_EVENTS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


def change(changes: Changes, publish: Publish) -> None:
    """Change how executions of an interpreter run, and who is told of it."""
    interpreter = changes.interpreter
    execution = interpreter.get("backend.execution", "Execution")
    worker = interpreter.get("backend.execution_worker", "ExecutionWorker")
    sync_worker = interpreter.get("backend.execution_worker", "SyncExecutionWorker")
    communication = interpreter.get("backend.execution", "BaseExecutionWorkerCommunication")
    program = interpreter.get("asl.component.program.program", "Program")
    component = interpreter.get("asl.component.eval_component", "EvalComponent")
    environment = interpreter.get("asl.eval.environment", "Environment")
    stopped = interpreter.get("asl.eval.program_state", "ProgramStopped")
    timed_out = interpreter.get("asl.eval.program_state", "ProgramTimedOut")
    event_details = interpreter.get("asl.eval.event.event_detail", "EventDetails")
    to_json_str = interpreter.get("asl.utils.encoding", "to_json_str")
    event_type = interpreter.of_api("HistoryEventType")
    running = interpreter.of_api("ExecutionStatus").RUNNING

    # The program and its environment are there before anybody can ask for the history or stop the execution, and the
    # event of the start comes before that of the end.
    def start(self: Any) -> None:
        self.exec_worker = self._get_start_execution_worker()
        self.exec_status = running
        prepare(self.exec_worker)
        publish(self)
        self.exec_worker.start()

    def prepare(self: Any) -> None:
        open_run(self, self._get_evaluation_entrypoint(), self._get_evaluation_environment())
        details = self._evaluation_details
        self.env.event_manager.add_event(
            context=self.env.event_history_context,
            event_type=event_type.ExecutionStarted,
            event_details=event_details(
                executionStartedEventDetails=interpreter.of_api("ExecutionStartedEventDetails")(
                    input=to_json_str(details.execution_details.inpt),
                    inputDetails=interpreter.of_api("HistoryEventExecutionDataDetails")(truncated=False),
                    roleArn=details.aws_execution_details.role_arn,
                )
            ),
            update_source_event_id=False,
        )

    def run(self: Any) -> None:
        self.program.eval(self.env)
        self._execution_communication.terminated()
        self.terminated.set()

    def start_worker(self: Any) -> None:
        threading.Thread(target=run, args=(self,), name="execution", daemon=True).start()

    eval_frame = program.eval

    def eval_program(self: Any, env: Any) -> None:
        if env.is_frame():
            eval_frame(self, env)
            return
        ended = env.run.ended

        def evaluate() -> None:
            component.eval(self, env)
            ended.set()

        env.next_state_name = self.start_at.start_at_name
        thread = threading.Thread(target=evaluate, name="program", daemon=True)
        thread.start()
        if not ended.wait(self.timeout_seconds.timeout_seconds if self.timeout_seconds else None):
            env.set_timed_out()
        state = env.program_state()
        if isinstance(state, stopped | timed_out):
            thread.join(_SECONDS_TO_WIND_UP)  # what waits ends at once, and says so in the history
        # The history has one end: where the program wrote it first, this is left out.
        if isinstance(state, stopped):
            env.event_history_context.source_event_id = 0
            details = interpreter.of_api("ExecutionAbortedEventDetails")(error=state.error, cause=state.cause)
            add_last_event(env, event_type.ExecutionAborted, event_details(executionAbortedEventDetails=details))
        elif isinstance(state, timed_out):
            details = interpreter.of_api("ExecutionTimedOutEventDetails")()
            add_last_event(env, event_type.ExecutionTimedOut, event_details(executionTimedOutEventDetails=details))

    def stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        if self.exec_status != running:
            return
        self.exec_worker.env.set_stop(stop_date=stop_date, error=error, cause=cause)
        self.exec_worker.env.run.ended.set()
        self.exec_worker.terminated.wait(_SECONDS_TO_STOP)

    reflect_and_tell = communication.terminated

    def terminated(self: Any) -> None:
        reflect_and_tell(self)
        state = self.execution.exec_worker.env.program_state()
        if isinstance(state, stopped):
            # DescribeExecution and the status event give back what it was stopped with.
            self.execution.stop_date, self.execution.error, self.execution.cause = (
                state.stop_date,
                state.error,
                state.cause,
            )
        publish(self.execution)

    set_error = environment.set_error

    def set_error_of_running(self: Any, error: Any) -> None:
        # A task that fails after its execution was stopped would turn ABORTED into FAILED.
        if not isinstance(self._program_state, stopped | timed_out):
            set_error(self, error=error)

    details = execution.get_start_execution_details

    def details_as_aws(self: Any) -> Any:
        found = details(self)
        found.start_time = as_aws_writes(self.start_date)  # a datetime in moto
        return found

    changes.replace(execution, "start", start)
    changes.replace(execution, "stop", stop)
    changes.replace(execution, "get_start_execution_details", details_as_aws)
    changes.replace(worker, "start", start_worker)
    changes.replace(sync_worker, "start", run)
    changes.replace(program, "eval", eval_program)
    changes.replace(environment, "set_error", set_error_of_running)
    changes.replace(communication, "terminated", terminated)
    if hasattr(execution, "publish_execution_status_change_event"):
        # LocalStack tells the status by itself, with times as text.
        changes.replace(execution, "publish_execution_status_change_event", lambda _self: None)
    _keep_no_threads(changes)
    _keep_moments(changes)


class Run:
    """One run of an execution: from its start, or from where it was redriven.

    `ended`: nobody waits for it any more. `left_out`: contexts (their id) of the history whose next event of an entered
    state is there already.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.has_last_event = False
        self.left_out: set[int] = set()


def open_run(worker: Any, program: Any, env: Any, progress: Progress | None = None) -> None:
    """Give a worker what it runs, with a history that ends once."""
    worker.program, worker.env, worker.terminated = program, env, threading.Event()
    run = env.run = Run(progress or Progress())
    add_event = env.event_manager.add_event

    def add_until_the_end(context: Any, event_type: Any, *args: Any, **kwargs: Any) -> int:
        with run.lock:
            if run.has_last_event:
                return 0
            name = str(getattr(event_type, "value", event_type))
            if id(context) in run.left_out and name.endswith("StateEntered"):
                run.left_out.discard(id(context))
                return int(context.source_event_id)
            run.has_last_event = name in _LAST_EVENTS
            return int(add_event(context, event_type, *args, **kwargs))

    env.event_manager.add_event = add_until_the_end
    if hasattr(program, "start_at"):
        env.next_state_name = program.start_at.start_at_name  # so that it can be stopped


def add_last_event(env: Any, event_type: Any, event_details: Any) -> None:
    """Add the event that ends a run."""
    env.event_manager.add_event(env.event_history_context, event_type, event_details)


class _NoThreads(list[Any]):
    def append(self, _thread: Any) -> None:
        """Keep nothing."""


def _keep_no_threads(changes: Changes) -> None:
    # A list of all threads that there were, which nobody reads.
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{changes.interpreter.root}.") and "TMP_THREADS" in vars(module):
            changes.replace(module, "TMP_THREADS", _NoThreads())


def _keep_moments(changes: Changes) -> None:
    # moto writes the time of an event as text, which its own log lines cannot read.
    module = changes.interpreter.module("asl.eval.event.event_manager")
    if hasattr(module, "iso_8601_datetime_with_milliseconds"):
        changes.replace(module, "iso_8601_datetime_with_milliseconds", lambda moment: moment)
