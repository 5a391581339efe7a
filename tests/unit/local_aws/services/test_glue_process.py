from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.services.glue_process import describe_exit


@pytest.mark.parametrize(
    ("stderr", "code", "expected"),
    [
        ("warning\nerror: no files below s3://x/\n", 1, "error: no files below s3://x/ (exit code 1)"),
        ("Traceback …\nValueError: 5 is no name\n", 1, "ValueError: 5 is no name (exit code 1)"),
        (
            "error: bad SQL\n26/01/31 INFO ShutdownHookManager: Shutdown hook called\n",
            1,
            "error: bad SQL (exit code 1)",
        ),
        ("botocore.exceptions.ClientError: denied\n", 1, "botocore.exceptions.ClientError: denied (exit code 1)"),
        ("something\n", 3, "something (exit code 3)"),
        ("", 3, "the script said nothing on stderr (exit code 3)"),
        ("", -9, "the script said nothing on stderr (killed by SIGKILL)"),
        ("", -250, "the script said nothing on stderr (killed by signal 250)"),
        ("\xff\n", 2, "\xff (exit code 2)"),
    ],
)
def test_a_failed_run_says_what_the_script_said_and_how_it_ended(
    tmp_path: Path, stderr: str, code: int, expected: str
) -> None:
    (tmp_path / "stderr.log").write_text(stderr, encoding="utf-8")
    assert describe_exit(code, tmp_path / "stderr.log") == expected


def test_a_long_stderr_is_read_from_its_end(tmp_path: Path) -> None:
    (tmp_path / "stderr.log").write_text("noise\n" * 100_000 + "error: the last line\n", encoding="utf-8")
    assert describe_exit(1, tmp_path / "stderr.log") == "error: the last line (exit code 1)"
