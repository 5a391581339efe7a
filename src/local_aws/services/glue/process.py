"""The process of one Glue job run: what it is given, where its output goes, how it is ended."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aws_facts import glue
from local_aws import processes, workdir
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping
from local_aws.services.glue import spark_classes
from local_aws.services.glue.libraries import InstallError, Libraries
from local_aws.services.glue.s3_mirror import Mirror, S3Place, download, uris_in
from local_aws.services.glue.spark_classes import QUICK_JVM

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)
EXCEPTION_FILE = "exception.txt"
_SECONDS_BETWEEN_LOOKS = 0.1
_LOOKS_BETWEEN_LINES = 10
_MOST_LINES_AT_ONCE = 1_000
_LAST_ATTEMPTS = 5
_LEAST_FREE_BYTES = 64 * 1024
_SECONDS_BETWEEN_ATTEMPTS = 0.2
_SPARK_SCRIPT = Path(__file__).with_name("spark_script.py")


class LogSink(Protocol):
    """Takes what a run wrote: CloudWatch Logs, in the adapter."""

    def append(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines to a log stream."""


@dataclass(frozen=True)
class ProcessSettings:
    """What every process is given.

    Attributes:
        workdir: the runs' files go below it; they stay until the endpoint's directory is removed.
        python: the interpreter of both kinds of job.
        libraries: of Python shell runs.
        java_home: of a Java that Spark runs on.
        spark_home: of the Spark of `python`; None where `python` is this interpreter.
        driver_memory: of Spark in local mode, as Spark writes sizes.
    """

    workdir: Path
    libraries: Libraries
    python: Path = Path(sys.executable)
    java_home: Path | None = None
    spark_home: Path | None = None
    driver_memory: str = "2g"
    seconds_to_end: float = 5.0


