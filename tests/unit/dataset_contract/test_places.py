"""The places in S3: a URI is taken apart in one function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_contract.places import bucket_and_key

SRC = Path(__file__).parents[3] / "src"
# What cuts the scheme off a URI: removeprefix("s3://"), uri[len("s3://") :], or [5:] and a partition.
_CUT = re.compile(r"""removeprefix\(["']s3://|len\(["']s3://["']\)|\[5:\]\s*\.partition""")


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://raw/a/b.csv", ("raw", "a/b.csv")),
        ("s3://raw/a//b/", ("raw", "a//b/")),
        ("s3://raw/", ("raw", "")),
        ("s3://raw", ("raw", "")),
    ],
)
def test_a_uri_has_a_bucket_and_a_key(uri: str, parts: tuple[str, str]) -> None:
    assert bucket_and_key(uri) == parts


def test_nothing_else_takes_a_uri_apart_by_hand() -> None:
    found = [
        file.relative_to(SRC).as_posix()
        for file in sorted(SRC.rglob("*.py"))
        if _CUT.search(file.read_text(encoding="utf-8"))
    ]
    assert found == ["dataset_contract/places.py"]
