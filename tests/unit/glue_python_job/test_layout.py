from __future__ import annotations

import pytest

from glue_python_job.errors import JobError
from glue_python_job.layout import SUFFIXES, format_of


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_tells_the_format(suffix: str) -> None:
    assert format_of(f"s3://b/x.y{suffix}") == SUFFIXES[suffix]
    assert format_of(f"/B/X{suffix.upper()}") == SUFFIXES[suffix]


@pytest.mark.parametrize("name", ["x.txt", "x", "x.csv.zip", "x.parquet.gz", "x.csv.bak", "csv", "x.gz"])
def test_a_name_of_no_format(name: str) -> None:
    with pytest.raises(JobError, match=f"{name} is not of a known format"):
        format_of(name)
