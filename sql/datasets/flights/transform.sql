-- The transformation of the dataset "flights", in Spark SQL.
--
-- What this file can read, as views:
--   flights                              the source of contract.yaml: the rows that the Python job cleaned and staged
--   airlines, airports, planes, weather  the references of contract.yaml
--   parameters                           one row, one column for each parameter of the run
--
-- What it has to create: a view for each output of contract.yaml, here enriched_flights and route_delays, with exactly
-- the columns listed there (the order does not matter, the job sorts them; it also appends job_id). A statement is
-- CREATE [OR REPLACE] TEMPORARY VIEW name AS SELECT …; views in between are free, and cost nothing by themselves.
--
-- The session is UTC and ANSI: 1/0, an overflow or a cast that cannot keep its value fails the job, and does not
-- become null. Where null is meant, say so: try_cast, try_divide, nullif.

-- What both outputs share. No join here, so that route_delays does not pay for joins that it does not need.
CREATE TEMPORARY VIEW scheduled_flights AS
SELECT
    *,
    -- The local day of departure. (time_hour is UTC: an evening flight would fall on the next day.)
    make_date(year, month, day) AS flight_date,
    -- A flight without a departure time never left.
    dep_time IS NULL AS cancelled,
    -- More than late_minutes; exactly late_minutes is not late. Null when there was no arrival (cancelled, or diverted),
    -- since such a flight is neither late nor on time.
    arr_delay > (SELECT late_minutes FROM parameters) AS late
FROM flights;

-- One row for each airport and hour, whatever the file holds. The contract does not promise that (origin, time_hour)
-- is unique, as it does for the keys of the other references, and two observations would double every flight of that
-- hour; so they are averaged. (Of one observation, the average is the observation.)
CREATE TEMPORARY VIEW hourly_weather AS
SELECT
    origin,
    time_hour,
    avg(temp) AS temperature,
    avg(wind_speed) AS wind_speed,
    avg(precip) AS precipitation,
    avg(visib) AS visibility
FROM weather
GROUP BY origin, time_hour;

-- One row for each scheduled flight. All joins are LEFT and every right side is unique by its key, so the row count is
-- that of the source: a flight to an airport that the reference does not know stays, without a name.
CREATE TEMPORARY VIEW enriched_flights AS
SELECT
    f.flight_date,
    f.time_hour AS scheduled_hour,
    f.carrier,
    airline.name AS carrier_name,
    f.flight,
    f.tailnum,
    f.origin,
    departure.name AS origin_name,
    f.dest,
    destination.name AS dest_name,
    f.distance,
    f.air_time,
    f.dep_delay,
    f.arr_delay,
    f.cancelled,
    f.late,
    plane.year AS plane_year,
    plane.manufacturer AS plane_manufacturer,
    plane.model AS plane_model,
    plane.seats AS plane_seats,
    w.temperature,
    w.wind_speed,
    w.precipitation,
    w.visibility
FROM scheduled_flights AS f
LEFT JOIN airlines AS airline ON airline.carrier = f.carrier
LEFT JOIN airports AS departure ON departure.faa = f.origin
LEFT JOIN airports AS destination ON destination.faa = f.dest
LEFT JOIN planes AS plane ON plane.tailnum = f.tailnum
-- Both are UTC and cut to the hour: the weather at the hour of the scheduled departure.
LEFT JOIN hourly_weather AS w ON w.origin = f.origin AND w.time_hour = f.time_hour;

-- One row for each carrier, route and day. The delays are of the flights that have one: avg and max leave out null.
CREATE TEMPORARY VIEW route_delays AS
SELECT
    flight_date,
    carrier,
    origin,
    dest,
    count(*) AS flights,
    count_if(cancelled) AS cancelled,
    count_if(late) AS late,
    avg(dep_delay) AS mean_dep_delay,
    avg(arr_delay) AS mean_arr_delay,
    max(arr_delay) AS worst_arr_delay
FROM scheduled_flights
GROUP BY flight_date, carrier, origin, dest;
