"""Tells a local endpoint what shall go wrong: docs/faults.md has the rules.

rule = Rule("throttled", "task", service="glue", error=Error("ThrottlingException"))
with faults.injected(endpoint_url, rule) as met:
    ...
assert met() == {"throttled": 1}
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from dataset_contract.json_types import JsonObject
from local_aws.services.faults.fault_rules import Error, FaultPlan, Rule
from local_aws.services.faults.requests import PATH

__all__ = ["Error", "FaultPlan", "FaultsRefusedError", "Rule", "clear", "injected", "met", "put"]

_SECONDS = 60.0
# What is on this machine is asked without a proxy.
_opener = build_opener(ProxyHandler({}))


class FaultsRefusedError(ValueError):
    """The endpoint refused the rules; the text names the field, the value and what is accepted."""


def put(endpoint_url: str, plan: FaultPlan | Mapping[str, object]) -> None:
    """Replace all rules of an endpoint; every count begins at 0.

    Args:
        endpoint_url: of the local endpoint.
        plan: the rules, or a document as docs/faults.md has it.

    Raises:
        FaultsRefusedError: the endpoint says what is wrong.
        urllib.error.URLError: it does not answer.
    """
    document = plan.document() if isinstance(plan, FaultPlan) else plan
    _ask(endpoint_url, "PUT", json.dumps(document).encode())


def clear(endpoint_url: str) -> None:
    """Take all rules away."""
    _ask(endpoint_url, "DELETE")


def met(endpoint_url: str) -> dict[str, int]:
    """How often each rule has acted since it was put, by its name."""
    found: dict[str, int] = _ask(endpoint_url, "GET")["met"]
    return found


@contextlib.contextmanager
def injected(endpoint_url: str, *rules: Rule, waits: float = 1.0) -> Iterator[Callable[[], dict[str, int]]]:
    """Rules for a while; gives what tells how often each was met, also after the while."""
    put(endpoint_url, FaultPlan(rules, waits))
    counted: dict[str, int] = {}

    def count() -> dict[str, int]:
        return counted or met(endpoint_url)

    try:
        yield count
    finally:
        with contextlib.suppress(OSError):  # it may have been killed by a rule
            counted.update(met(endpoint_url))
            clear(endpoint_url)


def _ask(endpoint_url: str, method: str, body: bytes | None = None) -> JsonObject:
    request = Request(endpoint_url + PATH, data=body, method=method, headers={"Content-Type": "application/json"})
    try:
        with _opener.open(request, timeout=_SECONDS) as answer:
            document: JsonObject = json.loads(answer.read())
    except HTTPError as error:
        said = error.read().decode(errors="replace")
        if error.code != 400:
            raise
        raise FaultsRefusedError(json.loads(said)["message"]) from error
    return document
