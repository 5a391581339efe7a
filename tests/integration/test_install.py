"""The project installed as a person installs it: a wheel, in an environment of its own, outside of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_tools.environments import ROOT, find_uv
from tests.integration.conftest import KindOfJob, Pipeline

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def command(stack_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The installed command, which knows of the checkout neither by a variable nor by where it runs."""
    place = tmp_path_factory.mktemp("installed")
    uv = find_uv()

    def done(*line: str) -> None:
        subprocess.run(line, check=True, cwd=ROOT)

    done(uv, "build", "--quiet", "--wheel", "--out-dir", str(place / "dist"), str(ROOT))
    done(uv, "venv", "--quiet", "--python", sys.executable, str(place / "venv"))
    python = str(place / "venv" / "bin" / "python")
    (wheel,) = (place / "dist").glob("*.whl")
    # The versions that are here already, so that nothing is downloaded for the test.
    versions = ("--constraint", str(ROOT / "requirements" / "dev.lock"))
    done(uv, "pip", "install", "--quiet", "--python", python, *versions, str(wheel))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.defpath, "HOME": str(place), "PIPELINE_STACK": str(stack_file)}
        line = [str(place / "venv" / "bin" / "pipeline"), *arguments]
        return subprocess.run(line, cwd=place, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_installed_command_works_on_a_deployment(
    command: Command, pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], tmp_path: Path
) -> None:
    good = jobs_of_all_kinds["good"].job_id
    doctor = command("doctor")
    assert doctor.returncode == 0, doctor
    (tmp_path / "flights.csv").write_text("year,month\n2013,1\n", encoding="utf-8")
    started = command("start", "flights", "--upload", str(tmp_path / "flights.csv"))
    assert started.returncode == 0, started
    watched = command("watch", started.stdout.strip())
    assert (watched.returncode, watched.stdout) == (1, f"job {started.stdout.strip()} FAILED\n"), watched
    traced = command("trace", good)
    assert traced.returncode == 0, traced
    reported = command("report", good, "--html", str(tmp_path / "report.html"))
    assert reported.returncode == 0, reported
    assert good in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_it_brings_neither_spark_nor_an_emulator(command: Command) -> None:
    python = Path(str(command("--version").args[0])).with_name("python")
    program = (
        "import importlib.util as u; print([n for n in ('pyspark', 'duckdb', 'ministack', 'moto') if u.find_spec(n)])"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
