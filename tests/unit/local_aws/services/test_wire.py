"""Requests of botocore's own clients are known again, and errors are read by them as they were meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.services import wire

_SESSION = boto3.session.Session(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any) -> bytes:
        body, self._body = self._body, b""
        return body


def request_of(prepared: Any) -> wire.HttpRequest:
    parts = urlsplit(prepared.url)
    body = prepared.body or b""
    body = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    return wire.HttpRequest(
        prepared.method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body
    )


def ask(service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, inject_host_prefix=False)
    client: Any = _SESSION.client(service, endpoint_url="http://127.0.0.1:1", config=config)  # type: ignore[call-overload]

    def send(request: Any, **_: Any) -> AWSResponse:
        status, headers, body = answer(request_of(request))
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Raw(body))

    client.meta.events.register("before-send", send)
    return client._make_api_call(operation, parameters)


CALLS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("s3", "ListBuckets", {}, {}),
    ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p/"}, {"Bucket": "b", "Prefix": "p/"}),
    ("s3", "ListObjects", {"Bucket": "b"}, {"Bucket": "b"}),
    ("s3", "GetObject", {"Bucket": "b", "Key": "a/ö b"}, {"Bucket": "b", "Key": "a/ö b"}),
    ("s3", "GetObjectTagging", {"Bucket": "b", "Key": "k"}, {"Bucket": "b", "Key": "k"}),
    ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, {"Bucket": "b", "Key": "k"}),
    ("s3", "HeadBucket", {"Bucket": "b"}, {"Bucket": "b"}),
    ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": b"x"}, {"Bucket": "b", "Key": "k"}),
    ("s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "c/k"}, {"Bucket": "b", "CopySource": "c/k"}),
    ("s3", "UploadPart", {"Bucket": "b", "Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b""}, {"UploadId": "u"}),
    ("s3", "CreateMultipartUpload", {"Bucket": "b", "Key": "k"}, {"Key": "k"}),
    ("s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}, {"Bucket": "b"}),
    ("s3", "DeleteObject", {"Bucket": "b", "Key": "k"}, {"Key": "k"}),
    ("s3", "GetBucketVersioning", {"Bucket": "b"}, {"Bucket": "b"}),
    ("lambda", "Invoke", {"FunctionName": "f", "Payload": b'{"a": 1}'}, {"FunctionName": "f", "Payload": b'{"a": 1}'}),
    ("lambda", "GetFunction", {"FunctionName": "f"}, {"FunctionName": "f"}),
    ("lambda", "ListFunctions", {}, {}),
    ("lambda", "GetFunctionConfiguration", {"FunctionName": "f"}, {"FunctionName": "f"}),
    ("scheduler", "CreateSchedule", {
        "Name": "s", "FlexibleTimeWindow": {"Mode": "OFF"}, "ScheduleExpression": "rate(1 hour)",
        "Target": {"Arn": "arn:x", "RoleArn": "arn:y"},
    }, {"Name": "s", "ScheduleExpression": "rate(1 hour)"}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": {"--a": "b"}}, {"JobName": "j", "Arguments": {"--a": "b"}}),
    ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:x", "input": "{}"}, {"stateMachineArn": "arn:x"}),
    ("redshift-data", "DescribeStatement", {"Id": "12345678-1234-1234-1234-123456789012"}, {}),
    ("redshift", "DescribeClusters", {"ClusterIdentifier": "c"}, {"ClusterIdentifier": "c"}),
    ("sns", "Publish", {"TopicArn": "arn:x", "Message": "m"}, {"TopicArn": "arn:x", "Message": "m"}),
    ("sqs", "SendMessage", {"QueueUrl": "http://q", "MessageBody": "m"}, {"QueueUrl": "http://q"}),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::0:role/x", "RoleSessionName": "xx"}, {"RoleSessionName": "xx"}),
    ("iam", "GetRole", {"RoleName": "r"}, {"RoleName": "r"}),
    ("ec2", "DescribeVpcs", {"VpcIds": ["v"]}, {"VpcId.1": "v"}),
    ("events", "PutEvents", {"Entries": [{"Source": "s"}]}, {"Entries": [{"Source": "s"}]}),
    ("logs", "CreateLogStream", {"logGroupName": "g", "logStreamName": "s"}, {"logGroupName": "g"}),
    ("secretsmanager", "GetSecretValue", {"SecretId": "s"}, {"SecretId": "s"}),
    ("kms", "Decrypt", {"CiphertextBlob": b"x"}, {}),
    ("cloudwatch", "DescribeAlarms", {}, {}),
    ("ssm", "GetParameter", {"Name": "n"}, {"Name": "n"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "members"),
    CALLS,
    ids=[f"{service}-{operation}" for service, operation, _, _ in CALLS],
)
def test_a_call_is_known_again(
    service: str, operation: str, parameters: dict[str, Any], members: dict[str, Any]
) -> None:
    found: list[wire.ApiCall | None] = []

    def answer(request: wire.HttpRequest) -> wire.Answer:
        found.append(wire.call_of(request))
        return wire.error_answer(service, request, "SomeError", "ünknown <&>", 418)

    with pytest.raises(ClientError) as raised:
        ask(service, operation, parameters, answer)

    [call] = found
    assert call is not None
    assert (call.service, call.operation) == (service, operation)
    assert {name: call.members.get(name) for name in members} == members
    said = raised.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 418
    if not operation.startswith("Head"):  # such an answer has no body
        assert (said["Error"]["Code"], said["Error"]["Message"]) == ("SomeError", "ünknown <&>")


@pytest.mark.parametrize(
    "request_",
    [
        wire.HttpRequest("GET", "/"),
        wire.HttpRequest("GET", "/", headers={"authorization": "Credential=a/20260101/us-east-1/nothing/aws4_request"}),
        wire.HttpRequest("BREW", "/b/k", headers={"authorization": "Credential=a/20260101/us-east-1/s3/aws4_request"}),
        wire.HttpRequest("POST", "/", headers={"authorization": "Credential=a/20260101/us-east-1/sts/aws4_request"}),
        wire.HttpRequest("POST", "/", headers={
            "authorization": "Credential=a/20260101/us-east-1/glue/aws4_request", "x-amz-target": "AWSGlue.Nothing",
        }),
    ],
)  # fmt: skip
def test_what_is_no_call_is_none(request_: wire.HttpRequest) -> None:
    assert wire.call_of(request_) is None


def test_a_presigned_request_is_known() -> None:
    query = {"X-Amz-Credential": "a/20260101/us-east-1/s3/aws4_request"}
    found = wire.call_of(wire.HttpRequest("GET", "/b/k", query))
    assert found is not None
    assert found.operation == "GetObject"


@pytest.mark.parametrize(
    ("service", "code", "sent", "status"),
    [
        ("s3", "SlowDown", "SlowDown", 503),
        ("s3", "NoSuchKey", "NoSuchKey", 404),
        ("s3", "InternalError", "InternalError", 500),
        ("sns", "ThrottledException", "Throttled", 429),
        ("sns", "Throttled", "Throttled", 429),
        ("lambda", "TooManyRequestsException", "TooManyRequestsException", 429),
        ("lambda", "ServiceException", "ServiceException", 500),
        ("redshift-data", "InternalServerException", "InternalServerException", 500),
        ("glue", "ThrottlingException", "ThrottlingException", 400),
        ("glue", "Unheard", "Unheard", 400),
    ],
)
def test_codes_and_statuses(service: str, code: str, sent: str, status: int) -> None:
    assert (wire.error_code(service, code), wire.error_status(service, code)) == (sent, status)
    request = wire.HttpRequest("GET", "/")
    answered, headers, body = wire.error_answer(service, request, code, "m", None)
    assert answered == status
    assert sent in body.decode()
    assert headers["x-amzn-RequestId"]
