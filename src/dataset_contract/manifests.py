"""The manifests by which the stages hand over: their fields, and the check that each reader makes.

A stage publishes `runs/<job_id>/<stage>.json` last, so it says that the stage is complete. A stage that failed leaves
`<stage>-error.json` beside it, since Glue's own ErrorMessage does not carry the reason. State machines read both, and a
state passes on 256 KiB at most (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html): so what
grows with the source stands in a third file, `<stage>/<stage run>/details.json`, which people read, and no stage. Which
files COPY reads stands in `<stage>/<stage run>/copy/<table>.manifest`, which Redshift reads.

A stage may run twice at once: the answer of a start gets lost, and the start is tried again. So each run of a stage has
a name, and writes all but these two files below directories of that name. A manifest says of which run it is, and who
reads it reads the files of that run and no other.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone

from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.naming import as_json

VERSION = 5
# Of a manifest or an error file, in UTF-8. All that a job may have, twice per stage, are together read by one state.
MOST_BYTES = 60_000
# Of the verdicts in it. What is left is for the counts of each table or reference.
MOST_RULE_BYTES = 30_000
_MOST_ERROR_CHARACTERS = 5_000
PYTHON, SPARK, LOAD = "python", "spark", "load"
# What names an attempt at a job: six hex digits of its execution, and the redrive count.
ATTEMPT = r"[0-9a-f]{6}-[0-9]{1,6}"
_STAGE_RUN = re.compile(rf"{ATTEMPT}-[0-9a-f]{{8}}")


class ManifestError(ValueError):
    """A text is not the manifest that its reader needs; the message names the field, the value and what is expected."""


@dataclass(frozen=True)
class FileEntry:
    """A file that a stage read or wrote.

    Attributes:
        bytes: as stored.
        note: what is told of a source file, or "".
    """

    uri: str
    bytes: int
    rows: int
    empty_lines: int = 0  # lines of a text file that are no record
    note: str = ""

    def document(self) -> JsonObject:
        """The fields that say something."""
        values = asdict(self)
        return {name: value for name, value in values.items() if name in ("uri", "bytes", "rows") or value}


@dataclass(frozen=True)
class StageRun:
    """Who ran, when and with what. Moments are aware of their zone."""

    stage: str
    stage_run: str  # new_stage_run()
    job_id: str
    dataset: str
    source_uri: str
    started_at: datetime
    finished_at: datetime
    code_version: str
    contract_version: str
    engine: str
    contract_hash: str = ""  # contract_hash() of the contract that was read; "" where none was


@dataclass(frozen=True)
class StageResult:
    """What a stage read and wrote, and the verdicts of the set rules that it judged (judging.document).

    Attributes:
        more: the stage's own fields (references, tables), of a size that the contract alone decides.
        details: what else is told, of any size (parameters, the files of each reference).
    """

    rows_in: int
    rows_out: int
    rows_rejected: int
    files_in: Sequence[FileEntry]
    files_out: Sequence[FileEntry]
    rejected_files: Sequence[FileEntry] = ()
    rejected_reasons: Mapping[str, int] = field(default_factory=dict)  # `<column>: <reason>` -> rows
    rules: Sequence[JsonMapping] = ()
    more: JsonMapping = field(default_factory=dict)
    details: JsonMapping = field(default_factory=dict)


def new_stage_run(attempt: str) -> str:
    """The name of a run of a stage: no other run has it."""
    return f"{attempt}-{uuid.uuid4().hex[:8]}"


def render(run: StageRun, result: StageResult) -> str:
    """The text of a manifest: JSON with sorted keys.

    Raises:
        ManifestError: it is larger than MOST_BYTES.
    """
    text = _text({**_run(run), **_result(result)})
    if (size := len(text.encode("utf-8"))) > MOST_BYTES:
        raise ManifestError(f"the manifest of stage {run.stage} has {size:,} bytes; accepted: at most {MOST_BYTES:,}")
    return text


def render_error(run: StageRun, result: StageResult, error: str) -> str:
    """The text of <stage>-error.json: as a manifest, of what was done until then, with the error in one line."""
    line = " ".join(error.split())
    if len(line) > _MOST_ERROR_CHARACTERS:
        line = line[:_MOST_ERROR_CHARACTERS] + "…"
    return _text({**_run(run), **_result(result), "error": line})


def render_details(run: StageRun, result: StageResult) -> str:
    """The text of details.json: the files that were read and written, one by one, and why rows were refused."""
    return _text(
        {
            **_run(run),
            "files_in": [file.document() for file in result.files_in],
            "files_out": [file.document() for file in result.files_out],
            "rejected_files": [file.document() for file in result.rejected_files],
            "rejected_reasons": dict(result.rejected_reasons),
            **result.details,
        }
    )


def render_copy(files: Sequence[FileEntry]) -> str:
    """The files as Redshift's COPY is told them, so that it reads these and no other.

    Without the size, COPY takes no columnar file. A file that is not there has to fail the COPY.
    https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html
    """
    entries = [{"url": file.uri, "mandatory": True, "meta": {"content_length": file.bytes}} for file in files]
    return _text({"entries": entries})


def check_rules(rules: Sequence[Mapping[str, object]]) -> None:
    """Raises ManifestError where a manifest could not hold the verdicts of rules (judging.document)."""
    if (size := len(_text({"rules": list(rules)}).encode("utf-8"))) > MOST_RULE_BYTES:
        raise ManifestError(
            f"{len(rules)} set rules make verdicts of {size:,} bytes; accepted: at most {MOST_RULE_BYTES:,}, "
            "which a manifest has room for"
        )


def read(text: str, *, stage: str, job_id: str, dataset: str, where: str) -> JsonObject:
    """Read the manifest of a stage.

    Raises:
        ManifestError: it is not JSON, of another version, stage, job or dataset, of no run, or its counts are none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ManifestError(f"{where} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{where} is not a JSON object")
    expected = {"manifest_version": VERSION, "stage": stage, "job_id": job_id, "dataset": dataset}
    for name, value in expected.items():
        if document.get(name) != value:
            raise ManifestError(f"{where} has {name} {as_json(document.get(name))}, expected {as_json(value)}")
    stage_run = document.get("stage_run")
    if not isinstance(stage_run, str) or not _STAGE_RUN.fullmatch(stage_run):
        raise ManifestError(f"{where} has stage_run {as_json(stage_run)}, expected {_STAGE_RUN.pattern}")
    for name in ("rows_in", "rows_out", "rows_rejected", "bytes_in", "bytes_out", "files_out"):
        value = document.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ManifestError(f"{where} has {name} {as_json(value)}, expected a whole number, 0 or more")
    references = document.get("references", {})
    if not isinstance(references, dict) or not all(isinstance(item, dict) for item in references.values()):
        raise ManifestError(f"{where} has references {as_json(references)}, expected an object for each reference")
    return document


