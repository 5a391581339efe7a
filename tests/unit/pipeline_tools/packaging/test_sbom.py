"""The bill of materials names what is packaged, and differs only where the package does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pipeline_tools.packaging import package, sbom


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with two libraries, as wheels say their licence in two ways."""
    (tmp_path / "libraries").mkdir()
    made = [
        wheel(tmp_path / "libraries", "new_style", "License-Expression: BSD-3-Clause\nLicense: ignored\n"),
        wheel(
            tmp_path / "libraries",
            "old",
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: Software\nLicense: Dual\n",
        ),
        wheel(tmp_path / "libraries", "words", "License: Apache-2.0\n"),
    ]
    package.build(output=tmp_path / "package", libraries=made)
    return tmp_path / "package"


def wheel(place: Path, name: str, licence: str) -> Path:
    target = place / f"{name}-1.2.post1-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.2.post1\n{licence}\nLicense: in the description\n"
    package.write_zip(target, {f"{name}-1.2.post1.dist-info/METADATA": metadata.encode()})
    return target


def test_it_names_each_packaged_file_with_its_hash(folder: Path) -> None:
    bill = json.loads((folder / sbom.NAME).read_text(encoding="utf-8"))
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {each["bom-ref"]: each["hashes"] for each in bill["components"]} == {
        name: [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}]
        for name, path in files.items()
        if name not in (sbom.NAME, "package.json")
    }


def test_it_tells_each_library_as_its_wheel_does(folder: Path) -> None:
    bill = json.loads((folder / sbom.NAME).read_text(encoding="utf-8"))
    found = [each for each in bill["components"] if each["type"] == "library"]
    assert [(each["name"], each["version"], each["purl"], each["licenses"]) for each in found] == [
        ("new_style", "1.2.post1", "pkg:pypi/new-style@1.2.post1", [{"expression": "BSD-3-Clause"}]),
        ("old", "1.2.post1", "pkg:pypi/old@1.2.post1", [{"license": {"name": "MIT License"}}]),
        ("words", "1.2.post1", "pkg:pypi/words@1.2.post1", [{"license": {"name": "Apache-2.0"}}]),
    ]


def test_the_python_job_depends_on_the_libraries(folder: Path) -> None:
    bill = json.loads((folder / sbom.NAME).read_text(encoding="utf-8"))
    (project, job) = bill["dependencies"]
    assert job["ref"].startswith("glue_python_job-")
    assert job["dependsOn"] == [f"wheels/{name}-1.2.post1-py3-none-any.whl" for name in ("new_style", "old", "words")]
    assert job["ref"] in project["dependsOn"]
    assert {project["ref"], *project["dependsOn"], *job["dependsOn"]} == {
        bill["metadata"]["component"]["bom-ref"],
        *(each["bom-ref"] for each in bill["components"]),
    }
