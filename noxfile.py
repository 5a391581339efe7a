"""Sessions of the project. `./noxw` runs the default ones; `./noxw -s NAME -- ARGUMENTS` runs one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

# Before anything is installed, this is how the module that installs is found.
sys.path.insert(0, str(Path(__file__).parent / "src"))

from pipeline_tools import at_once, environments, owner

nox.needs_version = ">=2025.5"
nox.options.sessions = ["package", "lint", "test"]
nox.options.default_venv_backend = "none"  # the sessions share environments, see pipeline_tools.environments


@nox.session
def package(session: nox.Session) -> None:
    """Zip the Lambda and the jobs, and compile the contracts, into build/package (byte-identical for equal sources)."""
    _python(session, "-m", "pipeline_tools.packaging.package")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and Terraform format, and that all parts and pages of the project fit each other."""
    _python(session, "-m", "ruff", "check", ".")
    _python(session, "-m", "ruff", "format", "--check", ".")
    _python(session, "-m", "mypy", "src", "tests")
    contracts = environments.DEV.ensure().with_name("lint-imports")
    session.run(str(contracts), "--no-cache", "--no-logo", env=_variables(), external=True)
    session.run("terraform", "fmt", "-check", "-diff", "-recursive", "infra")
    _python(session, "-m", "pipeline_tools.crosscheck")
    _python(session, "-m", "pipeline_tools.pages")
    _python(session, "-m", "pipeline_tools.pages.terraform_docs", "--check")


@nox.session
def test(session: nox.Session) -> None:
    """Run the unit tests and the integration tests of both engines at the same time."""
    _prepare(session)
    _at_once(session, *_unit_tests(session), *_integration_tests(session))


@nox.session
def unit(session: nox.Session) -> None:
    """Run the unit tests, the Python shell job's once more on Glue's interpreter, and the LocalStack extension's."""
    if any(argument.startswith("tests") for argument in session.posargs):
        _python(session, "-m", "pytest", *session.posargs)
        return
    _python(session, "-m", "local_aws.services.glue.spark_classes")
    _at_once(session, *_unit_tests(session))


@nox.session
def integration(session: nox.Session) -> None:
    """Run the pipeline end to end on both engines (or LOCAL_AWS_ENGINE), or on AWS_ENDPOINT_URL or LOCALSTACK_HOST."""
    _prepare(session)
    _at_once(session, *_integration_tests(session))


@nox.session
def conformance(session: nox.Session) -> None:
    """Ask emulators what they can do, and compare with docs/emulators.md (`-- ministack`, `-- --write`)."""
    _python(session, "-m", "pipeline_tools.comparisons.conformance", *session.posargs)


