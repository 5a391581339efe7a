"""`nox -s preflight -- <environment> [--skip CHECK]`: ask the account what only it can tell. Nothing is changed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Final

from pipeline.clients import Clients
from pipeline_tools import deployed
from pipeline_tools.preflight import account, definitions, environment_settings, roles
from pipeline_tools.preflight.checks import Check, CheckedDeployment, ask
from pipeline_tools.terraform import Deployment, NothingAppliedError, TerraformError

CREDENTIALS: Final = Check(
    "credentials",
    "sts:GetCallerIdentity",
    "take credentials of the environment's account, and set AWS_REGION",
    account.credentials,
)
CHECKS: Final = (
    Check(
        "state",
        "HEAD of the bucket, the state and its lock (200 or 404, never 403)",
        "apply infra/bootstrap; who deploys needs s3:ListBucket on the bucket, s3:GetObject on the state and its lock",
        account.state,
    ),
    Check(
        "github",
        "iam:ListOpenIDConnectProviders",
        "apply infra/bootstrap, or leave this check out where GitHub is not to deploy (--skip github)",
        account.github,
    ),
    Check(
        "log-policies",
        "logs:DescribeResourcePolicies, for room in the region's ten",
        "merge or delete resource policies of CloudWatch Logs, or set monitoring_enabled = false",
        account.log_policies,
    ),
    Check(
        "node-type",
        "redshift:DescribeOrderableClusterOptions",
        "set redshift.provisioned.node_type to a type of the region, or redshift.mode to serverless",
        account.node_type,
    ),
    *(
        Check(
            f"quota-{quota.service}",
            f"servicequotas:ListServiceQuotas, for {quota.name!r}",
            "ask for more in Service Quotas, or lower max_concurrent_runs or redshift.provisioned.number_of_nodes",
            quota,
        )
        for quota in account.QUOTAS
    ),
    Check(
        "definitions",
        "states:ValidateStateMachineDefinition for each definition",
        "mend the definition in infra/state_machines; the local endpoint ought to have said so: report it",
        definitions.valid,
    ),
    Check(
        "states",
        "states:TestState for each state, branch, retry and catch",
        "AWS answers otherwise than the local endpoint: mend the definition in infra/state_machines, and report it",
        definitions.states,
    ),
    Check(
        "sql-parameters",
        "whether BatchExecuteStatement takes Parameters in a definition",
        'set redshift = { sql_parameters = "inlined" } in the environment\'s .tfvars file',
        definitions.sql_parameters,
    ),
    Check(
        "polling",
        "whether DescribeStatement takes WaitTimeSeconds in a definition",
        'set redshift = { polling = "short" } in the environment\'s .tfvars file',
        definitions.polling,
    ),
    Check(
        "plan",
        "iam:SimulatePrincipalPolicy of the caller for what Terraform reads",
        "give the caller what is missing: infra/bootstrap has a role that may plan",
        roles.plan,
    ),
    Check(
        "apply",
        "iam:SimulatePrincipalPolicy of the caller for what Terraform changes",
        "give the caller what is missing; leave it out for who only plans (--skip apply)",
        roles.apply,
    ),
    Check(
        "roles",
        "iam:SimulatePrincipalPolicy of each role for what it calls, keys included",
        "apply infra/ again; where that does not help, look for a boundary or a policy of the organisation",
        roles.roles,
    ),
)


def find(environment: str) -> CheckedDeployment:
    """The environment as it is: not applied, applied, or served by `nox -s local`.

    Raises:
        NotDeployedError, TerraformError, SettingsError: it cannot be told what to ask about.
    """
    Deployment(environment).require_known()
    values = environment_settings.read(environment)
    if environment == "local":
        found = deployed.find(environment)
        return CheckedDeployment(environment, found.clients, values, found.outputs)
    backend = environment_settings.INFRA / "environments" / f"{environment}.s3.tfbackend"
    bucket = os.environ.get("TF_STATE_BUCKET")
    key = re.search(r'^key\s*=\s*"(.+)"', backend.read_text(encoding="utf-8"), re.MULTILINE)
    if not bucket or not key:
        return CheckedDeployment(environment, Clients(), values, state_missing="TF_STATE_BUCKET is not set")
    try:
        outputs = Deployment(environment).outputs()
    except NothingAppliedError:
        outputs = None
    except TerraformError as error:
        # The check of the state says more about this.
        print(f"terraform has no outputs: {error}", file=sys.stderr)
        outputs = None
    return CheckedDeployment(environment, Clients(), values, outputs, (bucket, key[1]))


def run(target: CheckedDeployment, skipped: Sequence[str] = ()) -> int:
    """Print each check's result. Exit code: 0 nothing found, 1 something found, 2 nothing can be asked."""
    (who,) = ask([CREDENTIALS], target)
    print(*who.lines(), sep="\n", flush=True)
    if who.answer is None or who.is_found:
        print("error: without these credentials nothing can be asked", file=sys.stderr)
        return 2
    results = [who]
    for result in ask(CHECKS, target, skipped):
        print(*result.lines(), sep="\n", flush=True)
        results.append(result)
    found = sum(result.is_found for result in results)
    unknown = [result.check.name for result in results if result.answer is None]
    print(f"{len(results) - found - len(unknown)} fine, {found} found, {len(unknown)} not asked", *unknown)
    return 1 if found else 0


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 nothing found, 1 something found, 2 for usage, or when nothing can be asked."""
    parser = argparse.ArgumentParser(prog="nox -s preflight --", description=__doc__)
    parser.add_argument("environment", help="of infra/environments, or local while `nox -s local` serves")
    parser.add_argument(
        "--skip", action="append", default=[], metavar="CHECK", choices=[check.name for check in CHECKS]
    )
    options = parser.parse_args(arguments)
    try:
        target = find(options.environment)
    except (deployed.NotDeployedError, TerraformError, environment_settings.SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return run(target, options.skip)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
