"""COPY and UNLOAD between S3 objects and tables."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.local_aws.services.conftest import ROLE, Redshift

pytestmark = pytest.mark.postgres


def put(redshift: Redshift, key: str, content: str | bytes) -> None:
    redshift.s3.put_object(Bucket="lake", Key=key, Body=content.encode() if isinstance(content, str) else content)


def put_parquet(redshift: Redshift, key: str, query: str) -> int:
    path = redshift.s3.root / "lake" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.stat().st_size


def copy(rest: str = "format parquet", key: str = "in/", table: str = "t", role: str = ROLE) -> str:
    return f"copy {table} from 's3://lake/{key}' iam_role '{role}' {rest}"


TYPES = (
    "select 1::smallint a, 2::integer b, 3::bigint c, 1.5::float d, 2.5::double e, 1.25::decimal(9,2) f, true g,"
    " date '2013-01-02' h, timestamp '2013-01-01 10:00:00' i, timestamptz '2013-01-01 10:00:00+00' j, 'ä,\"' k, '' l"
)


def test_parquet_of_every_type(redshift: Redshift) -> None:
    redshift.run(
        "create table t (a smallint, b int, c bigint, d real, e float8, f decimal(9,2), g boolean, h date, i timestamp,"
        " j timestamptz, k varchar(5), l varchar(5))"
    )
    nulls = ", ".join(f"null::{kind}" for kind in
                      ("smallint", "integer", "bigint", "float", "double", "decimal(9,2)", "boolean", "date",
                       "timestamp", "timestamptz", "varchar", "varchar"))  # fmt: skip
    put_parquet(redshift, "in/1.parquet", f"{TYPES} union all select {nulls}")
    described = redshift.run(copy(), "select pg_last_copy_count()")
    assert described["SubStatements"][0]["ResultRows"] == 2
    assert redshift.fetch(f"{described['Id']}:2") == [(2,)]
    assert redshift.rows("select * from t order by a nulls last") == [
        (1, 2, 3, 1.5, 2.5, "1.25", True, "2013-01-02", "2013-01-01 10:00:00", "2013-01-01 10:00:00+00", 'ä,"', ""),
        (None,) * 12,
    ]


# By the type of the table: values at its edges, as DuckDB writes them.
EDGES = {
    "smallint": ("smallint", ["-32768", "0", "32767"]),
    "integer": ("integer", ["-2147483648", "0", "2147483647"]),
    "bigint": ("bigint", ["-9223372036854775808", "0", "9223372036854775807"]),
    "real": ("float", ["'nan'", "'-inf'", "-0.0", "3.4028235e38", "1e-45", "0.1"]),
    "float8": ("double", ["'nan'", "'inf'", "-0.0", "1.7976931348623157e308", "5e-324", "0.1"]),
    "decimal(4,2)": ("decimal(4,2)", ["-99.99", "0", "0.01"]),
    "decimal(9,4)": ("decimal(9,4)", ["-99999.9999", "10000", "0.0001"]),
    "decimal(18,0)": ("decimal(18,0)", ["-999999999999999999", "0", "100000000"]),
    "decimal(38,37)": ("decimal(38,37)", ["'-9.9999999999999999999999999999999999999'", "1e-37"]),
    "decimal(38,0)": ("decimal(38,0)", ["'99999999999999999999999999999999999999'", "'-1'"]),
    "boolean": ("boolean", ["true", "false"]),
    "date": ("date", ["'0044-03-15 (BC)'", "'1969-12-31'", "'2000-01-01'", "'9999-12-31'"]),
    "timestamp": ("timestamp", ["'0001-01-01 00:00:00.000001'", "'1969-12-31 23:59:59.999999'", "'9999-12-31'"]),
    "timestamptz": ("timestamptz", ["'1969-12-31 23:59:59.999999+02'", "'2000-01-01 00:00:00+00'"]),
    "varchar(16)": (
        "varchar",
        ["'  a  '", "'null'", "'ä😀'", "'\\N'", "'a,\"b\"'", "'a' || chr(10) || 'b'", "'1234567890123456  '"],
    ),
    "char(4)": ("varchar", ["'a'", "'a   '"]),
}


def test_a_value_is_the_same_from_parquet_and_from_text(redshift: Redshift) -> None:
    declared = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(EDGES))
    redshift.run(f"create table t (n int, {declared})", f"create table u (n int, {declared})")
    for row in range(max(len(values) for _, values in EDGES.values()) + 1):
        listed = ", ".join(
            f"CAST({values[row] if row < len(values) else 'NULL'} AS {type_}) AS c{number}"
            for number, (type_, values) in enumerate(EDGES.values())
        )
        put_parquet(redshift, f"in/{row}", f"SELECT {row} AS n, {listed}")
    root = redshift.s3.root / "lake"
    (root / "text").mkdir()
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            f"COPY (FROM read_parquet('{root}/in/*')) TO '{root}/text/1' (FORMAT csv, HEADER false, NULLSTR '@@')"
        )
    redshift.run(copy(), copy("csv null as '@@'", key="text/", table="u"))
    found = redshift.rows("select * from t order by n")
    assert found == redshift.rows("select * from u order by n")
    assert len(found) == 8
    assert found[-1][1:] == (None,) * len(EDGES)


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
@pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz"])
def test_an_infinite_time_is_no_value(redshift: Redshift, type_: str, value: str) -> None:
    redshift.run(f"create table t (a {type_})")
    put_parquet(redshift, "in/1", f"select {type_} '2013-01-01' as a union all select {type_} '{value}'")
    assert f"a {type_} has no infinity" in redshift.fail(copy())
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_what_is_narrower_in_the_file_is_widened(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b int, c smallint, d timestamp)")
    put_parquet(
        redshift,
        "in/1",
        "select 1::tinyint a, 2::smallint b, 3::tinyint c, timestamp_ns '2013-01-01 00:00:00.1234567' d",
    )
    redshift.run(copy())
    assert redshift.rows("select * from t") == [(1, 2, 3, "2013-01-01 00:00:00.123456")]


def test_a_file_that_is_damaged_within_loads_nothing(redshift: Redshift) -> None:
    redshift.run("create table t (a bigint)")
    put_parquet(redshift, "in/1", "select range a from range(5000)")
    put_parquet(redshift, "in/2", "select (range * 7919) % 100003 a from range(500000)")
    path = redshift.s3.root / "lake" / "in" / "2"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 4096)
    assert redshift.fail(copy()).startswith("ERROR: Load failed.")
    assert redshift.rows("select count(*) from t") == [(0,)]


@pytest.mark.parametrize("file", [1, 2])
def test_a_load_that_the_table_refuses_ends_what_makes_its_rows(redshift: Redshift, file: int) -> None:
    redshift.run("create table t (a bigint not null)")
    for number in (1, 2):
        one = "null" if number == file else "1"
        put_parquet(redshift, f"in/{number}", f"select {one}::bigint a union all select range from range(600000)")
    assert "null value in column" in redshift.fail(copy())
    assert [each.name for each in threading.enumerate() if each.name.startswith("redshift-copy")] == []
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_a_schema_is_read_without_pandas(tmp_path: Path) -> None:
    """DuckDB imports it with the first parameter that is bound, where it is installed: that took a second of a COPY."""
    assert find_spec("pandas")
    quoted = str(tmp_path / "it's.parquet").replace("'", "''")
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{quoted}' (FORMAT parquet)")
    program = (
        "import sys, duckdb; from pathlib import Path; from local_aws.services.redshift.parquet import read_schema; "
        "columns = read_schema(duckdb.connect(), Path(sys.argv[1]), 's3://lake/it'); "
        "print([column.name for column in columns], 'pandas' in sys.modules)"
    )
    line = [sys.executable, "-c", program, str(tmp_path / "it's.parquet")]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "['a'] False\n"


def test_a_prefix_is_every_object_below_it_but_the_hidden_ones(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    for number, key in enumerate(["in/a", "in/b/c", "in2", "other", "in/_SUCCESS", "in/.x", "in/#x", "in/x~"]):
        put_parquet(redshift, key, f"select {number}::int a")
    redshift.run(copy(key="in"))
    assert redshift.rows("select a from t order by a") == [(0,), (1,), (2,)]


def test_columns_are_mapped_by_order(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b int)")
    put_parquet(redshift, "in/1", "select 1::int as b, 2::int as a")
    put_parquet(redshift, "in/2", "select 3::int as x, 4::int as y")
    redshift.run(copy())
    assert redshift.rows("select a, b from t order by a") == [(1, 2), (3, 4)]


def test_a_column_list_leaves_the_others_to_their_defaults(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b int default 7, i bigint identity(1, 1))")
    put_parquet(redshift, "in/1", "select 1::int as a")
    redshift.run(copy(table="t (a)"))
    assert redshift.rows("select a, b, i from t") == [(1, 7, 1)]
    assert 'column "x" of relation "t" does not exist' in redshift.fail(copy(table="t (x)"))
    assert "EXPLICIT_IDS" in redshift.fail(copy(table="t (i)"))


def test_identity_values_come_from_the_file_with_explicit_ids_only(redshift: Redshift) -> None:
    redshift.run("create table t (i bigint identity(1, 1), a int)")
    put_parquet(redshift, "in/1", "select 50::bigint i, 1::int as a")
    redshift.run(copy())
    redshift.run(copy("format parquet explicit_ids"))
    assert redshift.rows("select i, a from t order by i") == [(1, 1), (50, 1)]


@pytest.mark.parametrize(
    ("declared", "value", "described"),
    [
        ("int", "1.5::double", "Column type: INT, Parquet schema:\noptional double a"),
        ("int", "1::bigint", "Column type: INT, Parquet schema:\noptional int64 a"),
        ("bigint", "1::int", "Column type: BIGINT, Parquet schema:\noptional int32 a"),
        ("smallint", "1::int", "Column type: SMALLINT"),
        ("float8", "1.5::float", "Column type: DOUBLE"),
        ("decimal(9,2)", "1.5::double", "Column type: DECIMAL(9, 2)"),
        ("decimal(9,2)", "1.5::decimal(9,3)", "Column type: DECIMAL(9, 2)"),
        ("varchar(9)", "1::int", "Column type: VARCHAR(9)"),
        ("date", "timestamp '2013-01-01'", "Column type: DATE"),
        ("timestamp", "date '2013-01-01'", "Column type: TIMESTAMP"),
        ("int", "[1, 2]", "Column type: INT"),
    ],
)
def test_a_type_must_be_the_one_of_the_table(redshift: Redshift, declared: str, value: str, described: str) -> None:
    redshift.run(f"create table t (a {declared})")
    put_parquet(redshift, "in/1", f"select {value} as a")
    error = redshift.fail(copy())
    assert "has an incompatible Parquet schema for column 't.a'" in error
    assert described in error
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_super_from_parquet_needs_what_is_not_there(redshift: Redshift) -> None:
    redshift.run("create table t (a super)")
    put_parquet(redshift, "in/1", "select '{}' as a")
    assert "requires SERIALIZETOJSON" in redshift.fail(copy())


def test_the_number_of_columns_must_match(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b int)")
    put_parquet(redshift, "in/1", "select 1::int a")
    error = redshift.fail(copy())
    assert "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1" in error
    redshift.run(copy("format parquet fillrecord"))
    assert redshift.rows("select a, b from t") == [(1, None)]


def test_a_value_too_long_names_its_column(redshift: Redshift) -> None:
    redshift.run("create table t (a varchar(9), b varchar(3))")
    put_parquet(redshift, "in/1", "select 'abcdef' as a, 'ab' as b")
    put_parquet(redshift, "in/2", "select 'abcdef' as a, 'äö' as b")
    error = redshift.fail(copy())
    assert "The length of the data column b is longer than the length defined in the table. Table: 3, Data: 4" in error
    assert "s3://lake/in/2" in error


def test_a_null_where_none_may_be(redshift: Redshift) -> None:
    redshift.run("create table t (a int not null)")
    put_parquet(redshift, "in/1", "select null::int a")
    assert 'null value in column "a"' in redshift.fail(copy())


def test_sources_that_are_not_there(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    put(redshift, "in/_hidden", "x")
    assert redshift.fail(copy()) == "ERROR: The specified S3 prefix 'in/' does not exist"
    error = redshift.fail(f"copy t from 's3://nowhere/in' iam_role '{ROLE}' format parquet")
    assert error == "ERROR: S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket"
    put(redshift, "text/1", "not parquet")
    assert "s3://lake/text/1' is not a Parquet file" in redshift.fail(copy(key="text/"))
    assert 'relation "nope" does not exist' in redshift.fail(copy(table="nope"))


def test_the_role_must_be_attached_to_the_cluster(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    put_parquet(redshift, "in/1", "select 1::int a")
    other = "arn:aws:iam::000000000000:role/other"
    error = redshift.fail(copy(role=other))
    user = "User arn:aws:redshift:us-east-1:000000000000:dbuser:warehouse/admin"
    assert error == f"ERROR: {user} is not authorized to assume IAM Role {other}"
    redshift.change_cluster(default_iam_role=None)
    default = "copy t from 's3://lake/in/' iam_role default format parquet"
    assert "default IAM role is not set" in redshift.fail(default)
    redshift.change_cluster(default_iam_role=ROLE)
    redshift.run(default)


def entries(*items: dict[str, Any]) -> str:
    return json.dumps({"entries": list(items)})


def test_a_manifest_lists_the_files(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    size = put_parquet(redshift, "in/1", "select 1::int a")
    put_parquet(redshift, "in/2", "select 2::int a")
    meta = {"meta": {"content_length": size}}
    present = {"url": "s3://lake/in/1", "mandatory": True, **meta}
    absent = {"url": "s3://lake/in/9", **meta}
    put(redshift, "m", entries(present, {**absent, "mandatory": False}))
    redshift.run(copy("format parquet manifest", key="m"))
    assert redshift.rows("select a from t") == [(1,)]
    # What lies beside them is not loaded, and one file may be there twice.
    put(redshift, "m", entries(present, present))
    redshift.run(copy("format parquet manifest", key="m"))
    assert redshift.rows("select a from t") == [(1,)] * 3


SIZED = {"url": "s3://lake/in/1", "mandatory": True, "meta": {"content_length": 7}}


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (
            entries({**SIZED, "url": "s3://lake/in/9"}),
            "ERROR: Mandatory url is not present in manifest file.\n  Detail: s3://lake/in/9",
        ),
        # "Regardless of any mandatory settings, COPY will terminate if no files are found."
        (entries({**SIZED, "url": "s3://lake/in/9", "mandatory": False}), "No file of the manifest s3://lake/m exists"),
        (entries(), "No file of the manifest s3://lake/m exists"),
        (entries({"url": "s3://lake/in/1", "mandatory": True}), "s3://lake/in/1 has no meta.content_length"),
        (entries({**SIZED, "meta": {}}), "s3://lake/in/1 has no meta.content_length"),
        (entries({**SIZED, "meta": {"content_length": 1}}), "content_length is 1"),
        (
            "{}",
            "Manifest file is not in correct json format.\n  Detail: Manifest file location = s3://lake/m: KeyError",
        ),
        ("nothing", "Manifest file is not in correct json format."),
        (entries({**SIZED, "url": 5}), "5 is not of type str"),
        (entries({**SIZED, "mandatory": "yes"}), "'yes' is not of type bool"),
        (entries({**SIZED, "meta": {"content_length": "7"}}), "'7' is not of type int"),
        (entries({**SIZED, "url": "in/1"}), "'in/1' is not s3://bucket/key"),
        (
            None,
            "ERROR: Problem reading manifest file - S3ServiceException:The specified key does not exist.,"
            "Status 404,Error NoSuchKey",
        ),
    ],
)
def test_a_manifest_that_is_refused(redshift: Redshift, manifest: str | None, said: str) -> None:
    redshift.run("create table t (a int)")
    put_parquet(redshift, "in/1", "select 1::int a")
    if manifest is not None:
        put(redshift, "m", manifest)
    assert said in redshift.fail("insert into t values (5)", copy("format parquet manifest", key="m"))
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_the_count_of_the_last_copy_is_the_sessions_own(redshift: Redshift) -> None:
    redshift.run("create table t (a int)", "create table u (a bigint)")
    put_parquet(redshift, "in/1", "select 1::int a")
    count = "select pg_last_copy_count()"
    described = redshift.describe(copy(), count, copy(table="u"), count, "selec", count, ExecutionMode="AUTO_COMMIT")
    # After a COPY that failed as it loaded it is 0; a session of its own has none.
    assert [redshift.fetch(f"{described['Id']}:{number}") for number in (2, 4)] == [[(1,)], [(0,)]]
    assert redshift.rows(count) == [(0,)]


def test_csv(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(9), c timestamp, d boolean)")
    put(redshift, "in/1.csv", 'a,b,c,d\n1,"x,""y""",2013-01-01 10:00:00,true\n,,,\n3,\\N,2013-01-01,f\n')
    redshift.run(copy("csv ignoreheader 1"))
    assert redshift.rows("select * from t order by a") == [
        (1, 'x,"y"', "2013-01-01 10:00:00", True),
        (3, None, "2013-01-01 00:00:00", False),
        (None, "", None, None),
    ]


