"""The Redshift statements of a run: rendered once, at the start, as a pure function of the job ID.

Values reach Redshift as bound parameters (`:name`). Only URIs and the role's ARN, which COPY cannot bind, are put into
the text (`{{name}}`), and only when they are of the alphabet that is checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lambda_generate_param.datasets import Dataset, ParameterValue
from lambda_generate_param.layout import Layout

# https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
MOST_STATEMENTS = 40

_TOKEN = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")
_INTERPOLATED = re.compile(r"(s3://|arn:aws[a-z-]*:iam::\d{12}:role/)[0-9A-Za-z!_.()=+,@/-]+")
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,126}")
# What may hide a semicolon: 'text', "name", $tag$ body $tag$, -- comment, /* comment */.
_LEXEMES = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$[A-Za-z_]*\$).*?\1|--[^\n]*|/\*.*?\*/|;|[^;'\"$/-]+|.", re.DOTALL
)


class SqlTemplateError(ValueError):
    """A SQL file names a token that is not there, or a value that may not stand in SQL text."""


@dataclass(frozen=True)
class Batch:
    """One transaction for the state machine `run-sql`: a name, statements, and the values that they bind."""

    name: str
    statements: tuple[str, ...]
    parameters: Mapping[str, str]

    def document(self) -> dict[str, object]:
        """In the form of BatchExecuteStatement's arguments, as Step Functions spells them."""
        return {
            "statement_name": self.name,
            "statements": list(self.statements),
            "parameters": [{"Name": name, "Value": value} for name, value in self.parameters.items()],
        }


def split(sql: str) -> list[str]:
    """Cut a SQL file at its semicolons, outside of quotes and comments; comments alone are no statement."""
    found, text, substance = [], "", False
    for lexeme in _LEXEMES.finditer(sql):
        piece = lexeme.group()
        if piece == ";":
            found += [text.strip()] if substance else []
            text, substance = "", False
            continue
        text += piece
        substance = substance or not (piece.startswith(("--", "/*")) or piece.isspace())
    return found + ([text.strip()] if substance else [])


def schema(sql: Path, datasets: Sequence[Dataset]) -> Batch:
    """The tables and procedures that the pipeline needs; each statement may run again at any time."""
    statements = split((sql / "audit" / "schema.sql").read_text(encoding="utf-8"))
    for dataset in datasets:
        statements += split(dataset.table_sql)
    return Batch("schema", tuple(_commented(statements, "step=schema")), {})


def register(sql: Path, layout: Layout, *, execution_arn: str, started_at: str, source_uri: str,
             parameters: Mapping[str, ParameterValue]) -> Batch:  # fmt: skip
    """The audit row of a job that begins: status RUNNING.

    Bound by the state machine: `attempt`, which a redrive changes after this batch was made.
    """
    bound = {
        "job_id": layout.job_id,
        "execution_arn": execution_arn,
        "dataset": layout.dataset,
        "source_uri": source_uri,
        "parameters": json.dumps(parameters, sort_keys=True),
        "started_at": started_at,
    }
    return _batch(layout.job_id, "register", split((sql / "audit" / "register.sql").read_text(encoding="utf-8")), bound)


def load(sql: Path, layout: Layout, dataset: Dataset, *, copy_role_arn: str, code_version: str) -> Batch:
    """The transaction that loads a job: the dataset's own statements, the checks, the audit rows, the counts.

    Bound by the state machine: `attempt`, and, from the manifests, `python_…`, `spark_…` and each `rows_<table>`.
    """
    tokens = {f"{table}_uri": layout.curated(table) for table in dataset.outputs} | {"copy_role_arn": copy_role_arn}
    statements = split(render(dataset.load_sql, tokens, where=f"sql/datasets/{dataset.name}/load.sql"))
    statements += split((sql / "audit" / "check.sql").read_text(encoding="utf-8"))
    for table in dataset.outputs:
        statements.append(f"CALL audit.check_table(:job_id, '{_table(table)}', :rows_{table})")
    statements += split(
        (sql / "audit" / "succeed.sql").read_text(encoding="utf-8").replace("{{loaded}}", _counts(dataset.outputs))
    )
    bound = {
        "job_id": layout.job_id,
        "code_version": code_version,
        "contract_version": dataset.contract_version,
    }
    return _batch(layout.job_id, "load", statements, bound)


def fail(sql: Path, job_id: str, **values: str) -> Batch:
    """The audit row of a job that failed. `values`: the other parameters of sql/audit/fail.sql."""
    bound = {"job_id": job_id, **values}
    return _batch(job_id, "fail", split((sql / "audit" / "fail.sql").read_text(encoding="utf-8")), bound)


def render(template: str, tokens: Mapping[str, str], *, where: str) -> str:
    """Put URIs and role ARNs in the place of their `{{tokens}}`.

    Raises:
        SqlTemplateError: an unknown token, or a value that is neither an s3:// URI nor a role's ARN.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in tokens:
            raise SqlTemplateError(f"{where}: {{{{{match[1]}}}}} is unknown; known: {', '.join(sorted(tokens))}")
        text = tokens[match[1]]
        if not _INTERPOLATED.fullmatch(text):
            raise SqlTemplateError(f"{where}: {match[1]} is {text!r}; accepted: an s3:// URI or the ARN of a role")
        return text

    return _TOKEN.sub(value, template)


def _counts(tables: Sequence[str]) -> str:
    """A query of (table_name, rows_loaded), read from the loaded tables themselves."""
    return "\nUNION ALL ".join(
        f"SELECT CAST('{_table(table)}' AS VARCHAR(127)) AS table_name, COUNT(*) AS rows_loaded "
        f"FROM analytics.{table} WHERE job_id = :job_id"
        for table in tables
    )


def _table(name: str) -> str:
    if not _TABLE.fullmatch(name):
        raise SqlTemplateError(f"output table {name!r}; accepted: lower-case letters, digits and _, a letter first")
    return name


def _batch(job_id: str, step: str, statements: Sequence[str], bound: Mapping[str, str]) -> Batch:
    if len(statements) > MOST_STATEMENTS:
        raise SqlTemplateError(f"step {step} has {len(statements)} statements; the Data API takes {MOST_STATEMENTS}")
    # The comment stays in Redshift's own query history, where the statement name does not show.
    return Batch(f"{job_id} {step}", tuple(_commented(statements, f"job_id={job_id} step={step}")), dict(bound))


def _commented(statements: Sequence[str], comment: str) -> Iterator[str]:
    for statement in statements:
        yield f"/* {comment} */ {statement}"
