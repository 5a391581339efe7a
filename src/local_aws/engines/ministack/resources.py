"""The resource that a request is checked on, where MiniStack names another one than AWS, or none.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from aws_facts.iam_resources import WITHOUT_RESOURCE
from local_aws.json_types import JsonMapping, JsonObject

ALIASES: Final = frozenset({"CreateAlias", "DeleteAlias", "UpdateAlias"})
"""Operations of KMS that are checked on the alias and on its key."""
_RULES: Final = frozenset({"DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "PutRule"})
_TARGETS: Final = frozenset({"ListTargetsByRule", "PutTargets", "RemoveTargets"})
_GLUE_JOBS: Final = frozenset({"CreateJob", "DeleteJob", "GetJob", "UpdateJob"})
# Members of requests to Redshift, in the order in which they tell what a request is about.
_WAREHOUSE: Final = {
    "ParameterGroupName": "parametergroup",
    "ClusterIdentifier": "cluster",
    "ClusterSubnetGroupName": "subnetgroup",
}
# What tags are listed of and set on, by the name that the service has for it.
_TAGGED: Final = {"events": "ResourceARN", "glue": "ResourceArn", "sns": "ResourceArn", "states": "resourceArn"}

_KNOWN: Final = frozenset({*_TAGGED, "kms", "lambda", "redshift", "scheduler"})


def install() -> None:
    """Have MiniStack's evaluator ask about AWS's resources, and about requests to Redshift at all."""
    from ministack.core import iam_actions

    iam_actions.SERVICE_TO_IAM_NAMESPACE["redshift"] = "redshift"
    found: Callable[..., str] = iam_actions.extract_resource_arn

    def extract(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        own = None
        if service in _KNOWN:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            members = {**{name: values[0] for name, values in query.items() if values}, **members_of(body)}
            own = named(service, operation, path, members, f"{region}:{account}")
        return own or found(service, method, path, headers, body, query, region, account)

    iam_actions.extract_resource_arn = extract


def named(service: str, operation: str, path: str, members: Mapping[str, object], place: str) -> str | None:
    """The ARN of what a request names; None where MiniStack knows it.

    Args:
        service: as MiniStack calls it.
        operation: of a service whose requests have a target header.
        path: without the query.
        members: of the request.
        place: `<region>:<account>`.
    """
    if service in _TAGGED and (tagged := members.get(_TAGGED[service])):
        return str(tagged)
    if service == "events" and operation in _RULES | _TARGETS:
        # A rule of the default bus has no bus in its ARN.
        bus = str(members.get("EventBusName") or "default").rpartition("/")[2]
        rule = members.get("Name" if operation in _RULES else "Rule")
        return f"arn:aws:events:{place}:rule/{rule if bus == 'default' else f'{bus}/{rule}'}"
    if service == "glue" and operation in _GLUE_JOBS:
        return f"arn:aws:glue:{place}:job/{members.get('Name') or members.get('JobName')}"
    if service == "kms" and operation in ALIASES:
        return f"arn:aws:kms:{place}:{members.get('AliasName')}"
    if service == "lambda" and path.rstrip("/").endswith("/functions") and "FunctionName" in members:
        return f"arn:aws:lambda:{place}:function:{members['FunctionName']}"
    if service == "redshift":
        return _of_warehouse(members, place)
    if service == "scheduler":
        return _scheduled(path, members, place)
    return None


def _of_warehouse(members: JsonMapping, place: str) -> str | None:
    if f"redshift:{members.get('Action')}" in WITHOUT_RESOURCE:
        return None
    for member, kind in _WAREHOUSE.items():
        if name := members.get(member):
            return f"arn:aws:redshift:{place}:{kind}:{name}"
    return members.get("ResourceName")


def _scheduled(path: str, members: Mapping[str, object], place: str) -> str | None:
    kind, _, name = unquote(path).strip("/").partition("/")
    if kind == "tags":
        return name
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html: in the body, else in the query.
    group = members.get("GroupName") or members.get("groupName") or "default"
    return f"arn:aws:scheduler:{place}:schedule/{group}/{name}" if kind == "schedules" and name else None


def members_of(body: bytes) -> JsonObject:
    """The members of a request or an answer, in JSON or as a form; none of another one."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    return document if isinstance(document, dict) else {}
