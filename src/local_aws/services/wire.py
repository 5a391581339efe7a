"""AWS's protocols by botocore's models: which operation a request asks for, and how an error is written.

https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.exceptions import DataNotFoundError
from botocore.model import OperationModel, ServiceModel, StructureShape

from aws_facts.errors import STATUS
from local_aws.json_types import JsonMapping
from local_aws.services.request_model import service_model

# What a request is signed for, where boto3 has another name for it.
_CLIENTS: Final = {"states": "stepfunctions", "monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
_SCOPE: Final = re.compile(r"Credential=[^/,]+/\d+/[^/]+/([^/]+)/aws4_request")
_LABEL: Final = re.compile(r"\{(\w+)(\+?)\}")

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class HttpRequest:
    """A request over HTTP; the names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class ApiCall:
    """What a request asks for. `service`: boto3's name; `members`: of the operation's input, as far as told."""

    service: str
    operation: str
    members: JsonMapping


def call_of(request: HttpRequest) -> ApiCall | None:
    """What a request asks for; None where it is signed for no service, or is not an operation of it."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    presigned = request.query.get("X-Amz-Credential", "").split("/")
    signed = scope[1] if scope else presigned[3] if len(presigned) == 5 else None
    if signed is None:
        return None
    service = _CLIENTS.get(signed, signed)
    try:
        model = service_model(service)
    except DataNotFoundError:
        return None
    return _by_name(model, request) or _by_path(model, request)


def _by_name(model: ServiceModel, request: HttpRequest) -> ApiCall | None:
    if target := request.headers.get("x-amz-target"):
        return _named(model, target.rpartition(".")[2], _document(request.body))
    if request.headers.get("smithy-protocol"):
        return _named(model, request.path.rpartition("/")[2], {})
    if model.protocol in ("query", "ec2", "smithy-rpc-v2-cbor"):
        form = {**request.query, **dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))}
        return _named(model, form.get("Action", ""), form)
    return None


def _named(model: ServiceModel, operation: str, members: Mapping[str, object]) -> ApiCall | None:
    return ApiCall(model.service_name, operation, members) if operation in model.operation_names else None


def _document(body: bytes) -> JsonMapping:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class _Route:
    """Where an operation of a REST protocol is, and what else its requests have to have."""

    operation: OperationModel
    method: str
    path: re.Pattern[str]
    literals: int  # characters of the path that are no label
    query: tuple[tuple[str, str], ...]
    needed: tuple[tuple[str, str], ...]  # "querystring" or "header", and the name

    def rank(self, request: HttpRequest) -> tuple[int, int] | None:
        """How much of a request it tells apart from others; None where it is another operation's."""
        if request.method != self.method or not self.path.fullmatch(request.path):
            return None
        if any(request.query.get(name) != value for name, value in self.query):
            return None
        for place, name in self.needed:
            if name not in (request.query if place == "querystring" else request.headers):
                return None
        return len(self.query) + len(self.needed), self.literals


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = service_model(service)
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: OperationModel) -> _Route:
    uri, _, query = operation.http.get("requestUri", "/").partition("?")
    parts = _LABEL.split(uri)
    pattern = re.escape(parts[0])
    for name, greedy, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pattern += f"(?P<{name}>{'.+' if greedy else '[^/]+'}){re.escape(literal)}"
    shape, needed = operation.input_shape, []
    for name in shape.required_members if shape else ():
        member = shape.members[name].serialization  # type: ignore[union-attr]
        if member.get("location") in ("querystring", "header"):
            told = str(member["name"])
            needed.append((member["location"], told.lower() if member["location"] == "header" else told))
    literals = sum(len(part) for part in parts[::3])
    fixed = tuple(pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "x-id")
    return _Route(
        operation, operation.http.get("method", "POST"), re.compile(pattern + "/?"), literals, fixed, tuple(needed)
    )


