CREATE TEMPORARY VIEW shop_all AS SELECT sku, day, pieces FROM shop_sales;
CREATE TEMPORARY VIEW shop_days AS SELECT sku, day, pieces FROM shop_sales;
CREATE TEMPORARY VIEW shop_latest AS
SELECT sku, max(day) AS day, max_by(pieces, coalesce(day, DATE '0001-01-01')) AS pieces FROM shop_sales GROUP BY sku;
CREATE TEMPORARY VIEW shop_total AS SELECT sum(pieces) AS pieces FROM shop_sales;
