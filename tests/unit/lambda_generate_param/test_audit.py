from __future__ import annotations

import pytest

from lambda_generate_param.audit import AuditColumns, TooLongError


def test_the_sizes_are_those_of_the_schema(columns: AuditColumns) -> None:
    assert set(columns.sizes) == {
        *("job_run", "job_attempt", "turn", "stage_run", "rule_run", "table_load", "source_file"),
    }
    assert columns.sizes["job_run"]["parameters"] == 65535
    assert columns.sizes["stage_run"]["contract_version"] == 64
    assert "rows_in" not in columns.sizes["job_run"]


@pytest.mark.parametrize("value", ["x" * 64, "ü" * 32, "€" * 21])
def test_a_value_that_fills_its_column_fits(columns: AuditColumns, value: str) -> None:
    columns.check("stage_run", "contract_version", value)
    assert columns.cut("stage_run", "contract_version", value) == value


@pytest.mark.parametrize(
    ("value", "size"), [("x" * 65, "65"), ("ü" * 33, "66"), ("€" * 22, "66"), ("x" * 2000, "2,000")]
)
def test_a_longer_value_is_told_in_bytes(columns: AuditColumns, value: str, size: str) -> None:
    expected = rf"takes {size} bytes; accepted: at most 64 \(audit.stage_run.contract_version\)"
    with pytest.raises(TooLongError, match=expected):
        columns.check("stage_run", "contract_version", value)


@pytest.mark.parametrize("character", ["x", "ü", "€", "😀"])
def test_a_cut_never_splits_a_character(columns: AuditColumns, character: str) -> None:
    for shift in range(4):
        cut = columns.cut("stage_run", "contract_version", "-" * shift + character * 100)
        assert 64 - 4 < len(cut.encode()) <= 64
        assert cut.endswith(f"{character}…")


def test_what_the_database_cannot_hold_is_refused_or_replaced(columns: AuditColumns) -> None:
    with pytest.raises(TooLongError, match=r"half of a character \(position 2\)"):
        columns.check("job_run", "dataset", "a\ud800")
    assert columns.cut("job_run", "dataset", "a\ud800b\x00c") == "a?bc"
