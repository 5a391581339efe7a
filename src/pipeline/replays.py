"""Jobs that replay the rejected rows of others: the chain that a job is part of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.stacks import Stack

_CHAIN = """
SELECT job_id, replays, status, rows_in, rows_staged, rows_rejected, rows_loaded
FROM audit.job_run
WHERE COALESCE(replay_origin, job_id) = (
    SELECT MAX(COALESCE(replay_origin, job_id)) FROM audit.job_run WHERE job_id = :job_id
)
ORDER BY job_id
"""


@dataclass(frozen=True)
class Link:
    """A job of a chain.

    Attributes:
        replays: the job whose rejected rows it loads. Counts are None where they are not known.
    """

    job_id: str
    replays: str | None
    status: str
    rows_in: int | None
    rows_staged: int | None
    rows_rejected: int | None
    rows_loaded: int | None


def chain(stack: Stack, job_id: str) -> list[Link]:
    """The job that a chain begins with, and all that replay it or a replay of it, oldest first.

    A job by itself is the only one; a job that was never registered has none.

    Raises:
        QueryError: the audit tables could not be asked.
    """
    from pipeline.redshift import query

    found = query(stack.client("redshift-data"), stack.outputs, _CHAIN, job_id=job_id)
    return [Link(**row) for row in found]
