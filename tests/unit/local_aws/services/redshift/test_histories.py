"""Random histories of executions on a real database, against a model of what the warehouse must hold.

A history registers, loads and fails attempts, redrives and continues them, in any order and two at once: the statements
are those that the Lambda makes. After each step the audit tables and the rows have to be what the model says; of two
transactions at once, what it says of one of their orders. `nox -s chaos -- --histories 1000` plays more of them.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from dataset_contract import manifests
from dataset_contract.manifests import PYTHON, SPARK, FileEntry
from dataset_contract.places import Places
from lambda_generate_param import continuing, handler, sql_batches
from lambda_generate_param.handler import Settings
from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift import data_api
from local_aws.services.redshift.execution import StatementExecution
from tests.unit.lambda_generate_param.conftest import ROOT, STAGE_RUNS, contract, manifest, table, write_dataset
from tests.unit.local_aws.services.conftest import Redshift
from tests.waiting import SECONDS, until

pytestmark = pytest.mark.postgres

HISTORIES = int(os.environ.get("HISTORIES", "50"))
STEPS = 10
LAKE = "the-lake-bucket"
SETTINGS = Settings("the-raw-bucket", LAKE, "the-artifacts-bucket", "abc")
MOMENT = "2026-01-31 12:37:00.000"
COLUMNS: list[dict[str, Any]] = [{"name": "id", "physicalType": "BIGINT", "primaryKey": True}]
OUTPUTS = {"one": 2, "two": 3}  # rows of each
_TOLD_EVERY = 100  # histories
TRIES = 5  # of a transaction that met another one, as run-sql has them

Attempt = tuple[str, str, int]  # job, execution, redrive


@dataclass
class Model:
    """What the warehouse must hold. `apply` says whether a transaction is accepted, and changes it if so."""

    runs: dict[str, tuple[str, int, str]] = field(default_factory=dict)  # job -> owner: execution, redrive; status
    attempts: dict[Attempt, str] = field(default_factory=dict)  # -> status
    loaded: dict[str, tuple[str, str]] = field(default_factory=dict)  # job -> URI and version of what it read

    def apply(self, act: Act) -> bool:
        return bool({"register": self._register, "load": self._load, "fail": self._fail}[act.kind](act))

    def _register(self, act: Act) -> bool:
        owner, redrive, status = self.runs.get(act.job, ("", -1, ""))
        taken = status == "RUNNING" and owner != act.execution
        superseded = owner == act.execution and redrive > act.redrive
        if self.attempts.get(act.attempt, "RUNNING") != "RUNNING" or status == "SUCCEEDED" or taken or superseded:
            return False
        self.runs[act.job] = (act.execution, act.redrive, "RUNNING")
        self.attempts[act.attempt] = "RUNNING"
        return True

    def _load(self, act: Act) -> bool:
        owner, redrive, status = self.runs.get(act.job, ("", -1, ""))
        owns = owner == act.execution and (redrive < act.redrive or (redrive == act.redrive and status != "FAILED"))
        others = any(source == act.source for job, source in self.loaded.items() if job != act.job)
        if not owns or (others and not act.repeat):
            return False
        self.runs[act.job] = (act.execution, act.redrive, "SUCCEEDED")
        self.attempts[act.attempt] = "SUCCEEDED"
        self.loaded[act.job] = act.source
        return True

    def _fail(self, act: Act) -> bool:
        self.attempts[act.attempt] = act.status
        owner, redrive, status = self.runs.get(act.job, (act.execution, act.redrive, ""))
        if owner == act.execution and redrive <= act.redrive and status != "SUCCEEDED":
            self.runs[act.job] = (act.execution, act.redrive, "FAILED")
        return True


@dataclass(frozen=True)
class Act:
    """A transaction."""

    kind: str  # register, load, fail
    job: str
    execution: str
    redrive: int
    source: tuple[str, str] = ("", "")
    repeat: bool = False
    status: str = "FAILED"  # fail: of the execution

    @property
    def attempt(self) -> Attempt:
        return self.job, self.execution, self.redrive


@dataclass
class Run:
    """An execution, as far as a history has come with it."""

    arn: str
    started: int  # milliseconds since 1970
    job: str
    source: tuple[str, str]
    repeat: bool
    continues: bool
    register: Mapping[str, Any] = field(repr=False)  # the batch that GenerateJobId answered
    redrive: int = 0
    ended: dict[int, str] = field(default_factory=dict)  # redrive -> status


class Warehouse:
    """The project's SQL on a database, and two tables of a dataset."""

    def __init__(self, redshift: Redshift, directory: Path) -> None:
        self.redshift = redshift
        self.sql = directory / "sql"
        shutil.copytree(ROOT / "sql" / "audit", self.sql / "audit")
        outputs = [table(name, "output", COLUMNS, []) for name in OUTPUTS]
        document = contract("shop", table("orders", "source", COLUMNS, []), *outputs)
        self.dataset = write_dataset(self.sql, document)
        redshift.run(*sql_batches.schema(self.sql, [self.dataset]).statements)
        listed = redshift.rows(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema IN ('audit', 'analytics') AND table_type = 'BASE TABLE'"
        )
        self.tables = [f'{schema}."{name}"' for schema, name in listed]

    def empty(self) -> None:
        self.redshift.run(*(f"DELETE FROM {name}" for name in self.tables))

    def begin(self, run: Run) -> None:
        """GenerateJobId of an execution."""
        given: dict[str, Any] = {"dataset": "shop", "source_uri": run.source[0], "parameters": {}}
        given |= {"repeat": True} if run.repeat else {}
        earlier: list[Any] = []
        if run.continues:
            columns = ", ".join(continuing.COLUMNS)
            found = self.redshift.run(f"SELECT {columns} FROM audit.job_run WHERE job_id = '{run.job}'")
            earlier = self.redshift.call("GetStatementResult", Id=found["Id"])["Records"]
            earlier = [[_upper(field) for field in row] for row in earlier]
            given = {"job_id": run.job}
        start = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(run.started / 1000))}.{run.started % 1000:03d}Z"
        event = {"action": "start", "execution_arn": run.arn, "start_time": start, "input": given, "earlier": earlier}
        made = handler.answer(event, settings=SETTINGS, sql=self.sql)
        run.job, run.register = made["job_id"], made["sql"]["register"]

    def batch(self, act: Act, run: Run) -> tuple[list[str], dict[str, str]]:
        """The statements of a transaction, and what the state machine binds."""
        if act.kind == "register":
            found: Mapping[str, Any] = run.register
        elif act.kind == "load":
            found = handler.answer(self._load_event(act), settings=SETTINGS, sql=self.sql)
        else:
            detail = {"executionArn": act.execution, "startDate": run.started, "status": act.status}
            detail |= {"stopDate": run.started + 1000, "redriveCount": act.redrive}
            detail |= {"name": act.execution.rpartition(":")[2], "error": "E", "cause": "because"}
            given = {"job_id": run.job} if run.continues else {"dataset": "shop", "source_uri": run.source[0]}
            event = {"action": "failure", "detail": {**detail, "input": json.dumps(given)}, "failed_state": "S"}
            found = handler.answer({**event, "documents": []}, settings=SETTINGS, sql=self.sql)["sql"]
        bound = {each["Name"]: each["Value"] for each in found["parameters"]}
        if act.kind != "fail":
            bound |= {"redrive_count": str(act.redrive), "attempt_started_at": MOMENT}
        if act.kind == "load":
            bound |= {"load_started_at": MOMENT}
        return list(found["statements"]), bound

    def _load_event(self, act: Act) -> dict[str, Any]:
        self._write(act)
        rows = sum(OUTPUTS.values())
        python = {**manifest(self.dataset, PYTHON, job=act.job), "rows_in": rows + 6, "rows_out": rows}
        spark = {**manifest(self.dataset, SPARK, job=act.job), "rows_in": rows, "rows_out": rows}
        spark["tables"] = {name: {"rows": count} for name, count in OUTPUTS.items()}
        job = {"job_id": act.job, "dataset": "shop", "repeat": act.repeat}
        return {"action": "load", "execution_arn": act.execution, "job": job, PYTHON: python, SPARK: spark}

    def _write(self, act: Act) -> None:
        """What the stages of a job write."""
        places = Places(act.job, "shop", SETTINGS.raw_bucket, LAKE, SETTINGS.artifacts_bucket)
        with duckdb.connect() as connection:
            for name, count in OUTPUTS.items():
                path = self._path(places.curated(name) + "part-0.parquet")
                query = f"SELECT range::BIGINT AS id, '{act.job}' AS job_id FROM range({count})"
                connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
                self._path(places.copy_manifest(STAGE_RUNS[SPARK], name)).write_text(self._listed(path))
            path = self._path(places.source_files_list(STAGE_RUNS[PYTHON])).with_name("part.parquet")
            uri, version = act.source
            query = f"SELECT '{uri}' AS uri, '{version}' AS version, 5::BIGINT AS bytes"
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
            self._path(places.source_files_list(STAGE_RUNS[PYTHON])).write_text(self._listed(path))

    def _listed(self, path: Path) -> str:
        uri = f"s3://{path.relative_to(self.redshift.s3.root)}"
        return str(manifests.render_copy([FileEntry(uri, path.stat().st_size, 0)]))

    def _path(self, uri: str) -> Path:
        path = self.redshift.s3.root / uri.removeprefix("s3://")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def held(self) -> Model:
        """What the warehouse holds. Raises AssertionError where a job has half of its rows."""
        runs = self.redshift.rows("SELECT job_id, execution_arn, redrive_count, status FROM audit.job_run")
        assert len({row[0] for row in runs}) == len(runs), f"several rows of audit.job_run for one job: {runs}"
        attempts = self.redshift.rows(
            "SELECT job_id, execution_arn, redrive_count, status, attempt FROM audit.job_attempt "
            "ORDER BY job_id, attempt"
        )
        assert len({row[:3] for row in attempts}) == len(attempts), f"an attempt has several rows: {attempts}"
        for _, of_job in itertools.groupby(attempts, lambda row: row[0]):
            numbers = [row[4] for row in of_job]
            assert numbers == list(range(1, len(numbers) + 1)), f"attempts are numbered {numbers}"
        sources = self.redshift.rows("SELECT job_id, uri, version FROM audit.source_file")
        rows = {
            name: dict(self.redshift.rows(f"SELECT job_id, COUNT(*) FROM analytics.{name} GROUP BY job_id"))
            for name in OUTPUTS
        }
        loaded = {job: (uri, version) for job, uri, version in sources}
        for name, count in OUTPUTS.items():
            assert rows[name] == dict.fromkeys(loaded, count), f"rows of {name}: {rows[name]}, loaded are {loaded}"
        return Model(
            {job: (arn, redrive, status) for job, arn, redrive, status in runs},
            {(job, arn, redrive): status for job, arn, redrive, status, _ in attempts},
            loaded,
        )


