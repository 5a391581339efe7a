"""The Redshift Data API over an embedded PostgreSQL.

Requests and answers are the API's dictionaries in the JSON form of the wire: times are numbers of seconds since the
epoch, a blob is base64 text. No emulator is imported here.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg

from aws_facts import redshift_data as facts
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.faults.fault_rules import Faults
from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift import bound_parameters, metadata, sent_statements
from local_aws.services.redshift.execution import StatementExecution
from local_aws.services.redshift.file_mover import FileMover
from local_aws.services.redshift.model import ACTIVE, ClusterInfo, ResultSet, SentStatement, SubStatement, Target
from local_aws.services.redshift.result_sets import csv_text, field, page_end
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.targets import TargetFinder
from local_aws.services.redshift.throttling import Throttle
from local_aws.services.redshift.validation import check_request, service_model, validation_error
from local_aws.services.redshift.warehouse import Warehouse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["ClusterInfo", "RedshiftData"]

# Below PostgreSQL's connection limit, above what twenty pipelines keep waiting at once.
_WORKERS = 40

_Handler = Callable[[JsonMapping, str], JsonObject]


class RedshiftData:
    """The operations of the Redshift Data API.

    ``find_cluster`` (and ``find_workgroup``, if serverless is served) answer for an identifier, ``get_secret`` gives
    a secret's SecretString, ``s3_client`` the client that acts as a
    role (its ARN) for COPY and UNLOAD. ``on_event`` receives the detail of the
    EventBridge event of a statement that was submitted WithEvent, once it has ended, on a worker thread. ``clock``
    gives the seconds that the API's rates are counted by. ``faults`` are asked at each commit.
    """

    def __init__(
        self,
        *,
        postgres: PostgresServer,
        find_cluster: Callable[[str], ClusterInfo | None],
        get_secret: Callable[[str], str | None],
        s3_client: Callable[[str], S3Client],
        account_id: str,
        region: str,
        find_workgroup: Callable[[str], ClusterInfo | None] | None = None,
        on_event: Callable[[JsonObject], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        faults: Faults | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._targets = TargetFinder(find_cluster, find_workgroup, get_secret)
        self._warehouse = Warehouse(postgres)
        self._mover = FileMover(s3_client, account_id, region)
        self._caller = f"arn:aws:iam::{account_id}:root"
        self._on_event = on_event
        self._store = sent_statements.StatementStore()
        self._throttle = Throttle(facts.REQUESTS_A_SECOND, clock)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="redshift-data")
        self._executions: dict[str, StatementExecution] = {}
        self._closed = False
        self._handlers: dict[str, _Handler] = {
            "ExecuteStatement": self._execute,
            "BatchExecuteStatement": self._batch_execute,
            "DescribeStatement": self._describe,
            "GetStatementResult": self._result,
            "GetStatementResultV2": self._result_csv,
            "CancelStatement": self._cancel,
            "ListStatements": self._list_statements,
            "ListSessions": self._list_sessions,
            "ListDatabases": self._list_databases,
            "ListSchemas": self._list_schemas,
            "ListTables": self._list_tables,
            "DescribeTable": self._describe_table,
        }

    def handle(self, operation: str, request: Mapping[str, object], *, caller_arn: str | None = None) -> JsonObject:
        """Answer one request; raises AwsError. ``caller_arn`` is the IAM identity, by default the account's root."""
        if operation not in service_model().operation_names or operation not in self._handlers:
            raise AwsError("UnknownOperationException", f"redshift-data {operation} is not implemented here")
        if self._closed:
            raise AwsError("InternalServerException", "the local Redshift Data API is shutting down", 500)
        self._throttle.take(operation)
        check_request(operation, request)
        given = {name: value for name, value in request.items() if value is not None}
        return self._handlers[operation](given, caller_arn or self._caller)

    def close(self) -> None:
        """Cancel what runs, wait for the worker threads, refuse further requests."""
        self._closed = True
        while self._executions:
            # Again and again: a cancellation that arrives between two statements stops neither.
            for execution in list(self._executions.values()):
                execution.cancel()
            for statement in self._store.all():
                statement.done.wait(0.05)
        self._workers.shutdown(wait=True)

    def forget_cluster(self, identifier: str) -> None:
        """Drop the databases and users of a cluster that was deleted."""
        self._warehouse.drop(identifier)

    # Running statements.

    def _execute(self, request: JsonMapping, caller: str) -> JsonObject:
        return self._submit("ExecuteStatement", request, caller, [request["Sql"]], batch=False)

    def _batch_execute(self, request: JsonMapping, caller: str) -> JsonObject:
        return self._submit("BatchExecuteStatement", request, caller, request["Sqls"], batch=True)

    def _submit(
        self, operation: str, request: JsonMapping, caller: str, sqls: Sequence[str], *, batch: bool
    ) -> JsonObject:
        _check_submission(request, sqls)
        statement = self._store.replay(operation, request)
        if statement is None:
            target = self._targets.find(request, caller)
            new = _statement(request, caller, sqls, target, batch)
            statement = self._store.add(new, operation, request)
            if statement is new:
                self._start(statement)
        if "WaitTimeSeconds" in request:
            statement.done.wait(request["WaitTimeSeconds"])
            with statement.lock:
                described = sent_statements.describe(statement, statement.id)
            shown = ("Status", "RedshiftPid", "HasResultSet")
            return {**sent_statements.submitted(statement), **{name: described[name] for name in shown}}
        return sent_statements.submitted(statement)

    def _start(self, statement: SentStatement) -> None:
        execution = StatementExecution(statement, self._warehouse, self._mover, self._faults)
        self._executions[statement.id] = execution
        self._workers.submit(self._run, statement, execution)

    def _run(self, statement: SentStatement, execution: StatementExecution) -> None:
        execution.run()
        self._executions.pop(statement.id, None)
        self._store.hold_results(statement)
        if statement.with_event and self._on_event is not None:
            self._on_event(sent_statements.event_detail(statement))

    def _cancel(self, request: JsonMapping, caller: str) -> JsonObject:
        identifier = request["Id"]
        statement = self._store.get(identifier)
        # No documentation lets a role take another one's statement, as none gives it to see in a list.
        if _role(statement.caller) != _role(caller):
            raise sent_statements.not_found("Query does not exist.", identifier)
        if sent_statements.sub_statement(statement, identifier) is not None:
            raise validation_error("A sub-statement of a batch can't be cancelled: cancel the batch")
        execution = self._executions.get(identifier)
        with statement.lock:
            if statement.status not in ACTIVE or execution is None:
                raise validation_error(
                    f"Could not cancel a query that is already in {statement.status} state with ID: {identifier}"
                )
        execution.cancel()
        return {"Status": True}

    # What became of them.

    def _describe(self, request: JsonMapping, _caller: str) -> JsonObject:
        statement, _ = self._asked_for(request)
        return sent_statements.describe(statement, request["Id"])

    def _asked_for(self, request: JsonMapping) -> tuple[SentStatement, SubStatement | None]:
        """The statement, and its part where the ID names one, once it has ended or the time to wait is over."""
        identifier = request["Id"]
        statement = self._store.get(identifier)
        sub = sent_statements.sub_statement(statement, identifier)
        if "WaitTimeSeconds" in request:
            statement.done.wait(request["WaitTimeSeconds"])
            self._store.get(identifier)  # it may have been forgotten meanwhile
        return statement, sub

    def _result(self, request: Mapping[str, object], _caller: str) -> JsonObject:
        result, start, end = self._page(request, "JSON")
        records = [[field(value) for value in row] for row in result.rows[start:end]]
        return {"Records": records, **_page_tail(result, end)}

    def _result_csv(self, request: Mapping[str, object], _caller: str) -> JsonObject:
        result, start, end = self._page(request, "CSV")
        text = csv_text(result.columns, result.rows[start:end], header=start == 0)
        return {"Records": [{"CSVRecords": text}], "ResultFormat": "CSV", **_page_tail(result, end)}

    def _page(self, request: JsonMapping, form: str) -> tuple[ResultSet, int, int]:
        identifier = request["Id"]
        statement, sub = self._asked_for(request)
        if sub is None:
            if statement.batch:
                raise validation_error("BatchExecuteStatement result can only be retrieved with sub-statement id.")
            sub = statement.subs[0]
        with statement.lock:
            # A batch shows its results once all of it is committed.
            result = sub.result if statement.status == "FINISHED" or statement.mode == "AUTO_COMMIT" else None
        if result is None:
            message = "Query does not have result. Please check query status with DescribeStatement."
            raise sent_statements.not_found(message, identifier)
        if statement.result_format != form:
            other = "GetStatementResultV2" if statement.result_format == "CSV" else "GetStatementResult"
            raise validation_error(f"The result format of {identifier} is {statement.result_format}: use {other}")
        start = sent_statements.position(request.get("NextToken"))
        return result, start, page_end(result.rows, start)

    def _list_statements(self, request: JsonMapping, caller: str) -> JsonObject:
        if "ClusterIdentifier" in request and "WorkgroupName" in request:
            raise validation_error("Only one of ClusterIdentifier and WorkgroupName can be specified.")
        # Of a statement that is still running the API shows nothing unless asked for its status.
        status = request.get("Status", "FINISHED")
        # Its own alone, by default of all sessions of its role.
        owner = _role if request.get("RoleLevel", True) else str
        found = [
            statement
            for statement in self._store.all()
            if status in ("ALL", statement.status)
            and owner(statement.caller) == owner(caller)
            and (statement.name or "").startswith(request.get("StatementName", ""))
            and request.get("Database") in (None, statement.target.database)
            and request.get("ClusterIdentifier") in (None, statement.target.cluster.identifier)
            and request.get("WorkgroupName") in (None, statement.target.workgroup)
        ]
        page, rest = _slice(found, request, 100)
        return {"Statements": [sent_statements.summary(statement) for statement in page], **rest}

    def _list_sessions(self, _request: Mapping[str, object], _caller: str) -> JsonObject:
        # A session cannot be kept (SessionKeepAliveSeconds is refused), so there is none.
        return {"Sessions": []}

    # The catalog.

    def _list_databases(self, request: Mapping[str, object], caller: str) -> JsonObject:
        target = self._targets.find({"Database": None, **request}, caller)
        with self._session(target):
            page, rest = _slice(self._warehouse.databases(target.cluster), request, 1000)
        return {"Databases": page, **rest}

    def _list_schemas(self, request: JsonMapping, caller: str) -> JsonObject:
        with self._session(self._targets.find(request, caller)) as connection:
            found = metadata.schemas(connection, request.get("SchemaPattern", "%"))
        page, rest = _slice(found, request, 1000)
        return {"Schemas": page, **rest}

    def _list_tables(self, request: JsonMapping, caller: str) -> JsonObject:
        with self._session(self._targets.find(request, caller)) as connection:
            found = metadata.tables(connection, request.get("SchemaPattern", "%"), request.get("TablePattern", "%"))
        page, rest = _slice(found, request, 1000)
        return {"Tables": page, **rest}

    def _describe_table(self, request: JsonMapping, caller: str) -> JsonObject:
        if "Table" not in request:
            raise validation_error("Table is needed.")
        table = request["Table"]
        with self._session(self._targets.find(request, caller)) as connection:
            try:
                found = metadata.columns(connection, request.get("Schema", "%"), table)
            except SqlError as error:
                raise validation_error(error.text) from error
        page, rest = _slice(found, request, 1000)
        return {"TableName": table, "ColumnList": page, **rest}

    def _session(self, target: Target) -> closing[psycopg.Connection[Any]]:
        try:
            return closing(self._warehouse.connect(target))
        except SqlError as error:
            raise AwsError("DatabaseConnectionException", error.text, 500) from error


