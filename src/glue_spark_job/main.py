"""The Spark job: spark-submit main.py --job_id … (or Glue, or plain python) with the package on PYTHONPATH."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dataset_contract.manifests import SPARK
from glue_spark_job import arguments as command_line
from glue_spark_job import job, session
from glue_spark_job.errors import ArgumentsError, JobError, one_line
from glue_spark_job.logs import Log


def main(argv: Sequence[str]) -> int:
    """Runs the stage that `argv` describes. 0: done, or done before; 1: it failed; 2: the arguments are wrong.

    On 1 and 2 the last line on stderr is "error: " with what, where and what to do.
    """
    try:
        arguments = command_line.parse(argv)
    except ArgumentsError as error:
        return _failed(error)
    log = Log(arguments.job_id, SPARK)
    failure: JobError | None = None
    with session.started(f"{arguments.job_name} {arguments.dataset} {arguments.job_id}") as spark:
        try:
            job.run(spark, arguments, log)
        except JobError as error:
            failure = error
    if failure is None:
        return 0
    log.error(str(failure))
    return _failed(failure)


def _failed(error: JobError) -> int:
    session.say_last(f"error: {one_line(str(error))}")
    return error.exit_code


if __name__ == "__main__":
    # Glue takes any SystemExit for a failure, so a successful run has to end without one.
    code = main(sys.argv[1:])
    if code:
        sys.exit(code)
