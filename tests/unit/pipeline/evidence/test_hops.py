from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.evidence.console_links import Links
from pipeline.evidence.histories import DONE, StateRun
from pipeline.evidence.hop import FORGOTTEN, FOUND, MISSING, NOT_EXPECTED, Hop, fault
from pipeline.evidence.hops import Judge
from pipeline.evidence.model import Answer, Evidence
from pipeline.jobs import Attempt
from pipeline.trace import Trace
from tests.unit.pipeline import evidences


def hops(evidence: Evidence) -> dict[str, Hop]:
    return {hop.name: hop for hop in Judge(evidence, Links(evidences.STACK)).hops()}


def named(evidence: Evidence, state: str) -> set[str]:
    return {name for name, hop in hops(evidence).items() if hop.state == state}


def with_rows(evidence: Evidence, table: str, *rows: dict[str, Any]) -> Evidence:
    warehouse = evidence.warehouse
    return replace(evidence, warehouse=replace(warehouse, tables={**warehouse.tables, table: Answer(rows)}))


def with_document(evidence: Evidence, name: str, answer: Answer[Any]) -> Evidence:
    lake = evidence.lake
    return replace(evidence, lake=replace(lake, documents={**lake.documents, name: answer}))


def with_lake(evidence: Evidence, **changes: Any) -> Evidence:
    return replace(evidence, lake=replace(evidence.lake, **changes))


def test_all_hops_of_a_good_job_are_found_but_those_of_a_failure() -> None:
    assert named(evidences.succeeded(), MISSING) == set()
    assert named(evidences.succeeded(), NOT_EXPECTED) == {"recorder", "message"}
    assert all(hop.link.startswith("https://") for hop in [hops(evidences.succeeded())["execution"]])


def test_what_a_failed_job_never_came_to_is_not_expected() -> None:
    assert named(evidences.failed(), MISSING) == set()
    assert {"execution", "python-run", "job-run", "recorder", "message"} <= named(evidences.failed(), FOUND)
    assert {"spark-run", "staged", "manifest-python", "nested-load", "rows"} <= named(evidences.failed(), NOT_EXPECTED)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rule-run", lambda whole: with_rows(whole, "rule_run")),
        ("job-run", lambda whole: with_rows(whole, "job_run")),
        ("stage-run", lambda whole: with_rows(whole, "stage_run", {"stage": "python", "rows_out": 1})),
        ("manifest-load", lambda whole: with_document(whole, "load", Answer({"job_id": "another"}))),
        ("rows", lambda whole: replace(whole, warehouse=replace(whole.warehouse, rows={"orders": Answer(889)}))),
        (
            "reconciliation",
            lambda whole: with_rows(whole, "reconciliation", {"table_name": "orders", "problem": "rows differ"}),
        ),
    ],
)  # fmt: skip
def test_what_lacks_the_job_id_is_missing(name: str, change: Callable[[Evidence], Evidence]) -> None:
    assert named(change(evidences.succeeded()), MISSING) == {name}


