-- Each line with its revenue, and the revenue per ship mode and month.
CREATE TEMPORARY VIEW lines AS
SELECT
    l_orderkey,
    l_linenumber,
    l_partkey,
    l_shipmode,
    l_shipdate,
    CAST(l_extendedprice * (1 - l_discount) AS DECIMAL(18, 4)) AS revenue
FROM lineitem;

CREATE TEMPORARY VIEW ship_modes AS
SELECT
    l_shipmode,
    CAST(trunc(l_shipdate, 'MM') AS DATE) AS ship_month,
    COUNT(*) AS lines,
    CAST(SUM(l_extendedprice * (1 - l_discount)) AS DECIMAL(22, 4)) AS revenue
FROM lineitem
GROUP BY l_shipmode, trunc(l_shipdate, 'MM');
