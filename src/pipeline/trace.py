"""The trace of a job: every hop between the execution and the loaded rows, and whether the job ID is there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dataset_contract.json_types import JsonObject
from pipeline import evidence, moments
from pipeline.evidence.console_links import Links
from pipeline.evidence.hop import FORGOTTEN, FOUND, MISSING, NOT_EXPECTED, Hop, document
from pipeline.evidence.hops import Judge
from pipeline.evidence.model import Evidence
from pipeline.jobs import Job
from pipeline.stacks import Stack
from pipeline.terminal import plain

# A text, and the state of a hop or the status of a job.
Paint = Callable[[str, str], str]
_LEAST_ROOM = 20  # with less, what is long begins again at the left
MARKS = {FOUND: "✓", MISSING: "✗", NOT_EXPECTED: "–", FORGOTTEN: "…"}


def _unpainted(text: str, _state: str) -> str:
    return text


@dataclass(frozen=True)
class Trace:
    """The hops of a job, and the evidence that they were judged by."""

    evidence: Evidence
    hops: tuple[Hop, ...]

    @property
    def job(self) -> Job:
        """The traced job."""
        return self.evidence.job

    @property
    def missing(self) -> list[Hop]:
        """The hops that should have the job ID and do not."""
        return [hop for hop in self.hops if hop.state == MISSING]

    @property
    def is_complete(self) -> bool:
        """Whether every hop has the job ID that should have it, as far as the services still know."""
        return not self.missing

    def count(self, state: str) -> int:
        """The number of hops in a state."""
        return sum(1 for hop in self.hops if hop.state == state)

    def document(self) -> JsonObject:
        """The trace as JSON has it; docs/cli.md names the fields."""
        job = self.job
        return {
            "job_id": job.job_id,
            "dataset": job.dataset,
            "status": job.status,
            "replays": job.replays,
            "replayed_by": [dict(row) for row in self.evidence.warehouse.replayed_by.value or ()],
            "complete": self.is_complete,
            "checked_at": moments.written(self.evidence.checked_at),
            "counts": {state.replace(" ", "_"): self.count(state) for state in MARKS},
            "attempts": [
                {
                    "execution_arn": attempt.execution_arn,
                    "redrive_count": attempt.redrive_count,
                    "status": attempt.status,
                    "started_at": moments.written(attempt.started_at),
                    "ended_at": moments.written(attempt.ended_at) if attempt.ended_at else None,
                    "failed_state": attempt.failed_state,
                }
                for attempt in job.attempts
            ],
            "hops": [document(hop) for hop in self.hops],
        }

    def table(self, *, with_links: bool = False, columns: int | None = None, paint: Paint = _unpainted) -> str:
        """The hops as aligned text, and a last line that says what they come to.

        Args:
            with_links: those of the console.
            columns: of the terminal, if it is for one: what is longer goes on below itself.
            paint: gives a piece of text the look of a hop's state, or of the job's status.
        """
        width = [max(len(getattr(hop, column)) for hop in self.hops) for column in ("service", "place")]
        indent = len("  ✓ ") + width[0] + 2 + width[1] + 2
        lines = [
            f"  {paint(MARKS[hop.state], hop.state)} {hop.service:<{width[0]}}  {hop.place:<{width[1]}}  "
            + f"\n{' ' * indent}".join(_told(hop, columns and columns - indent, paint))
            + (f"\n      {hop.link}" if with_links and hop.link else "")
            for hop in self.hops
        ]
        return "\n".join([*lines, "", *self._chain(), self.summary(paint)])

    def _chain(self) -> list[str]:
        """What the job replays, and what replays it."""
        later = self.evidence.warehouse.replayed_by.value or ()
        return [f"replays rejected rows of job {self.job.replays}"] * bool(self.job.replays) + [
            f"its rejected rows are replayed by job {row['job_id']} ({row['status']})" for row in later
        ]

    def summary(self, paint: Paint = _unpainted) -> str:
        """One line: how many hops there are of each kind."""
        told = ", ".join(paint(f"{self.count(state)} {state}", state) for state in MARKS if self.count(state))
        return f"job {paint(self.job.status, self.job.status)}; hops: {told}"


def _told(hop: Hop, room: int | None, paint: Paint) -> list[str]:
    """What there is to say of a hop, in lines if there is too little room for one."""
    said = plain(hop.detail) if hop.state == FOUND else f"{hop.state}: {plain(hop.detail)}"
    lines = textwrap.wrap(said, room, break_long_words=False) if room and room >= _LEAST_ROOM else [said]
    return [line if hop.state == FOUND else paint(line, hop.state) for line in lines]


def of_job(stack: Stack, job: Job, now: datetime | None = None) -> Trace:
    """Ask each service for a job, and judge what it answered.

    Args:
        now: as of evidence.gather.
    """
    found = evidence.gather(stack, job, now)
    return Trace(found, tuple(Judge(found, Links(stack)).hops()))
