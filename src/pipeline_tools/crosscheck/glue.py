"""The arguments of the Glue jobs: what the state machine and Terraform pass is what the job's own parser takes."""

from __future__ import annotations

import re

from aws_facts import glue
from pipeline_tools.crosscheck import job_samples
from pipeline_tools.crosscheck.hcl import Module, parse
from pipeline_tools.crosscheck.project import Project
from pipeline_tools.crosscheck.run import SampleCall, SampleRun
from pipeline_tools.crosscheck.sample_values import is_known

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html: never to be set. The last
# three make getResolvedOptions fail.
_RESERVED = {"--conf", "--debug", "--mode", "--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION"}
# Glue's own, from the same page and that of Python shell jobs.
_SPECIAL = {
    f"--{name}"
    for name in (
        *(
            "additional-python-modules",
            "python-modules-installer-option",
            "extra-py-files",
            "extra-files",
            "extra-jars",
        ),
        *("class", "customer-driver-env-vars", "customer-executor-env-vars", "job-bookmark-option", "job-language"),
        *("custom-logGroup-prefix", "custom-logStream-prefix", "continuous-log-logGroup", "datalake-formats"),
        *("continuous-log-logStreamPrefix", "continuous-log-conversionPattern", "enable-continuous-cloudwatch-log"),
        *("enable-continuous-log-filter", "enable-auto-scaling", "enable-glue-datacatalog", "enable-job-insights"),
        *(
            "enable-metrics",
            "enable-observability-metrics",
            "enable-rename-algorithm-v2",
            "enable-s3-parquet-optimized",
        ),
        *("enable-spark-ui", "spark-event-logs-path", "executor-cores", "scriptLocation", "TempDir", "write-shuffle"),
        *("encryption-type", "user-jars-first", "use-postgres-driver", "library-set", "enable-lakeformation"),
    )
}
_NAME = re.compile(r"--[A-Za-z_][A-Za-z0-9_]*")


def check(project: Project, run: SampleRun) -> None:
    """Report what a run of a Glue job would be started with, and what it would refuse."""
    for call in run.calls.values():
        if call.api.action == "startJobRun" and isinstance(call.arguments, dict):
            module = project.infra.named("glue_job", str(call.arguments.get("JobName")))
            if module is None:
                wrong = f"state {call.name} starts a Glue job that no module of infra/ has"
                project.say(call.machine.file, call.line("JobName"), wrong, "pass the name of one as JobName")
            else:
                _check(project, run, call, module)


def module_arguments(project: Project) -> None:
    """Report arguments that the module glue_job sets and Glue does not know."""
    for file in sorted((project.infra.folder / "modules" / "glue_job").glob("*.tf")):
        for key in parse(file).find_data("object_elem_key"):
            name = "".join(map(str, key.scan_values(lambda _: True))).strip('"')
            if name.startswith("--") and name not in _SPECIAL:
                wrong = f"{name} is not an argument that Glue itself knows"
                project.say(file, int(key.meta.line), wrong, "correct it, or pass it as a default_argument of the job")


def _check(project: Project, run: SampleRun, call: SampleCall, module: Module) -> None:
    given = call.arguments.get("Arguments")
    given = given if isinstance(given, dict) else {}
    defaults = run.defaults(module)
    attribute = module.attributes.get("default_arguments")
    places = {name: (value.file, value.line) for name, value in (attribute.items() if attribute else {}).items()}
    places = {name.strip('"'): place for name, place in places.items()}
    places |= {name: (call.machine.file, call.line("Arguments", name)) for name in given}
    python_shell = project.infra.text(module, "kind") == "pythonshell"
    for name in {**defaults, **given}:
        if python_shell and name in glue.SPARK_ARGUMENTS:
            wrong = f"{name} is heeded by Spark jobs alone, and {module.name} is a Python shell job"
            project.say(*places[name], wrong, "delete it")
            continue
        if name in _RESERVED or not (_NAME.fullmatch(name) or name in _SPECIAL):
            wrong = f"{name} is not a name that an argument of a Glue job may have"
            project.say(*places[name], wrong, "name it --<letters, digits and _>, and none of Glue's own")
    if call.refused or not is_known(given):
        if call.refused:
            wrong = (
                f"state {call.name}: {job_samples.package(project.infra, module)} refuses its arguments: {call.refused}"
            )
            todo = f"pass it in Arguments, or in default_arguments of module {module.name}"
            project.say(call.machine.file, call.line("Arguments"), wrong, todo)
        return
    own = {name: value for name, value in {**defaults, **given}.items() if name not in _SPECIAL}
    parsed = job_samples.parse(job_samples.package(project.infra, module), own)
    for name in job_samples.surplus(own, parsed):
        wrong = f"{job_samples.package(project.infra, module)} has no argument {name}"
        project.say(*places[name], wrong, "delete it, or add it to the job's arguments.py")
