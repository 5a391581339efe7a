"""Finds out of an exception of Spark what a person needs to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from glue_spark_job.errors import JobError

# A cause of one of these is about the data or the SQL, and so is one of Spark's own that has an error class. What else
# can happen inside a job (a lost executor, a full disk) is no fault of the input: it propagates with its traceback.
_DATA_CAUSES = ("java.lang.ArithmeticException", "java.time.DateTimeException")
_SPARK_CAUSE = "org.apache.spark.SparkThrowable"
# Spark's advice to switch ANSI mode off, which is not to be followed here: the result would be a silent null.
_ANSI_ADVICE = re.compile(r" If necessary set \S*spark\.sql\.ansi\.enabled\S* to \S+ to bypass this error\.")
_RAISED = "java.lang.RuntimeException"  # exactly this class is what raise_error() of Spark SQL throws
# Of these, the exception that wraps them says more: the file and the column, or that a record is malformed.
_DETAILS = (
    "org.apache.spark.sql.execution.datasources.SchemaColumnConvertNotSupportedException",
    "com.fasterxml.jackson.core.JsonProcessingException",
)


def message(error: BaseException) -> str | None:
    """The first line of what Spark says about data or SQL; None where `error` is about something else."""
    if isinstance(error, PySparkException):
        return _first_line(str(error))
    if isinstance(error, Py4JJavaError):
        return _java_message(error.java_exception)
    return None


@contextmanager
def explained(prefix: str) -> Iterator[None]:
    """Turns what Spark says about data or SQL into a JobError that begins with `prefix`, if it does not already."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        text = message(error)
        if text is None:
            raise
        raise JobError(text if text.startswith(prefix) else f"{prefix}: {text}") from error


def _java_message(exception: Any) -> str | None:
    chain = [exception]
    while (cause := chain[-1].getCause()) is not None:
        chain.append(cause)
    root = chain[-1]
    classes = _classes(root)
    if len(chain) > 1 and any(name in classes for name in _DETAILS):
        return _first_line(str(chain[-2].getMessage()))
    has_error_class = _SPARK_CAUSE in classes and root.getErrorClass() is not None
    if has_error_class or classes[0] == _RAISED or any(name in classes for name in _DATA_CAUSES):
        return _first_line(str(root.getMessage()))
    return None


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
    line = next((line.strip() for line in text.splitlines() if line.strip()), text)
    return _ANSI_ADVICE.sub("", line)
