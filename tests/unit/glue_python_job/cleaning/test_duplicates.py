"""Unique columns and composite keys over the whole source."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

ID: dict[str, Any] = {"name": "id", "logicalType": "integer", "unique": True}
PAIR: list[dict[str, Any]] = [
    {"name": "a", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 2},
    {"name": "b", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "c", "logicalType": "string", "unique": True},
]


def places(result: Any) -> set[tuple[str, int, str, str]]:
    return {(Path(row[1]).name, *row[2:5]) for row in result.rejected}


def test_the_first_row_keeps_its_place_over_files_and_formats(job: Any, contract_of: Callable[..., str]) -> None:
    job.write({}, contract_of([ID]))
    duckdb.sql("SELECT 7 AS id UNION ALL SELECT 1").write_parquet(f"{job.root}/source/d.parquet")
    files = {"a.csv": b"id,x\n1,-\n2,-\n1,-\n", "b.csv.gz": b"x,id\n\n-,3\n-,2\n", "c.json": b'{"id":3}\n{"id":4}\n'}
    result = job.clean(files, contract_of([ID]))
    assert [row[0] for row in result.staged] == [1, 2, 3, 4, 7]
    assert places(result) == {
        ("a.csv", 4, "id", "duplicate key"),
        ("b.csv.gz", 4, "id", "duplicate key"),
        ("c.json", 1, "id", "duplicate key"),
        ("d.parquet", 2, "id", "duplicate key"),
    }
    raw = {Path(row[1]).name: row[5] for row in result.rejected}
    assert raw == {"a.csv": "1,-", "b.csv.gz": "-,2", "c.json": '{"id":3}', "d.parquet": '{"id":1}'}
    assert result.manifest["rejected_reasons"] == {"id: duplicate key": 4}
    assert [file["rows"] for file in result.manifest["files_in"]] == [3, 2, 2, 2]


def test_nulls_are_not_equal(job: Any, contract_of: Callable[..., str]) -> None:
    result = job.clean({"x.csv": b"id,x\n,\n,\n1,\n1,\n"}, contract_of([ID]))
    assert result.staged == [(None,), (None,), (1,)]


def test_values_are_compared_and_not_texts(job: Any, contract_of: Callable[..., str]) -> None:
    result = job.clean({"x.csv": b"id,x\n1,\n+01,\n1.0,\n"}, contract_of([ID]))
    assert result.staged == [(1,)]
    assert result.refused == [(3, "id", "duplicate key"), (4, "id", "duplicate key")]


def test_a_composite_key_is_unique_together_and_its_columns_are_required(
    job: Any, contract_of: Callable[..., str]
) -> None:
    lines = ["a,b,c", "x,1,p", "x,2,q", "y,1,r", "x,1,s", ",1,t", "z,,u"]
    result = job.clean({"x.csv": "\n".join(lines).encode()}, contract_of(PAIR))
    assert [row[2] for row in result.staged] == ["p", "q", "r"]
    assert result.refused == [
        (5, "b, a", "duplicate key"),
        (6, "a", "required but empty"),
        (7, "b", "required but empty"),
    ]
    assert result.manifest["rejected_reasons"]["b, a: duplicate key"] == 1


def test_a_row_that_is_refused_takes_no_key(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([ID, {"name": "n", "logicalType": "integer"}])
    result = job.clean({"x.csv": b"id,n\n1,bad\n1,5\n1,6\n"}, contract)
    assert result.staged == [(1, 5)]
    assert result.refused == [(2, "n", "not a BIGINT"), (4, "id", "duplicate key")]


def test_a_duplicate_of_one_key_takes_no_other_key(job: Any, contract_of: Callable[..., str]) -> None:
    lines = ["a,b,c", "x,1,p", "x,1,q", "y,1,q", "z,1,q"]
    result = job.clean({"x.csv": "\n".join(lines).encode()}, contract_of(PAIR))
    assert [row[2] for row in result.staged] == ["p", "q"]
    assert result.refused == [(3, "b, a", "duplicate key"), (5, "c", "duplicate key")]


def test_a_duplicate_of_a_later_key_takes_no_earlier_key(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{**ID, "primaryKey": True}, {"name": "email", "unique": True}])
    # Each row shares one key with the row before it: every second one stays.
    result = job.clean({"x.csv": b"id,email\n1,x\n2,x\n2,y\n3,y\n3,z\n"}, contract)
    assert result.staged == [(1, "x"), (2, "y"), (3, "z")]
    assert result.refused == [(3, "email", "duplicate key"), (5, "email", "duplicate key")]


@pytest.mark.parametrize("seed", range(2))
def test_several_keys_are_decided_in_the_order_of_the_rows(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    from glue_python_job.cleaning import duplicates

    monkeypatch.setattr(duplicates, "ROWS_PER_PASS", 1_000)
    monkeypatch.setattr(duplicates, "ROWS_PER_FETCH", 100)
    monkeypatch.setattr(duplicates, "ROWS_PER_INSERT", 70)
    names, random_ = ("a", "b", "c"), random.Random(seed)
    taken: list[set[str]] = [set() for _ in names]
    kept, refused, files, keys = [], [], {}, ("", *map(str, range(900)))
    for file in ("x.csv", "y.csv"):
        lines = [",".join(names)]
        for line in range(2, 1_500):
            row = [random_.choice(keys) for _ in names]
            lines.append(",".join(row))
            broken = [name for name, value, there in zip(names, row, taken) if value in there]
            if broken:
                refused.append((file, line, broken[0], "duplicate key"))
                continue
            kept.append(tuple(value or None for value in row))
            for value, there in zip(row, taken):
                there |= {value} - {""}
        files[file] = "\n".join(lines).encode()
    result = job.clean(files, contract_of([{"name": name, "unique": True} for name in names]))
    assert result.staged == kept
    assert places(result) == set(refused)


def test_lines_and_texts_after_quoted_line_ends_and_refused_lines(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([ID, {"name": "t", "logicalTypeOptions": {"maxLength": 9}}])
    lines = [
        b"id,t",
        b'1,"a\nb"',
        b"2,too long a text",
        b"",
        b"bad",
        b'1,"c\r\n""d"""',
        b"3,\xff",
        b'1,"',
        b"3,e",
        b"3,f",
    ]
    result = job.clean({"x.csv": b"\n".join(lines)}, contract)
    assert result.staged == [(1, "a\nb"), (3, "e")]
    assert {row[2]: row[5] for row in result.rejected if row[4] == "duplicate key"} == {7: '1,"c\r\n""d"""', 12: "3,f"}
    assert len(result.rejected) == 6


