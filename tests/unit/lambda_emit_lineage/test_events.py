"""Which events an execution gives, and what they hold."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

import pytest

from lambda_emit_lineage.handler import EventError
from tests.unit.lambda_emit_lineage import conformity
from tests.unit.lambda_emit_lineage.conftest import ARN, JOB, PREFIX, RUN, World, at, created, status

STAGES = ("python", "spark", "load")


def stage_run(stage: str, run: str = RUN) -> str:
    return str(uuid.uuid5(uuid.UUID(run), stage))


def complete(world: World, *stages: str) -> None:
    for number, stage in enumerate(STAGES):
        if stage in (stages or STAGES):
            world.leave(stage, 10 * number + 1, 10 * number + 9)


def assert_valid(world: World) -> None:
    """Each is what the schemas say, and each run has one START and at most one end."""
    for name, event in world.events().items():
        assert conformity.problems(event) == [], name
    kinds: dict[str, Counter[str]] = {}
    for _, kind, run in world.told():
        kinds.setdefault(run, Counter())[kind] += 1
    for run, counted in kinds.items():
        assert counted["START"] == 1, run
        assert counted["COMPLETE"] + counted["FAIL"] + counted["ABORT"] <= 1, run


def test_a_good_job(world: World) -> None:
    complete(world)
    assert world.deliver(status("RUNNING"), status()) == 11
    assert list(world.events()) == [
        "00-pipeline-START",
        "10-python-START", "11-python-COMPLETE", "12-pipeline-RUNNING",
        "20-spark-START", "21-spark-COMPLETE", "22-pipeline-RUNNING",
        "30-load-START", "31-load-COMPLETE", "32-pipeline-RUNNING",
        "90-pipeline-COMPLETE",
    ]  # fmt: skip
    assert_valid(world)
    assert {run for name, _, run in world.told() if name == "pipeline.flights"} == {RUN}
    assert {run for name, _, run in world.told() if name == "pipeline.flights.spark"} == {stage_run("spark")}
    keys = [key for key in world.objects if key.startswith("lineage/")]
    assert keys[0] == f"lineage/flights/{JOB}/20260131T123456789Z-{RUN[:8]}-00-pipeline-START.json"
    times = [event["eventTime"] for event in world.events().values()]
    assert times == sorted(times)
    assert (times[0], times[1], times[2], times[-1]) == (at(0), at(1), at(9), at(60))


def test_what_the_events_of_a_good_job_hold(world: World) -> None:
    complete(world)
    world.deliver(status("RUNNING"), status())
    events = world.events()
    start = events["00-pipeline-START"]["run"]["facets"]
    assert start["tdp_job"]["job_id"] == JOB
    assert (start["tdp_job"]["execution_arn"], start["tdp_job"]["redrive_count"]) == (ARN, 0)
    assert start["executionParameters"]["parameters"] == [
        {"key": "late_minutes", "name": "late_minutes", "value": "15"}
    ]
    python = events["11-python-COMPLETE"]
    assert python["run"]["facets"]["parent"]["run"] == {"runId": RUN}
    assert python["run"]["facets"]["parent"]["job"] == {"namespace": "tdp-dev", "name": "pipeline.flights"}
    assert python["run"]["facets"]["processing_engine"]["version"] == "1.4.5"
    source, airlines = python["inputs"][0], python["inputs"][1]
    assert (source["namespace"], source["name"]) == ("s3://raw", "flights/2026")
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == 10
    [asserted] = source["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (asserted["assertion"], asserted["column"], asserted["success"]) == ("invalidValues", "origin", True)
    assert (airlines["namespace"], airlines["name"]) == ("s3://raw", "reference/flights/airlines")
    staged, rejected = python["outputs"][0], python["outputs"][-1]
    assert (staged["namespace"], staged["name"]) == ("s3://lake", "staged/flights")
    assert staged["facets"]["schema"]["fields"][0] == {"name": "year", "type": "SMALLINT", "ordinal_position": 1}
    assert staged["outputFacets"]["outputStatistics"]["rowCount"] == 9
    assert rejected["outputFacets"]["outputStatistics"]["rowCount"] == 1
    spark = events["21-spark-COMPLETE"]
    assert "count_if(cancelled)" in spark["job"]["facets"]["sql"]["query"]
    [test] = spark["run"]["facets"]["test"]["tests"]
    assert (test["name"], test["status"], test["severity"], "actual" in test) == ("enough", "fail", "warn", False)
    delays = next(output for output in spark["outputs"] if output["name"] == "curated/flights/route_delays")
    assert delays["outputFacets"]["outputStatistics"]["rowCount"] == 4
    [made] = delays["facets"]["columnLineage"]["fields"]["mean_dep_delay"]["inputFields"]
    assert (made["name"], made["field"], made["transformations"][0]["subtype"]) == (
        "staged/flights", "dep_delay", "AGGREGATION",
    )  # fmt: skip
    load = events["31-load-COMPLETE"]
    table = next(output for output in load["outputs"] if output["name"] == "analytics.analytics.route_delays")
    assert table["namespace"] == "redshift://tdp-dev-redshift.us-east-1:5439"
    assert table["facets"]["schema"]["fields"][-1]["name"] == "job_id"
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 4
    curated = next(each for each in load["inputs"] if each["name"] == "curated/flights/route_delays")
    assert curated["inputFacets"]["dataQualityAssertions"]["assertions"][0]["success"] is False
    progress = [
        events[name]["run"]["facets"]["tdp_progress"] for name in ("12-pipeline-RUNNING", "90-pipeline-COMPLETE")
    ]
    assert [("rows_staged" in each, "rows_loaded" in each) for each in progress] == [(True, False), (True, True)]


def test_stages_are_told_while_the_job_goes_on(world: World) -> None:
    world.deliver(status("RUNNING"))
    world.leave("python", 1, 9)
    assert world.deliver(created("python")) == 3
    world.leave("spark", 11, 19)
    assert world.deliver(created("spark")) == 3
    live = dict(world.objects)
    world.leave("load", 21, 29)
    assert world.deliver(status()) == 4
    assert_valid(world)
    # The end makes the events of before anew, byte for byte, and so changes nothing.
    other = World(world.packaged)
    complete(other)
    other.deliver(status())
    assert {key: body for key, body in other.objects.items() if key in live} == live


@pytest.mark.parametrize("events", [[created("python")], [status(), created("python")]], ids=["too early", "too late"])
def test_a_manifest_whose_attempt_is_not_known_or_over_tells_nothing(world: World, events: Any) -> None:
    complete(world)
    world.deliver(*events[:-1])
    assert world.deliver(events[-1]) == 0


def test_events_that_come_twice_and_in_any_order(world: World) -> None:
    complete(world)
    assert world.deliver(status(), created("python"), status("RUNNING"), status(), status("RUNNING")) == 11
    assert_valid(world)


@pytest.mark.parametrize(
    ("state", "stage", "done"),
    [
        ("CleanWithPython", "python", ()),
        ("TransformWithSpark", "spark", ("python",)),
        ("PrepareLoad", "load", ("python", "spark")),
        ("LoadAndRecord", "load", ("python", "spark")),
        ("WriteLoadManifest", "load", ("python", "spark")),
        ("ReadPythonManifest", None, ("python",)),
        ("RegisterJob", None, ()),
        ("GenerateJobId", None, ()),
    ],
)
@pytest.mark.parametrize(
    ("ended", "kind"), [("FAILED", "FAIL"), ("TIMED_OUT", "FAIL"), ("ABORTED", "ABORT")], ids=str.lower
)
def test_an_end_without_success_gives_one_event_for_its_stage_and_one_for_the_job(
    world: World, state: str, stage: str | None, done: tuple[str, ...], ended: str, kind: str
) -> None:
    if done:
        complete(world, *done)
    world.state = state
    world.deliver(status("RUNNING"), status(ended), status(ended))
    assert_valid(world)
    failed = [name for name, type_, _ in world.told() if type_ == kind]
    assert failed == ([f"pipeline.flights.{stage}"] if stage else []) + ["pipeline.flights"]
    completed = [name for name, type_, _ in world.told() if type_ == "COMPLETE"]
    assert completed == [f"pipeline.flights.{each}" for each in done]
    message = world.events()[f"90-pipeline-{kind}"]["run"]["facets"]["errorMessage"]["message"]
    said = {"FAILED": "States.TaskFailed: it broke"}.get(ended, f"{ended}: the execution ended as {ended}")
    assert message == f"{state}: {said}"
    if stage:
        slot = {"python": 10, "spark": 20, "load": 30}[stage]
        assert world.events()[f"{slot}-{stage}-START"]["eventTime"] == at(40)
        assert world.events()[f"{slot + 1}-{stage}-{kind}"]["eventTime"] == at(60)


def test_a_stage_that_said_why_is_quoted_with_its_counts_and_verdicts(world: World) -> None:
    world.state = "CleanWithPython"
    world.leave("python", 1, 9, error="no column tailnum", rules=[{"metric": "rowCount", "passed": False}])
    world.deliver(status("FAILED"))
    assert_valid(world)
    failed = world.events()["11-python-FAIL"]
    assert failed["run"]["facets"]["errorMessage"]["message"] == "no column tailnum"
    assert failed["run"]["facets"]["test"]["tests"][0]["status"] == "fail"
    assert failed["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 10
    assert world.events()["90-pipeline-FAIL"]["run"]["facets"]["tdp_progress"]["rows_rejected"] == 1


def test_a_redrive_is_a_run_of_its_own_that_completes_what_the_first_did_not(world: World) -> None:
    world.state = "TransformWithSpark"
    world.leave("python", 1, 9)
    world.leave("spark", 11, 19, error="a rule did not pass")
    world.deliver(status("RUNNING"), status("FAILED"))
    world.leave("spark", 111, 119)
    world.leave("load", 121, 129)
    again: dict[str, Any] = {"began": 100.0, "ended": 160.0, "redriveCount": 1}
    # The end of the first attempt comes again, after the second one has done more.
    world.deliver(status("RUNNING", **again), created("spark"), status("FAILED"), status(**again))
    assert_valid(world)
    second = str(uuid.uuid5(uuid.UUID(RUN), f"{ARN}#1"))
    told = [(name.rpartition(".")[2], kind, run) for name, kind, run in world.told() if kind != "RUNNING"]
    assert told == [
        ("flights", "START", RUN),
        ("python", "START", stage_run("python")), ("python", "COMPLETE", stage_run("python")),
        ("spark", "START", stage_run("spark")), ("spark", "FAIL", stage_run("spark")),
        ("flights", "FAIL", RUN),
        ("flights", "START", second),
        ("spark", "START", stage_run("spark", second)), ("spark", "COMPLETE", stage_run("spark", second)),
        ("load", "START", stage_run("load", second)), ("load", "COMPLETE", stage_run("load", second)),
        ("flights", "COMPLETE", second),
    ]  # fmt: skip
    assert {event["run"]["facets"]["tdp_job"]["job_id"] for event in world.events().values()} == {JOB}


def test_an_execution_that_continues_a_job_is_a_run_of_it(world: World) -> None:
    world.state = "LoadAndRecord"
    complete(world, "python", "spark")
    world.deliver(status("RUNNING"), status("FAILED"))
    world.leave("load", 121, 129)
    other: dict[str, Any] = {"arn": f"{PREFIX}:execution:tdp-dev-pipeline:run-2", "began": 100.0, "ended": 160.0}
    given = json.dumps({"job_id": JOB})
    world.deliver(status("RUNNING", input=given, **other), status(input=given, **other))
    assert_valid(world)
    runs = {run for name, _, run in world.told() if name == "pipeline.flights"}
    assert runs == {RUN, str(uuid.uuid5(uuid.UUID(RUN), f"{other['arn']}#0"))}
    assert [kind for name, kind, _ in world.told() if name == "pipeline.flights.load"] == [
        "START",
        "FAIL",
        "START",
        "COMPLETE",
    ]
    assert {key.split("/")[2] for key in world.objects if key.startswith("lineage/")} == {JOB}


def test_a_continued_job_whose_dataset_nothing_tells_begins_at_its_end(world: World) -> None:
    given = json.dumps({"job_id": JOB})
    arn = f"{PREFIX}:execution:tdp-dev-pipeline:run-2"
    assert world.deliver(status("RUNNING", arn=arn, input=given)) == 0
    complete(world)
    world.deliver(status(arn=arn, input=given))
    assert_valid(world)
    assert next(iter(world.events())) == "00-pipeline-START"


@pytest.mark.parametrize("given", ['{"dataset": "choas"}', '{"dataset": "../flights"}', "[1]", None])
def test_a_job_of_no_dataset_is_told_as_well(world: World, given: str | None) -> None:
    world.state = "GenerateJobId"
    world.deliver(status("RUNNING", input=given), status("FAILED", input=given))
    assert_valid(world)
    assert [(name, kind) for name, kind, _ in world.told()] == [
        ("pipeline.unknown", "START"),
        ("pipeline.unknown", "FAIL"),
    ]
    assert all(key.startswith(f"lineage/unknown/{JOB}/") for key in world.objects)


@pytest.mark.parametrize(
    ("name", "nominal"),
    [("nightly-20260131T060000Z", "2026-01-31T06:00:00.000Z"), ("other-20260131T060000Z", None), ("nightly", None)],
)
def test_a_scheduled_run_says_which_moment_was_meant(world: World, name: str, nominal: str | None) -> None:
    arn = f"{PREFIX}:execution:tdp-dev-pipeline:{name}"
    world.deliver(status("RUNNING", arn=arn))
    facet = world.events()["00-pipeline-START"]["run"]["facets"].get("nominalTime", {})
    assert facet.get("nominalStartTime") == nominal
    assert_valid(world)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail-type": "Step Functions Execution Status Change", "detail": {"status": "RUNNING"}},
        {"detail-type": "Object Created", "detail": {"object": {"key": "runs/x/python.json"}}},
        {"detail-type": "Object Created", "detail": {"object": {"key": f"runs/{JOB}/python-error.json"}}},
        {"detail-type": "Another", "detail": {}},
    ],
)
def test_another_event_is_refused(world: World, event: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        world.deliver(event)


def test_what_is_no_manifest_is_none(world: World) -> None:
    world.put("lake", f"runs/{JOB}/python.json", b"{")
    world.put("lake", f"runs/{JOB}/spark.json", b"[]")
    world.state = "CleanWithPython"
    world.deliver(status("FAILED"))
    assert [kind for _, kind, _ in world.told()] == ["START", "START", "FAIL", "FAIL"]
