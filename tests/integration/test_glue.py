"""Glue job runs are what their process was: arguments arrive, output is kept, and no failure looks like a success."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import Pipeline
from tests.waiting import until

FINAL = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Jobs:
    """Makes jobs out of scripts, and removes them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.glue = pipeline.clients.get("glue")
        self.logs = pipeline.clients.get("logs")
        self.s3 = pipeline.clients.get("s3")
        self.bucket = pipeline.outputs["artifacts_bucket"]
        self.iam = pipeline.clients.get("iam")
        self.role_name = f"test-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}}
        allow = {"Effect": "Allow", "Action": ["s3:*", "logs:*", "kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}
        role = self.iam.create_role(RoleName=self.role_name, AssumeRolePolicyDocument=policy(trust))
        self.iam.put_role_policy(RoleName=self.role_name, PolicyName="job", PolicyDocument=policy(allow))
        self.role = role["Role"]["Arn"]
        self.names: list[str] = []

    def make(self, script: str, *, kind: str = "pythonshell", **definition: Any) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        self.s3.put_object(Bucket=self.bucket, Key=f"test/{name}.py", Body=script.encode())
        command = {"Name": kind, "ScriptLocation": f"s3://{self.bucket}/test/{name}.py", "PythonVersion": "3.9"}
        if kind == "glueetl":
            command["PythonVersion"] = "3"
            definition = {"GlueVersion": "5.1", "WorkerType": "G.1X", "NumberOfWorkers": 2, **definition}
        self.glue.create_job(Name=name, Role=self.role, Command=command, **definition)
        self.names.append(name)
        return name

    def start(self, name: str, **request: Any) -> str:
        return str(self.glue.start_job_run(JobName=name, **request)["JobRunId"])

    def end(self, name: str, run_id: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            run: dict[str, Any] = self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
            return run if run["JobRunState"] in FINAL else None

        return until(over, "the job run ended", seconds=120)

    def run(self, script: str, arguments: dict[str, str] | None = None, **definition: Any) -> dict[str, Any]:
        name = self.make(script, **definition)
        return self.end(name, self.start(name, Arguments=arguments or {}))

    def output(self, run: dict[str, Any], kind: str = "output") -> list[str]:
        events = self.logs.get_log_events(
            logGroupName=f"{run['LogGroupName']}/{kind}", logStreamName=run["Id"], startFromHead=True
        )
        return [event["message"] for event in events["events"]]


@pytest.fixture
def jobs(pipeline: Pipeline) -> Iterator[Jobs]:
    made = Jobs(pipeline)
    yield made
    for name in made.names:
        made.glue.delete_job(JobName=name)
    made.iam.delete_role_policy(RoleName=made.role_name, PolicyName="job")
    made.iam.delete_role(RoleName=made.role_name)


def test_a_script_gets_its_arguments_and_its_output_is_kept(jobs: Jobs) -> None:
    script = "import json, sys\nprint(json.dumps(sys.argv[1:]))\nprint('to stderr', file=sys.stderr)\n"
    run = jobs.run(script, {"--job_id": "a b"}, DefaultArguments={"--job_id": "default", "--other": "x"})
    assert run["JobRunState"] == "SUCCEEDED"
    argv = json.loads(jobs.output(run)[0])
    given = dict(zip(argv[::2], argv[1::2], strict=True))
    assert (given["--job_id"], given["--other"], given["--JOB_NAME"]) == ("a b", "x", run["JobName"])
    assert jobs.output(run, "error") == ["to stderr"]


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import sys\nsys.exit(3)\n", 3, ""),
        ("raise ValueError('5 is not a name')\n", 1, "ValueError: 5 is not a name"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", 137, ""),
        ("this is not a python\n", 1, "SyntaxError"),
        ("import sys\nsys.exit('error: no such file')\n", 1, "error: no such file"),
    ],
)
def test_a_script_that_fails_fails_its_run_and_only_its_log_says_why(
    jobs: Jobs, script: str, code: int, said: str
) -> None:
    run = jobs.run(script)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", f"Command failed with exit code {code}")
    if said:
        assert said in jobs.output(run, "error")[-1]


def test_a_zip_is_no_library_of_a_python_shell_job(jobs: Jobs) -> None:
    jobs.s3.put_object(Bucket=jobs.bucket, Key="test/job.zip", Body=b"PK")
    run = jobs.run("print(1)\n", {"--extra-py-files": f"s3://{jobs.bucket}/test/job.zip"})
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Command failed with exit code 1")
    assert "job.zip cannot be installed" in jobs.output(run, "error")[0]


def test_a_script_that_is_not_there_fails_its_run(jobs: Jobs) -> None:
    name = jobs.make("print(1)\n")
    jobs.s3.delete_object(Bucket=jobs.bucket, Key=f"test/{name}.py")
    run = jobs.end(name, jobs.start(name))
    assert run["JobRunState"] == "FAILED"
    assert f"test/{name}.py cannot be read" in run["ErrorMessage"]


def test_a_stopped_run_says_stopped(jobs: Jobs) -> None:
    name = jobs.make("import signal\nprint('started', flush=True)\nsignal.pause()\n")
    run_id = jobs.start(name)

    def running() -> bool | None:
        return jobs.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]["JobRunState"] == "RUNNING" or None

    until(running, "the run was running")
    answer = jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id, "jr_none"])
    assert [found["JobRunId"] for found in answer["SuccessfulSubmissions"]] == [run_id]
    assert [found["ErrorDetail"]["ErrorCode"] for found in answer["Errors"]] == ["EntityNotFoundException"]
    assert jobs.end(name, run_id)["JobRunState"] == "STOPPED"


