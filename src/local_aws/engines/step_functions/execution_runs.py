"""How an execution starts, is stopped, times out and ends.

An execution that was stopped or timed out has ended there and then: the states that still wait are told, and what they
do after that is no part of its history.
"""

from __future__ import annotations

import copy
import sys
import threading
from typing import Any

from aws_facts import states_api as facts
from local_aws.engines.step_functions.expressions import as_aws_writes
from local_aws.engines.step_functions.history_events import Publish
from local_aws.engines.step_functions.interpreter import Changes, Interpreter
from local_aws.engines.step_functions.mends import failure
from local_aws.engines.step_functions.program_progress import ProgramProgress

_SECONDS_TO_STOP = 10.0
_SECONDS_TO_WIND_UP = 0.25
_FULL = {"error": "States.Runtime", "cause": facts.HISTORY_IS_FULL}
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
    started_details = interpreter.of_api("ExecutionStartedEventDetails")

    # The program and its environment are there before anybody can ask for the history or stop the execution, and the
    # event of the start comes before that of the end.
    def start(self: Any) -> None:
        self.exec_worker = self._get_start_execution_worker()
        self.exec_status = running
        prepare(self.exec_worker)
        publish(self)
        self.exec_worker.start()

    def prepare(self: Any) -> None:
        open_run(interpreter, self, self._get_evaluation_entrypoint(), self._get_evaluation_environment())
        details = self._evaluation_details
        self.env.event_manager.add_event(
            context=self.env.event_history_context,
            event_type=event_type.ExecutionStarted,
            event_details=event_details(
                executionStartedEventDetails=started_details(
                    input=to_json_str(details.execution_details.inpt),
                    inputDetails={"truncated": False},
                    roleArn=details.aws_execution_details.role_arn,
                )
            ),
            update_source_event_id=False,
        )

    def run(self: Any) -> None:
        try:
            self.program.eval(self.env)
        finally:
            self.env.run.ended.set()
            end(self)

    def end(self: Any) -> None:
        # The program comes here, and who ends it before: the first gives the execution its end.
        if not self.env.run.is_first_to_end():
            return
        env = self.env
        state = env.program_state()
        # The history has one end: where the program wrote it first, this is left out.
        if isinstance(state, stopped):
            env.event_history_context.source_event_id = 0
            details = interpreter.of_api("ExecutionAbortedEventDetails")(error=state.error, cause=state.cause)
            add_last_event(env, event_type.ExecutionAborted, event_details(executionAbortedEventDetails=details))
        elif isinstance(state, timed_out):
            details = interpreter.of_api("ExecutionTimedOutEventDetails")()
            add_last_event(env, event_type.ExecutionTimedOut, event_details(executionTimedOutEventDetails=details))
        self._execution_communication.terminated()
        self.terminated.set()

    def end_before_its_program(self: Any) -> None:
        # What waits ends at once, and says so in the history.
        self.env.run.ended.wait(_SECONDS_TO_WIND_UP)
        end(self)

    def time_out_after(self: Any, seconds: float) -> None:
        if self.terminated.wait(seconds):
            return
        with self.env._state_mutex:
            if not self.env.is_running():
                return  # it ends by itself
            self.env.set_timed_out()
        end_before_its_program(self)

    def start_worker(self: Any) -> None:
        if limit := self.program.timeout_seconds:
            seconds = (limit.timeout_seconds,)
            threading.Thread(target=self.time_out_after, args=seconds, name="timeout", daemon=True).start()
        threading.Thread(target=run, args=(self,), name="execution", daemon=True).start()

    def start_and_wait(self: Any) -> None:
        start_worker(self)
        self.terminated.wait()

    eval_frame = program.eval

    def eval_program(self: Any, env: Any) -> None:
        (eval_frame if env.is_frame() else component.eval)(self, env)

    def stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        if self.exec_status != running:
            return
        worker = self.exec_worker
        worker.env.set_stop(stop_date=stop_date, error=error, cause=cause)
        end_before_its_program(worker)
        worker.terminated.wait(_SECONDS_TO_STOP)

    reflect_and_tell = communication.terminated

    def terminated(self: Any) -> None:
        # Status and output are written one after the other, so into a copy first: nobody sees one without the other.
        execution = self.execution
        ended = self.execution = copy.copy(execution)
        reflect_and_tell(self)
        state = execution.exec_worker.env.program_state()
        if isinstance(state, stopped):
            # DescribeExecution and the status event give back what it was stopped with.
            ended.stop_date, ended.error, ended.cause = state.stop_date, state.error, state.cause
        elif execution.exec_worker.env.run.is_full:
            ended.error, ended.cause = _FULL["error"], _FULL["cause"]
        vars(execution).update(vars(ended))
        self.execution = execution
        publish(execution)

    set_error = environment.set_error

    def set_error_of_running(self: Any, error: object) -> None:
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
    changes.add(worker, "time_out_after", time_out_after)
    changes.replace(sync_worker, "start", start_and_wait)
    changes.replace(program, "eval", eval_program)
    changes.replace(environment, "set_error", set_error_of_running)
    changes.replace(communication, "terminated", terminated)
    if hasattr(execution, "publish_execution_status_change_event"):
        # LocalStack tells the status by itself, with times as text.
        changes.replace(execution, "publish_execution_status_change_event", lambda _self: None)
    _keep_no_threads(changes)
    _keep_moments(changes)


class ExecutionRun:
    """One run of an execution: from its start, or from where it was redriven.

    `ended`: its program does nothing any more. `left_out`: contexts (their id) of the history whose next event of an
    entered state is there already. `is_full`: the history has all the events that it may have.
    """

    def __init__(self, progress: ProgramProgress) -> None:
        self.progress = progress
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.has_last_event = False
        self.is_full = False
        self.left_out: set[int] = set()
        self._is_ending = False

    def is_first_to_end(self) -> bool:
        """Whether nobody asked this before."""
        with self.lock:
            is_first, self._is_ending = not self._is_ending, True
        return is_first


def open_run(
    interpreter: Interpreter, worker: Any, program: Any, env: Any, progress: ProgramProgress | None = None
) -> None:
    """Give a worker what it runs, with a history that ends once."""
    worker.program, worker.env, worker.terminated = program, env, threading.Event()
    run = env.run = ExecutionRun(progress or ProgramProgress())
    add_event, history = env.event_manager.add_event, env.event_manager._history_event_list
    event_types = interpreter.of_api("HistoryEventType")
    is_limited = env.execution_type == interpreter.of_api("StateMachineType").STANDARD

    def add_until_the_end(context: Any, event_type: Any, *args: Any, **kwargs: Any) -> int:
        with run.lock:
            if run.has_last_event:
                return 0
            name = str(getattr(event_type, "value", event_type))
            if name.startswith("Task") and not env.is_running():
                return 0  # what was open stays open: no answer of it came
            if is_limited and name not in _LAST_EVENTS and len(history) >= facts.MOST_HISTORY_EVENTS - 1:
                run.has_last_event, run.is_full = True, True
                add_event(context, event_types.ExecutionFailed, {"executionFailedEventDetails": dict(_FULL)})
                env.set_error(dict(_FULL))  # of all that is within, whatever it tolerates
                raise failure(interpreter, env, "States.Runtime", facts.HISTORY_IS_FULL)
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
    def append(self, _thread: object) -> None:
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
