"""Small contracts for tests: a source, a reference and an output, with what a test adds."""

from __future__ import annotations

from typing import Any

import pytest

from dataset_contract import reading
from dataset_contract.errors import ContractError, shown
from dataset_contract.model import Column, Contract, SetRule

Document = dict[str, Any]

SOURCE, REFERENCE, OUTPUT = 0, 1, 2  # positions in schema


def custom(**values: Any) -> list[Document]:
    """customProperties."""
    return [{"property": name, "value": value} for name, value in values.items()]


def table(name: str, role: str, *columns: Document, **more: Any) -> Document:
    """An object; `custom` in `more` are further customProperties."""
    properties = custom(role=role, **more.pop("custom", {}))
    return {"name": name, "customProperties": properties, "properties": list(columns), **more}


def column(name: str = "code", physical: str = "VARCHAR(8)", **more: Any) -> Document:
    return {"name": name, "physicalType": physical, **more}


def document(*, source: Document | None = None, output: Document | None = None, **more: Any) -> Document:
    """A contract; `source` and `output` are objects instead of the plain ones."""
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "orders",
        "name": "orders",
        "version": "1.0.0",
        "schema": [
            source or table("orders", "source", column("id", "BIGINT"), column("at", "TIMESTAMP")),
            table("products", "reference", column("sku"), column("since", "DATE")),
            output or table("totals", "output", column("id", "BIGINT"), column("total", "DECIMAL(18,2)")),
        ],
        **more,
    }


def with_column(**more: Any) -> Document:
    """A contract whose source has one column."""
    return document(source=table("orders", "source", column(**more)))


def read_column(**more: Any) -> Column:
    """The one column of a source."""
    return reading.parse(with_column(**more)).source.columns[0]


def rules_of(**more: Any) -> list[tuple[str, Any]]:
    """keyword and argument of each rule of the one column of a source."""
    return [(rule.keyword, rule.argument) for rule in read_column(**more).rules]


def with_quality(*rules: Document, physical: str = "VARCHAR(8)", of_object: bool = False) -> Document:
    """A contract whose source has one column with these rules, or has them itself."""
    if of_object:
        return document(source=table("orders", "source", column("code", physical), column("n"), quality=list(rules)))
    return with_column(physical=physical, quality=list(rules))


def set_rules(*rules: Document, **more: Any) -> tuple[SetRule, ...]:
    return reading.parse(with_quality(*rules, **more)).set_rules


def refusal(value: Document) -> str:
    """The message of a contract that is refused; it begins with the place of an element, and says what is accepted."""
    with pytest.raises(ContractError) as caught:
        reading.parse(value)
    error = caught.value
    assert error.place
    assert str(error) == f"{shown(error.place)}: {error.problem}"
    return str(error)


def accepted(value: Document) -> Contract:
    return reading.parse(value)
