"""Customer-managed keys in force on MiniStack, which keeps them but asks nobody for permission to use them.

Who calls a service that has to use a key needs the key's actions himself: allowed by the key's policy and by his own.
A service that acts by itself needs them by the key's policy alone. What is asked of whom is in aws_facts.permissions.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from aws_facts.permissions import (
    CALLER_KEY_ACTIONS,
    KEY_ERROR,
    KEY_ERRORS,
    LOG_GROUP_CONTEXT,
    LOG_GROUP_KEY_ACTIONS,
    ROLE_KEY_ACTIONS,
    SENDERS_WITHOUT_SOURCE,
    SENDING_SERVICE_KEY_ACTIONS,
)
from local_aws.engines.ministack.resources import ALIASES, members_of
from local_aws.engines.ministack.task_calls import Location, ResourceAction
from local_aws.json_types import JsonMapping, JsonObject

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]

_log = logging.getLogger(__name__)
_SSE, _SSE_KEY = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"
_UNUSABLE = {"Disabled": (2, "is disabled."), "PendingDeletion": (3, "is pending deletion.")}


@dataclass(frozen=True)
class KeyRefusal:
    """Why a key was not used. `problem`: the place of the error's name in `KEY_ERRORS`."""

    message: str
    action: str
    principal: str
    problem: int = 0

    def code(self, service: str) -> str:
        """As the service names it."""
        return KEY_ERRORS[service][self.problem] if service in KEY_ERRORS else KEY_ERROR


@dataclass(frozen=True)
class Sender:
    """A service that acts by itself. `source`: the ARN of what it acts for."""

    principal: str
    source: str


