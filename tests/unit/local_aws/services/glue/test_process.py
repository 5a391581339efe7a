"""What is said of a run that failed: Glue's own words, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aws_facts import glue
from local_aws import processes, workdir
from local_aws.services.faults.fault_rules import Error, FaultPlan, Faults, Rule
from local_aws.services.glue import process as glue_process
from local_aws.services.glue.job_runs import GlueJobRuns
from local_aws.services.glue.libraries import InstallError, Libraries
from local_aws.services.glue.process import JobProcess, ProcessFactory, ProcessSettings
from pipeline_tools.environments import InterpreterNotFoundError, find_interpreter, find_pip
from pipeline_tools.packaging.package import write_wheel
from tests.unit.local_aws.services.conftest import DirectoryS3
from tests.waiting import SECONDS

SPARK_SCRIPT = Path(glue_process.__file__).with_name("spark_script.py")


class Logs:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def append(self, group: str, stream: str, lines: Any) -> None:
        self.lines += [(group, stream, line) for line in lines]


def ended(folder: Path, script: str) -> tuple[int, str | None]:
    """The exit code of a Spark run's script, and the exception that was written down."""
    (folder / "main.py").write_text(script, encoding="utf-8")
    told = folder / "exception.txt"
    line = [sys.executable, str(SPARK_SCRIPT), str(folder / "main.py"), "--name", "value"]
    done = subprocess.run(line, env={**os.environ, "GLUE_EXCEPTION_FILE": str(told)}, capture_output=True, check=False)
    return done.returncode, told.read_text(encoding="utf-8") if told.exists() else None


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("import sys\nsys.exit(3)\n", 3, "SystemExit: 3"),
        ("import sys\nsys.exit('error: no such file')\n", 1, "SystemExit: error: no such file"),
        ("import sys\nsys.exit(0)\n", 1, "SystemExit: 0"),
        ("raise SystemExit\n", 1, "SystemExit: None"),
        ("raise ValueError('5 is\\nno name')\n", 1, "ValueError: 5 is\nno name"),
        ("class Odd(Exception): ...\nraise Odd\n", 1, "Odd: "),
        ("print('error: this is only said')\n", 0, None),
        ("import sys\nassert (__name__, sys.argv[1:]) == ('__main__', ['--name', 'value'])\n", 0, None),
        ("import helper_beside\n", 0, None),
    ],
)
def test_the_exception_that_ends_a_spark_script_is_written_down(
    tmp_path: Path, script: str, code: int, said: str | None
) -> None:
    (tmp_path / "helper_beside.py").write_text("")
    assert ended(tmp_path, script) == (code, said)


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (1, None, "Command failed with exit code 1"),
        (3, None, "Command failed with exit code 3"),
        (-9, None, "Command failed with exit code 137"),
        (1, "ValueError: no such column", "ValueError: no such column"),
    ],
)
def test_a_failed_run_says_what_glue_says(tmp_path: Path, code: int, said: str | None, expected: str) -> None:
    (tmp_path / "stderr.log").write_text("error: the file is not there\n")
    if said:
        (tmp_path / "exception.txt").write_text(said)
    settings = ProcessSettings(tmp_path, Libraries(tmp_path))
    process = JobProcess([], {}, tmp_path, Logs(), ("/group", "stream"), settings, None)
    assert process.error_message(code) == expected


@pytest.mark.parametrize(
    ("spark", "version", "prefix", "expected"),
    [
        (False, "", "", "jr_1"),
        (False, "", "the-job-id", "jr_1"),
        (True, "5.1", "the-job-id", "the-job-id-driver"),
        (True, "5.0", "the-job-id", "the-job-id-driver"),
        (True, "5.1", "", "jr_1"),
        (True, "4.0", "the-job-id", "jr_1"),
    ],
)
def test_a_log_stream_is_named_as_glue_does(spark: bool, version: str, prefix: str, expected: str) -> None:
    assert glue.log_stream("jr_1", spark=spark, glue_version=version, prefix=prefix) == expected


