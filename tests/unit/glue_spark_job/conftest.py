"""One Spark session for all tests, and a run of the job to start from."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glue_spark_job import session
from tests.unit.glue_spark_job.orders import QUICK_JVM, Orders


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PySpark leaves the sockets of collect() to the garbage collector, which says so as a ResourceWarning."""
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of the tests, with the settings of the job."""
    with pytest.MonkeyPatch.context() as patch:
        warehouse = f"--conf spark.sql.warehouse.dir={tmp_path_factory.mktemp('warehouse')}"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--driver-java-options '{QUICK_JVM}' {warehouse} pyspark-shell")
        with session.started("unit tests") as spark:
            spark.conf.set("spark.sql.shuffle.partitions", "2")
            yield spark
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def spark(spark_session: SparkSession) -> Iterator[SparkSession]:
    """The Spark session, without the views of another test; its sockets are collected before a later test is blamed."""
    yield spark_session
    for table in spark_session.catalog.listTables():
        spark_session.catalog.dropTempView(table.name)
    gc.collect()


@pytest.fixture
def orders(tmp_path: Path) -> Orders:
    """A run that succeeds as it is."""
    return Orders(tmp_path)
