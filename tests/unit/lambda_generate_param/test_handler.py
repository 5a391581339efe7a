from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dataset_contract.manifests import PYTHON, SPARK, ManifestError
from lambda_generate_param import datasets, handler
from lambda_generate_param.handler import Settings
from lambda_generate_param.job_id import JobIdError
from lambda_generate_param.request import InvalidInputError
from tests.unit.lambda_generate_param.conftest import ARN, JOB, START, manifest, orders, write_dataset

EVENT: dict[str, Any] = {
    "action": "start",
    "execution_arn": ARN,
    "start_time": START,
    "input": {"dataset": "flights", "source_uri": "s3://the-raw-bucket/flights/", "parameters": {}},
}
NOTE: dict[str, Any] = {"dataset": "orders", "source_uri": "s3://the-raw-bucket/orders/", "parameters": {"note": "x"}}
DETAIL: dict[str, Any] = {
    "executionArn": ARN,
    "status": "FAILED",
    "startDate": 1769862896789,
    "stopDate": 1769862899000,
    "input": json.dumps(EVENT["input"]),
    "error": "States.TaskFailed",
    "cause": json.dumps({"JobRunState": "FAILED", "ErrorMessage": "error: no files below s3://x/ (exit code 1)"}),
    "redriveCount": 0,
}
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
PAYLOAD = 262_144


def parameters(answer: dict[str, Any]) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in answer["sql"]["parameters"]}


def test_start_answers_with_everything_a_run_needs(settings: Settings, sql: Path) -> None:
    answer = handler.answer(EVENT, settings=settings, sql=sql)
    assert answer["job_id"] == JOB
    assert answer["parameters"] == {"late_minutes": 15}
    assert answer["started_at"] == START
    assert answer["uris"]["reference"] == "s3://the-raw-bucket/reference/flights/"
    assert answer["uris"]["staged"] == f"s3://the-lake-bucket/staged/flights/job_id={JOB}/"
    assert answer["uris"]["staged_references"] == f"s3://the-lake-bucket/references/flights/job_id={JOB}/"
    assert answer["uris"]["manifests"]["python"] == f"s3://the-lake-bucket/runs/{JOB}/python.json"
    assert answer["uris"]["contract"] == "s3://the-artifacts-bucket/sql/datasets/flights/contract.json"
    assert set(answer["sql"]) == {"register", "finish"}
    assert len(json.dumps(answer)) < 60_000


def test_a_retry_gives_the_same_answer(settings: Settings, sql: Path) -> None:
    assert handler.answer(EVENT, settings=settings, sql=sql) == handler.answer(EVENT, settings=settings, sql=sql)


