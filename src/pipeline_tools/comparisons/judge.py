"""Compares our verdicts with those of another reader of the standard, datacontract-cli, on pairs of contract and data.

Each pair of tests/judge/cases.yaml is written as files and given to both: to our Python job, and to `datacontract test`
in an environment of its own. The two are compared rule by rule, for the rules that both of them judge.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import yaml

from dataset_contract import reading, wording
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.model import DataObject
from dataset_contract.places import details_of, failure_of
from glue_python_job.main import main as python_job
from pipeline_tools.environments import JUDGE, ROOT
from pipeline_tools.job_arguments import BareJob

CASES = ROOT / "tests" / "judge" / "cases.yaml"
SOURCE = "items"
HOLDS, BREAKS, WARNS, NO_VERDICT = "holds", "breaks", "warns", "says nothing"
# What is judged of the files as a whole: each column of the contract is there; each value has its type.
COLUMNS, TYPES = "columns", "types"

# Runs with the other reader's interpreter: one line of JSON per contract, what its checks came to.
_OTHER = """
import json, logging, sys
from datacontract.data_contract import DataContract
logging.disable(logging.CRITICAL)
for path in sys.argv[2:]:
    run = DataContract(data_contract_file=path, schema_name=sys.argv[1]).test()
    fields = ("type", "field", "qualityId", "result", "reason", "diagnostics", "name")
    print(json.dumps([{name: getattr(check, name) for name in fields} for check in run.checks], default=str))
"""
# The other reader's types of checks, and the rules of a column that they are about.
_CHECKS: Mapping[str, tuple[str, ...]] = {
    "field_required": ("required",),
    "field_primary_key_required": ("required",),
    "field_unique": ("unique",),
    "field_primary_key_unique": ("unique",),
    "field_min_length": ("minLength",),
    "field_max_length": ("maxLength",),
    "field_regex": ("pattern",),
    "field_enum": ("validValues",),
    "field_minimum": ("minimum", "exclusiveMinimum"),
    "field_maximum": ("maximum", "exclusiveMaximum"),
    "field_not_equal": ("exclusiveMinimum", "exclusiveMaximum"),
}
_TYPE_OF_JSON = re.compile(r" must be (integer|number|string|boolean|date)")
# The rules of a value by which a quality rule "mustBe 0 rows" is kept.
_METRICS: Mapping[str, tuple[str, ...]] = {
    "nullValues": ("required",),
    "missingValues": ("required", "missingValues"),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("unique",),
}


@dataclass(frozen=True)
class JudgedPair:
    """A pair of contract and data.

    Attributes:
        differs: rule -> key of the reason why the verdicts differ.
    """

    name: str
    format: str  # csv, json (lines), parquet
    properties: Sequence[JsonMapping]
    data: str
    quality: Sequence[JsonMapping] = ()
    more: JsonMapping = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)

    def document(self, path: Path) -> JsonObject:
        """The contract, with the data at `path`; an output is there since ours demands one."""
        output = {"name": "outcome", "customProperties": [{"property": "role", "value": "output"}]}
        number = {"name": "number", "logicalType": "integer", "physicalType": "BIGINT"}
        source = {"name": SOURCE, "customProperties": [{"property": "role", "value": "source"}]}
        server = {"server": "files", "type": "local", "path": str(path), "format": self.format}
        delimiter = {"delimiter": "new_line"} if self.format == "json" else {}
        return {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "judged",
            "name": "judged",
            "version": "1.0.0",
            "status": "active",
            "servers": [{**server, **delimiter}],
            "schema": [
                {**source, "properties": list(self.properties), "quality": list(self.quality)},
                {**output, "properties": [number]},
            ],
            **self.more,
        }

    def quality_rules(self) -> Iterator[tuple[str, str, JsonMapping]]:
        """(id, column or "", rule) of each quality rule."""
        for rule in self.quality:
            yield str(rule["id"]), "", rule
        for column in self.properties:
            for rule in column.get("quality", []):
                yield str(rule["id"]), str(column["name"]), rule

    @property
    def key(self) -> str:
        """The columns of the primary key, in its order."""
        columns = [column for column in self.properties if column.get("primaryKey")]
        return ", ".join(
            str(item["name"]) for item in sorted(columns, key=lambda item: item.get("primaryKeyPosition", 1))
        )

    def column(self, field: str) -> JsonMapping:
        """The column that the files call `field`."""
        return next(item for item in self.properties if item.get("physicalName", item["name"]) == field)


@dataclass(frozen=True)
class VerdictDifference:
    """A rule on which the two verdicts differ.

    Attributes:
        reason: why, or "" where nobody said so yet.
    """

    rule: str
    ours: str
    theirs: str
    reason: str


@dataclass(frozen=True)
class PairOutcome:
    """What the comparison of a case came to."""

    case: JudgedPair
    agreed: Mapping[str, str]  # rule -> verdict of both
    differences: Sequence[VerdictDifference]
    alone: Sequence[str]  # rules that only we judge
    gone: Sequence[str]  # rules whose listed difference was not found

    @property
    def is_as_listed(self) -> bool:
        """Whether exactly the listed differences were found."""
        return not self.gone and all(difference.reason for difference in self.differences)


def read_cases(path: Path) -> tuple[list[JudgedPair], dict[str, str]]:
    """The cases, and the reasons of the known differences by their keys."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [JudgedPair(**item) for item in document["cases"]], document["differences"]


