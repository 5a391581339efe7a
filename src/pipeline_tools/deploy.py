"""`nox -s deploy -- local`: bring the deployment of a running `nox -s local` to what the checkout says."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline_tools import deployed, schema
from pipeline_tools.terraform import Deployment, TerraformError

_USAGE = "usage: nox -s deploy -- local, while `nox -s local` serves; on AWS apply the reviewed plan (docs/deploy.md)"


def main(arguments: Sequence[str]) -> int:
    """Apply the Terraform with the package as it is now, then update the tables.

    Exit code: 0, 1 when it failed or a table was refused, 2 for usage.
    """
    if list(arguments) != ["local"]:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        found = deployed.find("local")
        return bring(found, Deployment("local", deployed.LOCAL_DIRECTORY / "terraform", found.outputs["endpoint_url"]))
    except (schema.SchemaError, TerraformError, deployed.NotDeployedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def bring(found: deployed.Deployed, deployment: Deployment) -> int:
    """Apply, and update the tables. `deployment` has the state of what was `found`. Exit code: 1 for a refused table.

    Raises:
        TerraformError, SchemaError: with the message of Terraform or Redshift.
    """
    deployment.apply()
    print("terraform applied", file=sys.stderr, flush=True)
    count = schema.create(found.clients, found.outputs)
    return schema.report(count, schema.update(found.clients, found.outputs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
