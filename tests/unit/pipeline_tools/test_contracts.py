from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline_tools import contracts
from pipeline_tools.contracts import ContractError

FLIGHTS = Path(__file__).parents[3] / "sql" / "datasets" / "flights"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A copy of the dataset flights, with the audit SQL where a load looks for it."""
    shutil.copytree(FLIGHTS.parents[1] / "audit", tmp_path / "sql" / "audit")
    return shutil.copytree(FLIGHTS, tmp_path / "sql" / "datasets" / "flights")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_flights_contract_is_good(dataset: Path) -> None:
    document = contracts.compile_dataset(dataset)
    assert document["schema"][0]["name"] == "flights"


@pytest.mark.parametrize("name", ["contract.yaml", "transform.sql", "table.sql", "load.sql"])
def test_a_missing_file_is_named(dataset: Path, name: str) -> None:
    (dataset / name).unlink()
    with pytest.raises(ContractError, match=re.escape(f"{name} is missing")):
        contracts.compile_dataset(dataset)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: flights\nversion", "name: trains\nversion", "name is 'trains'; accepted: 'flights', as the folder"),
        (
            "{property: role, value: source}",
            "{property: role, value: input}",
            "flights: role is 'input'; accepted: source",
        ),
        ("{property: role, value: source}", "{property: role, value: output}", "one object of role source"),
        ("- name: route_delays", "- name: Route-Delays", "'Route-Delays': accepted: lower-case letters"),
        ("type: integer", "type: int", "parameter late_minutes: accepted as its type: integer"),
        ("default: 15", "default: -1", "the default of parameters.late_minutes is -1; accepted: 0 or more"),
        ("status: active", "status: [active", "not YAML"),
        ("status: active", "status: {a: b}", "not of the Open Data Contract Standard at status"),
    ],
)
def test_a_wrong_contract_is_refused_by_place_and_what_is_accepted(
    dataset: Path, old: str, new: str, message: str
) -> None:
    change(dataset / "contract.yaml", old, new)
    with pytest.raises(ContractError, match=re.escape(message)):
        contracts.compile_dataset(dataset)


def test_a_wrong_token_in_the_load_is_refused(dataset: Path) -> None:
    change(dataset / "load.sql", "{{route_delays_uri}}", "{{route_delay_uri}}")
    with pytest.raises(
        ContractError, match=r"load\.sql: {{route_delay_uri}} is unknown; known: copy_role_arn, enriched"
    ):
        contracts.compile_dataset(dataset)


def test_a_folder_name_that_could_not_be_a_dataset_is_refused(dataset: Path) -> None:
    renamed = dataset.rename(dataset.with_name("My-Flights"))
    with pytest.raises(ContractError, match="accepted as a dataset's name"):
        contracts.compile_dataset(renamed)
