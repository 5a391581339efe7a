"""How far a job has come, so that each hop is expected only where the job has been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import progress
from pipeline.evidence.histories import DONE, OPEN, StateRun
from pipeline.evidence.model import Evidence
from pipeline.jobs import UNKNOWN

# The states that leave something, in the order in which a job passes them.
STATES = tuple(state for state in progress.STATES if state not in ("IsContinued", "IsAttemptRecorded"))
_ENDED = {"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "was stopped"}


@dataclass(frozen=True)
class Expectation:
    """Whether a hop has to be there.

    Attributes:
        reason: why not.
    """

    expected: bool
    reason: str = ""


class JobProgress:
    """What the states of a job came to, over all its attempts."""

    def __init__(self, status: str, states: Sequence[StateRun], *, recorded: str | None, failed_state: str | None):
        """Take what decides which hops a job has come to.

        Args:
            status: of the job.
            states: of its executions, as far as Step Functions knows them.
            recorded, failed_state: of audit.job_run, for a job whose history is forgotten.
        """
        self._status, self._states = status, states
        self._recorded, self._failed_state = recorded, failed_state
        self._by_history = bool(states)
        self._ended = _ENDED.get(status, "ended")

    def done(self, state: str) -> Expectation:
        """What a state leaves once it has ended well."""
        return self._expect(state, DONE)

    def begun(self, state: str) -> Expectation:
        """What a state leaves once it has started a job run or a nested execution."""
        return self._expect(state, OPEN)

    def _expect(self, state: str, needed: str) -> Expectation:
        if not self._by_history:
            return self._by_record(state)
        runs = [run for run in self._states if run.name == state]
        if any(run.status == DONE or (needed == OPEN and run.started_something) for run in runs):
            return Expectation(True)
        if runs and runs[-1].status == OPEN:
            return Expectation(False, f"{state} still runs")
        if runs:
            return Expectation(False, f"{state} {self._ended}")
        last = self._states[-1]
        if last.status == OPEN:
            return Expectation(False, f"the job is at {last.name}")
        return Expectation(False, f"the job {self._ended} at {last.name}")

    def _by_record(self, state: str) -> Expectation:
        if self._recorded == "SUCCEEDED" or self._status == "SUCCEEDED":
            return Expectation(True)
        if self._recorded != "FAILED" or self._failed_state not in STATES:
            what = "its history is forgotten" if self._status == UNKNOWN else f"the job is {self._status}"
            return Expectation(False, f"{what}, and no record says how far it came")
        at = STATES.index(self._failed_state)
        # Whether the failed state had started something, nobody knows.
        expected = STATES.index(state) < at
        return Expectation(expected, "" if expected else f"the job failed at {self._failed_state}")


def of(evidence: Evidence) -> JobProgress:
    """The progress that the evidence shows."""
    row = next(iter(evidence.warehouse.of("job_run")), None)
    recorded = row["status"] if row else evidence.job.recorded
    failed_state = row.get("failed_state") if row else evidence.job.attempt.failed_state
    return JobProgress(evidence.job.status, evidence.states, recorded=recorded, failed_state=failed_state)


def first(*expectations: Expectation) -> Expectation:
    """What needs all of them: the first one that is not expected."""
    return next((each for each in expectations if not each.expected), expectations[-1])
