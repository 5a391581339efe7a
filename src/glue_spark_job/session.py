"""The Spark session of the job, and the last word on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

# The results depend on these, so they are not for spark-submit to change.
_REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    # A cast or an arithmetic operation that cannot keep the value fails instead of giving null.
    "spark.sql.ansi.enabled": "true",
    # Views keep the plan of their statement. From its text Spark would make a new one for each use, in which an
    # expression no longer knows where it stands, and errors could not be placed.
    "spark.sql.legacy.storeAnalyzedPlanForView": "true",
    # Timestamps are Spark's TIMESTAMP throughout (UTC), whichever flag a Parquet file carries.
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.writeLegacyFormat": "false",
    # Old dates as the proleptic Gregorian calendar has them, as DuckDB and Redshift do; by default Spark refuses them.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.ui.showConsoleProgress": "false",  # a bar in a log is noise; plain python would switch it on
}
# These are only better defaults: a --conf of spark-submit, or of Glue, wins.
_DEFAULTS = {
    "spark.master": "local[*]",
    "spark.log.level": "WARN",
    # Number of partitions after a shuffle, and kind of join, by the sizes that Spark measures as it runs.
    "spark.sql.adaptive.enabled": "true",
    # Small staged files are read by more than one core (the default, 4 MB, makes one task of the flights).
    "spark.sql.files.openCostInBytes": "1m",
}
_LOCAL_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


@contextmanager
def started(name: str) -> Iterator[SparkSession]:
    """A session whose application is called `name`. It is stopped at the end, unless it was there before."""
    existing = SparkSession.getActiveSession()
    configuration = SparkConf() if existing else _configuration()
    configuration.set("spark.app.name", name)
    for key, value in _REQUIRED.items():
        configuration.set(key, value)
    spark = SparkSession.builder.config(conf=configuration).getOrCreate()
    try:
        yield spark
    finally:
        if not existing:
            spark.stop()


def say_last(line: str) -> None:
    """Writes `line` to stderr as the last thing that the program, its JVM included, says there.

    spark-submit sends the stderr of a Python script to its own stdout, so under it the JVM has to speak; and it logs
    at the level INFO while it shuts down, which would come after.
    """
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        print(line, file=sys.stderr, flush=True)
        return
    jvm = _gateway()
    log4j = jvm.org.apache.logging.log4j
    with suppress(TypeError, Py4JError):  # where Spark logs through another library, its last lines may follow
        log4j.core.config.Configurator.setRootLevel(log4j.Level.WARN)
    jvm.java.lang.System.err.println(line)


def _configuration() -> SparkConf:
    # What spark-submit was given is known to the JVM, and a SparkConf sees it only once there is a connection to it.
    _gateway()
    configuration = SparkConf()
    for key, value in _DEFAULTS.items():
        configuration.setIfMissing(key, value)
    if str(configuration.get("spark.master")).startswith("local"):
        for key, value in _LOCAL_DEFAULTS.items():
            configuration.setIfMissing(key, value)
    return configuration


def _gateway() -> Any:
    SparkContext._ensure_initialized()
    return SparkContext._jvm
