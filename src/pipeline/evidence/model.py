"""The evidence of a job: what each service answered when it was asked. Nothing here judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from dataset_contract.json_types import JsonMapping
from pipeline.evidence.histories import StateRun
from pipeline.executions import Execution
from pipeline.jobs import Attempt, Job

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """What a service answered.

    Attributes:
        value: None where it has none.
        problem: why it could not be asked.
    """

    value: T_co | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Ran:
    """An execution and the runs of its states, oldest first."""

    execution: Execution
    states: Sequence[StateRun]


@dataclass(frozen=True)
class Nested:
    """A nested execution of run-sql: the step that started it, and its statement as the Data API tells it."""

    step: str
    arn: str
    run: Answer[Ran]
    statement_id: str | None = None
    statement: Answer[JsonMapping] = field(default_factory=Answer)


@dataclass(frozen=True)
class GlueRuns:
    """The runs of a Glue job that a job's attempts started, oldest first: GetJobRun's answers."""

    job_name: str
    runs: Answer[Sequence[JsonMapping]]


@dataclass(frozen=True)
class Lines:
    """Log lines with a job ID.

    Attributes:
        retention_days: None where the group keeps them for ever.
        stream: of the first one.
    """

    group: str
    lines: Answer[Sequence[str]]
    stream: str = ""
    retention_days: int | None = None


@dataclass(frozen=True)
class Objects:
    """What lies below a prefix.

    Attributes:
        sizes: bytes of each object, by its key below the prefix.
    """

    uri: str
    sizes: Mapping[str, int]
    newest: datetime | None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sizes)

    @property
    def bytes(self) -> int:
        """Of all of it."""
        return sum(self.sizes.values())


@dataclass(frozen=True)
class Lake:
    """What S3 has: of the runs of the stages that the manifests name, or of all runs where there is no manifest.

    Attributes:
        references: the staged reference rows, of all references.
        curated: by table.
        runs: the manifests and what lies beside them, of all runs.
        documents: those below runs/<job ID>/, by file name without .json.
    """

    staged: Answer[Objects]
    references: Answer[Objects]
    rejected: Answer[Objects]
    curated: Mapping[str, Answer[Objects]]
    runs: Answer[Objects]
    documents: Mapping[str, Answer[JsonMapping]]


@dataclass(frozen=True)
class WarehouseRows:
    """Rows of the audit tables by table name.

    Attributes:
        rows: how many each output table has with the job ID.
    """

    tables: Mapping[str, Answer[Sequence[JsonMapping]]]
    rows: Mapping[str, Answer[int]]
    # By table: whether a later job has loaded it, which may have replaced rows of this one.
    loaded_since: Answer[Sequence[JsonMapping]]
    # The jobs that replay rejected rows of this one: job_id and status, the oldest first.
    replayed_by: Answer[Sequence[JsonMapping]]

    def of(self, table: str) -> Sequence[JsonMapping]:
        """The rows of an audit table; none where it could not be asked."""
        return self.tables[table].value or ()


@dataclass(frozen=True)
class Told:
    """A failed attempt, and the execution of record-failure that its event started."""

    attempt: Attempt
    arn: str
    recorder: Answer[Ran]


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Attributes:
        checked_at: when the services were asked.
    """

    job: Job
    checked_at: datetime
    executions: Mapping[str, Answer[Ran]]  # by ARN
    nested: Sequence[Nested]
    lambda_log: Lines
    python: GlueRuns
    python_log: Lines
    spark: GlueRuns
    spark_log: Lines
    lake: Lake
    warehouse: WarehouseRows
    told: Sequence[Told]

    @property
    def states(self) -> list[StateRun]:
        """The runs of the pipeline's states in all executions that are known, oldest first."""
        known = (answer.value for answer in self.executions.values())
        return sorted((state for ran in known if ran for state in ran.states), key=lambda state: state.started_at)
