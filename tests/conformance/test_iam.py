"""IAM."""

from __future__ import annotations

from typing import Any

from tests.conformance.conftest import Aws, task

# A run that failed tells its exit code alone.
SCRIPT = """
import boto3, sys
try:
    print(boto3.client("s3").get_object(Bucket=sys.argv[sys.argv.index("--bucket") + 1], Key="allowed")["ETag"])
except Exception as error:
    sys.exit(42 if "s3:GetObject" in str(error) else 1)
"""


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource]}


def test_job(aws: Aws) -> None:
    """a Glue job may do what its role allows, and nothing else"""
    aws.put("allowed", "x")
    script = allow("s3:GetObject", f"arn:aws:s3:::{aws.bucket}/scripts/*")
    data = allow("s3:GetObject", f"arn:aws:s3:::{aws.bucket}/allowed")
    allowed, refused = (
        aws.job(SCRIPT, role=aws.make_role(["glue"], *statements)) for statements in ((script, data), (script,))
    )
    found = aws.run(allowed, aws.start_run(allowed, bucket=aws.bucket))
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")
    found = aws.run(refused, aws.start_run(refused, bucket=aws.bucket))
    assert (found["JobRunState"], found["ErrorMessage"]) == ("FAILED", "Command failed with exit code 42")


def test_machine(aws: Aws) -> None:
    """a state machine may do what its role allows, and nothing else"""
    function = aws.function("def handler(e, c): return 42")
    states = task("arn:aws:states:::lambda:invoke", {"FunctionName": function})
    invoke = allow("lambda:InvokeFunction", f"{function}*")
    found = aws.execution(aws.start(aws.machine(states, role=aws.make_role(["states"], invoke))))
    assert found["status"] == "SUCCEEDED", found.get("cause")
    found = aws.execution(aws.start(aws.machine(states, role=aws.make_role(["states"]))))
    assert found["status"] == "FAILED"
    assert "lambda:InvokeFunction" in found["cause"]


def test_key(aws: Aws) -> None:
    """a state machine reads what a KMS key encrypts only where its role may use the key"""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    aws.client("s3").put_object(Bucket=aws.bucket, Key="encrypted", Body=b"42", **encrypted)
    states = task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": aws.bucket, "Key": "encrypted"})
    read = allow("s3:GetObject", f"arn:aws:s3:::{aws.bucket}/encrypted")
    roles = (aws.make_role(["states"], read, *more) for more in ((allow("kms:Decrypt", key),), ()))
    allowed, refused = (aws.execution(aws.start(aws.machine(states, role=role))) for role in roles)
    assert allowed["status"] == "SUCCEEDED", allowed.get("cause")
    assert refused["status"] == "FAILED"
    assert "kms:Decrypt" in refused["cause"]