@nox.session
def states(session: nox.Session) -> None:
    """Test each state of the state machines by itself (`-- --write` takes the answers as what is expected)."""
    _python(session, "-m", "pipeline_tools.state_tests", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Break every state in every way that AWS documents, and check what is left (`-- --list`, `-- NAME` for some)."""
    _prepare(session)
    _python(session, "-m", "pipeline_tools.chaos", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure each part beside the least that does the same work (`-- PART`, `-- --against FILE --ratio R`)."""
    _prepare(session)
    _python(session, "-m", "pipeline_tools.bench", *session.posargs)


@nox.session
def judge(session: nox.Session) -> None:
    """Compare the verdicts of our jobs with datacontract-cli's on pairs of contract and data (`-- NAME` for some)."""
    _python(session, "-m", "pipeline_tools.comparisons.judge", *session.posargs)


@nox.session
def infra(session: nox.Session) -> None:
    """Validate and test the Terraform modules (`-- NAME` for some), and scan them (checkov); check the SBOM."""
    session.run("terraform", "fmt", "-check", "-diff", "-recursive", "infra")
    _python(session, "-m", "pipeline_tools.packaging.package")
    _python(session, "-m", "pipeline_tools.deployment.infra", *session.posargs)
    checkov = str(environments.INFRA.ensure())
    scan = ("-m", "checkov.main", "-d", "infra", "--framework", "terraform", "--quiet", "--compact", "--skip-download")
    session.run(checkov, *scan, external=True)
    session.run(checkov, "-m", "pipeline_tools.packaging.sbom_schema", env=environments.variables(), external=True)


@nox.session
def plan(session: nox.Session) -> None:
    """Review what `terraform apply` would change: `-- dev`, `-- prod` or `-- local` (CI: `--detailed-exitcode`)."""
    _python(session, "-m", "pipeline_tools.packaging.package")
    try:
        _python(session, "-m", "pipeline_tools.plan_review", *session.posargs)
    except CommandFailed as failed:
        if failed.return_code == 2:  # changes: nox itself would make 1 of it, which is an error's
            sys.exit(2)
        raise


@nox.session
def new(session: nox.Session) -> None:
    """Draft a dataset from a sample of its source (CSV, JSON, Parquet): `-- NAME SAMPLE`."""
    _python(session, "-m", "pipeline_tools.datasets.new_dataset", *session.posargs)


@nox.session
def deploy(session: nox.Session) -> None:
    """Bring what runs to what the checkout says: `-- local` at once, `-- dev` and others by their saved plan."""
    _python(session, "-m", "pipeline_tools.packaging.package")
    _python(session, "-m", "pipeline_tools.deployment.deploy", *session.posargs)


@nox.session
def preflight(session: nox.Session) -> None:
    """Ask an account what only it can tell, and change nothing: `-- dev`, `-- prod` or `-- local`."""
    _python(session, "-m", "pipeline_tools.preflight", *session.posargs)


@nox.session
def schema(session: nox.Session) -> None:
    """Create or update the SQL schema of a deployment: `-- dev`, `-- prod` or `-- local`."""
    _python(session, "-m", "pipeline_tools.deployment.schema", *session.posargs)


@nox.session
def local(session: nox.Session) -> None:
    """Serve the pipeline on 127.0.0.1:4566 (`-- --port N`) until interrupted."""
    _prepare(session)
    _python(session, "-m", "pipeline_tools.deployment.local", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the pipeline on 336,776 real flights and follow the job ID through every hop."""
    _prepare(session)
    _python(session, "-m", "pipeline_tools.demo", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Build the files of a release into build/release: wheel, package, bill of materials, docs (`-- v0.1.0`)."""
    _python(session, "-m", "pipeline_tools.packaging.package")
    _python(session, "-m", "pipeline_tools.packaging.release", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve requirements/*.lock anew from pyproject.toml."""
    groups = {
        "nox": "3.11",
        "build": "3.11",
        "dev": "3.11",
        "infra": "3.11",
        "glue-python-shell": "3.9",
        "glue-python-job": "3.9",
        "localstack": "3.13",
        "moto": "3.11",
        "judge": "3.11",
        "bench": "3.11",
    }
    # Of Glue's Linux alone, and with the versions that the tests have.
    glue = ("--python-platform", "x86_64-manylinux_2_28", "--only-binary", ":all:")
    glue += ("--constraint", "requirements/glue-python-shell.lock")
    for group, version in groups.items():
        session.run(
            *("uv", "pip", "compile", "--quiet"),
            # The project's own dependencies are needed where its tools and tests run.
            *(("pyproject.toml", "--group", group) if group == "dev" else ("--group", f"pyproject.toml:{group}")),
            *(glue if group == "glue-python-job" else ("--universal",)),
            *("--python-version", version, "--generate-hashes", "--no-emit-index-url", *session.posargs),
            *("--custom-compile-command", "./noxw -s lock", "-o", f"requirements/{group}.lock"),
            external=True,
        )


# A file's tests stay together: they share a Spark session or a database.
IN_PARALLEL = ("-n", "logical", "--dist", "loadfile")
# An endpoint waits more than it works, so the files of an engine are shared by two.
TWO_ENDPOINTS = ("-n", "2", "--dist", "loadfile")
# The integration tests wait a lot and take longest, so the unit tests give way to them.
UNIT_NICENESS = 5


def _prepare(session: nox.Session) -> None:
    _python(session, "-m", "pipeline_tools.packaging.package")
    _python(session, "-m", "local_aws.services.glue.spark_classes")


def _unit_tests(session: nox.Session) -> list[at_once.NamedCommand]:
    def command(name: str, python: str, *arguments: str) -> at_once.NamedCommand:
        return at_once.NamedCommand(name, (python, "-m", "pytest", *arguments), _variables(), UNIT_NICENESS)

    found = [command("unit", str(environments.DEV.ensure()), "tests/unit", *IN_PARALLEL, *session.posargs)]
    # An environment that another one's bytecode and cache do not fit.
    alone = ("-p", "no:cacheprovider")
    if python := _interpreter(session, environments.GLUE_PYTHON_SHELL, "the code of Glue Python shell on its Python"):
        tests = ("tests/unit/glue_python_job", "tests/unit/dataset_contract")
        found.append(command("unit on Python 3.9", python, *tests, *IN_PARALLEL, *alone))
    if python := _interpreter(session, environments.LOCALSTACK, "the LocalStack extension"):
        found.append(command("LocalStack extension", python, "tests/localstack", *alone))
    return found


def _integration_tests(session: nox.Session) -> list[at_once.NamedCommand]:
    def command(engine: str) -> at_once.NamedCommand:
        shared = TWO_ENDPOINTS if engine else ()  # a given endpoint is one
        line = (str(environments.DEV.ensure()), "-m", "pytest", "tests/integration", *shared, *session.posargs)
        return at_once.NamedCommand(engine or "given endpoint", line, _variables(LOCAL_AWS_ENGINE=engine))

    return [command(engine) for engine in _engines(session)]


def _at_once(session: nox.Session, *commands: at_once.NamedCommand) -> None:
    """Run them; all results are wanted, so failures are told at the end."""
    results = at_once.run(commands)
    for result in results:
        session.log(f"{result.name}: {'passed' if result.code == 0 else 'FAILED'} in {result.seconds:.0f} s")
    if failed := [result.name for result in results if result.code]:
        session.error(f"tests failed: {', '.join(failed)}")


def _variables(**more: str) -> dict[str, str]:
    # The project is installed in `dev` alone, and a worktree may borrow the environments of another one.
    return {**environments.variables(), **more, owner.NOX: str(os.getpid())}


def _python(session: nox.Session, *arguments: str, **variables: str) -> None:
    # Gives interrupted commands time to stop their children.
    waits = {"interrupt_timeout": 60.0, "terminate_timeout": 60.0}
    session.run(str(environments.DEV.ensure()), *arguments, env=_variables(**variables), external=True, **waits)


def _interpreter(session: nox.Session, environment: environments.Environment, what: str) -> str | None:
    """The interpreter of an environment. Without it, say what is not tested; in CI, fail."""
    try:
        return str(environment.ensure())
    except environments.InterpreterNotFoundError as error:
        message = f"{what} was NOT tested: {error}"
        if os.environ.get("CI"):
            session.error(message)
        session.warn(message)
        return None


def _engines(session: nox.Session) -> list[str]:
    if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("LOCALSTACK_HOST"):
        return [""]
    if chosen := os.environ.get("LOCAL_AWS_ENGINE"):
        return [chosen]
    found = _interpreter(session, environments.LOCALSTACK, "the pipeline on LocalStack")
    return ["ministack", "localstack"] if found else ["ministack"]


def _interrupt(_number: int, _frame: object) -> None:
    # A terminal interrupts the children too; a SIGTERM reaches this process alone, and nox does not pass it on.
    subprocess.run(["pkill", "-INT", "-P", str(os.getpid())], check=False)
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, _interrupt)
