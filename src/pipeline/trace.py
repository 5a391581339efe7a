"""The trace of a job: every hop between the execution and the loaded rows, and whether the job ID is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_facts import glue
from pipeline.clients import Clients
from pipeline.redshift import query

STAGES = ("python", "spark", "load")
_PYTHON_OUTPUT = f"{glue.PYTHON_SHELL_LOGS}/output"
_SPARK_OUTPUT = f"{glue.SPARK_LOGS}/output"


@dataclass(frozen=True)
class Hop:
    """One place where the job ID has to show."""

    service: str
    place: str
    found: bool
    detail: str


@dataclass(frozen=True)
class Trace:
    """Looks for one job in a deployment. `outputs`: the Terraform outputs; `result`: the execution's own output."""

    clients: Clients
    outputs: Mapping[str, Any]
    execution_arn: str
    result: Mapping[str, Any]

    @property
    def job_id(self) -> str:
        return str(self.result["job_id"])

    def hops(self) -> Iterator[Hop]:
        """Every hop in the order in which the data passes; a hop that cannot be read counts as not found."""
        looks: list[tuple[str, str, Callable[[], str]]] = [
            ("Step Functions", "output of the execution", self._execution),
            ("Step Functions", "names of the nested run-sql executions", self._nested),
            ("Lambda", "log line", self._lambda_log),
            ("Glue Python shell", "argument --job_id of the job run", lambda: self._run("python_job_name")),
            ("Glue Python shell", "log line of the job run", self._python_log),
            ("Glue Spark", "argument --job_id of the job run", lambda: self._run("spark_job_name")),
            ("Glue Spark", "name of the log stream", self._spark_stream),
            ("Glue Spark", "name of the Spark application", self._application),
            ("S3", "keys of the staged files", lambda: self._keys(self.result["uris"]["staged"])),
            ("S3", "keys of the curated files", self._curated_keys),
            ("S3", "manifests of the three stages", self._manifests),
            ("Redshift", "names of the statements", self._statements),
            ("Redshift", "leading comment of the SQL", self._comment),
            ("Redshift", "audit.job_run", self._job_run),
            ("Redshift", "audit.stage_run", self._stage_runs),
            ("Redshift", "audit.reconciliation", self._reconciliation),
            ("Redshift", "column job_id of every loaded row", self._rows),
        ]
        for service, place, look in looks:
            try:
                detail = look()
            except Exception as error:  # the trace goes on: what it shows is also what is missing
                yield Hop(service, place, False, f"{type(error).__name__}: {error}")
            else:
                yield Hop(service, place, bool(detail), detail or "not found")

    def _execution(self) -> str:
        described = self.clients.get("stepfunctions").describe_execution(executionArn=self.execution_arn)
        return self.job_id if json.loads(described["output"]).get("job_id") == self.job_id else ""

    def _nested(self) -> str:
        names = [arn.rpartition(":")[2] for arn in self._nested_arns()]
        return ", ".join(sorted(name[len(self.job_id) + 1 :] for name in names))

    def _nested_arns(self) -> list[str]:
        pages = self.clients.get("stepfunctions").get_paginator("list_executions")
        listed = pages.paginate(stateMachineArn=self.outputs["run_sql_state_machine_arn"])
        found = [execution for page in listed for execution in page["executions"]]
        return [execution["executionArn"] for execution in found if execution["name"].startswith(self.job_id)]

    def _lambda_log(self) -> str:
        group = f"/aws/lambda/{self.outputs['lambda_function_name']}"
        events = self.clients.get("logs").filter_log_events(logGroupName=group, filterPattern=f'"{self.job_id}"')
        lines = [event["message"] for event in events["events"] if self.job_id in event["message"]]
        return str(json.loads(lines[0])["message"]) if lines else ""

    def _run(self, output: str) -> str:
        found = self._job_run_of(output)
        return f"{found['Id'][:11]}… {found['JobRunState']}" if found else ""

    def _job_run_of(self, output: str) -> Mapping[str, Any] | None:
        for page in self.clients.get("glue").get_paginator("get_job_runs").paginate(JobName=self.outputs[output]):
            for run in page["JobRuns"]:
                if run["Arguments"].get("--job_id") == self.job_id:
                    return dict(run)
        return None

    def _python_log(self) -> str:
        run = self._job_run_of("python_job_name")
        if run is None:
            return ""
        for line in self._log_lines(_PYTHON_OUTPUT, run["Id"]):
            if _field(line, "job_id") == self.job_id:
                return f"{_PYTHON_OUTPUT}/{run['Id'][:11]}…: {_field(line, 'message')}"
        return ""

    def _spark_stream(self) -> str:
        names = self._spark_streams()
        return f"{_SPARK_OUTPUT}/{names[0].replace(self.job_id, '<job ID>')}" if names else ""

    def _spark_streams(self) -> list[str]:
        logs = self.clients.get("logs")
        streams = logs.describe_log_streams(logGroupName=_SPARK_OUTPUT, logStreamNamePrefix=self.job_id)
        return [stream["logStreamName"] for stream in streams["logStreams"]]

    def _application(self) -> str:
        for stream in self._spark_streams():
            for line in self._log_lines(_SPARK_OUTPUT, stream):
                name = _field(line, "application")
                if self.job_id in name:
                    return name.replace(self.job_id, "<job ID>")
        return ""

    def _log_lines(self, group: str, stream: str) -> Iterator[str]:
        logs = self.clients.get("logs")
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        yield from (event["message"] for event in events)

    def _keys(self, uri: str) -> str:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if f"job_id={self.job_id}/" not in prefix:
            return ""
        listed = self.clients.get("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return f"{len(listed)} × …/job_id=<job ID>/" if listed else ""

    def _curated_keys(self) -> str:
        found = {table: self._keys(uri) for table, uri in self.result["uris"]["curated"].items()}
        return ", ".join(f"{table}: {keys}" for table, keys in found.items()) if all(found.values()) else ""

    def _manifests(self) -> str:
        s3 = self.clients.get("s3")
        for stage in STAGES:
            bucket, _, key = self.result["uris"]["manifests"][stage].removeprefix("s3://").partition("/")
            manifest = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            if manifest["job_id"] != self.job_id or self.job_id not in key:
                return ""
        return ", ".join(f"{stage}.json" for stage in STAGES)

    def _statements(self) -> str:
        return ", ".join(sorted(name[len(self.job_id) + 1 :] for name in self._run_sql()))

    def _comment(self) -> str:
        client = self.clients.get("redshift-data")
        texts: list[str] = []
        for identifier in self._run_sql().values():
            description = client.describe_statement(Id=identifier)
            texts += [part["QueryString"] for part in description.get("SubStatements", [])]
        marked = [text for text in texts if text.startswith(f"/* job_id={self.job_id} ")]
        return f"{len(marked)} statements" if marked and len(marked) == len(texts) else ""

    def _run_sql(self) -> dict[str, str]:
        """The statements of the nested executions, by name; the Data API lists them to the role of run-sql alone."""
        states = self.clients.get("stepfunctions")
        found = {}
        for arn in self._nested_arns():
            described = states.describe_execution(executionArn=arn)
            batch = json.loads(described["input"]).get("batch")
            if batch and described["status"] == "SUCCEEDED":
                found[batch["statement_name"]] = str(json.loads(described["output"])["statement_id"])
        return {name: identifier for name, identifier in found.items() if name.startswith(self.job_id)}

    def _job_run(self) -> str:
        rows = self._query("SELECT status, rows_loaded FROM audit.job_run WHERE job_id = :job_id")
        return f"{rows[0]['status']}, {rows[0]['rows_loaded']} rows loaded" if len(rows) == 1 else ""

    def _stage_runs(self) -> str:
        rows = self._query("SELECT stage, rows_out FROM audit.stage_run WHERE job_id = :job_id")
        found = {row["stage"]: row["rows_out"] for row in rows}
        return ", ".join(f"{stage} {found[stage]}" for stage in STAGES) if set(found) == set(STAGES) else ""

    def _reconciliation(self) -> str:
        rows = self._query("SELECT table_name, rows_loaded, problem FROM audit.reconciliation WHERE job_id = :job_id")
        problems = [f"{row['table_name']}: {row['problem']}" for row in rows if row["problem"] is not None]
        if problems:
            raise ValueError("; ".join(problems))
        return "all rows add up" if rows else ""

    def _rows(self) -> str:
        counted = {}
        for table, expected in self.result["counts"]["rows_loaded"].items():
            rows = self._query(f"SELECT COUNT(*) AS n FROM analytics.{table} WHERE job_id = :job_id")
            if rows[0]["n"] != expected:
                return ""
            counted[table] = expected
        return ", ".join(f"{table} {rows}" for table, rows in counted.items())

    def _query(self, sql: str) -> list[dict[str, Any]]:
        return query(self.clients.get("redshift-data"), self.outputs, sql, job_id=self.job_id)


def _field(line: str, name: str) -> str:
    try:
        document = json.loads(line)
    except ValueError:
        return ""
    return str(document.get(name, "")) if isinstance(document, dict) else ""


def table(hops: list[Hop]) -> str:
    """The hops as aligned text."""
    width = [max(len(getattr(hop, column)) for hop in hops) for column in ("service", "place")]
    return "\n".join(
        f"  {'✓' if hop.found else '✗'} {hop.service:<{width[0]}}  {hop.place:<{width[1]}}  {hop.detail}"
        for hop in hops
    )
