-- No row was lost between the source and the staged files, nor between those and Spark.
CALL audit.check_equal(
    'rows_in = rows_staged + rows_rejected',
    CAST(:python_rows_in AS BIGINT),
    CAST(:python_rows_out AS BIGINT) + CAST(:python_rows_rejected AS BIGINT)
);

CALL audit.check_equal(
    'rows read by Spark = rows_staged', CAST(:python_rows_out AS BIGINT), CAST(:spark_rows_in AS BIGINT)
);
