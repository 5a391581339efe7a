"""`python -m local_aws --port 4566 --workdir DIR`: serve the local endpoint until SIGTERM or Ctrl-C.

Once it is ready it prints one line of JSON on stdout: {"endpoint_url": "http://127.0.0.1:4566"}.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol

from aws_facts import sdk_environment
from local_aws import workdir
from local_aws.plain_path import is_plain
from local_aws.services.faults import documents
from local_aws.services.faults.fault_rules import Faults
from local_aws.services.glue.libraries import Libraries
from local_aws.services.postgres import StartError

_log = logging.getLogger("local_aws")


class Engine(Protocol):
    """What serves an endpoint."""

    endpoint_url: str

    def serve(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Serve until `stop` is set."""

    def close(self) -> None:
        """End all that was started."""


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 stopped on request, 1 no interpreter or no database, 2 usage, 3 port or directory not to be had."""
    parser = argparse.ArgumentParser(prog="local_aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to serve on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=4566, help="port to serve on; 0 takes a free one (default 4566)")
    parser.add_argument("--region", default="us-east-1", help="AWS region (default us-east-1)")
    parser.add_argument("--workdir", type=Path, required=True, help="directory for the runs' files and the database")
    parser.add_argument(
        "--engine", choices=("ministack", "localstack"), default="ministack", help="the emulator (default ministack)"
    )
    parser.add_argument(
        "--job-python",
        type=Path,
        default=Path(sys.executable),
        help="interpreter of the Glue jobs, with PySpark (engine localstack; default: this one)",
    )
    parser.add_argument(
        "--libraries", type=Path, help="directory of Python shell's installed libraries (default: in the workdir)"
    )
    parser.add_argument(
        "--pip-python", type=Path, default=Path(sys.executable), help="interpreter with pip (default: this one)"
    )
    parser.add_argument(
        "--python-shell", type=Path, help="interpreter of Glue's Python, with boto3, for Python shell jobs"
    )
    parser.add_argument("--faults", type=Path, help="file of YAML or JSON with what shall go wrong, see docs/faults.md")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with the process that holds stdin open")
    options = parser.parse_args(arguments)
    if not is_plain(options.workdir.absolute()):
        parser.error(f"--workdir is {str(options.workdir)!r}; Spark takes letters, digits and ._/- only")
    try:
        faults = Faults(documents.read_file(options.faults) if options.faults else None)
    except documents.FaultsError as error:
        parser.error(f"--faults: {error}")
    try:
        port = _bindable(options.host, options.port)
    except (OSError, OverflowError) as error:  # the latter for what is no port
        print(
            f"error: {options.host}:{options.port} cannot be served on: {error}; choose another --port", file=sys.stderr
        )
        return 3
    clean = sdk_environment.isolated(os.environ)
    os.environ.clear()
    os.environ.update(clean)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.until_stdin_ends:
        threading.Thread(target=_follow_stdin, args=(stop,), name="stdin", daemon=True).start()

    try:
        with workdir.held(options.workdir.absolute()) as found:
            for each in found:
                _log.warning("left by an earlier endpoint in %s: %s", options.workdir, each)
            _serve(_engine(options, port, faults), stop)
    except workdir.InUseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(engine: Engine, stop: threading.Event) -> None:
    def ready() -> None:
        gc.freeze()  # what was imported stays, and need not be looked through for garbage ever again
        print(json.dumps({"endpoint_url": engine.endpoint_url}), flush=True)

    try:
        engine.serve(stop, ready)
    finally:
        engine.close()


def _follow_stdin(stop: threading.Event) -> None:
    # Not sys.stdin: its lock, held by a thread that waits, would abort the end of the interpreter.
    while os.read(0, 4096):
        pass
    stop.set()


def _engine(options: argparse.Namespace, port: int, faults: Faults) -> Engine:
    # Each engine's emulator is imported only where it is served: they are installed in different environments.
    workdir = options.workdir.absolute()
    libraries = Libraries(
        (options.libraries or workdir / "libraries").absolute(),
        options.pip_python.absolute(),
        options.python_shell.absolute() if options.python_shell else None,
    )
    common: dict[str, Any] = {
        "host": options.host,
        "port": port,
        "region": options.region,
        "workdir": workdir,
        "libraries": libraries,
        "faults": faults,
    }
    if options.engine == "localstack":
        from local_aws.engines.localstack import job_interpreter
        from local_aws.engines.localstack.engine import LocalStackEngine

        try:
            jobs = job_interpreter.find(options.job_python.absolute())
        except job_interpreter.InterpreterError as error:
            raise SystemExit(f"error: {error}") from error
        return LocalStackEngine(**common, jobs=jobs)
    from local_aws.engines.ministack.engine import MiniStackEngine

    return MiniStackEngine(**common)


def _bindable(host: str, port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _end(code: int) -> NoReturn:
    """End this process, whatever its threads do: an emulator's may wait for ever to answer who has gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        result = main(sys.argv[1:])
    except Exception:  # the process ends here too, and says of what
        traceback.print_exc()
        result = 1
    _end(result)
