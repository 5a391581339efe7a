CREATE TEMPORARY VIEW turnover AS
SELECT s.sku, sum(s.pieces * p.price) AS amount
FROM sales AS s JOIN price_list AS p ON p.sku = s.sku
GROUP BY s.sku;
