"""The roles of infra/bootstrap do what they are for: a plan as the one, its apply and a destroy as the other.

Each is held to its policies, also in what Terraform does with the state in its bucket.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aws_facts import sdk_environment
from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.terraform import INFRA, PACKAGE_DIR, cli_config
from tests.integration.conftest import given_endpoint

ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# By the prefix that an environment has by itself: GitHub's roles are for no shorter one.
NAME_PREFIX = 'name_prefix = "local"\n'
JOB = "module.spark_job.aws_glue_job.this"
BOOTSTRAP = (
    "region=us-east-1",
    "environments={local = {}}",
    "github_repository=acme/pipeline",
    "github_repository_ids={owner = 1, repository = 2}",
    "create_github_provider=false",
)


@dataclass(frozen=True)
class Workspace:
    """Copies of the two configurations, run by Terraform's own command against the endpoint."""

    endpoint: LocalEndpoint
    directory: Path
    package: Path

    def terraform(
        self, folder: str, caller: Mapping[str, str], command: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Terraform in infra/ or in infra/bootstrap, with the credentials of a caller."""
        environment = {
            **sdk_environment.isolated(os.environ),
            **caller,
            "AWS_ENDPOINT_URL": self.endpoint.endpoint_url,
            "AWS_REGION": self.endpoint.region,
            "TF_IN_AUTOMATION": "1",
            PACKAGE_DIR: str(self.package),
        }
        if config := cli_config(self.directory):
            environment["TF_CLI_CONFIG_FILE"] = config
        return subprocess.run(
            ["terraform", f"-chdir={self.directory / folder}", command, "-input=false", "-no-color", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, folder: str, caller: Mapping[str, str], command: str, *arguments: str) -> str:
        """As `terraform`, and return what it said; it has to succeed."""
        run = self.terraform(folder, caller, command, *arguments)
        assert run.returncode == 0, f"terraform {command}:\n{run.stderr}"
        return run.stdout

    def state_bucket(self) -> str:
        """The bucket that infra/bootstrap has made."""
        buckets = Clients(self.endpoint.endpoint_url, self.endpoint.region).get("s3").list_buckets()["Buckets"]
        (name,) = (bucket["Name"] for bucket in buckets if bucket["Name"].endswith("-terraform-state"))
        return str(name)

    @contextlib.contextmanager
    def without(self, action: str, policy: str) -> Iterator[None]:
        """Take an action away from a policy that infra/bootstrap made."""
        iam = Clients(self.endpoint.endpoint_url, self.endpoint.region).get("iam")
        policies = iam.list_policies(Scope="Local")["Policies"]
        (found,) = (each for each in policies if each["PolicyName"] == policy)
        arn = found["Arn"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
        before = json.dumps(version["Document"])
        assert before.count(f'"{action}", ') == 1
        after = before.replace(f'"{action}", ', "")
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=after, SetAsDefault=True)
        try:
            yield
        finally:
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=before, SetAsDefault=True)

    def session(self, role: str) -> dict[str, str]:
        """Credentials of a role that trusts the account for once: whom else it trusts is infra/bootstrap's own test."""
        clients = Clients(self.endpoint.endpoint_url, self.endpoint.region)
        account = clients.get("sts").get_caller_identity()["Account"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
        iam = clients.get("iam")
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps({"Statement": [trust]}))
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        given = clients.get("sts").assume_role(RoleArn=arn, RoleSessionName="GitHubActions")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }


@pytest.fixture
def workspace(endpoint: LocalEndpoint, packaged: Path, tmp_path: Path) -> Workspace:
    if given_endpoint() or endpoint.engine != "ministack":
        pytest.skip("docs/emulators.md: it holds nobody to a policy")
    shutil.copytree(INFRA, tmp_path / "infra", ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    settings = tmp_path / "infra" / "environments" / "local.tfvars"
    text = settings.read_text(encoding="utf-8")
    assert NAME_PREFIX in text
    settings.write_text(text.replace(NAME_PREFIX, ""), encoding="utf-8")
    return Workspace(endpoint, tmp_path, packaged)


def test_the_plan_role_plans_and_the_apply_role_applies_and_destroys(workspace: Workspace) -> None:
    # The bucket's lifecycle rules, for which the provider waits a minute, are no part of what the roles may do.
    variables = [f"-var={text}" for text in BOOTSTRAP]
    targets = ("aws_iam_role_policy_attachment.github", "aws_s3_bucket_versioning.state")
    workspace.done("infra/bootstrap", ACCOUNT, "init", "-lockfile=readonly")
    workspace.done(
        "infra/bootstrap", ACCOUNT, "apply", "-auto-approve", *variables, *(f"-target={target}" for target in targets)
    )
    backend = (f"bucket={workspace.state_bucket()}", "key=traceable-data-pipeline/local/terraform.tfstate")
    options = [f"-backend-config={option}" for option in backend]
    planner, applier = (workspace.session(f"github-local-{what}") for what in ("plan", "apply"))
    inputs = "-var-file=environments/local.tfvars"

    workspace.done("infra", planner, "init", "-lockfile=readonly", *options)
    workspace.done("infra", planner, "plan", inputs, "-out=first.tfplan")
    workspace.done("infra", applier, "apply", "first.tfplan")
    assert "No changes." in workspace.done("infra", planner, "plan", inputs)
    with workspace.without("glue:DeleteJob", "github-local-apply-write"):
        refused = workspace.terraform("infra", applier, "destroy", "-auto-approve", inputs, f"-target={JOB}")
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert "assumed-role/github-local-apply/GitHubActions is not authorized to perform: glue:DeleteJob" in said
    workspace.done("infra", applier, "destroy", "-auto-approve", inputs)