def test_csv_with_its_options(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(9))")
    put(redshift, "in/1.gz", gzip.compress(b"1;NA\n2;\n3;%x;y%\n"))
    redshift.run(copy("csv quote '%' delimiter ';' gzip null as 'NA' emptyasnull region 'us-east-1' compupdate off"))
    assert redshift.rows("select * from t order by a") == [(1, None), (2, None), (3, "x;y")]


def test_delimited_text(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(9))")
    put(redshift, "in/1", '1|"x\n2|y\n')
    redshift.run(copy(""))
    assert redshift.rows("select * from t order by a") == [(1, '"x'), (2, "y")]


def test_csv_that_does_not_fit(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(3))")
    put(redshift, "in/1", "x,y\n")
    error = redshift.fail(copy("csv"))
    assert error.startswith("ERROR: Load into table 't' failed.")
    assert 'invalid input syntax for type integer: "x"' in error
    put(redshift, "in/1", "1\n")
    assert redshift.fail(copy("csv")).startswith("ERROR: Load")
    put(redshift, "in/1", "1,2,3\n")
    assert redshift.fail(copy("csv")).startswith("ERROR: Load")
    put(redshift, "in/1", "1,äö\n")
    assert "value too long for type character varying(3)" in redshift.fail(copy("csv"))


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_csv_that_is_cut_within_a_character_of_the_message(redshift: Redshift, shift: int) -> None:
    redshift.run("create table t (a int, b varchar(max))")
    put(redshift, "in/1", f'1,x\n2,{"x" * shift}{"漢" * 12_000},3\n4,"{"漢" * 12_000}\n')
    assert redshift.fail(copy("csv")).startswith("ERROR: Load")
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_json_by_name(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(20), c boolean)")
    put(redshift, "in/1", '{"b": "x", "a": 1, "other": 5}\n{"a": 2, "c": true}\n')
    redshift.run(copy("format json 'auto'"))
    assert redshift.rows("select * from t order by a") == [(1, "x", None), (2, None, True)]


