"""Glue jobs: what a run is given, what it may take, where its log lines go, and what is said of one that failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

# https://docs.aws.amazon.com/glue/latest/dg/add-job-python.html: the values of --library-set; by default the first.
ANALYTICS: Final = "analytics"
NO_LIBRARIES: Final = "none"

# What of the set `analytics` the local endpoint has, by the names of modules; that page lists all of it.
ANALYTICS_HERE: Final = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")

# Special parameters that a Spark job heeds and a Python shell job does not:
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
SPARK_ARGUMENTS: Final = frozenset(
    f"--{name}"
    for name in (
        *("class", "continuous-log-logGroup", "continuous-log-logStreamPrefix", "continuous-log-conversionPattern"),
        *("custom-logGroup-prefix", "custom-logStream-prefix", "datalake-formats", "enable-auto-scaling"),
        *("enable-continuous-cloudwatch-log", "enable-continuous-log-filter", "enable-glue-datacatalog"),
        *("enable-job-insights", "enable-metrics", "enable-observability-metrics", "enable-spark-ui", "executor-cores"),
        *("extra-files", "extra-jars", "job-bookmark-option", "spark-event-logs-path", "user-jars-first"),
        *("write-shuffle", "enable-rename-algorithm-v2", "enable-s3-parquet-optimized"),
    )
)

# A library is a wheel (or an .egg, up to Python 3.6), which pip installs before the script starts:
# https://docs.aws.amazon.com/glue/latest/dg/add-job-python.html.
# What happens to another file: https://github.com/aws/aws-cdk/issues/20481
PYTHON_SHELL_PYTHON: Final = "3.9"
# Of Amazon Linux 2: https://docs.aws.amazon.com/linux/al2/ug/glibc-gcc-and-binutils.html
PYTHON_SHELL_GLIBC: Final = (2, 26)

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html (MaxCapacity): a DPU has 4 vCPUs and 16 GB.
DPU_BYTES: Final = 16 * 1024**3
PYTHON_SHELL_CAPACITIES: Final = (0.0625, 1.0)

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html (JobCommand): what runs, and in which Pythons
COMMAND_PYTHONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "glueetl": frozenset({"2", "3"}),
        "gluestreaming": frozenset({"2", "3"}),
        "pythonshell": frozenset({"2", "3", "3.9"}),
        "glueray": frozenset({"3.9"}),
    }
)
# https://docs.aws.amazon.com/glue/latest/dg/release-notes.html; from 2.0 on there is no Python 2
GLUE_VERSIONS: Final = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1")
_WITH_PYTHON_2: Final = ("0.9", "1.0")

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html: names and values in all.
MOST_ARGUMENT_BYTES: Final = 260_000

# https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html: every state, and whether the run is over in it.
JOB_RUN_STATES: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "STARTING": False,
        "RUNNING": False,
        "STOPPING": False,
        "WAITING": False,
        "STOPPED": True,
        "SUCCEEDED": True,
        "FAILED": True,
        "TIMEOUT": True,
        "ERROR": True,
        "EXPIRED": True,
    }
)

# https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging-enable.html
PYTHON_SHELL_LOGS: Final = "/aws-glue/python-jobs"
SPARK_LOGS: Final = "/aws-glue/jobs"


def job_refusal(job: Mapping[str, Any]) -> str:
    """Why Glue makes no job of a definition (the members of CreateJob or of a JobUpdate); empty where it does.

    The words about workers and versions were met on AWS (https://github.com/cloudposse/terraform-aws-glue/issues/42,
    https://github.com/aws-samples/cql-replicator/issues/160); the others are ours.
    """
    command: Mapping[str, str] = job.get("Command") or {}
    name, python, version = command.get("Name", ""), command.get("PythonVersion"), job.get("GlueVersion")
    workers = bool(job.get("WorkerType") or job.get("NumberOfWorkers"))
    capacity = job.get("MaxCapacity")
    if name not in COMMAND_PYTHONS:
        return f"Job Command name [{name}] is not valid: it is one of {', '.join(COMMAND_PYTHONS)}"
    if python is not None and python not in COMMAND_PYTHONS[name]:
        return f"Given PythonVersion [{python}] is not valid for Job Command {name}"
    if version is not None and version not in GLUE_VERSIONS:
        return f"Given GlueVersion [{version}] is not valid"
    if name != "pythonshell" and python == "2" and version is not None and version not in _WITH_PYTHON_2:
        return f"Given PythonVersion [2] is not valid for GlueVersion [{version}]"
    if name == "pythonshell" and workers:
        return "Worker Type is not supported for Job Command pythonshell"
    if name == "pythonshell" and capacity is not None and capacity not in PYTHON_SHELL_CAPACITIES:
        return f"Given MaxCapacity [{capacity}] is not valid for Job Command pythonshell: it is 0.0625 or 1"
    if workers and capacity is not None:
        return "Please do not set Max Capacity if using Worker Type and Number of Workers."
    return ""


def python_shell_platforms() -> Iterator[str]:
    """The platform tags of wheels that Python shell's pip installs, as PEP 600 orders them by glibc."""
    major, newest = PYTHON_SHELL_GLIBC
    for minor in range(newest, 4, -1):
        yield f"manylinux_{major}_{minor}_x86_64"
    for legacy in ("manylinux2014", "manylinux2010", "manylinux1", "linux"):
        yield f"{legacy}_x86_64"


def pip_options() -> list[str]:
    """What tells a pip of another Python or Linux which wheels are for Python shell."""
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON_SHELL_PYTHON}"]
    return options + [f"--platform={platform}" for platform in python_shell_platforms()]


def log_stream(run_id: str, *, spark: bool, glue_version: str, prefix: str) -> str:
    """The stream in the groups …/output and …/error that a run's script, or Spark's driver, writes to.

    Python shell's is the run's ID. From Glue 5.0 on, a Spark job's --custom-logStream-prefix takes the ID's place, so
    runs with the same prefix share a stream: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
    """
    if spark and prefix and int(glue_version.partition(".")[0] or 0) >= 5:
        return f"{prefix}-driver"
    return run_id


def exit_message(code: int) -> str:
    """The ErrorMessage of a run by its exit code (negative: the signal that ended it, which a shell adds to 128).

    Why is in the run's log: https://github.com/awslabs/aws-glue-libs/issues/221
    """
    return f"Command failed with exit code {code if code >= 0 else 128 - code}"
