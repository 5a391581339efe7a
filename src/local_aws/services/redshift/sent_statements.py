"""The statements that the API remembers, and the answers that describe them."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from aws_facts import redshift_data as facts
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.redshift.model import ACTIVE, SentStatement, SubStatement
from local_aws.services.redshift.validation import validation_error

# Bounds on memory: statements remembered, and bytes of results held for all of them.
_MAX_STATEMENTS = 10_000
_MAX_HELD_BYTES = 1024 * 1024 * 1024


class StatementStore:
    """Statements by Id, oldest first, and the client tokens that made them. Thread-safe.

    ``clock`` gives the seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._statements: OrderedDict[str, SentStatement] = OrderedDict()
        self._active: list[SentStatement] = []  # and some that have ended since the last one came
        self._tokens: dict[tuple[str, str], tuple[float, str, str]] = {}
        self._tokens_of: dict[str, tuple[str, str]] = {}  # by the Id of a statement
        self._results: OrderedDict[str, int] = OrderedDict()  # bytes by Id, in the order of the ends
        self._held = 0  # bytes of them all

    def replay(self, operation: str, request: JsonMapping) -> SentStatement | None:
        """The statement that an earlier request with the same ClientToken made."""
        token = request.get("ClientToken")
        if token is None:
            return None
        with self._lock:
            made, fingerprint, identifier = self._tokens.get((operation, token), (0.0, "", ""))
            statement = self._statements.get(identifier)
            if statement is None or self._clock() - made > facts.CLIENT_TOKEN_SECONDS:
                return None
        if fingerprint != _fingerprint(request):
            raise validation_error(f"ClientToken {token} was used before by a request with other parameters")
        return statement

    def add(self, statement: SentStatement, operation: str, request: JsonMapping) -> SentStatement:
        """Remember a statement; returns the other one if a request with the same ClientToken came in between."""
        with self._lock:
            cluster = statement.target.cluster.identifier
            self._active = [each for each in self._active if each.status in ACTIVE]
            beside = sum(each.target.cluster.identifier == cluster for each in self._active)
            if beside >= facts.MOST_ACTIVE_STATEMENTS:
                raise AwsError(
                    "ActiveStatementsExceededException",
                    f"Active statements exceeded the allowed quota ({facts.MOST_ACTIVE_STATEMENTS})",
                )
            token = request.get("ClientToken")
            if token is not None:
                made, _, identifier = self._tokens.get((operation, token), (0.0, "", ""))
                if identifier in self._statements and self._clock() - made <= facts.CLIENT_TOKEN_SECONDS:
                    return self._statements[identifier]
                self._tokens[operation, token] = (statement.created, _fingerprint(request), statement.id)
                self._tokens_of[statement.id] = operation, token
            self._statements[statement.id] = statement
            self._active.append(statement)
            self._forget()
        return statement

    def get(self, identifier: str) -> SentStatement:
        """The statement with this Id, or the batch that a sub-statement's Id belongs to."""
        with self._lock:
            statement = self._statements.get(identifier.partition(":")[0])
        if statement is None or self._is_gone(statement):
            raise not_found("Query does not exist.", identifier)
        return statement

    def all(self) -> list[SentStatement]:
        """All statements, newest first."""
        with self._lock:
            return [each for each in reversed(self._statements.values()) if not self._is_gone(each)]

    def hold_results(self, statement: SentStatement) -> None:
        """Keep the results of a statement that has ended, and let go of the oldest ones beyond the bound."""
        with self._lock:
            size = sum(sub.result.size for sub in statement.subs if sub.result is not None)
            if size and statement.id in self._statements:
                self._results[statement.id] = size
                self._held += size
            while self._held > _MAX_HELD_BYTES:
                oldest, size = self._results.popitem(last=False)
                self._held -= size
                for sub in self._statements[oldest].subs:
                    sub.result = None

    def _is_gone(self, statement: SentStatement) -> bool:
        return statement.forgotten or self._is_expired(statement)

    def _is_expired(self, statement: SentStatement) -> bool:
        return statement.created < self._clock() - facts.RESULT_SECONDS

    def _forget(self) -> None:
        gone: list[str] = []
        for identifier, statement in self._statements.items():
            if not self._is_expired(statement) and len(self._statements) - len(gone) <= _MAX_STATEMENTS:
                break
            if statement.status not in ACTIVE:
                gone.append(identifier)
        for identifier in gone:
            del self._statements[identifier]
            self._held -= self._results.pop(identifier, 0)
            token = self._tokens_of.pop(identifier, None)
            if token and self._tokens.get(token, ("", "", ""))[2] == identifier:
                del self._tokens[token]


