from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract import quality
from dataset_contract.judging import OPERATORS
from dataset_contract.model import Key, SetRule, ValueRule
from tests.unit.dataset_contract.documents import (
    accepted,
    column,
    custom,
    document,
    refusal,
    rules_of,
    set_rules,
    table,
    with_column,
    with_quality,
)

PLACE = "schema[0].properties[0].quality[0]"
VALID = {"metric": "invalidValues", "arguments": {"validValues": ["NO", "SE"]}}


def test_nothing_may_break_it_so_it_is_a_rule_of_the_value() -> None:
    assert rules_of(
        quality=[
            {"metric": "invalidValues", "arguments": {"validValues": ["A"], "pattern": "A"}, "mustBe": 0},
            {"metric": "invalidValues", "arguments": {"validValues": ["A", "AB"]}, "mustBe": 0, "unit": "rows"},
            {"metric": "missingValues", "arguments": {"missingValues": [None, "N/A", "-"]}, "mustBe": 0},
            {"type": "library", "metric": "nullValues", "mustBe": 0, "severity": "error"},
        ]
    ) == [
        ("required", ""),
        ("pattern", "A"),
        ("validValues", ("A",)),
        ("validValues", ("A", "AB")),
        ("missingValues", ("N/A", "-")),
    ]


def test_a_list_may_be_without_null_or_of_null_alone_and_a_pattern_without_a_list() -> None:
    def read(metric: str, **arguments: Any) -> list[tuple[str, Any]]:
        return rules_of(quality=[{"metric": metric, "arguments": arguments, "mustBe": 0}])

    assert read("missingValues", missingValues=["-"]) == [("missingValues", ("-",))]
    assert read("missingValues", missingValues=[None]) == [("required", "")]
    assert read("invalidValues", pattern="A") == [("pattern", "A")]


def test_a_metric_is_not_read_as_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "METRICS", (*quality.METRICS, "medianValue"))
    with pytest.raises(NotImplementedError, match="medianValue"):
        rules_of(quality=[{"metric": "medianValue", "mustBe": 0}])


def test_no_rows_are_a_rule_of_the_set() -> None:
    (rule,) = set_rules({"metric": "rowCount", "mustBe": 0}, of_object=True)
    assert (rule.metric, rule.operator, rule.bounds, rule.columns) == ("rowCount", "mustBe", (Decimal(0),), ())


def test_duplicates_that_may_not_be_are_a_key() -> None:
    rule = {"metric": "duplicateValues", "mustBe": 0}
    assert accepted(with_quality(rule)).source.keys == (Key(("code",)),)
    rule = {**rule, "arguments": {"properties": ["n", "code"]}}
    assert accepted(with_quality(rule, of_object=True)).source.keys == (Key(("n", "code")),)


@pytest.mark.parametrize(
    "more", [{"mustBe": 1}, {"mustNotBe": 0}, {"mustBe": 0, "unit": "percent"}, {"mustBe": 0, "severity": "warning"}]
)
def test_all_else_is_a_rule_of_the_set(more: dict[str, Any]) -> None:
    (rule,) = set_rules({**VALID, **more})
    assert rule.rules == (ValueRule("validValues", ("NO", "SE")),)
    assert (rule.unit, rule.severity) == (more.get("unit", "rows"), more.get("severity", "error"))


@pytest.mark.parametrize("operator", list(OPERATORS))
def test_each_operator_is_read(operator: str) -> None:
    numbers = [1, 5] if "Between" in operator else [1]
    (rule,) = set_rules({"metric": "rowCount", operator: numbers if len(numbers) > 1 else 1}, of_object=True)
    assert rule == SetRule("orders.rowCount", "orders", "rowCount", operator, tuple(map(Decimal, numbers)))


def test_a_share_keeps_its_decimals() -> None:
    (rule,) = set_rules({"metric": "nullValues", "mustBeLessThan": 0.1, "unit": "percent"})
    assert (rule.bounds, rule.columns, rule.unit) == ((Decimal("0.1"),), ("code",), "percent")
    assert rule.rules == ()


