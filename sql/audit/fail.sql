-- The row is there unless the execution failed before RegisterJob. The latest attempt has the last word: an event that
-- arrives late never overwrites the outcome of a later redrive, nor the success of its own attempt.
-- A value that is not known is bound as '-', since the Data API takes neither null nor an empty text.
INSERT INTO audit.job_run (job_id, attempt, execution_arn, status, started_at)
SELECT :job_id, CAST(:attempt AS INTEGER), :execution_arn, 'FAILED', CAST(:started_at AS TIMESTAMP)
WHERE NOT EXISTS (SELECT 1 FROM audit.job_run WHERE job_id = :job_id);

UPDATE audit.job_run
SET
    status = 'FAILED', attempt = CAST(:attempt AS INTEGER), finished_at = CAST(:finished_at AS TIMESTAMP),
    dataset = COALESCE(dataset, NULLIF(:dataset, '-')), source_uri = COALESCE(source_uri, NULLIF(:source_uri, '-')),
    rows_in = CAST(NULLIF(:rows_in, '-') AS BIGINT), rows_staged = CAST(NULLIF(:rows_staged, '-') AS BIGINT),
    rows_rejected = CAST(NULLIF(:rows_rejected, '-') AS BIGINT),
    rows_curated = CAST(NULLIF(:rows_curated, '-') AS BIGINT),
    failed_state = NULLIF(:failed_state, '-'), error = :error, cause = :cause
WHERE
    job_id = :job_id
    AND (attempt < CAST(:attempt AS INTEGER) OR (attempt = CAST(:attempt AS INTEGER) AND status <> 'SUCCEEDED'));

-- The stages that were completed, where the row above is now that of this attempt.
DELETE FROM audit.stage_run
WHERE
    job_id = :job_id
    AND EXISTS (
        SELECT 1 FROM audit.job_run
        WHERE job_id = :job_id AND attempt = CAST(:attempt AS INTEGER) AND status = 'FAILED'
    );

INSERT INTO audit.stage_run (
    job_id, attempt, stage, rows_in, rows_out, rows_rejected, bytes_in, bytes_out, files_out, started_at, finished_at,
    code_version, contract_version
)
SELECT
    job_id, attempt, 'python', CAST(NULLIF(:python_rows_in, '-') AS BIGINT),
    CAST(NULLIF(:python_rows_out, '-') AS BIGINT), CAST(NULLIF(:python_rows_rejected, '-') AS BIGINT),
    CAST(NULLIF(:python_bytes_in, '-') AS BIGINT), CAST(NULLIF(:python_bytes_out, '-') AS BIGINT),
    CAST(NULLIF(:python_files_out, '-') AS BIGINT), CAST(NULLIF(:python_started_at, '-') AS TIMESTAMP),
    CAST(NULLIF(:python_finished_at, '-') AS TIMESTAMP), :python_code_version, :python_contract_version
FROM audit.job_run
WHERE
    job_id = :job_id AND attempt = CAST(:attempt AS INTEGER) AND status = 'FAILED' AND :python_finished_at <> '-';

INSERT INTO audit.stage_run (
    job_id, attempt, stage, rows_in, rows_out, rows_rejected, bytes_in, bytes_out, files_out, started_at, finished_at,
    code_version, contract_version
)
SELECT
    job_id, attempt, 'spark', CAST(NULLIF(:spark_rows_in, '-') AS BIGINT),
    CAST(NULLIF(:spark_rows_out, '-') AS BIGINT), CAST(NULLIF(:spark_rows_rejected, '-') AS BIGINT),
    CAST(NULLIF(:spark_bytes_in, '-') AS BIGINT), CAST(NULLIF(:spark_bytes_out, '-') AS BIGINT),
    CAST(NULLIF(:spark_files_out, '-') AS BIGINT), CAST(NULLIF(:spark_started_at, '-') AS TIMESTAMP),
    CAST(NULLIF(:spark_finished_at, '-') AS TIMESTAMP), :spark_code_version, :spark_contract_version
FROM audit.job_run
WHERE
    job_id = :job_id AND attempt = CAST(:attempt AS INTEGER) AND status = 'FAILED' AND :spark_finished_at <> '-';
