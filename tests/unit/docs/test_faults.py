"""docs/faults.md: every rule on the page is one, and every field, place and state of rules is on the page."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
import yaml

from local_aws.services.faults import documents
from local_aws.services.faults.fault_rules import FaultPlan, Rule
from pipeline_tools.environments import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_read(example: str) -> None:
    assert documents.read(yaml.safe_load(example)).rules


def test_the_examples_have_every_place_and_action() -> None:
    rules = [rule for example in EXAMPLES for rule in documents.read(yaml.safe_load(example)).rules]
    assert {rule.at for rule in rules} == set(documents.PLACES)
    for action in ("error", "state", "cut", "delay", "copies", "kill"):
        assert any(action in rule.document() for rule in rules), action


def test_the_page_names_all_that_a_rule_may_have() -> None:
    names = [each.name for each in fields(Rule)] + [each.name for each in fields(FaultPlan) if each.name != "rules"]
    names += [*documents.PLACES, *documents.STATEMENT_STATES, *documents.JOB_RUN_ENDS]
    assert [name for name in names if f"`{name}`" not in PAGE and f"{name}:" not in PAGE] == []
