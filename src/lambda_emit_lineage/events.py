"""The events of an attempt, from what is known of it: no request is made here.

Each event has a name that depends on the attempt, the job and the type alone. Who makes it again, from another delivery
or from another event of EventBridge, makes it under the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.manifests import LOAD, PYTHON, SPARK, utc_text
from dataset_contract.places import STAGES
from lambda_emit_lineage import facets
from lambda_emit_lineage.attempts import Attempt, moment
from lambda_emit_lineage.lineage_datasets import Datasets
from lambda_emit_lineage.settings import Settings
from lambda_generate_param import job_id

# Where the jobs of an input are that names no dataset.
UNKNOWN: Final = "unknown"
ENDS: Final = {"SUCCEEDED": "COMPLETE", "FAILED": "FAIL", "TIMED_OUT": "FAIL", "ABORTED": "ABORT"}
STAGE_OF_STATE: Final = {
    "CleanWithPython": PYTHON,
    "TransformWithSpark": SPARK,
    "PrepareLoad": LOAD,
    "LoadAndRecord": LOAD,
    "WriteLoadManifest": LOAD,
}
_SLOTS: Final = {PYTHON: 10, SPARK: 20, LOAD: 30}
_KINDS: Final = {
    PYTHON: ("GLUE", "PYTHON_SHELL", "Python"),
    SPARK: ("GLUE", "SPARK", "SQL"),
    LOAD: ("REDSHIFT", "LOAD", "SQL"),
}


@dataclass(frozen=True)
class Event:
    """An OpenLineage event.

    Attributes:
        name: of its file, without .json.
    """

    name: str
    document: JsonObject


@dataclass(frozen=True)
class Failed:
    """Where an attempt ended without success.

    Attributes:
        entered: when it came to the state; None where that is not known.
    """

    state: str
    entered: datetime | None


@dataclass(frozen=True)
class Lineage:
    """Makes the events of one attempt.

    Attributes:
        compiled: of its dataset, None where that is not known.
    """

    settings: Settings
    attempt: Attempt
    compiled: JsonMapping | None
    manifests: Mapping[str, JsonMapping] = field(default_factory=dict)
    # Error files of stages, by stage.
    errors: Mapping[str, JsonMapping] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        """The name of the dataset, or UNKNOWN."""
        return str(self.compiled["dataset"]) if self.compiled else UNKNOWN

    def started(self) -> Event:
        """START of the pipeline."""
        given = self.attempt.given.get("parameters")
        known = {"executionParameters": facets.parameters(given)} if isinstance(given, dict) and given else {}
        return self._of_pipeline("00", "START", self.attempt.began_text, known)

    def completed_stages(self) -> Iterator[Event]:
        """START and COMPLETE of each stage that this attempt completed, and RUNNING of the pipeline after it."""
        for stage in STAGES:
            if not self._is_own(stage):
                continue
            manifest = self.manifests[stage]
            began = moment(manifest.get("started_at")) or self.attempt.began
            yield self._of_stage(stage, 0, "START", utc_text(max(began, self.attempt.began)), {})
            finished = str(manifest["finished_at"])
            yield self._of_stage(stage, 1, "COMPLETE", finished, _said(manifest))
            yield self._of_pipeline(f"{_SLOTS[stage] + 2}", "RUNNING", finished, self._progress(stage))

    def ended(self, failed: Failed | None, reason: str) -> Iterator[Event]:
        """START, where it is missing, and the end of the stage that did not complete; then the end of the pipeline."""
        attempt, kind = self.attempt, ENDS[self.attempt.status]
        ended = utc_text(attempt.ended or attempt.began)
        if failed and (stage := STAGE_OF_STATE.get(failed.state)) and not self._is_own(stage) and self.compiled:
            entered = max(failed.entered or attempt.began, attempt.began)
            yield self._of_stage(stage, 0, "START", utc_text(entered), {})
            said = {
                "errorMessage": facets.error(reason, _KINDS[stage][2]),
                **_said(self.errors.get(stage, {})),
            }
            yield self._of_stage(stage, 1, kind, ended, said)
        known = self._progress()
        if kind != "COMPLETE":
            where = f"{failed.state}: " if failed else ""
            known["errorMessage"] = facets.error(f"{where}{reason}", "Amazon States Language")
        yield self._of_pipeline("90", kind, ended, known)

    def _is_own(self, stage: str) -> bool:
        """Whether this attempt completed the stage: an earlier one may have, or a later one."""
        manifest = self.manifests.get(stage)
        if not manifest or not self.compiled:
            return False
        finished = moment(manifest.get("finished_at"))
        if finished is None or finished < self.attempt.began:
            return False
        return self.attempt.ended is None or finished <= self.attempt.ended

    def _of_pipeline(self, slot: str, kind: str, time: str, known: JsonObject) -> Event:
        run = self._run(self.attempt.run_id, known)
        if nominal := self.attempt.nominal_time(self.settings.schedules):
            run["facets"]["nominalTime"] = facets.nominal_time(nominal)
        job = self._job(self._pipeline_name, facets.job_type("STEP_FUNCTIONS", "PIPELINE"))
        name = f"{self.attempt.label}-{slot}-pipeline-{kind}"
        return Event(name, _document(kind, time, run, job))

    def _of_stage(self, stage: str, place: int, kind: str, time: str, known: JsonObject) -> Event:
        assert self.compiled is not None
        integration, type_, _ = _KINDS[stage]
        job = self._job(f"{self._pipeline_name}.{stage}", facets.job_type(integration, type_))
        if stage == SPARK:
            job["facets"]["sql"] = facets.sql(self.compiled["transform"])
        above = facets.parent(self.attempt.run_id, self.settings.namespace, self._pipeline_name)
        run = self._run(job_id.part_id(self.attempt.run_id, stage), {"parent": above, **known})
        manifests = {} if kind == "START" else {**self.errors, **self.manifests}
        inputs, outputs = Datasets(self.settings, self.compiled, self._source_uri).of(stage, manifests)
        name = f"{self.attempt.label}-{_SLOTS[stage] + place}-{stage}-{kind}"
        return Event(name, {**_document(kind, time, run, job), "inputs": inputs, "outputs": outputs})

    @property
    def _pipeline_name(self) -> str:
        return f"pipeline.{self.dataset}"

    @property
    def _source_uri(self) -> str:
        """The source; if another execution continues the job, the first stage knows it."""
        if isinstance(given := self.attempt.given.get("source_uri"), str):
            return given
        known = {**self.errors, **self.manifests}.get(PYTHON, {})
        return str(known.get("source_uri") or f"s3://{self.settings.raw_bucket}/")

    def _run(self, run_id: str, known: JsonObject) -> JsonObject:
        about = facets.pipeline_job(
            job_id=self.attempt.job,
            dataset=self.dataset,
            execution_arn=self.attempt.execution_arn,
            redrive_count=self.attempt.redrive,
            code_version=self.settings.code_version,
        )
        return {"runId": run_id, "facets": {"tdp_job": about, **known}}

    def _job(self, name: str, kind: JsonObject) -> JsonObject:
        return {"namespace": self.settings.namespace, "name": name, "facets": {"jobType": kind}}

    def _progress(self, stage: str = LOAD) -> JsonObject:
        """How many rows came how far, as far as it was known when a stage was complete: `tdp_progress`."""
        until = STAGES[: STAGES.index(stage) + 1]
        known = {name: found for name, found in {**self.errors, **self.manifests}.items() if name in until}
        python, spark, load = (known.get(name, {}) for name in STAGES)
        counts = {
            "rows_in": python.get("rows_in"),
            "rows_staged": python.get("rows_out"),
            "rows_rejected": python.get("rows_rejected"),
            "rows_curated": spark.get("rows_out"),
            "rows_loaded": load.get("rows_out"),
        }
        rows = {name: count for name, count in counts.items() if isinstance(count, int)}
        return {"tdp_progress": facets.progress(**rows)} if rows else {}


def _said(manifest: JsonMapping) -> JsonObject:
    """The run facets of what a stage left."""
    known: JsonObject = {}
    if text := manifest.get("engine"):
        known["processing_engine"] = facets.engine(str(text))
    if rules := manifest.get("rules"):
        known["test"] = facets.tests(rules)
    return known


def _document(kind: str, time: str, run: JsonObject, job: JsonObject) -> JsonObject:
    return {
        "eventType": kind,
        "eventTime": time,
        "producer": facets.PRODUCER,
        "schemaURL": facets.EVENT_SCHEMA,
        "run": run,
        "job": job,
    }
