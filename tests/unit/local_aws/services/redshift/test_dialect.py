"""Translation to PostgreSQL's SQL, and what is refused; no server is needed."""

from __future__ import annotations

import pytest

from local_aws.services.redshift.dialect import TransactionUse, plan
from local_aws.services.redshift.sqlerror import SqlError


@pytest.mark.parametrize(
    ("redshift", "postgresql"),
    [
        ("select nvl(a, b)", "select COALESCE(a, b)"),
        ("select nvl2(a, 1, 2)", "select (CASE WHEN (a) IS NOT NULL THEN 1 ELSE 2 END)"),
        (
            "select decode(a, 1, 'x', 'y')",
            "select (CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN 'x' ELSE 'y' END)",
        ),
        ("select dateadd(mon, 1, t)", "select dateadd('month', 1, t)"),
        ("select datediff(days, '2013-01-01', b)", "select datediff('day', '2013-01-01'::timestamp, b)"),
        ("select listagg(a, ',') from t", "select string_agg((a)::text, ',') from t"),
        (
            "select listagg(a) within group (order by b desc) from t",
            "select string_agg((a)::text, '' ORDER BY b desc) from t",
        ),
        ("select convert(int, a)", "select CAST( a AS int)"),
        ("select a::varchar(max), b::nvarchar(3)", "select a::varchar(65535), b::varchar(3)"),
        ("select 1.5::decimal, cast(a as numeric)", "select 1.5::decimal(18,0), cast(a as numeric(18,0))"),
        ("select sysdate", "select pg_catalog.sysdate()"),
        ("select 1 minus select 2", "select 1 EXCEPT select 2"),
        ("select regexp_replace(a, 'x', 'y')", "select regexp_replace(a, 'x', 'y', 'g')"),
        ("select median(a) from t", "select percentile_cont(0.5) WITHIN GROUP (ORDER BY a) from t"),
        ("select approximate count(distinct a) from t", "select count(distinct a) from t"),
        ('select "JobId" from "T"', 'select "jobid" from "t"'),
        ("select t.avg, 'nvl(a, b)' from t", "select t.avg, 'nvl(a, b)' from t"),
        ("select top 3 a from t order by a", "SELECT a FROM t ORDER BY a LIMIT 3"),
        ("delete t where a = 1", "delete FROM t where a = 1"),
        ("/* job */ delete t", "/* job */ delete FROM t"),
        ("vacuum full t to 99 percent", 'VACUUM "t"'),
        ("analyze t (a, b) predicate columns", 'ANALYZE "t" (a, b)'),
        ("set query_group to 'x'", "SET redshift.query_group to 'x'"),
        ("truncate table a.t", 'TRUNCATE TABLE "a"."t"'),
    ],
)
def test_translation(redshift: str, postgresql: str) -> None:
    assert plan(redshift).sql == postgresql


def test_qualify_becomes_a_subquery_at_every_depth() -> None:
    inner = "select a, b from t qualify row_number() over (partition by a order by b) = 1"
    for sql in (inner, f"select a from ({inner}) as x", f"with c as ({inner}) select a from c"):
        assert "QUALIFY" not in plan(sql).sql.upper()
        assert "WHERE _w = 1" in plan(sql).sql


def test_parameters_are_bound_one_number_a_use() -> None:
    planned = plan("insert into t select cast(:a as int), b from s where c = :b and d = :a", {"a": "1", "b": "it's"})
    assert planned.sql == "insert into t select cast($1 as int), b from s where c = $2 and d = $3"
    assert planned.values == ("1", "it's", "1")


def test_parameters_survive_desugaring() -> None:
    planned = plan("select top 1 a from t where b = :b", {"b": "x"})
    assert (planned.sql, planned.values) == ("SELECT a FROM t WHERE b = $1 LIMIT 1", ("x",))