class Keys:
    """Decisions about the use of keys, and MiniStack's handlers with them.

    Args:
        place: of the resources.
        cluster_key: the key of a Redshift cluster, by its ARN; None where it has none.
    """

    def __init__(self, place: Location, cluster_key: Callable[[str], str | None]) -> None:
        self._place = place
        self._cluster_key = cluster_key

    def install(self) -> None:
        """Put the questions before, and where nothing is changed after, the handlers of MiniStack's services."""
        from ministack.services import cloudwatch_logs, kms, lambda_svc, s3, scheduler, secretsmanager, sns, sqs

        s3.handle_request = self._asking_s3(s3.handle_request)
        cloudwatch_logs.handle_request = self._asking_logs(cloudwatch_logs.handle_request)
        lambda_svc.handle_request = self._asking_lambda(lambda_svc.handle_request)
        for service, module in (("sns", sns), ("sqs", sqs), ("secretsmanager", secretsmanager)):
            module.handle_request = self._asking(service, module.handle_request)
        scheduler.handle_request = self._asking("scheduler", scheduler.handle_request)
        kms.handle_request = self._asking_kms(kms.handle_request)

    # Decisions

    def refuse_call(self, principal: object, call: ResourceAction) -> KeyRefusal | None:
        """Why a caller (MiniStack's PrincipalInfo) may not use the key of what a call touches."""
        actions = CALLER_KEY_ACTIONS.get(call.action, ())
        return self.refuse(principal, self._key_of(call), actions) if actions else None

    def refuse_role(self, role: str, session: str, service: str, key: str | None) -> KeyRefusal | None:
        """Why a role (its ARN or name) in a service's hands may not use the key of the service's resource."""
        return self.refuse(self.session(role, session), key, ROLE_KEY_ACTIONS[service])

    def refuse_environment(self, function: JsonMapping) -> KeyRefusal | None:
        """Why a function, by its configuration, does not start: as Lambda words it."""
        if not (function.get("Environment") or {}).get("Variables"):
            return None
        refusal = self.refuse_role(function["Role"], function["FunctionName"], "lambda", function.get("KMSKeyArn"))
        message = (
            "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the "
            f"function's KMS key settings. KMS Exception: {KEY_ERROR}KMS Message: "
        )
        return replace(refusal, message=message + refusal.message) if refusal else None

    def refuse_sender(self, sender: Sender, target: str) -> KeyRefusal | None:
        """Why a service may not use the key of a topic or queue (its ARN) that it sends to."""
        key = self._key_of(ResourceAction("sqs:SendMessage" if ":sqs:" in target else "sns:Publish", target))
        context = {"aws:sourcearn": sender.source, "aws:sourceaccount": self._place.account_id}
        known = {} if sender.principal in SENDERS_WITHOUT_SOURCE else context
        return self._refuse_service(sender.principal, key, SENDING_SERVICE_KEY_ACTIONS, known)

    def refuse_log_group(self, name: str, key: str | None) -> KeyRefusal | None:
        """Why CloudWatch Logs may not encrypt a log group with a key."""
        group = self._place.arn("logs", f"log-group:{name}")
        context = {f"kms:encryptioncontext:{LOG_GROUP_CONTEXT}": group, "aws:sourcearn": group}
        context["aws:sourceaccount"] = self._place.account_id
        return self._refuse_service(f"logs.{self._place.region}.amazonaws.com", key, LOG_GROUP_KEY_ACTIONS, context)

    def refuse_cluster(self, principal: object, form: bytes) -> Response | None:
        """The answer to who makes a cluster (a form of Redshift's Query API) with a key that he may not use."""
        given = members_of(form)
        for key, call in (
            (given.get("KmsKeyId"), "redshift:CreateCluster"),
            (given.get("MasterPasswordSecretKmsKeyId"), "secretsmanager:CreateSecret"),
        ):
            if given.get("Action") == "CreateCluster" and (
                refusal := self.refuse(principal, key, CALLER_KEY_ACTIONS[call])
            ):
                # MiniStack has no words for Redshift, which speaks as IAM does.
                return _response("iam", refusal, {}, 403, "UnauthorizedOperation")
        return None

    def session(self, role: str, session: str) -> Any:
        """A role in the hands of a service, as MiniStack's PrincipalInfo."""
        from ministack.core import iam_evaluator
        from ministack.services import iam

        name, account = role.rpartition("/")[2], self._place.account_id
        return iam_evaluator.PrincipalInfo(
            arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
            type="AssumedRole",
            account=account,
            policies=iam_evaluator._gather_role_policies(name, account),
            limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
        )

    def refuse(self, principal: Any, key: str | None, actions: Iterable[str]) -> KeyRefusal | None:
        """Why a caller may not do something with a key (its ID, ARN or alias)."""
        from ministack.core import iam_evaluator
        from ministack.services import tagging

        found = _customer_managed(key)
        if found is None or isinstance(found, KeyRefusal):
            return found
        tags = tagging.resource_tags(found["Arn"]) or {}
        known = {f"aws:resourcetag/{name}".lower(): value for name, value in tags.items()}
        for action in actions:
            context = self._context(principal.arn, principal.type, action, found["Arn"], known)
            # The account itself is held to the key's policy and to nothing else.
            own = iam_evaluator.EvalResult("Allow")
            if principal.policies is not None:
                context = replace(context, principal_keys=principal.keys)
                own = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
            decision = iam_evaluator.combine_resource_policy(
                own, context, found["Policy"], self._place.account_id, required=True, limits=tuple(principal.limits)
            )
            if decision.decision != "Allow":
                # A key policy that lets IAM policies count says no more about who may do what.
                kind = "identity-based" if own.decision != "Allow" else "resource-based"
                return _denied(principal.arn, action, found["Arn"], kind)
        return None

    def _refuse_service(
        self, principal: str, key: str | None, actions: Iterable[str], known: Mapping[str, str]
    ) -> KeyRefusal | None:
        from ministack.core import iam_evaluator

        found = _customer_managed(key)
        if found is None or isinstance(found, KeyRefusal):
            return found
        for action in actions:
            context = self._context(principal, "Service", action, found["Arn"], known)
            decision = iam_evaluator.evaluate_resource_policy(found["Policy"], context, service=principal)
            if decision.decision != "Allow":
                return _denied(principal, action, found["Arn"], "resource-based")
        return None

    def _context(self, arn: str, kind: str, action: str, key: str, known: Mapping[str, str] | None = None) -> Any:
        from ministack.core import iam_evaluator

        given: dict[str, object] = {"aws:tagkeys": None, "kms:calleraccount": self._place.account_id, **(known or {})}
        if action == "kms:CreateGrant":
            # Here it is always a service that asks for a grant, for a resource of its own.
            given["kms:grantisforawsresource"] = "true"
        return iam_evaluator.EvalContext(
            principal_arn=arn,
            principal_type=kind,
            principal_account=self._place.account_id,
            action=action,
            resource_arn=key,
            region=self._place.region,
            service_context=given,
        )

    def _key_of(self, call: ResourceAction) -> str | None:
        """The key of the topic, queue, secret or cluster of a call; S3 has the keys of its objects."""
        from ministack.services import secretsmanager, sns, sqs

        resource, service = call.resource or "", call.action.partition(":")[0]
        if service == "sns":
            return str(_member(sns._topics.get(resource), "attributes", "KmsMasterKeyId") or "") or None
        if service == "sqs":
            return str(_member(sqs._queue_by_arn(resource), "attributes", "KmsMasterKeyId") or "") or None
        if service == "secretsmanager":
            _, secret = secretsmanager._resolve(resource)
            return (secret or {}).get("KmsKeyId")
        if service == "redshift-data":
            return self._cluster_key(resource)
        return None

    # Handlers

    def _asking(self, service: str, ministack: Handler) -> Handler:
        """For services whose requests name the resource, or the key of a new one."""
        from ministack import app
        from ministack.core import iam_actions

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            given = app._routing_params(method, path, headers, body, query)
            action = iam_actions.extract_iam_action(service, method, path, headers, body, given)
            actions = CALLER_KEY_ACTIONS.get(str(action), ())
            if actions:
                place = (self._place.region, self._place.account_id)
                resource = iam_actions.extract_resource_arn(service, method, path, headers, body, given, *place)
                document = members_of(body)
                named = document.get("KmsKeyId") or document.get("KmsKeyArn")
                call = ResourceAction(str(action), resource)
                for key in {named, self._key_of(call)} if named else {self._key_of(call)}:
                    if refusal := self.refuse(caller(headers, query), key, actions):
                        # Secrets Manager keeps the reason to itself.
                        words = "Access to KMS is not allowed" if service == "secretsmanager" else refusal.message
                        return _response(service, replace(refusal, message=words), headers)
            response = await ministack(method, path, headers, body, query)
            kept = members_of(response[2]).get("KmsKeyArn") if action == "scheduler:GetSchedule" else None
            refusal = self.refuse(caller(headers, query), kept, actions) if kept else None
            return _response(service, refusal, headers) if refusal else response

        return handle

    def _asking_kms(self, ministack: Handler) -> Handler:
        """What changes an alias is checked on the alias, by MiniStack, and on the keys that it leads to."""

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            if operation in ALIASES:
                document = members_of(body)
                led_to = None if operation == "CreateAlias" else document.get("AliasName")
                for key in filter(None, (led_to, document.get("TargetKeyId"))):
                    refusal = self.refuse(caller(headers, query), key, [f"kms:{operation}"])
                    # What is wrong with a key otherwise, KMS says itself.
                    if refusal and refusal.action:
                        return _response("kms", refusal, headers)
            return await ministack(method, path, headers, body, query)

        return handle

    def _asking_s3(self, ministack: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **further: object
        ) -> Response:
            async def key_of(source: str) -> str | None:
                source_path, _, version = source.partition("?versionId=")
                asked = {"versionId": [version]} if version else {}
                plain = {name: value for name, value in headers.items() if name == "host"}
                _, found, _ = await ministack(
                    "HEAD", f"/{unquote(source_path).lstrip('/')}", plain, b"", asked, internal=True
                )
                return found.get(_SSE_KEY)

            refusal = None
            for operation, key in await _s3_writes(method, path, headers, query, key_of):
                refusal = refusal or self.refuse(caller(headers, query), key, CALLER_KEY_ACTIONS[operation])
            if refusal:
                return _response("s3", refusal, headers, 403)
            response = await ministack(method, path, headers, body, query, **further)
            # A checksum is encrypted with the object: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
            reads = method == "GET" or (method == "HEAD" and headers.get("x-amz-checksum-mode") == "ENABLED")
            if reads and response[0] < 300 and (key := response[1].get(_SSE_KEY)):
                refusal = self.refuse(caller(headers, query), key, CALLER_KEY_ACTIONS["s3:GetObject"])
            return _response("s3", refusal, headers, 403) if refusal else response

        return handle

    def _asking_logs(self, ministack: Handler) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            operation, given = headers.get("x-amz-target", "").rpartition(".")[2], members_of(body)
            if operation in ("CreateLogGroup", "AssociateKmsKey") and (key := given.get("kmsKeyId")):
                name = str(given.get("logGroupName", ""))
                if refusal := self.refuse_log_group(name, key):
                    group = self._place.arn("logs", f"log-group:{name}")
                    message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
                    return _response("logs", replace(refusal, message=message), headers)
            return await ministack(method, path, headers, body, query)

        return handle

    def _asking_lambda(self, ministack: Handler) -> Handler:
        from ministack.core import iam_actions

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            action = iam_actions.extract_iam_action("lambda", method, path, headers, body, query)
            refusal = None
            if action == "lambda:InvokeFunction":
                refusal = self.refuse_environment(_function(path))
            elif action in ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"):
                key = members_of(body).get("KMSKeyArn") or _function(path).get("KMSKeyArn")
                if refusal := self.refuse(caller(headers, query), key, CALLER_KEY_ACTIONS[action]):
                    return _response("lambda", refusal, headers, 403, KEY_ERROR)
            if refusal:
                return _response("lambda", refusal, headers, 502)
            response = await ministack(method, path, headers, body, query)
            if method == "GET" and response[0] == 200 and b'"KMSKeyArn"' in response[2]:
                return self._without_environment(response, caller(headers, query))
            return response

        return handle

    def _without_environment(self, response: Response, principal: object) -> Response:
        """Who may not decrypt reads a function without its environment, which is no error."""
        document = members_of(response[2])
        function = document.get("Configuration", document)
        actions = CALLER_KEY_ACTIONS["lambda:GetFunctionConfiguration"]
        if "Environment" not in function:
            return response
        refusal = self.refuse(principal, function.get("KMSKeyArn"), actions)
        if not refusal:
            return response
        function["Environment"] = {"Error": {"ErrorCode": KEY_ERROR, "Message": refusal.message}}
        return response[0], response[1], json.dumps(document).encode()


