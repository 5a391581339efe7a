"""Redshift's SQL as a statement of the Data API sees it run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("select nvl(null, 'a')", "a"),
        ("select nvl2(null, 'a', 'b')", "b"),
        ("select decode(null, 1, 'a', null, 'b', 'c')", "b"),
        ("select decode(3, 1, 'a', 2, 'b', 'c')", "c"),
        ("select dateadd(month, 1, '2013-01-31')", "2013-02-28 00:00:00"),
        ("select dateadd(day, -1, date '2013-01-01')", "2012-12-31 00:00:00"),
        ("select dateadd(qtr, 1, timestamp '2013-01-01 10:00:00')", "2013-04-01 10:00:00"),
        ("select datediff(day, '2013-01-01 23:59:59', '2013-01-02 00:00:01')", 1),
        ("select datediff(hour, '2013-01-01 10:59:00', '2013-01-01 11:01:00')", 1),
        ("select datediff(year, '2012-12-31', '2013-01-01')", 1),
        ("select datediff(week, '2013-01-05', '2013-01-06')", 1),
        ("select datediff(ms, '2013-01-01 00:00:00', '2013-01-01 00:00:00.25')", 250),
        ("select date_part(dow, '2013-01-01')", 2.0),
        ("select add_months('2013-01-31', 1)", "2013-02-28 00:00:00"),
        ("select add_months('2013-02-28', 1)", "2013-03-31 00:00:00"),
        ("select last_day('2013-02-10')", "2013-02-28"),
        ("select convert_timezone('America/New_York', '2013-01-01 10:00:00')", "2013-01-01 05:00:00"),
        ("select convert_timezone('America/New_York', 'UTC', '2013-07-01 10:00:00')", "2013-07-01 14:00:00"),
        ("select trunc(timestamp '2013-01-01 10:00:00')", "2013-01-01"),
        ("select len('äb')", 2),
        ("select charindex('b', 'abc')", 2),
        ("select strtol('ff', 16)", 255),
        ("select strtol('-101', 2)", -5),
        ("select md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("select sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("select round(2.345::float8, 2)", 2.35),
        ("select avg(x) from (select 1 as x union all select 2) t", 1),
        ("select avg(x) from (select 1::bigint as x union all select 2) t", 1),
        ("select avg(x) from (select 1.0::float8 as x union all select 2) t", 1.5),
        ("select 1.5::decimal", "2"),
        ("select json_extract_path_text('{\"a\": {\"b\": 5}}', 'a', 'b')", "5"),
        ("select is_valid_json('{')", False),
        ("select json_serialize(json_parse('[1]'))", "[1]"),
        ("select listagg(x, ',') within group (order by x desc) from (select 1 as x union all select 2) t", "2,1"),
        ("select median(x) from (select 1 as x union all select 2 union all select 9) t", 2.0),
        ("select regexp_replace('aXbX', 'X', '-')", "a-b-"),
        ("select 'a\\'b'", "a'b"),
        ("select convert(varchar(3), 12)", "12"),
        ("select top 1 x from (select 2 as x union all select 1) t order by x", 1),
        ("select count(*) from (select 1 minus select 1) t", 0),
        ("select extract(hour from getdate()) = extract(hour from sysdate)", True),
        ("select current_user", "admin"),
    ],
)
def test_functions(redshift: Redshift, sql: str, value: Any) -> None:
    assert redshift.rows(sql) == [(value,)]


def test_keys_are_accepted_and_not_enforced(redshift: Redshift) -> None:
    redshift.run("create table o (x int primary key)")
    redshift.run("create table t (a int primary key, b int unique, c int references o (x))")
    redshift.run("insert into t values (1, 1, 5), (1, 1, 5)")
    assert redshift.rows("select count(*) from t") == [(2,)]


def test_not_null_is_enforced_also_of_a_primary_key(redshift: Redshift) -> None:
    redshift.run("create table t (a int not null, b int, primary key (b))")
    assert 'null value in column "a"' in redshift.fail("insert into t values (null, 1)")
    assert 'null value in column "b"' in redshift.fail("insert into t values (1, null)")


@pytest.mark.parametrize(
    "made",
    [
        ["create table t (a varchar(5), b char(2))"],
        ["create table s (a varchar(5), b char(2))", "create temp table t (like s)"],
        ["create table s (a varchar(5), b char(2))", "create table t as select * from s"],
        ["create table t (c int)", "alter table t add column a varchar(5)", "alter table t add column b char(2)"],
        ["create table t (a varchar(9), b char(2))", "alter table t alter column a type varchar(5)"],
        [
            "create procedure p() as $$ begin create temp table t (a varchar(5), b char(2)); end $$ language plpgsql",
            "call p()",
        ],
    ],
)
def test_lengths_count_bytes_however_the_table_was_made(redshift: Redshift, made: list[str]) -> None:
    # The failures roll the tables back, so each request makes them anew.
    too_long = redshift.fail(*made, "insert into t (a) values ('äbcde')", batch=True)
    assert too_long.endswith("ERROR: value too long for type character varying(5)")
    assert redshift.fail(*made, "insert into t (b) values ('ä')", batch=True).endswith("type character(2)")
    redshift.run(*made, "insert into t (a, b) values ('äbc', 'ab')", batch=True)


def test_identity_counts_from_its_seed_by_its_step(redshift: Redshift) -> None:
    redshift.run("create table t (i bigint identity(10, 5), a int)")
    redshift.run("insert into t (a) values (1), (2)")
    assert redshift.rows("select i from t order by i") == [(10,), (15,)]
    assert 'column "i"' in redshift.fail("insert into t values (1, 1)")


def test_defaults_come_with_like_only_when_asked_for(redshift: Redshift) -> None:
    redshift.run("create table s (a int, t timestamp default getdate())")
    with_defaults = redshift.run(
        "create temp table t (like s including defaults)", "insert into t (a) values (1)", "select t is null from t"
    )
    without = redshift.run("create temp table t (like s)", "insert into t (a) values (1)", "select t is null from t")
    assert redshift.fetch(f"{with_defaults['Id']}:3") == [(False,)]
    assert redshift.fetch(f"{without['Id']}:3") == [(True,)]


def test_temporary_tables_end_with_their_request(redshift: Redshift) -> None:
    redshift.run("create temp table t (a int)", "insert into t values (1)")
    assert 'relation "t" does not exist' in redshift.fail("select * from t")


def test_parameters_convert_to_what_they_meet(redshift: Redshift) -> None:
    redshift.run("create table t (a bigint, b date, c varchar(20))")
    redshift.run(
        "insert into t values (:a, :b, :c), (:a, :b, :a)", parameters={"a": "5", "b": "2013-01-01", "c": "it's :a"}
    )
    assert redshift.rows("select * from t where a = :a and c <> :a", parameters={"a": "5"}) == [
        (5, "2013-01-01", "it's :a")
    ]
    error = redshift.fail("insert into t (a) values (:a)", parameters={"a": "five"})
    assert error == 'ERROR: invalid input syntax for type bigint: "five"'


def test_a_parameter_is_data_never_sql(redshift: Redshift) -> None:
    text = "x'); drop table t; --"
    redshift.run("create table t (a varchar(50))")
    redshift.run("insert into t values (:a)", parameters={"a": text})
    assert redshift.rows("select a from t") == [(text,)]


def test_procedures(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    redshift.run(
        "create or replace procedure check_rows(name varchar(64), expected bigint) as $$ declare found bigint; begin "
        "execute 'select count(*) from ' || quote_ident(name) into found; "
        "if nvl(found, 0) <> expected then raise exception '% has % rows, not %', name, found, expected; end if; "
        "end; $$ language plpgsql"
    )
    redshift.run("call check_rows('t', 0)")
    call = "call check_rows(cast(:name as varchar(64)), cast(:expected as bigint))"
    redshift.run(call, parameters={"name": "t", "expected": "0"})
    error = redshift.fail(call, parameters={"name": "t", "expected": "7"})
    assert error == "ERROR: t has 0 rows, not 7"


MERGE = (
    "merge into t using s on t.id = s.id when matched then update set v = s.v "
    "when not matched then insert (id, v) values (s.id, s.v)"
)


def test_merge_updates_and_inserts(redshift: Redshift) -> None:
    redshift.run("create table t (id int, v int)", "create table s (id int, v int)")
    redshift.run("insert into t values (1, 1), (2, 2)", "insert into s values (2, 20), (3, 30)", MERGE)
    assert redshift.rows("select id, v from t order by id") == [(1, 1), (2, 20), (3, 30)]


def test_merge_fails_on_two_sources_for_a_row(redshift: Redshift) -> None:
    redshift.run("create table t (id int, v int)", "create table s (id int, v int)")
    redshift.run("insert into t values (1, 1)", "insert into s values (1, 10), (1, 11)")
    assert redshift.fail(MERGE) == "ERROR: Found multiple matches to update the same tuple."


def test_delete_using_and_without_from(redshift: Redshift) -> None:
    redshift.run("create table t (id int)", "create table s (id int)")
    redshift.run("insert into t values (1), (2), (3)", "insert into s values (2)")
    redshift.run("delete from t using s where t.id = s.id", batch=True)
    redshift.run("delete t where id = 3")
    assert redshift.rows("select id from t") == [(1,)]


def test_truncate_commits_what_came_before_it(redshift: Redshift) -> None:
    redshift.run("create table t (id int)", "create table s (id int)")
    redshift.run("insert into t values (1)")
    redshift.fail("insert into s values (1)", "truncate t", "insert into s values (2)", "select 1/0")
    assert redshift.rows("select id from s") == [(1,)]
    assert redshift.rows("select id from t") == []


def test_vacuum_and_analyze(redshift: Redshift) -> None:
    redshift.run("create table t (id int)")
    redshift.run("vacuum full t")
    redshift.run("analyze t", "analyze t (id)")
    assert redshift.fail("vacuum t", batch=True).endswith("ERROR: VACUUM cannot run inside a transaction block")


def test_super_takes_json(redshift: Redshift) -> None:
    redshift.run("create table t (a super)")
    redshift.run("insert into t values (json_parse('{\"a\": 1}'))")
    described = redshift.run("select a from t")
    (column,) = redshift.call("GetStatementResult", Id=described["Id"])["ColumnMetadata"]
    assert (column["typeName"], column["tableName"]) == ("super", "t")


def test_users_schemas_and_grants_are_real(redshift: Redshift) -> None:
    redshift.run(
        "create user reader_of_t password 'Passw0rd1'", "create schema s", "create table s.t (a int)",
        "grant usage on schema s to reader_of_t",
    )  # fmt: skip
    as_reader = {"SecretArn": None, "DbUser": "reader_of_t"}
    assert redshift.fail("select * from s.t", **as_reader) == "ERROR: permission denied for table t"
    redshift.run("grant select on all tables in schema s to reader_of_t")
    assert redshift.rows("select current_user, count(*) from s.t", **as_reader) == [("reader_of_t", 0)]
    assert "permission denied" in redshift.fail("insert into s.t values (1)", **as_reader)
    redshift.run("drop table s.t", "drop schema s", "drop user reader_of_t")


def test_the_files_and_programs_of_the_machine_are_out_of_reach(redshift: Redshift) -> None:
    assert "permission denied" in redshift.fail("select pg_read_file('/etc/passwd')")
    assert "Invalid S3 path" in redshift.fail("copy t from '/etc/passwd' iam_role default csv")


@pytest.mark.parametrize("view", ["stl_load_errors", "sys_load_history", "svl_statementtext"])
def test_system_views_of_redshift_do_not_exist(redshift: Redshift, view: str) -> None:
    assert redshift.fail(f"select * from {view}") == f'ERROR: relation "{view}" does not exist'
