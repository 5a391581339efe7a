"""The dashboard's queries against log events in the form that Step Functions writes.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html: one JSON object an event; input and output are texts.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from pipeline_tools.environments import ROOT

QUERIES = ROOT / "infra" / "modules" / "monitoring" / "queries"
PIPELINE = yaml.safe_load((ROOT / "infra" / "state_machines" / "pipeline.asl.yaml").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = {
    "job_id": "20261124T105356543Z-d1f80fb2-5ab6-5a76-a213-6deead5233e6",
    "dataset": "flights",
    "rows_in": 12,
    "rows_staged": 10,
    "rows_rejected": 2,
    "rows_curated": {"enriched_flights": 10, "route_delays": 3},
    "rows_loaded": {"enriched_flights": 10, "route_delays": 3},
}


def output() -> Any:
    """What the last state puts out, with values in place of its expressions."""

    def filled(name: str, element: Any) -> Any:
        if isinstance(element, dict):
            return {key: filled(key, value) for key, value in element.items()}
        return VALUES.get(name, f"s3://lake/{name}/")

    assert PIPELINE["States"]["JobSucceeded"]["End"]
    return filled("", PIPELINE["States"]["JobSucceeded"]["Output"])


def captured(text: str, field: str) -> dict[str, str]:
    """What the query's `parse` commands take out of a field."""
    commands = re.findall(r"^\| parse (\S+) /(.+)/$", (QUERIES / "runs.txt").read_text(encoding="utf-8"), re.MULTILINE)
    found: dict[str, str] = {}
    for source, expression in commands:
        match = re.search(expression.replace("(?<", "(?P<"), text)
        if source == field and match:
            found |= match.groupdict()
    return found


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_counts_are_taken_out_of_the_output_of_an_execution(separators: tuple[str, str]) -> None:
    text = json.dumps(output(), separators=separators)
    found = captured(text, "details.output")
    loaded = found.pop("rowsLoaded")
    assert found == {
        "jobId": VALUES["job_id"],
        "rowsIn": "12",
        "rowsStaged": "10",
        "rowsRejected": "2",
    }
    assert re.findall(r"(\w+)\W+(\d+)", loaded) == [("enriched_flights", "10"), ("route_delays", "3")]


def test_the_dataset_is_taken_out_of_the_input_of_an_execution() -> None:
    text = json.dumps({"parameters": {}, "dataset": "flights", "source_uri": "s3://raw/flights/"})
    assert captured(text, "details.input") == {"dataset": "flights"}


def test_every_field_that_is_shown_was_parsed() -> None:
    query = (QUERIES / "runs.txt").read_text(encoding="utf-8")
    parsed = set(re.findall(r"\(\?<(\w+)>", query))
    shown = set(re.findall(r"(?:max|sortsLast)\((\w+)\)", query))
    assert parsed == shown


def test_a_group_has_a_name_that_every_engine_of_regular_expressions_takes() -> None:
    for file in QUERIES.iterdir():
        for name in re.findall(r"\(\?<([^>]+)>", file.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]*", name), (file, name)
