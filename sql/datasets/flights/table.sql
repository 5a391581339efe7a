-- The tables that a load fills, columns in the order of contract.yaml (COPY from Parquet maps by order), job_id last.
CREATE TABLE IF NOT EXISTS analytics.enriched_flights (
    flight_date DATE NOT NULL,
    scheduled_hour TIMESTAMP NOT NULL,
    carrier VARCHAR(8) NOT NULL,
    carrier_name VARCHAR(128),
    flight INTEGER NOT NULL,
    tailnum VARCHAR(16),
    origin VARCHAR(8) NOT NULL,
    origin_name VARCHAR(128),
    dest VARCHAR(8) NOT NULL,
    dest_name VARCHAR(128),
    distance INTEGER NOT NULL,
    air_time INTEGER,
    dep_delay INTEGER,
    arr_delay INTEGER,
    cancelled BOOLEAN NOT NULL,
    late BOOLEAN,
    plane_year SMALLINT,
    plane_manufacturer VARCHAR(64),
    plane_model VARCHAR(64),
    plane_seats SMALLINT,
    temperature DOUBLE PRECISION,
    wind_speed DOUBLE PRECISION,
    precipitation DOUBLE PRECISION,
    visibility DOUBLE PRECISION,
    job_id VARCHAR(56) NOT NULL
)
DISTKEY (dest)
COMPOUND SORTKEY (job_id, flight_date);

CREATE TABLE IF NOT EXISTS analytics.route_delays (
    flight_date DATE NOT NULL,
    carrier VARCHAR(8) NOT NULL,
    origin VARCHAR(8) NOT NULL,
    dest VARCHAR(8) NOT NULL,
    flights INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    late INTEGER NOT NULL,
    mean_dep_delay DOUBLE PRECISION,
    mean_arr_delay DOUBLE PRECISION,
    worst_arr_delay INTEGER,
    job_id VARCHAR(56) NOT NULL
)
DISTSTYLE EVEN
COMPOUND SORTKEY (job_id, flight_date);
