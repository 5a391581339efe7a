from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract.model import Key
from tests.unit.dataset_contract.documents import (
    accepted,
    column,
    custom,
    document,
    read_column,
    refusal,
    rules_of,
    table,
    with_column,
)

PLACE = "schema[0].properties[0]"


@pytest.mark.parametrize(
    ("physical", "redshift"),
    [
        ("INT", "INTEGER"),
        ("FLOAT8", "DOUBLE PRECISION"),
        ("NVARCHAR(40)", "VARCHAR(40)"),
        ("BOOL", "BOOLEAN"),
        ("text", "VARCHAR(256)"),
        ("character varying ( 12 )", "VARCHAR(12)"),
        ("bpchar", "CHAR(256)"),
        ("varchar(max)", "VARCHAR(65535)"),
        ("numeric", "DECIMAL(18,0)"),
        ("Timestamp Without Time Zone", "TIMESTAMP"),
    ],
)
def test_every_name_that_redshift_gives_a_type_is_read(physical: str, redshift: str) -> None:
    assert read_column(physical=physical).type.redshift == redshift


@pytest.mark.parametrize(
    ("logical", "redshift"),
    [
        *(("integer", "BIGINT"), ("number", "DOUBLE PRECISION"), ("string", "VARCHAR(65535)"), ("date", "DATE")),
        *(("timestamp", "TIMESTAMP"), ("boolean", "BOOLEAN")),
    ],
)
def test_a_logical_type_alone_is_enough(logical: str, redshift: str) -> None:
    value = document(source=table("orders", "source", {"name": "a", "logicalType": logical}))
    assert accepted(value).source.columns[0].type.redshift == redshift


HELD_BY = {
    "integer": ["SMALLINT", "DECIMAL(9,0)"],
    "number": ["SMALLINT", "DECIMAL(9,0)", "DECIMAL(9,2)", "REAL"],
    "string": ["VARCHAR(9)", "CHAR(2)"],
    "date": ["DATE"],
    "timestamp": ["TIMESTAMP", "TIMESTAMPTZ"],
    "boolean": ["BOOLEAN"],
}


@pytest.mark.parametrize("logical", HELD_BY)
@pytest.mark.parametrize("physical", sorted({name for names in HELD_BY.values() for name in names}))
def test_a_type_holds_its_logical_types_and_no_other(logical: str, physical: str) -> None:
    value = with_column(physical=physical, logicalType=logical)
    if physical in HELD_BY[logical]:
        assert accepted(value).source.columns[0].type.redshift == physical
    else:
        assert f'.physicalType: "{physical}" holds no logicalType {logical}' in refusal(value)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({"physicalType": "BANANA"}, '.physicalType: "BANANA" is not a type that Redshift has; accepted: SMALLINT, '),
        ({"physicalType": "SUPER"}, '.physicalType: "SUPER" is a type of Redshift that the pipeline does not carry'),
        ({"physicalType": "CHAR(5000)"}, '"CHAR(5000)" is out of Redshift\'s bounds; accepted: a length of 1 to 4096'),
        ({"physicalType": "DECIMAL(39,2)"}, "is out of Redshift's bounds; accepted: a precision of 1 to 38"),
        ({}, ".physicalType: is missing; accepted: a logicalType or a physicalType"),
        ({"logicalType": "array"}, '.logicalType: "array" is refused: a column holds no array'),
        ({"logicalType": "object"}, "list its fields as columns with a physicalName as $.a.b"),
        ({"logicalType": "map"}, "a column holds no map"),
        ({"logicalType": "vector"}, "a column holds no vector"),
        ({"logicalType": "time"}, "does not carry Redshift's TIME"),
        ({"logicalType": "text"}, '.logicalType: "text" is not known here; accepted: integer, number, string'),
        ({"logicalType": "integer", "physicalType": "VARCHAR(8)"}, '"VARCHAR(8)" holds no logicalType integer'),
        ({"logicalType": "integer", "physicalType": "DECIMAL(8,2)"}, '"DECIMAL(8,2)" holds no logicalType integer'),
        ({"logicalType": "date", "physicalType": "TIMESTAMP"}, '"TIMESTAMP" holds no logicalType date; accepted: DATE'),
        ({"logicalType": "string", "items": {}}, ".items: {} is refused: a column holds no array"),
        ({"logicalType": "string", "properties": []}, ".properties: [] is refused: a column holds no object"),
        ({"logicalType": "string", "map": {}}, ".map: {} is refused: a column holds no map"),
        (
            {"logicalType": "string", "relationships": []},
            ".relationships: [] is refused: no stage checks a foreign key",
        ),
        ({"logicalType": "string", "partitioned": True}, ".partitioned: true is refused: Redshift has no partitions"),
        ({"logicalType": "string", "partitionKeyPosition": 1}, ".partitionKeyPosition: 1 is refused"),
        ({"logicalType": "string", "semanticType": "measure"}, '.semanticType: "measure" is not known here'),
        ({"logicalType": "string", "required": "yes"}, '.required: "yes" is not true or false; accepted: true, false'),
        ({"logicalType": "string", "unique": 1}, ".unique: 1 is not true or false"),
        ({"logicalType": "string", "primaryKeyPosition": 1}, ".primaryKeyPosition: 1 stands without a primaryKey"),
        ({"logicalType": "string", "primaryKey": True, "primaryKeyPosition": 2}, "does not number the 1 columns"),
        ({"logicalType": "string", "primaryKey": True, "primaryKeyPosition": 0}, "0 is not a position"),
        ({"physicalType": "DATE", "physicalName": "$.a..b"}, '.physicalName: "$.a..b" is not a header of a column'),
        ({"physicalType": "${TYPE}"}, '.physicalType: "${TYPE}" has a variable, and the pipeline sets none'),
    ],
)
def test_a_property_is_refused(element: dict[str, Any], message: str) -> None:
    assert message in refusal(document(source=table("orders", "source", {"name": "a", **element})))


