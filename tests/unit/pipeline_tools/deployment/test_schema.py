from __future__ import annotations

import pytest

from pipeline_tools.deployment import schema
from pipeline_tools.deployment.schema import Update

ADDED = 'ALTER TABLE analytics."orders" ADD COLUMN "note" VARCHAR(20)'
REFUSAL = {
    "problem": 'analytics."orders" has the column old, which the contract has not',
    "statements": ['ALTER TABLE analytics."orders" DROP COLUMN "old"', "CREATE TABLE t (\n    a INTEGER\n)"],
}


@pytest.mark.parametrize("arguments", [[], ["dev", "prod"], ["--help"]])
def test_it_takes_one_environment(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.main(arguments) == 2
    assert capsys.readouterr().err == "usage: nox -s schema -- <environment>\n"


def test_what_was_added_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.report(7, Update((ADDED,), ())) == 0
    assert capsys.readouterr().err == f"ran: {ADDED}\n8 statements ran; the schema is up to date\n"


def test_what_was_refused_is_told_with_what_a_person_could_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.report(7, Update((ADDED,), (REFUSAL,))) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"ran: {ADDED}",
        f"refused: {REFUSAL['problem']}",
        "  a person could run:",
        '    ALTER TABLE analytics."orders" DROP COLUMN "old";',
        "    CREATE TABLE t (",
        "        a INTEGER",
        "    );",
        "error: the tables differ from their contracts, so loads into them may fail",
    ]
