from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest

from dataset_contract import formats


def read(pattern: str, text: str) -> datetime | None:
    """A text as an engine reads it: all of the shape, then strptime. Moments are UTC."""
    formats.check(pattern, with_time=True)
    query = """
        SELECT CASE WHEN regexp_full_match(t, $shape) THEN epoch_us(try_strptime(z, $format)) END
        FROM (SELECT $text AS t, CASE WHEN contains($format, '%z') THEN replace(t, 'Z', '+00:00') ELSE t END AS z)
    """
    parameters = {"shape": formats.shape(pattern), "format": formats.duckdb(pattern), "text": text}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        micros = connection.execute(query, parameters).fetchall()[0][0]
    if micros is None:
        return None
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 (in UTC)


NEW_YEAR = datetime(2024, 1, 2)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd", "2024-01-02"),
        ("uuuu/MM/dd", "2024/01/02"),
        ("dd.MM.yyyy", "02.01.2024"),
        ("d.M.yyyy", "2.1.2024"),
        ("d.M.yyyy", "02.01.2024"),
        ("yyyyMMdd", "20240102"),
        ("dd MMM yyyy", "02 Jan 2024"),
        ("d MMMM yyyy", "2 January 2024"),
        ("yyyyDDD", "2024002"),
        ("yyyy-DDD", "2024-002"),
        ("'day' dd 100%, MM yyyy", "day 02 100%, 01 2024"),
        ("yyyy''MM''dd", "2024'01'02"),
    ],
)
def test_a_day(pattern: str, text: str) -> None:
    formats.check(pattern, with_time=False)
    assert read(pattern, text) == NEW_YEAR


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss", "2024-01-02T03:04:05", NEW_YEAR.replace(hour=3, minute=4, second=5)),
        ("yyyy-MM-dd HH:mm", "2024-01-02 23:59", NEW_YEAR.replace(hour=23, minute=59)),
        ("yyyy-MM-dd H", "2024-01-02 3", NEW_YEAR.replace(hour=3)),
        ("yyyyMMddHHmmss", "20240102030405", NEW_YEAR.replace(hour=3, minute=4, second=5)),
        ("MM/dd/yyyy hh:mm a", "01/02/2024 03:04 PM", NEW_YEAR.replace(hour=15, minute=4)),
        ("MM/dd/yyyy h:mm a", "01/02/2024 12:04 AM", NEW_YEAR.replace(minute=4)),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2024-01-02 00:00:01.120", NEW_YEAR.replace(second=1, microsecond=120000)),
        ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-01-02 00:00:01.000012", NEW_YEAR.replace(second=1, microsecond=12)),
        ("yyyy-MM-dd HH:mm:ss.S", "2024-01-02 00:00:01.5", NEW_YEAR.replace(second=1, microsecond=500000)),
        ("yyyy-MM-dd HH:mmXXX", "2024-01-02 03:00+02:00", NEW_YEAR.replace(hour=1)),
        ("yyyy-MM-dd HH:mmXXX", "2024-01-02 03:00Z", NEW_YEAR.replace(hour=3)),
        ("yyyy-MM-dd HH:mm xx", "2024-01-02 03:00 -0130", NEW_YEAR.replace(hour=4, minute=30)),
        ("yyyy-MM-dd HH:mmX", "2024-01-02 03:00+02", NEW_YEAR.replace(hour=1)),
        ("yyyy-MM-dd HH:mmX", "2024-01-02 18:00+18", NEW_YEAR),
        ("yyyy-MM-dd HH:mmXX", "2024-01-02 18:00+1800", NEW_YEAR),
        ("yyyy-MM-dd HH:mmxxx", "2024-01-02 17:59+17:59", NEW_YEAR),
        ("yyyy-MM-dd HH:mmxxx", "2024-01-02 00:00-18:00", NEW_YEAR.replace(hour=18)),
    ],
)
def test_a_moment(pattern: str, text: str, expected: datetime) -> None:
    assert read(pattern, text) == expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("dd/MM/yyyy", "2/1/2024"),
        ("dd/MM/yyyy", "02/13/2024"),
        ("dd/MM/yyyy", "30/02/2024"),
        ("dd/MM/yyyy", "02/01/24"),
        ("dd/MM/yyyy", "02/01/2024 "),
        ("dd/MM/yyyy", "02/01/2024 10:00"),
        ("dd/MM/yyyy", "02-01-2024"),
        ("dd MMM yyyy", "02 jan 2024"),
        ("dd.MM.yyyy", "02x01x2024"),
        ("yyyy-MM-dd HH:mm", "2024-01-02 24:00"),
        ("yyyy-MM-dd hh:mm a", "2024-01-02 13:00 PM"),
        ("yyyy-MM-dd hh:mm a", "2024-01-02 00:30 AM"),
        ("yyyy-MM-dd HH:mm:ss", "2024-01-02 00:00:60"),
        ("yyyy-DDD", "2023-000"),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2024-01-02 00:00:01.12"),
        ("yyyy-MM-dd HH:mmXXX", "2024-01-02 03:00"),
        ("yyyy-MM-dd HH:mmxxx", "2024-01-02 03:00Z"),
        ("yyyy-MM-dd HH:mmX", "2024-01-02 03:00+19"),
        *(("yyyy-MM-dd HH:mmxx", f"2024-01-02 03:00{offset}") for offset in ("+1801", "-0160", "+9999")),
        *(
            ("yyyy-MM-dd HH:mm XXX", f"2024-01-02 03:00 {offset}")
            for offset in ("+18:01", "+01:60", "-19:00", "+99:99")
        ),
    ],
)
def test_a_text_that_is_not_written_so(pattern: str, text: str) -> None:
    assert read(pattern, text) is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("dd/MM/yy", "has yy: a year without its four digits may be of any century; accepted: yyyy"),
        ("YYYY-MM-dd", "has YYYY, which is not read"),
        ("yyyy-mm-dd", "does not name a day"),
        ("yyyy-MM", "does not name a day; accepted: yyyy with MM and dd, or with DDD"),
        ("", "does not name a day"),
        ("yyyy-MM-dd-DDD", "names the day twice"),
        ("yyyy-MM-dd MM", "has the month twice"),
        ("yyyy-MM-dd hh", "has h without a"),
        ("yyyy-MM-dd HH a", "has h without a, or a without h"),
        ("yyyy-MM-dd HH hh a", "names the hour twice"),
        ("yyyy-MM-dd mm", "has the minute without the hour"),
        ("yyyy-MM-dd HH:ss", "has the second without the minute"),
        ("yyyy-MM-dd HH:mm.SSS", "has the fraction without the second"),
        ("yyyy-MM-dTHH", "has T, which is not read"),
        ("yyyy-MM-dd HH:mm z", "has z, which is not read"),
        ("yyyy-MM-dd HH:mmZ", "has Z; accepted: X for Z"),
        ("EEE dd MM yyyy", "has EEE, which is not read"),
        ("yyyy-MM-dd[ HH]", "which DateTimeFormatter reserves"),
        ("yyyy-MM-dd'T", "has a ' without its end"),
        ("yyyy-MM-dd HH:mm'Z'XXX", "has the letter Z beside an offset"),
        ("yyyyMd", "has the month of one or two digits directly before the day"),
        ("yyyy-MM-dd SSSSSSSSS", "has SSSSSSSSS, which is not read"),
    ],
)
def test_a_pattern_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        formats.check(pattern, with_time=True)
    assert problem in str(caught.value)


@pytest.mark.parametrize("part", ["HH", "hh a", "XXX"])
def test_a_date_has_no_time(part: str) -> None:
    with pytest.raises(ValueError, match="which a DATE does not hold"):
        formats.check(f"yyyy-MM-dd {part}", with_time=False)
