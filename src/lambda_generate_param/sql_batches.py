"""The Redshift statements of a run, as batches for the state machine `run-sql`.

Values reach Redshift as bound parameters (`:name`), each with a CAST or beside the column that it is compared with.
Only URIs, which COPY cannot bind, are put into the text (`{{name}}`), and only when they are of the alphabet that is
checked here: it has no colon beyond that of `s3://`, so nothing in a text looks like a parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aws_facts import redshift_data as facts
from aws_facts.states_api import MOST_STATE_BYTES
from dataset_contract import redshift
from dataset_contract.json_types import JsonMapping
from dataset_contract.manifests import ManifestError
from dataset_contract.places import Places
from lambda_generate_param import inlining, job_id, verdicts
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.evidence import STAGES, StageEvidence
from lambda_generate_param.failures import UNKNOWN, Failure

# Of a payload, without what is around a batch; around that of a failure there is its cause once more.
MOST_BYTES = MOST_STATE_BYTES - 7_144
_MOST_BYTES_OF_FAILURE = 150_000
# What the state machine binds besides, since it alone knows the moment.
OF_THE_ATTEMPT = ("redrive_count", "attempt_started_at")
OF_THE_MOMENT = (*OF_THE_ATTEMPT, "load_started_at")
_MOST_BYTES_OF_A_MOMENT = 32

# A token is a whole text constant; what stands within a longer text, a name or a comment is none.
_TOKEN = re.compile(r"'\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}'")
_INTERPOLATED = re.compile(r"s3://[0-9A-Za-z!_.()=+,@/-]+")
_COUNTS = ("rows_in", "rows_out", "rows_rejected", "bytes_in", "bytes_out", "files_out")
_MOMENTS = ("started_at", "finished_at")
_VERSIONS = ("code_version", "contract_version")
# What may hide a semicolon: 'text', "name", $tag$ body $tag$, -- comment, /* comment */.
_LEXEMES = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$[A-Za-z_]*\$).*?\1|--[^\n]*|/\*.*?\*/|;|[^;'\"$/-]+|.", re.DOTALL
)


class SqlTemplateError(ValueError):
    """A SQL file names a token that is not there, or a value that may not stand in SQL text."""


@dataclass(frozen=True)
class SqlBatch:
    """One transaction for the state machine `run-sql`: a name, statements, and the values that they bind."""

    name: str
    statements: tuple[str, ...]
    parameters: Mapping[str, str]

    def document(self) -> dict[str, object]:
        """The arguments of BatchExecuteStatement, as Step Functions spells them."""
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


def schema(sql: Path, datasets: Sequence[Dataset], user: str | None = None) -> SqlBatch:
    """The tables and procedures that the pipeline needs; each statement may run again at any time.

    Args:
        user: name of who loads, who gets the grants that this takes; None where the owner loads.
    """
    statements = audit_statements(sql, "schema") + audit_statements(sql, "loads")
    for dataset in datasets:
        statements += split(dataset.table_sql)
        turn = redshift.turn_table(dataset.name)
        of_a_job = redshift.JOB_ID_TYPE.redshift
        statements.append(f"CREATE TABLE IF NOT EXISTS {turn} (job_id {of_a_job} NOT NULL) DISTSTYLE ALL")
        statements.append(f"INSERT INTO {turn} SELECT '-' WHERE NOT EXISTS (SELECT 1 FROM {turn})")
    if user is not None:
        statements += audit_statements(sql, "grants", user=user)
        statements += [f'GRANT SELECT, UPDATE ON {redshift.turn_table(each.name)} TO "{user}"' for each in datasets]
        for output in (output for dataset in datasets for output in dataset.contract.outputs):
            statements.append(f'GRANT SELECT, INSERT, DELETE ON {redshift.table(output)} TO "{user}"')
    return SqlBatch("schema", tuple(_commented(statements, "step=schema")), {})


def portions(statements: Sequence[str]) -> Iterator[list[str]]:
    """The statements in their order, as many at a time as one request takes.

    Raises:
        SqlTemplateError: a statement is longer than the Data API takes.
    """
    portion: list[str] = []
    left = facts.MOST_SQL_BYTES
    for statement in statements:
        if (size := len(statement.encode())) > facts.MOST_STATEMENT_BYTES:
            limit = f"the Data API takes {facts.MOST_STATEMENT_BYTES:,}"
            raise SqlTemplateError(f"the statement {statement[:60]!r}… takes {size:,} bytes; {limit}")
        size = len(json.dumps(statement))  # as Step Functions passes it on
        if portion and (size > left or len(portion) == facts.MOST_STATEMENTS):
            yield portion
            portion, left = [], facts.MOST_SQL_BYTES
        portion.append(statement)
        left -= size
    if portion:
        yield portion


def register(sql: Path, places: Places, *, execution_arn: str, started_at: str, source_uri: str, parameters: str,
             repeat: bool, replays: str | None = None) -> SqlBatch:  # fmt: skip
    """The audit rows of an attempt that begins: status RUNNING.

    Bound by the state machine, since a redrive changes them after this batch was made: OF_THE_ATTEMPT.

    Args:
        parameters: as JSON.
    """
    bound = {
        "job_id": places.job_id,
        "execution_arn": execution_arn,
        "dataset": places.dataset,
        "source_uri": source_uri,
        "parameters": parameters,
        "repeat": "true" if repeat else "false",
        "replays": replays or UNKNOWN,
        "started_at": started_at,
    }
    return batch(places.job_id, "register", _in_turn(sql, "register"), bound)


def finish(sql: Path, places: Places, *, execution_arn: str) -> SqlBatch:
    """The audit row of a redrive that came after the load: status SUCCEEDED. Bound beside it: OF_THE_ATTEMPT."""
    bound = {"job_id": places.job_id, "execution_arn": execution_arn}
    return batch(places.job_id, "finish", _in_turn(sql, "finish"), bound)


def _in_turn(sql: Path, name: str) -> list[str]:
    return [statement for file in ("turn", "attempt", name) for statement in audit_statements(sql, file)]


def fail(sql: Path, failure: Failure, evidence: StageEvidence, columns: AuditColumns) -> SqlBatch:
    """The rows of a job that failed: what is known of it, of its completed stages, and the verdicts of its rules."""
    counts = dict.fromkeys(("rows_in", "rows_staged", "rows_rejected", "rows_curated"), UNKNOWN)
    bound = {
        "job_id": failure.job_id,
        "execution_arn": failure.execution_arn,
        "redrive_count": str(failure.redrive_count),
        "attempt_status": failure.status,
        "attempt_started_at": timestamp(failure.began_at),
        "started_at": timestamp(job_id.started_at(failure.job_id)),
        "finished_at": timestamp(failure.finished_at),
        "dataset": failure.dataset,
        "source_uri": failure.source_uri,
        "parameters": failure.parameters,
        "repeat": "true" if failure.repeat else "false",
        "replays": failure.replays,
        "failed_state": failure.failed_state,
        "error": failure.error,
        "cause": failure.cause,
        **counts,
        **{name: str(rows) for name, rows in evidence.counts().items()},
    }
    for stage in STAGES:
        try:
            bound |= stage_parameters(stage, evidence.complete.get(stage), columns)
        except ManifestError:
            bound |= stage_parameters(stage, None, columns)
    statements = _in_turn(sql, "fail")
    judged, texts = verdicts.insert(evidence.verdicts(), columns)
    # The last one asks what became of the job (LOADED, LOADED_ELSEWHERE, RECORDED, LATER), and of which dataset it is.
    with_verdicts = [*statements[:-1], *judged, statements[-1]]
    try:
        return batch(failure.job_id, "fail", with_verdicts, bound | texts, most=_MOST_BYTES_OF_FAILURE)
    except SqlTemplateError:
        # The failure counts more than the verdicts, which its manifests have too.
        return batch(failure.job_id, "fail", statements, bound)


def stage_parameters(stage: str, manifest: JsonMapping | None, columns: AuditColumns) -> dict[str, str]:
    """What sql/audit/*.sql says of a stage, by `<stage>_<column>`; "-" where there is no manifest.

    Raises:
        ManifestError: a field is missing, or a moment is none.
    """
    if manifest is None:
        return {f"{stage}_{name}": UNKNOWN for name in (*_COUNTS, *_MOMENTS, *_VERSIONS)}
    try:
        values = {name: str(manifest[name]) for name in _COUNTS}
        values |= {name: timestamp(datetime.fromisoformat(manifest[name])) for name in _MOMENTS}
        values |= {name: columns.cut("stage_run", name, str(manifest[name])) or UNKNOWN for name in _VERSIONS}
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"the manifest of stage {stage} is not whole: {error}") from error
    return {f"{stage}_{name}": value for name, value in values.items()}


def render(template: str, tokens: Mapping[str, str], *, where: str) -> str:
    """Put URIs in the place of their tokens, each a text constant: `'{{token}}'`.

    Raises:
        SqlTemplateError: an unknown token, or a value that is not an s3:// URI.
    """

    def value(match: re.Match[str]) -> str:
        token = _TOKEN.fullmatch(match[0])
        if token is None:
            return match[0]
        if token[1] not in tokens:
            raise SqlTemplateError(f"{where}: {{{{{token[1]}}}}} is unknown; known: {', '.join(sorted(tokens))}")
        text = tokens[token[1]]
        if not _INTERPOLATED.fullmatch(text):
            raise SqlTemplateError(f"{where}: {token[1]} is {text!r}; accepted: an s3:// URI")
        return f"'{text}'"

    return _LEXEMES.sub(value, template)


def timestamp(moment: datetime) -> str:
    """As Redshift reads a TIMESTAMP: UTC, without a zone, milliseconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def audit_statements(sql: Path, name: str, **tokens: str) -> list[str]:
    """The statements of sql/audit/<name>.sql. tokens: SQL of our own for `{{token}}`."""
    text = (sql / "audit" / f"{name}.sql").read_text(encoding="utf-8")
    for token, value in tokens.items():
        text = text.replace(f"{{{{{token}}}}}", value)
    return split(text)


def batch(
    identifier: str, step: str, statements: Sequence[str], bound: Mapping[str, str], *, most: int = MOST_BYTES
) -> SqlBatch:
    """A step's transaction; each statement begins with a comment that names the job.

    Args:
        most: bytes of its document.

    Raises:
        SqlTemplateError: it is more than the Data API or Step Functions takes.
    """
    if len(statements) > facts.MOST_STATEMENTS:
        raise SqlTemplateError(
            f"step {step} has {len(statements)} statements; the Data API takes {facts.MOST_STATEMENTS}"
        )
    # The comment stays in Redshift's own query history, where the statement name does not show.
    made = SqlBatch(
        f"{identifier} {step}", tuple(_commented(statements, f"job_id={identifier} step={step}")), dict(bound)
    )
    if (size := len(json.dumps(made.document()))) > most:
        raise SqlTemplateError(f"step {step} takes {size:,} bytes; Step Functions passes on {most:,}")
    _check_sizes(made, step)
    return made


def _check_sizes(made: SqlBatch, step: str) -> None:
    """Refuse a batch that is too large with its values in place, as the Data API gets it without Parameters."""
    values = {**dict.fromkeys(OF_THE_MOMENT, "m" * _MOST_BYTES_OF_A_MOMENT), **made.parameters}
    sizes = [len(inlining.inlined(statement, values).encode()) for statement in made.statements]
    for number, size in enumerate(sizes, 1):
        if size > facts.MOST_STATEMENT_BYTES:
            limit = f"the Data API takes {facts.MOST_STATEMENT_BYTES:,}"
            raise SqlTemplateError(f"statement {number} of step {step} takes {size:,} bytes; {limit}")
    if sum(sizes) > facts.MOST_SQL_BYTES:
        limit = f"the Data API takes {facts.MOST_SQL_BYTES:,}"
        raise SqlTemplateError(f"the statements of step {step} take {sum(sizes):,} bytes; {limit}")


def _commented(statements: Sequence[str], comment: str) -> Iterator[str]:
    for statement in statements:
        yield f"/* {comment} */ {statement}"
