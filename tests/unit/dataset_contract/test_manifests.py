from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dataset_contract import manifests
from dataset_contract.manifests import FileEntry, ManifestError, StageResult, StageRun
from dataset_contract.places import Places, failure_of

STAGE_RUN = "3fa9c1-0-0a1b2c3d"
START = datetime(2024, 5, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
RUN = StageRun(
    "python", STAGE_RUN, "job-1", "orders", "s3://raw/orders/", START, START + timedelta(seconds=1.5), "c1", "1.0.0",
    "duckdb 1", "0f",
)  # fmt: skip
RESULT = StageResult(
    3, 2, 1, [FileEntry("s3://raw/a.csv", 10, 3, 1), FileEntry("s3://raw/b.csv", 0, 0, note="empty")],
    [FileEntry("s3://lake/p.parquet", 7, 2)], [FileEntry("s3://lake/r.parquet", 5, 1)], {"code: duplicate key": 1},
    [{"number": 0}], {"references": {"a": {"rows": 1}}}, {"references": {"a": []}},
)  # fmt: skip
COUNTS = ("rows_in", "rows_out", "rows_rejected", "bytes_in", "bytes_out", "files_out")
NO_COUNTS: list[Any] = ["3", True, [{}], -1, 1.5, None]


def read(text: str, **changes: str) -> dict[str, Any]:
    return manifests.read(
        text, **{"stage": "python", "job_id": "job-1", "dataset": "orders", "where": "s3://m", **changes}
    )


def test_what_is_written_is_read() -> None:
    assert read(manifests.render(RUN, RESULT)) == {
        "manifest_version": 5, "stage": "python", "stage_run": STAGE_RUN, "job_id": "job-1", "dataset": "orders",
        "source_uri": "s3://raw/orders/",
        "started_at": "2024-05-01T10:00:00.000Z", "finished_at": "2024-05-01T10:00:01.500Z", "seconds": 1.5,
        "code_version": "c1", "contract_version": "1.0.0", "engine": "duckdb 1", "contract_hash": "0f",
        "rows_in": 3, "rows_out": 2, "rows_rejected": 1, "bytes_in": 10, "bytes_out": 7,
        "files_in": 2, "files_out": 1, "rejected_files": 1, "rules": [{"number": 0}], "references": {"a": {"rows": 1}},
    }  # fmt: skip


def test_the_details_tell_each_file_and_reason() -> None:
    document = json.loads(manifests.render_details(RUN, RESULT))
    assert {name: document[name] for name in ("job_id", "stage", "manifest_version", "references")} == {
        "job_id": "job-1", "stage": "python", "manifest_version": 5, "references": {"a": []},
    }  # fmt: skip
    assert document["files_in"] == [
        {"uri": "s3://raw/a.csv", "bytes": 10, "rows": 3, "empty_lines": 1},
        {"uri": "s3://raw/b.csv", "bytes": 0, "rows": 0, "note": "empty"},
    ]
    assert document["files_out"] == [{"uri": "s3://lake/p.parquet", "bytes": 7, "rows": 2}]
    assert document["rejected_files"] == [{"uri": "s3://lake/r.parquet", "bytes": 5, "rows": 1}]
    assert document["rejected_reasons"] == {"code: duplicate key": 1}


def test_a_failed_stage_says_why_in_one_line_and_else_what_a_complete_one_says() -> None:
    document = json.loads(manifests.render_error(RUN, RESULT, "every row\n  was refused"))
    assert document == {**json.loads(manifests.render(RUN, RESULT)), "error": "every row was refused"}


def test_a_long_error_is_cut() -> None:
    def told(error: str) -> str:
        return str(json.loads(manifests.render_error(RUN, RESULT, error))["error"])

    assert told("é" * 5_000) == "é" * 5_000
    assert told("é" * 5_001) == "é" * 5_000 + "…"


def test_copy_is_told_each_file_and_its_size() -> None:
    assert (
        manifests.render_copy([FileEntry("s3://lake/é.parquet", 7, 2)])
        == """\
{
  "entries": [
    {
      "mandatory": true,
      "meta": {
        "content_length": 7
      },
      "url": "s3://lake/é.parquet"
    }
  ]
}
"""
    )


def test_the_details_hold_values_that_json_has_not() -> None:
    result = replace(RESULT, details={"parameters": {"since": START.date()}})
    assert json.loads(manifests.render_details(RUN, result))["parameters"] == {"since": "2024-05-01"}


def test_half_of_a_character_is_an_escape() -> None:
    result = replace(RESULT, details={"rejected_examples": {"é\ud800": {"raw_row": "\udc00"}}})
    text = manifests.render_details(RUN, result)
    assert "é\\ud800" in text
    assert json.loads(text.encode("utf-8"))["rejected_examples"] == {"é\ud800": {"raw_row": "\udc00"}}


def test_a_stage_took_thousandths_of_a_second() -> None:
    run = replace(RUN, finished_at=START + timedelta(microseconds=1_234_567))
    assert json.loads(manifests.render(run, RESULT))["seconds"] == 1.235


@pytest.mark.parametrize("files", [1, 5_000, 50_000])
def test_what_the_state_machines_read_does_not_grow_with_the_source(files: int) -> None:
    long = "é" * 400
    entries = [FileEntry(f"s3://raw/{long}/{number}.csv", 10, 3, note=long) for number in range(files)]
    reasons = {f"column: {long} {number}": 1 for number in range(1_000)}
    result = StageResult(3 * files, 3 * files, 0, entries, entries, entries, reasons, [{"number": 0}])
    texts = [manifests.render(RUN, result), manifests.render_error(RUN, result, long * 1_000)]
    assert all(len(text.encode()) < manifests.MOST_BYTES for text in texts)
    # All that a job may leave, as one state of record-failure passes it on.
    assert 4 * manifests.MOST_BYTES < 256 * 1024
    assert len(json.loads(manifests.render_details(RUN, result))["files_in"]) == files


def test_a_manifest_is_never_larger_than_what_a_state_passes_on() -> None:
    rules = [{"number": number, "rule": "r" * 100} for number in range(1_000)]
    with pytest.raises(ManifestError, match=r"1000 set rules make verdicts of \d+,\d+ bytes; accepted: at most 30,000"):
        manifests.check_rules(rules)
    manifests.check_rules(rules[:150])
    with pytest.raises(
        ManifestError, match=r"the manifest of stage python has \d+,\d+ bytes; accepted: at most 60,000"
    ):
        manifests.render(RUN, StageResult(0, 0, 0, (), (), rules=rules))


def test_the_limits_of_a_manifest_are_counted_in_bytes_and_may_be_reached() -> None:
    def fill(spare: int) -> str:
        return "é" * (spare // 2) + "x" * (spare % 2)

    def rendered(text: str) -> str:
        return manifests.render(RUN, replace(RESULT, more={"note": text}))

    spare = manifests.MOST_BYTES - len(rendered("").encode())
    assert len(rendered(fill(spare)).encode()) == manifests.MOST_BYTES
    with pytest.raises(ManifestError, match="60,001 bytes"):
        rendered(fill(spare + 1))

    bare = len(json.dumps({"rules": [{"rule": ""}]}, indent=2)) + 1
    manifests.check_rules([{"rule": fill(manifests.MOST_RULE_BYTES - bare)}])
    with pytest.raises(ManifestError, match="30,001 bytes"):
        manifests.check_rules([{"rule": fill(manifests.MOST_RULE_BYTES - bare + 1)}])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manifest_version": 2}, "s3://m has manifest_version 2, expected 5"),
        ({"references": []}, "has references [], expected an object"),
        ({"references": {"items": 3}}, "expected an object for each reference"),
        ({"references": {"a": {}, "items": 3}}, "expected an object for each reference"),
        ({"stage": "spark"}, 'has stage "spark", expected "python"'),
        ({"job_id": "job-2"}, 'has job_id "job-2", expected "job-1"'),
        ({"dataset": None}, 'has dataset null, expected "orders"'),
        *(
            (
                {"stage_run": value},
                f"has stage_run {json.dumps(value)}, expected [0-9a-f]{{6}}-[0-9]{{1,6}}-[0-9a-f]{{8}}",
            )
            for value in (None, "", 5, "../../other", "3fa9c1-0", "3fa9c1-0-0a1b2c3d/", "3fa9c1-0-0a1b2c3d\n")
        ),
        *(
            ({name: value}, f"has {name} {json.dumps(value)}, expected a whole number, 0 or more")
            for name in COUNTS
            for value in NO_COUNTS
        ),
    ],
)
def test_a_manifest_that_is_another_one(changes: dict[str, Any], message: str) -> None:
    text = json.dumps({**json.loads(manifests.render(RUN, RESULT)), **changes})
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert message in str(caught.value)
    assert manifests.complete(text, stage="python", job_id="job-1", dataset="orders", contract_hash="0f") is None


