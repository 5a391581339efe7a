"""A tool of a nox session ends with nox, by whatever signal that ended, and what a tool started ends with it."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import select
import signal
import sys
import threading
import time
from typing import Final

from local_aws import processes

# The number of nox's process: set by the noxfile.
NOX: Final = "PIPELINE_TOOLS_NOX"
# In the environment of what a tool starts: its own number, and what tells it from an earlier one with this number.
STARTED_BY: Final = "PIPELINE_TOOLS_STARTED_BY"
_SECONDS_TO_STOP = 15.0
_SECONDS_BETWEEN_LOOKS = 0.5
_lock = threading.Lock()
_watcher: processes.Watcher | None = None


def follow() -> None:
    """End this process and all that it starts, as by Ctrl-C, soon after nox ends."""
    global _watcher
    with _lock:
        if _watcher is not None:
            return
        mark = f"{os.getpid()}-{secrets.token_hex(4)}"
        os.environ[STARTED_BY] = mark
        _watcher = processes.Watcher(STARTED_BY, mark)
        atexit.register(_watcher.close)
    if nox := os.environ.get(NOX):
        # What a shell puts into the background ignores Ctrl-C.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_with, args=(int(nox),), name="nox", daemon=True).start()


def environment() -> dict[str, str]:
    """This process's environment for what ends by itself, in good order, when this process has ended."""
    return {name: value for name, value in os.environ.items() if name not in (STARTED_BY, NOX)}


def _end_with(pid: int) -> None:
    wait_for_end(pid)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(_SECONDS_TO_STOP)
    os._exit(1)


def wait_for_end(pid: int) -> None:
    """Return when a process, which need not be a child, has ended."""
    try:
        if sys.platform == "linux":
            descriptor = os.pidfd_open(pid)
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll()
            finally:
                os.close(descriptor)
        elif sys.platform == "darwin":
            with contextlib.closing(select.kqueue()) as queue:
                ends = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
                queue.control([ends], 1)
        else:
            while True:
                os.kill(pid, 0)
                time.sleep(_SECONDS_BETWEEN_LOOKS)
    except ProcessLookupError:
        return
