"""A static cross-check of state machines, Terraform, job code and SQL: that each fits what the others expect of it."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from pipeline_tools.crosscheck import asl, glue, iam, job_ids, sql
from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.crosscheck.hcl import HclError
from pipeline_tools.crosscheck.project import Project, UnreadableError, stage_sql
from pipeline_tools.crosscheck.run import SampleRun


def check(root: Path) -> list[Finding]:
    """Every mistake that is found in the project in the folder `root`, sorted by file and line. Nothing is changed."""
    try:
        project = Project.read(root)
        _structure(project)
        iam.check(project)
        iam.wildcards(project)
        iam.job_roles(project)
        glue.module_arguments(project)
        sql.check_files(project)
        job_ids.check(project)
        with tempfile.TemporaryDirectory() as directory:
            staged = Path(directory) / "sql"
            for dataset in stage_sql(root, staged):
                _run(project, staged, dataset)
    except UnreadableError as error:
        return [error.finding]
    except HclError as error:
        file = error.file.relative_to(root).as_posix()
        return [Finding(file, error.line, "not HCL", "correct it; terraform fmt tells more")]
    return sorted(project.found)


def _structure(project: Project) -> None:
    for machine in project.machines:
        for definition in machine.definitions:
            asl.check(definition, partial(project.say, machine.file))


def _run(project: Project, staged: Path, dataset: str) -> None:
    run = SampleRun(project, staged, dataset)
    run.go()
    for call in run.calls.values():
        if call.refused and call.api.service == "lambda":
            wrong = f"state {call.name}: {call.refused}"
            project.say(call.machine.file, call.line("Payload"), wrong, "pass what lambda_generate_param reads")
    glue.check(project, run)
    sql.check_batches(project, run)
