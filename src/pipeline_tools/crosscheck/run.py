"""A sample run of all state machines for one dataset: what every Task is called with, and what our own code answers.

The Lambda's answer is made by the Lambda's code, a manifest by the job's, so no shape is written down here.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from pathlib import Path
from typing import Any

from dataset_contract.json_types import JsonObject
from lambda_generate_param import datasets, handler, job_id
from lambda_generate_param.datasets import Dataset
from pipeline_tools.crosscheck import job_samples
from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.crosscheck.flow import Flow, Report, context
from pipeline_tools.crosscheck.hcl import Module
from pipeline_tools.crosscheck.project import Machine, Project
from pipeline_tools.crosscheck.sample_values import UNKNOWN, filled, is_known, merge
from pipeline_tools.crosscheck.template import Node


@dataclass(frozen=True)
class SampleCall:
    """A Task with a sample of its Arguments; `refused` is what our own code said to them."""

    machine: Machine
    name: str
    state: Node
    api: Api
    arguments: Any
    refused: str = ""

    def line(self, *keys: str) -> int:
        """The line of the value below Arguments, as deep as it is written out."""
        node = self.state
        for key in ("Arguments", *keys):
            node = node.get(key) or node
        return node.line


@dataclass
class SampleRun:
    """One run. `sql`: the staged folder sql/."""

    project: Project
    sql: Path
    dataset: str
    settings: handler.Settings | None = None  # of the Lambda
    calls: dict[tuple[str, str], SampleCall] = field(default_factory=dict)
    _manifests: dict[str, str] = field(default_factory=dict)
    _made: dict[str, str] = field(default_factory=dict)  # the same, by the arguments of the jobs
    _outputs: dict[Machine, Any] = field(default_factory=dict)
    _inputs: dict[Machine, JsonObject] = field(default_factory=dict)

    def go(self) -> None:
        """Run every machine; what is wrong with an expression is reported to the project.

        A caller wants its child's output and a child its callers' input, so the children run twice, first quietly.
        """
        if not self._read_settings():
            return
        entries = {machine: self._start(machine) for machine in self.project.machines}
        children = [machine for machine, given in entries.items() if given is UNKNOWN]
        for machine in children:
            self._run(machine, UNKNOWN, lambda *_: None)
        for machine, given in entries.items():
            if given is not UNKNOWN:
                self._run(machine, given, partial(self.project.say, machine.file))
        for machine in children:
            inputs = self._inputs.get(machine, {"": UNKNOWN})
            self._run(machine, _any_form(list(inputs.values())), partial(self.project.say, machine.file))

    def _run(self, machine: Machine, given: object, report: Report) -> None:
        def answer(name: str, state: Node, api: Api, arguments: object) -> Any:
            return self._answer(SampleCall(machine, name, state, api, arguments))

        for definition in machine.definitions:
            flow = Flow(context(self._execution(machine.module), given), answer)
            flow.run(definition, given, report)
            self._outputs[machine] = _any_form(flow.outputs) if flow.outputs else UNKNOWN

    def _execution(self, module: Module) -> str:
        return f"arn:aws:states:us-east-1:123456789012:execution:{self.project.infra.text(module, 'name')}:sample"

    def _start(self, machine: Machine) -> Any:
        """The input of a machine that no other starts: of the recorder an event, of the pipeline what a user gives."""
        for module in self.project.infra.of("failure_notification"):
            ends = {
                role: self.project.machine(self.project.infra.text(module, f"{role}_state_machine_arn"))
                for role in ("recorder", "watched")
            }
            if machine is ends["recorder"] and ends["watched"]:
                return self._event(ends["watched"].module)
            if machine is ends["watched"]:
                # An execution continues a job, or begins one: the states see either.
                return {**self._input(), job_id.FIELD: job_id.make(self._execution(machine.module), 0)}
        return UNKNOWN

    def _input(self) -> JsonObject:
        bucket = self.settings.raw_bucket if self.settings else ""
        given = {
            name: job_samples.value(parameter)
            for name, parameter in self._dataset.contract.parameters.items()
            if parameter.default is None
        }
        return {"dataset": self.dataset, "source_uri": f"s3://{bucket}/sample/", "parameters": given}

    @cached_property
    def _dataset(self) -> Dataset:
        return datasets.load(self.sql, self.dataset)

    def _event(self, watched: Module) -> JsonObject:
        """A sample of the event that a failed execution sends.

        https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        unknown = ("version", "id", "detail-type", "source", "account", "time", "region", "resources")
        detail: JsonObject = dict.fromkeys(
            ("stateMachineArn", "name", "input", "inputDetails", "output", "outputDetails", "stateMachineVersionArn",
             "stateMachineAliasArn", "redriveDate", "redriveStatus", "redriveStatusReason"), "sample")  # fmt: skip
        detail |= {"executionArn": self._execution(watched), "status": "FAILED", "startDate": 0, "stopDate": 1}
        detail |= {"error": "Sample", "cause": "sample", "redriveCount": 0}
        return {**dict.fromkeys(unknown, UNKNOWN), "detail": detail}

    def _read_settings(self) -> bool:
        """Take the Lambda's settings from Terraform, or report what is missing there."""
        infra = self.project.infra
        wanted = f"{handler.__name__}.{handler.handler.__name__}"
        for module in infra.of("lambda_function"):
            if infra.text(module, "handler") != wanted or "environment" not in module.attributes:
                continue
            environment = module.attributes["environment"]
            try:
                values = {name: infra.expand(value) for name, value in infra.entries(environment).items()}
                self.settings = handler.Settings.read(values)
            except KeyError as error:
                wrong = f"environment of module {module.name} has no {error.args[0]}, which lambda_generate_param reads"
                self.project.say(module.file, environment.line, wrong, "add it")
            return self.settings is not None
        file = infra.folder / "main.tf"
        self.project.say(file, 1, f"no module of lambda_function has handler {wanted} and environment", "add it")
        return False

    def _answer(self, call: SampleCall) -> Any:
        self.calls[call.machine.module.name, call.name] = call
        result = call.api.answer()
        arguments = call.arguments if isinstance(call.arguments, dict) else {}
        try:
            if call.api.service == "lambda":
                result["Payload"] = self._invoke(arguments.get("Payload", UNKNOWN))
            elif call.api.service == "glue":
                self._start_job(arguments)
            elif str(call.api) == "aws-sdk:s3:getObject":
                uri = f"s3://{arguments.get('Bucket')}/{arguments.get('Key')}"
                result["Body"] = self._manifests.get(uri, UNKNOWN)
            elif call.api.service == "states":
                result["Output"] = self._start_child(call, arguments)
        except ValueError as error:
            self.calls[call.machine.module.name, call.name] = replace(call, refused=str(error))
        return result

    def _invoke(self, payload: object) -> Any:
        if not isinstance(payload, dict) or self.settings is None:
            return UNKNOWN
        if isinstance(given := payload.get("input"), dict) and job_id.is_continued(given):
            # One of the two forms: that of an execution which begins a job.
            begins = {name: each for name, each in given.items() if name != job_id.FIELD}
            payload = {**payload, "input": begins, "earlier": [], "owner_status": ""}
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                return handler.answer(filled(payload), settings=self.settings, sql=self.sql)
            except Exception as error:  # a stand-in for what is unknown may break any line of the Lambda
                if not is_known(payload):
                    return UNKNOWN  # it may have refused the stand-in
                raise ValueError(f"the Lambda refuses the payload: {type(error).__name__}: {error}") from error

    def _start_child(self, call: SampleCall, arguments: JsonObject) -> Any:
        child = self.project.machine(str(arguments.get("StateMachineArn")))
        if child is None:
            return UNKNOWN
        caller = f"{call.machine.module.name}/{call.name}"
        self._inputs.setdefault(child, {})[caller] = arguments.get("Input", UNKNOWN)
        return self._outputs.get(child, UNKNOWN)

    def _start_job(self, arguments: JsonObject) -> None:
        module = self.project.infra.named("glue_job", str(arguments.get("JobName")))
        given = arguments.get("Arguments")
        if module is None or not isinstance(given, dict) or not is_known(given):
            return
        parsed = job_samples.parse(job_samples.package(self.project.infra, module), {**self.defaults(module), **given})
        # Made once: the flow comes here several times, and a manifest has the time at which it is made.
        made_of = repr(parsed)
        if made_of not in self._made:
            self._made[made_of] = job_samples.manifest(parsed, self._dataset)
        self._manifests[parsed.manifest_uri] = self._made[made_of]

    def defaults(self, module: Module) -> dict[str, str]:
        """default_arguments that a module block gives to its Glue job."""
        attribute = module.attributes.get("default_arguments")
        entries = self.project.infra.entries(attribute) if attribute else {}
        return {name.strip('"'): self.project.infra.expand(value) for name, value in entries.items()}


def _any_form(values: list[Any]) -> Any:
    """A machine's input or output, which may be of several forms: each member as it is in the forms that have it."""
    if not all(isinstance(each, dict) for each in values):
        return reduce(merge, values)
    names = dict.fromkeys(name for each in values for name in each)
    return {name: reduce(merge, [each[name] for each in values if name in each]) for name in names}
