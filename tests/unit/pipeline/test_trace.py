from __future__ import annotations

from pipeline.clients import Clients
from pipeline.trace import Hop, Trace, table


def test_a_hop_that_cannot_be_read_counts_as_not_found() -> None:
    result = {"job_id": "the-id", "uris": {}, "counts": {}}
    # Nothing listens there: every look fails, and the trace says so instead of ending.
    trace = Trace(Clients("http://127.0.0.1:1", "us-east-1"), {}, "arn", result)
    hops = list(trace.hops())
    assert len(hops) == 17
    assert not any(hop.found for hop in hops)
    assert all(hop.detail for hop in hops)


def test_the_table_marks_what_is_missing() -> None:
    text = table([Hop("S3", "keys", True, "2 files"), Hop("Lambda", "log line", False, "not found")])
    assert text.splitlines() == ["  ✓ S3      keys      2 files", "  ✗ Lambda  log line  not found"]