def test_what_counts_as_missing() -> None:
    rule = {"metric": "missingValues", "arguments": {"missingValues": [None, "-", "n/a"]}, "mustBeLessThan": 100}
    assert set_rules(rule)[0].rules == (ValueRule("required"), ValueRule("missingValues", ("-", "n/a")))


def missing(*values: Any) -> dict[str, Any]:
    return {"metric": "missingValues", "arguments": {"missingValues": list(values)}, "mustBe": 0}


def valid(*values: Any) -> dict[str, Any]:
    return {"metric": "invalidValues", "arguments": {"validValues": list(values)}, "mustBeLessThan": 9}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            {"quality": [missing("N/A", "")]},
            '.arguments.missingValues: has "", which the column\'s nullValues make null before; accepted: null in its '
            "place, or nullValues without it",
        ),
        (
            {"quality": [valid("", "a")]},
            '.arguments.validValues: has "", which the column\'s nullValues make null before; accepted: the list',
        ),
        ({"enum": [{"value": ""}]}, '.enum: has ""'),
        (
            {"physical": "INTEGER", "quality": [missing(-1)], "customProperties": custom(nullValues=["-1"])},
            "missingValues: has -1, which",
        ),
    ],
)
def test_a_listed_value_that_is_null_before_is_refused(column: dict[str, Any], message: str) -> None:
    assert message in refusal(with_column(**column))


def test_a_listed_value_that_is_not_null_before_is_read() -> None:
    no_nulls = {"customProperties": custom(nullValues=[])}
    assert accepted(with_column(quality=[missing("")], **no_nulls))
    pattern = {"metric": "invalidValues", "arguments": {"pattern": "a-b"}, "mustBe": 0}
    assert accepted(with_column(quality=[pattern], customProperties=custom(nullValues=["-"])))
    assert accepted(document(output=table("totals", "output", column(quality=[missing("")]))))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"mustBeLessThan": 0}, "never"),
        ({"mustBeGreaterOrEqualTo": 0}, "always"),
        ({"mustBeLessOrEqualTo": 100, "unit": "percent"}, "always"),
        ({"mustBeGreaterThan": 100, "unit": "percent"}, "never"),
        ({"mustBeBetween": [0, 100], "unit": "percent"}, "always"),
        ({"mustNotBeBetween": [0, 100], "unit": "percent"}, "never"),
    ],
)
def test_a_rule_without_an_effect_is_refused(rule: dict[str, Any], told: str) -> None:
    message = f" {told} holds, whatever is counted; accepted: a rule that can be kept and broken"
    assert message in refusal(with_quality({"metric": "nullValues", **rule}))


@pytest.mark.parametrize(
    "rule",
    [
        {"mustBeLessThan": 1},
        {"mustBeGreaterThan": 0},
        {"mustBeLessOrEqualTo": 100},
        {"mustBeLessThan": 100, "unit": "percent"},
        {"mustBeBetween": [0, 99], "unit": "percent"},
        {"mustBeBetween": [1, 100], "unit": "percent"},
        {"mustNotBeBetween": [0, 100]},
        {"mustNotBeBetween": [0, 99], "unit": "percent"},
        {"mustNotBeBetween": [1, 100], "unit": "percent"},
    ],
)
def test_a_rule_that_may_be_broken_and_kept_is_read(rule: dict[str, Any]) -> None:
    assert set_rules({"metric": "nullValues", **rule})


def test_duplicates_of_several_columns() -> None:
    rule = {"metric": "duplicateValues", "arguments": {"properties": ["code", "n"]}, "mustBeLessThan": 10}
    assert set_rules(rule, of_object=True)[0].columns == ("code", "n")
    assert set_rules({"metric": "duplicateValues", "mustBeLessThan": 10})[0].columns == ("code",)


