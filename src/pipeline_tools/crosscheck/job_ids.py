"""The length of a job ID: sql/audit and the state machines write it out, and it is that of the contract package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dataset_contract.model import JOB_ID_LENGTH
from pipeline_tools.crosscheck.project import Project

# What holds a job ID in sql/audit: columns, what procedures take, their variables, and bound parameters.
_HOLDERS = {"job", "job_id", "known_job", "newest", "recorded", "replay_origin", "replayed", "replays"}
_TYPED = re.compile(r"(\w+)\s+(?:AS\s+)?VARCHAR\s*\(\s*(\d+)\s*\)", re.IGNORECASE)
# The alphabet of a job ID, and how many there are.
_FORM = re.compile(r"\[0-9A-Za-z-\]\{(\d+)\}")


def check(project: Project) -> None:
    """Report what is not as long as a job ID and ought to be, and what is of that length and no known holder of one."""
    right = f"VARCHAR({JOB_ID_LENGTH})"
    for file in sorted((project.root / "sql" / "audit").glob("*.sql")):
        for line, match in _matches(file, _TYPED):
            is_holder, is_as_long = match[1].lower() in _HOLDERS, int(match[2]) == JOB_ID_LENGTH
            if is_holder and not is_as_long:
                wrong = f"{match[1]} holds a job ID, which is {right}, not VARCHAR({match[2]})"
                project.say(file, line, wrong, f"write {right}, or another name for what holds no job ID")
            elif is_as_long and not is_holder:
                wrong = f"{match[1]} is as long as a job ID, and no name of what holds one"
                project.say(file, line, wrong, "add it to _HOLDERS of crosscheck/job_ids.py, or write another length")
    for file in sorted((project.root / "infra" / "state_machines").glob("*.yaml")):
        for line, match in _matches(file, _FORM):
            if int(match[1]) != JOB_ID_LENGTH:
                wrong = f"a job ID has {JOB_ID_LENGTH} characters, not {match[1]}"
                project.say(file, line, wrong, f"write [0-9A-Za-z-]{{{JOB_ID_LENGTH}}}")


def _matches(file: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    for line, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        yield from ((line, match) for match in pattern.finditer(text))
