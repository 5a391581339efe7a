from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset_contract.model import Load
from lambda_generate_param import datasets, request
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.request import InvalidInputError
from tests.unit.lambda_generate_param.conftest import orders, write_dataset

RAW = "the-raw-bucket"
GOOD: dict[str, Any] = {"dataset": "flights", "source_uri": f"s3://{RAW}/flights/", "parameters": {"late_minutes": 30}}


def test_a_good_input_is_taken(sql: Path) -> None:
    asked = request.parse(GOOD, sql=sql, raw_bucket=RAW)
    assert asked.dataset.name == "flights"
    assert asked.dataset.outputs == ("enriched_flights", "route_delays")
    assert asked.source_uri == "s3://the-raw-bucket/flights/"
    assert asked.parameters == {"late_minutes": 30}
    assert not asked.repeat


@pytest.mark.parametrize("repeat", [True, False])
def test_files_may_be_repeated(sql: Path, repeat: bool) -> None:
    assert request.parse({**GOOD, "repeat": repeat}, sql=sql, raw_bucket=RAW).repeat is repeat


def test_an_earlier_job_may_be_replayed(sql: Path) -> None:
    earlier = "20260131T100000123Z-5f0f6a0e-6f0e-5b8e-9f43-6a1c3c1a8c11"
    assert request.parse({**GOOD, "replays": earlier}, sql=sql, raw_bucket=RAW).replays == earlier
    assert request.parse(GOOD, sql=sql, raw_bucket=RAW).replays is None


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load("replace"), "has load mode replace, by which the mended rows would take the place of those that"),
        (Load("replace_partition", ("day",)), "has load mode replace_partition, by which the mended rows would"),
        (Load("merge"), "merges without orderBy, by which a mended row would take the place of one that has come"),
        (Load("merge", order_by=("day",)), None),
    ],
)
def test_a_replay_never_takes_the_place_of_the_rows_that_were_loaded(
    sql: Path, monkeypatch: pytest.MonkeyPatch, load: Load, said: str | None
) -> None:
    read = datasets.load

    def with_mode(folder: Path, name: str) -> Dataset:
        found = read(folder, name)
        first, *others = found.contract.outputs
        outputs = (replace(first, load=load), *others)
        return replace(found, contract=replace(found.contract, outputs=outputs))

    monkeypatch.setattr(datasets, "load", with_mode)
    earlier = "20260131T100000123Z-5f0f6a0e-6f0e-5b8e-9f43-6a1c3c1a8c11"
    assert request.parse(GOOD, sql=sql, raw_bucket=RAW).dataset.name == "flights"
    if said is None:
        assert request.parse({**GOOD, "replays": earlier}, sql=sql, raw_bucket=RAW).replays == earlier
        return
    message = f'replays is "{earlier}", and output enriched_flights {said}'
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        request.parse({**GOOD, "replays": earlier}, sql=sql, raw_bucket=RAW)


def test_the_parameters_are_kept_as_json_with_sorted_names(sql: Path) -> None:
    asked = replace(request.parse(GOOD, sql=sql, raw_bucket=RAW), parameters={"b": 1, "a": "é"})
    assert asked.parameters_json == '{"a": "é", "b": 1}'


def test_the_longest_uri_is_taken_and_fits_into_its_columns(sql: Path, columns: AuditColumns) -> None:
    bucket = "b" * 63
    longest = f"s3://{bucket}/{'k' * 900}"
    assert request.parse({**GOOD, "source_uri": longest}, sql=sql, raw_bucket=bucket).source_uri == longest
    columns.check("job_run", "source_uri", longest)
    columns.check("source_file", "uri", longest)
    columns.check("job_run", "dataset", "d" * 63)
    with pytest.raises(InvalidInputError, match="the key at most 900 characters"):
        request.parse({**GOOD, "source_uri": f"{longest}k"}, sql=sql, raw_bucket=bucket)


def test_parameters_that_are_too_long_together_are_refused_by_the_longest(sql: Path, tmp_path: Path) -> None:
    shutil.copytree(sql / "audit", tmp_path / "audit")
    texts = {name: {"type": "string"} for name in ("a", "b", "c")}
    write_dataset(tmp_path, orders(customProperties=[{"property": "parameters", "value": texts}]))
    given = {"dataset": "orders", "source_uri": f"s3://{RAW}/orders/"}
    long = {"a": "x", "b": "x" * 40_000, "c": "x" * 30_000}
    with pytest.raises(
        InvalidInputError, match=r'parameters\.b is "x+ …; with it, parameters as JSON takes 70,028 bytes'
    ):
        request.parse({**given, "parameters": long}, sql=tmp_path, raw_bucket=RAW)
    assert request.parse({**given, "parameters": {**long, "b": "x"}}, sql=tmp_path, raw_bucket=RAW)