@pytest.mark.parametrize("name", ["", " a", "a\n", "x" * 128, 7, None])
def test_a_name_of_a_column_is_refused(name: object) -> None:
    assert refusal(document(source=table("orders", "source", column(name)))).startswith(f"{PLACE}.name: ")  # type: ignore[arg-type]


def test_a_column_is_there_once_in_any_case() -> None:
    value = document(source=table("orders", "source", column("a"), column("A")))
    assert refusal(value).startswith('schema[0].properties[1].name: "A" occurs twice')


def test_job_id_belongs_to_the_pipeline_in_outputs_only() -> None:
    assert "appends to every output" in refusal(document(output=table("t", "output", column("Job_ID"))))
    assert accepted(document(source=table("orders", "source", column("job_id")))).source.columns[0].name == "job_id"


def test_the_physical_name_is_what_a_column_is_read_from() -> None:
    assert read_column(physicalName="Order No.").source_name == "Order No."
    assert read_column(physicalName="$.order.no").source_name == "$.order.no"
    assert read_column().source_name == "code"


def test_two_columns_are_not_read_from_one() -> None:
    value = document(source=table("orders", "source", column("a", physicalName="B"), column("b")))
    assert refusal(value).startswith('schema[0].properties[1].name: "b" is also what column a is read from')


def test_an_output_is_called_by_its_name() -> None:
    assert accepted(document(output=table("t", "output", column("a", physicalName="a")))).outputs[0].name == "t"
    value = document(output=table("t", "output", column("a", physicalName="b")))
    assert (
        refusal(value) == 'schema[2].properties[0].physicalName: "b" is not the name, as an output\'s is; accepted: a'
    )


def keys(*columns: dict[str, Any]) -> tuple[Key, ...]:
    return accepted(document(source=table("orders", "source", *columns))).source.keys


def test_keys() -> None:
    assert keys(column("a", unique=True), column("b", primaryKey=True)) == (Key(("b",)), Key(("a",)))
    assert keys(column("a", unique=True, primaryKey=True)) == (Key(("a",)),)
    assert keys(
        column("a", primaryKey=True, primaryKeyPosition=2), column("b", primaryKey=True, primaryKeyPosition=1)
    ) == (Key(("b", "a")),)


