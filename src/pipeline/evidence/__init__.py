"""Ask each service for what it knows of a job: the evidence that a trace judges and a report shows."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.evidence import lake, runs, states, warehouse
from pipeline.evidence.asking import Asker
from pipeline.evidence.model import Evidence
from pipeline.jobs import Job
from pipeline.stacks import Stack

_SERVICES = ("stepfunctions", "glue", "logs", "s3", "redshift-data")


def gather(stack: Stack, job: Job, now: datetime | None = None) -> Evidence:
    """Ask all services, many at a time. What cannot be read is told in its place; nothing is raised for it.

    Args:
        now: the moment by which is judged what the services have forgotten; None is that of the clock.
    """
    checked_at = now or datetime.now(UTC)
    for service in _SERVICES:  # a session's clients are made in one thread
        stack.client(service)
    with Asker() as asker:
        arns = dict.fromkeys(attempt.execution_arn for attempt in job.attempts)
        asked = {arn: asker.ask(states.ran, stack, arn) for arn in arns}
        told = [asker.start(states.told, stack, each) for each in job.attempts if each.status in states.FAILURES]
        in_warehouse = warehouse.look(stack, asker, job.job_id)
        in_lake = lake.look(stack, asker, job)
        lambda_log, spark_log = asker.start(runs.lambda_log, stack, job), asker.start(runs.spark_log, stack, job)
        executions = {arn: future.result() for arn, future in asked.items()}
        known = [state for each in executions.values() if each.value for state in each.value.states]
        python = asker.start(runs.glue_runs, stack, "python_job_name", job, known, "CleanWithPython")
        spark = asker.start(runs.glue_runs, stack, "spark_job_name", job, known, "TransformWithSpark")
        nested = [asker.start(states.nested, stack, *each) for each in states.nested_of(stack, job, known)]
        python_log = asker.start(runs.python_log, stack, job, python.result())
        return Evidence(
            job=job,
            checked_at=checked_at,
            executions=executions,
            nested=[future.result() for future in nested],
            lambda_log=lambda_log.result(),
            python=python.result(),
            python_log=python_log.result(),
            spark=spark.result(),
            spark_log=spark_log.result(),
            lake=in_lake(),
            warehouse=in_warehouse(),
            told=[future.result() for future in told],
        )