GOOD = evidences.succeeded().lake
HERE, BOTH = f"{evidences.RUN}/", evidences.objects("staged", a=1000, b=234)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("staged", {"staged": Answer()}, "staged rows: not found"),
        ("staged", {"staged": evidences.objects("staged", a=1233)}, "staged rows: 1,233 of 1,234 bytes"),
        ("staged", {"staged": BOTH}, "staged rows: 2 of 1 files"),
        ("staged", {"references": Answer()}, "reference shops: not found"),
        ("staged", {"references": evidences.objects("r", **{"other/a": 99})}, "reference shops: not found"),
        ("staged", {"references": evidences.objects("r", **{"shops/a": 9})}, "reference shops: 9 of 99 bytes"),
        ("rejected", {"rejected": Answer()}, "not found"),
        ("rejected", {"rejected": evidences.without(GOOD.rejected, ".parquet")}, "0 of 1 Parquet files"),
        (
            *("rejected", {"rejected": evidences.without(GOOD.rejected, "_refused")}),
            "0 of 1 texts (_refused-…), no _refused.json",
        ),
        ("rejected", {"rejected": evidences.without(GOOD.rejected, "_refused.json")}, "no _refused.json"),
        ("curated", {"curated": {"orders": evidences.objects("curated", a=1)}}, "orders: 1 of 1,234 bytes"),
        ("copy-lists", {"runs": evidences.without(GOOD.runs, f"{HERE}copy")}, "not found: orders.manifest"),
        (
            *("copy-lists", {"runs": evidences.without(GOOD.runs, "source_files/copy")}),
            "not found: the list of the source files",
        ),
        (
            *("copy-lists", {"runs": evidences.without(GOOD.runs, "source_files/part")}),
            "not found: the file that names the source files",
        ),
        (
            *("manifest-python", {"runs": evidences.without(GOOD.runs, f"python/{HERE}details")}),
            f"not found beside it: python/{HERE}details.json",
        ),
        (
            *("manifest-spark", {"runs": evidences.without(GOOD.runs, f"spark/{HERE}details")}),
            f"not found beside it: spark/{HERE}details.json",
        ),
    ],
)
def test_a_part_that_is_gone_is_named(name: str, changes: dict[str, Any], said: str) -> None:
    changed = with_lake(evidences.succeeded(), **changes)
    assert {hop.name: hop.detail for hop in hops(changed).values() if hop.state == MISSING} == {name: said}


def test_an_attempt_that_is_recorded_as_another_end_is_missing() -> None:
    row = {"attempt": 1, "status": "FAILED", "execution_arn": evidences.ARN, "redrive_count": 0}
    changed = with_rows(evidences.succeeded(), "job_attempt", row)
    assert named(changed, MISSING) == {"job-attempt"}
    assert hops(changed)["job-attempt"].detail == "attempt 1 is FAILED, its execution SUCCEEDED"


def test_lists_of_which_no_manifest_tells_are_shown_as_they_are() -> None:
    hop = hops(with_document(evidences.succeeded(), "spark", Answer()))["copy-lists"]
    assert (hop.state, hop.detail) == (FOUND, "orders.manifest")


def test_what_cannot_be_read_is_missing_and_says_why() -> None:
    evidence = with_document(evidences.succeeded(), "load", Answer(problem="AccessDenied: no"))
    hop = hops(evidence)["manifest-load"]
    assert (hop.state, hop.detail) == (MISSING, "cannot be read: AccessDenied: no")
    assert not Trace(evidence, (hop,)).is_complete


def test_rows_that_a_later_job_has_replaced_are_told_and_not_missing() -> None:
    whole = evidences.succeeded()
    warehouse = replace(whole.warehouse, rows={"orders": Answer(800)}, loaded_since=Answer([{"table_name": "orders"}]))
    hop = hops(replace(whole, warehouse=warehouse))["rows"]
    assert (hop.state, hop.detail) == (FOUND, "orders 800 of 890: a later job has replaced the others")


def test_a_service_forgets_after_its_time_and_not_before() -> None:
    whole = evidences.succeeded()
    gone = replace(whole, lambda_log=replace(whole.lambda_log, lines=Answer([])))
    assert hops(gone)["lambda-log"].state == MISSING
    old = hops(replace(gone, checked_at=whole.checked_at + timedelta(days=366)))["lambda-log"]
    assert (old.state, old.detail) == (FORGOTTEN, "kept for 365 days")
    forever = replace(gone, lambda_log=replace(gone.lambda_log, retention_days=None))
    assert hops(replace(forever, checked_at=whole.checked_at + timedelta(days=999)))["lambda-log"].state == MISSING


def test_a_message_may_take_two_minutes() -> None:
    failed = evidences.failed()
    untold = replace(failed, told=[replace(failed.told[0], recorder=Answer())])
    soon = replace(untold, checked_at=evidences.at(60))
    assert hops(soon)["message"].detail == "it failed 30 seconds ago: the event is on its way"
    assert named(replace(untold, checked_at=evidences.at(3600)), MISSING) == {"recorder", "message"}