def test_a_primary_key_is_required_in_each_role() -> None:
    for role, position in (("source", 0), ("output", 2)):
        value = document(**{role: table("x", role, column("a", primaryKey=True, required=False))})
        objects = (accepted(value).source, None, accepted(value).outputs[0])
        assert objects[position].columns[0].required  # type: ignore[union-attr]


@pytest.mark.parametrize("positions", [(-1, -1), (1, 1), (1, 3), (1, -1)])
def test_a_composite_key_is_numbered(positions: tuple[int, int]) -> None:
    columns = [column(f"c{i}", primaryKey=True, primaryKeyPosition=number) for i, number in enumerate(positions)]
    message = refusal(document(source=table("orders", "source", *columns)))
    assert "does not number the 2 columns of the primaryKey; accepted: 1, 2, each once" in message


@pytest.mark.parametrize(
    ("physical", "options", "expected"),
    [
        ("SMALLINT", {"minimum": 1, "maximum": 12}, [("minimum", 1), ("maximum", 12)]),
        ("SMALLINT", {"exclusiveMinimum": 0, "maximum": 2.5}, [("exclusiveMinimum", 0), ("maximum", Decimal("2.5"))]),
        ("SMALLINT", {"minimum": 1, "exclusiveMinimum": True}, [("exclusiveMinimum", 1)]),
        ("SMALLINT", {"minimum": 1, "exclusiveMinimum": False}, [("minimum", 1)]),
        ("DECIMAL(10,2)", {"multipleOf": 0.05}, [("multipleOf", Decimal("0.05"))]),
        ("INTEGER", {"format": "u8"}, [("minimum", 0), ("maximum", 255)]),
        ("BIGINT", {"format": "i64"}, []),
        ("BIGINT", {"format": "u64"}, [("minimum", 0)]),
        ("DECIMAL(20,0)", {"format": "i64"}, [("minimum", -(2**63)), ("maximum", 2**63 - 1)]),
        ("REAL", {"format": "f32"}, []),
        ("VARCHAR(8)", {"minLength": 1, "maxLength": 4}, [("minLength", 1), ("maxLength", 4)]),
        ("VARCHAR(8)", {"pattern": "^[A-Z]+$"}, [("pattern", "^[A-Z]+$")]),
        ("DATE", {"minimum": "2024-02-29"}, [("minimum", "2024-02-29")]),
        ("TIMESTAMP", {"maximum": "2024-01-01 00:30:00+01:00"}, [("maximum", "2023-12-31T23:30:00")]),
        (
            "TIMESTAMPTZ",
            {"minimum": "2024-01-01T00:00:00.5Z", "timezone": True},
            [("minimum", "2024-01-01T00:00:00.500000")],
        ),
        ("TIMESTAMP", {"minimum": "2024-01-01", "defaultTimezone": "Etc/UTC"}, [("minimum", "2024-01-01T00:00:00")]),
    ],
)
def test_options_become_rules(physical: str, options: dict[str, Any], expected: list[Any]) -> None:
    assert rules_of(physical=physical, logicalTypeOptions=options) == expected


