"""What the checks read: the Terraform of the root module, the state machines, and sql/ as the Lambda gets it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dataset_contract import parameters, reading
from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline_tools.crosscheck import template
from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.crosscheck.hcl import Expression, Infra, Module
from pipeline_tools.crosscheck.template import Node, TemplateError
from pipeline_tools.datasets import folders

# Beside the real datasets, so that no check takes the tables or parameters of one of them for those of all.
_OTHER_DATASET = "another"


class UnreadableError(Exception):
    """A file cannot be read, so that nothing else can be said."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True)
class Machine:
    """A state machine: its module in Terraform, its file, its definition (two where the template has conditions)."""

    module: Module
    file: Path
    definitions: tuple[Node, ...]

    def __hash__(self) -> int:
        return hash(self.module.name)


@dataclass
class Project:
    """The project in the folder `root`, and what was found in it."""

    root: Path
    infra: Infra
    found: set[Finding] = field(default_factory=set)
    machines: list[Machine] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path) -> Project:
        """Raises HclError."""
        project = cls(root, Infra.read(root / "infra"))
        for module in project.infra.of("state_machine"):
            project._add(module)
        return project

    def say(self, file: Path, line: int, wrong: str, todo: str) -> None:
        """Note a mistake."""
        self.found.add(Finding(file.relative_to(self.root).as_posix(), line, wrong, todo))

    def machine(self, arn: str) -> Machine | None:
        """The state machine that an ARN names."""
        module = self.infra.named("state_machine", arn)
        return next((machine for machine in self.machines if machine.module is module), None)

    def _add(self, module: Module) -> None:
        file = self.infra.folder / "state_machines" / self.infra.text(module, "definition_file").rpartition("/")[2]
        if not file.is_file():
            self.say(module.file, module.line, f"module {module.name} has no definition_file that exists", "name one")
            return
        text = file.read_text(encoding="utf-8")
        variables = self._variables(module, file, text)
        definitions = []
        try:
            for rendering in template.renderings(text, variables):
                node, twice = template.read(rendering)
                definitions.append(node)
                for line, key in twice:
                    self.say(file, line, f"the key {key} occurs twice", "delete one of them")
        except TemplateError as error:
            self.say(file, error.line, str(error), "correct it")
            return
        self.machines.append(Machine(module, file, tuple(definitions)))

    def _variables(self, module: Module, file: Path, text: str) -> dict[str, str]:
        attribute = module.attributes.get("definition_variables")
        given: dict[str, Expression] = self.infra.entries(attribute) if attribute else {}
        used = dict(reversed(list(template.references(text))))
        where = f"definition_variables of module {module.name}"
        for name, line in used.items():
            if name not in given:
                self.say(file, line, f"${{{name}}} is not given by Terraform", f"add {name} to {where}")
        for name, value in given.items():
            if name not in used:
                self.say(value.file, value.line, f"{name} is not used by {file.name}", f"delete it from {where}")
        return {name: self.infra.expand(value) for name, value in given.items()}


def stage_sql(root: Path, target: Path) -> list[str]:
    """Write sql/ to `target` as the Lambda reads it, and return the datasets, one of which is made up.

    The parameters have no patterns there: a sample of a value can be made up for every other rule.

    Raises:
        UnreadableError: a dataset is none.
    """
    shutil.copytree(root / "sql" / "audit", target / "audit")
    names = [_OTHER_DATASET]
    for folder in sorted(path for path in (root / "sql" / "datasets").iterdir() if path.is_dir()):
        try:
            dataset = _read(_Folder(folder, tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))))
        except folders.DatasetError as error:
            raise UnreadableError(_finding(error.findings[0])) from error
        _write(target, folder.name, dataset.document)
        names.append(folder.name)
    _write(target, _OTHER_DATASET, _other())
    return names


@dataclass(frozen=True)
class _Folder:
    """A dataset's folder, equal to another with the same files."""

    path: Path = field(compare=False)
    files: tuple[tuple[str, bytes], ...]


@lru_cache(maxsize=32)
def _read(folder: _Folder) -> folders.DatasetFolder:
    """The dataset; that of files which were read before is not read again, which takes a second."""
    return folders.read(folder.path)


def _finding(text: str) -> Finding:
    """`sql/datasets/a/contract.yaml:5: what; accepted: …` as a finding; the line may be missing."""
    match = re.fullmatch(r"(.+?):(?:(\d+):)? (.*)", text, re.DOTALL)
    file, line, wrong = (match[1], int(match[2] or 1), match[3]) if match else ("sql/datasets", 1, text)
    return Finding(file, line, wrong, "correct it; nox -s package tells more")


def _other() -> JsonObject:
    """A contract with what others may not have: a parameter of each type that has to be given, and a set rule."""
    given = {f"{kind}_parameter": {"type": kind} for kind in parameters.TYPES}
    column = {"name": "one", "logicalType": "integer", "physicalType": "INTEGER"}
    rule = {"id": "has_rows", "metric": "rowCount", "mustBeGreaterThan": 0}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": _OTHER_DATASET,
        "name": _OTHER_DATASET,
        "version": "1",
        "status": "active",
        "customProperties": _custom({"parameters": given}),
        "schema": [
            {"name": name, "customProperties": _custom({"role": role}), "properties": [column], "quality": [rule]}
            for name, role in (("other_source", "source"), ("other_table", "output"))
        ],
    }


def _custom(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"property": name, "value": value} for name, value in values.items()]


def _write(target: Path, name: str, document: JsonMapping) -> None:
    """What packaging makes of a contract without the patterns of its parameters."""
    document = {**document, "customProperties": [_patternless(item) for item in document.get("customProperties", [])]}
    dataset = folders.DatasetFolder(name, reading.parse(document), document, {}, b"")
    folder = target / "datasets" / name
    folder.mkdir(parents=True)
    for file, data in dataset.files().items():
        (folder / file).write_bytes(data)


def _patternless(item: JsonMapping) -> JsonMapping:
    if item["property"] != "parameters":
        return item
    rules = {
        name: {key: value for key, value in rule.items() if key != "pattern"} for name, rule in item["value"].items()
    }
    return {**item, "value": rules}
