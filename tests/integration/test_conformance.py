"""The endpoint does what AWS does, as far as this pipeline needs it."""

from __future__ import annotations

import os
import subprocess
import sys

from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT


def test_the_endpoint_conforms(endpoint: LocalEndpoint) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider", "--tb=short"],
        cwd=ROOT,
        env={**os.environ, "AWS_ENDPOINT_URL": endpoint.endpoint_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
