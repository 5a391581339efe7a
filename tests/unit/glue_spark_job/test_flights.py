"""The transformation of the dataset "flights" (sql/datasets/flights/transform.sql), on rows written by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from dataset_contract import parameters as declared
from dataset_contract import reading
from glue_spark_job import parameters, statements, transformation
from glue_spark_job.origins import Script

pytestmark = pytest.mark.spark

DATASET = Path(__file__).parents[3] / "sql" / "datasets" / "flights"

# Rows of the references, and the columns that the transformation reads; the others are null.
REFERENCES = {
    "airlines": ("carrier, name", "('UA', 'United Air Lines Inc.'), ('B6', 'JetBlue Airways')"),
    "airports": (
        "faa, name",
        "('EWR', 'Newark Liberty Intl'), ('JFK', 'John F Kennedy Intl'), ('IAH', 'George Bush Intercontinental')",
    ),
    "planes": (
        "tailnum, year, manufacturer, model, seats",
        "('N14228', 1999, 'BOEING', '737-824', 149), ('N00001', NULL, NULL, NULL, 4)",
    ),
    "weather": (
        "origin, time_hour, temp, wind_speed, precip, visib",
        "('EWR', '2013-01-01T10:00:00Z', 39.02D, 12.5D, 0D, 10D), "
        # Two observations of one hour: averaged, and no flight is doubled.
        "('JFK', '2013-01-02T01:00:00Z', 40D, 10D, 0D, 10D), ('JFK', '2013-01-02T01:00:00Z', 44D, NULL, 0.5D, 8D)",
    ),
}
COLUMNS = (
    "year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight, "
    "tailnum, origin, dest, air_time, distance, hour, minute, time_hour"
)
FLIGHTS = """
    (2013, 1, 1,  517,  515,    2,  830,  819,   16, 'UA',   1, 'N14228', 'EWR', 'IAH',  227, 1400,  5, 15, '2013-01-01T10:00:00Z'),
    (2013, 1, 1,  533,  529,    4,  850,  835,   15, 'UA',   2, 'N00001', 'EWR', 'IAH',  227, 1400,  5, 29, '2013-01-01T10:00:00Z'),
    (2013, 1, 1, 2029, 2030,   -1, 2300, 2310,  -10, 'B6',   3, 'N99999', 'JFK', 'XXX',  150,  500, 20, 30, '2013-01-02T01:00:00Z'),
    (2013, 1, 1, NULL,  600, NULL, NULL,  900, NULL, 'UA',   4, NULL,     'EWR', 'IAH', NULL, 1400,  6,  0, '2013-01-01T11:00:00Z'),
    (2013, 1, 1,  605,  600,    5, NULL,  900, NULL, 'ZZ',   5, 'N14228', 'LGA', 'IAH', NULL, 1400,  6,  0, '2013-01-01T11:00:00Z'),
    (2013, 1, 2,  517,  515,    3,  830,  819,   40, 'UA',   1, 'N14228', 'EWR', 'IAH',  227, 1400,  5, 15, '2013-01-02T10:00:00Z')
