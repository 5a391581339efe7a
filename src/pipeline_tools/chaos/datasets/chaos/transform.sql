CREATE TEMPORARY VIEW chaos_lines AS SELECT id, place, amount FROM lines;

CREATE TEMPORARY VIEW chaos_totals AS SELECT place, SUM(amount) AS total FROM lines GROUP BY place;
