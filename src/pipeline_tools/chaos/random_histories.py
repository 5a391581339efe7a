"""Random histories against a model of what the warehouse must hold: the test that has them, with more of them."""

from __future__ import annotations

import os
import subprocess
import sys

from pipeline_tools.console import say
from pipeline_tools.environments import ROOT

TEST = ROOT / "tests" / "unit" / "local_aws" / "services" / "redshift" / "test_histories.py"


def play(count: int, seed: int) -> bool:
    """Play so many histories; whether all agreed with the model. The shortest one that did not is shown."""
    say(f"{count} histories, seed {seed}")
    line = [sys.executable, "-m", "pytest", str(TEST), "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "HISTORIES": str(count), "HISTORIES_SEED": str(seed)}
    return subprocess.run(line, cwd=ROOT, env=environment, check=False).returncode == 0