def test_a_stage_may_have_done_nothing() -> None:
    found = read(manifests.render(RUN, StageResult(0, 0, 0, (), ())))
    assert [found[name] for name in COUNTS] == [0] * len(COUNTS)
    assert "references" not in found


def test_a_stage_that_read_no_contract_has_the_hash_of_none() -> None:
    run = StageRun("python", STAGE_RUN, "job-1", "orders", "s3://raw/orders/", START, START, "c1", "", "duckdb 1")
    assert read(manifests.render(run, RESULT))["contract_hash"] == ""


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_text_that_is_no_manifest(text: str) -> None:
    with pytest.raises(ManifestError, match=r"^s3://m is not "):
        read(text)


def test_a_stage_is_complete_with_its_manifest() -> None:
    expected = {"stage": "python", "job_id": "job-1", "dataset": "orders", "contract_hash": "0f"}
    text = manifests.render(RUN, RESULT)
    assert manifests.complete(text, **expected) == read(text)
    assert manifests.complete(None, **expected) is None
    assert manifests.complete(text, **{**expected, "contract_hash": "0e"}) is None


def test_no_two_runs_of_a_stage_have_a_name() -> None:
    names = {manifests.new_stage_run("3fa9c1-12") for _ in range(100)}
    assert len(names) == 100
    for name in names:
        run = replace(RUN, stage_run=name)
        assert read(manifests.render(run, RESULT))["stage_run"] == name


def test_a_contract_is_known_by_its_text_but_for_its_line_ends() -> None:
    found = manifests.contract_hash('{\n"version": "1"}\n')
    assert (found, len(found)) == (manifests.contract_hash('{\r\n"version": "1"}\r\n'), 16)
    assert found == manifests.contract_hash('{\r"version": "1"}\r')
    assert found != manifests.contract_hash('{\n"version": "1" }\n')


def test_every_place_that_is_written_carries_the_job() -> None:
    places = Places("job-1", "orders", "raw", "lake", "artifacts")
    document = places.document(["totals"])
    written = [document["staged"], document["staged_references"], document["rejected"], *document["curated"].values()]  # type: ignore[attr-defined]
    written += [*document["manifests"].values(), *document["manifest_keys"].values()]  # type: ignore[attr-defined]
    assert all("job-1" in place for place in written)
    assert len(set(written)) == len(written)
    assert failure_of(places.manifest("python")) == "s3://lake/runs/job-1/python-error.json"