def test_a_failed_copy_rolls_its_batch_back_and_leaves_no_file(redshift: Redshift, tmp_path: Path) -> None:
    redshift.run("create table t (a int)")
    put_parquet(redshift, "in/1", "select 1::int a")
    put_parquet(redshift, "in/2", "select 1::bigint a")
    redshift.fail("insert into t values (5)", copy())
    assert redshift.rows("select count(*) from t") == [(0,)]
    assert redshift.rows("select pg_last_copy_count()") == [(0,)]


def test_copy_of_many_rows(redshift: Redshift) -> None:
    redshift.run("create table t (a bigint, b varchar(20))")
    put_parquet(redshift, "in/1", "select range a, 'row ' || range b from range(200000)")
    described = redshift.run(copy())
    assert described["ResultRows"] == 200000
    assert redshift.rows("select count(*), sum(a), max(length(b)) from t") == [(200000, "19999900000", 10)]


def test_unload_writes_what_copy_reads(redshift: Redshift) -> None:
    redshift.run("create table t (a int, b varchar(9), c timestamp, d decimal(9,2), e float8, f boolean)")
    redshift.run(
        "insert into t values (1, 'x,\"', '2013-01-01 10:00:00', 1.25, 0.5, true), (2, '', null, null, null, null)",
        "insert into t values (3, null, null, null, null, null)",
    )
    unload = (
        f"unload ('select * from t where a < 9 and nvl(b, \\'\\') <> \\'z\\'') to 's3://lake/out/p_' iam_role '{ROLE}' "
    )
    put(redshift, "x", "x")
    assert (
        redshift.run(unload + "format parquet", "select pg_last_unload_count()")["SubStatements"][0]["ResultRows"] == 3
    )
    redshift.run("create table u (like t)", copy(key="out/", table="u"))
    assert redshift.rows("select * from u order by a") == redshift.rows("select * from t order by a")
    assert "is not empty" in redshift.fail(unload + "format as parquet")
    redshift.run(unload + "format parquet allowoverwrite parallel off")
    assert "is not authorized" in redshift.fail(unload.replace("role/copy", "role/other") + "format parquet")