def test_a_key_that_comes_only_once_leaves_the_files_as_they_are(job: Any, contract_of: Callable[..., str]) -> None:
    result = job.clean({"x.csv": b"id,x\n1,\n2,\n"}, contract_of([ID]))
    checked = [line for line in result.logs if line["message"] == "unique keys checked"]
    assert [line["rows"] for line in checked] == [0]


def test_a_key_that_is_the_same_in_every_row(job: Any, contract_of: Callable[..., str], small_pieces: int) -> None:
    result = job.clean({f"{n}.csv": b"id,x\n" + b"1,-\n" * 3_000 for n in range(3)}, contract_of([ID]))
    assert result.staged == [(1,)]
    assert len(result.rejected) == 8_999
    assert sum(file["rows"] for file in result.manifest["rejected_files"]) == 8_999
    assert len(result.manifest["rejected_files"]) > 1


@pytest.mark.parametrize("seed", range(2))
def test_duplicates_over_many_batches_and_passes(
    job: Any, contract_of: Callable[..., str], small_pieces: int, seed: int
) -> None:
    random_ = random.Random(seed)
    seen: set[int] = set()
    expected, kept, files = set(), [], {}
    for name in ("a.csv", "b.csv.gz", "c.json"):
        lines = [] if name == "c.json" else ["id,n"]
        for _ in range(3_000):
            key, bad = random_.randrange(20_000), random_.random() < 0.05
            line = len(lines) + 1
            if bad:
                expected.add((name, line, "n", "not a BIGINT"))
            elif key in seen:
                expected.add((name, line, "id", "duplicate key"))
            else:
                seen.add(key)
                kept.append((key, line))
            value = '"x"' if bad else str(line)
            lines.append(f'{{"id": {key}, "n": {value}}}' if name == "c.json" else f"{key},{value}")
        files[name] = "\n".join(lines).encode()
    result = job.clean(files, contract_of([ID, {"name": "n", "logicalType": "integer"}]))
    assert result.staged == kept
    assert places(result) == expected
    assert len(result.rejected) == len(expected) > 1_000
    assert len(result.manifest["files_out"]) > 3


