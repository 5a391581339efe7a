"""The user that loads: it is made from its secret, and its grants are what the statements of a job need and no more."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract import manifests
from dataset_contract.manifests import PYTHON, SPARK, FileEntry
from lambda_generate_param import datasets, loading, sql_batches
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.evidence import StageEvidence
from lambda_generate_param.failures import Failure
from lambda_generate_param.sql_batches import SqlBatch
from pipeline.redshift import QueryError
from pipeline_tools.deployment import loader
from tests.unit.lambda_generate_param.conftest import (
    ARN,
    JOB,
    ROOT,
    STAGE_RUNS,
    manifest,
    orders,
    places,
    write_dataset,
)
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:loader-abcdef"
MOMENT = {
    "redrive_count": "0",
    "attempt_started_at": "2026-01-31 12:34:56.789",
    "load_started_at": "2026-01-31 12:37:00.000",
}


class MissingError(Exception):
    """ResourceNotFoundException: there is no such secret, or no value of it."""


class Clients:
    """The Data API under test, and a secret with the name that Terraform gives the loader's."""

    class exceptions:  # noqa: N801 - as a client of boto3 has them
        ResourceNotFoundException = MissingError

    def __init__(self, redshift: Redshift) -> None:
        self.redshift = redshift
        self.sent: list[str] = []

    def get(self, _service: str) -> Any:
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803
        if SecretId not in self.redshift.secrets:
            raise MissingError
        return {"SecretString": self.redshift.secrets[SecretId]}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803
        self.redshift.secrets[SecretId] = SecretString

    def execute_statement(self, **request: Any) -> dict[str, Any]:
        self.sent.append(json.dumps(request))
        return self.redshift.call("ExecuteStatement", **request)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self.sent.append(json.dumps(request))
        return self.redshift.call("BatchExecuteStatement", **request)

    def describe_statement(self, **request: Any) -> dict[str, Any]:
        return self.redshift.call("DescribeStatement", **request)

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [self.redshift.call("GetStatementResult", **request)]


@pytest.fixture
def clients(redshift: Redshift) -> Any:
    return Clients(redshift)


@pytest.fixture
def outputs(redshift: Redshift) -> dict[str, Any]:
    return {
        "redshift_cluster_identifier": redshift.defaults["ClusterIdentifier"],
        "redshift_database": redshift.defaults["Database"],
        "redshift_secret_arn": SECRET,
        "redshift_admin_secret_arn": redshift.defaults["SecretArn"],
    }


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    target = tmp_path / "sql"
    shutil.copytree(ROOT / "sql" / "audit", target / "audit")
    write_dataset(target, every_mode())
    return target


def every_mode() -> dict[str, Any]:
    """A contract with a table of each load mode."""
    document = orders()
    source, output = document["schema"]
    outputs = [output]
    for load in ({"mode": "replace"}, {"mode": "replace_partition", "columns": ["note"]}, {"mode": "merge"}):
        columns = [{**output["properties"][0], "primaryKey": True}, *output["properties"][1:]]
        custom = [*output["customProperties"], {"property": "load", "value": load}]
        name = f"of_{load['mode']}"
        outputs.append({"name": name, "customProperties": custom, "properties": columns})
    return {**document, "schema": [source, *outputs]}


@pytest.fixture
def granted(redshift: Redshift, clients: Any, outputs: dict[str, Any], sql: Path) -> list[str]:
    """The grants of a schema that was made, with the files of a job."""
    user = loader.ensure(clients, outputs)
    known = datasets.load(sql, "orders")
    made = sql_batches.schema(sql, [known], user).statements
    for portion in sql_batches.portions(made):
        redshift.run(*portion)
    for name in known.outputs:
        query = f"SELECT i::BIGINT AS id, 'a' AS note, '{JOB}' AS job_id FROM range(9) AS r(i)"
        put(redshift, query, f"{places().curated(name)}part.parquet", places().copy_manifest(STAGE_RUNS[SPARK], name))
    query = "SELECT 's3://the-raw-bucket/a' AS uri, '1' AS version, 5::BIGINT AS bytes"
    listed = places().source_files_list(STAGE_RUNS[PYTHON])
    put(redshift, query, listed.replace("copy.manifest", "a.parquet"), listed)
    return [text for text in made if "GRANT" in text]


