"""What a job cost: its measured use times the list prices. On a local stack: what that use would cost on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonObject
from pipeline.prices import Prices, prices
from pipeline.stacks import Stack
from pipeline.usage import Usage, UsedJobRun
from pipeline.usage import of_job as usage_of_job

if TYPE_CHECKING:
    from pipeline.jobs import Job

MINIMUM_SECONDS = 60  # of a Glue run and of work in a serverless workgroup, as both are billed
GIB, GB = 1024**3, 1e9
_PER_HOUR = 3600
PYTHON_SHELL_SIZES = (0.0625, 1.0)
WORKERS = (2, 3, 5, 10)


@dataclass(frozen=True)
class CostLine:
    """One thing that is paid for. amount = quantity × price, in US dollars."""

    what: str
    quantity: float
    unit: str
    price: float
    amount: float
    measured: str  # where the quantity is from


@dataclass(frozen=True)
class Cost:
    """What a job cost.

    Attributes:
        gaps: what is not in it, as sentences.
        rows: that came in, where it is known.
    """

    job_id: str
    lines: tuple[CostLine, ...]
    gaps: tuple[str, ...]
    region: str  # whose prices these are
    as_of: str
    local: bool
    rows: int | None

    @property
    def total(self) -> float:
        """The sum in US dollars."""
        return sum(line.amount for line in self.lines)

    @property
    def per_million_rows(self) -> float | None:
        """None where no row came in, or the number is not known."""
        return self.total / self.rows * 1_000_000 if self.rows else None


@dataclass(frozen=True)
class Shape:
    """What a job's run would cost in another size.

    Attributes:
        as_long: if it takes as long.
        shared: if its work parts evenly, so that the DPU-seconds stay.
    """

    job: str
    size: str
    used: bool
    as_long: float
    shared: float


def of_job(stack: Stack, job: Job, listed: Prices | None = None) -> Cost:
    """What all attempts at a job cost, by the use that the services tell."""
    listed, usage = listed or prices(), usage_of_job(stack, job)
    lines = [*_transitions(usage, listed), *_job_runs(usage, listed)]
    gaps = list(usage.gaps)
    for found in (*_lambda(stack, usage, listed), *_redshift(stack, usage, listed)):
        if isinstance(found, CostLine):
            lines.append(found)
        else:
            gaps.append(found)
    lines += [*_stored(usage, listed)]
    gaps += [f"{run.name} {run.identifier[:11]}…: its size is not known" for run in usage.job_runs if run.dpu is None]
    gaps.append("requests to S3, KMS, Secrets Manager, SNS and EventBridge, and data transfer are not counted")
    if (region := stack.clients.region) and region != listed.region:
        gaps.append(f"the prices are those of {listed.region}, the job ran in {region}")
    rows = job.counts.get("rows_in")
    return Cost(job.job_id, tuple(lines), tuple(gaps), listed.region, listed.as_of, stack.is_local, rows)


def shapes(stack: Stack, job: Job, listed: Prices | None = None) -> list[Shape]:
    """What the job's last Glue runs would have cost in other sizes."""
    listed = listed or prices()
    last = {run.name: run for run in usage_of_job(stack, job).job_runs if run.state == "SUCCEEDED"}
    return [shape for run in last.values() if run.dpu for shape in shapes_of(run, listed)]


def shapes_of(run: UsedJobRun, listed: Prices) -> Iterator[Shape]:
    """The sizes that the job of a run may have, and what the run would cost in each."""
    assert run.dpu
    work = run.seconds * run.dpu
    if not run.spark:
        for dpu in PYTHON_SHELL_SIZES:
            price = listed.one("glue_dpu_hour", "STANDARD")
            amounts = (_glue_amount(seconds, dpu, price) for seconds in (run.seconds, work / dpu))
            yield Shape(run.name, f"{dpu:g} DPU", dpu == run.dpu, *amounts)
        return
    for execution_class in ("STANDARD", "FLEX"):
        price = listed.one("glue_dpu_hour", execution_class)
        for workers in sorted({*WORKERS, int(run.dpu)}):
            used = (execution_class, workers) == (run.execution_class, run.dpu)
            amounts = (_glue_amount(seconds, workers, price) for seconds in (run.seconds, work / workers))
            yield Shape(run.name, f"{workers} × G.1X {execution_class}", used, *amounts)


def _glue_amount(seconds: float, dpu: float, price: float) -> float:
    return max(seconds, MINIMUM_SECONDS) * dpu * price / _PER_HOUR