def test_ids_are_unique_in_the_contract() -> None:
    count = {"metric": "rowCount", "mustBeGreaterThan": 1}
    ids = [
        rule.id
        for rule in set_rules(
            count,
            count,
            {**count, "name": "n"},
            {**count, "id": "i", "name": "n"},
            {**count, "name": "n"},
            of_object=True,
        )
    ]
    assert ids == ["orders.rowCount", "orders.rowCount.2", "n", "i", "orders.n"]

    output = table("totals", "output", column(), quality=[{**count, "id": "rows"}])
    source = table("orders", "source", column(), quality=[{**count, "id": "rows"}])
    assert [rule.id for rule in accepted(document(source=source, output=output)).set_rules] == ["rows", "totals.rows"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM orders WHERE regexp_matches(code, '^[A-Z]{2}$')",
        "SELECT count(*) FROM orders WHERE code = '${cutoff}' -- {cutoff}",
        "SELECT {'a': 1}.a /* {cutoff} */ FROM orders",
        "-- {cutoff}\n/* {cutoff} */ SELECT 1",
    ],
)
def test_braces_in_a_text_or_a_comment_are_no_placeholder(query: str) -> None:
    assert set_rules({"type": "sql", "query": query, "mustBe": 1})[0].query == query


def test_a_text_of_spark_ends_where_spark_ends_it() -> None:
    query = "SELECT count(*) FROM {table} WHERE a = 'it\\'s {x}' OR b = \"{y}\" OR `{z}` = 1"
    output = table("totals", "output", column(), quality=[{"type": "sql", "query": query, "mustBe": 1}])
    assert accepted(document(output=output)).set_rules[0].query == query.replace("{table}", "`totals`")


def test_a_query_names_its_object_and_column_quoted_for_its_engine() -> None:
    query = "SELECT count(*) FROM ${object} WHERE {property} IS NULL AND ${column} = '{x;'"
    (rule,) = set_rules({"type": "sql", "query": f" {query};\n", "mustBeLessThan": 10})
    assert rule.query == 'SELECT count(*) FROM "orders" WHERE "code" IS NULL AND "code" = \'{x;\''
    assert (rule.unit, rule.columns, rule.id) == ("value", ("code",), "orders.code.sql")

    sql = {"type": "sql", "query": "WITH t AS (SELECT 1 AS a) SELECT a FROM t, {table}", "mustBe": 1}
    output = table("totals", "output", column(), quality=[sql])
    assert accepted(document(output=output)).set_rules[0].query.endswith("FROM t, `totals`")


@pytest.mark.parametrize(("end", "left"), [(";", ""), (" ; ", ""), (";;\n", ""), (" AS X;", " AS X")])
def test_a_query_may_end_with_a_semicolon(end: str, left: str) -> None:
    assert quality.filled(f"SELECT 1{end}", "source", "orders", "") == f"SELECT 1{left}"


@pytest.mark.parametrize(("role", "quoted"), [("source", '"a""`b"'), ("output", '`a"``b`')])
def test_a_name_is_quoted_for_the_engine_of_its_object(role: str, quoted: str) -> None:
    assert quality.filled("SELECT {column} FROM {table}", role, 'a"`b', 'a"`b') == f"SELECT {quoted} FROM {quoted}"


def test_a_query_is_about_its_object_and_has_a_severity() -> None:
    warning = {"type": "sql", "query": "SELECT 1", "mustBe": 1, "severity": "warning"}
    expected = SetRule("orders.sql", "orders", "sql", "mustBe", (Decimal(1),), "warning", "value", query="SELECT 1")
    assert set_rules(warning, of_object=True) == (expected,)
    assert set_rules({**warning, "severity": "error"})[0].severity == "error"


def test_a_rule_of_type_text_describes() -> None:
    assert set_rules({"type": "text", "description": "checked by hand", "dimension": "accuracy"}) == ()


@pytest.mark.parametrize("name", ["metric", "arguments", "query", "unit", "severity", *OPERATORS])
def test_a_rule_of_type_text_has_nothing_to_judge(name: str) -> None:
    assert f".{name}: 1 stands in a rule of type text, which only describes" in refusal(
        with_quality({"type": "text", name: 1})
    )