def put(redshift: Redshift, query: str, uri: str, listed: str) -> None:
    """Write the rows of a query as a file, and the list by which COPY reads it."""
    path, manifest_path = (redshift.s3.root / place.removeprefix("s3://") for place in (uri, listed))
    for each in (path, manifest_path):
        each.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    manifest_path.write_text(manifests.render_copy([FileEntry(uri, path.stat().st_size, 0)]))


def batches(sql: Path) -> Iterator[SqlBatch]:
    """What run-sql is given of a job: as it begins, as it loads, as a redrive ends, and of one that fails."""
    known = datasets.load(sql, "orders")
    about: dict[str, str] = {"execution_arn": ARN, "started_at": "2026-01-31 12:34:56.789"}
    yield sql_batches.register(
        sql, places(), source_uri="s3://the-raw-bucket/a/", parameters="{}", repeat=False, **about
    )
    found = {stage: manifest(known, stage) for stage in (PYTHON, SPARK)}
    yield loading.load(sql, places(), known, found, execution_arn=ARN, repeat=False, code_version="abc")
    yield sql_batches.finish(sql, places(), execution_arn=ARN)
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    failure = Failure(JOB, ARN, 1, "FAILED", moment, moment, "-", "-", "-", "States.TaskFailed", "a cause")
    yield sql_batches.fail(sql, failure, evidence(known), AuditColumns.read(sql))
    for view in ("reconciliation", "replay_reconciliation"):
        yield SqlBatch("who asks", (f"SELECT problem FROM audit.{view} WHERE job_id = :job_id",), {"job_id": JOB})


def evidence(dataset: Dataset) -> StageEvidence:
    return StageEvidence({stage: manifest(dataset, stage) for stage in (PYTHON, SPARK)}, {})


def run(redshift: Redshift, batch: SqlBatch, secret: str) -> dict[str, Any]:
    bound = {**MOMENT, **batch.parameters}
    used = {name: value for name, value in bound.items() if any(f":{name}" in text for text in batch.statements)}
    return redshift.describe(*batch.statements, SecretArn=secret, parameters=used, batch=True)


def failures(redshift: Redshift, sql: Path) -> list[str]:
    redshift.run("DELETE FROM audit.job_run", "DELETE FROM audit.job_attempt")
    ended = [run(redshift, batch, SECRET) for batch in batches(sql)]
    return [each["Error"] for each in ended if each["Status"] != "FINISHED"]


def test_a_job_takes_each_privilege_that_is_granted_and_no_other(
    redshift: Redshift, sql: Path, granted: list[str]
) -> None:
    assert failures(redshift, sql) == []
    rows = "SELECT COUNT(*) FROM "
    assert redshift.rows(f"{rows}analytics.clean_orders") == [(9,)]
    assert redshift.rows(f"{rows}audit.rule_run")[0][0] > 0
    for text in granted:
        match = re.search(r"GRANT ([A-Z, ]+) ON (.+) TO (\"\w+\")", text, re.DOTALL)
        assert match
        for privilege in match[1].split(", "):
            redshift.run(f"REVOKE {privilege} ON {match[2]} FROM {match[3]}")
            (said, *_) = failures(redshift, sql) or [""]
            assert "permission denied for" in said, f"nothing needs {privilege} on {match[2]}: {said}"
            redshift.run(f"GRANT {privilege} ON {match[2]} TO {match[3]}")
    assert failures(redshift, sql) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE analytics.another (a INT)", "permission denied for schema analytics"),
        ("ALTER TABLE analytics.clean_orders ADD COLUMN a INT", "must be owner of table clean_orders"),
        ("DROP TABLE audit.job_run", "must be owner of table job_run"),
        ("TRUNCATE analytics.clean_orders", "permission denied for table clean_orders"),
        ("UPDATE analytics.clean_orders SET note = 'x'", "permission denied for table clean_orders"),
        ("INSERT INTO loading.orders VALUES ('x')", "permission denied for table orders"),
        ("DELETE FROM loading.orders", "permission denied for table orders"),
        ("UPDATE audit.source_file SET version = 'x'", "permission denied for table source_file"),
        ("UPDATE audit.stage_run SET stage = 'x'", "permission denied for table stage_run"),
        ("SELECT * FROM others.theirs", "permission denied for schema others"),
        ("SELECT * FROM analytics.theirs", "permission denied for table theirs"),
        ("CALL others.secret()", "permission denied for schema others"),
        ("CALL audit.theirs()", "permission denied for procedure theirs"),
        ("CREATE SCHEMA mine", "permission denied for database dev"),
        ("CREATE USER another PASSWORD DISABLE", "permission denied to create role"),
        ("ALTER USER admin PASSWORD 'Another-1-Secret'", "permission denied to alter role"),
    ],
)
@pytest.mark.usefixtures("granted")
def test_what_the_user_that_loads_may_not_do(redshift: Redshift, statement: str, message: str) -> None:
    redshift.run(
        "CREATE SCHEMA others",
        "CREATE TABLE others.theirs (a INT)",
        "CREATE TABLE analytics.theirs (a INT)",
        "CREATE PROCEDURE others.secret() AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql",
        "CREATE PROCEDURE audit.theirs() AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql",
    )
    assert message in redshift.fail(statement, SecretArn=SECRET)


