"""What the whole costs: executions on a local endpoint, beside the sum of their bare scripts; many at once; memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataset_contract.json_types import JsonMapping
from dataset_contract.places import bucket_and_key
from pipeline import executions, redshift
from pipeline.clients import Clients
from pipeline.progress import JOB_STATES
from pipeline_tools.bench.growing import Growth
from pipeline_tools.bench.measuring import BenchError, Sample
from pipeline_tools.deployment.local import deploy
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.terraform import PACKAGE_DIR

_SECONDS = 3600.0
_MB = 1024 * 1024


@dataclass(frozen=True)
class DeployedPipeline:
    """A pipeline on an endpoint of its own."""

    clients: Clients
    outputs: JsonMapping
    process: int

    @property
    def raw(self) -> str:
        """The name of the raw bucket."""
        return str(self.outputs["raw_bucket"])

    def upload(self, files: Sequence[Path], prefix: str) -> str:
        """Put files below a prefix of the raw bucket and return its URI."""
        s3 = self.clients.get("s3")
        for file in files:
            s3.upload_file(str(file), self.raw, f"{prefix}{file.name}")
        return f"s3://{self.raw}/{prefix}"

    def download(self, uri: str, directory: Path, ending: str) -> list[Path]:
        """Bring the objects below a URI whose key has this ending, and return the files."""
        bucket, prefix = bucket_and_key(uri)
        s3, files = self.clients.get("s3"), []
        directory.mkdir(parents=True)
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            if item["Key"].endswith(ending):
                files.append(directory / item["Key"].rpartition("/")[2])
                s3.download_file(bucket, item["Key"], str(files[-1]))
        return files

    def start(self, dataset: str, source_uri: str, **more: object) -> str:
        """Start an execution; the files may have been loaded before."""
        document = {"dataset": dataset, "source_uri": source_uri, "repeat": True, **more}
        client = self.clients.get("stepfunctions")
        return executions.start(client, self.outputs["state_machine_arn"], document)

    def wait(self, arn: str) -> executions.ExecutionOutcome:
        """Wait for the end of an execution.

        Raises:
            BenchError: it did not succeed, so nothing is known of its speed.
        """
        outcome = executions.wait(self.clients.get("stepfunctions"), arn, timeout_seconds=_SECONDS)
        if not outcome.succeeded:
            raise BenchError(f"execution {arn} {outcome.status}: {outcome.error}: {outcome.cause[:500]}")
        return outcome

    def load_seconds(self, job_id: str) -> float:
        """How long Redshift worked on the load of a job."""
        states = self.clients.get("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=self.outputs["run_sql_state_machine_arn"]
        )
        arns = [each["executionArn"] for page in pages for each in page["executions"]]
        (load,) = [arn for arn in arns if arn.rpartition(":")[2].startswith(f"{job_id}-load")]
        output = json.loads(states.describe_execution(executionArn=load)["output"])
        described = self.clients.get("redshift-data").describe_statement(Id=output["statement_id"])
        return float(described["Duration"]) / 1e9

    def columns(self, table: str) -> list[tuple[str, str]]:
        """Name and type of each column of a loaded table, as PostgreSQL has them, in the order of the files."""
        rows = redshift.query(
            self.clients.get("redshift-data"),
            self.outputs,
            "SELECT CAST(column_name AS VARCHAR(127)) AS name, CAST(data_type AS VARCHAR(127)) AS type "
            "FROM information_schema.columns WHERE table_schema = 'analytics' AND table_name = :table "
            "ORDER BY ordinal_position",
            table=table,
        )
        return [(row["name"], row["type"]) for row in rows]

    def resident(self) -> int:
        """The memory of the endpoint's process and of all that it started, in bytes; what they share counts once."""
        return sum(_proportional(process) for process in _with_descendants(self.process))


def _with_descendants(process: int) -> list[int]:
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything.
            parents[int(status.parent.name)] = int(status.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _proportional(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


@contextmanager
def deployed(directory: Path, package: Path, engine: str | None = None) -> Iterator[DeployedPipeline]:
    """A deployment of a package, which ends with the block.

    Raises:
        EndpointError, TerraformError, SchemaError: with the message of what failed.
    """
    os.environ[PACKAGE_DIR] = str(package)
    with LocalEndpoint(directory / "endpoint", engine=engine) as endpoint:
        outputs = deploy(endpoint, directory / "terraform")
        yield DeployedPipeline(Clients(endpoint.endpoint_url, endpoint.region), outputs, endpoint.process_id)


def beyond_scripts(outcome: executions.ExecutionOutcome, bare: Mapping[str, float]) -> dict[str, float]:
    """Seconds of an execution beyond those of its bare scripts: in all, in the states of the scripts, and elsewhere."""
    states = {state.name: state.seconds for state in outcome.states}
    scripts = sum(bare.values())
    in_jobs = sum(states[name] for name in JOB_STATES) - scripts
    return {"all": outcome.seconds - scripts, "jobs": in_jobs, "elsewhere": outcome.seconds - scripts - in_jobs}


def at_once(
    pipeline: DeployedPipeline, dataset: str, source_uri: str, counts: Sequence[int], tell: Callable[[str], None]
) -> Growth:
    """Measure numbers of executions at the same time; all must succeed and load the same rows.

    Raises:
        BenchError: one failed, or loaded other rows than the rest.
    """
    samples = []
    for count in counts:
        began = time.monotonic()
        with ThreadPoolExecutor(min(count, 20)) as pool:
            arns = list(pool.map(lambda _: pipeline.start(dataset, source_uri), range(count)))
            outcomes = list(pool.map(pipeline.wait, arns))
        samples.append(Sample(time.monotonic() - began, 0.0, pipeline.resident()))
        loaded = {json.dumps(outcome.output["counts"]["rows_loaded"], sort_keys=True) for outcome in outcomes}
        if len(loaded) != 1 or len({outcome.output["job_id"] for outcome in outcomes}) != count:
            raise BenchError(f"{count} executions at once loaded {sorted(loaded)}")
        tell(f"  {count} executions at once: {samples[-1].seconds:.1f} s")
    return Growth("executions at once", "executions", tuple(map(float, counts)), tuple(samples))


def memory_of_uploads(pipeline: DeployedPipeline, gigabytes: int) -> int:
    """Upload so many GB in objects of 64 MB, and return the endpoint's memory then, in bytes."""
    s3, body = pipeline.clients.get("s3"), os.urandom(64 * _MB)
    for number in range(gigabytes * 16):
        s3.put_object(Bucket=pipeline.raw, Key=f"memory/{number:04d}", Body=body)
    return pipeline.resident()


def lambda_calls(pipeline: DeployedPipeline, rounds: int) -> tuple[Sample, list[Sample]]:
    """The first call of the function after its code was touched, and the calls after it."""
    client, name = pipeline.clients.get("lambda"), pipeline.outputs["lambda_function_name"]
    settings = client.get_function_configuration(FunctionName=name)
    # A change of the configuration ends the warm environments, as on AWS.
    client.update_function_configuration(FunctionName=name, Timeout=int(settings["Timeout"]))
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    payload = json.dumps({"action": "schema", "user": "bench"}).encode()

    def call() -> Sample:
        began = time.monotonic()
        client.invoke(FunctionName=name, Payload=payload)["Payload"].read()
        return Sample(time.monotonic() - began, 0.0, 0)

    first = call()
    return first, [call() for _ in range(rounds)]
