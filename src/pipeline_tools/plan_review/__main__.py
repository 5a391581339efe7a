"""`nox -s plan`: what `terraform apply` would change, as a saved plan and a summary for its review in build/plan."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from pipeline_tools.claims import ClaimedError, claimed
from pipeline_tools.console import say
from pipeline_tools.deployed import LOCAL_DIRECTORY, local_url
from pipeline_tools.endpoint import EndpointError, LocalEndpoint
from pipeline_tools.environments import ROOT
from pipeline_tools.plan_review import render, review, sources
from pipeline_tools.terraform import Deployment, TerraformError

DIRECTORY = ROOT / "build" / "plan"


class _ReviewParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse's own 2 would say that there are changes.
        self.print_usage(sys.stderr)
        self.exit(1, f"error: {message}\n")


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 planned, 1 failed, and with --detailed-exitcode 2 for a plan that has changes."""
    parser = _ReviewParser(prog="nox -s plan --", description=__doc__)
    parser.add_argument("environment", help="a file of infra/environments, without .tfvars")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit code 2 when there is something to change"
    )
    parser.add_argument(
        "--no-lock", action="store_true", help="do not lock the state: for credentials that may only read"
    )
    options = parser.parse_args(arguments)
    try:
        with _deployment(options.environment) as (deployment, against):
            deployment.init()
            changes = save(deployment, DIRECTORY, against=against, lock=not options.no_lock)
    except (ClaimedError, EndpointError, TerraformError, review.PlanFormatError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print((DIRECTORY / f"{options.environment}.md").read_text(encoding="utf-8"))
    return 2 if changes and options.detailed_exitcode else 0


@contextlib.contextmanager
def _deployment(environment: str) -> Iterator[tuple[Deployment, str]]:
    """What to plan for, and a phrase for what the plan is against."""
    if environment != "local":
        yield Deployment(environment), "what is deployed"
        return
    if url := local_url():
        yield Deployment(environment, LOCAL_DIRECTORY / "terraform", url), "the running `nox -s local`"
        return
    say("nothing is deployed locally (nox -s local): planning against an empty endpoint")
    with claimed(DIRECTORY / "endpoint", "nox -s plan -- local") as directory, LocalEndpoint(directory) as endpoint:
        deployment = Deployment(environment, directory / "terraform", endpoint.endpoint_url)
        yield deployment, "an empty endpoint, since `nox -s local` is not running"


def save(deployment: Deployment, directory: Path, *, against: str, lock: bool = True) -> bool:
    """Save a plan below a directory as .tfplan, .txt, .json and, the summary, .md; whether it has changes.

    Raises:
        TerraformError, PlanFormatError
    """
    directory.mkdir(parents=True, exist_ok=True)
    saved = directory / f"{deployment.environment}.tfplan"
    changes = deployment.plan(saved, lock=lock)
    text, document = (deployment.show(saved, as_json=as_json) for as_json in (False, True))
    full = saved.with_suffix(".txt")
    name = str(full.relative_to(ROOT)) if full.is_relative_to(ROOT) else full.name
    summary = render.summary(review.read(json.loads(document)), deployment.environment, against=against, full_plan=name)
    for path, content in ((full, text), (saved.with_suffix(".json"), document), (saved.with_suffix(".md"), summary)):
        path.write_text(content, encoding="utf-8")
    sources.note(deployment, saved)
    say(f"saved: {name.removesuffix('.txt')}.tfplan, .txt, .json and .md")
    return changes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
