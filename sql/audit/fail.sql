-- The row is there unless the execution failed before RegisterJob. The latest attempt has the last word: an event that
-- arrives late never overwrites the outcome of a later redrive, nor the success of its own attempt.
-- A value that is not known is bound as '-', since the Data API takes neither null nor an empty text.
INSERT INTO audit.job_run (job_id, attempt, execution_arn, status, started_at)
SELECT
    CAST(:job_id AS VARCHAR(56)), CAST(:attempt AS INTEGER), CAST(:execution_arn AS VARCHAR(800)), 'FAILED',
    CAST(:started_at AS TIMESTAMP)
WHERE NOT EXISTS (SELECT 1 FROM audit.job_run WHERE job_id = :job_id);

UPDATE audit.job_run
SET
    status = 'FAILED', attempt = CAST(:attempt AS INTEGER), finished_at = CAST(:finished_at AS TIMESTAMP),
    dataset = COALESCE(dataset, NULLIF(CAST(:dataset AS VARCHAR(127)), '-')),
    source_uri = COALESCE(source_uri, NULLIF(CAST(:source_uri AS VARCHAR(1100)), '-')),
    rows_in = CAST(NULLIF(CAST(:rows_in AS VARCHAR(32)), '-') AS BIGINT),
    rows_staged = CAST(NULLIF(CAST(:rows_staged AS VARCHAR(32)), '-') AS BIGINT),
    rows_rejected = CAST(NULLIF(CAST(:rows_rejected AS VARCHAR(32)), '-') AS BIGINT),
    rows_curated = CAST(NULLIF(CAST(:rows_curated AS VARCHAR(32)), '-') AS BIGINT),
    failed_state = NULLIF(CAST(:failed_state AS VARCHAR(80)), '-'), error = CAST(:error AS VARCHAR(256)),
    cause = CAST(:cause AS VARCHAR(16000))
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
    job_id, attempt, 'python',
    CAST(NULLIF(CAST(:python_rows_in AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_rows_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_rows_rejected AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_bytes_in AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_bytes_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_files_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:python_started_at AS VARCHAR(32)), '-') AS TIMESTAMP),
    CAST(NULLIF(CAST(:python_finished_at AS VARCHAR(32)), '-') AS TIMESTAMP),
    CAST(:python_code_version AS VARCHAR(64)), CAST(:python_contract_version AS VARCHAR(64))
FROM audit.job_run
WHERE
    job_id = :job_id AND attempt = CAST(:attempt AS INTEGER) AND status = 'FAILED'
    AND CAST(:python_finished_at AS VARCHAR(32)) <> '-';

INSERT INTO audit.stage_run (
    job_id, attempt, stage, rows_in, rows_out, rows_rejected, bytes_in, bytes_out, files_out, started_at, finished_at,
    code_version, contract_version
)
SELECT
    job_id, attempt, 'spark',
    CAST(NULLIF(CAST(:spark_rows_in AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_rows_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_rows_rejected AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_bytes_in AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_bytes_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_files_out AS VARCHAR(32)), '-') AS BIGINT),
    CAST(NULLIF(CAST(:spark_started_at AS VARCHAR(32)), '-') AS TIMESTAMP),
    CAST(NULLIF(CAST(:spark_finished_at AS VARCHAR(32)), '-') AS TIMESTAMP),
    CAST(:spark_code_version AS VARCHAR(64)), CAST(:spark_contract_version AS VARCHAR(64))
FROM audit.job_run
WHERE
    job_id = :job_id AND attempt = CAST(:attempt AS INTEGER) AND status = 'FAILED'
    AND CAST(:spark_finished_at AS VARCHAR(32)) <> '-';

-- What the job's row is now, for the message: of this failure, of a later attempt, or of a load that this attempt finished.
SELECT
    CASE WHEN attempt > CAST(:attempt AS INTEGER) THEN 'LATER' WHEN status = 'SUCCEEDED' THEN 'LOADED' ELSE 'FAILED' END
    AS outcome
FROM audit.job_run
WHERE job_id = :job_id;