def _transitions(usage: Usage, listed: Prices) -> Iterator[CostLine]:
    price = listed.one("step_functions", "transition")
    for machine, count in sorted(usage.transitions.items()):
        yield CostLine(
            f"Step Functions {machine}", count, "transitions", price, count * price, "histories, retries included"
        )


def _job_runs(usage: Usage, listed: Prices) -> Iterator[CostLine]:
    for run in usage.job_runs:
        if run.dpu is None:
            continue
        price = listed.one("glue_dpu_hour", run.execution_class) / _PER_HOUR
        billed = max(run.seconds, MINIMUM_SECONDS) * run.dpu if run.seconds else 0.0
        how = f"Glue: {run.seconds:g} s × {run.dpu:g} DPU" + (", a minute at least" if billed else "")
        if run.dpu_seconds is not None:
            billed, how = max(run.dpu_seconds, MINIMUM_SECONDS * run.dpu), "Glue: DPUSeconds of the run"
        what = f"Glue {run.name} {run.identifier[:11]}… {run.state}"
        yield CostLine(what, billed, "DPU-seconds", price, billed * price, how)


def _lambda(stack: Stack, usage: Usage, listed: Prices) -> Iterator[CostLine | str]:
    if not usage.invocations:
        return
    name = stack.outputs["lambda_function_name"]
    count = len(usage.invocations)
    price = listed.one("lambda", "request")
    yield CostLine(f"Lambda {name}", count, "requests", price, count * price, "histories")
    try:
        found = stack.client("lambda").get_function_configuration(FunctionName=name)
    except (BotoCoreError, ClientError) as error:
        yield f"the memory of Lambda {name} cannot be read: {error}"
        return
    size = found["MemorySize"] / 1024
    kind = "arm64" if "arm64" in (found.get("Architectures") or ()) else "x86_64"
    price = listed.one("lambda", f"gb_second_{kind}")
    seconds = sum(invocation.seconds for invocation in usage.invocations)
    reported = sum(invocation.reported for invocation in usage.invocations)
    how = f"REPORT lines of {reported}" + (f", history of {count - reported} (at most)" if reported < count else "")
    yield CostLine(f"Lambda {name}", seconds * size, "GB-seconds", price, seconds * size * price, how)


def _redshift(stack: Stack, usage: Usage, listed: Prices) -> Iterator[CostLine | str]:
    seconds = sum(usage.statements.values())
    workgroup = stack.outputs.get("redshift_workgroup_name")
    if not workgroup:
        cluster = stack.outputs.get("redshift_cluster_identifier")
        yield f"Redshift cluster {cluster} costs the same with and without the job, which used {seconds:.1f} s of it"
        return
    try:
        found = stack.client("redshift-serverless").get_workgroup(workgroupName=workgroup)["workgroup"]
    except (BotoCoreError, ClientError) as error:
        yield f"the capacity of workgroup {workgroup} cannot be read ({error}); the job used {seconds:.1f} s of it"
        return
    # Each of a job's batches may wake the workgroup, which is billed for a minute at least.
    billed = sum(max(each, MINIMUM_SECONDS) for each in usage.statements.values()) * found["baseCapacity"]
    price = listed.one("redshift_serverless", "rpu_hour") / _PER_HOUR
    how = f"{seconds:.1f} s of {len(usage.statements)} batches × {found['baseCapacity']} RPU, a minute each (at most)"
    yield CostLine(f"Redshift {workgroup}", billed, "RPU-seconds", price, billed * price, how)


def _stored(usage: Usage, listed: Prices) -> Iterator[CostLine]:
    price = listed.one("s3", "gb_month")
    size = usage.stored_bytes / GB
    yield CostLine("S3 lake, per month", size, "GB-months", price, size * price, f"sizes of {usage.objects} objects")
    price = listed.one("cloudwatch", "log_gb_ingested")
    size = usage.log_bytes / GB
    yield CostLine("CloudWatch Logs", size, "GB", price, size * price, "log lines of the job runs")


def document(cost: Cost) -> JsonObject:
    """As `pipeline cost --output json` prints it; amounts in US dollars."""
    return {
        "job_id": cost.job_id,
        "lines": [vars(line) for line in cost.lines],
        "total": cost.total,
        "rows": cost.rows,
        "per_million_rows": cost.per_million_rows,
        "currency": "USD",
        "prices": {"region": cost.region, "as_of": cost.as_of},
        "local": cost.local,
        "not_measured": list(cost.gaps),
    }
