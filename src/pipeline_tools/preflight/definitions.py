"""Questions to Step Functions about the definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from dataset_contract.json_types import JsonMapping
from pipeline_tools.preflight.checks import CheckAnswer, CheckedDeployment, NotAskedError
from pipeline_tools.state_tests import answers
from pipeline_tools.state_tests.state_cases import machines

_BATCH: Final = {
    "ClusterIdentifier": "none",
    "Database": "none",
    "Sqls": ["SELECT CAST(:name AS VARCHAR(1))"],
}
_BOUND: Final = {"Parameters": [{"Name": "name", "Value": "x"}]}
_LOOK: Final = {"Id": "00000000-0000-0000-0000-000000000000"}
_LONG: Final = {"WaitTimeSeconds": 20}
# What no version of the API has: a service that takes this takes anything, and so says nothing.
_UNHEARD_OF: Final = {"NoSuchArgument": "x"}


def valid(target: CheckedDeployment) -> CheckAnswer:
    """Each definition as it is rendered, each side of its conditions."""
    client = target.clients.get("stepfunctions")
    problems, count = [], 0
    for machine in machines():
        count += 1
        found = client.validate_state_machine_definition(definition=json.dumps(machine.definition), type="STANDARD")
        errors = [item for item in found["diagnostics"] if item["severity"] == "ERROR"]
        problems += [f"{machine.name}: {item['code']}: {item['message']} {item.get('location', '')}" for item in errors]
        if found["result"] != "OK" and not errors:
            problems.append(f"{machine.name}: {found['result']}")
    return CheckAnswer(f"{count} definitions", tuple(problems))


def states(target: CheckedDeployment) -> CheckAnswer:
    """Every state, branch, retry and catch, with the expectations that hold on the local endpoint."""
    client = target.clients.get("stepfunctions")
    problems, asked = [], 0
    for machine in machines():
        asked += len(machine.cases)
        problems += answers.problems(client, machine)
    return CheckAnswer(f"{asked} cases", tuple(problems))


def sql_parameters(target: CheckedDeployment) -> CheckAnswer:
    """Whether the integration of BatchExecuteStatement takes `Parameters`; a definition is asked about, none runs."""
    return _taken(target, "batchExecuteStatement", _BATCH, _BOUND, "sql_parameters", "inlined")


def polling(target: CheckedDeployment) -> CheckAnswer:
    """Whether the integration of DescribeStatement takes `WaitTimeSeconds`; a definition is asked about, none runs."""
    return _taken(target, "describeStatement", _LOOK, _LONG, "polling", "short")


def _taken(
    target: CheckedDeployment,
    api: str,
    known: Mapping[str, object],
    new: Mapping[str, object],
    setting: str,
    without: str,
) -> CheckAnswer:
    """Whether a call takes what is new in it.

    Args:
        setting: of `redshift`.
        without: its value that needs nothing new.
    """
    client = target.clients.get("stepfunctions")
    if refusal := _refused(client, api, known):
        raise NotAskedError(f"the call is refused without {', '.join(new)} too: {refusal}")
    refusal = _refused(client, api, {**known, **new})
    mode = target.settings[f"redshift.{setting}"]
    if not refusal:
        if not _refused(client, api, {**known, **_UNHEARD_OF}):
            raise NotAskedError("neither is an argument refused that the API does not have, so this tells nothing")
        return CheckAnswer(f"taken ({setting} is {mode!r})")
    if mode == without:
        return CheckAnswer(f"refused, and not needed: {setting} is {mode!r}")
    return CheckAnswer("refused", (refusal,))


def _refused(client: Any, api: str, arguments: JsonMapping) -> str:
    """Why Step Functions does not take a call of the Data API with these arguments; empty where it does."""
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:redshiftdata:{api}",
        "Arguments": arguments,
        "End": True,
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "Run", "States": {"Run": state}}
    found = client.validate_state_machine_definition(definition=json.dumps(definition), type="STANDARD")
    errors = [item["message"] for item in found["diagnostics"] if item["severity"] == "ERROR"]
    if errors or found["result"] != "OK":
        return "; ".join(errors) or str(found["result"])
    try:
        answer = client.test_state(
            definition=json.dumps({**state, "QueryLanguage": "JSONata"}),
            input="{}",
            mock={"result": '{"Id": "none"}', "fieldValidationMode": "NONE"},
        )
    except client.exceptions.InvalidDefinition as error:
        return str(error)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            return str(error)
        raise
    return "" if answer["status"] == "SUCCEEDED" else f"{answer.get('error')}: {answer.get('cause')}"
