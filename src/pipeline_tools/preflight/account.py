"""Questions about the account and its region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from pipeline_tools.preflight.checks import CheckAnswer, CheckedDeployment, NotAskedError

# A region has room for ten resource policies of CloudWatch Logs; Step Functions' log delivery shares one, ours is one.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_LOG_POLICIES: Final = 10
_LOG_DELIVERY: Final = "AWSLogDeliveryWrite"
_GITHUB: Final = "token.actions.githubusercontent.com"


def credentials(target: CheckedDeployment) -> CheckAnswer:
    """Who asks, in which account and region; and whether that is where the environment is."""
    client = target.clients.get("sts")
    identity = client.get_caller_identity()
    region = client.meta.region_name
    problems = []
    if target.outputs is not None:
        there = target.outputs["state_machine_arn"].split(":")[3:5]
        if there != [region, identity["Account"]]:
            problems.append(f"the environment is in account {there[1]}, region {there[0]}")
    return CheckAnswer(f"account {identity['Account']}, region {region}, {identity['Arn']}", tuple(problems))


def state(target: CheckedDeployment) -> CheckAnswer:
    """Terraform's first read of a state that is not there needs s3:ListBucket without a condition, to be told so."""
    if target.state is None:
        raise NotAskedError(target.state_missing)
    bucket, key = target.state
    client = target.clients.get("s3")
    problems, said = [], []
    for what, call, arguments in (
        (f"s3://{bucket}", client.head_bucket, {}),
        (f"s3://{bucket}/{key}", client.head_object, {"Key": key}),
        (f"s3://{bucket}/{key}.tflock", client.head_object, {"Key": f"{key}.tflock"}),
    ):
        try:
            call(Bucket=bucket, **arguments)
            status = 200
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        said.append(f"{status} for {what}")
        if status != 200 and (status != 404 or not arguments):
            problems.append(f"HEAD {what} is answered with {status}")
    return CheckAnswer(", ".join(said), tuple(problems))


def github(target: CheckedDeployment) -> CheckAnswer:
    """An account has one OIDC provider for GitHub at most; a deployment from GitHub needs it."""
    if target.environment == "local":
        raise NotAskedError("GitHub does not deploy to a local endpoint")
    found = [
        provider["Arn"]
        for provider in target.clients.get("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        if provider["Arn"].endswith(f"/{_GITHUB}")
    ]
    return CheckAnswer(found[0]) if found else CheckAnswer("none", (f"there is no OIDC provider for {_GITHUB}",))


def log_policies(target: CheckedDeployment) -> CheckAnswer:
    """The monitoring adds one resource policy to CloudWatch Logs, Step Functions' log delivery another."""
    pages = target.clients.get("logs").get_paginator("describe_resource_policies").paginate()
    names = [policy["policyName"] for policy in pages.build_full_result().get("resourcePolicies", [])]
    needed = [
        what
        for what, there in (
            (f"{target.prefix}-glue-runs", f"{target.prefix}-glue-runs" in names),
            (_LOG_DELIVERY, any(name.startswith(_LOG_DELIVERY) for name in names)),
        )
        if not there
    ]
    said = f"{len(names)} of {_LOG_POLICIES} are taken" + (f", to come: {', '.join(needed)}" if needed else "")
    full = len(names) + len(needed) > _LOG_POLICIES
    return CheckAnswer(said, (f"there is no room for {', '.join(needed)}",) if full else ())


def node_type(target: CheckedDeployment) -> CheckAnswer:
    """Not every region has every type of node."""
    if target.settings["redshift.mode"] != "provisioned":
        raise NotAskedError(f"no cluster is made with redshift.mode {target.settings['redshift.mode']!r}")
    wanted = target.settings["redshift.node_type"]
    client = target.clients.get("redshift")
    options = client.describe_orderable_cluster_options(NodeType=wanted).get("OrderableClusterOptions", [])
    zones = sorted({zone["Name"] for option in options for zone in option.get("AvailabilityZones", [])})
    if not options:
        return CheckAnswer("not offered", (f"node type {wanted} is not offered in {client.meta.region_name}",))
    return CheckAnswer(f"{wanted} is offered in {', '.join(zones) or client.meta.region_name}")


@dataclass(frozen=True)
class Quota:
    """A quota of the account, by what Service Quotas calls it.

    Attributes:
        service: its code.
        name: in any case.
        times: what is taken at most, per execution that may run at the same time; None: one cluster's nodes.
    """

    service: str
    name: str
    times: int | None

    def __call__(self, target: CheckedDeployment) -> CheckAnswer:
        """Whether it is enough for the settings."""
        settings = target.settings
        if self.times is None and settings["redshift.mode"] != "provisioned":
            raise NotAskedError(f"no cluster is made with redshift.mode {settings['redshift.mode']!r}")
        nodes = int(settings["redshift.number_of_nodes"])
        needed = nodes if self.times is None else self.times * int(settings["max_concurrent_runs"])
        client = target.clients.get("service-quotas")
        # What was never raised may be among AWS's defaults alone.
        for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
            pages: Any = client.get_paginator(operation).paginate(ServiceCode=self.service)
            for quota in pages.build_full_result()["Quotas"]:
                if quota["QuotaName"].lower() == self.name.lower():
                    said = f"{quota['Value']:.0f}, and the settings take up to {needed}"
                    return CheckAnswer(said, (f"{quota['QuotaName']} is {said}",) if quota["Value"] < needed else ())
        raise NotAskedError(f"Service Quotas names no {self.name!r} of {self.service}; up to {needed} are taken")


# Each execution runs two Glue jobs, one after the other; run-sql is an execution within it.
# https://docs.aws.amazon.com/general/latest/gr/glue.html
# https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
# https://docs.aws.amazon.com/general/latest/gr/step-functions.html
# https://docs.aws.amazon.com/general/latest/gr/redshift-service.html
QUOTAS: Final = (
    Quota("glue", "Max concurrent job runs per account", 1),
    Quota("lambda", "Concurrent executions", 1),
    Quota("states", "Open executions", 2),
    Quota("redshift", "Nodes", None),
)
