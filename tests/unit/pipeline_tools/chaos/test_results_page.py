"""What a run of chaos tells: each case that failed, what was expected and what was found, in a page by itself."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline_tools.chaos import results_page
from pipeline_tools.chaos.cases import ChaosCase
from pipeline_tools.chaos.invariants import Violation
from pipeline_tools.chaos.runner import CaseResult

GOOD = CaseResult(ChaosCase("pipeline.First.throttled.passes", "it is throttled"), 1.25, [], {"a": 2}, ["SUCCEEDED"])
BAD = CaseResult(
    ChaosCase("pipeline.First.denied.redriven", "it is <denied>"), 3.0, [Violation("rows of j", "4", "8 & <more>")]
)
ABOUT = {"engine": "ministack", "seed": 7, "seconds": 4.0}


def test_the_table_shows_what_failed_and_why() -> None:
    text = results_page.table([GOOD, BAD])
    assert "✗ pipeline.First    1 of   2   slowest   3.0 s" in text
    assert "✗ pipeline.First.denied.redriven: it is <denied>" in text
    assert "rows of j: expected 4, found 8 & <more>" in text


def test_the_files_have_all_of_it(tmp_path: Path) -> None:
    data, page = results_page.write(tmp_path, results_page.document([GOOD, BAD], ABOUT))
    found = json.loads(data.read_text(encoding="utf-8"))
    assert (found["engine"], found["cases"], found["passed"], found["failed"]) == ("ministack", 2, 1, 1)
    assert [each["name"] for each in found["results"]] == [BAD.case.name, GOOD.case.name]
    assert found["results"][0]["findings"] == [{"what": "rows of j", "expected": "4", "found": "8 & <more>"}]
    text = page.read_text(encoding="utf-8")
    assert "8 &amp; &lt;more&gt;" in text
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text  # it needs nothing else
