from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from glue_python_job.arguments import REQUIRED, parse
from glue_python_job.errors import ArgumentsError

GOOD = {
    "job_id": "20240501T100000000Z-abc",
    "attempt": "3fa9c1-0",
    "dataset": "flights",
    "source_uri": "s3://raw/flights/",
    "reference_uri": "s3://raw/reference/flights/",
    "contract_uri": "s3://artifacts/sql/datasets/flights/contract.json",
    "staged_uri": "s3://lake/staged/flights/job_id=1/",
    "staged_references_uri": "s3://lake/references/flights/job_id=1/",
    "rejected_uri": "s3://lake/rejected/flights/job_id=1/",
    "manifest_uri": "s3://lake/runs/1/python.json",
    "load_manifest_uri": "s3://lake/runs/1/load.json",
    "started_at": "2024-05-01T10:00:00.000Z",
}


def argv(**changed: str) -> list[str]:
    return [text for name, value in {**GOOD, **changed}.items() for text in (f"--{name}", value)]


def test_all_arguments_are_read_and_the_others_have_defaults() -> None:
    arguments = parse(argv())
    moment = datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert {name: getattr(arguments, name) for name in REQUIRED} == {**GOOD, "started_at": moment}
    assert arguments.code_version == "unknown"
    assert arguments.memory_limit == 512_000_000


def test_the_arguments_that_glue_adds_are_ignored() -> None:
    added = ["--TempDir", "s3://x/y", "--enable-metrics", "--job-language", "python", "--scriptLocation=s3://x/main.py"]
    assert parse([*added, *argv(), "--extra-py-files", "s3://x/z.zip"]).dataset == "flights"


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_argument_is_named_when_missing(name: str) -> None:
    present = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(ArgumentsError, match=f"--{name}"):
        parse([text for key, value in present.items() for text in (f"--{key}", value)])


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_argument_is_named_when_empty(name: str) -> None:
    with pytest.raises(ArgumentsError, match=f"--{name} is empty"):
        parse(argv(**{name: " "}))


def test_an_abbreviation_is_not_taken_for_the_argument() -> None:
    with pytest.raises(ArgumentsError, match="--dataset"):
        parse([text.replace("--dataset", "--data") for text in argv()])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("source_uri", "flights/", "not a URI of a known kind"),
        ("source_uri", "https://example.com/x", "not a URI of a known kind"),
        ("source_uri", "s3://B/x", "no valid bucket name"),
        ("source_uri", "s3:///x", "no valid bucket name"),
        ("staged_uri", "s3://lake", "no key"),
        ("staged_uri", "s3://lake/", "no key"),
        ("rejected_uri", "/", "root directory"),
        ("rejected_uri", "file:///", "root directory"),
    ],
)
def test_a_malformed_uri_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(ArgumentsError, match=f"--{name} .*{message}"):
        parse(argv(**{name: value}))


def test_a_whole_bucket_may_be_the_source() -> None:
    assert parse(argv(source_uri="s3://raw/")).source_uri == "s3://raw/"


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"staged_uri": "s3://raw/flights/"}, "--staged_uri .*--source_uri"),
        ({"staged_uri": "s3://raw/"}, None),
        ({"staged_uri": "s3://raw/flights/out/"}, "--staged_uri .*--source_uri"),
        ({"rejected_uri": "s3://lake/staged/flights/job_id=1"}, "--staged_uri .*--rejected_uri"),
        ({"rejected_uri": "s3://lake/runs/1/"}, "--rejected_uri .*--manifest_uri"),
        ({"staged_uri": "/data", "source_uri": "file:///data/in"}, "--staged_uri .*--source_uri"),
        ({"staged_uri": "/data/out/../in/", "source_uri": "/data/in/"}, "--staged_uri .*--source_uri"),
        ({"staged_references_uri": "s3://raw/reference/flights/x/"}, "--staged_references_uri .*--reference_uri"),
        ({"staged_references_uri": "s3://lake/staged/flights/job_id=1/r/"}, "--staged_uri .*--staged_references_uri"),
        ({"contract_uri": "s3://lake/staged/flights/job_id=1/c.json"}, "--staged_uri .*--contract_uri"),
    ],
)
def test_an_output_directory_overlaps_with_nothing_else(changed: dict[str, str], names: str | None) -> None:
    with pytest.raises(ArgumentsError, match=f"{names}.*overlap" if names else "no key"):
        parse(argv(**changed))


def test_directories_side_by_side_with_a_common_prefix_do_not_overlap() -> None:
    assert parse(argv(staged_uri="s3://raw/flights-staged/")).staged_uri == "s3://raw/flights-staged/"


def test_directory_uris_get_their_slash() -> None:
    assert parse(argv(staged_uri="s3://lake/staged/x")).staged_uri == "s3://lake/staged/x/"


@pytest.mark.parametrize(
    ("text", "hours"),
    [("2024-05-01T10:00:00.123Z", 0), ("2024-05-01T10:00:00Z", 0), ("2024-05-01T12:00:00.500+02:00", 2)],
)
def test_the_start_of_the_execution_has_a_zone(text: str, hours: int) -> None:
    moment = parse(argv(started_at=text)).started_at
    assert moment.replace(microsecond=0) == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    assert moment.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["3fa9c1", "3FA9C1-0", "../x-0", "3fa9c1-0/", "3fa9c1-0\n"])
def test_an_attempt_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentsError, match=r"--attempt .*; accepted: \[0-9a-f\]"):
        parse(argv(attempt=text))


@pytest.mark.parametrize("text", ["2024-05-01T10:00:00", "yesterday", "1714557600"])
def test_a_start_that_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ArgumentsError, match=r"--started_at .* is not a moment"):
        parse(argv(started_at=text))


@pytest.mark.parametrize(
    ("text", "size"),
    [("128MB", 128_000_000), ("1GB", 10**9), ("1.5GiB", 3 * 2**29), ("256 mib", 2**28), ("0.25gb", 250_000_000)],
)
def test_memory_limits(text: str, size: int) -> None:
    assert parse(argv(memory_limit=text)).memory_limit == size


@pytest.mark.parametrize("text", ["127MB", "512", "lots", "-1GB", "1TB", "", "1e9MB"])
def test_a_memory_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentsError, match="--memory_limit"):
        parse(argv(memory_limit=text))
