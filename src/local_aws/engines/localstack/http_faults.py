"""Faults at the HTTP requests of LocalStack: handlers of its chain, and one call of our own."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ConnectionClosedError
from localstack.aws import handlers
from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Response
from localstack.http.request import restore_payload
from localstack.services.edge import ROUTER
from rolo.serving import twisted
from twisted.internet import reactor

from local_aws.services import wire
from local_aws.services.faults.fault_rules import Faults, Occasion, Rule
from local_aws.services.faults.requests import PATH, administer, answer_of

# In the environment of a WSGI request: the server's own request, which has the connection.
_SERVED: Final = "local_aws.served"
_SECONDS_TO_HANG_UP: Final = 5.0


def change(faults: Faults) -> None:
    """Ask for faults at each request, once."""
    if twisted.update_wsgi_environment is not _tell_of_connection:
        global _update
        _update, twisted.update_wsgi_environment = twisted.update_wsgi_environment, _tell_of_connection
    ROUTER.add(PATH, _administer(faults), methods=["GET", "PUT", "DELETE"])
    # The call is known here, and its service not yet asked.
    handlers.serve_custom_service_request_handlers.append(_Before(faults))
    handlers.run_custom_response_handlers.append(_After(faults))


_update: Any = None


def _tell_of_connection(environ: dict[str, Any], request: object) -> None:
    _update(environ, request)
    environ[_SERVED] = request


def _administer(faults: Faults) -> Any:
    def answer(request: Any, **_: Any) -> Response:
        status, headers, body = administer(faults, request.method, request.get_data())
        return Response(body, status, headers)

    return answer


class _Before:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __call__(self, chain: HandlerChain, context: RequestContext, response: Response) -> None:
        if not self._faults.request:
            return
        occasion = _occasion(context)
        rule = self._faults.take(self._faults.request, "before", occasion)
        if rule is None:
            return
        _meet(self._faults, rule)
        if rule.cut is not None or rule.error is not None:
            # Nothing is done after it, neither by a service nor by the rules for afterwards.
            setattr(context, _ANSWERED, True)
            _answer(rule, occasion, context, response)
            chain.stop()


class _After:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __call__(self, chain: HandlerChain, context: RequestContext, response: Response) -> None:
        if not self._faults.request or context.operation is None or getattr(context, _ANSWERED, False):
            return
        occasion = _occasion(context)
        rule = self._faults.take(self._faults.request, "after", occasion)
        if rule is not None:
            _meet(self._faults, rule)
            _answer(rule, occasion, context, response)


_ANSWERED: Final = "local_aws_answered"


def _meet(faults: Faults, rule: Rule) -> None:
    time.sleep(rule.delay)
    faults.kill(rule)


def _occasion(context: RequestContext) -> Occasion:
    if context.operation is None:
        return Occasion()  # no call that is known
    service, operation = context.service.service_name, context.operation.name
    call = wire.call_of(_request(context))
    members = call.members if call else context.service_request or {}
    return Occasion(service, operation, members)


def _request(context: RequestContext) -> wire.HttpRequest:
    request = context.request
    headers = {name.lower(): value for name, value in request.headers.items()}
    # S3's bodies are streams, and its members stand elsewhere.
    is_s3 = context.service is not None and context.service.service_name == "s3"
    body = b"" if is_s3 else restore_payload(request)
    _give_back(context, body)
    return wire.HttpRequest(request.method, request.path, dict(request.args), headers, body)


def _give_back(context: RequestContext, body: bytes) -> None:
    """What is a stream, such as the payload of Lambda's Invoke, was read with the body, so it is given anew."""
    shape = context.operation.get_streaming_input() if context.operation is not None else None
    if body and shape is not None and context.service_request is not None:
        name = context.operation.input_shape.serialization["payload"]
        context.service_request[name] = io.BytesIO(body)


def _answer(rule: Rule, occasion: Occasion, context: RequestContext, response: Response) -> None:
    if rule.cut is not None:
        body = b"".join(response.iter_encoded())
        served = context.request.environ.get(_SERVED)
        response.set_response(_cut(body[: rule.cut], served))
        response.headers["Content-Length"] = str(len(body))
    elif (answer := answer_of(rule, occasion, _request(context))) is not None:
        status, headers, body = answer
        response.headers.clear()
        response.set_response(body)
        response.status_code = status
        response.headers.update(headers)


def _cut(part: bytes, served: Any) -> Iterator[bytes]:
    """Some bytes of a body, and the end of the connection: of one within the process, the error that it would be."""
    if part:
        yield part
    if served is None:
        raise ConnectionClosedError(endpoint_url="this endpoint")
    lost = threading.Event()

    def hang_up() -> None:
        served.notifyFinish().addBoth(lambda _: lost.set())
        if part:
            served.loseConnection()
        else:
            served.transport.abortConnection()

    reactor.callFromThread(hang_up)
    lost.wait(_SECONDS_TO_HANG_UP)
