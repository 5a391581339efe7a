"""Glue."""

from __future__ import annotations

from typing import Any

from tests.conformance.conftest import Aws, until


def reporting(aws: Aws, script: str) -> tuple[str, str]:
    """A script that can `report(value)`, which nothing else can do for it, and the key of its report."""
    key = f"reports/{aws.name()}.json"
    begin = f"""
import json, sys
import boto3
def report(value):
    boto3.client("s3").put_object(Bucket={aws.bucket!r}, Key={key!r}, Body=json.dumps(value).encode())
"""
    return begin + script, key


def run(aws: Aws, script: str, *, kind: str = "pythonshell", **arguments: str) -> tuple[dict[str, Any], Any]:
    """The ended run, and what its script reported."""
    text, key = reporting(aws, script)
    job = aws.job(text, kind=kind)
    return aws.run(job, aws.start_run(job, **arguments)), aws.get(key)


def test_script(aws: Aws) -> None:
    """a Python shell script runs, and reaches the endpoint"""
    found, reported = run(aws, "report(6 * 7)")
    assert (found["JobRunState"], reported) == ("SUCCEEDED", 42), found.get("ErrorMessage")


def test_arguments(aws: Aws) -> None:
    """its arguments arrive in argv"""
    _, reported = run(aws, "report(sys.argv)", job_id="a 'b' \"c\"")
    assert reported is not None
    assert reported[reported.index("--job_id") + 1] == "a 'b' \"c\""


def test_exception(aws: Aws) -> None:
    """a Python shell script that raises is a failed run, which tells the exit code alone"""
    found, _ = run(aws, "raise ValueError('42 rows are missing')")
    assert (found["JobRunState"], found["ErrorMessage"]) == ("FAILED", "Command failed with exit code 1")


def test_exit_code(aws: Aws) -> None:
    """a script that exits with a code is a failed run"""
    found, _ = run(aws, "sys.exit(3)")
    assert found["JobRunState"] == "FAILED"


def test_spark(aws: Aws) -> None:
    """a Spark script runs on Spark"""
    script = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
report(spark.range(1000).selectExpr("sum(id)").first()[0])
"""
    found, reported = run(aws, script, kind="glueetl")
    assert (found["JobRunState"], reported) == ("SUCCEEDED", 499500), found.get("ErrorMessage")


def test_failed_spark(aws: Aws) -> None:
    """a Spark script that raises is a failed run, with its exception"""
    found, _ = run(aws, "raise ValueError('no such column')", kind="glueetl")
    assert (found["JobRunState"], found["ErrorMessage"]) == ("FAILED", "ValueError: no such column")


def test_stop(aws: Aws) -> None:
    """BatchStopJobRun ends the script"""
    text, key = reporting(aws, "import time\nreport('begun')\ntime.sleep(3600)")
    job = aws.job(text)
    started = aws.start_run(job)
    until(lambda: aws.get(key), "the script began")
    aws.client("glue").batch_stop_job_run(JobName=job, JobRunIds=[started])
    assert aws.run(job, started)["JobRunState"] == "STOPPED"


def test_logs(aws: Aws) -> None:
    """what a script prints is in CloudWatch Logs"""
    job = aws.job("print('said by the script')")
    started = aws.start_run(job)
    found = aws.run(job, started)
    group = f"{found.get('LogGroupName') or '/aws-glue/python-jobs'}/output"
    logs = aws.client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=started)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    assert any("said by the script" in event["message"] for event in events)