def test_parameters_have_defaults(sql: Path) -> None:
    asked = request.parse({**GOOD, "parameters": {}}, sql=sql, raw_bucket=RAW)
    assert asked.parameters == {"late_minutes": 15}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "flihgts"}, 'dataset "flihgts" is unknown; did you mean "flights"?; known: flights, orders (sql/'),
        ({"dataset": "../flights"}, 'dataset "../flights" is unknown'),
        ({"dataset": None}, "dataset is null; accepted: a non-empty text"),
        ({"dataset": True}, "dataset is true; accepted: a non-empty text"),
        ({"dataset": "x" * 130}, f'dataset "{"x" * 130}" is unknown; known: flights, orders'),
        ({"dataset": "x" * 1_000}, f'dataset "{"x" * 199} … is unknown; known: flights, orders'),
        ({"source_uri": ""}, 'source_uri is ""; accepted: a non-empty text'),
        ({"source_uri": "flights/"}, 'source_uri is "flights/"; accepted: s3://bucket/prefix/'),
        ({"source_uri": "s3://the-raw-bucket"}, 'source_uri is "s3://the-raw-bucket"; accepted: s3://bucket/prefix/'),
        ({"source_uri": "s3://the-raw-bucket/a'b"}, "accepted: s3://bucket/prefix/"),
        ({"source_uri": "s3://the-raw-bucket/a b"}, "accepted: s3://bucket/prefix/"),
        ({"source_uri": f"s3://{RAW}/" + "x" * 1_200}, "the key at most 900 characters"),
        ({"source_uri": f"s3://{RAW}/" + "ü" * 700}, "the key at most 900 characters: letters, digits and"),
        ({"source_uri": "s3://other/flights/"}, "accepted: a place in the raw bucket, s3://the-raw-bucket/"),
        ({"replays": "last"}, 'replays is "last"; accepted: the ID of an earlier job, <UTC start time'),
        ({"replays": ["x"]}, 'replays is ["x"]; accepted: the ID of an earlier job'),
        ({"replays": True}, "replays is true; accepted: the ID of an earlier job"),
        ({"parameters": []}, "parameters is []; accepted: an object of names and values"),
        ({"parameters": None}, "parameters is null; accepted: an object of names and values"),
        ({"parameters": {"late": 1}}, 'parameters.late is unknown for dataset "flights"'),
        ({"parameters": {"late_minutes": "15"}}, 'parameters.late_minutes is "15"; accepted: a whole number'),
        ({"parameters": {"late_minutes": True}}, "parameters.late_minutes is true; accepted: a whole number"),
        ({"parameters": {"late_minutes": 1.5}}, "parameters.late_minutes is 1.5; accepted: a whole number"),
        ({"parameters": {"late_minutes": -1}}, "parameters.late_minutes is -1; accepted: 0 or more"),
        ({"parameters": {"late_minutes": 1441}}, "parameters.late_minutes is 1441; accepted: 1440 or less"),
        ({"dataset": "orders", "parameters": {}}, "parameters.note is missing; accepted: a text"),
        ({"repeat": "true"}, 'repeat is "true"; accepted: true or false'),
        ({"repeat": None}, "repeat is null; accepted: true or false"),
        ({"repeat": 1}, "repeat is 1; accepted: true or false"),
        ({"late_minutes": 15}, "late_minutes is an unknown field; accepted: dataset, source_uri, parameters"),
        ({"sourceuri": 15}, 'sourceuri is an unknown field; did you mean "source_uri"?; accepted: dataset, source_uri'),
    ],
)
def test_a_bad_input_is_refused_by_field_value_and_what_is_accepted(
    sql: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        request.parse({**GOOD, **change}, sql=sql, raw_bucket=RAW)


@pytest.mark.parametrize("document", [None, [], "flights", 5])
def test_an_input_that_is_no_object_is_refused(sql: Path, document: Any) -> None:
    with pytest.raises(InvalidInputError, match="accepted: an object with dataset, source_uri, parameters"):
        request.parse(document, sql=sql, raw_bucket=RAW)


def test_a_long_hostile_uri_is_refused_at_once(sql: Path) -> None:
    with pytest.raises(InvalidInputError):
        request.parse({**GOOD, "source_uri": f"s3://{RAW}/" + "a" * 899 + "'"}, sql=sql, raw_bucket=RAW)
