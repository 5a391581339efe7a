"""`nox -s infra`: validate and test every Terraform module and the whole configuration, offline.

Each runs in a folder of links of its own below build/infra, so nothing is written into infra/.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import INFRA, TerraformError, cli_config, linked

DIRECTORY = ROOT / "build" / "infra"


def check(source: Path, directory: Path) -> int:
    """Validate and test one configuration in a folder of its own; how many test runs passed.

    Raises:
        TerraformError: it is not valid, a test failed, or it has no tests.
    """
    directory.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))},
        "TF_DATA_DIR": str(directory / "data"),
        "TF_IN_AUTOMATION": "1",
        "TF_VAR_package_dir": str(ROOT / "build" / "package"),
    }
    if config := cli_config(directory):
        environment["TF_CLI_CONFIG_FILE"] = config
    configuration = linked(source, directory / "configuration")
    for command in ("init -lockfile=readonly -input=false", "validate"):
        _terraform(command, configuration, environment)
    said = _terraform("test", configuration, environment)
    passed = re.search(r"(\d+) passed, 0 failed", said)
    if passed is None or passed[1] == "0":
        raise TerraformError(f"{source.relative_to(ROOT)} has no tests (tests/*.tftest.hcl)")
    return int(passed[1])


def _terraform(command: str, configuration: Path, environment: dict[str, str]) -> str:
    line = ["terraform", *command.split(), "-no-color"]
    try:
        done = subprocess.run(line, cwd=configuration, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise TerraformError("terraform is not on PATH; install Terraform 1.11 or newer") from error
    if done.returncode != 0:
        raise TerraformError(f"terraform {command} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    """`-- <module> …`, or all and the whole configuration: exit code 0, or 1 when one of them failed."""
    modules = {path.name: path for path in sorted((INFRA / "modules").iterdir()) if path.is_dir()}
    modules |= {"infra": INFRA, "bootstrap": INFRA / "bootstrap"}
    unknown = [name for name in arguments if name not in modules]
    if unknown:
        print(f"error: no module {', '.join(unknown)}; there are {', '.join(modules)}", file=sys.stderr)
        return 2
    failed = 0
    for name in arguments or modules:
        began = time.monotonic()
        try:
            result = f"{check(modules[name], DIRECTORY / name):>3} passed"
        except TerraformError as error:
            failed += 1
            result = f"FAILED\n{error}"
        print(f"{name:<22} {time.monotonic() - began:5.1f} s {result}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
