from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from pipeline import stacks
from pipeline.errors import PipelineError, StackNotFoundError

OUTPUTS = {"state_machine_arn": "arn:aws:states:eu-west-1:111122223333:stateMachine:dev-pipeline", "raw_bucket": "raw"}
WRAPPED = {name: {"value": value, "type": "string", "sensitive": False} for name, value in OUTPUTS.items()}


@pytest.mark.parametrize("document", [OUTPUTS, WRAPPED], ids=["flat", "of terraform output -json"])
def test_a_file_of_outputs_is_a_stack_in_the_region_of_its_state_machine(
    tmp_path: Path, document: dict[str, object]
) -> None:
    place = tmp_path / "outputs.json"
    place.write_text(json.dumps(document))
    found = stacks.find(str(place))
    assert (found.outputs, found.clients.region, found.is_local) == (OUTPUTS, "eu-west-1", False)


def test_the_option_goes_before_the_variable_and_the_variable_before_what_is_near(tmp_path: Path) -> None:
    for number, name in enumerate(("option", "variable")):
        (tmp_path / name).write_text(json.dumps({**OUTPUTS, "raw_bucket": f"raw-{number}"}))
    near = tmp_path / "checkout" / stacks.LOCAL_OUTPUTS
    near.parent.mkdir(parents=True)
    near.write_text(json.dumps({**OUTPUTS, "endpoint_url": "http://127.0.0.1:1"}))
    environment = {stacks.VARIABLE: str(tmp_path / "variable")}
    below = tmp_path / "checkout" / "docs"
    below.mkdir()
    assert stacks.find(str(tmp_path / "option"), environment, below).outputs["raw_bucket"] == "raw-0"
    assert stacks.find(None, environment, below).outputs["raw_bucket"] == "raw-1"
    assert stacks.find(None, {}, below).clients.endpoint_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "neither a file nor a directory"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "has no output state_machine_arn"),
        ("\xff", "is not JSON"),
        ('{"state_machine_arn": 3}', "output state_machine_arn is 3; accepted: its ARN"),
    ],
)
def test_what_is_no_stack_is_refused_by_name(tmp_path: Path, text: str | None, said: str) -> None:
    place = tmp_path / "somewhere"
    if text is not None:
        place.write_text(text, encoding="latin-1")
    with pytest.raises(StackNotFoundError, match=said) as refused:
        stacks.find(str(place))
    assert str(place) in str(refused.value)


@pytest.mark.parametrize(
    "value", ["nonsense", "", 5, None, "127.0.0.1:4566", "http://", "http://a b/", "http://127.0.0.1:x", "ftp://h/"]
)
def test_an_address_that_no_client_can_have_is_refused(tmp_path: Path, value: object) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({**OUTPUTS, "endpoint_url": value}))
    with pytest.raises(StackNotFoundError, match=re.escape(f"output endpoint_url is {value!r}; accepted: http://")):
        stacks.find(str(tmp_path / "outputs.json"))


def test_a_pipe_of_the_shell_is_read_as_a_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, json.dumps(OUTPUTS).encode())
    os.close(writer)
    try:
        assert stacks.find(f"/dev/fd/{reader}").outputs == OUTPUTS
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_ENDPOINT_URL", "nonsense"), ("AWS_MAX_ATTEMPTS", "x"), ("AWS_ENDPOINT_URL_S3", "5")]
)
def test_a_setting_of_aws_that_is_none_is_told_in_one_line(
    tmp_path: Path, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv(variable, value)
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    with pytest.raises(PipelineError, match=r"no client of s3 can be made: .*; look at the variables AWS_"):
        stacks.find(str(tmp_path / "outputs.json")).client("s3")


def test_an_output_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    found = stacks.find(str(tmp_path / "outputs.json"))
    with pytest.raises(
        StackNotFoundError, match=r"outputs.json' has no output lake_bucket: `pipeline doctor` names all"
    ):
        found.outputs["lake_bucket"]
    assert found.outputs.get("lake_bucket") is None


def test_without_any_the_error_says_where_was_looked(tmp_path: Path) -> None:
    with pytest.raises(StackNotFoundError, match=f"no {stacks.VARIABLE}.*{stacks.LOCAL_OUTPUTS}.*{tmp_path}"):
        stacks.find(None, {}, tmp_path)


def test_terraforms_directory_is_one_that_it_was_initialised_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{json.dumps(WRAPPED)}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    root, data = tmp_path / "checkout", tmp_path / "build" / "dev" / "data"
    (root / "infra").mkdir(parents=True)
    with pytest.raises(StackNotFoundError):
        stacks.find(None, {"TF_DATA_DIR": str(data)}, root)
    data.mkdir(parents=True)
    with pytest.raises(StackNotFoundError):
        stacks.find(None, {}, root)
    assert stacks.find(None, {"TF_DATA_DIR": str(data)}, root).outputs == OUTPUTS
    (root / "infra" / ".terraform").mkdir()
    assert stacks.find(None, {}, root).place == root / "infra"
