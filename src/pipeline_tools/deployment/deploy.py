"""`nox -s deploy`: bring a deployment to what the checkout says.

`-- local` applies to the running `nox -s local` at once. Any other environment gets the plan that `nox -s plan` saved
for it, and no other. Where the deployed tables cannot take what the contracts say now, nothing is applied.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.clients import Clients
from pipeline_tools import deployed
from pipeline_tools.deployment import schema
from pipeline_tools.plan_review import __main__ as plan
from pipeline_tools.plan_review import sources
from pipeline_tools.terraform import Deployment, NothingAppliedError, TerraformError

_USAGE = "usage: nox -s deploy -- local, while `nox -s local` serves, or -- <environment>, after `nox -s plan`"


class NoPlanError(RuntimeError):
    """There is no saved plan that may be applied; the message says why, and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0, 1 when it failed or was refused, 2 for usage."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        if arguments[0] == "local":
            found = deployed.find("local")
            directory = deployed.LOCAL_DIRECTORY / "terraform"
            return bring(found, Deployment("local", directory, found.outputs["endpoint_url"]))
        return apply_saved(Deployment(arguments[0]), plan.DIRECTORY)
    except (schema.SchemaError, TerraformError, deployed.NotDeployedError, NoPlanError) as error:
        print(f"error: {error}", file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"error: what is deployed cannot be read, so nothing was applied: {error}", file=sys.stderr)
    return 1


def bring(found: deployed.Deployed, deployment: Deployment) -> int:
    """Apply, and update the tables. `deployment` has the state of what was `found`. Exit code: 1 where it was refused.

    Raises:
        TerraformError, SchemaError: with the message of Terraform or Redshift.
    """
    if _refused(found, deployment):
        return 1
    deployment.apply()
    print("terraform applied", file=sys.stderr, flush=True)
    count = schema.create(found.clients, found.outputs)
    return schema.report(count, schema.update(found.clients, found.outputs))


def apply_saved(deployment: Deployment, directory: Path) -> int:
    """Apply the plan that is saved in a directory, after its summary was shown. Exit code: 1 where it was refused.

    Raises:
        NoPlanError: none is saved, or it was made from other sources.
        TerraformError, SchemaError: with the message of Terraform or Redshift.
    """
    environment = deployment.environment
    deployment.require_known()
    saved = directory / f"{environment}.tfplan"
    if not saved.is_file():
        raise NoPlanError(
            f"no plan is saved for {environment!r}: ./noxw -s plan -- {environment} makes one, to be read"
        )
    if differences := sources.changes(deployment, saved):
        raise NoPlanError(
            f"the saved plan is not of what the checkout says now: {'; '.join(differences)}. "
            f"Plan again, and read it: ./noxw -s plan -- {environment}"
        )
    found = _applied(deployment)
    version_before = schema.deployed_version(found) if found else None
    if found and _refused(found, deployment):
        return 1
    print(saved.with_suffix(".md").read_text(encoding="utf-8"), flush=True)
    deployment.apply_plan(saved)
    # Terraform applies a plan once.
    saved.unlink()
    if version_before is None or version_before != schema.packaged_version(deployment.package_directory):
        print(f"now bring the tables up to date: ./noxw -s schema -- {environment}", file=sys.stderr)
    return 0


def _applied(deployment: Deployment) -> deployed.Deployed | None:
    """What the environment has by now; None before its first deployment, or where that did not get to the tables."""
    try:
        outputs = deployment.outputs()
    except NothingAppliedError:
        return None
    # A secret is there before its warehouse.
    where = {"redshift_cluster_identifier", "redshift_workgroup_name"} & outputs.keys()
    if not where or not {"lambda_function_name", "redshift_database", "redshift_secret_arn"} <= outputs.keys():
        return None
    return deployed.Deployed(Clients(deployment.endpoint_url), outputs)


def _refused(found: deployed.Deployed, deployment: Deployment) -> bool:
    """Whether the deployed tables cannot take what the contracts of the package say; what is refused is told."""
    refusals = schema.compare(found.clients, found.outputs, deployment.package_directory).refusals
    if refusals:
        schema.tell(refusals)
        print("error: nothing was applied, since loads into these tables would fail", file=sys.stderr)
    return bool(refusals)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
