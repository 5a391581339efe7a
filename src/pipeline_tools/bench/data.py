"""The data of the measurements: TPC-H's lineitem, made once and kept in build/bench/data."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

from pipeline_tools.environments import BENCH

# Rows of lineitem at scale 1; CSV of it is 766 MB.
ROWS_AT_SCALE_1 = 6_001_215


def lineitem(directory: Path, scale: float, kind: str = "csv", parts: int = 1) -> Path:
    """The directory with lineitem at a scale, as csv or parquet, in one file or several; made where it is missing."""
    target = directory / f"lineitem-{scale:g}-{parts}-{kind}"
    if target.is_dir():
        return target
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    generator = BENCH.ensure().with_name("tpchgen-cli")
    cut = ["--parts", str(parts)] if parts > 1 else []
    line = [str(generator), kind, "-s", f"{scale:g}", "--tables=lineitem", *cut, f"--output-dir={partial}"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for file in (partial / "lineitem").glob("*"):
        file.rename(partial / file.name)
    if parts > 1:
        (partial / "lineitem").rmdir()
    partial.replace(target)
    return target


def compressed(source: Path) -> Path:
    """The same files as .csv.gz, in a directory beside it."""
    target = source.with_name(source.name + ".gz")
    if target.is_dir():
        return target
    partial = target.with_name(target.name + ".partial")
    partial.mkdir(exist_ok=True)
    for file in sorted(source.glob("*.csv")):
        with file.open("rb") as text, gzip.open(partial / f"{file.name}.gz", "wb", compresslevel=6) as out:
            shutil.copyfileobj(text, out, 1024 * 1024)
    partial.replace(target)
    return target


def cut(source: Path, files: int) -> Path:
    """The records of one CSV file in so many files, each with the header, in a directory beside it."""
    target = source.with_name(f"{source.name}-{files}")
    if target.is_dir():
        return target
    partial = target.with_name(target.name + ".partial")
    partial.mkdir(exist_ok=True)
    (file,) = source.glob("*.csv")
    with file.open("rb") as text:
        header, lines = text.readline(), text.readlines()
    for number in range(files):
        some = lines[number * len(lines) // files : (number + 1) * len(lines) // files]
        (partial / f"part-{number:05d}.csv").write_bytes(header + b"".join(some))
    partial.replace(target)
    return target
