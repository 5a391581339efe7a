"""Preflight against the endpoint: what is well is fine, what is broken is found, what cannot be asked is neither."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.config import Config

from aws_facts import permissions
from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.preflight import __main__ as preflight
from pipeline_tools.preflight import definitions, environment_settings, roles
from pipeline_tools.preflight.checks import CheckedDeployment, CheckResult, ask
from pipeline_tools.state_tests.state_cases import MachineCases, machines
from tests.integration.conftest import Pipeline, given_endpoint
from tests.integration.grants import Granted, Roles

# By the Sid of a statement and the end of a resource: why no role is asked about it there.
UNASKED = {("InvokeGenerateParam", ":*"): "a version of the function, of which no state machine calls one"}
CHECKS = {check.name: check for check in (preflight.CREDENTIALS, *preflight.CHECKS)}


def result(name: str, target: CheckedDeployment) -> CheckResult:
    (found,) = ask([CHECKS[name]], target)
    return found


def problems(name: str, target: CheckedDeployment) -> tuple[str, ...]:
    found = result(name, target)
    assert found.answer is not None, found.not_asked
    return found.answer.problems


@pytest.fixture
def empty(endpoint: LocalEndpoint) -> CheckedDeployment:
    """An account in which nothing was asked to be applied."""
    return CheckedDeployment("dev", Clients(endpoint.endpoint_url, endpoint.region), environment_settings.read("dev"))


@pytest.fixture
def applied(pipeline: Pipeline) -> CheckedDeployment:
    return CheckedDeployment("local", pipeline.clients, environment_settings.read("local"), pipeline.outputs)


@pytest.fixture(autouse=True)
def _knows_what_is_asked(endpoint: LocalEndpoint) -> None:
    if endpoint.engine == "localstack" and not given_endpoint():
        pytest.skip(
            "docs/emulators.md: LocalStack holds nobody to a policy, and its TestState does not know all of AWS's"
        )


@dataclasses.dataclass(frozen=True)
class AsRole(Clients):
    """Clients with the credentials of a role."""

    credentials: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def get(self, service: str) -> Any:
        import boto3

        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint_url,
            region_name=self.region or "us-east-1",
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
            config=Config(inject_host_prefix=False),
        )


@contextlib.contextmanager
def caller(target: CheckedDeployment, *actions: str) -> Iterator[CheckedDeployment]:
    """The target, asked by a role that may do these actions, on everything."""
    iam, name = target.clients.get("iam"), "preflight-caller"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    allowed = {"Sid": "All", "Effect": "Allow", "Action": list(actions), "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=json.dumps({"Statement": [allowed]}))
    try:
        credentials = target.clients.get("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="asks")["Credentials"]
        clients = AsRole(target.clients.endpoint_url, target.clients.region, credentials)
        yield dataclasses.replace(target, clients=clients)
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="may")
        iam.delete_role(RoleName=name)


def test_of_the_deployed_pipeline_nothing_is_found_and_what_was_not_asked_is_said(
    applied: CheckedDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preflight.run(applied) == 0
    said = capsys.readouterr().out
    for name in ("credentials", "log-policies", "definitions", "states", "sql-parameters", "polling", "roles"):
        assert f"fine       {name}: " in said
    for name in ("state", "github", "node-type", "quota-glue", "plan", "apply"):
        assert f"not asked  {name}: " in said
    assert "0 found" in said


def test_who_may_not_deploy_is_told_so(empty: CheckedDeployment) -> None:
    asking = ("iam:GetRole", "iam:SimulatePrincipalPolicy", "sts:GetCallerIdentity")
    for name in ("plan", "apply"):
        with caller(empty, *asking) as poor:
            found = problems(name, poor)
        assert any("preflight-caller may not kms:DescribeKey on " in line for line in found)
        actions = {line.split(" may not ")[1].split(" on ")[0] for line in found}
        with caller(empty, *asking, *actions - {"redshift:DescribeClusters"}) as almost:
            (only,) = problems(name, almost)
        assert only.endswith(" may not redshift:DescribeClusters on *")
        with caller(empty, *asking, *actions) as enough:
            assert problems(name, enough) == ()


def test_who_may_not_ask_gets_no_good_answer(empty: CheckedDeployment) -> None:
    with caller(empty, "sts:GetCallerIdentity", "iam:GetRole") as silent:
        for name in ("plan", "log-policies", "github", "definitions", "states"):
            found = result(name, silent)
            assert found.answer is None, name
            assert "the caller may not" in found.not_asked


def test_the_place_of_the_state(empty: CheckedDeployment) -> None:
    bucket = "preflight-state"
    empty.clients.get("s3").create_bucket(Bucket=bucket)
    there = dataclasses.replace(empty, state=(bucket, "not-yet/terraform.tfstate"))
    assert problems("state", there) == ()
    (gone,) = problems("state", dataclasses.replace(empty, state=("no-such-bucket-of-ours", "x")))
    assert gone == "HEAD s3://no-such-bucket-of-ours is answered with 404"
    # Who may read the state, but not list the bucket, is not told by S3 that there is none.
    with caller(there, "s3:GetObject") as reader:
        assert f"HEAD s3://{bucket} is answered with 403" in problems("state", reader)


def test_the_provider_of_github(empty: CheckedDeployment) -> None:
    assert problems("github", empty) == ("there is no OIDC provider for token.actions.githubusercontent.com",)
    iam = empty.clients.get("iam")
    url = "https://token.actions.githubusercontent.com"
    made = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])
    try:
        assert problems("github", empty) == ()
    finally:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made["OpenIDConnectProviderArn"])


def test_room_for_resource_policies_of_logs(empty: CheckedDeployment) -> None:
    logs = empty.clients.get("logs")
    statement = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Principal": {"Service": "es.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    names = [f"of-others-{number}" for number in range(9)]
    try:
        for name in names[:8]:
            logs.put_resource_policy(policyName=name, policyDocument=document)
        assert problems("log-policies", empty) == ()
        logs.put_resource_policy(policyName=names[8], policyDocument=document)
        assert problems("log-policies", empty) == ("there is no room for tdp-dev-glue-runs, AWSLogDeliveryWrite",)
    finally:
        for policy in logs.describe_resource_policies()["resourcePolicies"]:
            if policy["policyName"] in names:
                logs.delete_resource_policy(policyName=policy["policyName"])


def test_credentials_of_another_account_or_region(empty: CheckedDeployment) -> None:
    def deployed(place: str) -> CheckedDeployment:
        return dataclasses.replace(empty, outputs={"state_machine_arn": f"arn:aws:states:{place}:stateMachine:x"})

    account = empty.clients.get("sts").get_caller_identity()["Account"]
    assert problems("credentials", deployed(f"us-east-1:{account}")) == ()
    other = deployed("eu-west-1:210987654321")
    assert problems("credentials", other) == ("the environment is in account 210987654321, region eu-west-1",)
    assert preflight.run(other) == 2


def test_a_definition_that_is_changed(empty: CheckedDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine,) = (found for found in machines() if found.name == "start-on-arrival")

    def changed(old: str, new: str) -> list[MachineCases]:
        text = json.dumps(machine.definition)
        assert old in text
        return [dataclasses.replace(machine, definition=json.loads(text.replace(old, new)))]

    monkeypatch.setattr(definitions, "machines", lambda: [machine])
    assert problems("definitions", empty) == problems("states", empty) == ()
    first = machine.definition["StartAt"]
    monkeypatch.setattr(definitions, "machines", lambda: changed(f'"StartAt": "{first}"', '"StartAt": "Nowhere"'))
    assert any("Nowhere" in line for line in problems("definitions", empty))
    monkeypatch.setattr(definitions, "machines", lambda: changed('"started": false', '"started": true'))
    assert problems("states", empty)


def test_arguments_that_the_integration_of_a_batch_does_not_take(
    empty: CheckedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert problems("sql-parameters", empty) == ()
    monkeypatch.setattr(definitions, "_BOUND", {"ParametersOfLater": []})
    (found,) = problems("sql-parameters", empty)
    assert "ParametersOfLater" in found
    inlined = dataclasses.replace(empty, settings={**empty.settings, "redshift.sql_parameters": "inlined"})
    assert problems("sql-parameters", inlined) == ()


def test_looks_that_the_integration_does_not_take(empty: CheckedDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems("polling", empty) == ()
    monkeypatch.setattr(definitions, "_LONG", {"WaitForEver": 1})
    (found,) = problems("polling", empty)
    assert "WaitForEver" in found
    short = dataclasses.replace(empty, settings={**empty.settings, "redshift.polling": "short"})
    assert problems("polling", short) == ()


def test_roles_are_not_asked_about_before_they_are_there(empty: CheckedDeployment) -> None:
    assert result("roles", empty).not_asked == "nothing is applied yet"
    assert roles.refusals(empty.clients.get("iam"), "unused", []) == []


@pytest.fixture
def roles_of_all(applied: CheckedDeployment, pipeline: Pipeline) -> Iterator[Roles]:
    """The roles of the deployment, with that of schedules, which it has none of, as infra/modules/schedule makes it."""
    granted = Roles(pipeline)
    prefix, sqs = granted.prefix, applied.clients.get("sqs")
    deployment = roles.DeployedParts(applied)
    queue, name = f"{prefix}-pipeline-failed-undelivered", f"{prefix}-pipeline-schedules"
    key = applied.clients.get("kms").describe_key(KeyId=f"alias/{prefix}-pipeline")["KeyMetadata"]["Arn"]
    statements = {
        "StartExecution": (
            ["states:StartExecution"],
            deployment.arn("states", f"stateMachine:{prefix}-start-on-schedule"),
        ),
        "KeepUndelivered": (["sqs:SendMessage"], deployment.arn("sqs", queue)),
        "UseKey": (["kms:Decrypt", "kms:GenerateDataKey"], key),
    }
    policy = [
        {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}
        for sid, (actions, resource) in statements.items()
    ]
    url = sqs.create_queue(QueueName=queue, Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    granted.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    granted.iam.put_role_policy(RoleName=name, PolicyName="start", PolicyDocument=json.dumps({"Statement": policy}))
    try:
        yield granted
    finally:
        granted.iam.delete_role_policy(RoleName=name, PolicyName="start")
        granted.iam.delete_role(RoleName=name)
        sqs.delete_queue(QueueUrl=url)


def test_without_any_one_statement_of_a_role_it_fails_and_names_the_role_and_each_action(
    applied: CheckedDeployment, roles_of_all: Roles, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [check.name for check in preflight.CHECKS if check.name != "roles"]
    assert preflight.run(applied, others) == 0
    statements: dict[str, Granted] = {}
    iam, needs = applied.clients.get("iam"), dict(roles.DeployedParts(applied).roles())
    for granted in roles_of_all.statements():
        statements[granted.role] = granted
        (role,) = (arn for arn in needs if arn.endswith(f"/{granted.role}"))
        asked = [need for need in needs[role] if need.action in granted.actions]
        with roles_of_all.without(granted):
            refused = {need.action for need in roles.refusals(iam, role, asked)}
        assert refused == set(granted.actions), (granted.role, granted.sid)
    assert len(statements) >= 11
    # The whole check, without one statement of each role.
    capsys.readouterr()
    with roles_of_all.without(*statements.values()):
        assert preflight.run(applied, others) == 1
    said = capsys.readouterr().out
    for granted in statements.values():
        for action in granted.actions:
            assert f"- {granted.role} may not {action} on " in said, (granted.role, granted.sid, said)


def test_each_action_of_each_statement_is_asked_about_on_each_of_its_resources(
    applied: CheckedDeployment, roles_of_all: Roles
) -> None:
    needs = {role.rpartition("/")[2]: asked for role, asked in roles.DeployedParts(applied).roles()}
    unasked = [
        (granted.role, granted.sid, action, resource)
        for granted in roles_of_all.statements()
        for resource in granted.resources
        if not any(granted.sid == sid and resource.endswith(end) for sid, end in UNASKED)
        for action in granted.actions
        if not any(need.action == action and fnmatchcase(need.resource, resource) for need in needs[granted.role])
    ]
    assert unasked == []


def test_a_warehouse_without_a_default_role_is_found(
    applied: CheckedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = dataclasses.replace(roles.DeployedParts(applied).warehouse, copy_role=None)
    monkeypatch.setattr(roles.DeployedParts, "warehouse", warehouse)
    assert problems("roles", applied) == (f"{warehouse.arn} has no default IAM role, by which COPY reads",)


def test_what_an_option_makes_a_role_call_is_asked_about(applied: CheckedDeployment, pipeline: Pipeline) -> None:
    """The deployment has no traces and no event logs of Spark, so neither has a role what these take."""
    outputs = pipeline.outputs
    function, job_name = outputs["lambda_function_name"], outputs["spark_job_name"]
    machine = {"stateMachineArn": outputs["run_sql_state_machine_arn"]}
    glue, states = pipeline.clients.get("glue"), pipeline.clients.get("stepfunctions")
    job = glue.get_job(JobName=job_name)["Job"]
    update = {name: job[name] for name in ("Role", "Command", "GlueVersion", "WorkerType", "NumberOfWorkers")}
    logged = {**job["DefaultArguments"], "--spark-event-logs-path": f"s3://{outputs['lake_bucket']}/spark-events/"}
    pipeline.update_function(function, TracingConfig={"Mode": "Active"})
    states.update_state_machine(**machine, tracingConfiguration={"enabled": True})
    glue.update_job(JobName=job_name, JobUpdate={**update, "DefaultArguments": logged})
    try:
        found = problems("roles", applied)
    finally:
        pipeline.update_function(function, TracingConfig={"Mode": "PassThrough"})
        states.update_state_machine(**machine, tracingConfiguration={"enabled": False})
        glue.update_job(JobName=job_name, JobUpdate={**update, "DefaultArguments": job["DefaultArguments"]})
    run_sql = outputs["run_sql_state_machine_arn"].rpartition(":")[2]
    traces = [(function, action) for action in permissions.TRACE_ACTIONS["lambda"]]
    traces += [(run_sql, action) for action in permissions.TRACE_ACTIONS["states"]]
    writes = [(job_name, action) for action in ("s3:GetObject", *permissions.UPLOAD_ACTIONS)]
    assert {tuple(line.split(" on ")[0].split(" may not ")) for line in found} == {*traces, *writes}
