CREATE TEMPORARY VIEW order_lines AS SELECT order_id, position, note FROM lines_in;