def test_more_runs_than_the_job_allows_are_refused(jobs: Jobs) -> None:
    name = jobs.make("import signal\nsignal.pause()\n", ExecutionProperty={"MaxConcurrentRuns": 1})
    run_id = jobs.start(name)
    with pytest.raises(jobs.glue.exceptions.ConcurrentRunsExceededException):
        jobs.start(name)
    jobs.glue.batch_stop_job_run(JobName=name, JobRunIds=[run_id])
    jobs.end(name, run_id)


def test_an_unknown_job_is_refused(jobs: Jobs) -> None:
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException):
        jobs.start("no-such-job")


def test_spark_runs_and_reads_and_writes_s3(jobs: Jobs) -> None:
    jobs.s3.put_object(Bucket=jobs.bucket, Key="test/in/numbers.csv", Body=b"n\n1\n2\n3\n")
    script = (
        "import sys\n"
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "source, target = sys.argv[sys.argv.index('--source') + 1], sys.argv[sys.argv.index('--target') + 1]\n"
        "rows = spark.read.csv(source, header=True, inferSchema=True)\n"
        "rows.selectExpr('sum(n) AS total').coalesce(1).write.json(target)\n"
        "print(spark.version)\n"
    )
    arguments = {
        "--source": f"s3://{jobs.bucket}/test/in/",
        "--target": f"s3://{jobs.bucket}/test/out/",
        "--note": "see s3://partner-bucket/readme.txt",  # a text: nothing reads it, so nothing has to be there
    }
    run = jobs.run(script, arguments, kind="glueetl")
    assert run["JobRunState"] == "SUCCEEDED", run
    assert jobs.output(run) == ["3.5.6"]
    listed = jobs.s3.list_objects_v2(Bucket=jobs.bucket, Prefix="test/out/")["Contents"]
    (key,) = [item["Key"] for item in listed if item["Key"].endswith(".json")]
    assert json.loads(jobs.s3.get_object(Bucket=jobs.bucket, Key=key)["Body"].read()) == {"total": 6}


def test_a_spark_script_that_fails_fails_its_run(jobs: Jobs) -> None:
    run = jobs.run("import pyspark\nraise SystemExit(3)\n", kind="glueetl")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "SystemExit: 3")
