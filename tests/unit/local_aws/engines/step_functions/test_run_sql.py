"""run-sql's own definition over a real Data API: what an attempt still runs is cancelled, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
import yaml

from local_aws.errors import AwsError
from pipeline_tools.crosscheck import template
from pipeline_tools.environments import ROOT
from tests.unit.local_aws.engines.step_functions.conftest import Functions, Machine
from tests.unit.local_aws.services.conftest import Redshift, make_redshift, postgres, redshift

__all__ = ["make_redshift", "postgres", "redshift"]  # fixtures

pytestmark = pytest.mark.postgres

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:pipeline:one"
APIS = ("batchExecuteStatement", "cancelStatement", "describeStatement", "getStatementResult", "listStatements")


def name(redrives: int, step: str = "load") -> str:
    return f"job-1 {hashlib.sha256(EXECUTION.encode()).hexdigest()[:6]}-{redrives} {step}"


class RunSql:
    """The state machine, whose tasks ask `redshift`. before: what happens just before a request of an API."""

    def __init__(self, functions: Functions, redshift: Redshift) -> None:
        self.redshift = redshift
        self.before: dict[str, Any] = {}
        values = {
            "redshift_target_parameter": "ClusterIdentifier",
            "redshift_target": redshift.defaults["ClusterIdentifier"],
            "redshift_database": redshift.defaults["Database"],
            "redshift_secret_arn": redshift.defaults["SecretArn"],
        }
        text = (ROOT / "infra" / "state_machines" / "run-sql.asl.yaml").read_text(encoding="utf-8")
        *_, bound = template.renderings(text, values)
        definition = yaml.safe_load(re.sub(r"(?m)^(    Seconds:) 1$", r"\1 0", bound))
        functions.answers.update({api: self._asked(api) for api in APIS})
        made = functions.ask("CreateStateMachine", name="run-sql", definition=json.dumps(definition), roleArn="r")
        self.machine, self.functions = Machine(functions, made["stateMachineArn"]), functions

    def _asked(self, api: str) -> Any:
        def ask(request: dict[str, Any]) -> Any:
            self.before.get(api, lambda: None)()
            try:
                return self.redshift.api.handle(api[0].upper() + api[1:], request)
            except AwsError as error:
                return error.code, error.message

        return ask

    def cancel(self, redrives: int) -> dict[str, Any]:
        given = {"job_id": "job-1", "cancel": True, "execution_arn": EXECUTION, "redrive_count": redrives}
        described = self.functions.ended(self.machine.start(given, name=f"cancel-{redrives}"))
        assert described["status"] == "SUCCEEDED", described
        output: dict[str, Any] = json.loads(described["output"])
        return output

    def start(self, statement_name: str) -> str:
        return self.redshift.start("SELECT pg_sleep(600)", StatementName=statement_name, batch=True)

    def status(self, identifier: str) -> str:
        return str(self.redshift.call("DescribeStatement", Id=identifier)["Status"])


@pytest.fixture
def run_sql(functions: Functions, redshift: Redshift) -> RunSql:
    return RunSql(functions, redshift)


def test_what_an_attempt_still_runs_is_cancelled_and_has_ended(run_sql: RunSql) -> None:
    mine = [run_sql.start(name(1)), run_sql.start(name(1, "register"))]
    others = [run_sql.start(other) for other in (name(0), name(2), name(10), "job-1 fail", "job-2 load")]
    run_sql.redshift.run("SELECT 1", StatementName=name(1, "find"), batch=True)
    found = run_sql.cancel(1)
    assert (found["job_id"], sorted(found["cancelled"])) == ("job-1", sorted(mine))
    assert [run_sql.status(identifier) for identifier in mine] == ["ABORTED", "ABORTED"]
    assert not {run_sql.status(identifier) for identifier in others} & {"ABORTED", "FINISHED"}


def test_where_nothing_runs_nothing_is_cancelled(run_sql: RunSql) -> None:
    assert run_sql.cancel(0) == {"job_id": "job-1", "cancelled": []}


def test_a_statement_that_ends_meanwhile_is_no_failure(run_sql: RunSql) -> None:
    identifier = run_sql.start(name(0))

    def ends() -> None:
        if run_sql.status(identifier) not in ("ABORTED", "FINISHED"):
            run_sql.redshift.call("CancelStatement", Id=identifier)
            run_sql.redshift.wait(identifier)

    run_sql.before["cancelStatement"] = ends
    assert run_sql.cancel(0) == {"job_id": "job-1", "cancelled": []}
    assert run_sql.status(identifier) == "ABORTED"


def test_the_end_of_a_batch_is_seen_by_the_look_that_waits_for_it(run_sql: RunSql) -> None:
    looks: list[None] = []
    run_sql.before["describeStatement"] = lambda: looks.append(None)
    batch = {"statement_name": "job-1 load", "statements": ["SELECT pg_sleep(0.5)"], "parameters": []}
    described = run_sql.functions.ended(run_sql.machine.start({"job_id": "job-1", "batch": batch}))
    assert (described["status"], len(looks)) == ("SUCCEEDED", 1), described