class ProcessFactory:
    """Makes the process of a run: fetches script and packages, builds argv as Glue does.

    `s3_client`, `environment` and `logs` are asked with the job, for what acts as its role.
    """

    def __init__(
        self,
        settings: ProcessSettings,
        *,
        s3_client: Callable[[JsonMapping], S3Client],
        environment: Callable[[JsonMapping], Mapping[str, str]],
        logs: Callable[[JsonMapping], LogSink],
    ) -> None:
        self._settings = settings
        self._s3_client = s3_client
        self._environment = environment
        self._logs = logs
        self._downloads = threading.Lock()

    def create(self, job: JsonMapping, run_id: str, arguments: Mapping[str, str]) -> JobProcess:
        """Prepare a run below the work directory, without starting it.

        Raises:
            AwsError: the script or a package is not in S3, or the command is of a kind that is not run here.
            InstallError: a package cannot be installed; the run's log says it.
        """
        command = job.get("Command") or {}
        kind, location = command.get("Name"), command.get("ScriptLocation") or ""
        if kind not in ("pythonshell", "glueetl"):
            raise AwsError("InvalidInputException", f"command {kind!r} is not run here; accepted: pythonshell, glueetl")
        directory = self._settings.workdir / "glue" / str(job["Name"]) / run_id
        (directory / "tmp").mkdir(parents=True)
        s3 = self._s3_client(job)
        script = fetch(s3, location, directory / "script")
        packages = [fetch(s3, uri, directory / "packages") for uri in _listed(arguments, "--extra-py-files")]
        argv = [str(script), *script_arguments(str(job["Name"]), run_id, arguments)]
        environment = self._base_environment(directory) | dict(self._environment(job))
        spark, logs = kind == "glueetl", self._logs(job)
        group = glue.SPARK_LOGS if spark else glue.PYTHON_SHELL_LOGS
        version, prefix = str(job.get("GlueVersion") or ""), arguments.get("--custom-logStream-prefix", "")
        stream = glue.log_stream(run_id, spark=spark, glue_version=version, prefix=prefix)
        mirror = memory = None
        if not spark:
            memory = int(float(job.get("MaxCapacity") or min(glue.PYTHON_SHELL_CAPACITIES)) * glue.DPU_BYTES)
            try:
                python, path = self._python_shell(s3, packages, arguments)
            except InstallError as error:
                _append(logs, f"{group}/error", stream, error.lines)
                raise
            environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
            line = [str(python), *argv]
        else:
            mirror = Mirror(s3, directory / "s3")
            mirror.fetch(uris_in(arguments.values()))
            mirror.configure(directory / "hadoop")
            environment["HADOOP_CONF_DIR"] = str(directory / "hadoop")
            environment["GLUE_EXCEPTION_FILE"] = str(directory / EXCEPTION_FILE)
            line = [*self._spark_submit(packages, arguments, environment, mirror.bytes), str(_SPARK_SCRIPT), *argv]
        return JobProcess(line, environment, directory, logs, (group, stream), self._settings, mirror, memory)

    def _python_shell(
        self, s3: S3Client, packages: Sequence[Path], arguments: Mapping[str, str]
    ) -> tuple[Path, list[Path]]:
        """The interpreter of a Python shell run, and the directories that it imports from."""
        libraries = self._settings.libraries
        path = [libraries.install(packages)] if packages else []
        modules = _listed(arguments, "--additional-python-modules")
        added = []
        if modules:
            files = [self._download(s3, module) for module in modules if module.startswith("s3://")]
            added = [libraries.install(files, [module for module in modules if not module.startswith("s3://")])]
        python = libraries.interpreter()
        if python is None:
            return self._settings.python, path
        if arguments.get("--library-set", glue.ANALYTICS) != glue.NO_LIBRARIES:
            added.append(libraries.analytics())
        return python, path + added

    def _download(self, s3: S3Client, uri: str) -> Path:
        """A wheel that many runs name: fetched again only where S3 has another one."""
        place = _place(uri)
        directory = self._settings.workdir / "glue" / "wheels" / hashlib.sha256(uri.encode()).hexdigest()[:32]
        directory.mkdir(parents=True, exist_ok=True)
        file, tag = directory / place.key.rpartition("/")[2], directory / "etag"
        with self._downloads:
            try:
                download(s3, place, file, tag)
            except s3.exceptions.ClientError as error:
                raise AwsError("InvalidInputException", f"{uri} cannot be read: {error}") from error
        return file

    def _base_environment(self, directory: Path) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", processes.OWNER)
        inherited = {name: os.environ[name] for name in kept if name in os.environ}
        # What is installed stays, so its bytecode may, too: to compile pyspark or boto3 takes longer than to run them.
        bytecode = {"PYTHONPYCACHEPREFIX": str(self._settings.libraries.cache / "bytecode")}
        return inherited | {"TMPDIR": str(directory / "tmp"), "PYTHONUNBUFFERED": "1", **bytecode}

    def _spark_submit(
        self, packages: Sequence[Path], arguments: Mapping[str, str], environment: dict[str, str], input_bytes: int
    ) -> list[str]:
        home = self._settings.spark_home or spark_classes.spark_home()
        environment["SPARK_HOME"] = str(home)
        environment["PYSPARK_PYTHON"] = environment["PYSPARK_DRIVER_PYTHON"] = str(self._settings.python)
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
        if self._settings.java_home:
            environment["JAVA_HOME"] = str(self._settings.java_home)
        java_options = spark_classes.jvm(self._settings.java_home, home, input_bytes)
        conf = {
            "spark.driver.memory": self._settings.driver_memory,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": environment["TMPDIR"],
            "spark.sql.warehouse.dir": str(Path(environment["TMPDIR"]) / "warehouse"),
            "spark.driver.extraJavaOptions": f'-Djava.io.tmpdir="{environment["TMPDIR"]}" {java_options}',
        }
        # spark-submit asks a JVM of its own for the command; it lives for a moment.
        environment["SPARK_LAUNCHER_OPTS"] = QUICK_JVM
        line = [str(home / "bin" / "spark-submit"), "--master", "local[*]"]
        for name, value in conf.items():
            line += ["--conf", f"{name}={value}"]
        # Glue takes several settings in one argument: "a=1 --conf b=2".
        for setting in re.split(r"\s+--conf\s+", arguments.get("--conf", "")):
            line += ["--conf", setting] if setting else []
        return line + (["--py-files", ",".join(map(str, packages))] if packages else [])


