"""Several actions of one Spark application at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from pyspark.sql import SparkSession

_T = TypeVar("_T")
_MOST_AT_ONCE = 8


def run_all(spark: SparkSession, actions: Mapping[str, Callable[[], _T]]) -> dict[str, _T]:
    """Calls every action in a thread of its own and returns the results by name.

    Planning is serial within one action and leaves cores idle, as do the last tasks of a stage: another action uses
    them. When one fails, the Spark jobs of the others are cancelled and its exception is raised.
    """
    if not actions:
        return {}
    with ThreadPoolExecutor(min(len(actions), _MOST_AT_ONCE)) as pool:
        futures = {name: pool.submit(action) for name, action in actions.items()}
        done, running = wait(futures.values(), return_when=FIRST_EXCEPTION)
        failed = [future for future in futures.values() if future in done and future.exception()]
        if failed:
            for future in running:
                future.cancel()
            if running:
                spark.sparkContext.cancelAllJobs()
            failed[0].result()
    return {name: future.result() for name, future in futures.items()}