def test_a_procedure_is_called_by_its_owner_and_by_who_was_granted_it(redshift: Redshift) -> None:
    redshift.secrets[SECRET] = json.dumps({"username": "caller", "password": "It-is-1-Secret"})
    make = "CREATE OR REPLACE PROCEDURE public.p(a INT) AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql"
    redshift.run("CREATE USER caller PASSWORD 'It-is-1-Secret'", make, "CALL p(1)")
    assert redshift.fail("CALL p(1)", SecretArn=SECRET) == "ERROR: permission denied for procedure p"
    redshift.run("GRANT EXECUTE ON PROCEDURE public.p(INT) TO caller")
    redshift.run("CALL p(1)", SecretArn=SECRET)
    redshift.run(make)
    redshift.run("CALL p(1)", SecretArn=SECRET)


def test_users_go_with_their_cluster(redshift: Redshift) -> None:
    for _ in range(2):
        redshift.run("CREATE USER passing PASSWORD DISABLE")
        redshift.api.forget_cluster("warehouse")


def test_the_user_is_made_from_its_secret_and_follows_it(
    redshift: Redshift, clients: Any, outputs: dict[str, Any]
) -> None:
    assert loader.ensure(clients, outputs) == loader.USER
    made = json.loads(redshift.secrets[SECRET])
    assert redshift.rows("SELECT CAST(current_user AS VARCHAR(99))", SecretArn=SECRET) == [(loader.USER,)]
    # As before, and as changed by a person.
    for password in (made["password"], "Another-1-Secret"):
        redshift.secrets[SECRET] = json.dumps({**made, "password": password})
        assert loader.ensure(clients, outputs) == loader.USER
        assert redshift.rows("SELECT 1", SecretArn=SECRET) == [(1,)]
        assert not any(password in request for request in clients.sent)


def test_a_warehouse_that_was_there_keeps_its_users(clients: Any, outputs: dict[str, Any]) -> None:
    del outputs["redshift_admin_secret_arn"]
    assert loader.ensure(clients, outputs) is None
    assert clients.sent == []


@pytest.mark.parametrize(
    "text", ["It-is-1-Secret", '"It-is-1-Secret"', '{"username": "u"}', '{"username": 1, "password": "It-is-1-Secret"}']
)
def test_a_secret_of_another_form_is_refused_without_its_value(
    redshift: Redshift, clients: Any, outputs: dict[str, Any], text: str
) -> None:
    redshift.secrets[SECRET] = text
    with pytest.raises(loader.SecretError, match=re.escape(SECRET)) as caught:
        loader.ensure(clients, outputs)
    assert "It-is-1" not in str(caught.value)


def test_what_redshift_refuses_is_told_without_the_digest(
    redshift: Redshift, clients: Any, outputs: dict[str, Any]
) -> None:
    redshift.secrets[SECRET] = json.dumps({"username": "pg_read_all_data", "password": "It-is-1-Secret"})
    with pytest.raises(QueryError, match=r"FAILED: .*reserved") as caught:
        loader.ensure(clients, outputs)
    assert "md5" not in str(caught.value)
