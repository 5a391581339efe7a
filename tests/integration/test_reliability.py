"""Some cases of `nox -s chaos` on the deployment of these tests: those that are quick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline_tools.chaos import matrix, results_page, runner
from pipeline_tools.chaos.cases import SUCCEEDS, ChaosCase
from pipeline_tools.chaos.rig import Rig
from pipeline_tools.endpoint import LocalEndpoint
from tests.integration.conftest import Pipeline, given_endpoint

QUICK = (
    "pipeline.GenerateJobId.throttled.lasts",
    "pipeline.CleanWithPython.throttled.lasts",
    "run-sql.ExecuteBatch.register.throttled.lasts",
    "run-sql.ExecuteBatch.load.lost-answer.passes",
    "python-job.reads-source.503.passes",
    "record-failure.DescribeFailure.time-out.a-while",
    "record-failure.RecordFailure.too-many.a-while",
    "record-failure.Notify.denied.a-while",
    "event.twice",
)


@pytest.fixture
def rig(pipeline: Pipeline, endpoint: LocalEndpoint) -> Iterator[Rig]:
    if given_endpoint():
        pytest.skip("an endpoint of one's own has no faults")
    made = Rig(pipeline.clients, pipeline.outputs, endpoint)
    yield made
    made.end()


def test_what_breaks_is_mended_or_told(rig: Rig) -> None:
    cases = [named(name) for name in QUICK]
    results = runner.play_all(rig, cases, "integration", lambda _result: None)
    assert all(result.passed for result in results), results_page.table(results)


def test_a_case_that_expects_something_else_fails_by_all_that_is_otherwise(rig: Rig) -> None:
    case = named("input.unknown-dataset")
    fault = {"name": "unmet", "at": "task", "match": {"execution": "nobody"}, "delay": 1.0}
    (result,) = runner.play_all(rig, [replace(case, ends=SUCCEEDS, faults=[fault])], "expected", lambda _result: None)
    assert not result.passed
    (attempt,) = result.attempts
    assert attempt.startswith("FAILED")
    said = "\n".join(map(str, result.findings))
    for what in (
        "never met",
        "expected SUCCEEDED, found FAILED",
        "audit.job_run of ",
        "audit.job_attempt of ",
        "manifests of ",
        "messages about ",
    ):
        assert what in said, said


def named(name: str) -> ChaosCase:
    (found,) = (case for case in matrix.cases() if case.name == name)
    return found
