from __future__ import annotations

import pytest

from local_aws.services.s3_mirror import Place, uris_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://the-bucket/a/b.csv", [Place("the-bucket", "a/b.csv")]),
        ("s3://the-bucket/staged/job_id=1/", [Place("the-bucket", "staged/job_id=1/")]),
        ("s3://the-bucket", [Place("the-bucket", "")]),
        ('{"t": "s3://one/t/", "u": "s3://two/u/"}', [Place("one", "t/"), Place("two", "u/")]),
        ("s3://one/a.zip,s3://one/b.zip", [Place("one", "a.zip"), Place("one", "b.zip")]),
        ("no place, s3:/one, s3://X/y", []),
    ],
)
def test_the_places_that_an_argument_names_are_found(text: str, expected: list[Place]) -> None:
    assert uris_in([text]) == expected


def test_a_place_that_is_named_twice_counts_once() -> None:
    assert uris_in(["s3://one/a", "s3://one/a"]) == [Place("one", "a")]
