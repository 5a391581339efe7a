"""Preflight's checks of what no local endpoint has, and how results are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from pipeline.clients import Clients
from pipeline_tools.environments import ROOT
from pipeline_tools.preflight import __main__ as preflight
from pipeline_tools.preflight import account, definitions, environment_settings, roles
from pipeline_tools.preflight.checks import Check, CheckAnswer, CheckedDeployment, NotAskedError, ask
from pipeline_tools.preflight.warehouse import DeployedWarehouse


@dataclass(frozen=True)
class Answered(Clients):
    """Clients that get the answers they are given, in order."""

    answers: list[tuple[str, Any]] = field(default_factory=list)

    def get(self, service: str) -> Any:
        client = boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        stubber = Stubber(client)
        for method, answer in self.answers:
            if isinstance(answer, str):
                stubber.add_client_error(method, answer, "the reason")
            else:
                stubber.add_response(method, answer)
        stubber.activate()
        return client


def target(*answers: tuple[str, Any], **changes: str) -> CheckedDeployment:
    return CheckedDeployment("dev", Answered(answers=list(answers)), {**environment_settings.read("dev"), **changes})


def quota(name: str, value: float) -> dict[str, Any]:
    return {"Quotas": [{"QuotaName": "Other", "Value": 1.0}, {"QuotaName": name, "Value": value}]}


@pytest.mark.parametrize("asked", account.QUOTAS, ids=lambda found: found.service)
def test_a_quota_is_compared_with_what_the_settings_take(asked: account.Quota) -> None:
    changes = {"max_concurrent_runs": "40", "redshift.number_of_nodes": "40"}
    enough = 40 * (asked.times or 1)
    listed = "list_service_quotas"
    assert asked(target((listed, quota(asked.name.upper(), enough)), **changes)).problems == ()
    (problem,) = asked(target((listed, quota(asked.name, enough - 1)), **changes)).problems
    assert problem.endswith(f" is {enough - 1}, and the settings take up to {enough}")
    # One that was never raised is among AWS's defaults alone.
    defaults = ("list_aws_default_service_quotas", quota(asked.name, 1))
    assert asked(target((listed, {"Quotas": []}), defaults, **changes)).problems != ()
    nothing: tuple[tuple[str, Any], ...] = (
        (listed, {"Quotas": []}),
        ("list_aws_default_service_quotas", {"Quotas": []}),
    )
    with pytest.raises(NotAskedError, match=f"Service Quotas names no {asked.name!r}"):
        asked(target(*nothing, **changes))


def test_a_node_type_that_the_region_does_not_have() -> None:
    operation = "describe_orderable_cluster_options"
    zones = [{"AvailabilityZones": [{"Name": "eu-central-1a"}]}]
    assert account.node_type(target((operation, {"OrderableClusterOptions": zones}))).problems == ()
    found = account.node_type(target((operation, {"OrderableClusterOptions": []})))
    assert found.problems == ("node type ra3.large is not offered in eu-central-1",)
    with pytest.raises(NotAskedError, match="no cluster is made"):
        account.node_type(target(**{"redshift.mode": "serverless"}))


VALID = ("validate_state_machine_definition", {"result": "OK", "diagnostics": []})
TESTED = ("test_state", {"status": "SUCCEEDED"})


def refused(argument: str) -> tuple[str, Any]:
    message = f'The field "{argument}" is not supported by Step Functions'
    diagnostic = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": message}
    return "validate_state_machine_definition", {"result": "FAIL", "diagnostics": [diagnostic]}


def test_parameters_of_a_batch_are_asked_about_beside_what_is_no_argument() -> None:
    """The local endpoint knows Parameters and refuses what is not an argument; other answers are given here."""

    def answers(*given: tuple[str, Any], mode: str = "bound") -> CheckAnswer:
        # Each question has a client of its own: they are answered from one list.
        return definitions.sql_parameters(target(*given, **{"redshift.sql_parameters": mode}))

    fine = (VALID, TESTED)
    assert answers(*fine, *fine, refused("NoSuchArgument")).problems == ()
    assert answers(*fine, refused("Parameters")).problems == (
        'The field "Parameters" is not supported by Step Functions',
    )
    assert answers(*fine, refused("Parameters"), mode="inlined").problems == ()
    assert answers(*fine, VALID, ("test_state", "InvalidDefinition")).problems != ()
    failed = ("test_state", {"status": "FAILED", "error": "States.Runtime", "cause": "Parameters"})
    assert answers(*fine, VALID, failed).problems == ("States.Runtime: Parameters",)
    with pytest.raises(NotAskedError, match="neither is an argument refused"):
        answers(*fine, *fine, *fine)
    with pytest.raises(NotAskedError, match="without Parameters too"):
        answers(refused("Sqls"))


def test_looks_that_wait_are_asked_about_beside_what_is_no_argument() -> None:
    def answers(*given: tuple[str, Any], mode: str = "long") -> CheckAnswer:
        return definitions.polling(target(*given, **{"redshift.polling": mode}))

    fine = (VALID, TESTED)
    assert answers(*fine, *fine, refused("NoSuchArgument")).problems == ()
    assert answers(*fine, refused("WaitTimeSeconds")).problems == (
        'The field "WaitTimeSeconds" is not supported by Step Functions',
    )
    assert answers(*fine, refused("WaitTimeSeconds"), mode="short").problems == ()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListX"), "the caller may not ListX: no"),
        (ClientError({"Error": {"Code": "InvalidAction", "Message": "x"}}, "ListX"), "there is no ListX here"),
        (ClientError({"Error": {"Code": "Throttling", "Message": "x"}}, "ListX"), "ListX was answered with Throttling"),
        (NotAskedError("nothing is applied yet"), "nothing is applied yet"),
    ],
)
def test_what_cannot_be_asked_is_not_fine(error: Exception, said: str) -> None:
    def fails(_: CheckedDeployment) -> CheckAnswer:
        raise error

    (result,) = ask([Check("x", "a question", "something", fails)], target())
    assert result.answer is None
    assert not result.is_found
    (line,) = result.lines()
    assert line.startswith(f"not asked  x: {said}")


def test_a_check_that_is_left_out_is_not_fine() -> None:
    (result,) = ask([Check("x", "a question", "something", lambda _: CheckAnswer("all"))], target(), ["x"])
    assert list(result.lines()) == ["not asked  x: left out by --skip (it asks: a question)"]


def test_each_check_has_its_name_question_and_remedy() -> None:
    names = [check.name for check in preflight.CHECKS]
    assert len(set(names)) == len(names) >= 14
    assert all(check.asks and "\n" not in check.asks and check.do for check in preflight.CHECKS)


def test_settings_come_from_the_environment_or_by_default(tmp_path: Any) -> None:
    (tmp_path / "environments").mkdir()
    for name in ("variables.tf", "modules/redshift/variables.tf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / "infra" / name).read_text(encoding="utf-8"))
    file = tmp_path / "environments" / "mine.tfvars"
    file.write_text('environment = "mine"\n')
    assert environment_settings.read("mine", tmp_path) == {
        "max_concurrent_runs": "20",
        "redshift.mode": "provisioned",
        "redshift.node_type": "ra3.large",
        "redshift.number_of_nodes": "1",
        "redshift.sql_parameters": "bound",
        "redshift.polling": "long",
    }
    file.write_text(
        'name_prefix = "acme-x"\nmax_concurrent_runs = 7 # not 8\nkms = { mode = "existing" }\nredshift = {\n'
        '  mode = "serverless"\n  sql_parameters = "inlined"\n  polling = "short"\n'
        '  provisioned = { node_type = "ra3.4xlarge",'
        " number_of_nodes = 3 }\n}\n"
    )
    assert environment_settings.read("mine", tmp_path) == {
        "name_prefix": "acme-x",
        "max_concurrent_runs": "7",
        "redshift.mode": "serverless",
        "redshift.node_type": "ra3.4xlarge",
        "redshift.number_of_nodes": "3",
        "redshift.sql_parameters": "inlined",
        "redshift.polling": "short",
    }
    # What looks like a setting and is none: in a comment, in a text, in another object.
    file.write_text(
        'name_prefix = null\n/* max_concurrent_runs = 1 */\ntags = { mode = "x", note = "redshift = { mode" }\n'
        'redshift = {\n  # } mode = "existing"\n  "mode" = "serverless"\n}\n'
    )
    read = environment_settings.read("mine", tmp_path)
    assert (read.get("name_prefix"), read["max_concurrent_runs"], read["redshift.mode"]) == (None, "20", "serverless")
    file.write_text("redshift = {\n")
    with pytest.raises(environment_settings.SettingsError, match=r"mine\.tfvars:\d+: no HCL from here on"):
        environment_settings.read("mine", tmp_path)
    (tmp_path / "variables.tf").write_text("")
    file.write_text("")
    with pytest.raises(environment_settings.SettingsError, match="max_concurrent_runs: not found"):
        environment_settings.read("mine", tmp_path)


def test_an_environment_that_is_not_there_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main(["nowhere"]) == 2
    assert "environment 'nowhere' is unknown; known: " in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        preflight.main([])
    assert usage.value.code == 2


def test_the_account_itself_is_not_simulated() -> None:
    identity = {"Arn": "arn:aws:iam::123456789012:root", "Account": "123456789012", "UserId": "x"}
    with pytest.raises(NotAskedError, match="the account itself"):
        roles.plan(target(("get_caller_identity", identity)))


def test_actions_on_one_resource_are_asked_together() -> None:
    needs = [*roles.terraform_needs(["s3:PutObject", "iam:PassRole"], "p", "aws", "eu-central-1", "1" * 12)]
    assert {need.action for need in needs} == {"s3:PutObject", "kms:GenerateDataKey", "iam:PassRole"}
    passing = next(need for need in needs if need.action == "iam:PassRole")
    assert passing.context == (("iam:PassedToService", "string", "states.amazonaws.com"),)


def test_a_warehouse_tells_its_arn_its_key_and_the_role_by_which_copy_reads() -> None:
    arn, role, key = "arn:aws:redshift:eu-central-1:1:cluster:", "arn:aws:iam::1:role/copy", "arn:aws:kms:x:1:key/k"
    made = {"ClusterIdentifier": "dw", "KmsKeyId": key, "DefaultIamRoleArn": role}
    clusters = target(("describe_clusters", {"Clusters": [made]})).clients
    assert DeployedWarehouse.of_cluster(clusters.get, "dw", arn) == DeployedWarehouse(f"{arn}dw", key, role)

    def workgroup(**namespace: str) -> DeployedWarehouse:
        found = {"workgroupName": "loads", "workgroupArn": "arn:of:workgroup", "namespaceName": "loads"}
        answers = (("get_workgroup", {"workgroup": found}), ("get_namespace", {"namespace": namespace}))
        return DeployedWarehouse.of_workgroup(target(*answers).clients.get, "loads")

    assert workgroup(kmsKeyId=key, defaultIamRoleArn=role) == DeployedWarehouse("arn:of:workgroup", key, role)
    assert workgroup(kmsKeyId="AWS_OWNED_KMS_KEY") == DeployedWarehouse("arn:of:workgroup", None, None)
