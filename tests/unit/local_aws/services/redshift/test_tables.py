"""The tables and loads that packaging makes of a contract, and how `nox -s schema` sees what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from dataset_contract import redshift as tables
from dataset_contract import types
from dataset_contract.model import OUTPUT, Column, DataObject, ValueRule
from lambda_generate_param import schemas, sql_batches
from lambda_generate_param.datasets import Dataset
from pipeline_tools.deployment import schema
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

NAMES = (
    *("SMALLINT", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION", "DECIMAL(18,2)", "DECIMAL(38,0)", "VARCHAR(8)"),
    *("VARCHAR(65535)", "CHAR(4)", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "BOOLEAN"),
)


def output(*columns: Column) -> DataObject:
    return DataObject("orders", OUTPUT, columns)


def column(name: str, type_: str, *, required: bool = False) -> Column:
    return Column(name, types.parse(type_), name, (ValueRule("required"),) if required else ())


def make(redshift: Redshift, *sql: str) -> None:
    redshift.run("CREATE SCHEMA IF NOT EXISTS analytics")
    for text in sql:
        redshift.run(*sql_batches.split(text))


def described(redshift: Redshift) -> dict[str, list[dict[str, Any]]]:
    """By the tool's own query."""

    class Client:
        def execute_statement(self, **request: Any) -> dict[str, Any]:
            return redshift.call("ExecuteStatement", **request)

        def describe_statement(self, **request: Any) -> dict[str, Any]:
            return redshift.call("DescribeStatement", **request)

        def get_paginator(self, _name: str) -> Any:
            return self

        def paginate(self, **request: Any) -> list[dict[str, Any]]:
            return [redshift.call("GetStatementResult", **request)]

    class Clients:
        def get(self, _service: str) -> Any:
            return Client()

    outputs = {
        "redshift_cluster_identifier": redshift.defaults["ClusterIdentifier"],
        "redshift_database": redshift.defaults["Database"],
        "redshift_secret_arn": redshift.defaults["SecretArn"],
    }
    return schema.describe(Clients(), outputs)  # type: ignore[arg-type]


def compare(item: DataObject, deployed: Mapping[str, Any]) -> dict[str, Any]:
    class Contract:
        outputs = (item,)

    return schemas.compare([Dataset(Contract(), "", "", "")], deployed)  # type: ignore[arg-type]


def test_a_made_table_is_seen_as_its_contract_says_in_every_type(redshift: Redshift) -> None:
    item = output(*(column(f"c{number}", name, required=number % 2 == 0) for number, name in enumerate(NAMES)))
    make(redshift, tables.create_table(item))
    assert compare(item, described(redshift)) == {"statements": [], "refusals": []}


def test_a_new_column_is_added_and_the_load_keeps_its_order(redshift: Redshift) -> None:
    before = output(column("id", "BIGINT", required=True), column("note", "VARCHAR(20)"))
    after = output(column("id", "BIGINT", required=True), column("select", "INTEGER"), column("note", "VARCHAR(20)"))
    make(redshift, tables.create_table(before))
    load(redshift, before, "one", "SELECT 1::BIGINT AS id, 'a' AS note, 'one' AS job_id")
    found = compare(after, described(redshift))
    assert found == {
        "statements": ['ALTER TABLE analytics."orders" ADD COLUMN "select" INTEGER'],
        "refusals": [],
    }
    make(redshift, *found["statements"])
    assert compare(after, described(redshift)) == {"statements": [], "refusals": []}
    load(redshift, after, "two", "SELECT 2::BIGINT AS id, 7::INTEGER AS \"select\", 'b' AS note, 'two' AS job_id")
    rows = redshift.rows('SELECT id, "select", note, job_id FROM analytics.orders ORDER BY id')
    assert rows == [(1, None, "a", "one"), (2, 7, "b", "two")]


def test_a_refused_difference_is_mended_by_what_a_person_is_told(redshift: Redshift) -> None:
    before = output(column("id", "INTEGER", required=True), column("note", "VARCHAR(20)"))
    after = output(column("id", "BIGINT", required=True), column("note", "VARCHAR(20)"))
    make(redshift, tables.create_table(before))
    load(redshift, before, "one", "SELECT 1::INTEGER AS id, 'a' AS note, 'one' AS job_id")
    (refusal,) = compare(after, described(redshift))["refusals"]
    begin = refusal["statements"].index("BEGIN")
    for query in refusal["statements"][:begin]:
        assert redshift.rows(query) == [(0,)]
    # Here a batch is the transaction.
    redshift.run(*refusal["statements"][begin + 1 : -1], batch=True)
    assert compare(after, described(redshift)) == {"statements": [], "refusals": []}
    assert redshift.rows("SELECT id, note, job_id FROM analytics.orders") == [(1, "a", "one")]
    assert redshift.rows("SELECT id, note, job_id FROM analytics.orders_before") == [(1, "a", "one")]


def test_what_would_be_lost_is_counted_before_a_table_is_made_anew(redshift: Redshift) -> None:
    before = output(column("price", "DECIMAL(10,2)"), column("note", "VARCHAR(20)"))
    after = output(column("price", "DECIMAL(10,1)", required=True), column("note", "VARCHAR(2)"))
    make(redshift, tables.create_table(before))
    rows = "VALUES (1.25, 'abc', 'one'), (NULL, 'ab', 'one'), (1.50, NULL, 'one')"
    load(redshift, before, "one", f"SELECT price::DECIMAL(10,2), note, job_id FROM ({rows}) AS t(price, note, job_id)")
    (refusal,) = compare(after, described(redshift))["refusals"]
    counts = [redshift.rows(query)[0][0] for query in refusal["statements"] if query.startswith("-- has to give 0")]
    assert counts == [1, 1, 1]  # a null, a second decimal, a third character


def load(redshift: Redshift, item: DataObject, job: str, query: str) -> None:
    path = redshift.s3.root / "lake" / job / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    names = tables.column_list(item)
    role = "IAM_ROLE DEFAULT FORMAT AS PARQUET"
    redshift.run(f"COPY {tables.table(item)} ({names}) FROM 's3://lake/{job}/' {role}")
