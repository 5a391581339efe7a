"""Roles with their policies in force, by MiniStack's evaluator: for its requests (AUTH=true) and what it does itself.

MiniStack checks who sends a request to a service that it has. What Step Functions tries when a state machine is made,
and what EventBridge does with the role of a rule, reaches no request, so it is checked here.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.sax.saxutils import escape

from local_aws.engines.ministack.keys import Handler, Keys, Response, caller
from local_aws.engines.ministack.task_calls import Location, ResourceAction
from local_aws.errors import AwsError

_log = logging.getLogger(__name__)
# What localstack_client.session.Session signs with where it is given nothing.
LOCALSTACK_CLIENT: Final = "accesskey"
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
_DECISIONS: Final = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


class Roles:
    """Sessions of roles, and decisions about what a role may do."""

    def __init__(self, place: Location, keys: Keys) -> None:
        self._place = place
        self._keys = keys
        self._sessions: dict[tuple[str, str], dict[str, str]] = {}
        self._lock = threading.Lock()

    def credentials(self, role: str, service: str, session: str) -> dict[str, str]:
        """Temporary credentials of a role, as the environment variables of the SDKs. `role`: its ARN or name.

        Raises:
            AwsError: there is no such role, or it does not let the service use it.
        """
        from ministack.services import sts

        name = role.rpartition("/")[2]
        self._check_trust(name, service)
        with self._lock:
            if (name, session) not in self._sessions:
                key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(40)
                sts.register_session(
                    key,
                    {
                        "Arn": self._session_arn(name, session),
                        "UserId": f"{name}:{session}",
                        "SecretAccessKey": secret,
                        "SessionToken": token,
                    },
                )
                self._sessions[name, session] = {
                    "AWS_ACCESS_KEY_ID": key,
                    "AWS_SECRET_ACCESS_KEY": secret,
                    "AWS_SESSION_TOKEN": token,
                }
            return self._sessions[name, session]

    def require(
        self, role: str, service: str, session: str, calls: Iterable[ResourceAction], *, source_arn: str | None = None
    ) -> None:
        """Refuse what a role may not do, as AWS words it. `source_arn`: of what the service uses the role for.

        Raises:
            AwsError: AccessDeniedException, which names the role's session, the action and the resource.
        """
        name = role.rpartition("/")[2]
        self._check_trust(name, service, source_arn)
        self.require_of(self._keys.session(name, session), calls)

    def require_of(self, principal: object, calls: Iterable[ResourceAction]) -> None:
        """Refuse what a caller (MiniStack's PrincipalInfo) may not do, nor do with the keys of what the calls touch.

        Raises:
            AwsError: AccessDeniedException, which names the caller, the action and the resource.
        """
        for call in calls:
            if not self._allows(principal, call):
                message = _denied(principal, call)
                _log.warning("denied: %s", message)
                raise AwsError("AccessDeniedException", message)
            if refusal := self._keys.refuse_call(principal, call):
                raise AwsError("AccessDeniedException", refusal.message)

    def install(self) -> None:
        """Let SimulatePrincipalPolicy ask what the endpoint itself asks, for every resource and with the context given.

        MiniStack looks at the first resource alone, and at no context, so a statement with a condition allows nothing.
        """
        from ministack.services import iam, s3

        iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = self._simulate
        s3.handle_request = self._hiding_what_is_missing(s3.handle_request)

    def _hiding_what_is_missing(self, ministack: Handler) -> Handler:
        """Whether an object is there, S3 tells only who may list the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        from ministack.services import s3

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **further: object
        ) -> Response:
            response = await ministack(method, path, headers, body, query, **further)
            bucket, _, key = path.lstrip("/").partition("/")
            if response[0] != 404 or method not in ("GET", "HEAD") or not key or further.get("internal"):
                return response
            principal, call = caller(headers, query), ResourceAction("s3:ListBucket", f"arn:aws:s3:::{bucket}")
            if s3._ensure_bucket(bucket) is None or self._allows(principal, call):
                return response
            refused: Response = s3._error("AccessDenied", _denied(principal, call), 403, path)
            return (403, refused[1], b"") if method == "HEAD" else refused

        return handle

    def _simulate(self, parameters: dict[str, list[str]]) -> object:
        from ministack.core import iam_evaluator
        from ministack.services import iam

        arn = parameters.get("PolicySourceArn", [""])[0]
        kind, _, path = arn.split(":", 5)[-1].partition("/")
        name = path.rpartition("/")[2]
        if kind != "role" or iam._roles.get_scoped(self._place.account_id, None, name) is None:
            return iam._error(
                404, "NoSuchEntity", f"The role {arn} cannot be found; of users nothing is simulated here."
            )
        principal = self._keys.session(name, "simulated")
        context = {}
        for key, values in _members(parameters, "ContextEntries.member.", "ContextKeyName"):
            given = [value for field, value in values.items() if field.startswith("ContextKeyValues.member.")]
            context[key.lower()] = given if len(given) > 1 else given[0]
        results = ""
        for action in _list(parameters, "ActionNames.member."):
            for resource in _list(parameters, "ResourceArns.member.") or ["*"]:
                asked = iam_evaluator.EvalContext(
                    principal_arn=principal.arn,
                    principal_type=principal.type,
                    principal_account=principal.account,
                    action=action,
                    resource_arn=resource,
                    region=self._place.region,
                    service_context={"aws:tagkeys": None, **context},
                    principal_keys=principal.keys,
                )
                decision = iam_evaluator.evaluate(asked, principal.policies, *principal.limits).decision
                results += (
                    f"<member><EvalActionName>{escape(action)}</EvalActionName>"
                    f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
                    f"<EvalDecision>{_DECISIONS[decision]}</EvalDecision>"
                    "<MatchedStatements/><MissingContextValues/></member>"
                )
        answer = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        element = "SimulatePrincipalPolicyResult"
        return iam._xml(200, "SimulatePrincipalPolicyResponse", f"<{element}>{answer}</{element}>", ns="iam")

    def _allows(self, principal: Any, call: ResourceAction) -> bool:
        from ministack.core import iam_evaluator

        if principal.policies is None:
            return True  # the account itself
        policies = principal.policies
        if call.resource is None:
            # What the request does not tell is not looked at: any resource will do.
            policies = [
                [
                    iam_evaluator.ParsedStatement(found.sid, found.effect, found.actions, found.not_actions, ["*"])
                    for found in policy
                    if found.effect == "Allow"
                ]
                for policy in policies
            ]
        context = iam_evaluator.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=principal.account,
            action=call.action,
            resource_arn=call.resource or "*",
            region=self._place.region,
            service_context={"aws:tagkeys": None},
            principal_keys=principal.keys,
        )
        return bool(iam_evaluator.evaluate(context, policies, *principal.limits).decision == "Allow")

    def _check_trust(self, name: str, service: str, source_arn: str | None = None) -> None:
        from ministack.core import iam_evaluator
        from ministack.services import iam

        role = iam._roles.get_scoped(self._place.account_id, None, name)
        if role is None:
            raise AwsError("AccessDeniedException", f"The role {name} does not exist, so {service} cannot assume it")
        context = iam_evaluator.EvalContext(
            principal_arn=service,
            principal_type="Service",
            principal_account=self._place.account_id,
            action="sts:AssumeRole",
            resource_arn="*",
            region=self._place.region,
            service_context={"aws:sourceaccount": self._place.account_id, "aws:sourcearn": source_arn},
        )
        document = iam_evaluator.parse_policy_document(naming(role["AssumeRolePolicyDocument"], service))
        if iam_evaluator.evaluate(context, [document]).decision != "Allow":
            raise AwsError("AccessDeniedException", f"The role {name} does not allow {service} to assume it")

    def _session_arn(self, name: str, session: str) -> str:
        return f"arn:aws:sts::{self._place.account_id}:assumed-role/{name}/{session}"