@pytest.mark.parametrize(
    "sql",
    [
        "comment on table t is :text",
        "alter table t add column a int default :text",
        "create table t (a varchar(9) default :text)",
        "set query_group to :text",
        "create user u password :text",
        "copy t from :text iam_role default parquet",
        "unload (:text) to 's3://b/' iam_role default parquet",
    ],
)
def test_a_statement_that_is_no_query_binds_nothing(sql: str) -> None:
    with pytest.raises(SqlError, match=r'syntax error at or near "\$1"'):
        plan(sql, {"text": "x"})


def test_without_parameters_a_colon_is_left_for_the_parser() -> None:
    assert plan("select :a").sql == "select :a"


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("insert into a.t values (1)", '"a"."t"'),
        ("update t set a = 1", '"t"'),
        ("with c as (select 1) update t set a = 1 from c", '"t"'),
        ("delete from t using s where t.a = s.a", '"t"'),
        ("select 1", None),
    ],
)
def test_writes_name_the_table_they_lock(sql: str, table: str | None) -> None:
    assert plan(sql).write == table


def test_places() -> None:
    assert plan("truncate t").place is TransactionUse.COMMITS
    assert plan("vacuum").place is TransactionUse.OUTSIDE
    assert plan("select 1").place is TransactionUse.ANYWHERE


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "syntax error at end of input"),
        ("select 1; select 2", "cannot insert multiple commands into a prepared statement"),
        ("selct 1", 'syntax error at or near "selct"'),
        ("begin", "BEGIN"),
        ("create index i on t (a)", "CREATE INDEX is not supported by Redshift"),
        ("create extension x", "CREATE EXTENSION is not supported by Redshift"),
        ("create external schema s from data catalog", "CREATE EXTERNAL is not implemented"),
        ("create database d", "CREATE DATABASE is not implemented"),
        ("create datashare d", "CREATE DATASHARE is not implemented"),
        ("create schema s quota 5 gb", "QUOTA is not implemented"),
        ("create view v as select 1 with no schema binding", "late-binding view"),
        ("create function f() returns int as $$ 1 $$ language plpythonu", "language plpythonu is not implemented"),
        ("create procedure p() nonatomic as $$ begin end $$ language plpgsql", "NONATOMIC is not implemented"),
        ("alter table t append from s", "APPEND is not implemented"),
        ("analyze compression t", "ANALYZE COMPRESSION is not implemented"),
        ("insert into t values (1) on conflict do nothing", "ON CONFLICT is not supported by Redshift"),
        ("update t set a = 1 returning a", "RETURNING is not supported by Redshift"),
        ("set enable_case_sensitive_identifier to true", "enable_case_sensitive_identifier = true is not implemented"),
        ("select * from t qualify row_number() over (order by a) = 1", "name the columns"),
        ("select dateadd(fortnight, 1, a)", 'timestamp units "fortnight" not recognized'),
        (f"select {'x' * 64} from t", "longer than 63 bytes"),
        ("unload ('select 1') to 's3://bucket/x' iam_role default", "UNLOAD as text"),
        ("unload ('select 1') to 's3://bucket/x' iam_role default format parquet partition by (a)", "PARTITION"),
    ],
)
def test_refusals_name_what_is_refused(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        plan(sql)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("merge into t x using s on t.a = s.a when matched then delete", 'near "x"'),
        ("merge into t using (select 1) s on t.a = s.a when matched then delete", "not a subquery"),
        ("merge into t using s on t.a = s.a remove duplicates", "REMOVE DUPLICATES is not implemented"),
        ("merge into t using s on t.a = s.a when matched then delete", "end of input"),
        ("merge into t using s on t.a = s.a when not matched then insert values (1)", 'near "not"'),
        (
            "merge into t using s on t.a = s.a when matched and s.b then delete",
            'near "and"',
        ),
    ],
)
def test_merge_keeps_to_the_grammar_of_redshift(sql: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        plan(sql)
    assert message in caught.value.message
