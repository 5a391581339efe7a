"""`nox -s plan`: what `terraform apply` would change, as a saved plan with its text and JSON in build/plan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline_tools.endpoint import EndpointError, LocalEndpoint
from pipeline_tools.environments import ROOT
from pipeline_tools.local import fresh, say
from pipeline_tools.terraform import Deployment, TerraformError

DIRECTORY = ROOT / "build" / "plan"


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 planned, 1 failed, 2 usage or, with --detailed-exitcode, a plan with changes."""
    parser = argparse.ArgumentParser(prog="nox -s plan --", description=__doc__)
    parser.add_argument("environment", help="a file of infra/environments, without .tfvars")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit code 2 when there is something to change"
    )
    options = parser.parse_args(arguments)
    try:
        changes = _plan(options.environment)
    except (EndpointError, TerraformError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 2 if changes and options.detailed_exitcode else 0


def _plan(environment: str) -> bool:
    if environment != "local":
        return _save(Deployment(environment))
    # An empty endpoint stands in for an empty account.
    directory = fresh(DIRECTORY / "endpoint")
    with LocalEndpoint(directory) as endpoint:
        return _save(Deployment(environment, directory / "terraform", endpoint.endpoint_url))


def _save(deployment: Deployment) -> bool:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    saved = DIRECTORY / f"{deployment.environment}.tfplan"
    deployment.init()
    changes = deployment.plan(saved)
    text = deployment.show(saved, as_json=False)
    _write(saved.with_suffix(".txt"), text)
    _write(saved.with_suffix(".json"), deployment.show(saved, as_json=True))
    print(text)
    say(f"saved: {saved.relative_to(ROOT)}, .txt and .json")
    return changes


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
