"""What the state machines do about an API that says: later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_facts import redshift_data
from pipeline_tools.crosscheck import template

MACHINES = Path(__file__).parents[3] / "infra" / "state_machines"


def tasks(node: Any) -> Iterator[tuple[str, Any]]:
    for name, state in (node.get("States") or node).items() if "States" in node else ():
        yield name, state
        yield from tasks(state.get("ItemProcessor") or state)


@pytest.mark.parametrize("error", redshift_data.THROTTLED)
def test_each_call_of_the_data_api_is_tried_again_when_it_is_throttled(error: str) -> None:
    found = []
    for file in sorted(MACHINES.glob("*.asl.yaml")):
        for rendering in template.renderings(file.read_text("utf-8"), {}):
            for name, state in tasks(template.read(rendering)[0]):
                if "aws-sdk:redshiftdata:" in state.text("Resource"):
                    rules = state.get("Retry").nodes()
                    listed = [each.value for rule in rules for each in rule.get("ErrorEquals").nodes()]
                    found.append((name, error in listed))
    assert {name for name, _ in found} == {"ExecuteBatch", "DescribeStatement", "ReadResult", "CancelStatement"}
    assert [name for name, listed in found if not listed] == []
