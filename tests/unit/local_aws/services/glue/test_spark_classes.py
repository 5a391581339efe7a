"""The archive of Spark's classes: used where it is there, and there only when it is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.java import java_home
from local_aws.services.glue import spark_classes

JAVA = java_home()


def spark(root: Path, submit: str) -> Path:
    """The home of a Spark whose spark-submit is a shell script."""
    home = root / "lib" / "pyspark"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "spark-submit"
    script.write_text(f"#!/bin/sh\n{submit}\n", encoding="utf-8")
    script.chmod(0o755)
    return home


def test_an_archive_is_made_once_and_then_used(tmp_path: Path) -> None:
    # What the JVM writes at its end, at the place that its option names.
    home = spark(tmp_path, """echo "$@" | sed -n 's/.*ArchiveClassesAtExit="\\([^"]*\\)".*/\\1/p' | xargs touch""")
    assert spark_classes.options(JAVA, home) == ""
    made = spark_classes.make(JAVA, home, Path(sys.executable))
    assert made.parent == tmp_path / "share" / "spark-classes"
    assert str(made) in spark_classes.options(JAVA, home)
    (home / "bin" / "spark-submit").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert spark_classes.make(JAVA, home, Path(sys.executable)) == made
    assert spark_classes.archive(tmp_path, home) != made


def test_a_spark_that_fails_leaves_no_archive(tmp_path: Path) -> None:
    home = spark(tmp_path, "exit 1")
    with pytest.raises(subprocess.CalledProcessError):
        spark_classes.make(JAVA, home, Path(sys.executable))
    assert spark_classes.options(JAVA, home) == ""


def test_a_spark_outside_of_an_environment_has_none() -> None:
    assert spark_classes.options(JAVA, Path("/opt/spark")) == ""
    assert spark_classes.options(None, Path("/x/lib/pyspark")) == ""
