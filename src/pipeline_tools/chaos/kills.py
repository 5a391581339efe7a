"""PostgreSQL, the endpoint and nox, killed (SIGKILL) at random moments: the next start works, and says what it found.

After each kill nothing that was started is left, what the Data API told as FINISHED is in its table once, and what
was cut off is named. `python -m pipeline_tools.chaos.kills --seed 1` prints a line per kill; the exit code is 1 where
one did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonObject
from local_aws import processes
from local_aws.plain_path import plain_name
from pipeline.clients import Clients
from pipeline.redshift import QueryError, query
from pipeline_tools import owner
from pipeline_tools.endpoint import EndpointError, LocalEndpoint
from pipeline_tools.environments import ROOT

HELD: Final = "held"
_WAREHOUSE: Final = {"redshift_cluster_identifier": "kills", "redshift_database": "dev"}
_SECONDS_TO_END = 60.0
# By which a start is usually done.
_SECONDS_OF_A_START = {"endpoint": 6.0, "nox": 45.0}
_SECONDS_OF_NOX = 600.0
_JOB = "kills"
# Writes until it is ended.
_SCRIPT = """
import itertools, boto3
for number in itertools.count():
    boto3.client("s3").put_object(Bucket="kills", Key=f"written/{number}", Body=b"x")
