"""`nox -s local`: the local endpoint with the pipeline deployed on it, until it is interrupted."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from aws_facts import sdk_environment
from dataset_contract.json_types import JsonObject
from local_aws.services.faults import documents
from local_aws.services.faults.fault_rules import FaultPlan
from pipeline.clients import Clients
from pipeline_tools import faults
from pipeline_tools.claims import ClaimedError, claimed, write_whole
from pipeline_tools.console import Say, say
from pipeline_tools.deployed import LOCAL_DIRECTORY
from pipeline_tools.deployment import schema
from pipeline_tools.endpoint import EndpointError, LocalEndpoint, add_engine_option
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import Deployment, TerraformError

DIRECTORY = LOCAL_DIRECTORY
SHELL = "environment.sh"


def deploy(endpoint: LocalEndpoint, directory: Path, say: Say = say) -> JsonObject:
    """Apply the Terraform to a running endpoint, create the SQL schema, and return the outputs with `endpoint_url`.

    Raises:
        TerraformError, SchemaError: with the message of Terraform or Redshift.
    """
    deployment = Deployment("local", directory, endpoint.endpoint_url, endpoint.region)
    began = time.monotonic()
    deployment.init()
    deployment.apply()
    outputs = deployment.outputs()
    say(f"terraform applied ({time.monotonic() - began:.1f} s)")
    began = time.monotonic()
    count = schema.create(Clients(endpoint.endpoint_url, endpoint.region), outputs)
    say(f"SQL schema created: {count} statements ({time.monotonic() - began:.1f} s)")
    return {**outputs, "endpoint_url": endpoint.endpoint_url}


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 stopped on request, 1 something failed, 2 usage."""
    parser = argparse.ArgumentParser(prog="nox -s local --", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1 (default 4566)")
    add_engine_option(parser)
    parser.add_argument(
        "--faults", type=Path, help="file with what shall go wrong once all is deployed: docs/faults.md"
    )
    options = parser.parse_args(arguments)
    try:
        plan = documents.read_file(options.faults) if options.faults else FaultPlan()
    except documents.FaultsError as error:
        parser.error(f"--faults: {error}")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with claimed(DIRECTORY, "nox -s local") as directory:
            _serve(directory, options, plan, stop)
    except ClaimedError as error:
        print(f"error: {error}: ./noxw -s deploy -- local brings a change to it", file=sys.stderr)
        return 1
    except (EndpointError, TerraformError, schema.SchemaError) as error:
        if not stop.is_set():
            print(f"error: {error}", file=sys.stderr)
            return 1
    say("stopped")
    return 0


def _serve(directory: Path, options: argparse.Namespace, plan: FaultPlan, stop: threading.Event) -> None:
    try:
        with LocalEndpoint(directory / "endpoint", port=options.port, engine=options.engine) as endpoint:
            say(f"endpoint ready on {endpoint.endpoint_url} (log: {endpoint.log.relative_to(ROOT)})")
            outputs = deploy(endpoint, directory / "terraform")
            (directory / SHELL).write_text(shell(endpoint.endpoint_url, endpoint.region), encoding="utf-8")
            write_whole(directory / "outputs.json", outputs)
            if plan != FaultPlan():
                faults.put(endpoint.endpoint_url, plan)
                say(f"faults: {', '.join(rule.name for rule in plan.rules)}")
            say(f"ready: build/local/outputs.json has the names; in a shell: . build/local/{SHELL}; Ctrl-C ends it")
            while not stop.wait(timeout=0.5):
                if not endpoint.alive():
                    raise EndpointError(f"the endpoint ended by itself; its log: {endpoint.log}")
    finally:
        (directory / "outputs.json").unlink(missing_ok=True)


def shell(endpoint_url: str, region: str) -> str:
    """What a shell reads (`. environment.sh`) so that aws, awslocal and Python's SDK there ask this endpoint."""
    settings = {
        **sdk_environment.NO_FILES,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "DISABLE_DEPRECATION_NOTICE": "true",  # awslocal's own: sixteen lines before each answer
    }
    loopback = ",".join(sdk_environment.LOOPBACK)
    lines = [
        "# To be read by a shell: its AWS tools then ask the endpoint of `nox -s local`, whatever was set before.",
        "for name in $(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset \"$name\"; done",
        *(f"export {name}={shlex.quote(value)}" for name, value in settings.items()),
        f'export NO_PROXY="${{NO_PROXY:-$no_proxy}},{loopback}"',
        'export no_proxy="$NO_PROXY"',
        f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"',
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
