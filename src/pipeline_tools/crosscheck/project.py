"""What the checks read: the Terraform of the root module, the state machines, and sql/ as the Lambda gets it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipeline_tools.crosscheck import template
from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.crosscheck.hcl import Expression, Infra, Module
from pipeline_tools.crosscheck.template import Node, TemplateError

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
                    self.say(file, line, f"the key {key} is there twice", "delete one of them")
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
    """Write sql/ to `target` as the Lambda reads it, not checked, and return the datasets, one of which is made up.

    Raises:
        UnreadableError: a contract is not YAML.
    """
    shutil.copytree(root / "sql" / "audit", target / "audit")
    names = [_OTHER_DATASET]
    for folder in sorted(path for path in (root / "sql" / "datasets").iterdir() if path.is_dir()):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        file = folder / "contract.yaml"
        try:
            contract = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            name = file.relative_to(root).as_posix()
            raise UnreadableError(Finding(name, line, f"not YAML: {error.problem}", "correct it")) from error
        _write(
            target, folder.name, contract, *((folder / name).read_text("utf-8") for name in ("table.sql", "load.sql"))
        )
        names.append(folder.name)
    properties = {"parameters": {"other_parameter": {"type": "integer", "default": 1}}}
    schema = [{"name": "other_table", "customProperties": _custom({"role": "output"})}]
    contract = {"version": "1", "customProperties": _custom(properties), "schema": schema}
    _write(target, _OTHER_DATASET, contract, "SELECT 1", "SELECT 1")
    return names


def _custom(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"property": name, "value": value} for name, value in values.items()]


def _write(target: Path, name: str, contract: object, table: str, load: str) -> None:
    folder = target / "datasets" / name
    folder.mkdir(parents=True)
    (folder / "contract.json").write_text(json.dumps(contract, default=str), encoding="utf-8")
    (folder / "table.sql").write_text(table, encoding="utf-8")
    (folder / "load.sql").write_text(load, encoding="utf-8")