def _role(caller: str) -> str:
    """The ARN of an assumed role without its session; of another identity, as it is."""
    return caller.rpartition("/")[0] if ":assumed-role/" in caller else caller


def _check_submission(request: JsonMapping, sqls: Sequence[str]) -> None:
    """What the API checks before it takes a statement, beyond its model."""
    for name in ("SessionId", "SessionKeepAliveSeconds"):
        if request.get(name):
            raise validation_error(
                f"{name} is not implemented by this local endpoint: each request has its own session"
            )
    sizes = [len(text.encode()) for text in sqls]
    if max(sizes) > facts.MOST_STATEMENT_BYTES:
        raise validation_error(f"A SQL statement is longer than {facts.MOST_STATEMENT_BYTES // 1024} KB")
    if sum(sizes) > facts.MOST_SQL_BYTES:
        raise validation_error(f"The SQL statements are longer than {facts.MOST_SQL_BYTES // 1024} KB in all")
    if not all(text.strip() for text in sqls):
        raise validation_error("SQL statement is empty.")
    if len(request.get("StatementName", "")) > facts.MOST_NAME_CHARACTERS:
        raise validation_error(f"StatementName is longer than {facts.MOST_NAME_CHARACTERS} characters")
    if "Parameters" in request:
        bound_parameters.check([parameter["name"] for parameter in request["Parameters"]], sqls)


