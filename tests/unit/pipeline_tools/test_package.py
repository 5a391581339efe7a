from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_tools import package
from pipeline_tools.contracts import ContractError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is packaged, free to be changed."""
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
        path.touch()  # another time of change is no change
    package.build(project, tmp_path / "two")
    assert dict(contents(tmp_path / "one")) == dict(contents(tmp_path / "two"))


def test_a_changed_source_changes_the_code_version(project: Path, tmp_path: Path) -> None:
    before = package.build(project, tmp_path / "one")
    script = project / "sql" / "datasets" / "flights" / "load.sql"
    script.write_text(script.read_text(encoding="utf-8") + "\n-- changed\n", encoding="utf-8")
    assert package.build(project, tmp_path / "two")["code_version"] != before["code_version"]


def test_the_lambda_gets_its_code_and_the_compiled_sql(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "out" / "lambda_generate_param.zip") as archive:
        names = set(archive.namelist())
        contract = json.loads(archive.read("sql/datasets/flights/contract.json"))
    assert {"lambda_generate_param/handler.py", "sql/audit/fail.sql", "sql/datasets/flights/load.sql"} <= names
    assert contract["name"] == "flights"
    assert not any(name.endswith((".yaml", ".pyc")) for name in names)


def test_a_job_is_a_script_and_a_zip_that_python_imports_from(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    for job in package.JOBS:
        assert (tmp_path / "out" / job / "main.py").is_file()
        with zipfile.ZipFile(tmp_path / "out" / f"{job}.zip") as archive:
            assert f"{job}/__init__.py" in archive.namelist()


def test_a_new_folder_is_a_new_dataset(project: Path, tmp_path: Path) -> None:
    datasets = project / "sql" / "datasets"
    shutil.copytree(datasets / "flights", datasets / "trains")
    contract = datasets / "trains" / "contract.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("name: flights\nversion", "name: trains\nversion"))
    assert package.build(project, tmp_path / "out")["datasets"] == ["flights", "trains"]


def test_what_a_removed_file_left_is_not_packaged_again(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    (tmp_path / "out" / "stale.txt").write_text("stale")
    package.build(project, tmp_path / "out")
    assert not (tmp_path / "out" / "stale.txt").exists()


def test_a_package_that_cannot_be_made_leaves_the_old_one(project: Path, tmp_path: Path) -> None:
    package.build(project, tmp_path / "out")
    before = dict(contents(tmp_path / "out"))
    (project / "sql" / "datasets" / "flights" / "load.sql").write_text("COPY t FROM '{{nowhere}}';")
    with pytest.raises(ContractError, match=r"\{\{nowhere\}\} is unknown"):
        package.build(project, tmp_path / "out")
    assert dict(contents(tmp_path / "out")) == before
