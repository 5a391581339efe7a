"""Requests are signed as AWS's own SDK signs them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambda_emit_lineage import aws
from lambda_emit_lineage.aws import Aws, AwsRequestError, HttpResponse

ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    "AWS_SESSION_TOKEN": "to/ken+=",
}
MOMENT = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize("service", ["s3", "states", "secretsmanager"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", {}),
        ("/runs/a b=ü.json", {}),
        ("/", {"list-type": "2", "prefix": "lineage/a=b c/", "continuation-token": "x+/="}),
    ],
)
def test_a_signature_is_that_of_the_sdk(
    monkeypatch: pytest.MonkeyPatch, service: str, path: str, query: dict[str, str]
) -> None:
    headers, body, host = {"content-type": "application/json", "if-none-match": "*"}, b'{"a": 1}', "lake.example.com"
    encoded = quote(path, safe="/-_.~")
    ours = aws.sign(ENVIRONMENT, service, "us-east-1", "PUT", host, encoded, query, headers, body, MOMENT)
    request = AWSRequest("PUT", f"https://{host}{encoded}", headers=headers, params=query, data=body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    signer = kind(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "to/ken+="), service, "us-east-1")
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = ENVIRONMENT["AWS_SESSION_TOKEN"]
    request.headers["X-Amz-Content-SHA256"] = ours["x-amz-content-sha256"]
    if service != "s3":
        # The SDK encodes a path again that is not an S3 key; ours is "/" alone there.
        encoded = "/"
        ours = aws.sign(ENVIRONMENT, service, "us-east-1", "PUT", host, encoded, query, headers, body, MOMENT)
        request.url = f"https://{host}/"
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["authorization"].endswith(f"Signature={signer.signature(text, request)}")


class Wire:
    """Answers of a service, one after the other; an exception is raised."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self.answers, self.asked, self.paused = list(answers), [], 0.0  # type: ignore[var-annotated]
        monkeypatch.setattr(aws, "exchange", self.exchange)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def exchange(self, url: str, method: str, target: str, headers: Any, _body: bytes, _seconds: float) -> HttpResponse:
        self.asked.append((method, f"{url}{target}", headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpResponse) else HttpResponse(answer, {}, b"<a/>")

    def sleep(self, seconds: float) -> None:
        self.paused += seconds


def test_what_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch, TimeoutError("slow"), 503, HttpResponse(200, {}, b"body"))
    assert Aws(ENVIRONMENT).get("lake", "runs/a=b.json") == b"body"
    assert {asked[:2] for asked in wire.asked} == {("GET", "https://lake.s3.us-east-1.amazonaws.com/runs/a%3Db.json")}
    assert wire.paused > 0


def test_what_lasts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Wire(monkeypatch, *[ConnectionRefusedError("no")] * 3)
    with pytest.raises(AwsRequestError, match="no answer: ConnectionRefusedError"):
        Aws(ENVIRONMENT).get("lake", "a")
    Wire(monkeypatch, 403)
    with pytest.raises(AwsRequestError, match="403"):
        Aws(ENVIRONMENT).put("lake", "a", b"")
    throttled = HttpResponse(400, {}, b'{"__type": "ThrottlingException"}')
    Wire(monkeypatch, throttled, throttled, throttled)
    with pytest.raises(AwsRequestError, match="Throttling"):
        Aws(ENVIRONMENT).call("states", "GetExecutionHistory", {})


@pytest.mark.parametrize(("status", "new"), [(200, True), (412, False), (409, False)])
def test_an_object_is_written_where_it_is_not_there(monkeypatch: pytest.MonkeyPatch, status: int, new: bool) -> None:
    wire = Wire(monkeypatch, status)
    assert Aws(ENVIRONMENT).put_new("lake", "a", b"{}") is new
    assert wire.asked[0][2]["if-none-match"] == "*"


def test_an_object_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    Wire(monkeypatch, 404, 404)
    assert Aws(ENVIRONMENT).get("lake", "a") is None
    assert Aws(ENVIRONMENT).age("lake", "a", 0.0) is None


def test_the_age_of_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    Wire(monkeypatch, HttpResponse(200, {"last-modified": "Thu, 01 Jan 1970 00:01:00 GMT"}, b""))
    assert Aws(ENVIRONMENT).age("lake", "a", 100.0) == 40.0


def test_keys_of_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b'<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Contents><Key>%s</Key></Contents>%s</R>'
    first = HttpResponse(200, {}, page % (b"a&amp;b", b"<NextContinuationToken>t</NextContinuationToken>"))
    wire = Wire(monkeypatch, first, HttpResponse(200, {}, page % (b"c", b"")))
    assert list(Aws(ENVIRONMENT).keys("lake", "lineage/")) == ["a&b", "c"]
    assert "continuation-token=t" in wire.asked[1][1]


def test_one_endpoint_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(monkeypatch, 200, HttpResponse(200, {}, b"{}"))
    local = Aws({**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    local.put("lake", "a", b"")
    local.call("states", "GetExecutionHistory", {})
    assert [asked[1] for asked in wire.asked] == ["http://127.0.0.1:4566/lake/a", "http://127.0.0.1:4566/"]
    assert wire.asked[1][2]["x-amz-target"] == "AWSStepFunctions.GetExecutionHistory"
