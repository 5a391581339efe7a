"""Hostile values in statements: each arrives as it was given, bound and inlined, and no statement changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hostile.conftest import FRAGMENTS, examples
from tests.unit.local_aws.services.conftest import Redshift, make_redshift, postgres, redshift
from tests.unit.local_aws.services.redshift.test_inlining import arguments, batch

__all__ = ["make_redshift", "postgres", "redshift"]  # fixtures

pytestmark = pytest.mark.postgres

# What a text of Redshift can be: the Data API takes no empty value.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40),
    st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6)
    .map(lambda pieces: "".join(pieces).replace("\0", "").replace("\ud800", ""))
    .filter(bool),
)


@examples(20)
@given(values=st.lists(TEXTS, min_size=1, max_size=40), mode=st.sampled_from(["bound", "inlined"]))
def test_a_value_arrives_as_it_was_given(redshift: Redshift, values: list[str], mode: str) -> None:
    names = [f"p{number}" for number in range(len(values))]
    wide = "CAST(:{0} AS VARCHAR(65535)) AS {0}"
    query = f"SELECT {', '.join(map(wide.format, names))}, 'it''s' AS last, :p0 = :p0 AS same"
    made = arguments(mode, batch(query, **dict(zip(names, values, strict=True))))
    bound = {each["Name"]: each["Value"] for each in made.get("Parameters", [])}
    assert (made["Sqls"] == [query]) is (mode == "bound")
    assert redshift.rows(*made["Sqls"], parameters=bound or None) == [(*values, "it's", True)]
