from __future__ import annotations

from pathlib import Path

import pytest

from lambda_generate_param import datasets


def test_a_packaged_dataset_is_its_contract_and_the_sql_made_of_it(sql: Path) -> None:
    dataset = datasets.load(sql, "orders")
    assert (dataset.name, dataset.outputs, dataset.contract.version) == ("orders", ("clean_orders",), "2.0.0")
    assert 'CREATE TABLE IF NOT EXISTS analytics."clean_orders"' in dataset.table_sql
    assert 'COPY analytics."clean_orders"' in dataset.load_sql


@pytest.mark.parametrize("name", ["order", "../orders", ""])
def test_an_unknown_dataset_is_told_with_those_that_are_known(sql: Path, name: str) -> None:
    with pytest.raises(datasets.UnknownDatasetError, match=rf'dataset "{name}" is unknown.*; known: flights, orders'):
        datasets.load(sql, name)
