"""The Glue Python shell job `job-python-param`: cleans source files by their contract.

Glue runs this file as a script with the package on the path (--extra-py-files). It runs the same on a laptop:
`python -m glue_python_job.main --job_id … --source_uri /data/flights/ …`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from glue_python_job.arguments import parse
from glue_python_job.errors import JobError
from glue_python_job.job import run


def main(argv: Sequence[str]) -> int:
    """Run the job. Returns 0 when it succeeded, 2 for wrong arguments, 1 for another error that is understood."""
    try:
        run(parse(argv))
    except JobError as error:
        print("error: " + " ".join(str(error).split()), file=sys.stderr, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    if code:  # Glue takes any SystemExit for a failure, so success ends without one
        sys.exit(code)