def _fingerprint(request: Mapping[str, object]) -> str:
    text = json.dumps({key: value for key, value in request.items() if key != "WaitTimeSeconds"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def not_found(message: str, identifier: str) -> AwsError:
    """The API's ResourceNotFoundException."""
    return AwsError("ResourceNotFoundException", message, ResourceId=identifier)


def sub_statement(statement: SentStatement, identifier: str) -> SubStatement | None:
    """The sub-statement that ``identifier`` (``<id>:<n>``) names; None for the Id of the statement itself."""
    if ":" not in identifier:
        return None
    for sub in statement.subs:
        if statement.batch and sub.id == identifier:
            return sub
    raise not_found("Query does not exist.", identifier)


def submitted(statement: SentStatement) -> JsonObject:
    """The answer of ExecuteStatement and BatchExecuteStatement."""
    target = statement.target
    answer: JsonObject = {
        "Id": statement.id,
        "CreatedAt": statement.created,
        "Database": target.database,
        "DbUser": target.identity.user,
        **_place(statement),
    }
    if target.identity.secret_arn is not None:
        answer["SecretArn"] = target.identity.secret_arn
        del answer["DbUser"]
    return answer


def _place(statement: SentStatement) -> dict[str, str]:
    if statement.target.workgroup is not None:
        return {"WorkgroupName": statement.target.workgroup}
    return {"ClusterIdentifier": statement.target.cluster.identifier}


def describe(statement: SentStatement, identifier: str) -> JsonObject:
    """The answer of DescribeStatement; times are seconds since the epoch, Duration is in nanoseconds."""
    with statement.lock:
        sub = sub_statement(statement, identifier) or (None if statement.batch else statement.subs[0])
        answer = {
            **submitted(statement),
            "Id": identifier,
            "UpdatedAt": statement.updated,
            "RedshiftPid": statement.pid,
            "ResultFormat": statement.result_format,
            "Status": statement.status,
            "Duration": statement.duration,
            "HasResultSet": any(each.has_result for each in statement.subs),
            "RedshiftQueryId": 0,
            "ResultRows": -1,
            "ResultSize": -1,
        }
        error = statement.error
        if sub is not None:
            answer.update(_sub(sub))
            answer["Id"] = identifier
            if not statement.batch:
                answer.update(Status=statement.status, Duration=statement.duration, UpdatedAt=statement.updated)
            else:
                error = sub.error
        if error is not None:
            answer["Error"] = error
        if statement.parameters:
            answer["QueryParameters"] = [{"name": name, "value": value} for name, value in statement.parameters]
        if statement.batch and ":" not in identifier:
            answer["SubStatements"] = [_sub(each) for each in statement.subs]
            answer["ExecutionMode"] = statement.mode
        return answer


def _sub(sub: SubStatement) -> JsonObject:
    size = sub.result.size if sub.result is not None else 0 if sub.status == "FINISHED" else -1
    answer: JsonObject = {
        "Id": sub.id,
        "QueryString": sub.sql,
        "Status": sub.status,
        "CreatedAt": sub.created,
        "UpdatedAt": sub.updated,
        "Duration": sub.duration,
        "HasResultSet": sub.has_result,
        "RedshiftQueryId": sub.query_id,
        "ResultRows": sub.rows,
        "ResultSize": size,
    }
    if sub.error is not None:
        answer["Error"] = sub.error
    return answer


def summary(statement: SentStatement) -> JsonObject:
    """The StatementData of ListStatements."""
    with statement.lock:
        answer: JsonObject = {
            "Id": statement.id,
            "Status": statement.status,
            "CreatedAt": statement.created,
            "UpdatedAt": statement.updated,
            "IsBatchStatement": statement.batch,
            "ResultFormat": statement.result_format,
        }
        if statement.batch:
            answer["QueryStrings"] = [sub.sql for sub in statement.subs]
        else:
            answer["QueryString"] = statement.subs[0].sql
        if statement.name is not None:
            answer["StatementName"] = statement.name
        if statement.target.identity.secret_arn is not None:
            answer["SecretArn"] = statement.target.identity.secret_arn
        if statement.parameters:
            answer["QueryParameters"] = [{"name": name, "value": value} for name, value in statement.parameters]
        return answer


def event_detail(statement: SentStatement) -> JsonObject:
    """The detail of the EventBridge event "Redshift Data Statement Status Change"."""
    return {
        "principal": statement.caller,
        "statementName": statement.name or "",
        "statementId": statement.id,
        "redshiftQueryId": statement.subs[-1].query_id,
        "state": statement.status,
        "rows": statement.subs[-1].rows,
        "expireAt": int(statement.created + facts.RESULT_SECONDS),
    }


def token(position: int) -> str:
    """An opaque NextToken for a position in a list."""
    return base64.urlsafe_b64encode(f"from:{position}".encode()).decode()


def position(text: str | None) -> int:
    """The position of a NextToken; ValidationException for one that was not given out."""
    if not text:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
        if word == "from":
            return int(number)
    except ValueError:
        pass
    raise validation_error("Invalid NextToken")
