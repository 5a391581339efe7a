"""Generated sources with known bad rows: every row is accounted for, with its place, reason and text."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from dataset_contract import wording
from glue_python_job.text import grammar, records
from tests.waiting import SECONDS

SOURCE = Path(__file__).parents[3] / "src"
NAMES = ["id", "n", "t", "d"]
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True, "primaryKey": True},
    {
        "name": "n",
        "logicalType": "integer",
        "physicalType": "SMALLINT",
        "logicalTypeOptions": {"minimum": 0, "maximum": 100},
    },
    {"name": "t", "logicalType": "string", "physicalType": "VARCHAR(40)"},
    {"name": "d", "logicalType": "date"},
]
BAD_VALUES = {
    "limit": ("n", ["101", "-1"]),
    "type": ("n", ["1.5", "x", "0x1"]),
    "date": ("d", ["2020-02-30"]),
    "long": ("t", ["é" * 21]),
    "required": ("id", ["NA", ""]),
}
VALUE_REASONS = {
    "101": "more than 100 (maximum)",
    "-1": "less than 0 (minimum)",
    "2020-02-30": "not a DATE",
    "é" * 21: "longer than the 40 bytes of VARCHAR(40)",
    "NA": "required but empty",
    "": "required but empty",
}


@dataclass
class Source:
    """Files with what must become of them."""

    random: random.Random
    quoted: float
    files: dict[str, bytes] = field(default_factory=dict)
    good: list[tuple[Any, ...]] = field(default_factory=list)
    bad: dict[tuple[str, int], tuple[str | None, str, str]] = field(default_factory=dict)
    next_id: int = 0

    def add(self, name: str, rows: int, bad_rate: float) -> None:
        choose = self.random.choice
        order = NAMES + choose([[], ["extra"]])
        self.random.shuffle(order)
        end = choose([b"\n", b"\n", b"\r\n"])
        lines, number = [",".join(order).encode()], 2
        for _ in range(rows):
            values = self._values()
            line, refusal = self._encoded(values, order), None
            if self.random.random() < bad_rate:
                line, refusal = self._spoiled(values, order)
            if refusal:
                text = line[: records.MAX_RECORD_BYTES].decode("utf-8", "backslashreplace")
                self.bad[name, number] = (*refusal, text)
            else:
                self.good.append(typed(values))
            lines.append(line)
            number += 1 + line.count(b"\n")
        self.files[name] = end.join(lines) + choose([end, b""])

    def _values(self) -> dict[str, str]:
        choose = self.random.choice
        self.next_id += 1
        plain, odd = ["x", "y z", "NA", "é", ""], ["a,b", "l\nm", 'q"q', ' "z', "c\rd\r\n"]
        return {
            "id": str(self.next_id),
            "n": choose(["NA", "", "5", "100", "0", "+7"]),
            "t": choose(plain + odd if self.quoted else plain),
            "d": choose(["2020-01-01", "NA"]),
            "extra": choose(["e", "1"]),
        }

    def _encoded(self, values: dict[str, str], order: list[str]) -> bytes:
        return ",".join(self._field(values[name]) for name in order).encode()

    def _field(self, text: str) -> str:
        needs = any(character in text for character in ',"\r\n')
        return '"' + text.replace('"', '""') + '"' if needs or self.random.random() < self.quoted else text

    def _spoiled(self, values: dict[str, str], order: list[str]) -> tuple[bytes, tuple[str | None, str] | None]:
        rest, empty = len(order) - 1, b"," * (len(order) - 1)
        broken = {
            "few": (b"1,2", wording.TOO_FEW_FIELDS),
            "many": (b"1" + b",1" * 8, wording.TOO_MANY_FIELDS),
            "bytes": (b"\xff\xfe" + empty, grammar.ENCODING),
            "nul": (b"\0" + empty, wording.NUL),
            "after": (b'"a"b' + empty, grammar.QUOTES),
            "open": (b'1,"a' + b",1" * (rest - 1), grammar.QUOTES),
            "long line": (b"1" * (records.MAX_RECORD_BYTES + 1), records.TOO_LONG),
        }
        kind = self.random.choice(["duplicate", *BAD_VALUES, *broken])
        if kind in broken:
            line, reason = broken[kind]
            return line, (None, reason)
        if kind == "duplicate":
            if not self.good:
                return self._encoded(values, order), None
            values["id"] = str(self.random.choice(self.good)[0])
            return self._encoded(values, order), ("id", "duplicate key")
        column, choices = BAD_VALUES[kind]
        values[column] = self.random.choice(choices)
        return self._encoded(values, order), (column, VALUE_REASONS.get(values[column], "not a SMALLINT"))


def typed(values: dict[str, str]) -> tuple[Any, ...]:
    id_, n, t, d = (None if values[name] in ("", "NA") else values[name] for name in NAMES)
    return int(id_ or 0), n and int(n), t, d


@pytest.mark.parametrize("seed", range(12))
def test_every_row_is_staged_or_refused(
    job: Any, contract_of: Callable[..., str], small_pieces: int, seed: int
) -> None:
    random_ = random.Random(seed)
    source = Source(random_, quoted=random_.choice([0, 0.1, 1]))
    bad_rate = random_.choice([0.002, 0.05, 0.4])
    for number in range(random_.randint(1, 4)):
        name = f"{number}.csv" + random_.choice(["", "", ".gz"])
        source.add(name, random_.choice([0, 1, 400, 2_000]), bad_rate)
    any_share = {"rejectedRows": {"mustBeLessOrEqualTo": 100, "unit": "percent"}}
    result = job.clean(source.files, contract_of(COLUMNS, ["", "NA"], custom=any_share))
    assert [(*row[:3], row[3] and str(row[3])) for row in result.staged] == source.good
    found = {(Path(row[1]).name, row[2]): (row[3], row[4], row[5]) for row in result.rejected}
    assert found == source.bad
    counts = result.manifest
    assert counts["rows_in"] == counts["rows_out"] + counts["rows_rejected"] == len(source.good) + len(source.bad)
    assert counts["rows_rejected"] == len(result.rejected) == sum(counts["rejected_reasons"].values())
    assert counts["rows_out"] == len(result.staged) == sum(file["rows"] for file in counts["files_out"])
    assert counts["rows_in"] == sum(file["rows"] for file in counts["files_in"])


NUMBERS = {"i": "INTEGER", "b": "BIGINT", "d": "DECIMAL(18,2)", "w": "DECIMAL(38,10)", "f": "DOUBLE PRECISION"}
BITS = {"i": 31, "b": 63}


def number(choose: random.Random) -> str:
    """A number as JSON may write it."""
    whole = str(choose.randrange(10 ** choose.choice([1, 2, 5, 9, 12, 16, 19, 28, 38])))
    fraction = choose.choice(["", "", ".0", f".{choose.randrange(10 ** choose.choice([1, 2, 3, 10, 12]))}", ".500"])
    exponent = choose.choice(["", "", f"e{choose.randrange(-25, 25)}", f"E+{choose.randrange(30):02d}"])
    return choose.choice(["", "-"]) + whole + fraction + exponent


def held(text: str, name: str) -> Decimal | float | None:
    """The value that a type holds of a number, if it holds it exactly."""
    value, exact = Decimal(text), Context(prec=400)
    if name == "f":
        return float(text)
    if name in BITS:
        whole = value == value.to_integral_value(context=exact)
        return value if whole and -(2 ** BITS[name]) <= value < 2 ** BITS[name] else None
    precision, scale = (18, 2) if name == "d" else (38, 10)
    fits = abs(value) < Decimal(10) ** (precision - scale)
    return value if fits and value == value.quantize(Decimal(1).scaleb(-scale), context=exact) else None


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize("seed", range(2))
def test_a_number_is_staged_exactly_or_refused(
    job: Any, contract_of: Callable[..., str], file_format: str, seed: int
) -> None:
    texts = [number(random.Random(f"{seed} {index}")) for index in range(1_500)]
    typed = [{"name": name, "physicalType": type_} for name, type_ in NUMBERS.items()]
    rows: list[tuple[int, str, str]] = []
    expected: list[Decimal | float | None] = []
    for text in texts:
        for name in NUMBERS:
            rows.append((len(rows), name, text))
            # An exponent in CSV is what a spreadsheet left of a whole number.
            written = file_format == "json" or name == "f" or "e" not in text.lower()
            expected.append(held(text, name) if written else None)
    if file_format == "csv":
        header = ",".join(["n", *NUMBERS])
        lines = [f"{n}," + ",".join(text if other == name else "" for other in NUMBERS) for n, name, text in rows]
        content = "\n".join([header, *lines])
    else:
        content = "\n".join(f'{{"n": {n}, "{name}": {text}}}' for n, name, text in rows)
    contract = contract_of([{"name": "n", "logicalType": "integer"}, *typed])
    result = job.clean({f"x.{file_format}": content.encode()}, contract)
    staged = {row[0]: next(value for value in row[1:] if value is not None) for row in result.staged}
    assert [staged.get(n) for n, _, _ in rows] == expected
    assert 0 < len(result.rejected) < len(rows)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_follow_the_size_of_the_source(job: Any, contract_of: Callable[..., str]) -> None:
    job.write({}, contract_of(COLUMNS))
    path = job.root / "source" / "x.csv"
    # 105 MB, a bad row among 1,000 and a duplicate among 10,000, some of it in quotes with a line end.
    duckdb.sql(
        f"""
        COPY (SELECT CASE WHEN i % 10000 = 5000 THEN i - 1 ELSE i END AS id,
                     CASE WHEN i % 1000 = 1 THEN 101 ELSE 5 END AS n,
                     CASE WHEN i % 100 = 7 THEN 'two' || chr(10) || 'lines' ELSE left(md5(i::VARCHAR), 32) END AS t,
                     '2020-01-01' AS d FROM range(2000000) x(i)) TO '{path}' (HEADER)
        """
    )
    argv = [text for name, value in job.arguments.items() for text in (f"--{name}", value)]
    code = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from glue_python_job.main import main; "
        f"assert main({[*argv, '--memory_limit', '128MB']!r}) == 0; "
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    peak = int(done.stdout.splitlines()[-1]) * 1024
    # Only what the run says of its rows: to read two million of them here would take as long as to clean them.
    manifest = job.manifest
    assert manifest["rows_in"] == 2_000_000
    assert manifest["rejected_reasons"] == {"n: more than 100 (maximum)": 2_000, "id: duplicate key": 200}
    assert path.stat().st_size > 100_000_000
    assert peak < 300_000_000