@pytest.mark.parametrize(
    ("physical", "options", "message"),
    [
        ("INTEGER", {"minimum": "abc"}, '.minimum: "abc" is not a number; accepted: a number'),
        ("INTEGER", {"minimum": True}, ".minimum: true is not a number"),
        ("INTEGER", {"minimum": float("nan")}, ".minimum: NaN is not a number"),
        (
            "INTEGER",
            {"minimum": Decimal("1e999999999")},
            "is out of all bounds; accepted: a number that a DOUBLE holds",
        ),
        ("SMALLINT", {"minimum": 40000}, ".minimum: 40000 is beyond SMALLINT; accepted: -32768 to 32767"),
        ("DECIMAL(4,2)", {"maximum": 100}, ".maximum: 100 is beyond DECIMAL(4,2); accepted: -99.99 to 99.99"),
        ("INTEGER", {"minimum": 5, "maximum": 4}, ".minimum: 5 leaves no value below the maximum 4"),
        ("INTEGER", {"minimum": 5, "exclusiveMaximum": 5}, ".minimum: 5 leaves no value below the exclusiveMaximum 5"),
        (
            "INTEGER",
            {"exclusiveMinimum": True},
            ".exclusiveMinimum: true is not a limit; accepted: a limit, or true beside",
        ),
        ("INTEGER", {"exclusiveMinimum": False}, ".exclusiveMinimum: false is not a limit"),
        ("INTEGER", {"multipleOf": 0}, ".multipleOf: 0 is not above 0"),
        ("INTEGER", {"multipleOf": 0.5}, ".multipleOf: 0.5 does not fit INTEGER; accepted: a whole number"),
        ("DECIMAL(9,1)", {"multipleOf": 0.25}, "does not fit DECIMAL(9,1); accepted: a number of at most 1 decimals"),
        ("DOUBLE PRECISION", {"multipleOf": 5}, ".multipleOf: 5 cannot be told of a DOUBLE PRECISION"),
        ("BIGINT", {"format": "i128"}, '.format: "i128" is not known here; accepted: i8, i16, i32, i64, u8'),
        ("DECIMAL(9,2)", {"format": "i32"}, "is a format of whole numbers"),
        ("DOUBLE PRECISION", {"format": "f32"}, '.format: "f32" is not known here; accepted: f64'),
        ("VARCHAR(8)", {"maxLength": 9}, ".maxLength: 9 is more than VARCHAR(8) holds; accepted: 0 to 8"),
        ("VARCHAR(8)", {"minLength": -1}, ".minLength: -1 is not a whole number of 0 or more"),
        ("VARCHAR(8)", {"minLength": 5, "maxLength": 4}, ".minLength: 5 is more than maxLength 4"),
        (
            "VARCHAR(8)",
            {"pattern": "(?=a)"},
            '.pattern: "(?=a)" is not a pattern that every engine reads: a look-ahead',
        ),
        ("VARCHAR(8)", {"format": "password"}, '.format: "password" is not known here; accepted: uuid, email'),
        ("VARCHAR(8)", {"minimum": 1}, ".minimum: is not an element here"),
        ("BOOLEAN", {"format": "yn"}, ".format: is not an element here"),
        ("DATE", {"minimum": "abc"}, '.minimum: "abc" does not fit DATE; accepted: a date as "2024-12-31"'),
        ("DATE", {"minimum": "2023-02-29"}, "is not in the calendar"),
        ("DATE", {"minimum": "2023-01-01T00:00"}, "does not fit DATE"),
        ("DATE", {"minimum": "2024-01-02", "maximum": "2024-01-01"}, "leaves no value below the maximum"),
        ("DATE", {"format": "dd/MM/yy"}, '.format: "dd/MM/yy" has yy: a year without its four digits'),
        ("DATE", {"format": "yyyy-MM-dd HH"}, "has the hour, which a DATE does not hold"),
        ("DATE", {"timezone": False}, ".timezone: is not an element here"),
        ("TIMESTAMP", {"minimum": 5}, '.minimum: 5 is not a text; accepted: a timestamp as "2024-12-31T23:59:59"'),
        ("TIMESTAMP", {"timezone": True}, ".timezone: true is not what TIMESTAMP is; accepted: true with TIMESTAMPTZ"),
        ("TIMESTAMP", {"defaultTimezone": "Europe/Berlin"}, "is not the zone of timestamps without one, which is UTC"),
    ],
)
def test_an_option_is_refused(physical: str, options: dict[str, Any], message: str) -> None:
    told = refusal(with_column(physical=physical, logicalTypeOptions=options))
    assert told.startswith(f"{PLACE}.logicalTypeOptions")
    assert message in told


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("uuid", "53581432-6c55-4ba2-a65f-72344a91553A", "53581432-6c55-4ba2-a65f-72344a91553"),
        ("email", "first.last+tag@example.co.uk", "first last@example.com"),
        ("ipv4", "192.168.0.255", "192.168.0.256"),
        ("hostname", "a-1.example.com", "-a.example.com"),
        ("uri", "s3://bucket/key%20a?b=c#d", "no scheme"),
    ],
)
def test_a_format_of_texts_is_a_pattern(name: str, good: str, bad: str) -> None:
    def valid(value: str) -> dict[str, Any]:
        rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [value]}}
        return with_column(physical="VARCHAR(99)", logicalTypeOptions={"format": name}, quality=[rule])

    assert accepted(valid(good)).source.columns[0].rules
    assert "never lets in" in refusal(valid(bad))