@pytest.mark.parametrize("in_memory", [0, 10**9])
def test_the_rows_that_remain_keep_their_order(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    from glue_python_job.cleaning import duplicates

    monkeypatch.setattr(duplicates, "ROWS_PER_JOIN", in_memory)
    job.write({}, contract_of([ID]))
    # Row groups enough for several threads; every second row repeats the one before.
    rows = duckdb.sql("SELECT (i // 2) * 2 AS id FROM range(400000) t(i)")
    rows.write_parquet(f"{job.root}/source/x.parquet")
    result = job.run()
    assert result.staged == [(number,) for number in range(0, 400_000, 2)]
    assert result.manifest["rejected_reasons"] == {"id: duplicate key": 200_000}


def test_a_source_that_changes_while_the_job_runs_is_noticed(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.cleaning.duplicates import Duplicates

    find = Duplicates.find

    def changing(self: Duplicates, parts: Any) -> int:
        (job.root / "source" / "x.csv").write_bytes(b"id,x\n1,changed\n1,changed\n")
        return find(self, parts)

    monkeypatch.setattr(Duplicates, "find", changing)
    assert "x.csv changed while the job ran" in job.fail({"x.csv": b"id,x\n1,\n1,\n"}, contract_of([ID]))


def test_a_key_with_a_column_named_like_a_helper(job: Any, contract_of: Callable[..., str]) -> None:
    key = [
        {"name": "order_id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "position", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
    ]
    result = job.clean({"x.csv": b"order_id,position\n7,1\n7,2\n7,1\n"}, contract_of(key))
    assert result.staged == [(7, 1), (7, 2)]
    assert result.refused == [(4, "order_id, position", "duplicate key")]


SORTED: list[tuple[list[tuple[str, int]], list[int]]] = [
    ([("a", 1), ("b", 1), ("a", 2), ("b", 3), ("a", 7)], []),
    ([("a", 1), ("b", 1), ("b", 1), ("b", 3), ("b", 4)], [4]),
    ([("a", 1), ("b", 1), ("b", 3), ("b", 4), ("b", 1)], [6]),
    ([("a", 1), ("b", 1), ("b", 3), ("b", 4), ("b", 4)], [6]),
    ([("a", 1), ("a", 1), ("b", 3), ("b", 4), ("b", 5)], [3]),
]


@pytest.mark.parametrize(("keys", "refused"), SORTED)
def test_keys_that_ascend_are_not_grouped(
    job: Any,
    contract_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    keys: list[tuple[str, int]],
    refused: list[int],
) -> None:
    from glue_python_job.cleaning.duplicates import Duplicates

    grouped, find = [], Duplicates._find

    def noted(*given: Any) -> None:
        grouped.append(given)
        find(*given)

    monkeypatch.setattr("glue_python_job.cleaning.duplicates.ROWS_OF_SAMPLE", 3)
    monkeypatch.setattr(Duplicates, "_find", noted)
    text = "a,b\n" + "".join(f"{a},{b}\n" for a, b in keys)
    result = job.clean({"x.csv": text.encode()}, contract_of(PAIR[:2]))
    assert [line for line, _, _ in result.refused] == refused
    assert bool(grouped) == bool(refused)


def test_keys_that_ascend_but_for_nulls_are_unique(job: Any, contract_of: Callable[..., str]) -> None:
    result = job.clean({"x.csv": b"id,x\n1,\n2,\n,\n3,\n3,\n"}, contract_of([ID]))
    assert [row[0] for row in result.staged] == [1, 2, None, 3]
    assert result.refused == [(6, "id", "duplicate key")]
