from __future__ import annotations

import sys

import pytest

from pipeline_tools.console import StateLines, say_stage


def told(capsys: pytest.CaptureFixture[str]) -> str:
    lines = StateLines({"Long"})
    for name in ("Short", "Long"):
        lines.entered(name)
        lines.left(name, 1.5)
    return capsys.readouterr().err


def test_elsewhere_a_state_that_runs_long_has_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    ends = [f"  {name:<20}   1.50 s" for name in ("Short", "Long")]
    assert told(capsys).splitlines() == [ends[0], "  Long …", ends[1]]
    say_stage(1, 2, "first")
    assert capsys.readouterr().err == "[1/2] first\n"


def test_on_a_terminal_the_second_takes_the_place_of_the_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert told(capsys).splitlines()[1:] == ["  Long …", "\x1b[K  Long                   1.50 s"]