"""  # noqa: E501 (a table)


@pytest.fixture(scope="module")
def views(spark_session: SparkSession) -> dict[str, Any]:
    """The output tables over the rows above, as the job makes them."""
    spark = spark_session
    agreed = reading.parse(yaml.safe_load((DATASET / "contract.yaml").read_text(encoding="utf-8")))
    for table in (agreed.source, *agreed.references):
        names, rows = (COLUMNS, FLIGHTS) if table is agreed.source else REFERENCES[table.name]
        given = names.split(", ")
        casts = [
            f"CAST({item.name if item.name in given else 'NULL'} AS {item.type.spark}) AS {item.name}"
            for item in table.columns
        ]
        spark.sql(f"SELECT {', '.join(casts)} FROM VALUES {rows} AS t({names})").createOrReplaceTempView(table.name)
    parameters.register(spark, agreed.parameters, declared.resolve(agreed, {}))
    script = Script("transform.sql", statements.split((DATASET / "transform.sql").read_text(encoding="utf-8")))
    frames = transformation.transform(spark, script, agreed.outputs, "j1")
    return {name: [row.asDict() for row in frame.collect()] for name, frame in frames.items()}


def test_each_scheduled_flight_is_one_row_with_what_is_known_about_it(views: dict[str, Any]) -> None:
    rows = sorted(views["enriched_flights"], key=lambda row: (row["flight_date"], row["flight"]))
    known = {
        "flight_date": date(2013, 1, 1),
        "scheduled_hour": datetime(2013, 1, 1, 10, tzinfo=UTC).astimezone().replace(tzinfo=None),
        "carrier": "UA",
        "carrier_name": "United Air Lines Inc.",
        "flight": 1,
        "tailnum": "N14228",
        "origin": "EWR",
        "origin_name": "Newark Liberty Intl",
        "dest": "IAH",
        "dest_name": "George Bush Intercontinental",
        "distance": 1400,
        "air_time": 227,
        "dep_delay": 2,
        "arr_delay": 16,
        "cancelled": False,
        "late": True,
        "plane_year": 1999,
        "plane_manufacturer": "BOEING",
        "plane_model": "737-824",
        "plane_seats": 149,
        "temperature": 39.02,
        "wind_speed": 12.5,
        "precipitation": 0.0,
        "visibility": 10.0,
        "job_id": "j1",
    }
    no_plane = {"plane_year": None, "plane_manufacturer": None, "plane_model": None, "plane_seats": None}
    no_weather = {"temperature": None, "wind_speed": None, "precipitation": None, "visibility": None}

    def hour(day: int, hour: int) -> datetime:
        return datetime(2013, 1, day, hour, tzinfo=UTC).astimezone().replace(tzinfo=None)

    assert rows == [
        known,
        # Exactly late_minutes is not late; a plane that is known, but little of it.
        known
        | no_plane
        | {"flight": 2, "tailnum": "N00001", "dep_delay": 4, "arr_delay": 15, "late": False}
        | {"plane_seats": 4},
        # An evening flight: the local day, and the weather of the next day in UTC. Plane and destination are unknown.
        known
        | no_plane
        | {
            "scheduled_hour": hour(2, 1),
            "carrier": "B6",
            "carrier_name": "JetBlue Airways",
            "flight": 3,
            "tailnum": "N99999",
            "origin": "JFK",
            "origin_name": "John F Kennedy Intl",
            "dest": "XXX",
            "dest_name": None,
            "distance": 500,
            "air_time": 150,
            "dep_delay": -1,
            "arr_delay": -10,
            "late": False,
            "temperature": 42.0,
            "wind_speed": 10.0,
            "precipitation": 0.25,
            "visibility": 9.0,
        },
        # Cancelled: no plane yet, and no weather for that hour.
        known
        | no_plane
        | no_weather
        | {"scheduled_hour": hour(1, 11), "flight": 4, "tailnum": None, "air_time": None}
        | {"dep_delay": None, "arr_delay": None, "cancelled": True, "late": None},
        # Departed and never arrived as planned (diverted); carrier and origin are unknown to the references.
        known
        | no_weather
        | {"scheduled_hour": hour(1, 11), "carrier": "ZZ", "carrier_name": None, "flight": 5, "origin": "LGA"}
        | {"origin_name": None, "air_time": None, "dep_delay": 5, "arr_delay": None, "late": None},
        known
        | no_weather
        | {"flight_date": date(2013, 1, 2), "scheduled_hour": hour(2, 10), "dep_delay": 3, "arr_delay": 40},
    ]


def test_delays_are_summed_by_carrier_route_and_day(views: dict[str, Any]) -> None:
    rows = sorted(tuple(row.values()) for row in views["route_delays"])
    first, second = date(2013, 1, 1), date(2013, 1, 2)
    assert rows == [
        (first, "B6", "JFK", "XXX", 1, 0, 0, -1.0, -10.0, -10, "j1"),
        (first, "UA", "EWR", "IAH", 3, 1, 1, 3.0, 15.5, 16, "j1"),
        (first, "ZZ", "LGA", "IAH", 1, 0, 0, 5.0, None, None, "j1"),
        (second, "UA", "EWR", "IAH", 1, 0, 1, 3.0, 40.0, 40, "j1"),
    ]
    assert sum(row[4] for row in rows) == len(views["enriched_flights"])
