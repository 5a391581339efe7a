"""Queries through the Redshift Data API, for the tools and the tests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dataset_contract.json_types import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient
    from mypy_boto3_redshift_data.type_defs import DescribeStatementResponseTypeDef

# https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
FINAL_STATUSES = ("FINISHED", "FAILED", "ABORTED")
_SECONDS = 120.0
_SECONDS_OF_SEVERAL = 900.0


class QueryError(RuntimeError):
    """A statement did not finish; the message is Redshift's own."""


def query(
    client: RedshiftDataAPIServiceClient, outputs: Mapping[str, object], sql: str, **parameters: str
) -> list[JsonObject]:
    """Run one statement and return its rows by column name; none where it is not a query.

    Raises:
        QueryError: it failed, was cancelled, or took longer than two minutes.
    """
    bound: JsonObject = (
        {"Parameters": [{"name": name, "value": value} for name, value in parameters.items()]} if parameters else {}
    )
    statement = client.execute_statement(
        **target(outputs),
        Sql=sql,
        **bound,
    )["Id"]
    description = _end(client, statement, _SECONDS)
    if description["Status"] != "FINISHED":
        raise QueryError(f"{description['Status']}: {description.get('Error', '')}: {sql}")
    rows: list[JsonObject] = []
    if not description.get("HasResultSet"):
        return rows
    for page in client.get_paginator("get_statement_result").paginate(Id=statement):
        # The label is the alias; the name is that of the column in its table.
        names = [column["label"] for column in page["ColumnMetadata"]]
        rows += [dict(zip(names, map(_value, record), strict=True)) for record in page["Records"]]
    return rows


def run(client: RedshiftDataAPIServiceClient, outputs: Mapping[str, object], statements: Sequence[str]) -> None:
    """Run statements as one transaction. The error does not repeat them.

    Raises:
        QueryError: one failed, so none counts, or they took longer than 15 minutes.
    """
    batch = client.batch_execute_statement(**target(outputs), Sqls=list(statements))["Id"]
    description = _end(client, batch, _SECONDS_OF_SEVERAL)
    if description["Status"] != "FINISHED":
        raise QueryError(f"{description['Status']}: {description.get('Error', '')}")


def as_administrator(outputs: Mapping[str, object]) -> JsonObject:
    """The outputs for statements that only the administrator may run.

    In a warehouse that was there before, that is the user of the only secret that is known.
    """
    secret = outputs.get("redshift_admin_secret_arn", outputs["redshift_secret_arn"])
    return {**outputs, "redshift_secret_arn": secret}


def target(outputs: Mapping[str, object]) -> JsonObject:
    """The Data API's arguments that say where a statement runs, on a cluster or in a serverless workgroup.

    Terraform leaves an output that is null out, so a deployment has one of the two.
    """
    workgroup = outputs.get("redshift_workgroup_name")
    where = {"WorkgroupName": workgroup} if workgroup else {"ClusterIdentifier": outputs["redshift_cluster_identifier"]}
    return {**where, "Database": outputs["redshift_database"], "SecretArn": outputs["redshift_secret_arn"]}


def _end(client: RedshiftDataAPIServiceClient, statement: str, seconds: float) -> DescribeStatementResponseTypeDef:
    """What a statement or batch is once it has a final status."""
    deadline = time.monotonic() + seconds
    while (description := client.describe_statement(Id=statement))["Status"] not in FINAL_STATUSES:
        if time.monotonic() > deadline:
            raise QueryError(f"statement {statement} was still {description['Status']} after {seconds:.0f} s")
        time.sleep(0.05)
    return description


def _value(field: Mapping[str, object]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