"""
_USERS = ["glue.amazonaws.com", "states.amazonaws.com"]
_TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": _USERS}}
_ALLOW = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"}
_WAITS = '{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": true}}}'


@dataclass(frozen=True)
class Row:
    """One kill.

    Attributes:
        outcome: HELD, or what did not hold.
        seconds: until the next start worked.
    """

    case: str
    outcome: str
    seconds: float


class NotHeldError(AssertionError):
    """What a kill broke."""


def run(count: int, seed: int, what: Sequence[str] = ("postgresql", "endpoint", "nox")) -> Iterator[Row]:
    """Kill each of `what`, `count` times, at moments drawn from the seed."""
    kinds: dict[str, Callable[[int, random.Random], Iterator[Row]]] = {
        "postgresql": _kill_postgresql,
        "endpoint": _kill_endpoint,
        "nox": _kill_nox,
    }
    for kind in what:
        yield from kinds[kind](count, random.Random(f"{seed} {kind}"))


class Counter:
    """Statements, one after the other, that insert a number each; and what became of them."""

    def __init__(self) -> None:
        self._warehouse: dict[str, str] = {}
        self.finished: set[int] = set()
        self.unknown: set[int] = set()  # failed, or nobody answered: there or not there, but not twice

    def use(self, clients: Clients, secret: str) -> None:
        """Ask another endpoint."""
        self._client = clients.get("redshift-data")
        self._warehouse = {**_WAREHOUSE, "redshift_secret_arn": secret}

    def ask(self, sql: str) -> list[JsonObject]:
        """The rows of a query."""
        return query(self._client, self._warehouse, sql)

    def count(self, stop: threading.Event) -> None:
        """Insert until it is stopped, or the endpoint is gone."""
        while not stop.is_set():
            number = len(self.finished) + len(self.unknown)
            self.unknown.add(number)
            try:
                self.ask(f"INSERT INTO public.counted VALUES ({number})")
            except QueryError:
                continue
            except (BotoCoreError, ClientError):
                return
            self.unknown.remove(number)
            self.finished.add(number)

    def check(self) -> None:
        """Compare the rows of the table with the finished inserts."""
        found = [int(row["n"]) for row in self.ask("SELECT n FROM public.counted")]
        if lost := self.finished - set(found):
            raise NotHeldError(f"{len(lost)} of {len(self.finished)} finished inserts are lost, such as {min(lost)}")
        if twice := len(found) - len(set(found)):
            raise NotHeldError(f"{twice} rows are there twice")
        if strange := set(found) - self.finished - self.unknown:
            raise NotHeldError(f"rows are there that nobody inserted: {sorted(strange)[:5]}")


def _kill_postgresql(count: int, moments: random.Random) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, LocalEndpoint(Path(folder) / "endpoint") as endpoint:
        clients = Clients(endpoint.endpoint_url, endpoint.region)
        counter = _prepare(clients)
        pid_file = endpoint.workdir / "postgres" / "data" / "postmaster.pid"
        for _ in range(count):
            after = moments.uniform(0, 1.5)
            stop = threading.Event()
            inserts = threading.Thread(target=counter.count, args=(stop,))
            inserts.start()
            time.sleep(after)
            os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
            began = time.monotonic()
            with _row(f"PostgreSQL {after:.2f} s after the first insert", began) as held:
                told = len(counter.finished)
                _until(lambda: len(counter.finished) > told or not inserts.is_alive(), "a statement finished again")  # noqa: B023
                stop.set()
                inserts.join()
                counter.check()
            stop.set()
            inserts.join()
            yield held()


def _kill_endpoint(count: int, moments: random.Random) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        workdir, port = Path(folder) / "endpoint", _free_port()
        counter: Counter | None = None
        for _ in range(count):
            after = moments.uniform(0, 2 * _SECONDS_OF_A_START["endpoint"])
            endpoint = LocalEndpoint(workdir, port=port)
            killed = threading.Timer(after, _kill_process_of, (endpoint,))
            killed.start()
            started: tuple[str, str] | None = None
            with contextlib.suppress(EndpointError, BotoCoreError, ClientError, QueryError):
                endpoint.start()
                clients = Clients(endpoint.endpoint_url)
                counter = _prepare(clients, counter)
                started = _start(clients)
                counter.count(threading.Event())
            killed.join()
            began = time.monotonic()
            with _row(f"endpoint {after:.2f} s after its start", began) as held:
                _until(lambda: not _left_in(workdir), "all that the endpoint started has ended")
                endpoint.stop()
                counter = _check_next_start(workdir, port, counter, started)
            endpoint.stop()
            yield held()


def _check_next_start(
    workdir: Path, port: int, counter: Counter | None, started: tuple[str, str] | None
) -> Counter | None:
    lock = workdir / "endpoint.lock"
    served = lock.exists() and lock.read_text(encoding="utf-8") != ""
    with LocalEndpoint(workdir, port=port) as endpoint:
        clients = Clients(endpoint.endpoint_url)
        told = endpoint.log.read_text(encoding="utf-8")
        if served and "did not stop by itself" not in told:
            raise NotHeldError(f"the next endpoint does not tell of the kill: {told!r}")
        if started and f"run {started[0]} of job {_JOB} was cut off" not in told:
            raise NotHeldError(f"the next endpoint does not tell that run {started[0]} was cut off: {told!r}")
        if started:
            if f"execution {started[1]} was cut off" not in told:
                raise NotHeldError(f"the next endpoint does not tell that {started[1]} was cut off: {told!r}")
            _check_unknown(clients.get("stepfunctions"), started[1])
        if counter:
            counter = _prepare(clients, counter)
            counter.check()
            s3 = clients.get("s3")
            if s3.list_objects_v2(Bucket=_JOB, Prefix="written/").get("Contents"):
                raise NotHeldError("a run of the killed endpoint wrote into a bucket of the next one")
    return counter


def _check_unknown(states: Any, execution: str) -> None:
    try:
        status = states.describe_execution(executionArn=execution)["status"]
    except states.exceptions.ExecutionDoesNotExist:
        return
    raise NotHeldError(f"an execution of the killed endpoint is told to be {status}")


def _kill_process_of(endpoint: LocalEndpoint) -> None:
    while endpoint._process is None:
        time.sleep(0.01)
    endpoint._process.kill()


def _kill_nox(count: int, moments: random.Random) -> Iterator[Row]:
    port, stale = _free_port(), False
    for _ in range(count):
        after = moments.uniform(0.5, _SECONDS_OF_A_START["nox"])
        with _local(port) as (nox, said), _row(f"nox {after:.1f} s after its start", time.monotonic()) as held:
            with contextlib.suppress(subprocess.TimeoutExpired):
                nox.wait(after)
            stale = _check_end(nox, said, stale, nox.kill)
        yield held()
    with _local(port) as (nox, said), _row("nox, the start after the kills", time.monotonic()) as held:
        _until(lambda: "Ctrl-C ends it" in said() or nox.poll() is not None, "nox -s local serves", _SECONDS_OF_NOX)
        if "Ctrl-C ends it" not in said():
            raise NotHeldError(f"nox -s local did not start: {said()!r}")
        _check_end(nox, said, stale, nox.terminate)
    yield held()


@contextlib.contextmanager
def _local(port: int) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """A `nox -s local`, and what gives all that it said."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            line = [str(ROOT / "noxw"), "-s", "local", "--", "--port", str(port)]
            nox = subprocess.Popen(
                line,
                env=owner.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield nox, lambda: log.read_text(encoding="utf-8", errors="replace")
        finally:
            nox.kill()
            nox.wait()


def _check_end(nox: subprocess.Popen[bytes], said: Callable[[], str], stale: bool, end: Callable[[], None]) -> bool:
    """End a nox; whether it then had the directory and did not give it back. `stale`: so did the one before."""
    if nox.poll() is not None:
        raise NotHeldError(f"nox ended by itself: {said()!r}")
    end()
    nox.wait(_SECONDS_TO_END)
    _until(lambda: not _left_of(nox.pid), "all that nox started has ended")
    told = "was ended before it could stop" in said()
    if stale and not told and "endpoint ready" in said():
        raise NotHeldError(f"the next start does not tell of the kill: {said()!r}")
    lock = ROOT / "build" / "local.lock"  # made by the first start of a checkout
    return lock.exists() and lock.read_text(encoding="utf-8") != ""


def _left_of(nox: int) -> set[int]:
    """What a nox started that still runs, also the endpoint."""
    return processes.with_variable(owner.NOX, str(nox)) | _left_in(ROOT / "build" / "local" / "endpoint")


def _left_in(workdir: Path) -> set[int]:
    return processes.with_variable(processes.OWNER, str(plain_name(workdir)))


def _prepare(clients: Clients, counter: Counter | None = None) -> Counter:
    """The cluster and the table of a counter, where they are not there; the rows of an earlier endpoint are."""
    clients.get("s3").create_bucket(Bucket=_JOB)
    made = clients.get("redshift").create_cluster(
        ClusterIdentifier=_WAREHOUSE["redshift_cluster_identifier"],
        NodeType="ra3.large",
        MasterUsername="admin",
        ManageMasterPassword=True,
        DBName=_WAREHOUSE["redshift_database"],
    )
    counter = counter or Counter()
    counter.use(clients, made["Cluster"]["MasterPasswordSecretArn"])
    counter.ask("CREATE TABLE IF NOT EXISTS public.counted (n INTEGER)")
    return counter


def _start(clients: Clients) -> tuple[str, str]:
    """A job run and an execution, by what they are called, which go on until they are ended."""
    iam = clients.get("iam")
    role = iam.create_role(RoleName=_JOB, AssumeRolePolicyDocument=_policy(_TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=_JOB, PolicyName="write", PolicyDocument=_policy(_ALLOW))
    clients.get("s3").put_object(Bucket=_JOB, Key="main.py", Body=_SCRIPT.encode())
    glue = clients.get("glue")
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{_JOB}/main.py", "PythonVersion": "3.9"}
    glue.create_job(Name=_JOB, Role=role, Command=command)
    run = str(glue.start_job_run(JobName=_JOB)["JobRunId"])
    _until(lambda: glue.get_job_run(JobName=_JOB, RunId=run)["JobRun"]["JobRunState"] == "RUNNING", "the job runs")
    states = clients.get("stepfunctions")
    machine = states.create_state_machine(name=_JOB, definition=_WAITS, roleArn=role)["stateMachineArn"]
    return run, str(states.start_execution(stateMachineArn=machine)["executionArn"])


@contextlib.contextmanager
def _row(case: str, began: float) -> Iterator[Callable[[], Row]]:
    """Yields what gives the row of what happens within, with its errors as the outcome."""
    outcome = [HELD]
    ended = [began]
    try:
        yield lambda: Row(case, outcome[0], round(ended[0] - began, 1))
    except (
        NotHeldError,
        EndpointError,
        QueryError,
        BotoCoreError,
        ClientError,
        OSError,
        subprocess.SubprocessError,
    ) as error:
        outcome[0] = f"{type(error).__name__}: {error}"
    finally:
        ended[0] = time.monotonic()


def _policy(statement: JsonObject) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _until(reached: Callable[[], bool], what: str, seconds: float = _SECONDS_TO_END) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise NotHeldError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 all held, 1 one did not, 2 usage."""
    parser = argparse.ArgumentParser(prog="pipeline_tools.chaos.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="kills of each (default 10)")
    parser.add_argument("--seed", type=int, help="of the moments; it is printed")
    parser.add_argument("--what", nargs="+", default=["postgresql", "endpoint", "nox"], help="what is killed")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}", file=sys.stderr, flush=True)
    failed = False
    for row in run(options.count, seed, options.what):
        print(f"{row.seconds:6.1f} s  {row.case:<45} {row.outcome}", flush=True)
        failed |= row.outcome != HELD
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
