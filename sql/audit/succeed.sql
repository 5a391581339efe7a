-- What the job loaded is in _table_load, which audit.check_loaded has compared with the tables.
--
-- Where the failure of the attempt was recorded since this transaction began, the first update is in conflict with it
-- (error 1023): the transaction runs again, and is refused by the question at its begin (own.sql).
UPDATE audit.job_attempt
SET status = 'SUCCEEDED', finished_at = GETDATE(), failed_state = NULL, error = NULL, cause = NULL
WHERE job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER);

UPDATE audit.job_run
SET
    status = 'SUCCEEDED', redrive_count = CAST(:redrive_count AS INTEGER),
    attempt = (
        SELECT attempt FROM audit.job_attempt
        WHERE job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
    ),
    finished_at = GETDATE(),
    rows_in = CAST(:python_rows_in AS BIGINT), rows_staged = CAST(:python_rows_out AS BIGINT),
    rows_rejected = CAST(:python_rows_rejected AS BIGINT), rows_curated = CAST(:spark_rows_out AS BIGINT),
    failed_state = NULL, error = NULL, cause = NULL
WHERE job_id = :job_id;

DELETE FROM audit.stage_run WHERE job_id = :job_id;

INSERT INTO audit.stage_run (
    job_id, attempt, stage, rows_in, rows_out, rows_rejected, bytes_in, bytes_out, files_out, started_at, finished_at,
    code_version, contract_version
)
SELECT
    CAST(:job_id AS VARCHAR(56)), (SELECT attempt FROM audit.job_run WHERE job_id = :job_id), 'python',
    CAST(:python_rows_in AS BIGINT), CAST(:python_rows_out AS BIGINT), CAST(:python_rows_rejected AS BIGINT), CAST(:python_bytes_in AS BIGINT),
    CAST(:python_bytes_out AS BIGINT), CAST(:python_files_out AS BIGINT), CAST(:python_started_at AS TIMESTAMP),
    CAST(:python_finished_at AS TIMESTAMP), CAST(:python_code_version AS VARCHAR(64)),
    CAST(:python_contract_version AS VARCHAR(64))
UNION ALL
SELECT
    CAST(:job_id AS VARCHAR(56)), (SELECT attempt FROM audit.job_run WHERE job_id = :job_id), 'spark',
    CAST(:spark_rows_in AS BIGINT),
    CAST(:spark_rows_out AS BIGINT), CAST(:spark_rows_rejected AS BIGINT), CAST(:spark_bytes_in AS BIGINT),
    CAST(:spark_bytes_out AS BIGINT), CAST(:spark_files_out AS BIGINT), CAST(:spark_started_at AS TIMESTAMP),
    CAST(:spark_finished_at AS TIMESTAMP), CAST(:spark_code_version AS VARCHAR(64)),
    CAST(:spark_contract_version AS VARCHAR(64));

INSERT INTO audit.stage_run (
    job_id, attempt, stage, rows_in, rows_out, rows_rejected, bytes_in, files_out, started_at, finished_at,
    code_version, contract_version
)
SELECT
    CAST(:job_id AS VARCHAR(56)), (SELECT attempt FROM audit.job_run WHERE job_id = :job_id), 'load',
    CAST(:spark_rows_out AS BIGINT), SUM(rows_inserted + rows_updated), 0,
    CAST(:spark_bytes_out AS BIGINT), 0, CAST(:load_started_at AS TIMESTAMP), GETDATE(),
    CAST(:code_version AS VARCHAR(64)), CAST(:contract_version AS VARCHAR(64))
FROM _table_load;

UPDATE audit.job_run
SET rows_loaded = (SELECT rows_out FROM audit.stage_run WHERE job_id = :job_id AND stage = 'load')
WHERE job_id = :job_id;

CALL audit.record_load(CAST(:job_id AS VARCHAR(56)), CAST(:dataset AS VARCHAR(127)));

SELECT table_name, rows_inserted + rows_updated AS rows_loaded
FROM _table_load
ORDER BY table_name;