def _customer_managed(key: str | None) -> dict[str, Any] | KeyRefusal | None:
    """MiniStack's record of a key; None of AWS's own, which all of the account may use through their service."""
    from ministack.services import kms

    if not key or key.removeprefix("alias/").startswith("aws/") or ":alias/aws/" in key:
        return None
    found: dict[str, Any] | None = kms._resolve_key(key)
    if found is None:
        return _unusable(key, 1, f"Key '{key}' does not exist")
    if found["KeyState"] in _UNUSABLE:
        problem, what = _UNUSABLE[found["KeyState"]]
        return _unusable(key, problem, f"{found['Arn']} {what}")
    return found


def _unusable(key: str, problem: int, message: str) -> KeyRefusal:
    _log.warning("key %s: %s", key, message)
    return KeyRefusal(message, "", "", problem)


def _denied(principal: str, action: str, key: str, kind: str) -> KeyRefusal:
    message = (
        f"User: {principal} is not authorized to perform: {action} on resource: {key} because no {kind} policy "
        f"allows the {action} action"
    )
    _log.warning("denied: %s", message)
    return KeyRefusal(message, action, principal)


def caller(headers: Mapping[str, str], query: Mapping[str, object]) -> Any:
    """Who signed a request. MiniStack has checked the signature; what it calls itself has none and is the account's."""
    from ministack.core import iam_evaluator, router
    from ministack.core.responses import get_account_id

    account = get_account_id()
    root = iam_evaluator.PrincipalInfo(f"arn:aws:iam::{account}:root", "Root", account, None)
    key = router.extract_access_key_id(headers, query)
    found = iam_evaluator.resolve_principal(key, account) if key else root
    return root if isinstance(found, iam_evaluator.AuthError) else found


