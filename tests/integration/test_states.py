"""Each state of the state machines by itself, over the wire: what preflight asks of an account."""

from __future__ import annotations

import pytest

from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.state_tests import answers
from pipeline_tools.state_tests.state_cases import MachineCases, machines
from tests.integration.conftest import given_endpoint


@pytest.mark.parametrize("machine", machines(), ids=lambda machine: machine.name)
def test_each_state_answers_what_is_expected(endpoint: LocalEndpoint, machine: MachineCases) -> None:
    if endpoint.engine == "localstack" and not given_endpoint():
        pytest.skip("docs/emulators.md: TestState of LocalStack does not know all that AWS's does")
    client = Clients(endpoint.endpoint_url, endpoint.region).get("stepfunctions")
    assert answers.problems(client, machine) == []
