"""What the stages of a failed job left in the lake: manifests of those that were completed, and error files.

Nothing here fails: what cannot be read says nothing, and the failure is recorded without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dataset_contract import manifests
from dataset_contract.json_types import JsonMapping
from dataset_contract.manifests import PYTHON, SPARK
from dataset_contract.places import Places, failure_of

STAGES = (PYTHON, SPARK)


@dataclass(frozen=True)
class StageEvidence:
    """What stages left: the manifests of complete stages, and the error files of failed ones."""

    complete: Mapping[str, JsonMapping]
    failed: Mapping[str, JsonMapping]

    @property
    def said(self) -> str:
        """Why the stage that failed did, in its own words, or ""."""
        return next((str(self.failed[stage]["error"]) for stage in reversed(STAGES) if stage in self.failed), "")

    def counts(self) -> dict[str, int]:
        """The columns of audit.job_run that are known. A failed stage that names no source file has counted no rows."""
        found: dict[str, int] = {}
        known = {**self.failed, **self.complete}
        if PYTHON in known and known[PYTHON].get("files_in") != 0:
            python = known[PYTHON]
            found |= {"rows_in": python["rows_in"], "rows_staged": python["rows_out"]}
            found["rows_rejected"] = python["rows_rejected"]
        if SPARK in known:
            found["rows_curated"] = known[SPARK]["rows_out"]
        return found

    def verdicts(self) -> list[JsonMapping]:
        """Those of both stages, as judging.document made them."""
        known = {**self.failed, **self.complete}
        return [verdict for stage in STAGES if stage in known for verdict in _verdicts(known[stage])]


def keys(places: Places) -> list[str]:
    """The keys in the lake bucket at which there may be evidence."""
    complete = [places.manifest_key(stage) for stage in STAGES]
    return complete + [failure_of(key) for key in complete]


def read(documents: object, *, job_id: str, since: datetime | None) -> StageEvidence:
    """Sort what was found.

    Args:
        documents: a list of manifests and error files, as their texts; anything else in it is passed over.
        job_id: of the job; a document of another one is passed over.
        since: the last redrive, or None. An error file from before it is not about this attempt.
    """
    read = (_document(text, job_id) for text in (documents if isinstance(documents, list) else []))
    found = [document for document in read if document is not None]
    complete = {document["stage"]: document for document in found if "error" not in document}
    failed = {
        document["stage"]: document
        for document in found
        if document["stage"] not in complete and not _is_older(document, since)
    }
    return StageEvidence(complete, failed)


def _document(text: Any, job_id: str) -> JsonMapping | None:
    """A manifest or an error file of the job, or None. One that was cut, or is too deep to be read, is none."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("stage") not in STAGES:
            return None
        return manifests.read(
            text, stage=document["stage"], job_id=job_id, dataset=str(document.get("dataset")), where=""
        )
    except (TypeError, ValueError, RecursionError):
        return None


def _is_older(document: Mapping[str, object], since: datetime | None) -> bool:
    try:
        return since is not None and datetime.fromisoformat(str(document.get("finished_at"))) < since
    except (TypeError, ValueError):
        return False


def _verdicts(document: Mapping[str, object]) -> Iterable[JsonMapping]:
    rules = document.get("rules")
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
