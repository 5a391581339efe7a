"""The Lambda's entry: it reads what EventBridge tells, asks what else is to be known, and hands events over.

Two kinds of events come here, each at least once and in any order:
    "Step Functions Execution Status Change" of the pipeline → START of an attempt, or its end with all that is missing
    "Object Created" of a stage's manifest → START and COMPLETE of that stage, while the attempt goes on
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote_plus

from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.places import LINEAGE, STAGES, failure_of, job_and_stage_of, manifest_key_of
from lambda_emit_lineage import delivery
from lambda_emit_lineage.attempts import Attempt, moment
from lambda_emit_lineage.aws import Aws
from lambda_emit_lineage.delivery import Delivery
from lambda_emit_lineage.events import Failed, Lineage
from lambda_emit_lineage.settings import Settings
from lambda_generate_param import job_id

# In the zip, sql/ lies beside the packages.
PACKAGED: Final = Path(__file__).resolve().parents[1] / "sql" / "datasets"
_STATUS: Final = "Step Functions Execution Status Change"
_OBJECT: Final = "Object Created"
_DATASET: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_START: Final = re.compile(r"-00-pipeline-START\.json$")
_END: Final = re.compile(r"-90-pipeline-[A-Z]+\.json$")


class EventError(ValueError):
    """What was handed over is not an event that is known here."""


class LineageServices(delivery.DeliveryServices, Protocol):
    """What is asked of AWS."""

    def get(self, bucket: str, key: str) -> bytes | None:
        """The content of an object; None if there is none."""

    def keys(self, bucket: str, prefix: str) -> Any:
        """The keys of the objects below a prefix."""


def handler(event: JsonObject, context: object) -> JsonObject:  # noqa: ARG001 - Lambda's calling convention
    """Answer one invocation. What it raises Lambda logs, counts, and tries again twice.

    Raises:
        NotSentError, AwsError: the URL or a service could not be used.
        EventError: the event is of another kind.
    """
    settings, services = Settings.read(os.environ), Aws()
    return emit(event, settings, services, Delivery(settings, services, _log), PACKAGED)


def emit(
    event: Mapping[str, object], settings: Settings, services: LineageServices, to: Delivery, packaged: Path
) -> JsonObject:
    """Emit what follows from an event. Returns the job ID and how many events were new."""
    kind, detail = event.get("detail-type"), event.get("detail")
    if kind not in (_STATUS, _OBJECT) or not isinstance(detail, dict):
        raise EventError(f"detail-type is {kind!r}; accepted: {_STATUS!r}, {_OBJECT!r}")
    emitter = _Emitter(settings, services, to, packaged)
    job, new = emitter.status(detail) if kind == _STATUS else emitter.manifest(detail)
    _log("lineage emitted", job_id=job, events=new, of=str(kind))
    return {"job_id": job, "events": new}


class _Emitter:
    def __init__(self, settings: Settings, services: LineageServices, to: Delivery, packaged: Path) -> None:
        self._settings, self._services, self._to, self._packaged = settings, services, to, packaged

    def status(self, detail: Mapping[str, object]) -> tuple[str, int]:
        try:
            attempt = Attempt.of_event(detail)
        except (KeyError, TypeError, ValueError) as error:
            raise EventError(f"an event of an execution: {type(error).__name__}: {error}") from error
        if attempt.status == "RUNNING":
            compiled = self._compiled(self._dataset(attempt, {}))
            if compiled is None and job_id.is_continued(attempt.given):
                # Nothing tells the dataset yet; the event of the end does.
                return attempt.job, 0
            return attempt.job, self._deliver(Lineage(self._settings, attempt, compiled), [])
        manifests, errors = self._left(attempt)
        compiled = self._compiled(self._dataset(attempt, {**errors, **manifests}))
        lineage = Lineage(self._settings, attempt, compiled, manifests, errors)
        failed = None if attempt.status == "SUCCEEDED" else self._failed(attempt.execution_arn)
        events = [*lineage.completed_stages(), *lineage.ended(failed, self._reason(attempt, errors))]
        return attempt.job, self._deliver(lineage, events)

    def manifest(self, detail: JsonMapping) -> tuple[str, int]:
        """A stage is complete: of which attempt, the events say that are in the lake by now."""
        key = unquote_plus(str(detail.get("object", {}).get("key")))
        found = job_and_stage_of(key)
        if not found:
            raise EventError(f"object {key!r}; accepted: a stage's manifest, runs/<job ID>/<stage>.json")
        job, stage = found
        manifest = self._document(key)
        compiled = self._compiled(str(manifest.get("dataset")))
        attempt = self._attempt_of(job, manifest) if compiled else None
        if attempt is None:
            # START is not there yet, or the attempt has ended: the event of the end tells of this stage too.
            return job, 0
        manifests = {stage: manifest}
        if stage != STAGES[0]:
            manifests |= {each: self._document(manifest_key_of(job, each)) for each in STAGES[: STAGES.index(stage)]}
        lineage = Lineage(self._settings, attempt, compiled, manifests)
        return job, self._to.deliver(f"{lineage.dataset}/{job}", lineage.completed_stages())

    def _deliver(self, lineage: Lineage, events: list[Any]) -> int:
        return self._to.deliver(f"{lineage.dataset}/{lineage.attempt.job}", [lineage.started(), *events])

    def _attempt_of(self, job: str, manifest: JsonObject) -> Attempt | None:
        finished = moment(manifest.get("finished_at"))
        folder = f"{LINEAGE}{manifest.get('dataset')}/{job}/"
        listed = list(self._services.keys(self._settings.lake_bucket, folder))
        ended = {_END.sub("", key) for key in listed if _END.search(key)}
        for key in sorted((key for key in listed if _START.search(key)), reverse=True):
            start = self._document(key)
            if start.get("eventType") != "START" or finished is None or _time(start["eventTime"]) > finished:
                continue
            return None if _START.sub("", key) in ended else _attempt(start, manifest)
        return None

    def _left(self, attempt: Attempt) -> tuple[dict[str, JsonObject], dict[str, JsonObject]]:
        """The manifests of stages, and what those say that failed in this attempt."""
        manifests, errors = {}, {}
        for stage in STAGES:
            key = manifest_key_of(attempt.job, stage)
            if found := self._document(key):
                manifests[stage] = found
            elif attempt.status != "SUCCEEDED" and (said := self._document(failure_of(key))):
                finished = moment(said.get("finished_at"))
                if finished is not None and finished >= attempt.began:
                    errors[stage] = said
        return manifests, errors

    def _failed(self, execution_arn: str) -> Failed | None:
        """The state that was entered last."""
        asked = {
            "executionArn": execution_arn,
            "reverseOrder": True,
            "maxResults": 100,
            "includeExecutionData": False,
        }
        for event in self._services.call("states", "GetExecutionHistory", asked)["events"]:
            if entered := event.get("stateEnteredEventDetails"):
                return Failed(entered["name"], datetime.fromtimestamp(float(event["timestamp"]), UTC))
        return None

    @staticmethod
    def _reason(attempt: Attempt, errors: Mapping[str, JsonObject]) -> str:
        if attempt.status == "FAILED" and errors:
            return str(errors[next(stage for stage in reversed(STAGES) if stage in errors)].get("error"))
        if attempt.status == "SUCCEEDED":
            return ""
        from lambda_generate_param import failures  # it reads SQL files, which only a failure needs

        cause = failures.readable(attempt.cause)
        return f"{attempt.error or attempt.status}: {cause or f'the execution ended as {attempt.status}'}"

    @staticmethod
    def _dataset(attempt: Attempt, left: Mapping[str, JsonObject]) -> str:
        known = [attempt.output, attempt.given, *left.values()]
        return next((str(each["dataset"]) for each in known if "dataset" in each), "")

    def _compiled(self, dataset: str) -> JsonObject | None:
        file = self._packaged / dataset / "lineage.json"
        if not _DATASET.fullmatch(dataset) or not file.is_file():
            return None
        found: JsonObject = json.loads(file.read_text(encoding="utf-8"))
        return found

    def _document(self, key: str) -> JsonObject:
        """A JSON object of the lake bucket; {} where there is none, or what is there is none."""
        body = self._services.get(self._settings.lake_bucket, key)
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def _attempt(start: JsonObject, manifest: JsonObject) -> Attempt:
    """The attempt that a START is of."""
    about = start["run"]["facets"]["tdp_job"]
    given = {"dataset": manifest.get("dataset"), "source_uri": manifest.get("source_uri")}
    return Attempt(
        job=about["job_id"],
        execution_arn=about["execution_arn"],
        redrive=about["redrive_count"],
        began=_time(start["eventTime"]),
        status="RUNNING",
        ended=None,
        given={name: value for name, value in given.items() if value},
        output={},
        error="",
        cause="",
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _log(message: str, *, level: str = "INFO", **fields: object) -> None:
    print(json.dumps({"level": level, "message": message, **fields}), file=sys.stdout, flush=True)