@pytest.fixture(scope="module")
def glues_python() -> Path:
    try:
        return find_interpreter(glue.PYTHON_SHELL_PYTHON)
    except InterpreterNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("modules", "code", "said"),
    [
        (("s3://code/greeting-1.0-py3-none-any.whl",), 0, "(3, 9) greeting"),
        ((), 1, "ModuleNotFoundError: No module named 'greeting'"),
    ],
)
def test_a_run_imports_what_its_arguments_name_and_nothing_else(
    tmp_path: Path, glues_python: Path, modules: tuple[str, ...], code: int, said: str
) -> None:
    s3, logs = DirectoryS3(tmp_path / "s3"), Logs()
    wheel = write_wheel(tmp_path, "greeting", "1.0", {"greeting.py": b""})
    s3.put_object(Bucket="code", Key=wheel.name, Body=wheel.read_bytes())
    script = b"import sys, greeting\nprint(sys.version_info[:2], greeting.__name__)\n"
    s3.put_object(Bucket="code", Key="main.py", Body=script)
    processes = factory(tmp_path, s3, logs, python=glues_python)
    job = {"Name": "job", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://code/main.py"}}
    for number in range(2):  # the second finds the wheel where the first left it
        arguments = {"--library-set": "none", "--additional-python-modules": ",".join(modules)}
        process = processes.create(job, f"jr_{number}", arguments)
        process.start()
        assert process.wait(timeout_seconds=SECONDS) == code
        assert logs.lines[-1][2] == said


def test_a_module_that_no_wheel_brings_is_pips_error(tmp_path: Path) -> None:
    s3, logs = DirectoryS3(tmp_path / "s3"), Logs()
    s3.put_object(Bucket="code", Key="main.py", Body=b"")
    job = {"Name": "job", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://code/main.py"}}
    with pytest.raises(InstallError, match=r"No matching distribution found for duckdb==1\.4\.5"):
        factory(tmp_path, s3, logs).create(job, "jr_1", {"--additional-python-modules": "duckdb==1.4.5"})
    assert logs.lines[-1][:2] == ("/aws-glue/python-jobs/error", "jr_1")


def factory(folder: Path, s3: DirectoryS3, logs: Logs, python: Path | None = None) -> ProcessFactory:
    return ProcessFactory(
        ProcessSettings(folder / "work", Libraries(folder / "libraries", find_pip(), python)),
        s3_client=lambda _job: s3,  # type: ignore[arg-type,return-value]
        environment=lambda _job: {},
        logs=lambda _job: logs,
    )


def test_a_library_that_cannot_be_installed_fails_the_run_and_says_why_in_its_log(tmp_path: Path) -> None:
    s3, logs = DirectoryS3(tmp_path / "s3"), Logs()
    for key in ("main.py", "job.zip"):
        s3.put_object(Bucket="code", Key=key, Body=b"")
    processes = factory(tmp_path, s3, logs)
    job = {"Name": "job", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://code/main.py"}}
    with pytest.raises(InstallError):
        processes.create(job, "jr_1", {"--extra-py-files": "s3://code/job.zip"})
    ((group, stream, line),) = logs.lines
    assert (group, stream) == ("/aws-glue/python-jobs/error", "jr_1")
    assert "job.zip cannot be installed" in line


@pytest.mark.parametrize(("megabytes", "optimises"), [(0, False), (32, False), (33, True)])
def test_only_a_run_over_many_bytes_has_a_jvm_that_optimises(tmp_path: Path, megabytes: int, optimises: bool) -> None:
    s3 = DirectoryS3(tmp_path / "s3")
    s3.put_object(Bucket="code", Key="main.py", Body=b"")
    s3.put_object(Bucket="lake", Key="staged/part.parquet", Body=bytes(megabytes * 1024**2))
    s3.put_object(Bucket="lake", Key="other/part.parquet", Body=bytes(40 * 1024**2))
    job = {"Name": "job", "Command": {"Name": "glueetl", "ScriptLocation": "s3://code/main.py"}}
    process = factory(tmp_path, s3, Logs()).create(job, "jr_1", {"--staged_uri": "s3://lake/staged/"})
    (options,) = [each for each in process.line if each.startswith("spark.driver.extraJavaOptions=")]
    assert ("-XX:TieredStopAtLevel=1" in options, "-XX:Tier4" in options) == (not optimises, optimises)


@pytest.mark.parametrize(("script", "state"), [("print('done')", "SUCCEEDED"), ("raise SystemExit(1)", "FAILED")])
def test_the_last_state_of_a_run_is_noted_on_disk(tmp_path: Path, script: str, state: str) -> None:
    run = ended_run(tmp_path, script)
    assert run["JobRunState"] == state
    assert state_on_disk(tmp_path, run) == state


def test_a_run_that_the_endpoint_cannot_follow_ends_with_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_pid: int) -> int:
        raise OSError("cannot look")

    monkeypatch.setattr(glue_process, "_most_resident_bytes", broken)
    run = ended_run(tmp_path, "import signal; signal.pause()")
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "ERROR",
        "the local endpoint could not run the job: OSError('cannot look')",
    )
    assert not processes.with_variable("TMPDIR", str(run_directory(tmp_path, run) / "tmp"))
    assert state_on_disk(tmp_path, run) == "ERROR"


def ended_run(
    folder: Path, script: str, faults: Faults | None = None, stop: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    s3 = DirectoryS3(folder / "s3")
    s3.put_object(Bucket="code", Key="main.py", Body=script.encode())
    job = {"Name": "job", "Command": {"Name": "pythonshell", "ScriptLocation": "s3://code/main.py"}}
    runs = GlueJobRuns(find_job={"job": job}.get, processes=factory(folder, s3, Logs()), faults=faults)
    identifier = runs.handle("StartJobRun", {"JobName": "job", "Arguments": {"--a": "b"}})["JobRunId"]
    return runs.wait("job", identifier, give_up=stop)


def run_directory(folder: Path, run: dict[str, Any]) -> Path:
    return folder / "work" / "glue" / "job" / str(run["Id"])


def state_on_disk(folder: Path, run: dict[str, Any]) -> str:
    return (run_directory(folder, run) / workdir.ENDED).read_text()


def run_with(folder: Path, faults: Faults, script: str) -> dict[str, Any]:
    return ended_run(folder, f"open({str(folder / 'ran')!r}, 'w').close()\n{script}", faults)


@pytest.mark.parametrize("state", [state for state, over in glue.JOB_RUN_STATES.items() if over])
def test_a_fault_ends_a_run_that_never_starts(tmp_path: Path, state: str) -> None:
    rule = Rule("r", "job_run", match={"job": "j?b"}, state=state, error=Error(message="as told"))
    run = run_with(tmp_path, Faults(FaultPlan((rule,))), "")
    assert (run["JobRunState"], run["ErrorMessage"]) == (state, "as told")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("state", ["TIMEOUT", "ERROR"])
def test_a_fault_gives_a_run_that_did_its_work_another_end(tmp_path: Path, state: str) -> None:
    run = run_with(tmp_path, Faults(FaultPlan((Rule("r", "job_run", "after", state=state),))), "")
    assert run["JobRunState"] == state
    assert (tmp_path / "ran").exists()


def test_a_run_is_killed_as_by_a_machine_without_memory(tmp_path: Path) -> None:
    faults = Faults(FaultPlan((Rule("r", "job_run", kill="run", delay=0.2, match={"arguments.--a": "b"}),)))
    run = run_with(tmp_path, faults, "import signal; signal.signal(15, signal.SIG_IGN)\nwhile True: signal.pause()")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", glue.exit_message(137))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_is_late(tmp_path: Path, when: Any) -> None:
    faults = Faults(FaultPlan((Rule("r", "job_run", when, delay=0.5),)))
    began = time.monotonic()
    assert run_with(tmp_path, faults, "")["JobRunState"] == "SUCCEEDED"
    assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_late_can_be_stopped(tmp_path: Path, when: Any) -> None:
    faults = Faults(FaultPlan((Rule("r", "job_run", when, delay=60.0),)))
    run = ended_run(tmp_path, "", faults, stop=lambda: faults.met()["r"] == 1)
    assert run["JobRunState"] == "STOPPED"


def test_a_run_has_the_mark_by_which_it_ends_with_its_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.OWNER, "/the/endpoint")
    run = ended_run(tmp_path, f"import os; print(os.environ[{processes.OWNER!r}])")
    assert (run_directory(tmp_path, run) / "stdout.log").read_text() == "/the/endpoint\n"


@pytest.mark.parametrize("kind", ["pythonshell", "glueetl"])
def test_the_bytecode_of_what_a_run_imports_is_kept_with_the_libraries(tmp_path: Path, kind: str) -> None:
    s3 = DirectoryS3(tmp_path / "s3")
    s3.put_object(Bucket="code", Key="main.py", Body=b"")
    job = {"Name": "job", "Command": {"Name": kind, "ScriptLocation": "s3://code/main.py"}}
    environment = factory(tmp_path, s3, Logs()).create(job, "jr_1", {})._environment
    assert environment["PYTHONPYCACHEPREFIX"] == str(tmp_path / "libraries" / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_spark_is_found_without_being_imported() -> None:
    """To import it takes a second, of the first run of every endpoint."""
    program = (
        "import sys; from local_aws.services.glue import process, spark_classes; "
        "print(spark_classes.spark_home(), 'pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    home, imported = done.stdout.split()
    assert (Path(home, "bin", "spark-submit").is_file(), imported) == (True, "False")
