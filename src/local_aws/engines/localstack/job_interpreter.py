"""The interpreter of the job processes: LocalStack needs a newer Python than the jobs and their Spark."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """
import json
from importlib.util import find_spec
from local_aws.java import java_home
spark, botocore = (find_spec(name).submodule_search_locations[0] for name in ("pyspark", "botocore"))
print(json.dumps({"spark_home": spark, "java_home": str(java_home()), "models": botocore + "/data"}))
"""
_SECONDS = 60.0


class InterpreterError(RuntimeError):
    """The interpreter cannot run the jobs; the message holds what it said."""


@dataclass(frozen=True)
class JobInterpreter:
    """An environment with PySpark, a Java and botocore. `models`: the directory of botocore's service models."""

    python: Path
    spark_home: Path
    java_home: Path
    models: Path


def find(python: Path) -> JobInterpreter:
    """Ask an interpreter for what it has.

    Raises:
        InterpreterError: there is no such interpreter, or it lacks one of them.
    """
    source = Path(__file__).resolve().parents[3]
    line = [str(python), "-P", "-c", f"import sys; sys.path.insert(0, {str(source)!r})\n{_PROGRAM}"]
    try:
        answer = subprocess.run(line, capture_output=True, text=True, check=True, timeout=_SECONDS)
    except OSError as error:
        raise InterpreterError(f"{python} cannot be run: {error}; name another with --job-python") from error
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        message = f"{python} cannot run the jobs, name another with --job-python: {said[-500:]}"
        raise InterpreterError(message) from error
    return JobInterpreter(python, **{name: Path(value) for name, value in json.loads(answer.stdout).items()})
