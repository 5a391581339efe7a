from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from dataset_contract.model import JOB_ID_LENGTH
from lambda_generate_param import job_id

ARN = "arn:aws:states:us-east-1:123456789012:execution:pipeline:run-1"
OTHER = "arn:aws:states:us-east-1:123456789012:execution:pipeline:run-2"
SOURCES = Path(__file__).parents[3] / "src"


def test_the_id_is_the_start_time_and_a_uuid_of_the_execution() -> None:
    made = job_id.make(ARN, "2026-01-31T12:34:56.789Z")
    assert made == "20260131T123456789Z-e42471b6-4422-5676-b534-30b65a7b8982"
    assert len(made) == JOB_ID_LENGTH
    assert re.fullmatch(r"[0-9A-Za-z-]+", made)
    assert job_id.is_job_id(made)


@pytest.mark.parametrize(
    "start_time",
    [
        "2026-01-31T12:34:56.789Z",
        "2026-01-31T12:34:56.789123Z",
        "2026-01-31T12:34:56.789123456Z",
        "2026-01-31T12:34:56.789+00:00",
        1769862896789,
    ],
)
def test_every_form_of_the_start_time_gives_the_same_id(start_time: str | int) -> None:
    assert job_id.make(ARN, start_time) == job_id.make(ARN, "2026-01-31T12:34:56.789Z")


@pytest.mark.parametrize(("start_time", "stamp"), [("2026-01-31T12:34:56Z", "000"), ("2026-01-31T12:34:56.5Z", "500")])
def test_a_short_fraction_is_filled_up(start_time: str, stamp: str) -> None:
    assert job_id.make(ARN, start_time).startswith(f"20260131T123456{stamp}Z-")


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14"])
@pytest.mark.parametrize("start_time", ["2026-01-31T12:34:56.789Z", 1769862896789])
def test_the_start_time_is_utc_wherever_the_id_is_made(
    monkeypatch: pytest.MonkeyPatch, zone: str, start_time: str | int
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert job_id.make(ARN, start_time).startswith("20260131T123456789Z-")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_two_executions_never_share_an_id() -> None:
    assert job_id.make(ARN, "2026-01-31T12:34:56Z") != job_id.make(OTHER, "2026-01-31T12:34:56Z")


def test_ids_sort_by_time() -> None:
    later = job_id.make(ARN, "2026-01-31T12:34:57.000Z")
    earlier = [job_id.make(arn, "2026-01-31T12:34:56.999Z") for arn in (ARN, OTHER)]
    assert all(first < later for first in earlier)


def test_the_start_time_can_be_read_back() -> None:
    made = job_id.make(ARN, "2026-01-31T12:34:56.789Z")
    assert job_id.started_at(made) == datetime(2026, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)


@pytest.mark.parametrize(
    "start_time",
    [
        *("2026-01-31 12:34:56Z", "2026-01-31T12:34:56", "2026-02-30T00:00:00Z", "2026-01-31T12:34:56+02:00", "", True),
        *("2026-01-31T12:34:56Z and more", None, 1.5),
    ],
)
def test_another_start_time_is_refused(start_time: Any) -> None:
    with pytest.raises(job_id.JobIdError, match=re.escape(repr(start_time))):
        job_id.make(ARN, start_time)


@pytest.mark.parametrize(
    "arn", ["", "arn:aws:states:us-east-1:123456789012:stateMachine:pipeline", "run-1", f"{ARN}:2", f"{ARN} ", None, 5]
)
def test_another_arn_is_refused(arn: Any) -> None:
    with pytest.raises(job_id.JobIdError, match="execution_arn"):
        job_id.make(arn, "2026-01-31T12:34:56Z")


@pytest.mark.parametrize(
    "text",
    [
        *("", "20260131T123456789Z", "x" * 56, job_id.make(ARN, 0) + "0"),
        # Of no moment, and of digits that are not ASCII's.
        *(moment + job_id.make(ARN, 0)[19:] for moment in ("20261301T000000000Z", "00000101T000000000Z")),
        "٢٠٢٦٠١٣١T٠٠٠٠٠٠٠٠٠Z" + job_id.make(ARN, 0)[19:],
    ],
)
def test_what_is_no_job_id_is_told_apart(text: str) -> None:
    assert not job_id.is_job_id(text)
    with pytest.raises(job_id.JobIdError):
        job_id.started_at(text)


@pytest.mark.parametrize("document", [None, "job_id", ["job_id"], {}, {"dataset": "orders"}])
def test_an_input_without_a_job_id_begins_a_job_of_its_own(document: Any) -> None:
    assert not job_id.is_continued(document)
    assert job_id.of_attempt(ARN, 0, document) == job_id.make(ARN, 0)


def test_an_input_of_a_job_id_alone_continues_that_job() -> None:
    earlier = job_id.make(OTHER, 0)
    assert job_id.is_continued({"job_id": earlier})
    assert job_id.of_attempt(ARN, 0, {"job_id": earlier}) == earlier
    for document in ({"job_id": earlier, "repeat": True}, {"job_id": "last"}, {"job_id": None}):
        assert job_id.of_attempt(ARN, 0, document) == job_id.make(ARN, 0)


def test_each_attempt_at_a_job_has_a_uuid_and_the_first_that_of_the_job() -> None:
    made = job_id.make(ARN, 0)
    assert job_id.run_id(made, ARN, 0) == made[-36:] == "e42471b6-4422-5676-b534-30b65a7b8982"
    assert job_id.run_id(made, ARN, 1) == job_id.part_id(made[-36:], f"{ARN}#1")
    assert job_id.run_id(made, OTHER, 0) == job_id.part_id(made[-36:], f"{OTHER}#0")
    assert job_id.part_id(made[-36:], "a") == str(uuid5(UUID(made[-36:]), "a"))


def test_one_module_knows_the_format() -> None:
    knows = [
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if re.search(r"uuid5|%Y%m%dT%H%M%S", path.read_text(encoding="utf-8"))
    ]
    assert knows == ["lambda_generate_param/job_id.py"]


@pytest.mark.parametrize("package", ["lambda_generate_param", "aws_facts"])
def test_the_lambda_imports_nothing_but_the_standard_library(package: str) -> None:
    for path in (SOURCES / package).rglob("*.py"):
        if path.name == "sdk_environment.py":  # is not in the Lambda's zip, as a test of packaging sees
            continue
        text = path.read_text(encoding="utf-8")
        imported = set(re.findall(r"^\s*(?:from|import) (\w+)", text, flags=re.MULTILINE))
        allowed = {
            "__future__",
            "collections",
            "dataclasses",
            "datetime",
            "json",
            "math",
            "os",
            "pathlib",
            "re",
            "sys",
            "types",
            "typing",
            "uuid",
        }
        assert imported <= allowed | {"aws_facts", "dataset_contract", "lambda_generate_param"}, path
