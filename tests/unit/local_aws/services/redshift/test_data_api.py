"""The operations of the Data API."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest

from local_aws.errors import AwsError
from local_aws.services.redshift.validation import service_model
from tests.unit.local_aws.services.conftest import SECRET, Redshift
from tests.waiting import until

pytestmark = pytest.mark.postgres


def refuse(redshift: Redshift, operation: str, **request: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        redshift.call(operation, **request)
    return caught.value


def wait_until(redshift: Redshift, identifier: str, status: str) -> None:
    until(lambda: redshift.call("DescribeStatement", Id=identifier)["Status"] == status, f"{identifier} is {status}")


def test_every_operation_of_the_model_is_served(redshift: Redshift) -> None:
    for operation in service_model().operation_names:
        try:
            redshift.call(operation)
        except AwsError as error:
            assert error.code == "ValidationException", (operation, error)
    assert "DropEverything" in refuse(redshift, "DropEverything").message


def test_execute_statement_and_describe(redshift: Redshift) -> None:
    answer = redshift.call("ExecuteStatement", Sql="select 1 as a", StatementName="one", **redshift.defaults)
    assert answer["ClusterIdentifier"] == "warehouse"
    assert answer["Database"] == "dev"
    assert answer["SecretArn"] == SECRET
    described = redshift.wait(answer["Id"])
    assert described["Status"] == "FINISHED"
    assert described["QueryString"] == "select 1 as a"
    assert described["HasResultSet"] is True
    assert (described["ResultRows"], described["ResultSize"]) == (1, 1)
    assert described["Duration"] > 0
    assert described["RedshiftPid"] > 0
    assert described["RedshiftQueryId"] > 0
    assert "SubStatements" not in described


def test_answers_are_json_that_fits_the_model(redshift: Redshift) -> None:
    batch = redshift.run("select 1, null, 1.5::float8, true, 'a', sysdate", "select 2", parameters=None)
    for operation, request in [
        ("DescribeStatement", {"Id": batch["Id"]}),
        ("GetStatementResult", {"Id": f"{batch['Id']}:1"}),
        ("ListStatements", {}),
        ("ListTables", redshift.defaults),
    ]:
        answer = json.loads(json.dumps(redshift.call(operation, **request)))
        shape = service_model().operation_model(operation).output_shape
        assert shape is not None
        assert set(answer) <= set(shape.members), operation


def test_results_are_typed(redshift: Redshift) -> None:
    described = redshift.run(
        "select 1::smallint a, 2::bigint b, 1.5::float8 c, true d, null::int e, 2.50::decimal(5,2) f, 'x'::varchar(9) g,"  # noqa: E501
        " date '2013-01-01' h, timestamp '2013-01-01 10:00:00' i, timestamptz '2013-01-01 10:00:00+00' j, 'nan'::float8 k"  # noqa: E501
    )
    page = redshift.call("GetStatementResult", Id=described["Id"])
    assert page["Records"] == [
        [
            {"longValue": 1}, {"longValue": 2}, {"doubleValue": 1.5}, {"booleanValue": True}, {"isNull": True},
            {"stringValue": "2.50"}, {"stringValue": "x"}, {"stringValue": "2013-01-01"},
            {"stringValue": "2013-01-01 10:00:00"}, {"stringValue": "2013-01-01 10:00:00+00"}, {"stringValue": "nan"},
        ]
    ]  # fmt: skip
    assert page["TotalNumRows"] == 1
    columns = {column["label"]: column for column in page["ColumnMetadata"]}
    assert [column["typeName"] for column in page["ColumnMetadata"]] == [
        "int2", "int8", "float8", "bool", "int4", "numeric", "varchar", "date", "timestamp", "timestamptz", "float8",
    ]  # fmt: skip
    assert (columns["f"]["precision"], columns["f"]["scale"]) == (5, 2)
    assert columns["g"]["precision"] == 9


def test_column_metadata_knows_the_table(redshift: Redshift) -> None:
    redshift.run("create table public.t (a int not null)")
    described = redshift.run("select a as b from t")
    (column,) = redshift.call("GetStatementResult", Id=described["Id"])["ColumnMetadata"]
    assert (column["name"], column["label"]) == ("a", "b")
    assert (column["schemaName"], column["tableName"], column["nullable"]) == ("public", "t", 0)


def test_results_come_in_pages(redshift: Redshift) -> None:
    described = redshift.run(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2500) select i from n"
    )
    first = redshift.call("GetStatementResult", Id=described["Id"])
    assert (len(first["Records"]), first["TotalNumRows"]) == (1000, 2500)
    assert redshift.fetch(described["Id"]) == [(number,) for number in range(1, 2501)]
    assert refuse(redshift, "GetStatementResult", Id=described["Id"], NextToken="x").message == "Invalid NextToken"


def test_results_as_csv(redshift: Redshift) -> None:
    described = redshift.run("select 1 as a, 'x,\"y\"' as b, null as c, true as d", ResultFormat="CSV")
    page = redshift.call("GetStatementResultV2", Id=described["Id"])
    assert page["Records"] == [{"CSVRecords": 'a,b,c,d\r\n1,"x,""y""",,true\r\n'}]
    assert page["ResultFormat"] == "CSV"
    assert "use GetStatementResultV2" in refuse(redshift, "GetStatementResult", Id=described["Id"]).message