def test_a_redrive_is_recorded_by_the_state_that_it_comes_to() -> None:
    failed = evidences.failed()
    redriven = Attempt(evidences.ARN, 1, "RUNNING", evidences.at(60))
    job = replace(failed.job, attempts=(*failed.job.attempts, redriven))
    # It is at work, and no state of it has written a row yet.
    assert named(replace(failed, job=job), MISSING) == set()
    (answer,) = failed.executions.values()
    assert answer.value
    loaded = StateRun("LoadAndRecord", evidences.at(70), 1, DONE, evidences.at(75))
    ran = replace(answer.value, states=[*answer.value.states, loaded])
    hop = hops(replace(failed, job=job, executions={evidences.ARN: Answer(ran)}))["job-attempt"]
    assert (hop.state, hop.detail) == (MISSING, "no row of first (redrive 1)")


def test_the_table_marks_each_kind_and_counts_them() -> None:
    states = [Hop(state, "S3", "keys", state, "what") for state in (FOUND, MISSING, NOT_EXPECTED, FORGOTTEN)]
    lines = Trace(evidences.succeeded(), tuple(states)).table().splitlines()
    assert lines[:4] == [
        *("  ✓ S3  keys  what", "  ✗ S3  keys  missing: what"),
        *("  – S3  keys  not expected: what", "  … S3  keys  forgotten: what"),
    ]
    assert lines[-1] == "job SUCCEEDED; hops: 1 found, 1 missing, 1 not expected, 1 forgotten"


def test_replays_are_a_hop_of_the_first_job_alone() -> None:
    whole = evidences.succeeded()
    assert "replay-reconciliation" not in hops(whole)
    assert "replay-reconciliation" not in hops(with_rows(whole, "replay_reconciliation"))
    hop = hops(with_rows(whole, "replay_reconciliation", evidences.replayed(1, 98)))["replay-reconciliation"]
    assert (hop.state, hop.detail) == (FOUND, "98 of 100 rejected rows replayed, 2 still rejected")
    problem = "more rows were replayed than job … rejected: some are loaded twice, or new"
    twice = with_rows(whole, "replay_reconciliation", evidences.replayed(2, 196, problem))
    assert named(twice, MISSING) == {"replay-reconciliation"}
    assert hops(twice)["replay-reconciliation"].detail == problem


def test_replays_that_cannot_be_counted_are_missing() -> None:
    warehouse = evidences.succeeded().warehouse
    tables = {**warehouse.tables, "replay_reconciliation": Answer[Any](problem="permission denied")}
    later = replace(warehouse, tables=tables, replayed_by=Answer([{"job_id": "later", "status": "SUCCEEDED"}]))
    assert named(replace(evidences.succeeded(), warehouse=later), MISSING) == {"replay-reconciliation"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            with_rows(evidences.succeeded(), "job_run"),
            "the job ID was not found at: Redshift, audit.job_run",
        ),
        (
            with_document(evidences.succeeded(), "load", Answer(problem="AccessDenied: no")),
            "nobody knows whether the job ID is at: S3, manifest load.json: cannot be read: AccessDenied: no",
        ),
        (
            with_rows(evidences.succeeded(), "stage_run", {"stage": "python", "rows_out": 1}),
            "evidence is missing or wrong at: Redshift, audit.stage_run: no row of stage spark and stage load",
        ),
        (
            with_rows(evidences.succeeded(), "reconciliation", {"table_name": "orders", "problem": "a is not b + c"}),
            "the rows do not add up at: Redshift, audit.reconciliation: orders: a is not b + c",
        ),
        (
            with_rows(evidences.succeeded(), "reconciliation", {"table_name": None, "problem": "no table is loaded"}),
            "the rows do not add up at: Redshift, audit.reconciliation: no table is loaded",
        ),
        (
            with_rows(evidences.succeeded(), "replay_reconciliation", evidences.replayed(2, 196, "too many rows")),
            "the rows do not add up at: Redshift, audit.replay_reconciliation: too many rows",
        ),
    ],
)
def test_what_is_missing_is_told_by_its_kind(changed: Evidence, said: str) -> None:
    (missing,) = (hop for hop in hops(changed).values() if hop.state == MISSING)
    assert fault(missing) == said
