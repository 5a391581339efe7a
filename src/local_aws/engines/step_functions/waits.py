"""The wait before a retry, which ends with its execution."""

from __future__ import annotations

import time
from typing import Any, Final

from local_aws.engines.step_functions.interpreter import Changes

# Whoever begins to wait just as the execution ends is not woken.
_SECONDS_BETWEEN_LOOKS: Final = 0.5


def change(changes: Changes) -> None:
    """Let retries wait so; the interpreters sleep, whatever becomes of the execution."""
    interpreter = changes.interpreter
    retrier = interpreter.get("asl.component.common.retry.retrier_decl", "RetrierDecl")
    outcome = interpreter.get("asl.component.common.retry.retrier_outcome", "RetrierOutcome")
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
        pause(env, env.stack.pop())
        env.stack.append(outcome.Executed)

    changes.replace(retrier, "_eval_body", evaluate)


def pause(env: Any, seconds: float) -> None:
    """Wait, no longer than until the program of an environment has ended."""
    deadline = time.monotonic() + seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        env.program_state_event.wait(min(left, _SECONDS_BETWEEN_LOOKS))