def complete(text: str | None, *, stage: str, job_id: str, dataset: str, contract_hash: str) -> JsonObject | None:
    """`text` as a manifest, or None where it is none of this stage of this job under this contract.

    Args:
        text: None where there is no file.
    """
    try:
        found = read(text or "", stage=stage, job_id=job_id, dataset=dataset, where="the manifest")
    except ManifestError:
        return None
    return found if found.get("contract_hash") == contract_hash else None


def contract_hash(text: str) -> str:
    """What tells one contract from another: 16 hex digits of the SHA-256 of contract.json's text.

    The version does not: a contract may be corrected under the same one.
    """
    # A reader of text files may have made each line end the same.
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()[:16]


def utc_text(moment: datetime) -> str:
    """UTC, ISO 8601 with milliseconds: 2024-05-01T10:00:00.000Z."""
    utc = moment.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _run(run: StageRun) -> JsonObject:
    return {
        "manifest_version": VERSION,
        "stage": run.stage,
        "stage_run": run.stage_run,
        "job_id": run.job_id,
        "dataset": run.dataset,
        "source_uri": run.source_uri,
        "started_at": utc_text(run.started_at),
        "finished_at": utc_text(run.finished_at),
        "seconds": round((run.finished_at - run.started_at).total_seconds(), 3),
        "code_version": run.code_version,
        "contract_version": run.contract_version,
        "contract_hash": run.contract_hash,
        "engine": run.engine,
    }


def _result(result: StageResult) -> JsonObject:
    return {
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_rejected": result.rows_rejected,
        "bytes_in": sum(file.bytes for file in result.files_in),
        "bytes_out": sum(file.bytes for file in result.files_out),
        "files_in": len(result.files_in),
        "files_out": len(result.files_out),
        "rejected_files": len(result.rejected_files),
        "rules": [dict(rule) for rule in result.rules],
        **result.more,
    }


def _text(document: Mapping[str, object]) -> str:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    # Half of a character, which a source may have, becomes an escape of JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
