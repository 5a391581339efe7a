"""`python -m pipeline_tools.pages`: a step of `nox -s lint`. Exit code 1 when a page is wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline_tools import console, pages
from pipeline_tools.environments import ROOT


def main(arguments: Sequence[str]) -> int:
    """Print the findings; the exit code is 0 without any, 1 with some, 2 for usage."""
    return console.tell_findings("pages", pages.check, ROOT, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