def test_a_batch_is_one_transaction(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    described = redshift.describe("insert into t values (1)", "select 1/0", "insert into t values (2)")
    assert described["Status"] == "FAILED"
    assert described["Error"] == "Query #2 failed with ERROR: division by zero"
    first, second, third = described["SubStatements"]
    assert [sub["Status"] for sub in (first, second, third)] == ["FINISHED", "FAILED", "ABORTED"]
    assert (first["Id"], third["Id"]) == (f"{described['Id']}:1", f"{described['Id']}:3")
    assert second["Error"] == "ERROR: division by zero"
    assert third["Error"] == "Connection or an prior query failed."
    assert "Error" not in first
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_a_batch_with_auto_commit_goes_on_after_a_failure(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    described = redshift.describe(
        "insert into t values (1)", "select 1/0", "insert into t values (2)", ExecutionMode="AUTO_COMMIT"
    )
    assert [sub["Status"] for sub in described["SubStatements"]] == ["FINISHED", "FAILED", "FINISHED"]
    assert (described["Status"], described["ExecutionMode"]) == ("FAILED", "AUTO_COMMIT")
    assert redshift.rows("select a from t order by a") == [(1,), (2,)]


def test_the_results_of_a_batch_are_those_of_its_statements(redshift: Redshift) -> None:
    described = redshift.run(
        "create temp table t (a int)", "insert into t values (7), (8)", "select a from t order by a"
    )
    assert described["HasResultSet"] is True
    assert [sub["ResultRows"] for sub in described["SubStatements"]] == [0, 2, 2]
    assert redshift.fetch(f"{described['Id']}:3") == [(7,), (8,)]
    assert "sub-statement id" in refuse(redshift, "GetStatementResult", Id=described["Id"]).message
    assert refuse(redshift, "GetStatementResult", Id=f"{described['Id']}:1").code == "ResourceNotFoundException"
    assert refuse(redshift, "GetStatementResult", Id=f"{described['Id']}:4").code == "ResourceNotFoundException"
    assert redshift.call("DescribeStatement", Id=f"{described['Id']}:2")["ResultRows"] == 2


def test_a_result_is_there_once_the_statement_has_finished(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    failed = redshift.describe("select 1", "select 1/0")
    error = refuse(redshift, "GetStatementResult", Id=f"{failed['Id']}:1")
    assert error.code == "ResourceNotFoundException"
    assert error.message == "Query does not have result. Please check query status with DescribeStatement."
    assert error.fields["ResourceId"] == f"{failed['Id']}:1"


def test_an_unknown_id(redshift: Redshift) -> None:
    for operation in ("DescribeStatement", "GetStatementResult", "GetStatementResultV2", "CancelStatement"):
        error = refuse(redshift, operation, Id=str(uuid.uuid4()))
        assert (error.code, error.message) == ("ResourceNotFoundException", "Query does not exist.")


def test_statements_run_while_the_caller_waits_for_nothing(redshift: Redshift) -> None:
    identifier = redshift.start("select pg_sleep(30)")
    wait_until(redshift, identifier, "STARTED")
    assert refuse(redshift, "GetStatementResult", Id=identifier).code == "ResourceNotFoundException"
    assert redshift.call("CancelStatement", Id=identifier) == {"Status": True}
    described = redshift.wait(identifier)
    assert described["Status"] == "ABORTED"
    error = refuse(redshift, "CancelStatement", Id=identifier)
    assert error.message == f"Could not cancel a query that is already in ABORTED state with ID: {identifier}"


def test_a_cancelled_batch_is_rolled_back(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    identifier = redshift.start("insert into t values (1)", "select pg_sleep(30)", "insert into t values (2)")
    wait_until(redshift, f"{identifier}:1", "FINISHED")
    assert "cancel the batch" in refuse(redshift, "CancelStatement", Id=f"{identifier}:2").message
    redshift.call("CancelStatement", Id=identifier)
    described = redshift.wait(identifier)
    assert described["Status"] == "ABORTED"
    assert [sub["Status"] for sub in described["SubStatements"]] == ["FINISHED", "ABORTED", "ABORTED"]
    assert redshift.rows("select count(*) from t") == [(0,)]


def test_close_ends_what_runs(redshift: Redshift) -> None:
    identifier = redshift.start("select pg_sleep(60)")
    wait_until(redshift, identifier, "STARTED")
    started = time.monotonic()
    redshift.api.close()
    assert time.monotonic() - started < 20
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("redshift-data") and thread.is_alive()
    ]
    assert refuse(redshift, "ExecuteStatement", Sql="select 1", **redshift.defaults).code == "InternalServerException"


def test_wait_time_answers_with_the_status(redshift: Redshift) -> None:
    answer = redshift.call("ExecuteStatement", Sql="select 1", WaitTimeSeconds=30, **redshift.defaults)
    assert (answer["Status"], answer["HasResultSet"]) == ("FINISHED", True)
    assert redshift.call("GetStatementResult", Id=answer["Id"], WaitTimeSeconds=1)["TotalNumRows"] == 1


def test_a_client_token_replays_its_first_answer(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    first = redshift.start("insert into t values (1)", ClientToken="token")
    again = redshift.start("insert into t values (1)", ClientToken="token")
    redshift.wait(first)
    assert again == first
    assert redshift.rows("select count(*) from t") == [(1,)]
    error = refuse(
        redshift, "ExecuteStatement", Sql="insert into t values (2)", ClientToken="token", **redshift.defaults
    )
    assert (error.code, "other parameters" in error.message) == ("ValidationException", True)


def test_a_client_token_replays_a_failure_too(redshift: Redshift) -> None:
    first = redshift.start("select 1/0", ClientToken="token")
    assert redshift.wait(first)["Status"] == "FAILED"
    assert redshift.start("select 1/0", ClientToken="token") == first


@pytest.mark.parametrize(
    ("sqls", "parameters", "message"),
    [
        (["select :a"], {"a": "1", "b": "2"}, "Parameters list contains unused parameters. Unused parameters: [b]"),
        (["select :a, :b"], {"a": "1"}, "Cannot find parameter: b"),
        (["select :a", "select :c, :b"], {"a": "1"}, "Cannot find parameter: b, c"),
    ],
)
def test_parameters_must_match_the_sql(
    redshift: Redshift, sqls: list[str], parameters: dict[str, str], message: str
) -> None:
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    error = refuse(redshift, "BatchExecuteStatement", Sqls=sqls, Parameters=given, **redshift.defaults)
    assert error.code == "ValidationException"
    assert message in error.message


def test_each_statement_of_a_batch_uses_any_of_the_parameters(redshift: Redshift) -> None:
    described = redshift.run("select :a::int", "select :b::text", parameters={"a": "1", "b": "x"})
    assert redshift.fetch(f"{described['Id']}:1") == [(1,)]
    assert described["QueryParameters"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "x"}]


def test_without_parameters_a_colon_is_a_syntax_error(redshift: Redshift) -> None:
    assert redshift.fail("select :a") == 'ERROR: syntax error at or near ":"'


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Sql": "x" * (100 * 1024 + 1)}, "longer than 100 KB"),
        ({"Sql": "  "}, "empty"),
        ({"Sql": "select 1", "StatementName": "x" * 501}, "StatementName is longer than 500"),
        ({"Sql": "select 1", "SessionKeepAliveSeconds": 60}, "SessionKeepAliveSeconds is not implemented"),
        ({"Sql": "select 1", "SessionId": str(uuid.UUID(int=0))}, "SessionId is not implemented"),
        ({"Sql": "select 1", "ClusterIdentifier": "other"}, "Redshift endpoint doesn't exist in this region."),
    ],
)
def test_requests_that_are_refused(redshift: Redshift, request_: dict[str, Any], message: str) -> None:
    error = refuse(redshift, "ExecuteStatement", **{**redshift.defaults, **request_})
    assert (error.code, message in error.message) == ("ValidationException", True), error.message


def test_a_wrong_password_fails_the_statement(redshift: Redshift) -> None:
    redshift.secrets[SECRET] = json.dumps({"username": "admin", "password": "wrong"})
    described = redshift.describe("select 1", "select 2")
    assert described["Status"] == "FAILED"
    assert described["Error"] == 'FATAL: password authentication failed for user "admin"'
    assert [sub["Status"] for sub in described["SubStatements"]] == ["ABORTED", "ABORTED"]
    error = refuse(redshift, "ListSchemas", **redshift.defaults)
    assert (error.code, error.status) == ("DatabaseConnectionException", 500)


def test_an_unknown_user_fails_the_statement(redshift: Redshift) -> None:
    redshift.secrets[SECRET] = json.dumps({"username": "nobody_here", "password": "x"})
    assert redshift.fail("select 1") == 'FATAL: password authentication failed for user "nobody_here"'


def test_the_first_secret_sets_a_password_that_nobody_else_knows(redshift: Redshift) -> None:
    redshift.change_cluster(master_password=None)
    assert redshift.rows("select 1") == [(1,)]
    redshift.secrets[SECRET] = json.dumps({"username": "admin", "password": "another"})
    assert "password authentication failed" in redshift.fail("select 1")


def test_a_changed_master_password_counts_at_once(redshift: Redshift) -> None:
    redshift.run("select 1")
    redshift.change_cluster(master_password="New-Passw0rd")
    assert "password authentication failed" in redshift.fail("select 1")
    redshift.secrets[SECRET] = json.dumps({"username": "admin", "password": "New-Passw0rd"})
    assert redshift.rows("select 1") == [(1,)]


def test_a_missing_database_fails_the_statement(redshift: Redshift) -> None:
    assert redshift.fail("select 1", Database="nope") == 'FATAL: database "nope" does not exist'


def test_an_iam_identity_is_a_database_user(redshift: Redshift) -> None:
    request = {"Sql": "select current_user", "ClusterIdentifier": "warehouse", "Database": "dev"}
    caller = "arn:aws:sts::000000000000:assumed-role/etl/session"
    answer = redshift.api.handle("ExecuteStatement", request, caller_arn=caller)
    assert answer["DbUser"] == "IAMR:etl"
    redshift.wait(answer["Id"])
    assert redshift.fetch(answer["Id"]) == [("IAMR:etl",)]


def test_an_event_tells_the_end_of_a_statement_that_asked_for_it(redshift: Redshift) -> None:
    redshift.run("select 1")
    identifier = redshift.start("select 1/0", WithEvent=True, StatementName="named")
    redshift.wait(identifier)
    redshift.api.close()
    (event,) = redshift.events
    assert (event["statementId"], event["statementName"], event["state"]) == (identifier, "named", "FAILED")


def test_list_statements(redshift: Redshift) -> None:
    first = redshift.run("select 1", StatementName="job-1")
    second = redshift.run("select 1", "select 2", StatementName="job-2")
    failed = redshift.describe("select 1/0", StatementName="job-3")

    def listed(**request: Any) -> list[str]:
        return [each["Id"] for each in redshift.call("ListStatements", **request)["Statements"]]

    assert listed() == [second["Id"], first["Id"]]
    assert listed(Status="ALL") == [failed["Id"], second["Id"], first["Id"]]
    assert listed(Status="FAILED", StatementName="job-") == [failed["Id"]]
    assert listed(StatementName="job-2") == [second["Id"]]
    assert listed(ClusterIdentifier="other") == []
    page = redshift.call("ListStatements", MaxResults=1)
    assert page["Statements"][0]["QueryStrings"] == ["select 1", "select 2"]
    assert listed(MaxResults=1, NextToken=page["NextToken"]) == [first["Id"]]
    assert redshift.call("ListSessions") == {"Sessions": []}


def test_a_role_lists_its_own_statements_alone(redshift: Redshift) -> None:
    def asked(operation: str, caller: str, **request: Any) -> dict[str, Any]:
        return redshift.api.handle(operation, request, caller_arn=f"arn:aws:sts::000000000000:{caller}")

    def listed(caller: str, **request: Any) -> list[str]:
        found = asked("ListStatements", caller, Status="ALL", **request)["Statements"]
        return [each["Id"] for each in found]

    owner, sql = "assumed-role/run-sql/one", {"Sql": "select 1", **redshift.defaults}
    identifier = asked("ExecuteStatement", owner, StatementName="job", **sql)["Id"]
    redshift.wait(identifier)
    assert listed(owner) == listed("assumed-role/run-sql/two") == listed(owner, RoleLevel=False) == [identifier]
    assert listed("assumed-role/run-sql/two", RoleLevel=False) == []
    assert listed("assumed-role/run-sql-too/one") == listed("user/run-sql") == []
    assert redshift.call("ListStatements", Status="ALL") == {"Statements": []}


def test_a_role_cancels_its_own_statements_alone(redshift: Redshift) -> None:
    def asked(operation: str, caller: str, **request: Any) -> dict[str, Any]:
        return redshift.api.handle(operation, request, caller_arn=f"arn:aws:sts::000000000000:{caller}")

    sql = {"Sql": "select pg_sleep(60)", **redshift.defaults}
    identifier = asked("ExecuteStatement", "assumed-role/run-sql/one", **sql)["Id"]
    for other in ("assumed-role/run-sql-too/one", "user/run-sql"):
        with pytest.raises(AwsError, match="Query does not exist") as refused:
            asked("CancelStatement", other, Id=identifier)
        assert refused.value.code == "ResourceNotFoundException"
    assert refuse(redshift, "CancelStatement", Id=identifier).code == "ResourceNotFoundException"
    assert asked("CancelStatement", "assumed-role/run-sql/two", Id=identifier) == {"Status": True}
    assert redshift.wait(identifier)["Status"] == "ABORTED"


def test_the_catalog(redshift: Redshift) -> None:
    redshift.run("create schema sales", "create table sales.t (a decimal(5,2) not null, b varchar(9) default 'x')")
    redshift.run("create view sales.v as select a from sales.t")
    defaults = redshift.defaults
    assert redshift.call("ListDatabases", **defaults)["Databases"] == ["dev"]
    assert "sales" in redshift.call("ListSchemas", **defaults)["Schemas"]
    assert "redshift_catalog" not in redshift.call("ListSchemas", **defaults)["Schemas"]
    assert redshift.call("ListSchemas", SchemaPattern="sal%", **defaults)["Schemas"] == ["sales"]
    assert redshift.call("ListTables", SchemaPattern="sales", **defaults)["Tables"] == [
        {"schema": "sales", "name": "t", "type": "TABLE"},
        {"schema": "sales", "name": "v", "type": "VIEW"},
    ]
    page = redshift.call("ListTables", SchemaPattern="sales", MaxResults=1, **defaults)
    rest = redshift.call("ListTables", SchemaPattern="sales", NextToken=page["NextToken"], **defaults)
    assert [table["name"] for table in rest["Tables"]] == ["v"]
    table = redshift.call("DescribeTable", Schema="sales", Table="t", **defaults)
    first, second = table["ColumnList"]
    assert (first["name"], first["typeName"], first["precision"], first["nullable"]) == ("a", "numeric", 5, 0)
    assert (second["name"], second["length"], second["columnDefault"]) == ("b", 9, "'x'::character varying")
    error = refuse(redshift, "DescribeTable", Table="nope", **defaults)
    assert 'relation "nope" does not exist' in error.message


def test_a_deleted_cluster_leaves_no_tables_behind(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    redshift.api.forget_cluster("warehouse")
    assert 'relation "t" does not exist' in redshift.fail("select * from t")


def test_clusters_do_not_see_each_other(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    first = redshift.clusters["warehouse"]
    redshift.clusters["other"] = type(first)("other", "available", "dev", "admin", (), master_password="Other-Passw0rd")
    redshift.secrets["other"] = json.dumps({"username": "admin", "password": "Other-Passw0rd"})
    there = {"ClusterIdentifier": "other", "SecretArn": "other"}
    assert 'relation "t" does not exist' in redshift.fail("select * from t", **there)
    assert "password authentication failed" in redshift.fail("select 1", ClusterIdentifier="other")
    assert redshift.rows("select count(*) from t") == [(0,)]
    redshift.api.forget_cluster("other")