def test_start_logs_one_json_line_with_the_job_id(
    settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = handler.answer(EVENT, settings=settings, sql=sql)
    line = json.loads(capsys.readouterr().out)
    assert line["job_id"] == answer["job_id"]
    assert line["execution_arn"] == ARN


def test_a_refused_input_is_logged_under_the_job_id_it_would_have_had(
    settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {**EVENT, "input": {"dataset": "nothing", "source_uri": "s3://the-raw-bucket/x"}}
    with pytest.raises(InvalidInputError, match='dataset "nothing" is unknown'):
        handler.answer(event, settings=settings, sql=sql)
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["job_id"]) == ("ERROR", JOB)


@pytest.mark.parametrize("text", ["x" * 20_000, "ü" * 5_000, '"' * 20_000])
def test_a_long_text_is_registered_as_it_is(settings: Settings, sql: Path, text: str) -> None:
    answer = handler.answer({**EVENT, "input": {**NOTE, "parameters": {"note": text}}}, settings=settings, sql=sql)
    bound = {item["Name"]: item["Value"] for item in answer["sql"]["register"]["parameters"]}
    assert json.loads(bound["parameters"]) == answer["parameters"] == {"note": text}
    assert len(bound["parameters"].encode()) <= 65_535
    assert len(json.dumps(answer)) < PAYLOAD


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 70_000, r"parameters.note is \"x+ …; with it, parameters as JSON takes 70,012 bytes; accepted: at most"),
        ("ü" * 40_000, "parameters as JSON takes 80,012 bytes; accepted: at most 65,535"),
        ("ü" * 30_000, "parameters make a document of .* bytes; accepted: less"),
        ("\ud800", "parameters as JSON has half of a character"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_by_name(settings: Settings, sql: Path, text: str, said: str) -> None:
    event = {**EVENT, "input": {**NOTE, "parameters": {"note": text}}}
    with pytest.raises(InvalidInputError, match=said):
        handler.answer(event, settings=settings, sql=sql)


def test_an_execution_whose_name_has_eighty_letters_of_four_bytes_is_registered(settings: Settings, sql: Path) -> None:
    arn = "arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:" + "m" * 80 + ":" + "😀" * 80
    answer = handler.answer({**EVENT, "execution_arn": arn}, settings=settings, sql=sql)
    bound = {item["Name"]: item["Value"] for item in answer["sql"]["register"]["parameters"]}
    assert bound["execution_arn"] == arn


def test_a_contract_whose_rules_the_audit_tables_cannot_hold_is_refused_at_the_start(
    settings: Settings, tmp_path: Path, sql: Path
) -> None:
    (tmp_path / "audit").mkdir()
    schema = (sql / "audit" / "schema.sql").read_text(encoding="utf-8")
    (tmp_path / "audit" / "schema.sql").write_text(schema.replace("rule VARCHAR(1024)", "rule VARCHAR(5)"), "utf-8")
    write_dataset(tmp_path, orders())
    event = {**EVENT, "input": NOTE}
    with pytest.raises(InvalidInputError, match=r'dataset "orders": rule orders.rowCount of orders: its rule takes 15'):
        handler.answer(event, settings=settings, sql=tmp_path)


def test_load_answers_with_the_batch(settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = datasets.load(sql, "orders")
    event = {
        "action": "load",
        "execution_arn": ARN,
        "job": {"job_id": JOB, "dataset": "orders", "repeat": False},
        "python": manifest(dataset, PYTHON),
        "spark": json.dumps(manifest(dataset, SPARK)),
    }
    answer = handler.answer(event, settings=settings, sql=sql)
    assert set(answer) == {"statement_name", "statements", "parameters"}
    assert answer["statement_name"] == f"{JOB} load"
    assert json.loads(capsys.readouterr().out)["job_id"] == JOB


def test_load_reads_both_manifests(settings: Settings, sql: Path) -> None:
    dataset = datasets.load(sql, "orders")
    event = {
        "action": "load",
        "execution_arn": ARN,
        "job": {"job_id": JOB, "dataset": "orders", "repeat": False},
        "python": manifest(dataset, PYTHON),
    }
    with pytest.raises(ManifestError, match=r"spark.json is not a JSON object"):
        handler.answer(event, settings=settings, sql=sql)


def test_load_is_of_a_job(settings: Settings, sql: Path) -> None:
    with pytest.raises(JobIdError, match='job_id is "x"; accepted: the job ID'):
        handler.answer({"action": "load", "job": {"job_id": "x", "dataset": "orders"}}, settings=settings, sql=sql)


def test_evidence_and_failure_give_the_id_that_start_gave(settings: Settings, sql: Path) -> None:
    for action in ("evidence", "failure"):
        answer = handler.answer({"action": action, "detail": DETAIL}, settings=settings, sql=sql)
        assert answer["job_id"] == JOB
    found = handler.answer({"action": "evidence", "detail": DETAIL}, settings=settings, sql=sql)
    assert found["keys"][-1] == f"runs/{JOB}/spark-error.json"


def test_failure_records_what_the_job_said(settings: Settings, sql: Path) -> None:
    event = {"action": "failure", "detail": DETAIL, "failed_state": "CleanWithPython"}
    answer = handler.answer(event, settings=settings, sql=sql)
    bound = parameters(answer)
    assert bound["cause"] == "error: no files below s3://x/ (exit code 1)"
    assert bound["error"] == "States.TaskFailed"
    assert bound["failed_state"] == "CleanWithPython"
    assert bound["started_at"] == "2026-01-31 12:34:56.789"
    assert bound["finished_at"] == "2026-01-31 12:34:59.000"
    assert bound["dataset"] == "flights"
    assert bound["rows_in"] == "-"
    assert answer["counts"] == {}


def test_failure_has_the_counts_of_the_stages(settings: Settings, sql: Path) -> None:
    dataset = datasets.load(sql, "orders")
    documents = [
        manifest(dataset, PYTHON),
        "NoSuchKey",
        "NoSuchKey",
        manifest(dataset, SPARK, error="1 / 0"),
    ]
    detail = {**DETAIL, "cause": json.dumps({"ErrorMessage": "Command failed with exit code 1"})}
    event = {"action": "failure", "detail": detail, "documents": [json.dumps(document) for document in documents]}
    answer = handler.answer(event, settings=settings, sql=sql)
    bound = parameters(answer)
    assert {name: bound[name] for name in ("rows_in", "rows_staged", "rows_rejected", "rows_curated")} == {
        "rows_in": "16",
        "rows_staged": "10",
        "rows_rejected": "6",
        "rows_curated": "9",
    }
    assert answer["cause"] == bound["cause"] == "1 / 0"
    assert (bound["python_rows_out"], bound["spark_rows_out"]) == ("10", "-")
    assert any("INSERT INTO audit.rule_run" in statement for statement in answer["sql"]["statements"])


def test_an_error_from_before_a_redrive_is_not_the_cause(settings: Settings, sql: Path) -> None:
    document = manifest(datasets.load(sql, "orders"), SPARK, error="1 / 0", finished="2026-01-31T12:34:58Z")
    detail = {**DETAIL, "redriveCount": 1, "redriveDate": 1769862898500}
    event = {"action": "failure", "detail": detail, "documents": [json.dumps(document)]}
    assert "1 / 0" not in handler.answer(event, settings=settings, sql=sql)["cause"]


@pytest.mark.parametrize("character", ["x", "ü", "€", "😀", '"', "\x01"])
def test_a_failure_fits_into_a_payload(settings: Settings, sql: Path, character: str) -> None:
    dataset = datasets.load(sql, "orders")
    document = manifest(dataset, PYTHON)
    document["rules"] = [
        {"number": number, "rule": f"{number}" + character * 250, "columns": ["a"]} for number in range(500)
    ]
    detail = {**DETAIL, "cause": character * 32_768, "error": character * 256}
    event = {"action": "failure", "detail": detail, "documents": [json.dumps(document)]}
    answer = handler.answer(event, settings=settings, sql=sql)
    assert len(json.dumps(answer)) < PAYLOAD
    assert answer["counts"]["rows_in"] == 16


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_failure_without_error_is_recorded_by_its_status(settings: Settings, sql: Path, status: str) -> None:
    detail = {**DETAIL, "status": status, "error": None, "cause": None, "input": None}
    bound = parameters(handler.answer({"action": "failure", "detail": detail}, settings=settings, sql=sql))
    assert bound["error"] == status
    assert bound["cause"] == f"the execution ended as {status}"
    # The Data API takes no empty value.
    assert all(bound.values())


def test_the_failure_of_a_redrive_is_that_of_an_attempt_of_its_own(settings: Settings, sql: Path) -> None:
    def attempt(**change: Any) -> tuple[str, ...]:
        event = {"action": "failure", "detail": {**DETAIL, **change}}
        bound = parameters(handler.answer(event, settings=settings, sql=sql))
        return tuple(bound[name] for name in ("execution_arn", "redrive_count", "attempt_status", "attempt_started_at"))

    assert attempt() == (ARN, "0", "FAILED", "2026-01-31 12:34:56.789")
    redriven = {"redriveCount": 2, "redriveDate": 1769862898500, "status": "ABORTED"}
    assert attempt(**redriven) == (ARN, "2", "ABORTED", "2026-01-31 12:34:58.500")


RECORD: list[dict[str, Any]] = [
    {"StringValue": "flights"},
    {"StringValue": "s3://the-raw-bucket/flights/"},
    {"StringValue": '{"late_minutes": 30}'},
    {"BooleanValue": True},
    {"IsNull": True},
    {"StringValue": "FAILED"},
    {"StringValue": "the execution before"},
]


def test_a_job_is_continued_under_its_id_with_the_input_it_began_with(
    settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = f"{ARN}-again"
    event = {**EVENT, "execution_arn": other, "input": {"job_id": JOB}, "earlier": [RECORD]}
    answer = handler.answer(event, settings=settings, sql=sql)
    assert (answer["job_id"], answer["started_at"]) == (JOB, START)
    assert (answer["dataset"], answer["source_uri"]) == ("flights", "s3://the-raw-bucket/flights/")
    assert (answer["parameters"], answer["repeat"]) == ({"late_minutes": 30}, True)
    first = handler.answer(EVENT, settings=settings, sql=sql)
    assert answer["uris"] == first["uris"]
    for batch in answer["sql"].values():
        bound = {item["Name"]: item["Value"] for item in batch["parameters"]}
        assert (bound["job_id"], bound["execution_arn"]) == (JOB, other)
    assert json.loads(capsys.readouterr().out.splitlines()[0])["message"] == "job continues"


def test_a_job_that_is_continued_still_replays_what_it_did(settings: Settings, sql: Path) -> None:
    event = {**EVENT, "execution_arn": f"{ARN}-again", "input": {"job_id": JOB}}
    answer = handler.answer({**event, "earlier": changed(4, {"StringValue": JOB})}, settings=settings, sql=sql)
    assert answer["replays"] == JOB
    assert {"Name": "replays", "Value": JOB} in answer["sql"]["register"]["parameters"]


def test_a_job_that_replays_another_says_so(settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {**EVENT, "input": {**EVENT["input"], "replays": JOB}}
    answer = handler.answer(event, settings=settings, sql=sql)
    assert answer["replays"] == JOB
    assert {"Name": "replays", "Value": JOB} in answer["sql"]["register"]["parameters"]
    assert json.loads(capsys.readouterr().out.splitlines()[0])["replays"] == JOB
    assert {"Name": "replays", "Value": "-"} in handler.answer(EVENT, settings=settings, sql=sql)["sql"]["register"][
        "parameters"
    ]


def changed(index: int, value: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [[*RECORD[:index], value, *RECORD[index + 1 :]]]


@pytest.mark.parametrize(
    ("given", "earlier", "said"),
    [
        ({"job_id": JOB, "dataset": "flights"}, [RECORD], "dataset is given beside job_id; accepted: job_id alone"),
        ({"job_id": JOB, "parameters": {}}, [RECORD], "parameters is given beside job_id"),
        ({"job_id": "x"}, [], 'job_id is "x"; accepted: the ID of an earlier job'),
        ({"job_id": ["x"]}, [], r'job_id is \["x"\]; accepted: the ID of an earlier job'),
        ({"job_id": JOB}, [], f'job_id is "{JOB}", a job that audit.job_run does not have'),
        ({"job_id": JOB}, changed(5, {"StringValue": "SUCCEEDED"}), "has succeeded as execution the execution before"),
        ({"job_id": JOB}, changed(2, {"IsNull": True}), "failed before it was registered, and its input is not known"),
        ({"job_id": JOB}, changed(0, {"StringValue": "flihgts"}), 'dataset "flihgts" is unknown'),
        ({"job_id": JOB}, changed(2, {"StringValue": '{"gone": 1}'}), "gone"),
    ],
)
def test_what_cannot_be_continued_is_refused_by_name(
    settings: Settings, sql: Path, given: dict[str, Any], earlier: list[Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        handler.answer({**EVENT, "input": given, "earlier": earlier}, settings=settings, sql=sql)


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_a_job_whose_execution_is_at_work_is_not_continued(settings: Settings, sql: Path, status: str) -> None:
    """A redrive is not seen in audit.job_run, which says FAILED until it loads."""
    event = {**EVENT, "input": {"job_id": JOB}, "earlier": [RECORD], "owner_status": status}
    said = f"job {JOB} is running as execution the execution before, which is {status}: wait for its end or stop it"
    with pytest.raises(InvalidInputError, match=said):
        handler.answer(event, settings=settings, sql=sql)


@pytest.mark.parametrize("status", ["", "FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"])
def test_a_job_whose_execution_has_ended_or_is_forgotten_is_continued(
    settings: Settings, sql: Path, status: str
) -> None:
    event = {**EVENT, "input": {"job_id": JOB}, "earlier": [RECORD], "owner_status": status}
    assert handler.answer(event, settings=settings, sql=sql)["job_id"] == JOB


@pytest.mark.parametrize(
    ("given", "parameters_", "repeat"),
    [
        (EVENT["input"], "{}", "false"),
        ({**NOTE, "repeat": True}, '{"note": "x"}', "true"),
        ({"dataset": "flights", "source_uri": "s3://b/"}, "{}", "false"),
        ({**NOTE, "parameters": "x"}, "-", "false"),
        ({**NOTE, "parameters": {"note": "x" * 70_000}}, "-", "false"),
        ({"job_id": JOB}, "-", "false"),
        ("no object", "-", "false"),
    ],
)
def test_a_job_that_failed_before_it_was_registered_keeps_its_input(
    settings: Settings, sql: Path, given: Any, parameters_: str, repeat: str
) -> None:
    event = {"action": "failure", "detail": {**DETAIL, "input": json.dumps(given)}}
    bound = parameters(handler.answer(event, settings=settings, sql=sql))
    assert (bound["parameters"], bound["repeat"]) == (parameters_, repeat)


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({"job_id": JOB}, True),
        ({"job_id": JOB, "dataset": "flights"}, False),
        ({"job_id": "x"}, False),
        ({"job_id": JOB.upper()}, False),
        ({"job_id": [JOB]}, False),
        ([{"job_id": JOB}], False),
    ],
)
def test_the_failure_of_who_continues_a_job_is_that_jobs(settings: Settings, sql: Path, given: Any, same: bool) -> None:
    detail = {**DETAIL, "executionArn": f"{ARN}-again", "input": json.dumps(given)}
    for action in ("evidence", "failure"):
        answer = handler.answer({"action": action, "detail": detail}, settings=settings, sql=sql)
        assert (answer["job_id"] == JOB) is same


def test_schema_gives_the_statements_of_every_dataset(settings: Settings, sql: Path) -> None:
    answer = handler.answer({"action": "schema"}, settings=settings, sql=sql)
    text = "\n".join(answer["sql"]["statements"])
    assert "audit.job_run" in text
    assert 'analytics."enriched_flights"' in text


def test_schema_gives_who_loads_each_table_of_its_own(settings: Settings, sql: Path) -> None:
    plain, granted = (
        handler.answer({"action": "schema", **more}, settings=settings, sql=sql)["sql"]["statements"]
        for more in ({}, {"user": "some_loader"})
    )
    assert granted[: len(plain)] == plain
    text = "\n".join(granted[len(plain) :])
    assert "GRANT" not in "\n".join(plain)
    assert text.count("GRANT ") == text.count(' TO "some_loader"') == len(granted) - len(plain)
    for table in ("clean_orders", "enriched_flights", "route_delays"):
        assert f'GRANT SELECT, INSERT, DELETE ON analytics."{table}" TO' in text


@pytest.mark.parametrize("user", ["", "Upper", 'a"b', "1st", "a" * 128, 7])
def test_a_user_whose_name_needs_quotes_is_refused(settings: Settings, sql: Path, user: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"user is .*; accepted: up to 127 lower-case letters"):
        handler.answer({"action": "schema", "user": user}, settings=settings, sql=sql)


def test_schema_compares_what_is_deployed(settings: Settings, sql: Path) -> None:
    event = {"action": "schema", "deployed": {}}
    answer = handler.answer(event, settings=settings, sql=sql)
    assert len([text for text in answer["statements"] if text.startswith("CREATE TABLE")]) == 3
    assert answer["refusals"] == []


@pytest.mark.parametrize(("action", "shown"), [("stop", '"stop"'), (None, "null"), (True, "true")])
def test_another_action_is_refused(settings: Settings, sql: Path, action: Any, shown: str) -> None:
    expected = f"action is {shown}; accepted: start, load, evidence, failure, schema"
    with pytest.raises(InvalidInputError, match=expected):
        handler.answer({"action": action}, settings=settings, sql=sql)


def test_settings_name_a_missing_variable() -> None:
    with pytest.raises(KeyError, match="LAKE_BUCKET"):
        Settings.read({"RAW_BUCKET": "raw"})


def test_a_name_that_terraform_sets_is_read_here() -> None:
    infra = Path(__file__).parents[3] / "infra"
    text = "\n".join(path.read_text(encoding="utf-8") for path in infra.rglob("*.tf"))
    for name in ("RAW_BUCKET", "LAKE_BUCKET", "ARTIFACTS_BUCKET", "CODE_VERSION"):
        assert re.search(rf"\b{name}\b", text), name
