"""The facets that are used, each in the version of its schema that the URL names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from dataset_contract.json_types import JsonMapping, JsonObject

_SPEC: Final = "https://openlineage.io/spec"
EVENT_SCHEMA: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSIONS: Final = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DataQualityAssertionsDatasetFacet": "1-1-0",
    "ErrorMessageRunFacet": "1-0-1",
    "ExecutionParametersRunFacet": "1-0-0",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "JobTypeJobFacet": "2-0-4",
    "NominalTimeRunFacet": "1-0-1",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "SQLJobFacet": "1-1-0",
    "SchemaDatasetFacet": "1-2-0",
    "TestRunFacet": "1-0-1",
}
PRODUCER: Final = "urn:traceable-data-pipeline"
# The facets that are ours: docs/lineage.md says what they hold.
_JOB: Final = f"{PRODUCER}:facets:1-0-0:PipelineJobRunFacet"
_PROGRESS: Final = f"{PRODUCER}:facets:1-0-0:ProgressRunFacet"
# Catalogues keep events in databases.
_MOST_CHARACTERS: Final = 4_000
# What judging.document calls a severity, and what OpenLineage does.
_SEVERITIES: Final = {"error": "error", "warning": "warn"}


def _facet(kind: str, **fields: object) -> JsonObject:
    url = f"{_SPEC}/facets/{_VERSIONS[kind]}/{kind}.json#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **fields}


def pipeline_job(**fields: object) -> JsonObject:
    """The job ID and what else identifies an attempt: `tdp_job` of every run."""
    return {"_producer": PRODUCER, "_schemaURL": _JOB, **fields}


def progress(**rows: int) -> JsonObject:
    """How many rows came how far: `tdp_progress` of the pipeline's runs."""
    return {"_producer": PRODUCER, "_schemaURL": _PROGRESS, **rows}


def parent(run_id: str, namespace: str, name: str) -> JsonObject:
    """The run to which this run belongs."""
    job = {"namespace": namespace, "name": name}
    return _facet("ParentRunFacet", run={"runId": run_id}, job=job, root={"run": {"runId": run_id}, "job": dict(job)})


def job_type(integration: str, kind: str) -> JsonObject:
    """What kind of job it is."""
    return _facet("JobTypeJobFacet", processingType="BATCH", integration=integration, jobType=kind)


def nominal_time(start: str) -> JsonObject:
    """The moment for which the run was scheduled."""
    return _facet("NominalTimeRunFacet", nominalStartTime=start)


def parameters(given: Mapping[str, object]) -> JsonObject:
    """The parameters of a run; JSON writes values that are not text."""
    listed = [{"key": name, "name": name, "value": _text(value)} for name, value in sorted(given.items())]
    return _facet("ExecutionParametersRunFacet", parameters=listed)


def error(message: str, language: str) -> JsonObject:
    """Why the run failed."""
    return _facet("ErrorMessageRunFacet", message=message[:_MOST_CHARACTERS], programmingLanguage=language)


def engine(text: str) -> JsonObject:
    """The engine of a stage, from a manifest's text such as `duckdb 1.4.5, python 3.9.21`."""
    name, _, version = text.partition(",")[0].partition(" ")
    return _facet("ProcessingEngineRunFacet", name=name, version=version or name)


def sql(query: str) -> JsonObject:
    """The SQL that the job runs."""
    return _facet("SQLJobFacet", query=query, dialect="spark")


def schema(fields: Iterable[Mapping[str, object]]) -> JsonObject:
    """The schema of a dataset, from compiled fields: name, type and perhaps description."""
    kept = [
        {**{name: field[name] for name in ("name", "type", "description") if name in field}, "ordinal_position": number}
        for number, field in enumerate(fields, start=1)
    ]
    return _facet("SchemaDatasetFacet", fields=kept)


def column_lineage(fields: Mapping[str, Iterable[Mapping[str, str]]]) -> JsonObject:
    """What each column is made of: namespace, name and field of the input, and subtype."""
    made = {
        column: {
            "inputFields": [
                {
                    **{name: source[name] for name in ("namespace", "name", "field")},
                    "transformations": [{"type": "DIRECT", "subtype": source["subtype"], "masking": False}],
                }
                for source in sources
            ]
        }
        for column, sources in fields.items()
    }
    return _facet("ColumnLineageDatasetFacet", fields=made)


def input_statistics(**counts: int) -> JsonObject:
    """How much the run read."""
    return _facet("InputStatisticsInputDatasetFacet", **counts)


def output_statistics(**counts: int) -> JsonObject:
    """How much the run wrote."""
    return _facet("OutputStatisticsOutputDatasetFacet", **counts)


def assertions(verdicts: Iterable[Mapping[str, object]]) -> JsonObject:
    """The verdicts (judging.document) about one dataset."""
    return _facet("DataQualityAssertionsDatasetFacet", assertions=[_assertion(verdict) for verdict in verdicts])


def tests(verdicts: Iterable[JsonMapping]) -> JsonObject:
    """All verdicts of a stage. One of severity warn that failed halted nothing."""
    return _facet(
        "TestRunFacet",
        tests=[
            {
                "name": str(verdict.get("rule")),
                "status": "pass" if verdict.get("passed") is True else "fail",
                **_common(verdict),
                "type": str(verdict.get("metric")),
                "params": {"object": str(verdict.get("object")), "columns": list(verdict.get("columns") or ())},
            }
            for verdict in verdicts
        ],
    )


def _assertion(verdict: JsonMapping) -> JsonObject:
    columns = list(verdict.get("columns") or ())
    return {
        "assertion": str(verdict.get("metric")),
        "success": verdict.get("passed") is True,
        "name": str(verdict.get("rule")),
        **({"column": str(columns[0])} if len(columns) == 1 else {}),
        **_common(verdict),
    }


def _common(verdict: Mapping[str, object]) -> dict[str, str]:
    severity = str(verdict.get("severity"))
    measured = verdict.get("measured")
    actual = {} if measured is None else {"actual": str(measured)}
    return {"severity": _SEVERITIES.get(severity, severity), "expected": str(verdict.get("expected")), **actual}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
