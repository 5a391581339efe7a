"""The parameters of a task's call, held to the model of its service, in the words of AWS's diagnostics.

What a definition gives beyond them would never reach the service: AWS refuses the definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from botocore.exceptions import DataNotFoundError
from botocore.model import OperationModel, ServiceModel

from aws_facts import service_names
from aws_facts import states_language as facts
from local_aws.services.request_model import service_model

_RESOURCE: Final = re.compile(r"arn:aws[a-z-]*:states:::(?P<sdk>aws-sdk:)?(?P<service>[^:.]+):(?P<api>[^:.]+)(\..*)?")


def of_task(body: Mapping[str, object], language: str) -> Iterator[tuple[str, str]]:
    """Messages about a Task state, and where they are below the state."""
    found = _RESOURCE.fullmatch(str(body.get("Resource")))
    if found is None:
        return
    optimised = not found["sdk"]
    if optimised and found["service"] not in facts.PATTERNS:
        return
    service = _service(service_names.of_botocore(found["service"]))
    if service is None:
        return
    operation = _operation(service, found["api"])
    if operation is None:
        said = "The value is not a valid resource ARN, or the resource is not available in this region."
        yield f"The resource provided {body['Resource']} is not recognized. {said}", "/Resource"
        return
    field = "Arguments" if language == facts.JSONATA else "Parameters"
    given = body.get(field)
    if not isinstance(given, Mapping):
        return
    path = language == facts.JSONPATH
    names = {name.removesuffix(".$") if path else name for name in given}
    shape = operation.input_shape
    members = {_pascal(name): member for name, member in shape.members.items()} if shape else {}
    # The names are those of the SDK for Java, which writes some abbreviations otherwise.
    known = {name.lower() for name in members}
    for name in sorted(names):
        if not name[:1].isupper() or name.lower() not in known:
            yield f"The field '{name}' is not supported by Step Functions", f"/{field}"
    if optimised and shape:
        given_names = {name.lower() for name in names}
        for name in shape.required_members:
            if name.lower() not in given_names and not shape.members[name].metadata.get("idempotencyToken"):
                yield f"The field '{_pascal(name)}' is required but was missing", f"/{field}"


def empty_place(resource: str, given: Mapping[str, object]) -> str:
    """The member of a request that has its place in the path of the URL and is empty; empty where none is."""
    found = _RESOURCE.fullmatch(resource)
    service = _service(service_names.of_botocore(found["service"])) if found else None
    operation = _operation(service, found["api"]) if found and service else None
    shape = operation.input_shape if operation else None
    for name, member in shape.members.items() if shape else ():
        if member.serialization.get("location") == "uri" and given.get(name) == "":
            return name
    return ""


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _service(name: str) -> ServiceModel | None:
    try:
        return service_model(name)
    except DataNotFoundError:
        return None


def _operation(service: ServiceModel, api: str) -> OperationModel | None:
    name = _pascal(api)
    if api == name or name not in service.operation_names:
        return None
    return service.operation_model(name)
