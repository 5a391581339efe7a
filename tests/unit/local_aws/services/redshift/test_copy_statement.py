"""COPY's grammar and its options; no server is needed."""

from __future__ import annotations

import pytest

from local_aws.services.redshift.copy_statement import CopyStatement
from local_aws.services.redshift.dialect import plan
from local_aws.services.redshift.sqlerror import SqlError

ROLE = "arn:aws:iam::123456789012:role/copy"


def copy(rest: str) -> CopyStatement:
    found = plan(f"copy a.t from 's3://bucket/k/' {rest}").copy
    assert found is not None
    return found


def test_parquet() -> None:
    found = plan(f"COPY a.t (x, Y) FROM 's3://bucket/k=1/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET MANIFEST").copy
    assert found == CopyStatement('"a"."t"', ('"x"', '"y"'), "bucket", "k=1/", ROLE, "PARQUET", {"MANIFEST": ""})


@pytest.mark.parametrize(
    ("rest", "form"),
    [
        (f"iam_role '{ROLE}' parquet", "PARQUET"),
        (f"credentials 'aws_iam_role={ROLE}' format parquet", "PARQUET"),
        (f"iam_role '{ROLE}' csv quote as '%' ignoreheader 1", "CSV"),
        (f"iam_role '{ROLE}' format as json 'auto'", "JSON"),
        (f"iam_role '{ROLE}' delimiter as '|' gzip", "TEXT"),
    ],
)
def test_formats(rest: str, form: str) -> None:
    assert (copy(rest).format, copy(rest).role) == (form, ROLE)


def test_the_default_role() -> None:
    assert copy("iam_role default format parquet").role == "default"


@pytest.mark.parametrize(
    "option", ["MAXERROR 5", "REGION 'us-east-1'", "COMPUPDATE OFF", "TRUNCATECOLUMNS", "GZIP", "NULL AS 'x'"]
)
def test_parquet_refuses_other_options_in_the_words_of_redshift(option: str) -> None:
    with pytest.raises(SqlError) as caught:
        copy(f"iam_role '{ROLE}' format parquet {option}")
    assert caught.value.message == f"{option.split()[0]} argument is not supported for PARQUET based COPY"


@pytest.mark.parametrize("option", ["ACCEPTINVCHARS", "FILLRECORD", "STATUPDATE ON", "MANIFEST", "EXPLICIT_IDS"])
def test_parquet_takes_these_options(option: str) -> None:
    assert option.split()[0] in copy(f"iam_role '{ROLE}' format parquet {option}").options


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("format parquet", "No credentials or IAM role"),
        ("iam_role 'role' format parquet", "Invalid IAM role ARN"),
        (f"iam_role '{ROLE},{ROLE}' format parquet", "chain of IAM roles is not implemented"),
        ("access_key_id 'x' secret_access_key 'y' format parquet", "ACCESS_KEY_ID is not implemented"),
        ("credentials 'aws_access_key_id=x;aws_secret_access_key=y' csv", "access keys is not implemented"),
        (f"iam_role '{ROLE}' format orc", "COPY from ORC is not implemented"),
        (f"iam_role '{ROLE}' json 's3://bucket/paths'", "JSON other than 'auto' is not implemented"),
        (f"iam_role '{ROLE}' csv maxerror 3", "MAXERROR from CSV is not implemented"),
        (f"iam_role '{ROLE}' csv dateformat 'DD.MM.YYYY'", "DATEFORMAT other than 'auto' is not implemented"),
        (f"iam_role '{ROLE}' csv encoding utf16", "ENCODING other than UTF8 is not implemented"),
        (f"iam_role '{ROLE}' format parquet serializetojson", "SERIALIZETOJSON is not implemented"),
        (f"iam_role '{ROLE}' csv gzip gzip", "redundant"),
        (f"iam_role '{ROLE}' csv nonsense", 'near "nonsense"'),
    ],
)
def test_refusals(rest: str, message: str) -> None:
    with pytest.raises(SqlError) as caught:
        copy(rest)
    assert message in caught.value.message


def test_a_source_outside_s3_is_refused() -> None:
    with pytest.raises(SqlError, match="Invalid S3 path"):
        plan(f"copy t from '/etc/passwd' iam_role '{ROLE}' csv")


@pytest.mark.parametrize(
    "sql", [f"copy t from :uri iam_role '{ROLE}' csv", "copy t from 's3://bucket/k' iam_role :r csv"]
)
def test_parameters_are_not_bound(sql: str) -> None:
    with pytest.raises(SqlError, match='syntax error at or near "\\$1"'):
        plan(sql, {"uri": "s3://bucket/k", "r": ROLE})
