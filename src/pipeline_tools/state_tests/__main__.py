"""`python -m pipeline_tools.state_tests [--write]`: test each state of the state machines on a local endpoint."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint, add_engine_option
from pipeline_tools.state_tests import answers
from pipeline_tools.state_tests.state_cases import SamplesError, machines


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 all states answer what is expected, or the expectations were written; 1 not so."""
    parser = argparse.ArgumentParser(prog="nox -s states --", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the answers the expectations; read the difference")
    add_engine_option(parser)
    options = parser.parse_args(arguments)
    try:
        found = machines()
    except SamplesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    problems = []
    with tempfile.TemporaryDirectory() as directory, LocalEndpoint(Path(directory), engine=options.engine) as endpoint:
        client = Clients(endpoint.endpoint_url, endpoint.region).get("stepfunctions")
        for machine in found:
            answered = list(answers.ask(client, machine))
            if options.write:
                answers.write(machine.name, answered)
                print(f"{machine.name}: {len(answered)} cases written")
                continue
            different = answers.differences(answers.expectations(machine.name), answered)
            print(f"{machine.name}: {len(answered)} cases, {len(different)} differences")
            problems += different
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
