"""`python -m pipeline` is the command `pipeline`. It imports little before it can say that it was interrupted."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point. Ctrl-C ends it without a traceback, also while it still imports."""
    try:
        from pipeline.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130  # as pipeline.cli.INTERRUPTED, which may not be there yet
    sys.exit(code)


if __name__ == "__main__":
    main()
