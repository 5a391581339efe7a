"""What the Data API keeps: clusters as it sees them, statements, and their results."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from local_aws.json_types import JsonObject

ACTIVE = ("SUBMITTED", "PICKED", "STARTED")


@dataclass(frozen=True)
class ClusterInfo:
    """A cluster as the control plane knows it.

    ``iam_roles`` are the ARNs attached to it. ``master_password`` is None where the control plane does not know it
    (a password managed in Secrets Manager): then the first secret of the master user that is used sets it.
    """

    identifier: str
    status: str
    database: str
    master_username: str
    iam_roles: tuple[str, ...] = ()
    master_password: str | None = None
    default_iam_role: str | None = None


@dataclass(frozen=True)
class Identity:
    """Who runs a statement in the database: ``password`` is None with temporary (IAM) credentials."""

    user: str
    password: str | None
    secret_arn: str | None = None


@dataclass(frozen=True)
class Target:
    """Where a statement runs. ``workgroup`` is set for a serverless workgroup, and then stands for the cluster."""

    cluster: ClusterInfo
    database: str
    identity: Identity
    workgroup: str | None = None


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result; the API's ColumnMetadata."""

    label: str
    type_name: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nullable: int = 2
    schema: str = ""
    table: str = ""
    name: str = ""

    def wire(self) -> JsonObject:
        """The API's form."""
        numeric = self.type_name in ("int2", "int4", "int8", "float4", "float8", "numeric")
        return {
            "isCaseSensitive": self.type_name in ("varchar", "bpchar", "super", "name"),
            "isCurrency": False,
            "isSigned": numeric,
            "label": self.label,
            "length": self.length,
            "name": self.name or self.label,
            "nullable": self.nullable,
            "precision": self.precision,
            "scale": self.scale,
            "schemaName": self.schema,
            "tableName": self.table,
            "typeName": self.type_name,
        }


@dataclass(frozen=True)
class ResultSet:
    """The rows of a result: text, numbers, booleans, bytes or None, and their size in bytes."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    size: int


@dataclass
class SubStatement:
    """One SQL statement of a request; times are seconds since the epoch, ``duration`` is in nanoseconds."""

    id: str
    sql: str
    created: float
    updated: float
    status: str = "SUBMITTED"
    error: str | None = None
    duration: int = -1
    rows: int = -1
    query_id: int = 0
    result: ResultSet | None = None
    has_result: bool = False


@dataclass
class SentStatement:
    """A request to run SQL. All fields change under ``lock``; ``done`` is set once ``status`` is final.

    ``forgotten``: a fault has made the API know nothing of it any more.
    """

    id: str
    target: Target
    subs: list[SubStatement]
    batch: bool
    created: float
    name: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    mode: str = "TRANSACTION"
    result_format: str = "JSON"
    with_event: bool = False
    caller: str = ""
    status: str = "SUBMITTED"
    error: str | None = None
    updated: float = 0.0
    duration: int = -1
    pid: int = 0
    cancelled: bool = False
    forgotten: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)
    done: threading.Event = field(default_factory=threading.Event)

    def values(self) -> dict[str, str]:
        """The parameters by name."""
        return dict(self.parameters)

    def move(self, status: str, error: str | None = None) -> None:
        """Change the status; a final one stays."""
        with self.lock:
            if self.status not in ACTIVE:
                return
            self.status = status
            self.error = error
            self.updated = time.time()
            if status not in ACTIVE:
                self.done.set()