def _upper(field: Mapping[str, Any]) -> dict[str, Any]:
    """As Step Functions names the members of an answer."""
    return {name[0].upper() + name[1:]: value for name, value in field.items()}


class Gates:
    """Where transactions wait in the midst of their work, so that another one goes on meanwhile."""

    def __init__(self) -> None:
        self.at: dict[str, int] = {}  # statement name -> how many statements run before the gate
        self.reached, self.opened = threading.Event(), threading.Event()

    def shut(self, name: str, after: int) -> None:
        self.reached.clear()
        self.opened.clear()
        self.at = {name: after}

    def pass_(self, name: str | None, done: int) -> None:
        if self.at.get(name or "") == done:
            self.reached.set()
            assert self.opened.wait(SECONDS)


GATES = Gates()


class GatedExecution(StatementExecution):
    """Waits at its gate before one of its statements."""

    def _run_one(self, connection: Any, sub: Any, *, in_transaction: bool) -> None:
        GATES.pass_(self._statement.name, self._statement.subs.index(sub))
        super()._run_one(connection, sub, in_transaction=in_transaction)


class Histories(RuleBasedStateMachine):
    """A history: each rule is a step."""

    warehouse: Warehouse
    postgres: PostgresServer
    captured: pytest.CaptureFixture[str]
    numbers = itertools.count(1)
    begun = itertools.count(1)

    @initialize()
    def begin(self) -> None:
        if (number := next(self.begun)) % _TOLD_EVERY == 0:
            with self.captured.disabled():
                print(f"  history {number}", flush=True)
        self.warehouse.empty()
        self.model = Model()
        self.runs: list[Run] = []
        self.registered: set[str] = set()  # jobs
        self.versions = {"s3://the-raw-bucket/orders/a/": 1, "s3://the-raw-bucket/orders/b/": 1}

    @rule(source=st.sampled_from(["a", "b"]), repeat=st.booleans())
    def start(self, source: str, repeat: bool) -> None:
        uri = f"s3://the-raw-bucket/orders/{source}/"
        self._begin((uri, str(self.versions[uri])), "", repeat)

    @precondition(lambda self: self.registered)
    @rule(data=st.data())
    def continue_(self, data: st.DataObject) -> None:
        # One that was never registered has no source to go on with, and one that has succeeded has nothing left to do.
        jobs = [job for job in sorted(self.registered) if self.model.runs[job][2] != "SUCCEEDED"]
        known = {run.job: run for run in reversed(self.runs)}
        if jobs:
            job = data.draw(st.sampled_from(jobs), label="job")
            self._begin(known[job].source, job, known[job].repeat)

    @rule(source=st.sampled_from(["a", "b"]))
    def replace_source(self, source: str) -> None:
        self.versions[f"s3://the-raw-bucket/orders/{source}/"] += 1

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        self._perform(self._draw(data, "act"))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def act_again(self, data: st.DataObject) -> None:
        act = self._draw(data, "act")
        self._perform(act)
        self._perform(act)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), after=st.integers(0, 60))
    def two_at_once(self, data: st.DataObject, after: int) -> None:
        self._race(self._draw(data, "first"), self._draw(data, "second"), after)

    @precondition(lambda self: any(run.ended.get(run.redrive) for run in self.runs))
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        ended = [run for run in self.runs if run.ended.get(run.redrive)]
        data.draw(st.sampled_from(ended), label="run").redrive += 1

    # Steps

    def _begin(self, source: tuple[str, str], job: str, repeat: bool) -> None:
        number = next(self.numbers)
        arn = f"arn:aws:states:us-east-1:123456789012:execution:local-pipeline:run-{number}"
        run = Run(arn, 1769862896000 + number, job, source, repeat, bool(job), {})
        self.warehouse.begin(run)
        self.runs.append(run)

    def _draw(self, data: st.DataObject, label: str) -> Act:
        run = data.draw(st.sampled_from(self.runs), label=f"{label}: run")
        kind = data.draw(st.sampled_from(["register", "load", "fail"]), label=f"{label}: kind")
        # An event may come late: it is about any redrive so far; what works is of the last one.
        redrive = data.draw(st.integers(0, run.redrive), label=f"{label}: redrive") if kind == "fail" else run.redrive
        status = run.ended.get(redrive) or data.draw(
            st.sampled_from(["FAILED", "TIMED_OUT", "ABORTED"]), label="status"
        )
        return Act(kind, run.job, run.arn, redrive, run.source, run.repeat, status)

    def _perform(self, act: Act) -> None:
        expected = self.model.apply(act)
        error = self._end(act, self._submit(act))
        self._note(act, accepted=error == "")
        assert (error == "") == expected, f"{act} was {'refused: ' + error if error else 'accepted'}"
        assert self.warehouse.held() == self.model

    def _race(self, first: Act, second: Act, after: int) -> None:
        """Two transactions: the second one begins while the first one has done so many statements."""
        orders = []
        for swapped in (False, True):
            model = deepcopy(self.model)
            accepted = [model.apply(act) for act in ((second, first) if swapped else (first, second))]
            orders.append((model, accepted[::-1] if swapped else accepted))
        sqls, _ = self.warehouse.batch(first, self._run(first))
        GATES.shut("first", min(after, len(sqls) - 1))
        begun = self._submit(first, name="first")
        until(lambda: GATES.reached.is_set() or self._is_over(begun), "it is at the gate")
        beside = self._submit(second, name="second")
        until(lambda: self._is_over(beside) or self._waits(), "the one beside it waits")
        GATES.opened.set()
        found = [self._end(first, begun) == "", self._end(second, beside) == ""]
        for each, ok in zip((first, second), found, strict=True):
            self._note(each, accepted=ok)
        held = self.warehouse.held()
        assert (held, found) in orders, f"{first} beside {second}: {found}, {held}; expected one of {orders}"
        self.model = held

    def _note(self, act: Act, *, accepted: bool) -> None:
        if act.kind == "register" and accepted:
            self.registered.add(act.job)
        if act.kind == "fail":
            self._run(act).ended.setdefault(act.redrive, act.status)

    # The database

    def _submit(self, act: Act, name: str = "one") -> str:
        sqls, bound = self.warehouse.batch(act, self._run(act))
        return self.warehouse.redshift.start(*sqls, parameters=bound, batch=True, StatementName=name)

    def _end(self, act: Act, identifier: str) -> str:
        """A transaction's error, or ""; one that met another one is run again, as run-sql does."""
        for _ in range(TRIES):
            error = str(self.warehouse.redshift.wait(identifier).get("Error", ""))
            if "1023" not in error:
                return error
            identifier = self._submit(act)
        return error

    def _is_over(self, identifier: str) -> bool:
        return self.warehouse.redshift.call("DescribeStatement", Id=identifier)["Status"] in (
            "FINISHED",
            "FAILED",
            "ABORTED",
        )

    def _waits(self) -> bool:
        with self.postgres.connect_as_superuser() as connection:
            return bool(connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())

    def _run(self, act: Act) -> Run:
        return next(run for run in self.runs if run.arn == act.execution)


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(data_api, "StatementExecution", GatedExecution)
    yield


def test_histories(
    redshift: Redshift, postgres: PostgresServer, tmp_path: Path, gated: None, capsys: pytest.CaptureFixture[str]
) -> None:
    class Here(Histories):
        pass

    Here.warehouse, Here.postgres, Here.captured = Warehouse(redshift, tmp_path), postgres, capsys
    chosen = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    seed = int(os.environ.get("HISTORIES_SEED", "0"))
    run_state_machine_as_test(seeded(seed)(Here), settings=chosen)
