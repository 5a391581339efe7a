from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_tools.datasets.folders import DatasetError
from pipeline_tools.environments import find_pip
from pipeline_tools.packaging import package, wheels

ROOT = Path(__file__).parents[4]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is packaged, free to be changed."""
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for folder in ("sql", "src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def test_equal_sources_give_byte_identical_files(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "one")
    for path in project.rglob("*.py"):
        path.touch()  # another time of change is not a change
    package.build(project, tmp_path / "two")
    assert dict(contents(tmp_path / "one")) == dict(contents(tmp_path / "two"))


def test_a_package_that_is_there_already_is_left_alone(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")}
    package.build(project, tmp_path / "out")
    assert {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*")} == before
    (tmp_path / "out" / "package.json").write_text("{}")
    description = package.build(project, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "package.json").read_text()) == description
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("out")} == {"out", "out.lock"}


@pytest.mark.parametrize("changed", ["sql/datasets/flights/transform.sql", "src/dataset_contract/model.py"])
def test_a_changed_source_changes_the_code_version(project: Path, tmp_path: Path, changed: str) -> None:
    before = package.build(project, tmp_path / "one")
    script = project / changed
    script.write_bytes(script.read_bytes() + b"\n")
    assert package.build(project, tmp_path / "two")["code_version"] != before["code_version"]


def test_the_description_names_every_file_for_terraform(project: Path, tmp_path: Path) -> None:
    named = package.build(project, tmp_path / "out")["files"]
    assert sorted([*named, "package.json"]) == sorted(name for name, _ in contents(tmp_path / "out"))


def test_the_lambda_gets_its_code_and_the_compiled_sql(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out" / "lambda_generate_param.zip") as archive:
        names = set(archive.namelist())
        contract = json.loads(archive.read("sql/datasets/flights/contract.json"))
    assert {"lambda_generate_param/handler.py", "dataset_contract/reading.py", "sql/audit/fail.sql"} <= names
    assert {f"sql/datasets/flights/{name}" for name in ("transform.sql", "table.sql", "load.sql")} <= names
    assert contract["name"] == "flights"
    assert "aws_facts/states_api.py" in names
    assert not any(name.endswith((".yaml", ".pyc", "sdk_environment.py")) for name in names)


@pytest.mark.parametrize(("job", "code"), [("glue_python_job", "*.whl"), ("glue_spark_job", ".zip")])
def test_a_job_is_a_script_and_an_archive_that_it_imports_from(
    project: Path, tmp_path: Path, job: str, code: str
) -> None:
    package.build(project, tmp_path / "out")
    (archive,) = (tmp_path / "out").glob(f"{job}{code}")
    run = subprocess.run(
        [sys.executable, str(tmp_path / "out" / job / "main.py")],
        env={**os.environ, "PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2, run.stderr  # all imports were found, the arguments not
    assert "job_id" in run.stderr


def test_pip_takes_the_wheel_of_the_python_job(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    (wheel,) = (tmp_path / "out").glob("*.whl")
    line = [
        str(find_pip()),
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-index",
        "--quiet",
        f"--target={tmp_path / 'in'}",
    ]
    done = subprocess.run([*line, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (distribution,) = importlib.metadata.distributions(path=[str(tmp_path / "in")])
    assert distribution.name == "glue-python-job"
    assert distribution.requires is None  # pip would look for what it asks for
    files = [(file, file.hash) for file in distribution.files or [] if file.suffix == ".py"]
    assert {"glue_python_job/main.py", "dataset_contract/model.py"} <= {str(file) for file, _ in files}
    for file, stated in files:
        data = hashlib.sha256(Path(str(file.locate())).read_bytes()).digest()
        assert stated and stated.value == base64.urlsafe_b64encode(data).decode().rstrip("="), file


def test_the_libraries_of_the_python_job_are_part_of_the_package(project: Path, tmp_path: Path) -> None:
    wheel = package.write_wheel(tmp_path, "a", "1", {"a.py": b"one"})
    before = package.build(project, tmp_path / "out", [wheel])
    assert (tmp_path / "out" / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()
    package.write_wheel(tmp_path, "a", "1", {"a.py": b"two"})
    assert package.build(project, tmp_path / "out", [wheel])["code_version"] != before["code_version"]


def test_without_the_libraries_nothing_is_packaged(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def ensure() -> list[Path]:
        raise wheels.WheelsError("pip could not fetch them")

    assert package.main([], project, project / "out", ensure) == 1
    assert capsys.readouterr().err == "error: nothing was packaged: pip could not fetch them\n"
    assert not (project / "out").exists()


def test_a_new_folder_is_a_new_dataset(project: Path, tmp_path: Path) -> None:
    datasets = project / "sql" / "datasets"
    shutil.copytree(datasets / "flights", datasets / "trains")
    for file in (datasets / "trains").iterdir():
        text = file.read_text(encoding="utf-8").replace("name: flights\nversion", "name: trains\nversion")
        file.write_text(text.replace("route_delays", "train_delays").replace("enriched_flights", "enriched_trains"))
    packaged = package.build(project, tmp_path / "out")["datasets"]
    assert isinstance(packaged, list) and {"flights", "trains"} <= set(packaged)


def test_what_a_removed_file_left_is_not_packaged_again(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    (tmp_path / "out" / "stale.txt").write_text("stale")
    package.build(project, tmp_path / "out")
    assert not (tmp_path / "out" / "stale.txt").exists()


def test_a_package_that_cannot_be_made_leaves_the_old_one(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    before = dict(contents(tmp_path / "out"))
    (project / "sql" / "datasets" / "flights" / "transform.sql").write_text("DROP TABLE t")
    with pytest.raises(DatasetError, match="'DROP TABLE t' is not permitted"):
        package.build(project, tmp_path / "out")
    assert dict(contents(tmp_path / "out")) == before


def test_the_command_names_the_datasets(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main([], project, project / "out", lambda: ()) == 0
    named = capsys.readouterr().err.rstrip().rpartition(", datasets ")[2].split(", ")
    assert named == sorted(path.name for path in (project / "sql" / "datasets").iterdir())


def test_the_command_tells_every_mistake_by_file_and_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = project / "sql" / "datasets" / "flights" / "contract.yaml"
    text = contract.read_text(encoding="utf-8").replace("status: active", "status: NO")
    contract.write_text(text.replace("validValues: [EWR, JFK, LGA]", "validValues: [EWR, yes]"))
    assert package.main([], project, project / "out", lambda: ()) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("sql/datasets/flights/contract.yaml:13: status: NO is read as false")
    assert lines[1].startswith("sql/datasets/flights/contract.yaml:51: schema[0].properties[12].quality[0].arguments.")
    assert lines[2] == "error: nothing was packaged, since sql/datasets has 2 mistakes"


def test_the_command_takes_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(["flights"]) == 2
    assert "takes no arguments" in capsys.readouterr().err