def _denied(principal: Any, call: ResourceAction) -> str:
    resource = f" on resource: {call.resource}" if call.resource else ""
    return (
        f"User: {principal.arn} is not authorized to perform: {call.action}{resource} "
        f"because no identity-based policy allows the {call.action} action"
    )


def _list(parameters: dict[str, list[str]], prefix: str) -> list[str]:
    """The values of a list in a form, from prefix1 and prefix2 on."""
    found: list[str] = []
    while given := parameters.get(f"{prefix}{len(found) + 1}"):
        found += given[:1]
    return found


def _members(parameters: dict[str, list[str]], prefix: str, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The structures of a list in a form, each with what it is called."""
    index = 1
    while f"{prefix}{index}.{name}" in parameters:
        start = f"{prefix}{index}."
        fields = {key.removeprefix(start): value[0] for key, value in parameters.items() if key.startswith(start)}
        yield fields[name], fields
        index += 1


def naming(document: object, service: str) -> dict[str, object]:
    """The statements of a trust policy that name a service, as a policy whose resource is everything.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html: a list of one may stand without
    its brackets, and "*" for all principals is not a name of a service.
    """
    trust = json.loads(document) if isinstance(document, str) else document
    assert isinstance(trust, dict)
    named = []
    for statement in _as_list(trust.get("Statement", [])):
        principal = statement.get("Principal")
        if isinstance(principal, dict) and service in _as_list(principal.get("Service", [])):
            named.append({**statement, "Resource": "*"})
    return {"Statement": named}


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def let_the_account_have_its_keys() -> None:
    """Take localstack-client's key for the account's own, as MiniStack does "test" and a number of twelve digits.

    Every other key was given out by this endpoint, or it is refused as on AWS: a run of an endpoint that was killed
    must not write into the buckets of the next one. Keys of users and of roles are held to signature and policies.
    """
    from ministack.core import iam_evaluator
    from ministack.services import sts

    is_own, authenticate = iam_evaluator.is_root_access_key, iam_evaluator.authenticate

    def is_accounts(key: str) -> bool:
        return bool(is_own(key)) or key == LOCALSTACK_CLIENT

    def authenticate_known(key: str, account_id: str) -> object:
        if key != LOCALSTACK_CLIENT:
            return authenticate(key, account_id)
        iam_evaluator._signed_request.set(None)  # as if its signature had been checked
        return None

    iam_evaluator.is_root_access_key = sts.is_root_access_key = is_accounts
    iam_evaluator.authenticate = authenticate_known
