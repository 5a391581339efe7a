"""What is configured, reachable and permitted, by asking each service once; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonMapping
from pipeline import deployed_contracts, redshift
from pipeline.errors import ClientSettingsError, PipelineError

if TYPE_CHECKING:
    from pipeline.stacks import Stack

OK, WARNING, WRONG = "ok", "warning", "wrong"
# What the commands read of a deployment's outputs. One of a cluster and a workgroup is there.
_OUTPUTS = (
    *("state_machine_arn", "run_sql_state_machine_arn", "record_failure_state_machine_arn", "failure_topic_arn"),
    *("raw_bucket", "lake_bucket", "artifacts_bucket", "lambda_function_name", "python_job_name", "spark_job_name"),
    *("redshift_database", "redshift_secret_arn"),
)
# What AWS answers to credentials that it does not know, or not any more, and what its SDK says of ones that it lacks.
_CODES_OF_CREDENTIALS = (
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken"),
    *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "MissingAuthenticationToken"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
)
# By name: of the SDKs that this works with, the older ones have no LoginError.
_LACKS_CREDENTIALS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
    *("SSOError", "NoAuthTokenError", "TokenRetrievalError", "LoginError"),
)
_GET_CREDENTIALS = "aws configure sso, aws login, or set AWS_PROFILE"
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden")


@dataclass(frozen=True)
class DoctorFinding:
    """What was asked, what the answer was, and what to do about it (empty where nothing is to be done)."""

    check: str
    result: str
    detail: str
    advice: str = ""


class _WrongError(Exception):
    """A check has an answer that does not do. advice: what to do."""

    def __init__(self, detail: str, advice: str, result: str = WRONG) -> None:
        super().__init__(detail)
        self.advice, self.result = advice, result


def examine(stack: Stack) -> Iterator[DoctorFinding]:
    """A finding per check, in a fixed order; the services are asked at the same time."""
    yield _finding("deployment", lambda: _outputs(stack))
    first = _finding("credentials", lambda: _credentials(stack))
    yield first
    if first.result == WRONG:  # each of the others would say the same
        return
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda check: _finding(check[0], lambda: check[1](stack)), _CHECKS.items())


def _finding(check: str, ask: Callable[[], str]) -> DoctorFinding:
    try:
        return DoctorFinding(check, OK, ask())
    except _WrongError as error:
        return DoctorFinding(check, error.result, str(error), error.advice)
    except KeyError as error:
        return DoctorFinding(
            check, WRONG, f"the outputs have no {error}", "deploy this version, or name another --stack"
        )
    except ClientSettingsError as error:
        return DoctorFinding(
            check, WRONG, str(error), "unset the variable or setting, or give it a value that AWS names"
        )
    except PipelineError as error:
        return DoctorFinding(check, WRONG, str(error), "deploy again with this version")
    except redshift.QueryError as error:
        return DoctorFinding(check, WRONG, str(error), "if a table is missing: ./noxw -s schema -- <environment>")
    except ClientError as error:
        return DoctorFinding(check, WRONG, str(error), _advice(error))
    except BotoCoreError as error:
        lacks = any(kind.__name__ in _LACKS_CREDENTIALS for kind in type(error).__mro__)
        advice = _GET_CREDENTIALS if lacks else "check the network, the region and the endpoint"
        return DoctorFinding(check, WRONG, str(error), advice)


def _advice(error: ClientError) -> str:
    if error.response["Error"]["Code"] in _CODES_OF_CREDENTIALS:
        return _GET_CREDENTIALS
    if error.response["Error"]["Code"] in _DENIED:
        return f"allow your credentials the call {error.operation_name}"
    return "see whether the deployment is whole: ./noxw -s plan -- <environment>"


def _outputs(stack: Stack) -> str:
    missing = [name for name in _OUTPUTS if name not in stack.outputs]
    if missing:
        raise _WrongError(
            f"{stack.place} has no {', '.join(missing)}", "apply this version, and give all of Terraform's outputs"
        )
    where = f"on {stack.outputs['endpoint_url']}" if stack.is_local else f"on AWS, in {stack.clients.region}"
    return f"{stack.outputs['state_machine_arn'].rpartition(':')[2]} {where}, by {stack.place}"


def _credentials(stack: Stack) -> str:
    try:
        caller = stack.client("sts").get_caller_identity()
    except BotoCoreError as error:
        if stack.is_local:
            raise _WrongError(str(error), "the local endpoint is not running: ./noxw -s local") from error
        raise
    account = stack.outputs["state_machine_arn"].split(":")[4]
    if caller["Account"] != account:
        raise _WrongError(
            f"{caller['Arn']} is of account {caller['Account']}, and the deployment of {account}",
            "use credentials of that account, or name another --stack",
        )
    return str(caller["Arn"])


def _state_machines(stack: Stack) -> str:
    client = stack.client("stepfunctions")
    for name in ("state_machine_arn", "run_sql_state_machine_arn", "record_failure_state_machine_arn"):
        client.describe_state_machine(stateMachineArn=stack.outputs[name])
    client.list_executions(stateMachineArn=stack.outputs["state_machine_arn"], maxResults=1)
    return "three state machines, and the list of executions"


def _buckets(stack: Stack) -> str:
    for name in ("raw_bucket", "lake_bucket"):
        stack.client("s3").list_objects_v2(Bucket=stack.outputs[name], MaxKeys=1)
    return f"{stack.outputs['raw_bucket']}, {stack.outputs['lake_bucket']}"


def _datasets(stack: Stack) -> str:
    names = deployed_contracts.names(stack)
    if not names:
        raise _WrongError(
            f"s3://{stack.outputs['artifacts_bucket']}/ has no contract", "./noxw -s deploy -- <environment>"
        )
    for name in names:
        deployed_contracts.load(stack, name)
    return ", ".join(names)


def _lambda(stack: Stack) -> str:
    found = stack.client("lambda").get_function_configuration(FunctionName=stack.outputs["lambda_function_name"])
    if found.get("State", "Active") not in ("Active", "Inactive"):  # an inactive one wakes up when it is invoked
        raise _WrongError(f"{found['FunctionName']} is {found['State']}", found.get("StateReason", "apply again"))
    return str(found["FunctionName"])


def _glue(stack: Stack) -> str:
    names = [stack.outputs["python_job_name"], stack.outputs["spark_job_name"]]
    for name in names:
        stack.client("glue").get_job(JobName=name)
        stack.client("glue").get_job_runs(JobName=name, MaxResults=1)
    return ", ".join(names)


def _logs(stack: Stack) -> str:
    group = f"/aws/lambda/{stack.outputs['lambda_function_name']}"
    found = stack.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if not found:
        raise _WrongError(f"{group} is not there", "./noxw -s deploy -- <environment>")
    days: JsonMapping = found[0]
    kept = days.get("retentionInDays")
    return f"kept for {kept} day{'s' * (kept != 1)}" if kept else "kept for ever"


def _warehouse(stack: Stack) -> str:
    client = stack.client("redshift-data")
    rows = redshift.query(client, stack.outputs, "SELECT COUNT(*) AS jobs FROM audit.job_run")
    redshift.query(client, stack.outputs, "SELECT COUNT(*) AS attempts FROM audit.job_attempt")
    return f"{rows[0]['jobs']} jobs in the audit tables"


def _notices(stack: Stack) -> str:
    topic = stack.outputs["failure_topic_arn"]
    found = stack.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    if not found:
        raise _WrongError(
            "nobody subscribes to the topic of failures",
            "notification_emails in infra/environments/<environment>.tfvars, or aws sns subscribe",
            WARNING,
        )
    waiting = [each for each in found if each["SubscriptionArn"] == "PendingConfirmation"]
    if waiting:
        raise _WrongError(
            f"{len(waiting)} of {len(found)} subscriptions are not confirmed",
            "open the link that AWS has sent",
            WARNING,
        )
    return f"{len(found)} subscriptions"


_CHECKS: dict[str, Callable[[Stack], str]] = {
    "state machines": _state_machines,
    "buckets": _buckets,
    "datasets": _datasets,
    "Lambda function": _lambda,
    "Glue jobs": _glue,
    "logs": _logs,
    "warehouse": _warehouse,
    "notifications": _notices,
}
