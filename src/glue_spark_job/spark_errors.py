"""Extracts from an exception of Spark what a person needs to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from glue_spark_job import origins
from glue_spark_job.errors import JobError
from glue_spark_job.origins import Script

# A cause of one of these is about the data or the SQL, and so is one of Spark's own that has an error class. What else
# can happen inside a job (a lost executor, a full disk) is not a fault of the input: it propagates with its traceback.
_DATA_CAUSES = ("java.lang.ArithmeticException", "java.time.DateTimeException")
_SPARK_CAUSE = "org.apache.spark.SparkThrowable"
# Spark advises to change settings, above all to switch ANSI mode off. Nobody can, and nobody should: the result would
# be a silent null.
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z\"'`])")
_SETTING = "spark.sql."
_RAISED = "java.lang.RuntimeException"  # exactly this class is what raise_error() of Spark SQL throws
# Of these, the exception that wraps them says more: the file and the column.
_DETAILS = ("org.apache.spark.sql.execution.datasources.SchemaColumnConvertNotSupportedException",)


@dataclass(frozen=True)
class Computation:
    """A table that is being computed, to place its errors in transform.sql."""

    script: Script
    frame: DataFrame


@contextmanager
def explained(prefix: str, computation: Computation | None = None) -> Iterator[None]:
    """Turn what Spark says about data or SQL into a JobError that begins with `prefix`, if it does not already.

    With a `computation`, the error names the expression and its place in transform.sql.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        cause = _cause(error)
        if cause is None:
            raise
        exception, text = cause
        text = text if text.startswith(prefix) else f"{prefix}: {text}"
        place = _place(exception, text, computation) if computation else ""
        raise JobError(f"{text.rstrip('.')}; at {place}" if place else text) from error


def _cause(error: PySparkException | Py4JJavaError) -> tuple[Any, str] | None:
    """The exception that is about data or SQL, and the first line of what it says; None where there is none."""
    if isinstance(error, Py4JJavaError):
        return _java_cause(error.java_exception)
    return getattr(error, "_origin", None), _first_line(str(error))


def _java_cause(exception: Any) -> tuple[Any, str] | None:
    chain = [exception]
    while (cause := chain[-1].getCause()) is not None:
        chain.append(cause)
    root = chain[-1]
    classes = _classes(root)
    if len(chain) > 1 and any(name in classes for name in _DETAILS):
        return root, _first_line(str(chain[-2].getMessage()))
    has_error_class = _SPARK_CAUSE in classes and root.getErrorClass() is not None
    if has_error_class or classes[0] == _RAISED or any(name in classes for name in _DATA_CAUSES):
        return root, _first_line(str(root.getMessage()))
    return None


def _place(exception: object, text: str, computation: Computation) -> str:
    classes = _classes(exception) if exception is not None else [_RAISED]
    if classes[0] == _RAISED:
        return ""  # the text is the job's own, or one of transform.sql: it says what it is about
    place = origins.of_error(exception, computation.script) if _SPARK_CAUSE in classes else ""
    return place or origins.suspects(text, computation.frame, computation.script)


def _classes(exception: Any) -> list[str]:
    """Names of the exception's class, its superclasses, and the interfaces of each."""
    names: list[str] = []
    current = exception.getClass()
    while current is not None:
        names.append(str(current.getName()))
        names += [str(interface.getName()) for interface in current.getInterfaces()]
        current = current.getSuperclass()
    return names


def _first_line(text: str) -> str:
    text = text.replace("\0", r"\0")  # a message ends up in the audit tables, which take no NUL
    line = next((line.strip() for line in text.splitlines() if line.strip()), text)
    return " ".join(part for part in _SENTENCE.split(line) if _SETTING not in part) or line