def test_an_id_is_printable_and_takes_no_more_than_its_bytes() -> None:
    rule = {"metric": "rowCount", "mustBeGreaterThan": 1}
    assert set_rules({**rule, "id": "é" * 128}, of_object=True)[0].id == "é" * 128
    for text in ("é" * 128 + "x", "a\nb", "\ud800"):
        assert ".id: " in refusal(with_quality({**rule, "id": text}, of_object=True))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"metric": "foo", "mustBe": 0}, '.metric: "foo" is not a metric; accepted: nullValues, missingValues'),
        ({"metric": "nulValues", "mustBe": 0}, 'did you mean "nullValues"'),
        ({"metric": "rowCount", "mustBe": 0}, '.metric: "rowCount" is a metric of an object; accepted here: '),
        ({"mustBe": 0}, ".metric: is missing; accepted: nullValues, missingValues, invalidValues, duplicateValues"),
        (
            {"rule": "nullCheck", "mustBe": 0},
            '.rule: "nullCheck" is refused: it is the old name of metric; write metric',
        ),
        ({"metric": "nullValues"}, ": has no operator; accepted: mustBe, mustNotBe"),
        ({"metric": "nullValues", "mustBe": 0, "mustBeLessThan": 1}, ".mustBeLessThan: 1 stands beside mustBe; "),
        ({"metric": "nullValues", "mustBe": "0"}, '.mustBe: "0" is not a number'),
        ({"metric": "nullValues", "mustBe": True}, ".mustBe: true is not a number"),
        ({"metric": "nullValues", "mustBe": -1}, ".mustBe: -1 is not a number of rows; accepted: whole numbers of 0"),
        ({"metric": "nullValues", "mustBeLessThan": 0.5}, ".mustBeLessThan: 0.5 is not a number of rows"),
        ({"metric": "nullValues", "mustBeLessThan": 101, "unit": "percent"}, "101 is not a share in percent"),
        ({"metric": "nullValues", "mustBeBetween": [1]}, ".mustBeBetween: [1] is not a pair of numbers"),
        ({"metric": "nullValues", "mustBeBetween": 5}, ".mustBeBetween: 5 is not a pair of numbers"),
        ({"metric": "nullValues", "mustBeBetween": "12"}, '.mustBeBetween: "12" is not a pair of numbers'),
        ({"metric": "nullValues", "mustBeBetween": [2, 2]}, ".mustBeBetween: [2, 2] is out of order"),
        ({"metric": "nullValues", "mustBeBetween": [1, "2"]}, '.mustBeBetween[1]: "2" is not a number'),
        (
            {"metric": "nullValues", "mustBe": 0, "unit": "files"},
            '.unit: "files" is not known here; accepted: rows, perc',
        ),
        (
            {"metric": "nullValues", "mustBe": 0, "severity": "info"},
            '.severity: "info" is not known here; accepted: error',
        ),
        (
            {"metric": "nullValues", "mustBe": 0, "arguments": {"a": 1}},
            ".arguments.a: is not an element here; accepted: none",
        ),
        ({"metric": "nullValues", "mustBe": 0, "arguments": None}, ".arguments: null is not a mapping"),
        (
            {"metric": "nullValues", "mustBe": 0, "schedule": "0 0 * * *"},
            '.schedule: "0 0 * * *" is refused: the pipeli',
        ),
        (
            {"metric": "nullValues", "mustBe": 0, "scheduler": "cron"},
            " is refused: the pipeline judges each run; leave",
        ),
        ({"type": "custom", "implementation": "x"}, " is refused: it belongs to a rule of type custom, which no stage"),
        ({"metric": "nullValues", "mustBe": 0, "id": ""}, '.id: "" is empty'),
        ({"metric": "nullValues", "mustBe": 0, "name": "x" * 257}, "is not an identifier; accepted: a printable text"),
        (
            {"metric": "nullValues", "mustBe": 0, "customProperties": custom(a=1)},
            '.customProperties[0].property: "a" is no',
        ),
        (
            {"metric": "nullValues", "mustBe": 0, "query": "SELECT 1"},
            "stands in a rule of type library; accepted: type: sql",
        ),
        ({"metric": "nullValues", "mustBe": 0, "element": "a.b"}, ".element: is not an element here"),
        ({"metric": "invalidValues", "mustBe": 0}, ".arguments: is missing; accepted: validValues or pattern"),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {}}, ".arguments: is missing"),
        ({"metric": "missingValues", "mustBe": 0}, ".arguments: is missing; accepted: missingValues"),
        ({"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": []}}, "[] is not a list with a value"),
        (
            {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [1]}},
            ".arguments.missingValues[0]: 1 is not a text",
        ),
        (
            {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": "N/A"}},
            '.arguments.missingValues: "N/A" is not a list with a value in it',
        ),
        (
            {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "(?=a)"}},
            '.arguments.pattern: "(?=a)" is not a pattern',
        ),
        (
            {"type": "custom", "engine": "soda", "implementation": "x"},
            " is refused: it belongs to a rule of type custom",
        ),
        ({"type": "custom"}, '.type: "custom" is refused: no stage can run it; accepted: library, sql, text'),
        ({"type": "great"}, '.type: "great" is not known here'),
        ({"type": "text", "metric": "nullValues"}, "stands in a rule of type text, which only describes"),
        ({"type": "sql", "mustBe": 0}, ".query: is missing; accepted: one SELECT that gives one number"),
        ({"type": "sql", "query": "", "mustBe": 0}, '.query: "" is empty'),
        ({"type": "sql", "query": "SELECT 1"}, "has no operator"),
        *(
            (
                {"type": "sql", "query": "SELECT 1", "mustBe": 1, name: value},
                f"stands in a rule of type sql; accepted: {instead}",
            )
            for name, value, instead in [
                ("metric", "rowCount", "type: library"),
                ("arguments", {}, "type: library"),
                ("unit", "percent", "no unit"),
            ]
        ),
        ({"type": "sql", "query": "DELETE FROM orders", "mustBe": 1}, "is not a query; accepted: one SELECT, or WITH"),
        ({"type": "sql", "query": "SELECT 1; DROP TABLE a", "mustBe": 1}, "has more than one statement"),
        (
            {"type": "sql", "query": 'SELECT "${object}"', "mustBe": 1},
            "has the placeholder ${object} in quotes, which it brings itself; accepted: ${object}",
        ),
        (
            {"type": "sql", "query": "SELECT ${CUTOFF}", "mustBe": 1},
            "has the placeholder ${CUTOFF}; accepted: ${object}, ${table}, ${property}, ${column}",
        ),
    ],
)
def test_a_rule_of_a_column_is_refused(rule: dict[str, Any], message: str) -> None:
    told = refusal(with_quality(rule))
    assert told.startswith(PLACE)
    assert message in told


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"metric": "nullValues", "mustBe": 0},
            '.metric: "nullValues" is a metric of a property; accepted here: rowCou',
        ),
        ({"metric": "rowCount", "mustBe": 5, "unit": "percent"}, '.unit: "percent" is not a unit of rowCount'),
        ({"metric": "rowCount", "mustBe": 5, "arguments": {"a": 1}}, ".arguments.a: is not an element here"),
        ({"metric": "duplicateValues", "mustBe": 0}, ".arguments: is missing; accepted: properties"),
        (
            {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["cod"]}},
            '"cod" is not a column; did you m',
        ),
        (
            {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": []}},
            "names no column; accepted: code, n",
        ),
        (
            {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": [1]}},
            ".properties[0]: 1 is not a text; accepted: a column: code, n",
        ),
        ({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["n", "n"]}}, '"n" occurs twice'),
        (
            {"type": "sql", "query": "SELECT {property}", "mustBe": 1},
            "has the placeholder {property}; accepted: ${object}",
        ),
    ],
)
def test_a_rule_of_an_object_is_refused(rule: dict[str, Any], message: str) -> None:
    told = refusal(with_quality(rule, of_object=True))
    assert told.startswith("schema[0].quality[0]")
    assert message in told