class JobProcess:
    """A process in a session (and so a process group) of its own, its output in files and in CloudWatch Logs."""

    def __init__(
        self,
        line: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        logs: LogSink,
        log_names: tuple[str, str],
        settings: ProcessSettings,
        mirror: Mirror | None,
        memory_bytes: int | None = None,
    ) -> None:
        self.line = list(line)
        self.stdout = directory / "stdout.log"
        self.stderr = directory / "stderr.log"
        self._environment = {**environment, "TMPDIR": str(directory / "tmp")}
        self._directory = directory
        self._group, self._stream = log_names
        self._logs = logs
        self._settings = settings
        self._mirror = mirror
        self._memory_bytes = memory_bytes  # more, and it is killed
        self._process: subprocess.Popen[bytes] | None = None
        self._read = {self.stdout: 0, self.stderr: 0}
        self._ending = threading.Lock()
        self._ended = False
        self._disk_was_full = False

    def start(self) -> None:
        """Start it; what it is started with can be read in command.txt (no secret is ever in an argument)."""
        (self._directory / "command.txt").write_text(shlex.join(self.line) + "\n", encoding="utf-8")
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self._process = subprocess.Popen(
                self.line,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self._directory / "tmp",
                env=self._environment,
                start_new_session=True,
            )

    def wait(self, *, timeout_seconds: float) -> int | None:
        """Return the exit code (negative: the signal), or None when it never ran or was ended for its time."""
        if self._process is None:
            return None
        try:
            code = self._follow(self._process, time.monotonic() + timeout_seconds)
            self._disk_was_full = shutil.disk_usage(self._directory).free < _LEAST_FREE_BYTES
        finally:
            self.kill()  # also what the script left behind
        self._forward_last_logs()
        return code

    def kill(self) -> None:
        """End all that was started: SIGTERM to the process group, and SIGKILL for what is still there after a while."""
        with self._ending:  # whoever comes second returns when all has ended, too
            process = self._process
            if process is None or self._ended:
                return
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except (ProcessLookupError, PermissionError):
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=self._settings.seconds_to_end)
            # What has left the group still has the environment.
            processes.end_all("TMPDIR", self._environment["TMPDIR"])
            process.wait()
            self._ended = True

    def crash(self) -> None:
        """Kill the process group at once, with no time to end by itself; `wait` tells."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self, state: str) -> None:
        """End all that was started, remove what it needed on disk, and note the run's last state."""
        self.kill()
        self.clean()
        with contextlib.suppress(OSError):  # on a full disk, the next endpoint tells of a run that was cut off
            (self._directory / workdir.ENDED).write_text(state, encoding="utf-8")

    def error_message(self, code: int) -> str:
        """What Glue says of a run that ended with this code: a Spark script's exception, or only the code."""
        with contextlib.suppress(FileNotFoundError):
            if told := (self._directory / EXCEPTION_FILE).read_text(encoding="utf-8"):
                return told
        said = glue.exit_message(code)
        # Where its output did not fit either, nothing else tells it.
        return f"{said} ({os.strerror(errno.ENOSPC)}: {self._directory})" if self._disk_was_full else said

    def publish(self) -> None:
        """Bring what a Spark run wrote into S3."""
        if self._mirror:
            self._mirror.publish()

    def clean(self) -> None:
        """Remove what the run needed on disk; script, packages, command and logs stay."""
        for name in ("tmp", "s3"):
            shutil.rmtree(self._directory / name, ignore_errors=True)

    def _follow(self, process: subprocess.Popen[bytes], deadline: float) -> int | None:
        """The exit code, or None when the time is up."""
        looks = 0
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                return process.wait(timeout=min(_SECONDS_BETWEEN_LOOKS, remaining))
            except subprocess.TimeoutExpired:
                looks += 1
            if looks % _LOOKS_BETWEEN_LINES == 0:
                self._forward_logs()
            if self._memory_bytes and _most_resident_bytes(process.pid) > self._memory_bytes:
                os.killpg(process.pid, signal.SIGKILL)
        return None

    def _forward_last_logs(self) -> None:
        for _ in range(_LAST_ATTEMPTS):
            failure = self._forward_logs(last=True)
            if failure is None:
                return
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        said = f"local endpoint: not all lines are in CloudWatch Logs, stream {self._stream}: {failure!r}"
        _log.warning("%s", said)
        with contextlib.suppress(OSError), self.stderr.open("a", encoding="utf-8") as file:
            file.write(f"{said}\n")

    def _forward_logs(self, *, last: bool = False) -> Exception | None:
        """Send what is new, or return why not: then it is sent the next time, and the run goes on."""
        try:
            for path, kind in ((self.stdout, "output"), (self.stderr, "error")):
                while lines := self._new_lines(path, last=last):
                    text = b"".join(lines).decode("utf-8", errors="replace").splitlines()
                    self._logs.append(f"{self._group}/{kind}", self._stream, text)
                    self._read[path] += sum(map(len, lines))
        except Exception as failure:  # the sink is the engine's and raises anything; a run does not depend on it
            return failure
        return None

    def _new_lines(self, path: Path, *, last: bool) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(self._read[path])
            lines = list(itertools.islice(file, _MOST_LINES_AT_ONCE))
        # A line that is still being written waits for its end.
        return lines if last or not lines or lines[-1].endswith(b"\n") else lines[:-1]


