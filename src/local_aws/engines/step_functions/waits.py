"""The wait before a retry and that of a Wait state: they end with their execution, and a test may shorten them."""

from __future__ import annotations

import time
from typing import Any, Final

from local_aws.engines.step_functions.interpreter import Changes
from local_aws.services.faults.fault_rules import Faults

# Whoever begins to wait just as the execution ends is not woken.
_SECONDS_BETWEEN_LOOKS: Final = 0.5


def change(changes: Changes, faults: Faults) -> None:
    """Let retries and Wait states wait so; at a retry the interpreters sleep, whatever becomes of the execution."""
    interpreter = changes.interpreter
    retrier = interpreter.get("asl.component.common.retry.retrier_decl", "RetrierDecl")
    outcome = interpreter.get("asl.component.common.retry.retrier_outcome", "RetrierOutcome")
    wait_function = interpreter.get("asl.component.state.wait.wait_function.wait_function", "WaitFunction")
    exhausted = interpreter.get("asl.component.common.retry.max_attempts_decl", "MaxAttemptsOutcome").EXHAUSTED

    def evaluate(self: Any, env: Any) -> None:
        self.error_equals.eval(env)
        if not env.stack.pop():
            env.stack.append(outcome.Skipped)
            return
        self.max_attempts.eval(env=env)
        if env.stack.pop() == exhausted:
            env.stack.append(outcome.Failed)
            return
        for part in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
            part.eval(env=env)
        pause(env, env.stack.pop() * faults.waits)
        env.stack.append(outcome.Executed)

    def wait(_self: object, env: object, wait_seconds: float) -> None:
        pause(env, wait_seconds * faults.waits)

    changes.replace(retrier, "_eval_body", evaluate)
    changes.replace(wait_function, "_wait_interval", wait)


def pause(env: Any, seconds: float) -> None:
    """Wait, no longer than until the program of an environment has ended."""
    deadline = time.monotonic() + seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        env.program_state_event.wait(min(left, _SECONDS_BETWEEN_LOOKS))
