"""The datasets that a stage reads and writes, in OpenLineage's names, with their facets.

Names: https://openlineage.io/docs/spec/naming. What the pipeline writes is called without the job ID, so that the runs
of a dataset meet in one place of a catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dataset_contract import places
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.model import JOB_ID_COLUMN
from dataset_contract.places import bucket_and_key
from dataset_contract.redshift import JOB_ID_TYPE
from lambda_emit_lineage import facets
from lambda_emit_lineage.settings import Settings

SCHEMA: Final = "analytics"
_JOB_ID_FIELD: Final = {
    "name": JOB_ID_COLUMN,
    "type": JOB_ID_TYPE.redshift,
    "description": "the job that loaded the row",
}


@dataclass(frozen=True)
class Datasets:
    """The OpenLineage datasets of one job.

    Attributes:
        compiled: what pipeline_tools.datasets made of the contract.
        source_uri: as the job was given it.
    """

    settings: Settings
    compiled: JsonMapping
    source_uri: str

    def of(self, stage: str, manifests: Mapping[str, JsonMapping]) -> tuple[list[JsonObject], list[JsonObject]]:
        """Inputs and outputs of a stage.

        Args:
            manifests: those that are known, by stage, or error files in their place.
        """
        return {"python": self._python, "spark": self._spark, "load": self._load}[stage](manifests)

    def _python(self, manifests: Mapping[str, JsonMapping]) -> tuple[list[JsonObject], list[JsonObject]]:
        found = manifests.get("python", {})
        source = self.compiled["source"]
        counts = _counts(found, rowCount="rows_in", size="bytes_in", fileCount="files_in")
        verdicts = _verdicts(found)
        inputs = [_input(*self._source(), _raw_fields(source), counts, verdicts.get(source["name"], []))]
        staged = _counts(found, rowCount="rows_out", size="bytes_out", fileCount="files_out")
        outputs = [_output(*self._staged(), source["fields"], _same(self._source(), source["fields"]), staged)]
        references = found.get("references") or {}
        for each in self.compiled["references"]:
            place = self._reference(each["name"])
            counted = _counts(references.get(each["name"], {}), rowCount="rows", size="bytes", fileCount="files")
            inputs.append(_input(*place, _raw_fields(each), {}, verdicts.get(each["name"], [])))
            made = _same(place, each["fields"])
            outputs.append(_output(*self._staged_reference(each["name"]), each["fields"], made, counted))
        refused = _counts(found, rowCount="rows_rejected", fileCount="rejected_files")
        outputs.append(_output(*self._lake(places.rejected_of(self._name)), (), {}, refused))
        return inputs, outputs

    def _spark(self, manifests: Mapping[str, JsonMapping]) -> tuple[list[JsonObject], list[JsonObject]]:
        python, found = manifests.get("python", {}), manifests.get("spark", {})
        read = _counts(found, rowCount="rows_in", size="bytes_in", fileCount="files_in")
        inputs = [_input(*self._staged(), self.compiled["source"]["fields"], read, [])]
        counts = python.get("references") or {}
        for each in self.compiled["references"]:
            counted = _counts(counts.get(each["name"], {}), rowCount="rows", size="bytes", fileCount="files")
            inputs.append(_input(*self._staged_reference(each["name"]), each["fields"], counted, []))
        tables = found.get("tables") or {}
        outputs = [
            _output(
                *self._curated(each["name"]),
                each["fields"],
                {column: [self._column(source) for source in made] for column, made in each["columns"].items()},
                _counts(tables.get(each["name"], {}), rowCount="rows", size="bytes", fileCount="files"),
            )
            for each in self.compiled["outputs"]
        ]
        return inputs, outputs

    def _load(self, manifests: Mapping[str, JsonMapping]) -> tuple[list[JsonObject], list[JsonObject]]:
        spark, found = manifests.get("spark", {}), manifests.get("load", {})
        tables, loaded, verdicts = spark.get("tables") or {}, found.get("tables") or {}, _verdicts(spark)
        inputs, outputs = [], []
        for each in self.compiled["outputs"]:
            name = each["name"]
            counts = _counts(tables.get(name, {}), rowCount="rows", size="bytes", fileCount="files")
            inputs.append(_input(*self._curated(name), each["fields"], counts, verdicts.get(name, [])))
            table = (self.settings.warehouse, f"{self.settings.database}.{SCHEMA}.{name}")
            made = _same(self._curated(name), each["fields"], source_name=False)
            fields = [*each["fields"], _JOB_ID_FIELD]
            outputs.append(_output(*table, fields, made, _counts(loaded, rowCount=name)))
        return inputs, outputs

    @property
    def _name(self) -> str:
        return str(self.compiled["dataset"])

    def _source(self) -> tuple[str, str]:
        bucket, path = bucket_and_key(self.source_uri)
        return f"s3://{bucket}", path.rstrip("/") or "/"

    def _reference(self, name: str) -> tuple[str, str]:
        return f"s3://{self.settings.raw_bucket}", f"{places.reference_of(self._name)}{name}"

    def _lake(self, path: str) -> tuple[str, str]:
        return f"s3://{self.settings.lake_bucket}", path.removesuffix("/")

    def _staged(self) -> tuple[str, str]:
        return self._lake(places.staged_of(self._name))

    def _staged_reference(self, name: str) -> tuple[str, str]:
        return self._lake(f"{places.staged_references_of(self._name)}{name}")

    def _curated(self, table: str) -> tuple[str, str]:
        return self._lake(f"{places.curated_of(self._name)}{table}")

    def _column(self, source: Mapping[str, str]) -> dict[str, str]:
        own = source["object"] == self.compiled["source"]["name"]
        namespace, name = self._staged() if own else self._staged_reference(source["object"])
        return {"namespace": namespace, "name": name, "field": source["field"], "subtype": source["subtype"]}


def _input(
    namespace: str,
    name: str,
    fields: Iterable[Mapping[str, object]],
    counts: Mapping[str, int],
    verdicts: list[JsonMapping],
) -> JsonObject:
    made: JsonObject = {"namespace": namespace, "name": name, "facets": {"schema": facets.schema(fields)}}
    about: JsonObject = {}
    if counts:
        about["inputStatistics"] = facets.input_statistics(**counts)
    if verdicts:
        about["dataQualityAssertions"] = facets.assertions(verdicts)
    return {**made, "inputFacets": about} if about else made


def _output(
    namespace: str,
    name: str,
    fields: Iterable[Mapping[str, object]],
    columns: Mapping[str, Iterable[Mapping[str, str]]],
    counts: Mapping[str, int],
) -> JsonObject:
    known: JsonObject = {}
    if fields := list(fields):
        known["schema"] = facets.schema(fields)
    if columns:
        known["columnLineage"] = facets.column_lineage(columns)
    made: JsonObject = {"namespace": namespace, "name": name, "facets": known}
    return {**made, "outputFacets": {"outputStatistics": facets.output_statistics(**counts)}} if counts else made


def _raw_fields(item: JsonMapping) -> list[JsonObject]:
    """The columns as the files call them. Of what type they are there, nothing promises."""
    return [
        {
            name: value
            for name, value in {**field, "name": field.get("source_name", field["name"])}.items()
            if name != "type"
        }
        for field in item["fields"]
    ]


def _same(
    place: tuple[str, str], fields: Iterable[JsonMapping], *, source_name: bool = True
) -> dict[str, list[dict[str, str]]]:
    namespace, name = place
    made = {}
    for field in fields:
        called = field.get("source_name", field["name"]) if source_name else field["name"]
        made[field["name"]] = [{"namespace": namespace, "name": name, "field": called, "subtype": "IDENTITY"}]
    return made


def _counts(found: JsonMapping, **names: str) -> dict[str, int]:
    return {wanted: found[name] for wanted, name in names.items() if isinstance(found.get(name), int)}


def _verdicts(found: JsonMapping) -> dict[str, list[JsonMapping]]:
    """The verdicts of a manifest by object."""
    listed: dict[str, list[JsonMapping]] = {}
    for verdict in found.get("rules") or ():
        listed.setdefault(str(verdict.get("object")), []).append(verdict)
    return listed