def _append(logs: LogSink, group: str, stream: str, lines: Sequence[str]) -> None:
    """Append lines that are also told elsewhere; what a sink cannot take ends no run."""
    try:
        logs.append(group, stream, lines)
    except Exception:  # the sink is the engine's and raises anything
        _log.warning("these lines are not in %s of %s: %s", stream, group, lines, exc_info=True)


def _most_resident_bytes(pid: int) -> int:
    """The most memory that a process had at a time, without what it swapped; 0 where this system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def script_arguments(job_name: str, run_id: str, arguments: Mapping[str, str]) -> list[str]:
    """The arguments after the script's name, as Glue builds them: its own three, then every argument of the run."""
    own = {"--JOB_ID": f"j_{job_name}", "--JOB_RUN_ID": run_id, "--JOB_NAME": job_name}
    return [part for name, value in {**own, **arguments}.items() for part in (name, value)]


def fetch(s3: S3Client, uri: str, directory: Path) -> Path:
    """Download an object into a directory, under the last part of its key.

    Raises:
        AwsError: the URI is malformed, or there is no such object.
    """
    place = _place(uri)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / place.key.rpartition("/")[2]
    try:
        download(s3, place, target)
    except s3.exceptions.ClientError as error:
        raise AwsError("InvalidInputException", f"{uri} cannot be read: {error}") from error
    return target


def _place(uri: str) -> S3Place:
    match = re.fullmatch(r"s3://([^/]+)/(.+)", uri)
    if not match:
        raise AwsError("InvalidInputException", f"{uri!r} is not an s3:// URI of an object")
    return S3Place(match[1], match[2])


def _listed(arguments: Mapping[str, str], name: str) -> list[str]:
    """The parts of an argument that are separated by commas."""
    return [part.strip() for part in arguments.get(name, "").split(",") if part.strip()]
