"""The classes of Spark in an archive that the JVM of a run maps into memory instead of loading them one by one.

A Spark run loads some 14,000 classes, which is most of what a small run costs: with the archive 5.5 s of CPU time
instead of 10. Made once an environment by `python -m local_aws.services.glue.spark_classes`, in about 30 s of CPU time;
without it, or with one of another Java or Spark, which the JVM finds by itself, runs are only slower.
https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

QUICK_JVM: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For runs of seconds: what the optimising compiler would win is less than what it costs."""
_LASTING_JVM: Final = (
    "-XX:+UseSerialGC -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
"""Its thresholds are ten times the usual ones, so that what is optimised is what rows pass, and not Spark's start."""
_MOST_QUICK_BYTES: Final = 32 * 1024**2
"""Up to which the quick one was quicker. Medians of two to three runs on two cores, JVM as it is, lasting, quick:

0.3 M rows of flights (5 MB) 12.2, 11.0, 9.5 s; 1.8 M rows of lineitem (41 MB) 10.1, 9.5, 9.4 s; 6 M rows (145 MB)
13.0, 12.2, 17.7 s.
"""

# What a job does, over a few rows: the classes that it loads are those of the archive.
_EXERCISE: Final = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("classes").config("spark.sql.shuffle.partitions", "2").getOrCreate()
rows = "id, id % 7 AS k, CAST(id AS STRING) AS t, CAST(id AS DECIMAL(18, 2)) AS d, CAST('2013-01-01' AS DATE) AS day"
spark.range(100).createOrReplaceTempView("plain")
spark.sql(f"SELECT {rows} FROM range(100)").write.mode("overwrite").parquet(sys.argv[1] + "/a")
spark.read.parquet(sys.argv[1] + "/a").createOrReplaceTempView("a")
grouped = spark.sql(
    "SELECT a.k, COUNT(*) AS n, SUM(a.d) AS total, MAX(UPPER(a.t)) AS t, MIN(a.day + INTERVAL 1 DAY) AS day "
    "FROM a LEFT JOIN plain ON a.id = plain.id GROUP BY a.k"
)
grouped.write.mode("overwrite").parquet(sys.argv[1] + "/b")
spark.sql("SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id) AS r FROM a").filter("r > 1").collect()
"""


def spark_home() -> Path:
    """The Spark of this environment; found, not imported: that took the first run of an endpoint a second.

    Raises:
        ModuleNotFoundError: there is none.
    """
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("Spark runs need the package pyspark")
    # An archive of classes is used only by the paths that it was made with.
    return Path(found.origin).resolve().parent


def archive(java_home: Path, spark_home: Path) -> Path:
    """Where the archive of a Java and a Spark is; in the environment that has Spark, so that it goes with it."""
    key = hashlib.sha256(f"{java_home}\n{spark_home}".encode()).hexdigest()[:12]
    return Path(*spark_home.parts[: spark_home.parts.index("lib")], "share", "spark-classes", f"{key}.jsa")


def options(java_home: Path | None, spark_home: Path) -> str:
    """The JVM options that use the archive; empty where there is none."""
    found = java_home and "lib" in spark_home.parts and archive(java_home, spark_home)
    if not found or not found.is_file():
        return ""
    # A JVM that cannot use it goes on without, in silence.
    return f'-XX:SharedArchiveFile="{found}" -Xshare:auto -Xlog:disable -Xlog:all=error:stderr'


def jvm(java_home: Path | None, spark_home: Path, input_bytes: int) -> str:
    """The JVM options of a run over so many bytes of Parquet."""
    chosen = QUICK_JVM if input_bytes <= _MOST_QUICK_BYTES else _LASTING_JVM
    return f"{chosen} {options(java_home, spark_home)}".rstrip()


def make(java_home: Path, spark_home: Path, python: Path) -> Path:
    """Make the archive unless it is there.

    Raises:
        subprocess.CalledProcessError: Java or Spark failed.
    """
    made = archive(java_home, spark_home)
    if made.is_file():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
        # An archive over another one names it, so this one has its place before it is used.
        base = made.with_suffix(".base.jsa")
        java = str(java_home / "bin" / "java")
        _run(java, "-Xshare:dump", f"-XX:SharedArchiveFile={scratch}/base.jsa")
        Path(scratch, "base.jsa").replace(base)
        program = Path(scratch, "exercise.py")
        program.write_text(_EXERCISE, encoding="utf-8")
        quick = f'{QUICK_JVM} -XX:SharedArchiveFile="{base}" -XX:ArchiveClassesAtExit="{scratch}/spark.jsa"'
        _run(
            *(str(spark_home / "bin" / "spark-submit"), "--master", "local[2]"),
            *("--conf", "spark.ui.enabled=false", "--conf", f"spark.local.dir={scratch}"),
            *(
                "--conf",
                f"spark.sql.warehouse.dir={scratch}/warehouse",
                "--conf",
                f"spark.driver.extraJavaOptions={quick}",
            ),
            *(str(program), scratch),
            JAVA_HOME=str(java_home),
            SPARK_HOME=str(spark_home),
            SPARK_LOCAL_IP="127.0.0.1",
            PYSPARK_PYTHON=str(python),
            PYSPARK_DRIVER_PYTHON=str(python),
        )
        Path(scratch, "spark.jsa").replace(made)
    return made


def _run(*line: str, **environment: str) -> None:
    subprocess.run(
        line, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def main() -> int:
    """Make the archive of this interpreter's Spark."""
    from local_aws.java import java_home

    java, spark = java_home(), spark_home()
    if not archive(java, spark).is_file():
        print("archiving the classes of Spark, once for this environment", file=sys.stderr, flush=True)
    make(java, spark, Path(sys.executable))
    return 0


if __name__ == "__main__":
    sys.exit(main())
