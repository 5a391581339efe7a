"""`nox -s package`: what Terraform uploads, in build/package. Equal sources give byte-identical files.

lambda_generate_param.zip                       the Lambda with the compiled sql/
lambda_emit_lineage.zip                         the same of the Lambda that emits OpenLineage events
glue_python_job/main.py, glue_python_job-*.whl  script and packages (--extra-py-files) of the Python shell job
glue_spark_job/main.py, glue_spark_job.zip      the same of the Spark job, which takes a zip
wheels/                                         what the Python shell job imports besides, as its lock says
sql/                                            audit/ and datasets/: contracts as JSON, and tables, loads and lineage
sbom.cdx.json                                   the bill of materials of all these files
package.json                                    code version (a hash over all of it), the datasets and the files
"""

from __future__ import annotations

import base64
import fcntl
import filecmp
import hashlib
import json
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from pipeline_tools.datasets import folders
from pipeline_tools.environments import ROOT
from pipeline_tools.packaging import sbom, wheels

OUTPUT = ROOT / "build" / "package"
LAMBDA = "lambda_generate_param"
# It knows a job ID by the other one.
LINEAGE_LAMBDA = "lambda_emit_lineage"
JOBS = PYTHON_JOB, SPARK_JOB = "glue_python_job", "glue_spark_job"
# What all of them read contracts with.
SHARED = "dataset_contract"
# What the Lambda knows of AWS.
FACTS = "aws_facts"
# A module of it that is for clients; it imports the SDK, which the Lambda does without.
OF_CLIENTS = "sdk_environment.py"
# The oldest moment that a zip can hold; a real one would change the file at every run.
_EPOCH = (1980, 1, 1, 0, 0, 0)


Libraries = Callable[[], Sequence[Path]]


class Description(TypedDict):
    """package.json."""

    code_version: str
    datasets: list[str]
    files: list[str]  # by their path below the package, but for package.json


