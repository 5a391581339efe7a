"""`nox -s package`: what Terraform uploads, in build/package. Equal sources give byte-identical files.

lambda_generate_param.zip                       the Lambda with the compiled sql/
glue_python_job/main.py, glue_python_job.zip    script and package (--extra-py-files) of the Python shell job
glue_spark_job/main.py, glue_spark_job.zip      the same of the Spark job
sql/                                            audit/ and datasets/, contracts as JSON
package.json                                    code version (a hash over all of it) and the datasets
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline_tools import contracts
from pipeline_tools.environments import ROOT

OUTPUT = ROOT / "build" / "package"
JOBS = ("glue_python_job", "glue_spark_job")
# The oldest moment that a zip can hold; a real one would change the file at every run.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(root: Path = ROOT, output: Path = OUTPUT) -> dict[str, object]:
    """Write the package and return what package.json says.

    Raises:
        ContractError: a dataset's folder is not complete or its contract is not valid.
    """
    sql = compiled_sql(root / "sql")
    sources = {name: python_files(root / "src" / name) for name in ("lambda_generate_param", *JOBS)}
    staging = output.with_name(output.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)

    lambda_files = {f"lambda_generate_param/{name}": data for name, data in sources["lambda_generate_param"].items()}
    lambda_files |= {f"sql/{name}": data for name, data in sql.items()}
    write_zip(staging / "lambda_generate_param.zip", lambda_files)
    for job in JOBS:
        (staging / job).mkdir()
        (staging / job / "main.py").write_bytes(sources[job]["main.py"])
        write_zip(staging / f"{job}.zip", {f"{job}/{name}": data for name, data in sources[job].items()})
    for name, data in sql.items():
        target = staging / "sql" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    every = {
        f"{folder}/{name}": data for folder, files in {**sources, "sql": sql}.items() for name, data in files.items()
    }
    description: dict[str, object] = {
        "code_version": version(every),
        "datasets": sorted({name.split("/")[1] for name in sql if name.startswith("datasets/")}),
    }
    (staging / "package.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    # Only a complete package ever has the final name.
    shutil.rmtree(output, ignore_errors=True)
    staging.rename(output)
    return description


def compiled_sql(folder: Path) -> dict[str, bytes]:
    """The files of sql/ by their packaged name, contract.yaml checked and compiled to contract.json."""
    files = {f"audit/{path.name}": path.read_bytes() for path in sorted((folder / "audit").glob("*.sql"))}
    for dataset in sorted(path for path in (folder / "datasets").iterdir() if path.is_dir()):
        document = contracts.compile_dataset(dataset)
        prefix = f"datasets/{dataset.name}"
        files[f"{prefix}/contract.json"] = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
        for name in contracts.SQL_FILES:
            files[f"{prefix}/{name}"] = (dataset / name).read_bytes()
    return files


def python_files(folder: Path) -> dict[str, bytes]:
    """The modules of a package by their path below it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


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


def main(arguments: Iterable[str]) -> int:
    """Build the package; the exit code is 0, or 1 with the error on stderr."""
    if list(arguments):
        print("package takes no arguments", file=sys.stderr)
        return 2
    try:
        description = build()
    except contracts.ContractError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"packaged {OUTPUT.relative_to(ROOT)}: code version {description['code_version']}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
