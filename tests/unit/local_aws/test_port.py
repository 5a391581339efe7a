from __future__ import annotations

import socket
from pathlib import Path

import pytest

from local_aws.__main__ import main


@pytest.mark.endpoint
@pytest.mark.parametrize("port", [-1, 65536, None], ids=["below", "above", "taken"])
def test_a_port_that_cannot_be_served_on_is_an_error_that_names_it(
    port: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] if port is None else port
        assert main(["--workdir", str(tmp_path), "--port", str(port)]) == 3
    assert f"error: 127.0.0.1:{port} cannot be served on: " in capsys.readouterr().err