def _by_path(model: ServiceModel, request: HttpRequest) -> ApiCall | None:
    if not model.protocol.startswith("rest-"):
        return None
    ranked = [(rank, route) for route in _routes(model.service_name) if (rank := route.rank(request)) is not None]
    if not ranked:
        return None
    best = max(ranked, key=lambda found: found[0])[1]
    return ApiCall(model.service_name, best.operation.name, dict(_members(best, request)))


def _members(route: _Route, request: HttpRequest) -> Iterator[tuple[str, Any]]:
    match = route.path.fullmatch(request.path)
    labels = match.groupdict() if match else {}
    shape = route.operation.input_shape
    for name, member in shape.members.items() if shape else ():
        place, told = member.serialization.get("location"), str(member.serialization.get("name", name))
        if place == "uri" and told in labels:
            yield name, unquote(labels[told])
        elif place == "querystring" and told in request.query:
            yield name, request.query[told]
        elif place == "header" and told.lower() in request.headers:
            yield name, request.headers[told.lower()]
    payload = shape.serialization.get("payload") if shape else None
    if payload:
        yield payload, request.body
    else:
        yield from _document(request.body).items()


# Errors


def error_code(service: str, code: str) -> str:
    """A code as the service sends it: SNS's ThrottledException is `Throttled` there."""
    shape = _error_shape(service, code)
    return str(shape.error_code) if shape else code


def error_status(service: str, code: str) -> int:
    """The HTTP status that a service gives with an error; 400 where nobody says another."""
    shape = _error_shape(service, code)
    told = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
    known = STATUS.get(code, 500 if shape and shape.metadata.get("fault") else 400)
    return int(told or known)


def _error_shape(service: str, code: str) -> StructureShape | None:
    for shape in service_model(service).error_shapes:
        if isinstance(shape, StructureShape) and code in (shape.name, shape.error_code):
            return shape
    return None


def error_answer(service: str, request: HttpRequest, code: str, message: str, status: int | None) -> Answer:
    """An error as the service answers it in the protocol that the request is of."""
    status = status or error_status(service, code)
    code = error_code(service, code)
    protocol, identity = _protocol(service, request), str(uuid.uuid4())
    head = {"x-amzn-RequestId": identity}
    if protocol == "rest-xml":
        head |= {"x-amz-request-id": identity, "x-amz-id-2": identity, "Content-Type": "application/xml"}
        body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        body += f"<RequestId>{identity}</RequestId><HostId>{identity}</HostId></Error>"
        return status, head, b"" if request.method == "HEAD" else _xml(body)
    if protocol == "query":
        kind = "Sender" if status < 500 else "Receiver"
        body = f"<Error><Type>{kind}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        body = f"<ErrorResponse>{body}<RequestId>{identity}</RequestId></ErrorResponse>"
        return status, {**head, "Content-Type": "text/xml"}, _xml(body)
    if protocol == "ec2":
        body = f"<Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        body = f"<Response>{body}<RequestID>{identity}</RequestID></Response>"
        return status, {**head, "Content-Type": "text/xml"}, _xml(body)
    if protocol == "smithy-rpc-v2-cbor":
        pairs = {"__type": code, "message": message}
        return status, {**head, "smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}, _cbor(pairs)
    document = {"__type": code, "message": message, "Message": message}
    content_type = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
    return status, {**head, "x-amzn-ErrorType": code, "Content-Type": content_type}, json.dumps(document).encode()


def _protocol(service: str, request: HttpRequest) -> str:
    """A service may speak several; the request says which one it is of."""
    if request.headers.get("x-amz-target"):
        return "json"
    if request.headers.get("smithy-protocol"):
        return "smithy-rpc-v2-cbor"
    if "x-www-form-urlencoded" in request.headers.get("content-type", "") and service != "ec2":
        return "query"
    return str(service_model(service).protocol)


def _xml(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _cbor(pairs: Mapping[str, str]) -> bytes:
    """A map of texts.

    https://www.rfc-editor.org/rfc/rfc8949#section-3
    """

    def text(value: str) -> bytes:
        written = value.encode()
        return b"\x7a" + len(written).to_bytes(4, "big") + written

    return bytes([0xA0 + len(pairs)]) + b"".join(text(name) + text(value) for name, value in pairs.items())
