"""The admin call for faults, and what rules at requests do, for both engines."""

from __future__ import annotations

import json
from typing import Final

from local_aws.services import wire
from local_aws.services.faults import documents
from local_aws.services.faults.fault_rules import FaultPlan, Faults, Occasion, Rule

PATH: Final = "/_local/faults"


def administer(faults: Faults, method: str, body: bytes) -> wire.Answer:
    """Answer GET, PUT (all rules anew) or DELETE (no rules) with the rules, and how often each was met.

    To a document that is refused, 400 and a `message` that names what is wrong; the rules stay as they are.
    """
    try:
        if method == "PUT":
            faults.put(documents.read_json(body))
        elif method == "DELETE":
            faults.put(FaultPlan())
        elif method != "GET":
            return _json(405, {"message": f"{method} is not accepted; accepted: GET, PUT, DELETE"})
    except documents.FaultsError as error:
        return _json(400, {"message": str(error)})
    return _json(200, {**faults.plan.document(), "met": faults.met()})


def _json(status: int, document: object) -> wire.Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(document, indent=2).encode()


def occasion_of(request: wire.HttpRequest) -> Occasion:
    """What a request is to the rules; where it is not a call that is known, only rules without a service are for it."""
    call = wire.call_of(request)
    return Occasion(call.service, call.operation, call.members) if call else Occasion()


def answer_of(rule: Rule, occasion: Occasion, request: wire.HttpRequest) -> wire.Answer | None:
    """The error that a rule answers with; None where it has none."""
    if rule.error is None:
        return None
    service = occasion.service or rule.service or "s3"
    return wire.error_answer(service, request, rule.error.code, rule.error.message, rule.error.status)
