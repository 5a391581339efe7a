from __future__ import annotations

import io
import json
from datetime import datetime, timedelta, timezone

from dataset_contract.manifests import utc_text
from glue_python_job.logs import Log


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    log = Log("job-1", stream)
    log.info("two\nlines", rows=3, uri="s3://é")
    log.warning("odd")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert {key: value for key, value in first.items() if key != "time"} == {
        "level": "INFO",
        "job_id": "job-1",
        "stage": "python",
        "message": "two\nlines",
        "rows": 3,
        "uri": "s3://é",
    }
    assert second["level"] == "WARNING"


def test_a_line_is_written_in_one_piece() -> None:
    pieces = []

    class Stream(io.StringIO):
        def write(self, text: str, /) -> int:
            pieces.append(text)
            return len(text)

    Log("job-1", Stream()).info("one")
    (piece,) = pieces
    assert piece.endswith("}\n")


def test_times_are_utc_with_milliseconds() -> None:
    moment = datetime(2024, 5, 1, 12, 0, 0, 7_999, tzinfo=timezone(timedelta(hours=2)))
    assert utc_text(moment) == "2024-05-01T10:00:00.007Z"