def _statement(request: JsonMapping, caller: str, sqls: Sequence[str], target: Target, batch: bool) -> SentStatement:
    identifier = str(uuid.uuid4())
    now = round(time.time(), 3)
    names = [f"{identifier}:{number}" for number in range(1, len(sqls) + 1)] if batch else [identifier]
    return SentStatement(
        id=identifier,
        target=target,
        subs=[SubStatement(name, text, now, now) for name, text in zip(names, sqls, strict=True)],
        batch=batch,
        created=now,
        updated=now,
        name=request.get("StatementName"),
        parameters=tuple((each["name"], each["value"]) for each in request.get("Parameters", [])),
        mode=request.get("ExecutionMode", "TRANSACTION") if batch else "AUTO_COMMIT",
        result_format=request.get("ResultFormat", "JSON"),
        with_event=request.get("WithEvent", False),
        caller=caller,
    )


def _page_tail(result: ResultSet, end: int) -> JsonObject:
    tail: JsonObject = {
        "ColumnMetadata": [column.wire() for column in result.columns],
        "TotalNumRows": len(result.rows),
    }
    if end < len(result.rows):
        tail["NextToken"] = sent_statements.token(end)
    return tail


def _slice(items: Sequence[Any], request: JsonMapping, most: int) -> tuple[list[Any], dict[str, str]]:
    start = sent_statements.position(request.get("NextToken"))
    end = start + (request.get("MaxResults") or most)
    return list(items[start:end]), {"NextToken": sent_statements.token(end)} if end < len(items) else {}
