"""The embedded server starts, stops and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local_aws.services.postgres import PostgresServer

pytestmark = pytest.mark.postgres


def processes_of(directory: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if directory in command:
            found.append(command)
    return found


def socket_directory(server: PostgresServer) -> str:
    return str(server.conninfo()["host"])


def test_it_listens_on_a_private_socket_only_and_stop_leaves_nothing(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "pg") as server:
        sockets = socket_directory(server)
        assert Path(sockets).stat().st_mode & 0o077 == 0
        with server.connect_as_superuser() as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert processes_of(sockets)
    assert not server.running
    assert processes_of(sockets) == []
    assert not Path(sockets).exists()


def test_stop_ends_open_sessions_and_may_be_called_twice(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg")
    connection = server.connect_as_superuser()
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_it_starts_again_after_stop(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg")
    for _ in range(2):
        with server, server.connect_as_superuser() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_data_stays_in_a_directory_that_the_server_can_reach(open_directory: Path) -> None:
    server = PostgresServer(open_directory / "pg")
    with server, server.connect_as_superuser() as connection:
        connection.execute("CREATE DATABASE kept")
    with server, server.connect_as_superuser() as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'kept'").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_for_root_no_permission_of_a_foreign_directory_changes(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with PostgresServer(tmp_path / "pg") as server:
        assert server.running
        assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_says_why(open_directory: Path) -> None:
    server = PostgresServer(open_directory / "pg")
    server.start()
    server.stop()
    (open_directory / "pg" / "data" / "postgresql.auto.conf").write_text("no_such_setting = on\n")
    with pytest.raises(RuntimeError, match="no_such_setting"):
        server.start()
    assert processes_of(str(open_directory)) == []


def test_it_ends_with_its_owner_however_that_dies(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from local_aws.services.postgres import PostgresServer\n"
        "server = PostgresServer(sys.argv[1])\n"
        "data = server.connect_as_superuser().execute('SHOW data_directory').fetchone()[0]\n"
        "print(server.conninfo()['host'], data, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pg")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4] / "src")}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    sockets, data = done.stdout.split()
    deadline = time.monotonic() + 20
    while processes_of(sockets):
        assert time.monotonic() < deadline, processes_of(sockets)
        threading.Event().wait(0.02)
    # What a killed process could not remove itself.
    for leftover in (Path(sockets), Path(data).parent):
        shutil.rmtree(leftover)
