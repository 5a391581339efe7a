"""Redshift Data API."""

from __future__ import annotations

import base64

from tests.conformance.conftest import Aws

# Two rows: number INTEGER, name VARCHAR.
PARQUET = base64.b64decode(
    "UEFSMRUAFRwVICwVBBUAFQYVBgAADjQCAAAABAEBAAAAAgAAABUAFSgVLCwVBBUAFQYVBgAAFEwCAAAABAEDAAAAb25lAwAAAHR3bxUCGTw1ABgNZHVja2"
    "RiX3NjaGVtYRUEABUCJQIYBm51bWJlciUiABUMJQIYBG5hbWUlAAAWBBkcGSwmABwVAhkVABkYBm51bWJlchUCFgQWPhZCJgg8GAQCAAAAGAQBAAAAFgAo"
    "BAIAAAAYBAEAAAAREQAAACYAHBUMGRUAGRgEbmFtZRUCFgQWShZOJko8GAN0d28YA29uZRYAKAN0d28YA29uZRERAAAAFogBFgQmCBaQAQAoKER1Y2tEQi"
    "B2ZXJzaW9uIHYxLjQuNSAoYnVpbGQgZjMxYmU1N2MxOCkA4AAAAFBBUjE="
)


def test_query(aws: Aws) -> None:
    """SQL is executed"""
    assert aws.sql("SELECT 6 * 7, 'a' || 'b', NULL") == [[42, "ab", None]]


def test_table(aws: Aws) -> None:
    """a table keeps its rows"""
    aws.sql("CREATE TABLE kept (number INTEGER, name VARCHAR(10) ENCODE zstd) DISTSTYLE EVEN")
    aws.sql("INSERT INTO kept VALUES (1, 'one'), (2, 'two')")
    assert aws.sql("SELECT SUM(number), MAX(name) FROM kept") == [[3, "two"]]


def test_error(aws: Aws) -> None:
    """wrong SQL is a failed statement, with the database's message"""
    found = aws.statement(aws.submit("SELECT * FROM no_such_table"))
    assert found["Status"] == "FAILED"
    assert "no_such_table" in found["Error"]


def test_parameters(aws: Aws) -> None:
    """named parameters are bound as values"""
    text = "it's; DROP TABLE x --"
    sql = "SELECT CAST(:text AS VARCHAR(99)), CAST(:text AS VARCHAR(99))"
    assert aws.sql(sql, Parameters=[{"name": "text", "value": text}]) == [[text, text]]


def test_batch(aws: Aws) -> None:
    """a batch is one transaction: when it fails, nothing of it stays"""
    aws.sql("CREATE TABLE whole (number INTEGER)")
    found = aws.statement(aws.submit("INSERT INTO whole VALUES (1)", "SELECT 1 / 0"))
    assert found["Status"] == "FAILED"
    assert [part["Status"] for part in found["SubStatements"]] == ["FINISHED", "FAILED"]
    assert aws.sql("SELECT COUNT(*) FROM whole") == [[0]]


def test_client_token(aws: Aws) -> None:
    """the same ClientToken is the same statement"""
    aws.sql("CREATE TABLE once (number INTEGER)")
    identifiers = [aws.submit("INSERT INTO once VALUES (1)", ClientToken="token-1") for _ in range(2)]
    assert identifiers[0] == identifiers[1]
    aws.statement(identifiers[0])
    assert aws.sql("SELECT COUNT(*) FROM once") == [[1]]


def test_copy(aws: Aws) -> None:
    """COPY loads Parquet from S3"""
    uri = aws.put("copied/rows.parquet", PARQUET)
    aws.sql("CREATE TABLE copied (number INTEGER, name VARCHAR(10))")
    aws.sql(f"COPY copied FROM '{uri}' IAM_ROLE '{aws.role}' FORMAT AS PARQUET")
    assert aws.sql("SELECT number, name FROM copied ORDER BY number") == [[1, "one"], [2, "two"]]


def test_failed_copy(aws: Aws) -> None:
    """COPY from an empty prefix fails"""
    aws.sql("CREATE TABLE empty (number INTEGER)")
    found = aws.statement(
        aws.submit(f"COPY empty FROM 's3://{aws.bucket}/nothing/' IAM_ROLE '{aws.role}' FORMAT AS PARQUET")
    )
    assert found["Status"] == "FAILED"