def test_an_id_is_there_once_in_a_list() -> None:
    rule = {"id": "a", "metric": "nullValues", "mustBe": 0}
    assert refusal(with_quality(rule, {**rule, "metric": "duplicateValues"})) == (
        'schema[0].properties[0].quality[1].id: "a" occurs twice; accepted: an id for each rule'
    )


@pytest.mark.parametrize(
    ("physical", "values", "message"),
    [
        (
            "VARCHAR(8)",
            [False, "SE"],
            "validValues[0]: false is not a text; accepted: a text; YAML reads an unquoted NO",
        ),
        ("VARCHAR(8)", [1], 'validValues[0]: 1 is not a text; accepted: a text; quote it, as in "1"'),
        ("VARCHAR(8)", [], "validValues: [] is not a list with a value in it"),
        ("VARCHAR(8)", ["A", "A"], 'validValues[1]: "A" occurs twice'),
        ("VARCHAR(8)", ["A", None], "validValues[1]: null keeps every rule but required"),
        ("VARCHAR(8)", ["ünïcödé"], "takes 11 bytes; accepted: at most 8"),
        ("VARCHAR(8)", ["a\0"], "has a NUL character"),
        ("CHAR(4)", ["né"], 'validValues[0]: "né" does not fit CHAR(4); accepted: single-byte characters only'),
        ("SMALLINT", [1.5], "validValues[0]: 1.5 does not fit SMALLINT; accepted: a whole number"),
        ("SMALLINT", ["1"], 'validValues[0]: "1" is not a number'),
        ("SMALLINT", [99999], "is beyond SMALLINT"),
        ("DECIMAL(5,1)", [1.25], "does not fit DECIMAL(5,1); accepted: a number of at most 1 decimals"),
        ("BOOLEAN", ["true"], 'validValues[0]: "true" does not fit BOOLEAN; accepted: true, false'),
        ("DATE", ["31.12.2024"], 'does not fit DATE; accepted: a date as "2024-12-31"'),
    ],
)
def test_a_valid_value_has_to_be_of_the_type(physical: str, values: list[Any], message: str) -> None:
    rule = {"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
    told = refusal(with_quality(rule, physical=physical))
    assert told.startswith(f"{PLACE}.arguments.validValues")
    assert message in told


@pytest.mark.parametrize(
    ("physical", "values", "expected"),
    [
        ("DECIMAL(38,10)", [Decimal("1234567890123456789012345678.0123456789")], None),
        ("DECIMAL(5,1)", [1.50], (Decimal("1.5"),)),
        ("INTEGER", [1.0, 2], (1, 2)),
        ("BOOLEAN", [True], None),
        ("TIMESTAMPTZ", ["2024-01-01T01:00:00+01:00"], ("2024-01-01T00:00:00",)),
    ],
)
def test_valid_values_are_exact(physical: str, values: list[Any], expected: tuple[Any, ...] | None) -> None:
    rule = {"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
    (found,) = rules_of(physical=physical, quality=[rule])
    assert found == ("validValues", expected or tuple(values))


def test_a_pattern_is_for_texts() -> None:
    rule = {"metric": "invalidValues", "arguments": {"pattern": "1"}, "mustBe": 0}
    assert '.arguments.pattern: "1" is for texts, not for DATE' in refusal(with_quality(rule, physical="DATE"))


@pytest.mark.parametrize(
    ("options", "value"),
    [({"maxLength": 2}, "abc"), ({"pattern": "^[0-9]+$"}, "12a"), ({"minLength": 2}, "a")],
)
def test_a_valid_value_that_another_rule_never_lets_in(options: dict[str, Any], value: str) -> None:
    rule = {"metric": "invalidValues", "arguments": {"validValues": [value]}, "mustBe": 0}
    source = table("orders", "source", column(logicalTypeOptions=options, quality=[rule]))
    assert f'schema[0].properties[0]: has the valid value "{value}", which its ' in refusal(document(source=source))


def test_two_lists_share_a_valid_value() -> None:
    one = {"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0}
    two = {"metric": "invalidValues", "arguments": {"validValues": ["C"]}, "mustBe": 0}
    assert "has lists of valid values without a value in common" in refusal(with_quality(one, two))


@pytest.mark.parametrize(("physical", "multiple"), [("DECIMAL(38,1)", Decimal("0.3")), ("DECIMAL(38,0)", 7)])
def test_a_valid_value_of_many_digits_is_a_multiple(physical: str, multiple: Any) -> None:
    def valid(value: int) -> dict[str, Any]:
        rule = {"metric": "invalidValues", "arguments": {"validValues": [value]}, "mustBe": 0}
        columns = column("n", physical, logicalTypeOptions={"multipleOf": multiple}, quality=[rule])
        return document(source=table("orders", "source", columns))

    assert "never lets in" in refusal(valid(10**36))
    assert accepted(valid(21 * 10**34))