def test_a_format_of_dates_is_kept_for_the_reader_and_refused_on_an_output() -> None:
    options = {"format": "dd.MM.yyyy"}
    assert read_column(physical="DATE", logicalTypeOptions=options).format == "dd.MM.yyyy"
    output = table("t", "output", column("d", "DATE", logicalTypeOptions=options))
    assert "an output is typed: leave it out" in refusal(document(output=output))


def test_enum_is_a_list_of_valid_values() -> None:
    values = [{"value": "NO", "label": "Norway", "tags": ["nordic"]}, {"value": "SE"}]
    assert rules_of(enum=values) == [("validValues", ("NO", "SE"))]


@pytest.mark.parametrize(
    ("enum", "message"),
    [
        ([], ".enum: [] has no value"),
        ([{"label": "a"}], ".enum[0].value: is missing"),
        ([{"value": "a"}, {"value": "a"}], '.enum[1].value: "a" occurs twice'),
        ([{"value": False}], 'YAML reads an unquoted NO, yes, on or off as true or false; quote it, as in "NO"'),
        ([{"value": "a", "lable": "b"}], '.enum[0].lable: is not an element here; did you mean "label"'),
        ([{"value": "too long for it"}], "takes 15 bytes; accepted: at most 8, as VARCHAR(8) holds"),
    ],
)
def test_an_enum_is_refused(enum: list[Any], message: str) -> None:
    assert message in refusal(with_column(enum=enum))


def test_null_texts_of_a_column_go_before_those_of_its_object() -> None:
    columns = [column("a", customProperties=custom(nullValues=["-", "-"])), column("b")]
    source = table("orders", "source", *columns, custom={"nullValues": ["", "NA"]})
    assert [item.null_values for item in accepted(document(source=source)).source.columns] == [("-",), ("", "NA")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("NA", '"NA" is not a list'),
        ([None], "null is not a text"),
        (["a,b"], '"a,b" has "," in it'),
        (['"'], "in it; accepted: a text without delimiter, quote, line end"),
        (["a\n"], "in it"),
    ],
)
def test_null_texts_are_refused(values: object, message: str) -> None:
    told = refusal(document(source=table("orders", "source", column(), custom={"nullValues": values})))
    assert told.startswith("schema[0].customProperties[1].value")
    assert message in told


def test_null_texts_may_hold_a_comma_where_it_delimits_nothing() -> None:
    source = table("orders", "source", column(), custom={"csv": {"delimiter": ";"}, "nullValues": ["a,b"]})
    assert accepted(document(source=source)).source.columns[0].null_values == ("a,b",)


def test_null_texts_do_not_apply_to_outputs() -> None:
    output = table("t", "output", column(customProperties=custom(nullValues=["NA"])))
    assert "is refused: of an object or column that is read from text files" in refusal(document(output=output))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("oid", '"oid" is the name of a system column of Redshift; accepted: another'),
        ("CTID", "is the name of a system column"),
        ("deletexid", "is the name of a system column"),
        ("{{orders_uri}}", "has {{ in it, which marks a value in a statement; accepted: a name without"),
        ("a}}", "has }} in it"),
        (":job_id", "has : in it"),
    ],
)
def test_a_name_that_a_statement_would_take_for_another_is_refused_in_an_output(name: str, message: str) -> None:
    told = refusal(document(output=table("totals", "output", column(name, "BIGINT"))))
    assert told.startswith("schema[2].properties[0].name: ")
    assert message in told
    assert accepted(with_column(name=name)).source.columns[0].name == name