async def _s3_writes(
    method: str,
    path: str,
    headers: Mapping[str, str],
    query: Mapping[str, Any],
    key_of: Callable[[str], Awaitable[str | None]],
) -> list[tuple[str, str | None]]:
    """What a request does with keys before it changes anything: the operations, with the key of each."""
    from ministack.core import iam_actions
    from ministack.services import s3

    bucket, _, key = path.lstrip("/").partition("/")
    if method not in ("PUT", "POST") or not key:
        return []
    found = []
    if "x-amz-copy-source" in headers:
        found.append(("s3:GetObject", await key_of(headers["x-amz-copy-source"])))
    if "uploads" in query:
        found.append(("s3:CreateMultipartUpload", _s3_key_of_new(bucket, headers)))
    elif "uploadId" in query:
        [upload] = query["uploadId"][:1] or [""]
        kept = (s3._multipart_uploads.get(upload) or {}).get("preserved_headers", {})
        operation = "s3:UploadPart" if method == "PUT" else "s3:CompleteMultipartUpload"
        found.append((operation, kept.get(_SSE_KEY) if _SSE in kept else _s3_key_of_new(bucket, {})))
    elif iam_actions._s3_action(method, path, query) == "PutObject":
        found.append(("s3:PutObject", _s3_key_of_new(bucket, headers)))
    return found


def _s3_key_of_new(bucket: str, headers: Mapping[str, str]) -> str | None:
    """The key that S3 encrypts a new object with: the request's, or the one of the bucket's default encryption."""
    from ministack.services import s3

    given = headers if _SSE in headers else s3._bucket_default_sse_headers(bucket)
    return given.get(_SSE_KEY) if given.get(_SSE) == "aws:kms" else None


def _function(path: str) -> JsonObject:
    """The configuration of the function that the path of a request of Lambda names."""
    from ministack.services import lambda_svc

    name = unquote(path).partition("/functions/")[2].partition("/")[0]
    name = name.rpartition(":function:")[2].partition(":")[0] or name
    record = lambda_svc._functions.get(name) or {}
    return dict(record.get("config") or {})


def _member(record: Mapping[str, object] | None, *names: str) -> Any:
    found: Any = record
    for name in names:
        found = (found or {}).get(name)
    return found


def _response(
    service: str, refusal: KeyRefusal, headers: Mapping[str, str], status: int = 400, code: str | None = None
) -> Response:
    from ministack.core import iam_actions
    from ministack.core.responses import new_uuid

    _, answered, body = iam_actions.access_denied_response(
        service,
        refusal.action,
        refusal.principal,
        new_uuid(),
        error_code=code or refusal.code(service),
        message=refusal.message,
        headers=dict(headers),
    )
    return status, answered, body
