"""Runs the script of a Spark run as the main program, and writes down what ended it: Glue's ErrorMessage is made of it.

`glue_spark_script.py SCRIPT ARGUMENT…`; GLUE_EXCEPTION_FILE names the file.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run the script, and write down the exception that ends it."""
    told = Path(os.environ.pop("GLUE_EXCEPTION_FILE"))
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        told.write_text(f"SystemExit: {end.code}", encoding="utf-8")
        if end.code in (None, 0):
            sys.exit(1)  # any SystemExit is a failure
        raise
    except BaseException as error:  # of the user's script, which may raise its own; raised on
        told.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise


if __name__ == "__main__":
    main()
