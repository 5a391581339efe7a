"""What a person is told of an error inside transform.sql: the statement, the line, the expression."""

from __future__ import annotations

import pytest

from tests.unit.glue_spark_job.orders import Orders

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

# The views are at lines 3 and 8; what fails is in the first of them, and computed for the second.
SCRIPT = """-- Made of another view, and what Spark moves about in its plans.

CREATE TEMP VIEW first AS
SELECT id, item,
    {expression} AS a
FROM orders;

CREATE TEMP VIEW priced AS
SELECT {a} AS a FROM first AS f JOIN items AS i ON i.item = f.item
"""
COLUMN = {"name": "a", "logicalType": "number", "physicalType": "DOUBLE PRECISION"}


def failed(orders: Orders, expression: str, a: str) -> str:
    orders.only("", COLUMN)
    orders.transform = SCRIPT.format(expression=expression, a=a)
    assert orders.run() == 1
    text: str = orders.failure["error"]
    return text


@pytest.mark.parametrize(
    ("expression", "said", "shown"),
    [
        ("id /\n      (id - id)", "[DIVIDE_BY_ZERO] Division by zero. Use `try_divide`", "id / (id - id)"),
        ("id % (id - id)", "[DIVIDE_BY_ZERO]", "id % (id - id)"),
        ("id * 2147483647", "[ARITHMETIC_OVERFLOW]", "id * 2147483647"),
        ("CAST(item AS INT)", "[CAST_INVALID_INPUT] The value '", "CAST(item AS INT)"),
        ("CAST(id * 40000 AS SMALLINT)", "[CAST_OVERFLOW] The value ", "CAST(id * 40000 AS SMALLINT)"),
        ("CAST(amount * 1000 AS DECIMAL(4,2))", "[NUMERIC_VALUE_OUT_OF_RANGE", "CAST(amount * 1000 AS DECIMAL(4,2))"),
        ("year(make_date(2013, 2, 29 + id))", "Invalid ", "make_date(2013, 2, 29 + id)"),
        ("element_at(array(1), 1 + id)", "[INVALID_ARRAY_INDEX_IN_ELEMENT_AT]", "element_at(array(1), 1 + id)"),
    ],
)
@pytest.mark.parametrize("a", ["a", "sum(a) + 1"])
def test_an_error_names_the_expression_and_its_statement(
    orders: Orders, expression: str, said: str, shown: str, a: str
) -> None:
    text = failed(orders, expression, a)
    assert text.startswith(f"table priced: {said}")
    assert text.endswith(f"; at transform.sql line 5, statement 1 (view first): {shown}")
    assert "spark.sql" not in text


def test_an_overflow_that_spark_does_not_place_names_what_can_have_raised_it(orders: Orders) -> None:
    text = failed(orders, "id * 4000000000000000000", "sum(a)")
    assert text.startswith("table priced: [ARITHMETIC_OVERFLOW] ")
    assert text.endswith("; at transform.sql line 9, statement 2 (view priced): sum(a)")


def test_an_error_that_transform_sql_raises_itself_is_told_as_it_is(orders: Orders) -> None:
    assert failed(orders, "if(id = 2, raise_error('no overflow'), id)", "a") == "table priced: no overflow"
