"""What tells an endpoint of faults: the options, and the client against a server that answers as endpoints do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local_aws import __main__ as local_aws
from local_aws.services.faults.fault_rules import Faults, Occasion
from local_aws.services.faults.requests import PATH, administer
from pipeline_tools import faults
from pipeline_tools.deployment import local
from pipeline_tools.faults import Error, FaultPlan, Rule

RULE = Rule("r", "task", error=Error("X"))


@pytest.mark.parametrize("main", [local.main, lambda line: local_aws.main(["--workdir", "/x", *line])])
def test_a_bad_file_is_a_matter_of_usage(main: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(main)
    file = tmp_path / "faults.yaml"
    file.write_text("faults: [{name: r, at: tusk}]")
    with pytest.raises(SystemExit) as ended:
        main(["--faults", str(file)])
    assert ended.value.code == 2
    assert "faults[0] (r).at is 'tusk'; accepted: task, request" in capsys.readouterr().err


@pytest.fixture
def served() -> Iterator[tuple[str, Faults]]:
    """The URL of a server with the admin call, and its faults."""
    served = Faults()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            assert self.path == PATH
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, _, answer = administer(served, self.command, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", served
        server.shutdown()
        thread.join()


@pytest.mark.endpoint
def test_rules_are_there_for_a_while_and_counted(served: tuple[str, Faults]) -> None:
    url, there = served
    with faults.injected(url, RULE, waits=0.5) as met:
        assert there.plan == FaultPlan((RULE,), 0.5)
        assert met() == {"r": 0}
        assert there.take(there.task, "before", Occasion()) == RULE
        assert met() == {"r": 1}
    assert met() == {"r": 1}
    assert there.plan == FaultPlan()


@pytest.mark.endpoint
def test_rules_are_gone_after_a_failure_too(served: tuple[str, Faults]) -> None:
    url, there = served
    with pytest.raises(ZeroDivisionError), faults.injected(url, RULE):
        raise ZeroDivisionError
    assert there.plan == FaultPlan()


@pytest.mark.endpoint
def test_a_refusal_is_raised_with_its_text(served: tuple[str, Faults]) -> None:
    url, there = served
    faults.put(url, {"waits": 0.5})
    with pytest.raises(faults.FaultsRefusedError, match=r"^faults is 1; accepted: a list of rules$"):
        faults.put(url, {"faults": 1})
    assert there.waits == 0.5
    faults.clear(url)
    assert there.waits == 1.0
