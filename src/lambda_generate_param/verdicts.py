"""The rows of audit.rule_run: what became of each set rule of a contract."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from aws_facts import redshift_data as facts
from dataset_contract import judging, manifests
from dataset_contract.json_types import JsonMapping
from dataset_contract.model import JOB_ID_LENGTH, Contract, SetRule
from lambda_generate_param import inlining
from lambda_generate_param.audit import AuditColumns, TooLongError

# Of the rows of one INSERT with their values in place, so that the statement is within the Data API's limit.
_MOST_BYTES = facts.MOST_STATEMENT_BYTES - 4096
_OF_A_JOB = {"job_id": "j" * JOB_ID_LENGTH}
_COLUMNS = (
    *("job_id", "attempt", "number", "rule", "object_name", "column_names", "metric", "expected", "severity"),
    *("measured", "passed"),
)
_ATTEMPT = (
    "(SELECT attempt FROM audit.job_attempt WHERE job_id = :job_id AND execution_arn = :execution_arn "
    "AND redrive_count = CAST(:redrive_count AS INTEGER))"
)
_DELETE = f"DELETE FROM audit.rule_run WHERE job_id = :job_id AND attempt = {_ATTEMPT}"
# VALUES takes no query, so the rows get their attempt after they are there. 0 is not an attempt's number.
_NUMBER = f"UPDATE audit.rule_run SET attempt = {_ATTEMPT} WHERE job_id = :job_id AND attempt = 0"


class VerdictError(ValueError):
    """A rule of the contract has no verdict, or one that forbids the load; the message names the rule."""


def complete(contract: Contract, found: Sequence[Mapping[str, object]]) -> list[JsonMapping]:
    """The verdicts of all rules of the contract, in its order.

    Args:
        contract: of the job's dataset.
        found: the verdicts of the manifests, as judging.document made them.

    Raises:
        VerdictError: a rule has none, or a rule of severity error did not pass, which a job stops at.
    """
    by_number = {verdict.get("number"): verdict for verdict in found}
    ordered = []
    for number, rule in enumerate(contract.set_rules):
        verdict = by_number.get(number)
        if verdict is None or (verdict.get("rule"), verdict.get("object")) != (rule.id, rule.object):
            raise VerdictError(f"rule {rule.id} of {rule.object} was not judged: the manifests have no verdict of it")
        if verdict.get("passed") is not True and rule.severity == "error":
            raise VerdictError(f"rule {rule.id} of {rule.object} did not pass: the job should have failed by it")
        ordered.append(verdict)
    return ordered


def check(contract: Contract, columns: AuditColumns) -> None:
    """Raises VerdictError where audit.rule_run could not hold a rule of the contract, or a manifest not all of them."""
    try:
        manifests.check_rules([_document(rule) for rule in contract.set_rules])
    except manifests.ManifestError as error:
        raise VerdictError(f"the contract's {error}") from error
    for rule in contract.set_rules:
        for column, value in _texts(_document(rule)).items():
            try:
                columns.check("rule_run", column, value)
            except TooLongError as error:
                raise VerdictError(f"rule {rule.id[:200]} of {rule.object}: its {column} {error}") from error


def insert(verdicts: Sequence[Mapping[str, object]], columns: AuditColumns) -> tuple[list[str], dict[str, str]]:
    """The statements that put verdicts in the place of those of the same job and attempt, and what they bind.

    Bound besides: `job_id`, and what names the attempt, `execution_arn` and `redrive_count`. A text that several rows
    have is bound once. Texts are cut to their columns.
    """
    names: dict[str, str] = {}
    rows = [_row(verdict, names, columns) for verdict in verdicts if isinstance(verdict.get("number"), int)]
    statements = [_DELETE] if rows else []
    bound = {name: text for text, name in names.items()}
    for several in _portions(rows, bound):
        listed = ",\n".join(several)
        statements.append(f"INSERT INTO audit.rule_run ({', '.join(_COLUMNS)}) VALUES\n{listed}")
    statements += [_NUMBER] if rows else []
    return statements, bound


def _portions(rows: Sequence[str], bound: Mapping[str, str]) -> Iterator[list[str]]:
    portion: list[str] = []
    left = _MOST_BYTES
    values = {**_OF_A_JOB, **bound}
    for row in rows:
        size = len(f"{inlining.inlined(row, values)},\n".encode())
        if portion and size > left:
            yield portion
            portion, left = [], _MOST_BYTES
        portion.append(row)
        left -= size
    if portion:
        yield portion


def _row(verdict: JsonMapping, names: dict[str, str], columns: AuditColumns) -> str:
    def bound(text: str, type_: str) -> str:
        return f"CAST(:{names.setdefault(text, f'rule_{len(names) + 1}')} AS {type_})" if text else "NULL"

    sizes = columns.sizes["rule_run"]
    texts = [
        bound(columns.cut("rule_run", name, text), f"VARCHAR({sizes[name]})") for name, text in _texts(verdict).items()
    ]
    measured = bound(_double(verdict.get("measured")), "DOUBLE PRECISION")
    passed = "TRUE" if verdict.get("passed") is True else "FALSE"
    job = (f"CAST(:job_id AS VARCHAR({sizes['job_id']}))", "0")
    values = [*job, str(int(verdict["number"])), *texts, measured, passed]
    return f"({', '.join(values)})"


def _texts(verdict: Mapping[str, object]) -> dict[str, str]:
    """The text columns of a row; only column_names may be empty."""
    about = verdict.get("columns")
    known = dict(_known(verdict))
    return {
        "rule": known["rule"],
        "object_name": known["object"],
        "column_names": ", ".join(map(str, about)) if isinstance(about, list) else "",
        "metric": known["metric"],
        "expected": known["expected"],
        "severity": known["severity"],
    }


def _double(measured: object) -> str:
    """A measurement as DOUBLE PRECISION takes it; "" for none, and for one beyond its range."""
    try:
        value = float(str(measured))
    except ValueError:
        return ""
    return str(measured) if math.isfinite(value) else ""


def _known(verdict: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name in ("rule", "object", "metric", "expected", "severity"):
        yield name, str(verdict.get(name) or "-")


def _document(rule: SetRule) -> JsonMapping:
    return judging.document(judging.judge(rule, None, 0), 0)
