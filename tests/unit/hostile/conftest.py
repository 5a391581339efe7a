"""Hostile input: what is drawn, how many examples, and the runs over them."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.unit.glue_python_job.conftest import Job

# Pieces of SQL, of JSONata, of templates and of paths, and characters that some reader takes for its own.
FRAGMENTS = [
    *("'", "''", '"', "\\", "\\'", "`", ";", "--", "/*", "*/", "$$", "$1", ":", ":p", ":job_id", "::int", "%", "%s"),
    *("'); DROP TABLE t; --", "' OR 1=1", "E'\\x41'", "NULL", "{{job_id}}", "{{ contract }}", "${x}", "{%", "%}"),
    *("{% $states.input %}", "$eval('1')", "$states", "& 'a'", "../", "%2e%2e/", "s3://", "é", "漢", "😀", " ", ""),
    *("\x00", "\n", "\r\n", "\t", "\x1b", "\u0301", "\u2028", "\u202e", "\ufeff", "\ud800", "x" * 300),
]  # fmt: skip

# `./noxw -s unit -- tests/unit/hostile --hypothesis-profile thorough`: so much more, and other examples each time.
_MORE = 50
settings.register_profile("thorough")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a failure be shown whose input is long: the warning of that would hide it."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Generating overly large repr"))


def examples(quick: int) -> settings:
    """The settings of a test with so many examples, the same ones in each usual run."""
    thorough = settings.get_current_profile_name() == "thorough"
    return settings(
        max_examples=quick * (_MORE if thorough else 1),
        derandomize=not thorough,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def new_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], Any]]:
    """Makes a job in a directory of its own; the one before is removed."""
    numbers = itertools.count()
    made: list[Path] = []

    def make() -> Job:
        while made:
            shutil.rmtree(made.pop())
        root = tmp_path / str(next(numbers))
        root.mkdir()
        made.append(root)
        return Job(root, capsys)

    yield make
