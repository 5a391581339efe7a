"""What the role of each state machine and Glue job may do: all that it calls, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from aws_facts import permissions
from pipeline_tools.crosscheck import hcl
from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.crosscheck.asl import scopes
from pipeline_tools.crosscheck.hcl import Expression
from pipeline_tools.crosscheck.project import Machine, Project
from pipeline_tools.crosscheck.template import Node

# The statements of a Glue job's role, by Sid; preflight asks an account for the same actions.
_OF_A_JOB: Mapping[str, tuple[str, ...]] = {
    "ListBuckets": permissions.LIST_ACTIONS,
    "WriteObjects": permissions.UPLOAD_ACTIONS,
    "ListUploads": permissions.LIST_UPLOAD_ACTIONS,
    "WriteLogs": permissions.GLUE_LOG_ACTIONS,
}


def check(project: Project) -> None:
    """Report calls that the role's policy does not allow, and actions that no call needs."""
    for machine in project.machines:
        _check(project, machine)


def wildcards(project: Project) -> None:
    """Report a wildcard in the actions that any policy of infra/ allows."""
    for file in sorted(project.infra.folder.rglob("*.tf")):
        for statement in hcl.parse(file).find_data("object"):
            fields = Expression(statement, file).items()
            if "Effect" in fields and project.infra.expand(fields["Effect"]) == "Deny":
                continue
            # A key's policy that lets the account's IAM policies count gives nothing by itself, and AWS asks for it.
            principals = fields["Principal"].items() if "Principal" in fields else {}
            if "AWS" in principals and project.infra.expand(principals["AWS"]).endswith(":root"):
                continue
            for name in ("actions", "Action"):
                for action, line in fields[name].strings() if name in fields else ():
                    if "*" in action:
                        project.say(file, line, f"action {action} has a wildcard", "name each action that is needed")


def job_roles(project: Project) -> None:
    """Report actions that the role of a Glue job lacks, or has beyond those of aws_facts."""
    file = project.infra.folder / "modules" / "glue_job" / "iam.tf"
    missing = dict(_OF_A_JOB)
    for statement in hcl.parse(file).find_data("object"):
        fields = Expression(statement, file).items()
        sid = fields["Sid"].literal() if "Sid" in fields else None
        needed = missing.pop(sid, None) if sid else None
        if needed is None:
            continue
        allowed = {action for action, _ in fields["Action"].strings()}
        for action in sorted(set(needed) - allowed):
            wrong = f"statement {sid} lacks {action}, which a Glue job needs"
            project.say(file, fields["Action"].line, wrong, "add it, or correct src/aws_facts/permissions.py")
        for action in sorted(allowed - set(needed)):
            wrong = f"statement {sid} allows {action}, which no Glue job needs"
            project.say(file, fields["Action"].line, wrong, "delete it, or add it to src/aws_facts/permissions.py")
    for sid in missing:
        project.say(file, 1, f"there is no statement {sid}", "add it, or correct _OF_A_JOB of crosscheck/iam.py")


def _check(project: Project, machine: Machine) -> None:
    attribute = machine.module.attributes.get("policy_statements")
    statements = project.infra.statements(attribute) if attribute else []
    allowed = {action: (file, line) for statement in statements for action, file, line in statement.actions}
    used: set[str] = set()
    where = f"policy_statements of module {machine.module.name} (infra/main.tf)"
    for name, state, api in calls(machine):
        line = (state.get("Resource") or state).line
        for action in sorted(api.required_actions() - allowed.keys()):
            wrong = f"state {name} calls {api}, for which its role lacks {action}"
            project.say(machine.file, line, wrong, f"add it to {where}")
        choice = api.alternative_actions()
        if choice and not choice & allowed.keys():
            wrong = f"state {name} calls {api}, for which its role lacks one of {', '.join(sorted(choice))}"
            project.say(machine.file, line, wrong, f"add it to {where}")
        used |= api.required_actions() | choice | api.optional_actions()
    for action in sorted(allowed.keys() - used):
        # A statement may be shared; what one of the machines needs another may not.
        project.say(
            *allowed[action], f"{machine.file.name} calls nothing that needs {action}", f"delete it from {where}"
        )


def calls(machine: Machine) -> list[tuple[str, Node, Api]]:
    """The Tasks of a machine with their APIs, without those that are reported as unknown."""
    found = []
    for definition in machine.definitions:
        for scope in scopes(definition):
            for name, state in (scope.get("States") or Node(0, {})).items():
                try:
                    found.append((name, state, Api.read(state.text("Resource"))))
                except ValueError:
                    continue
    return found
