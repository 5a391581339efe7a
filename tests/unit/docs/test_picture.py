"""docs/pipeline.svg shows the pipeline that is deployed, and can be read on a light and on a dark page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import yaml

from pipeline import cli
from pipeline_tools.environments import ROOT

SOURCE = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
PICTURE = ElementTree.fromstring(SOURCE)
TEXTS = [str(each.text) for each in PICTURE.iter("{http://www.w3.org/2000/svg}text")]
MACHINES = ROOT / "infra" / "state_machines"


def states(name: str) -> dict[str, dict[str, object]]:
    definition = yaml.safe_load((MACHINES / f"{name}.asl.yaml").read_text(encoding="utf-8"))
    assert isinstance(definition["States"], dict)
    return definition["States"]


def test_it_has_every_task_of_the_pipeline_and_no_other() -> None:
    tasks = {name for name, state in states("pipeline").items() if state["Type"] == "Task"}
    named = {word for text in TEXTS for word in re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", text)}
    assert named - {"DuckDB", "EventBridge", "OpenLineage", "CloudWatch"} == tasks


def test_its_steps_are_in_the_order_of_the_states() -> None:
    steps = [match[2] for text in TEXTS if (match := re.fullmatch(r"(\d) (\w+)", text))]
    assert steps == [name for name in states("pipeline") if name in steps]
    assert len(steps) == 5


@pytest.mark.parametrize("name", ["run-sql", "record-failure", "start-on-schedule", "start-on-arrival"])
def test_it_has_every_state_machine(name: str) -> None:
    assert (MACHINES / f"{name}.asl.yaml").is_file()
    assert any(name in text for text in TEXTS)


def test_the_state_machines_are_all_there() -> None:
    assert len(list(MACHINES.glob("*.asl.yaml"))) == 5  # those above and the pipeline


def test_the_functions_and_jobs_have_their_names() -> None:
    names = re.findall(r'"\$\{local\.prefix\}-([\w-]+)"', (ROOT / "infra" / "locals.tf").read_text(encoding="utf-8"))
    shown = {word for text in TEXTS for word in re.findall(r"[\w-]+-lambda|job-\w+-param", text)}
    assert shown == {name for name in names if name.endswith("-lambda") or name.startswith("job-")}


def test_the_commands_exist() -> None:
    shown = {match[1] for text in TEXTS if (match := re.match(r"pipeline (\w+)", text))}
    assert {"start", "rerun", "trace", "report", "rejected"} == shown
    assert shown <= set(cli.COMMANDS)


def test_every_colour_has_a_value_for_a_light_and_for_a_dark_page() -> None:
    style = str(PICTURE.findtext("{http://www.w3.org/2000/svg}style"))
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    rules = dark.index("text {")
    defined = [set(re.findall(r"--([\w-]+):", part)) for part in (light, dark[:rules])]
    used = set(re.findall(r"var\(--([\w-]+)\)", dark[rules:]))
    assert defined[0] == defined[1] == used
    assert "#" not in re.sub(r"url\(#head\)|#head path", "", dark[rules:])
    assert not re.search(r'(fill|stroke)="', SOURCE)
