"""`nox -s release -- v<version>`: the files of a release, in build/release.

traceable_data_pipeline-*.whl   the command `pipeline`, to install
package-<version>.zip           what Terraform deploys (build/package)
sbom.cdx.json                   the bill of materials of that package
docs-<version>.zip              README, CHANGELOG, docs/ and the README of each Terraform module
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pipeline_tools.environments import ROOT, find_uv
from pipeline_tools.packaging import package, sbom

OUTPUT = ROOT / "build" / "release"


class ReleaseError(Exception):
    """There is nothing to release; the message says why and what to do."""


def version(tag: str, root: Path = ROOT) -> str:
    """The project's version, which the tag has to name.

    Raises:
        ReleaseError: the tag names another one.
    """
    found = str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    if tag != f"v{found}":
        raise ReleaseError(f"the tag {tag!r} is not v{found}, the version in pyproject.toml; change one of them")
    return found


def docs(root: Path = ROOT) -> dict[str, bytes]:
    """The pages of the project by their path, those of the Terraform modules among them."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*"), *(root / "infra").rglob("README.md")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in pages if path.is_file()}


def build(tag: str, output: Path = OUTPUT) -> list[Path]:
    """Collect the files of the release; build/package is there already.

    Raises:
        ReleaseError: the tag is not the project's version.
        subprocess.CalledProcessError: the wheel was not built.
    """
    number = version(tag)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    # What builds it is installed by its hash.
    hashes = ("--build-constraint", "requirements/build.lock", "--require-hashes")
    subprocess.run([find_uv(), "build", "--quiet", "--wheel", *hashes, "--out-dir", output], cwd=ROOT, check=True)
    (output / ".gitignore").unlink(missing_ok=True)  # uv writes one
    package.write_zip(output / f"package-{number}.zip", package.contents(package.OUTPUT))
    shutil.copyfile(package.OUTPUT / sbom.NAME, output / sbom.NAME)
    package.write_zip(output / f"docs-{number}.zip", docs())
    return sorted(output.iterdir())


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 made, 1 the tag does not fit, 2 usage."""
    if len(arguments) != 1:
        print("error: name the tag of the release: ./noxw -s release -- v<version>", file=sys.stderr)
        return 2
    try:
        files = build(arguments[0])
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for file in files:
        print(file.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
