"""Reports as one HTML file each, which loads nothing: of a job, and of all jobs of a dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataset_contract.json_types import JsonObject
from pipeline import costs, trace
from pipeline.report import dashboard, drawing, facts, page
from pipeline.stacks import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.jobs import Job
    from pipeline.trace import Trace


def document_of_job(stack: Stack, traced: Trace) -> JsonObject:
    """What the report of a job shows, as JSON has it; docs/cli.md names the fields."""
    # What could not be measured is told in the cost itself.
    return facts.of_trace(traced, costs.document(costs.of_job(stack, traced.job)))


def of_job(stack: Stack, job: Job) -> tuple[str, JsonObject]:
    """The report of a job as HTML, and what it shows."""
    shown = document_of_job(stack, trace.of_job(stack, job))
    return html_of_job(shown), shown


def html_of_job(shown: JsonObject) -> str:
    """The page of a job.

    Args:
        shown: facts.of_trace.
    """
    drawn = {"wide": drawing.drawn(shown["flow"], drawing.WIDE), "narrow": drawing.drawn(shown["flow"], drawing.NARROW)}
    return page.render("job.html.j2", shown, drawn=drawn, made_at=datetime.now(UTC))


def of_jobs(
    jobs: Sequence[Job], *, dataset: str | None, since: datetime | None, is_whole: bool = True
) -> tuple[str, JsonObject]:
    """The report of many jobs as HTML, and what it shows. The arguments are those of dashboard.document."""
    shown = dashboard.document(jobs, dataset=dataset, since=since, is_whole=is_whole)
    return page.render("jobs.html.j2", shown, plots=dashboard.plots(shown["jobs"]), made_at=datetime.now(UTC)), shown
