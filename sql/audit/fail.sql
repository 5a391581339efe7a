-- The attempt has ended so, whatever became of its job. The row of the job is there unless the execution failed before
-- RegisterJob. It says FAILED only where it is still this attempt's, or that of an earlier redrive: an event that arrives
-- late overwrites neither a later attempt nor a success, since the rows are loaded then, whatever failed after the commit.
-- A value that is not known is bound as '-', since the Data API takes neither null nor an empty text.
UPDATE audit.job_attempt
SET
    status = CAST(:attempt_status AS VARCHAR(16)), finished_at = CAST(:finished_at AS TIMESTAMP),
    failed_state = NULLIF(CAST(:failed_state AS VARCHAR(80)), '-'), error = CAST(:error AS VARCHAR(256)),
    cause = CAST(:cause AS VARCHAR(16000))
WHERE job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER);

INSERT INTO audit.job_run (job_id, attempt, execution_arn, redrive_count, status, started_at)
SELECT job_id, attempt, execution_arn, redrive_count, 'FAILED', CAST(:started_at AS TIMESTAMP)
FROM audit.job_attempt
WHERE
    job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
    AND NOT EXISTS (SELECT 1 FROM audit.job_run WHERE job_id = :job_id);

-- Changes nothing, and so is in conflict with a load of the job that goes on beside this: one of the two has to run again,
-- and then sees what the other one wrote.
UPDATE audit.job_run SET attempt = attempt WHERE job_id = :job_id;

UPDATE audit.job_run
SET
    status = 'FAILED', redrive_count = CAST(:redrive_count AS INTEGER),
    attempt = (
        SELECT attempt FROM audit.job_attempt
        WHERE job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
    ),
    finished_at = CAST(:finished_at AS TIMESTAMP),
    dataset = COALESCE(dataset, NULLIF(CAST(:dataset AS VARCHAR(127)), '-')),
    source_uri = COALESCE(source_uri, NULLIF(CAST(:source_uri AS VARCHAR(1100)), '-')),
    parameters = COALESCE(parameters, NULLIF(CAST(:parameters AS VARCHAR(65535)), '-')),
    repeat = COALESCE(repeat, CAST(:repeat AS VARCHAR(5)) = 'true'),
    replays = COALESCE(replays, NULLIF(CAST(:replays AS VARCHAR(56)), '-')),
    rows_in = CAST(NULLIF(CAST(:rows_in AS VARCHAR(32)), '-') AS BIGINT),
    rows_staged = CAST(NULLIF(CAST(:rows_staged AS VARCHAR(32)), '-') AS BIGINT),
    rows_rejected = CAST(NULLIF(CAST(:rows_rejected AS VARCHAR(32)), '-') AS BIGINT),
    rows_curated = CAST(NULLIF(CAST(:rows_curated AS VARCHAR(32)), '-') AS BIGINT),
    failed_state = NULLIF(CAST(:failed_state AS VARCHAR(80)), '-'), error = CAST(:error AS VARCHAR(256)),
    cause = CAST(:cause AS VARCHAR(16000))
WHERE
    job_id = :job_id AND execution_arn = :execution_arn AND redrive_count <= CAST(:redrive_count AS INTEGER)
    AND status <> 'SUCCEEDED';

-- The stages that were completed, where the row above is now that of this attempt.
DELETE FROM audit.stage_run
WHERE
    job_id = :job_id
    AND EXISTS (
        SELECT 1 FROM audit.job_run
        WHERE
            job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
            AND status = 'FAILED'
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
    job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
    AND status = 'FAILED' AND CAST(:python_finished_at AS VARCHAR(32)) <> '-';

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
    job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER)
    AND status = 'FAILED' AND CAST(:spark_finished_at AS VARCHAR(32)) <> '-';

-- Last, so that its rows tell what became of the job, and of which dataset it is: an input that continues a job has none.
-- LOADED: by this attempt or an earlier one of its execution, so that a redrive does the rest. One of an execution whose job
-- another one has loaded is refused again.
SELECT
    CASE
        WHEN status = 'SUCCEEDED' AND execution_arn <> CAST(:execution_arn AS VARCHAR(800)) THEN 'LOADED_ELSEWHERE'
        WHEN status = 'SUCCEEDED' AND redrive_count <= CAST(:redrive_count AS INTEGER) THEN 'LOADED'
        WHEN
            execution_arn = CAST(:execution_arn AS VARCHAR(800)) AND redrive_count = CAST(:redrive_count AS INTEGER)
            THEN 'RECORDED'
        ELSE 'LATER'
    END AS outcome,
    dataset
FROM audit.job_run
WHERE job_id = :job_id;