def write(case: JudgedPair, directory: Path) -> Path:
    """Write the data and the contract of a case, for both readers; return the contract as YAML."""
    suffix = "jsonl" if case.format == "json" else case.format
    data = directory / "source" / f"items.{suffix}"
    data.parent.mkdir(parents=True)
    document = case.document(data)
    if case.format == "parquet":
        _write_parquet(case, data)
    else:
        data.write_text(case.data, encoding="utf-8")
    (directory / "contract.json").write_text(json.dumps(document), encoding="utf-8")
    contract = directory / "contract.yaml"
    contract.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return contract


def ours(case: JudgedPair, directory: Path) -> dict[str, str]:
    """Run our Python job on the files of a case: rule -> verdict.

    Raises:
        ValueError: it could not judge the case at all.
    """
    code, said = _run_job(directory)
    manifest = directory / "python.json"
    told = manifest if code == 0 else Path(failure_of(str(manifest)))
    if not told.is_file():
        raise ValueError(f"{case.name}: our job could not judge it: {said}")
    contract = reading.parse_text((directory / "contract.json").read_text(encoding="utf-8"), str(directory))
    found = json.loads(told.read_text(encoding="utf-8"))
    details = json.loads(Path(details_of(str(manifest), found["stage_run"])).read_text(encoding="utf-8"))
    found["rejected_reasons"] = details["rejected_reasons"]
    return our_verdicts(case, contract.source, found, said)


def our_verdicts(case: JudgedPair, source: DataObject, manifest: JsonMapping, said: str) -> dict[str, str]:
    """What the manifest of a run, with its reasons, says of each rule; `said` is the line of a run that failed.

    A rule of a value or a key holds where no row was refused for it.
    """
    reasons = set(manifest["rejected_reasons"])
    told = {
        f"{column.name} {rule.keyword}": f"{column.name}: {wording.reason(rule)}"
        for column in source.columns
        for rule in column.rules
    }
    verdicts = {name: BREAKS if reason in reasons else HOLDS for name, reason in told.items()}
    duplicates = {reason for reason in reasons if reason.endswith(wording.DUPLICATE)}
    verdicts.update({f"{', '.join(key.columns)} unique": BREAKS if duplicates else HOLDS for key in source.keys})
    verdicts[TYPES] = BREAKS if reasons - set(told.values()) - duplicates else HOLDS
    verdicts[COLUMNS] = BREAKS if "is missing" in said else HOLDS
    for found in manifest["rules"]:
        verdicts[found["rule"]] = HOLDS if found["passed"] else WARNS if found["severity"] == "warning" else BREAKS
    for identifier, column_name, rule in case.quality_rules():
        # A rule "mustBe 0 rows" is kept by each value; it goes by its own name here.
        about = column_name or ", ".join(rule.get("arguments", {}).get("properties", ()))
        names = [f"{about} {keyword}" for keyword in _METRICS.get(rule.get("metric", ""), ())]
        for name in names if identifier not in verdicts else ():
            if name in verdicts:
                _add(verdicts, identifier, verdicts.pop(name))
    return verdicts


