"""What a deployment costs per month and per run, before and after a plan, from the list prices of prices.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dataset_contract.json_types import JsonMapping
from pipeline.prices import Prices
from pipeline_tools.plan_review import asl_differences
from pipeline_tools.plan_review.differences import at
from pipeline_tools.plan_review.review import Change, Review

_START_JOB_RUN = ":glue:startJobRun"
_START_EXECUTION = ":states:startExecution"
_INVOKE = ":lambda:invoke"
_MINUTES = 60


@dataclass(frozen=True)
class Item:
    """One line of an estimate.

    Attributes:
        label: what is paid for; the same before and after a plan.
        basis: quantity and unit price, and what is assumed.
        dollars: of a month, or of a run.
        per_run: False for a month.
    """

    label: str
    basis: str
    dollars: float
    per_run: bool = False


@dataclass(frozen=True)
class Estimate:
    """Items, and what could not be estimated, as sentences."""

    items: tuple[Item, ...]
    gaps: tuple[str, ...]

    @property
    def month(self) -> float:
        """Dollars per month without runs."""
        return sum(item.dollars for item in self.items if not item.per_run)

    @property
    def run(self) -> float:
        """Dollars per run."""
        return sum(item.dollars for item in self.items if item.per_run)


def estimates(review: Review, listed: Prices) -> tuple[Estimate, Estimate]:
    """Before and after the plan."""
    managed = [change for change in review.changes if not change.data]
    return estimate(managed, listed, after=False), estimate(managed, listed, after=True)


def estimate(changes: Sequence[Change], listed: Prices, *, after: bool) -> Estimate:
    """What the resources of one side of a plan cost."""
    sides = [(change.type, change.after if after else change.before) for change in changes]
    resources: dict[str, list[JsonMapping]] = {}
    for kind, values in sides:
        if values is not None:
            resources.setdefault(kind, []).append(values)
    found = [*_by_month(resources, listed), *_by_run(resources, listed)]
    return Estimate(
        tuple(item for item in found if isinstance(item, Item)), tuple(gap for gap in found if isinstance(gap, str))
    )


_Resources = Mapping[str, Sequence[JsonMapping]]


def _by_month(resources: _Resources, listed: Prices) -> Iterator[Item | str]:
    hours = listed.assumed("hours_per_month")
    secrets = len(resources.get("aws_secretsmanager_secret", []))
    clusters = resources.get("aws_redshift_cluster", [])
    for cluster in clusters:
        nodes, kind = cluster.get("number_of_nodes") or 1, cluster.get("node_type")
        price = listed.get("redshift_node_hour", str(kind))
        if price is None or not isinstance(nodes, int):
            yield f"Redshift {nodes} × {kind}: prices.toml has no such node"
        else:
            basis = f"{nodes} × {kind} × {hours:.0f} h × ${price}"
            yield Item(f"Redshift {cluster.get('cluster_identifier')}", basis, nodes * hours * price)
        secrets += cluster.get("manage_master_password") is True
    if clusters:
        size, price = listed.assumed("gb_in_the_cluster"), listed.one("redshift_storage", "gb_month")
        yield Item("Redshift storage", f"{size:.0f} GB assumed × ${price}", len(clusters) * size * price)
    for workgroup in resources.get("aws_redshiftserverless_workgroup", []):
        price, units = listed.one("redshift_serverless", "rpu_hour"), workgroup.get("base_capacity")
        yield f"Redshift Serverless: {units} RPU × ${price} for each hour of work, and nothing between"
    buckets = len(resources.get("aws_s3_bucket", []))
    size = listed.assumed("gb_in_each_bucket")
    per_unit = {
        "KMS keys": (len(resources.get("aws_kms_key", [])), listed.one("kms", "key_month"), ""),
        "Secrets, the one that Redshift keeps among them": (secrets, listed.one("secrets_manager", "secret_month"), ""),
        "CloudWatch alarms": (
            sum(_metrics(alarm) for alarm in resources.get("aws_cloudwatch_metric_alarm", [])),
            listed.one("cloudwatch", "alarm_month"),
            "",
        ),
        "S3": (buckets * size, listed.one("s3", "gb_month"), f" GB assumed ({size:.0f} in each of {buckets} buckets)"),
    }
    for label, (count, price, unit) in per_unit.items():
        if count:
            yield Item(label, f"{count:g}{unit} × ${price}", count * price)


def _metrics(alarm: Mapping[str, object]) -> int:
    queries = alarm.get("metric_query")
    return max(1, sum(bool(query.get("metric")) for query in queries)) if isinstance(queries, list) else 1


def _by_run(resources: _Resources, listed: Prices) -> Iterator[Item | str]:
    """A run is an execution of each state machine that starts a Glue job."""
    for job in resources.get("aws_glue_job", []):
        yield _job(job, listed)
    machines = {str(values.get("name")): values for values in resources.get("aws_sfn_state_machine", [])}
    entered: list[JsonMapping] = []
    for name, values in machines.items():
        definition = asl_differences.definition(values.get("definition"))
        if definition is None:
            yield f"State machine {name}: its definition is known only after apply, its transitions are not counted"
            continue
        path = [state for _, state in asl_differences.happy_path(definition)]
        if any(_START_JOB_RUN in str(state.get("Resource", "")) for state in path):
            entered += [*path, *_nested(path, machines)]
    if entered:
        price = listed.one("step_functions", "transition")
        basis = f"{len(entered)} transitions without a wait or retry × ${price:.6f}"
        yield Item("Step Functions", basis, len(entered) * price, per_run=True)
    calls = sum(_INVOKE in str(state.get("Resource", "")) for state in entered)
    for function in resources.get("aws_lambda_function", []):
        if calls:
            yield _function(function, calls, listed)
    if entered or resources.get("aws_glue_job"):
        size, price = listed.assumed("log_gb_per_run"), listed.one("cloudwatch", "log_gb_ingested")
        yield Item("CloudWatch Logs", f"{size:g} GB assumed × ${price}", size * price, per_run=True)


def _nested(path: Sequence[Mapping[str, object]], machines: JsonMapping) -> Iterator[JsonMapping]:
    """The states of the executions that a path starts; one level deep."""
    for state in path:
        arn = str(at(state, ("Arguments", "StateMachineArn")) or "")
        inner = asl_differences.definition(machines.get(arn.rsplit(":", 1)[-1], {}).get("definition"))
        if _START_EXECUTION in str(state.get("Resource", "")) and inner is not None:
            yield from (entered for _, entered in asl_differences.happy_path(inner))


def _job(job: JsonMapping, listed: Prices) -> Item | str:
    label = f"Glue {job.get('name')}"
    spark = at(job, ("command", 0, "name")) == "glueetl"
    execution_class = str(job.get("execution_class") or "STANDARD")
    price = listed.get("glue_dpu_hour", execution_class)
    workers, kind = job.get("number_of_workers"), job.get("worker_type")
    dpu = listed.dpu(kind)
    if spark and isinstance(workers, int) and dpu is not None:
        units, size = workers * dpu, f"at most {workers} × {kind} = {workers * dpu:g} DPU"
    elif isinstance(job.get("max_capacity"), int | float):
        units, size = float(job["max_capacity"]), f"{job['max_capacity']} DPU"
    else:
        return f"{label}: prices.toml does not know the size of {workers} × {kind}"
    if price is None:
        return f"{label}: prices.toml does not know the execution class {execution_class}"
    minutes = listed.assumed("minutes_of_a_spark_run" if spark else "minutes_of_a_python_shell_run")
    basis = f"{size} × {minutes:g} min assumed × ${price}/DPU-hour (${price / _MINUTES:.4f} a DPU-minute)"
    return Item(label, basis, units * minutes * price / _MINUTES, per_run=True)


def _function(function: Mapping[str, object], calls: int, listed: Prices) -> Item:
    architectures = function.get("architectures")
    architecture = architectures[0] if isinstance(architectures, list) and architectures else "x86_64"
    memory = function.get("memory_size")
    size = (memory if isinstance(memory, int) else 128) / 1024
    seconds = listed.assumed("seconds_of_a_lambda_invocation")
    price = listed.one("lambda", f"gb_second_{'arm64' if architecture == 'arm64' else 'x86_64'}")
    request = listed.one("lambda", "request")
    basis = f"{calls} × ({seconds:g} s assumed × {size:g} GB × ${price:.10f} + ${request:.7f})"
    return Item(f"Lambda {function.get('function_name')}", basis, calls * (seconds * size * price + request), True)
