"""Several actions at a time, and one that fails."""

from __future__ import annotations

import threading

import pytest
from pyspark.sql import SparkSession

from glue_spark_job.parallel import run_all
from tests.waiting import SECONDS, until

pytestmark = pytest.mark.spark


def test_actions_run_at_the_same_time_and_give_their_results(spark: SparkSession) -> None:
    meeting = threading.Barrier(2, timeout=SECONDS)  # breaks unless both are there at once

    def meet(name: str) -> str:
        meeting.wait()
        return name

    assert run_all(spark, {"a": lambda: meet("x"), "b": lambda: meet("y")}) == {"a": "x", "b": "y"}
    assert run_all(spark, {}) == {}


def test_a_failure_cancels_the_jobs_of_the_others_and_is_the_one_that_is_raised(spark: SparkSession) -> None:
    tracker = spark.sparkContext.statusTracker()

    def endless() -> None:
        spark.range(10**15).selectExpr("sum(id % 7)").collect()

    def fail_beside_it() -> None:
        until(lambda: bool(tracker.getActiveJobsIds()), "the other one is at work")
        raise ValueError("the first failure")

    with pytest.raises(ValueError, match="the first failure"):
        run_all(spark, {"endless": endless, "failing": fail_beside_it})
    assert tracker.getActiveJobsIds() == []
