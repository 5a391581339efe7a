"""Requests to S3, Step Functions and Secrets Manager. Signed here: importing the SDK takes longer than all else.

Signature: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

_SECONDS: Final = 10.0
_TRIES: Final = 3
_NAMESPACE: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_TARGETS: Final = {"states": "AWSStepFunctions", "secretsmanager": "secretsmanager"}


class AwsRequestError(Exception):
    """A service refused a request, or did not answer."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what}: {status or 'no answer'}: {said[:500]}")
        self.status = status


@dataclass(frozen=True)
class HttpResponse:
    """What a service answered by HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Aws:
    """environment: of a Lambda function, with its role's credentials; AWS_ENDPOINT_URL is one endpoint of all."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._region = environment["AWS_REGION"]

    def get(self, bucket: str, key: str) -> bytes | None:
        """An object's bytes, or None where there is none."""
        answer = self._s3("GET", bucket, key)
        return None if answer is None else answer.body

    def put_new(self, bucket: str, key: str, body: bytes) -> bool:
        """Write an object that is not there; False where it is."""
        headers = {"content-type": "application/json", "if-none-match": "*"}
        answer = self._s3("PUT", bucket, key, body=body, headers=headers, expected=(200, 409, 412))
        return answer is not None and answer.status == 200

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object."""
        self._s3("PUT", bucket, key, body=body)

    def age(self, bucket: str, key: str, now: float) -> float | None:
        """Seconds since an object was written, or None where there is none."""
        answer = self._s3("HEAD", bucket, key)
        if answer is None:
            return None
        written = datetime.strptime(answer.headers["last-modified"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        return now - written.timestamp()

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """All keys below a prefix, in order."""
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            answer = self._s3("GET", bucket, "", query=query)
            root = ElementTree.fromstring(answer.body if answer else b"<none/>")
            for item in root.iter():
                if item.tag.removeprefix(_NAMESPACE) == "Key":
                    yield item.text or ""
            token = next((item.text or "" for item in root if item.tag.endswith("NextContinuationToken")), "")
            if not token:
                return

    def call(self, service: str, operation: str, document: Mapping[str, object]) -> Any:
        """An operation of a service that speaks JSON."""
        version = "1.0" if service == "states" else "1.1"
        headers = {
            "content-type": f"application/x-amz-json-{version}",
            "x-amz-target": f"{_TARGETS[service]}.{operation}",
        }
        url = self._endpoint(f"{service}.{self._region}.{self._suffix}")
        answer = self._send(service, "POST", url, "/", {}, headers, json.dumps(document).encode())
        if answer.status != 200:
            raise AwsRequestError(f"{service}:{operation}", answer.status, answer.body.decode(errors="replace"))
        return json.loads(answer.body)

    @property
    def _suffix(self) -> str:
        return "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"

    def _endpoint(self, host: str) -> str:
        return self._environment.get("AWS_ENDPOINT_URL") or f"https://{host}"

    def _s3(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        expected: tuple[int, ...] = (200,),
    ) -> HttpResponse | None:
        local = self._environment.get("AWS_ENDPOINT_URL")
        path = f"/{bucket}/{quote(key, safe='/-_.~')}" if local else f"/{quote(key, safe='/-_.~')}"
        url = self._endpoint(f"{bucket}.s3.{self._region}.{self._suffix}")
        answer = self._send("s3", method, url, path, query or {}, headers or {}, body)
        if answer.status == 404 and method != "PUT":
            return None
        if answer.status not in expected:
            raise AwsRequestError(f"s3:{method} {bucket}/{key}", answer.status, answer.body.decode(errors="replace"))
        return answer

    def _send(
        self,
        service: str,
        method: str,
        url: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> HttpResponse:
        """The answer of the last of a few tries."""
        for attempt in range(1, _TRIES + 1):
            moment = datetime.now(UTC)
            host = urlsplit(url).netloc
            signed = sign(self._environment, service, self._region, method, host, path, query, headers, body, moment)
            try:
                answer = exchange(url, method, f"{path}{_query(query, '?')}", signed, body, _SECONDS)
            except (OSError, http.client.HTTPException) as error:
                if attempt == _TRIES:
                    raise AwsRequestError(
                        f"{service}: {method} {path}", 0, f"{type(error).__name__}: {error}"
                    ) from error
            else:
                if attempt == _TRIES or not (answer.status >= 500 or answer.status == 429 or _throttled(answer)):
                    return answer
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("the last try returns or raises")


def exchange(
    url: str, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> HttpResponse:
    """One request, without a proxy and without following a redirection, which would take the headers elsewhere.

    Raises:
        OSError, http.client.HTTPException: there was no answer.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=seconds)
    try:
        connection.request(method, target, body=body, headers={**headers, "connection": "close"})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return HttpResponse(answer.status, named, answer.read())
    finally:
        connection.close()


def sign(
    environment: Mapping[str, str],
    service: str,
    region: str,
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    moment: datetime,
) -> dict[str, str]:
    """The headers of a request with its signature (version 4).

    Args:
        path: as it is sent, encoded.
    """
    stamp = f"{moment:%Y%m%d}T{moment:%H%M%S}Z"
    digest = hashlib.sha256(body).hexdigest()
    given = {**headers, "host": host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    if token := environment.get("AWS_SESSION_TOKEN"):
        given["x-amz-security-token"] = token
    names = ";".join(sorted(given))
    lines = [
        method,
        path,
        _query(query),
        *(f"{name}:{given[name].strip()}" for name in sorted(given)),
        "",
        names,
        digest,
    ]
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{environment['AWS_ACCESS_KEY_ID']}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**given, "authorization": authorization}


def _query(query: Mapping[str, str], begin: str = "") -> str:
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
    return f"{begin}{text}" if text else ""


def _throttled(answer: HttpResponse) -> bool:
    return answer.status == 400 and b"hrottl" in answer.body
