"""The same by the tools that people have: awslocal, localstack-client, Terraform."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

import boto3
import localstack_client.session
import pytest
from botocore.exceptions import ClientError

from pipeline import executions
from pipeline.clients import Clients
from pipeline_tools import terraform
from pipeline_tools.deployment import local
from pipeline_tools.endpoint import EndpointError, LocalEndpoint
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import INFRA, Deployment, TerraformError
from tests.integration.conftest import Pipeline
from tests.waiting import SECONDS, until


def test_awslocal_starts_an_execution_and_queries_the_result(pipeline: Pipeline) -> None:
    source = pipeline.put(pipeline.sample(5))
    document = json.dumps({"dataset": "flights", "source_uri": source, "parameters": {}})
    machine = pipeline.outputs["state_machine_arn"]
    started = pipeline.awslocal(
        *("stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", document)
    )
    outcome = pipeline.wait(started["executionArn"])
    assert outcome.succeeded, (outcome.error, outcome.cause)
    statement = pipeline.awslocal(
        *(
            "redshift-data",
            "execute-statement",
            "--sql",
            "SELECT COUNT(*) FROM analytics.enriched_flights WHERE job_id = :id",
        ),
        *("--parameters", f"name=id,value={outcome.output['job_id']}"),
        *("--cluster-identifier", pipeline.outputs["redshift_cluster_identifier"]),
        *("--database", pipeline.outputs["redshift_database"], "--secret-arn", pipeline.outputs["redshift_secret_arn"]),
    )

    def finished() -> bool | None:
        described = pipeline.awslocal("redshift-data", "describe-statement", "--id", statement["Id"])
        assert described["Status"] not in ("FAILED", "ABORTED"), described
        return described["Status"] == "FINISHED" or None

    until(finished, "the statement finished")
    result = pipeline.awslocal("redshift-data", "get-statement-result", "--id", statement["Id"])
    assert result["Records"] == [[{"longValue": 5}]]


def test_localstack_client_finds_what_terraform_made(pipeline: Pipeline) -> None:
    host = urlparse(pipeline.endpoint_url)
    session = localstack_client.session.Session(localstack_host=f"{host.hostname}:{host.port}")
    names = {bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]}
    assert {pipeline.outputs[name] for name in ("raw_bucket", "lake_bucket", "artifacts_bucket")} <= names
    jobs = session.client("glue").get_jobs()["Jobs"]
    kinds = {job["Name"]: job["Command"]["Name"] for job in jobs}
    assert kinds[pipeline.outputs["python_job_name"]] == "pythonshell"
    assert kinds[pipeline.outputs["spark_job_name"]] == "glueetl"


def test_who_follows_an_execution_sees_its_states_in_the_order_of_the_history(pipeline: Pipeline) -> None:
    client, seen = pipeline.clients.get("stepfunctions"), []
    role = client.describe_state_machine(stateMachineArn=pipeline.outputs["state_machine_arn"])["roleArn"]
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}}
    made = client.create_state_machine(name="followed", definition=json.dumps(definition), roleArn=role)
    try:
        arn = executions.start(client, made["stateMachineArn"], {})
        executions.wait(
            client,
            arn,
            timeout_seconds=SECONDS,
            on_entered=lambda name: seen.append(f"{name} began"),
            on_left=lambda state: seen.append(f"{state.name} ended"),
        )
    finally:
        client.delete_state_machine(stateMachineArn=made["stateMachineArn"])
    assert seen == ["A began", "A ended", "B began", "B ended"]


def test_a_second_plan_has_nothing_to_change(pipeline: Pipeline, deployment: Deployment, tmp_path: Path) -> None:
    saved = tmp_path / "again.tfplan"
    deployment.plan(saved)
    changes = json.loads(deployment.show(saved, as_json=True)).get("resource_changes", [])
    differing = {
        change["address"]: {
            name
            for name, value in (change["change"]["after"] or {}).items()
            if (change["change"]["before"] or {}).get(name) != value
        }
        for change in changes
        if change["change"]["actions"] != ["no-op"]
    }
    assert differing == {}


def test_a_secret_that_is_made_without_a_value_has_none(endpoint: LocalEndpoint) -> None:
    client = Clients(endpoint.endpoint_url, endpoint.region).get("secretsmanager")
    made = client.create_secret(Name="without-a-value")
    assert "VersionId" not in made
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="secret value for staging label: AWSCURRENT"):
        client.get_secret_value(SecretId=made["ARN"])
    client.put_secret_value(SecretId=made["ARN"], SecretString="s")
    assert client.get_secret_value(SecretId=made["ARN"])["SecretString"] == "s"
    client.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("redshift", "describe_clusters", "InvalidClientTokenId"),
        ("redshift-data", "list_statements", "UnrecognizedClientException"),
        ("stepfunctions", "list_state_machines", "UnrecognizedClientException"),
        ("glue", "get_jobs", "UnrecognizedClientException"),
        ("logs", "describe_log_groups", "UnrecognizedClientException"),
    ],
)
def test_a_key_that_this_endpoint_did_not_give_out_is_refused(
    service: str, call: str, code: str, endpoint: LocalEndpoint
) -> None:
    client = boto3.session.Session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint.endpoint_url,
        region_name=endpoint.region,
        aws_access_key_id="ASIA0123456789ABCDEF",
        aws_secret_access_key="of a run of another endpoint",
        aws_session_token="its token",
    )
    with pytest.raises(ClientError) as refused:
        getattr(client, call)()
    assert refused.value.response["Error"]["Code"] == code


def test_what_was_applied_can_be_destroyed(tmp_path: Path) -> None:
    with LocalEndpoint(tmp_path / "endpoint") as endpoint:
        deployment = Deployment("local", tmp_path / "terraform", endpoint.endpoint_url)
        deployment.init()
        deployment.apply()
        deployment.destroy()
        with pytest.raises(Exception, match="no outputs"):
            deployment.outputs()


def test_a_state_in_s3_is_locked(endpoint: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, key = "terraform-states", "traceable-data-pipeline/dev/terraform.tfstate"
    s3 = Clients(endpoint.endpoint_url, endpoint.region).get("s3")
    s3.create_bucket(Bucket=bucket)
    settings = {
        "AWS_ENDPOINT_URL": endpoint.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": endpoint.region,
        "TF_STATE_BUCKET": bucket,
        "TF_VAR_package_dir": str(ROOT / "build" / "package"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terraform, "ROOT", tmp_path)
    deployment = Deployment("dev")
    deployment.init()
    s3.put_object(Bucket=bucket, Key=f"{key}.tflock", Body=b'{"ID": "1", "Who": "somebody else"}')
    with pytest.raises(TerraformError, match="Error acquiring the state lock"):
        deployment.plan(tmp_path / "dev.tfplan")
    s3.delete_object(Bucket=bucket, Key=f"{key}.tflock")
    state = {"version": 4, "serial": 1, "lineage": "1", "outputs": {"it": {"value": "here", "type": "string"}}}
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(state).encode())
    assert deployment.outputs() == {"it": "here"}


@pytest.fixture
def own_setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person's own settings of the SDKs, and a proxy that answers nothing."""
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "not-there"))
    (tmp_path / "credentials").write_text("[default\naws_access_key_id = mine\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "not-there.pem"))
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")


def test_a_persons_own_settings_do_not_reach_the_endpoint(own_setup: None, tmp_path: Path) -> None:
    with LocalEndpoint(tmp_path / "endpoint") as endpoint:
        clients = Clients(endpoint.endpoint_url)
        # The endpoint is a client of its own: of Secrets Manager here, for the password.
        clients.get("redshift").create_cluster(
            ClusterIdentifier="one", NodeType="ra3.large", MasterUsername="admin", ManageMasterPassword=True
        )
        (secret,) = clients.get("secretsmanager").list_secrets()["SecretList"]
        clients.get("s3").create_bucket(Bucket="one-bucket")
        # A shell, for the same tools and another endpoint a moment ago.
        (tmp_path / "environment.sh").write_text(local.shell(endpoint.endpoint_url, endpoint.region))
        seen = _in_a_shell(tmp_path / "environment.sh", "awslocal s3 ls; awslocal redshift describe-clusters")
        assert " one-bucket\n" in seen
        assert f'"MasterPasswordSecretArn": "{secret["ARN"]}"' in seen
        python = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
        assert _in_a_shell(tmp_path / "environment.sh", f'python -c "{python}"') == "000000000000\n"
        # Terraform, which has settings of its own for all this.
        (tmp_path / "module" / "environments").mkdir(parents=True)
        (tmp_path / "module" / "environments" / "local.tfvars").touch()
        shutil.copy(INFRA / "versions.tf", tmp_path / "module")
        (tmp_path / "module" / "main.tf").write_text(
            'provider "aws" {}\n'
            'data "aws_s3_bucket" "one" {\n  bucket = "one-bucket"\n}\n'
            'output "region" {\n  value = data.aws_s3_bucket.one.region\n}\n'
        )
        deployment = Deployment(
            "local", tmp_path / "terraform", endpoint.endpoint_url, configuration=tmp_path / "module"
        )
        deployment.init()
        deployment.apply()
        assert deployment.outputs() == {"region": "us-east-1"}


def _in_a_shell(environment: Path, line: str) -> str:
    program = ["sh", "-c", f'. "$0"; {line}', str(environment)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with LocalEndpoint(tmp_path / "one") as endpoint:
        port = urlparse(endpoint.endpoint_url).port
        assert port
        with pytest.raises(EndpointError, match=f"127.0.0.1:{port} cannot be served on"):
            LocalEndpoint(tmp_path / "two", port=port).start()


def test_the_endpoint_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline_tools.endpoint import LocalEndpoint\n"
        "endpoint = LocalEndpoint(Path(sys.argv[1])); endpoint.start(); print(endpoint.endpoint_url, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    started = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == -9, started.stderr
    host = urlparse(started.stdout.strip())

    def gone() -> bool | None:
        try:
            socket.create_connection((str(host.hostname), int(host.port or 0)), timeout=1.0).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it is about to
            return None
        return None

    until(gone, "the endpoint ended")