def theirs(contracts: Sequence[Path]) -> list[list[JsonObject]]:
    """What the other reader's checks came to, for each contract.

    Raises:
        ValueError: it failed, with the end of what it said.
    """
    line = [str(JUDGE.ensure()), "-c", _OTHER, SOURCE, *map(str, contracts)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise ValueError(f"datacontract-cli failed: {done.stderr[-2000:]}")
    return [json.loads(answer) for answer in done.stdout.splitlines() if answer.startswith("[")]


def their_verdicts(case: JudgedPair, checks: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """The checks of the other reader under our names of the rules; what it did not judge is left out.

    Raises:
        ValueError: it could not judge the case at all.
    """
    verdicts: dict[str, str] = {TYPES: HOLDS}
    for check in checks:
        verdict = _their_verdict(case, check)
        for rule in _rules_of(case, check) if verdict else ():
            _add(verdicts, rule, verdict)
    return verdicts


def _rules_of(case: JudgedPair, check: Mapping[str, object]) -> list[str]:
    name = str(check["type"])
    if name == "general":  # a value that cannot be cast ends its run
        return [TYPES]
    if name == "schema":  # the file against a JSON Schema, of which the other rules have checks of their own
        return [TYPES] if _TYPE_OF_JSON.search(str(check["reason"])) else []
    if name == "servicelevel_freshness":
        return [f"{SOURCE}.{check['field']}.latency"]
    if check["qualityId"]:
        return [str(check["qualityId"])]
    if name == "field_is_present":
        return [COLUMNS]
    if name == "primary_key_unique":
        return [f"{case.key} unique"]
    keywords = _CHECKS.get(name, ())
    if not keywords:
        return []
    column = case.column(str(check["field"]))
    options = column.get("logicalTypeOptions", {})
    return [f"{column['name']} {keyword}" for keyword in keywords if len(keywords) == 1 or keyword in options]


def _their_verdict(case: JudgedPair, check: Mapping[str, object]) -> str:
    """Holds, breaks or warns; "no verdict" is an empty text, of a check that measured nothing."""
    name, result = str(check["type"]), str(check["result"]).rpartition(".")[2]
    if result == "passed":
        return HOLDS
    if name == "lint" or (name == "general" and "Conversion Error" not in str(check["reason"])):
        raise ValueError(f"{case.name}: datacontract-cli says: {check['reason']}")
    if name not in ("general", "schema") and not check["diagnostics"]:
        return ""
    return {"failed": BREAKS, "error": BREAKS, "warning": WARNS}.get(result, "")


def compare(
    case: JudgedPair, mine: Mapping[str, str], others: Mapping[str, str], reasons: Mapping[str, str]
) -> PairOutcome:
    """Compare the verdicts of a case. A rule that only we judge is not a difference; one that only they judge is."""
    differences = [
        VerdictDifference(rule, mine.get(rule, NO_VERDICT), verdict, reasons.get(case.differs.get(rule, ""), ""))
        for rule, verdict in others.items()
        if mine.get(rule) != verdict
    ]
    found = {difference.rule for difference in differences}
    return PairOutcome(
        case,
        {rule: verdict for rule, verdict in others.items() if rule not in found},
        differences,
        sorted(mine.keys() - others.keys()),
        [rule for rule in case.differs if rule not in found],
    )


def table(outcomes: Iterable[PairOutcome]) -> Iterator[str]:
    """The lines of the report: a case, what both said, and what they do not agree on."""
    for outcome in outcomes:
        counts = {verdict: list(outcome.agreed.values()).count(verdict) for verdict in (HOLDS, BREAKS, WARNS)}
        agreed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        yield f"{'ok ' if outcome.is_as_listed else 'NOT'} {outcome.case.name:<52} both: {agreed or 'nothing'}"
        for found in outcome.differences:
            why = found.reason or "NOT LISTED"
            yield f"      {found.rule}: ours {found.ours}, theirs {found.theirs}: {why}"
        for rule in outcome.gone:
            yield f"      {rule}: the listed difference was not found; take it from the list"
        if outcome.alone:
            yield f"      judged by us only: {', '.join(outcome.alone)}"


def judged(cases: Sequence[JudgedPair], reasons: Mapping[str, str]) -> list[PairOutcome]:
    """Give each case to both readers, and compare.

    Raises:
        ValueError: one of them could not judge a case at all.
    """
    with tempfile.TemporaryDirectory() as directory:
        places = [Path(directory) / str(number) for number in range(len(cases))]
        answers = theirs([write(case, place) for case, place in zip(cases, places, strict=True)])
        return [
            compare(case, ours(case, place), their_verdicts(case, checks), reasons)
            for case, place, checks in zip(cases, places, answers, strict=True)
        ]


def main(argv: Sequence[str]) -> int:
    """Compare on all cases, or on those whose names have one of `argv` in them; 1 where something is not as listed."""
    cases, reasons = read_cases(CASES)
    chosen = [case for case in cases if not argv or any(text in case.name for text in argv)]
    if not chosen:
        print(f"error: no case has {' or '.join(argv)} in its name; they are in {CASES}", file=sys.stderr)
        return 1
    try:
        outcomes = judged(chosen, reasons)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for line in table(outcomes):
        print(line)
    equal = sum(len(outcome.agreed) for outcome in outcomes)
    known = sum(bool(found.reason) for outcome in outcomes for found in outcome.differences)
    wrong = sum(not outcome.is_as_listed for outcome in outcomes)
    print(f"{len(outcomes)} pairs: {equal} equal verdicts, {known} known differences, {wrong} pairs not as listed")
    return 1 if wrong else 0


def _write_parquet(case: JudgedPair, path: Path) -> None:
    types = ", ".join(f"'{column['name']}': '{column['physicalType']}'" for column in case.properties)
    text = path.with_name("rows.txt")
    text.write_text(case.data, encoding="utf-8")
    with duckdb.connect() as connection:
        rows = f"SELECT * FROM read_csv('{text}', header = true, columns = {{{types}}})"
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    text.unlink()


def _run_job(directory: Path) -> tuple[int, str]:
    job = BareJob("judge", "judged", directory / "contract.json", "2024-05-01T10:00:00.000Z")
    argv = job.python(directory / "source", directory / "reference", directory)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = python_job(argv)
    return code, said.getvalue()


def _add(verdicts: dict[str, str], rule: str, verdict: str) -> None:
    """Several checks can be about one rule: it holds where all of them do."""
    if verdicts.get(rule, HOLDS) == HOLDS:
        verdicts[rule] = verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