def build(root: Path = ROOT, output: Path = OUTPUT, libraries: Sequence[Path] = ()) -> Description:
    """Write the package, where it is not there already, and return what package.json says.

    Args:
        libraries: the wheels that the Python shell job imports.

    Raises:
        DatasetError: a dataset's folder is not complete or its contract cannot be honoured.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    # Two sessions may begin at once.
    with output.with_name(f"{output.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(root, output, libraries)


def build_with(datasets: Sequence[Path], root: Path) -> Path:
    """Package this checkout's code with the datasets in these folders alone, below `root`, and return the package.

    Raises:
        DatasetError: as `build`.
    """
    root.mkdir(parents=True, exist_ok=True)
    for name in ("src", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "sql" / "audit", root / "sql" / "audit")
    for folder in datasets:
        shutil.copytree(folder, root / "sql" / "datasets", dirs_exist_ok=True)
    output = root / "build" / "package"
    build(root, output, wheels.ensure())
    return output


def _build(root: Path, output: Path, libraries: Sequence[Path]) -> Description:
    sql = compiled_sql(root / "sql")
    sources = {name: python_files(root / "src" / name) for name in (LAMBDA, LINEAGE_LAMBDA, *JOBS, SHARED, FACTS)}
    del sources[FACTS][OF_CLIENTS]
    staging = output.with_name(output.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)

    lambda_files = {**_below(LAMBDA, sources), **_below(SHARED, sources), **_below(FACTS, sources)}
    lambda_files |= {f"sql/{name}": data for name, data in sql.items()}
    write_zip(staging / f"{LAMBDA}.zip", lambda_files)
    write_zip(staging / f"{LINEAGE_LAMBDA}.zip", {**_below(LINEAGE_LAMBDA, sources), **lambda_files})
    for job in JOBS:
        (staging / job).mkdir()
        (staging / job / "main.py").write_bytes(sources[job]["main.py"])
    project = _project(root)
    job_files = {**_below(PYTHON_JOB, sources), **_below(SHARED, sources)}
    python_wheel = write_wheel(staging, PYTHON_JOB, project["version"], job_files)
    write_zip(staging / f"{SPARK_JOB}.zip", {**_below(SPARK_JOB, sources), **_below(SHARED, sources)})
    (staging / "wheels").mkdir()
    for wheel in libraries:
        shutil.copyfile(wheel, staging / "wheels" / wheel.name)
    for name, data in sql.items():
        target = staging / "sql" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    bill = sbom.document(project["name"], project["version"], contents(staging), python_wheel.name)
    (staging / sbom.NAME).write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")

    every = {
        f"{folder}/{name}": data for folder, files in {**sources, "sql": sql}.items() for name, data in files.items()
    }
    every |= {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in libraries}
    datasets = sorted({name.split("/")[1] for name in sql if name.startswith("datasets/")})
    description = Description(code_version=version(every), datasets=datasets, files=sorted(contents(staging)))
    (staging / "package.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    if _same(staging, output):
        # A Terraform that reads it just now goes on.
        shutil.rmtree(staging)
        return description
    # Only a complete package ever has the final name.
    shutil.rmtree(output, ignore_errors=True)
    staging.rename(output)
    return description


def _same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    names, others = (
        {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} for folder in (one, other)
    )
    return names == others and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def compiled_sql(folder: Path) -> dict[str, bytes]:
    """The files of sql/ by their packaged name, each dataset checked and compiled."""
    files = {f"audit/{path.name}": path.read_bytes() for path in sorted((folder / "audit").glob("*.sql"))}
    for dataset in folders.read_all(folder):
        made = {**dataset.files(), "lineage.json": dataset.lineage()}
        files |= {f"datasets/{dataset.contract.dataset}/{name}": data for name, data in made.items()}
    return files


def python_files(folder: Path) -> dict[str, bytes]:
    """The modules of a package by their path below it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def _below(package: str, sources: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    return {f"{package}/{name}": data for name, data in sources[package].items()}


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder by their path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class _Project(TypedDict):
    """What is read of pyproject.toml's table `project`."""

    name: str
    version: str


def _project(root: Path) -> _Project:
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return _Project(name=table["name"], version=table["version"])


def write_wheel(folder: Path, name: str, number: str, files: Mapping[str, bytes]) -> Path:
    """Write a wheel of pure Python, whose bytes depend on name, version number and files alone.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/. It asks for no other package:
    what the job needs besides is given to it by name.
    """
    info = f"{name}-{number}.dist-info"
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {number}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: pipeline_tools.packaging\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents = {**files, **{f"{info}/{file}": text.encode() for file, text in texts.items()}}
    record = [f"{file},sha256={_url_safe(data)},{len(data)}" for file, data in sorted(contents.items())]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    target = folder / f"{name}-{number}-py3-none-any.whl"
    write_zip(target, contents)
    return target


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def write_zip(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on names and contents alone."""
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o100644 << 16
            # Stored: what a compressor makes of the same bytes differs between zlib builds.
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, files[name])


def version(files: Mapping[str, bytes]) -> str:
    """A short hash over names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return digest.hexdigest()[:16]


def main(
    arguments: Iterable[str], root: Path = ROOT, output: Path = OUTPUT, libraries: Libraries = wheels.ensure
) -> int:
    """Build the package; the exit code is 0, or 1 with the error on stderr."""
    if list(arguments):
        print("package takes no arguments", file=sys.stderr)
        return 2
    try:
        description = build(root, output, libraries())
    except wheels.WheelsError as error:
        print(f"error: nothing was packaged: {error}", file=sys.stderr)
        return 1
    except folders.DatasetError as error:
        print(error, file=sys.stderr)
        print(f"error: nothing was packaged, since sql/datasets has {_count(len(error.findings))}", file=sys.stderr)
        return 1
    version_, names = description["code_version"], ", ".join(description["datasets"]) or "none"
    print(f"packaged {output.relative_to(root)}: code version {version_}, datasets {names}", file=sys.stderr)
    return 0


def _count(findings: int) -> str:
    return f"{findings} mistake{'' if findings == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
