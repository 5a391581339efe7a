"""Which columns an output is made of, as transform.sql says."""

from __future__ import annotations

from typing import Any

import pytest

from dataset_contract import reading
from dataset_contract.model import Contract
from pipeline_tools.datasets import folders, lineage
from pipeline_tools.environments import ROOT


def contract(*columns: str) -> Contract:
    def item(name: str, role: str, names: tuple[str, ...]) -> dict[str, Any]:
        properties = [{"name": column, "logicalType": "string", "physicalType": "VARCHAR(9)"} for column in names]
        own = [{"property": "role", "value": role}]
        return {"name": name, "logicalType": "object", "customProperties": own, "properties": properties}

    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "sales",
        "name": "sales",
        "version": "1.0.0",
        "status": "active",
        "customProperties": [{"property": "parameters", "value": {"top": {"type": "integer", "default": 1}}}],
        "schema": [
            item("sales", "source", ("id", "amount", "Shop")),
            item("shops", "reference", ("shop", "city")),
            item("totals", "output", columns),
        ],
    }
    return reading.parse(document)


def made(sql: str, *columns: str) -> dict[str, list[tuple[str, str, str]]]:
    found = lineage.columns(contract(*columns), sql)["totals"]
    return {
        name: [(each["object"], each["field"], each["subtype"]) for each in sources] for name, sources in found.items()
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT id AS a FROM sales", [("sales", "id", "IDENTITY")]),
        ("SELECT s.ID AS a FROM sales AS s", [("sales", "id", "IDENTITY")]),
        ("SELECT upper(id) AS a FROM sales", [("sales", "id", "TRANSFORMATION")]),
        ("SELECT max(upper(id)) AS a FROM sales", [("sales", "id", "AGGREGATION")]),
        ("SELECT count(*) AS a FROM sales", []),
        ("SELECT 'x' AS a FROM sales", []),
        ("SELECT id || (SELECT top FROM parameters) AS a FROM sales", [("sales", "id", "TRANSFORMATION")]),
        ("SELECT city AS a FROM sales JOIN shops USING (shop)", [("shops", "city", "IDENTITY")]),
        (
            "SELECT id AS a FROM sales UNION ALL SELECT city FROM shops",
            [("sales", "id", "IDENTITY"), ("shops", "city", "IDENTITY")],
        ),
        (
            "WITH x AS (SELECT sum(amount) AS n FROM sales) SELECT n + 1 AS a FROM x",
            [("sales", "amount", "AGGREGATION")],
        ),
        (
            "SELECT CASE WHEN city = 'x' THEN id ELSE amount END AS a FROM sales s JOIN shops h ON s.shop = h.shop",
            [
                ("sales", "amount", "TRANSFORMATION"),
                ("sales", "id", "TRANSFORMATION"),
                ("shops", "city", "TRANSFORMATION"),
            ],
        ),
    ],
)
def test_a_column_is_made_of(sql: str, expected: list[tuple[str, str, str]]) -> None:
    assert made(f"CREATE TEMPORARY VIEW totals AS {sql};", "a") == {"a": expected}


def test_views_in_between_are_seen_through() -> None:
    sql = """
    CREATE TEMPORARY VIEW shop_sales AS SELECT *, amount * 2 AS twice FROM sales;
    CACHE TABLE shop_sales;
    CREATE TEMPORARY VIEW totals (a, b) AS SELECT shop, max(twice) FROM shop_sales GROUP BY shop;
    """
    assert made(sql, "a", "b") == {
        "a": [("sales", "shop", "IDENTITY")],
        "b": [("sales", "amount", "AGGREGATION")],
    }


def test_what_sqlglot_cannot_tell_has_no_entry_and_fails_nothing() -> None:
    found = made("CREATE TEMPORARY VIEW totals AS SELECT * FROM VALUES ('x') AS t(b);", "a")
    assert found.get("a", []) == []


@pytest.mark.parametrize("name", ["flights"])
def test_each_column_of_the_projects_datasets_is_known(name: str) -> None:
    dataset = folders.read(ROOT / "sql" / "datasets" / name)
    found = lineage.columns(dataset.contract, dataset.transform.decode())
    for output in dataset.contract.outputs:
        assert set(found[output.name]) == {column.name for column in output.columns}
    without = [(output, column) for output, columns in found.items() for column, of in columns.items() if not of]
    assert without == [("route_delays", "flights")]  # count(*)
