from __future__ import annotations

import html.parser
from typing import Any

import pytest

from pipeline_tools.bench import results
from pipeline_tools.bench.growing import Growth
from pipeline_tools.bench.measuring import Comparison, Sample, Subject


def found(ours: float, figure: float = 1.0, limit: float | None = 1.25) -> dict[str, Any]:
    subjects = Subject("duckdb", (Sample(2.0, 3.0, 10**8),)), Subject("pipeline", (Sample(ours, 4.0, 10**8),))
    growth = Growth("<rows>", "× rows", (1.0, 10.0), (Sample(1.0, 1.0, 10**8), Sample(10.0, 1.0, 10**8)))
    comparison = Comparison("Python stage", "6 M rows", subjects, limit)
    return results.document([comparison], [growth], {"Lambda, warm call, s": figure}, {"at": "2026-01-01"})


@pytest.mark.parametrize(("ours", "said"), [(2.4, 0), (2.6, 1)])
def test_what_is_beyond_its_aim_is_told(ours: float, said: int) -> None:
    assert len(results.over_limit(found(ours))) == said
    assert results.over_limit(found(ours, limit=None)) == []


def test_a_run_is_compared_with_an_earlier_one_by_ratios_and_figures() -> None:
    assert results.slower(found(2.4, 1.1), found(2.1), 1.2) == []
    lines = results.slower(found(2.6, 1.3), found(2.0), 1.2)
    assert lines == [
        "Python stage: pipeline is at 1.30 of the first, and was at 1.00",
        "Lambda, warm call, s: 1.30, and was 1.00",
    ]


def test_the_page_has_all_and_needs_nothing_else() -> None:
    class Links(html.parser.HTMLParser):
        found: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += [f"{tag} {value}" for name, value in attrs if name in ("src", "href")]

    page, links = results.page(found(2.6)), Links()
    links.feed(page)
    assert links.found == []
    for text in ("Python stage", "6 M rows", "2.60 s · 1.30 ×", "&lt;rows&gt;", "Lambda, warm call, s"):
        assert text in page


def test_the_table_is_markdown_of_equal_columns() -> None:
    for block in results.table(found(2.6)).strip().split("\n\n"):
        assert len({line.count("|") for line in block.splitlines()}) == 1
