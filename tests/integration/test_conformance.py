"""The endpoint does what AWS does, as far as this pipeline needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from aws_facts.sdk_environment import isolated
from pipeline_tools.comparisons.conformance import DOCUMENT, documented
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT
from tests.integration.conftest import given_endpoint


def test_the_endpoint_conforms(endpoint: LocalEndpoint, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider", "--tb=short"],
        cwd=ROOT,
        env={**isolated(os.environ), "AWS_ENDPOINT_URL": endpoint.endpoint_url, "CONFORMANCE_REPORT": str(report)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout[-8000:]
    found = json.loads(report.read_text(encoding="utf-8"))
    # What an engine cannot do is in the document, by name.
    documents = documented(DOCUMENT.read_text(encoding="utf-8"))
    expected = dict.fromkeys(found, True) if given_endpoint() else documents[endpoint.engine]
    assert found == expected, done.stdout[-8000:]
