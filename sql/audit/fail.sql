-- The row is there unless the execution failed before RegisterJob. The latest attempt has the last word: an event that
-- arrives late never overwrites the outcome of a later redrive, nor the success of its own attempt.
INSERT INTO audit.job_run (job_id, attempt, execution_arn, status, started_at)
SELECT :job_id, CAST(:attempt AS INTEGER), :execution_arn, 'FAILED', CAST(:started_at AS TIMESTAMP)
WHERE NOT EXISTS (SELECT 1 FROM audit.job_run WHERE job_id = :job_id);

UPDATE audit.job_run
SET
    status = 'FAILED', attempt = CAST(:attempt AS INTEGER), finished_at = CAST(:finished_at AS TIMESTAMP),
    dataset = COALESCE(dataset, NULLIF(:dataset, '-')), source_uri = COALESCE(source_uri, NULLIF(:source_uri, '-')),
    failed_state = NULLIF(:failed_state, '-'), error = :error, cause = :cause
WHERE
    job_id = :job_id
    AND (attempt < CAST(:attempt AS INTEGER) OR (attempt = CAST(:attempt AS INTEGER) AND status <> 'SUCCEEDED'));
