from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataset_contract.model import Contract, Parameter
from pipeline import starting
from pipeline.clients import Clients
from pipeline.errors import UsageError
from pipeline.stacks import Stack

KINDS = {
    "count": Parameter("count", "integer", 1, minimum=0),
    "share": Parameter("share", "number", 0.5),
    "text": Parameter("text", "string", "none"),
    "exact": Parameter("exact", "boolean", False),
    "day": Parameter("day", "date", "2026-01-31"),
}


@pytest.fixture
def contract() -> Contract:
    from dataset_contract.model import DataObject

    source = DataObject("lines", "source", ())
    return Contract("orders", "1.0.0", source, (), (), KINDS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("count=30", 30),
        ("count=1e3", 1000),
        ("share=0.25", 0.25),
        ("share=3", 3),
        ("share=+.5", 0.5),
        ("share=-1.5E-1", -0.15),
        ("text=a=b", "a=b"),
        ("text=7", "7"),
        ("text=", ""),
        ("exact=true", True),
        ("day=2026-02-28", "2026-02-28"),
    ],
)
def test_a_value_has_the_type_that_the_contract_says(contract: Contract, text: str, value: Any) -> None:
    found = starting.parameters(contract, [text])[text.partition("=")[0]]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["count"], "'count' has no =; accepted: name=value"),
        (["cuont=1"], '"orders"; did you mean "count"'),
        (["count=1", "count=2"], "count is given twice"),
        (["count=1.5"], 'parameters.count is "1.5"; accepted: a whole number'),
        (["count=-1"], "accepted: 0 or more"),
        (["=3"], "--param '' is unknown"),
        *(([f"count={text}"], "accepted: a whole number") for text in ("٣", "3_0", " 3", "3 ", "３", "0x3", "", "3\n")),
        *(([f"share={text}"], "accepted: a number") for text in ("٣", "0.2_5", " 3", "3 ", "nan", "-inf", ".", "1e")),
        (["day=2026-01-٣1"], "accepted: a date"),
        (["count=nan"], "accepted: a whole number"),
        (["share=infinity"], "accepted: a number"),
        (["exact=yes"], 'parameters.exact is "yes"; accepted: true or false'),
        (["day=31.1.2026"], "accepted: a date"),
    ],
)
def test_what_is_no_value_is_refused_by_name(contract: Contract, given: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        starting.parameters(contract, given)


def test_a_source_elsewhere_is_refused_before_anything_starts() -> None:
    stack = Stack(Clients(), {"raw_bucket": "raw-bucket"}, Path())
    made = starting.document(stack, "orders", "s3://raw-bucket/x/", {"count": 1}, repeat=True)
    assert made == {
        "dataset": "orders",
        "source_uri": "s3://raw-bucket/x/",
        "parameters": {"count": 1},
        "repeat": True,
    }
    for uri, said in (("x.csv", "accepted: s3://bucket/prefix/"), ("s3://other/x/", "s3://raw-bucket/")):
        with pytest.raises(UsageError, match=said):
            starting.document(stack, "orders", uri, {})


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "x" * 81, "\x9f", 'a"b'])
def test_a_name_that_no_execution_may_have_is_refused_before_anything_is_uploaded(name: str) -> None:
    with pytest.raises(UsageError, match="is not a name of an execution; accepted: 1 to 80 characters without spaces"):
        starting.check_name(name)


@pytest.mark.parametrize("name", ["a", "näme-1", "x" * 80])
def test_a_name_that_an_execution_may_have_is_taken(name: str) -> None:
    starting.check_name(name)
