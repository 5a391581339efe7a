-- The row of the attempt, unless it is there: whichever of registration, load and failure comes first makes it, since a
-- redrive may begin at any state.
INSERT INTO audit.job_attempt (job_id, attempt, execution_arn, redrive_count, status, started_at)
SELECT
    CAST(:job_id AS VARCHAR(56)), COALESCE(MAX(attempt), 0) + 1, CAST(:execution_arn AS VARCHAR(800)),
    CAST(:redrive_count AS INTEGER), 'RUNNING', CAST(:attempt_started_at AS TIMESTAMP)
FROM audit.job_attempt
WHERE job_id = :job_id
HAVING
    COUNT(
        CASE
            WHEN execution_arn = CAST(:execution_arn AS VARCHAR(800)) AND redrive_count = CAST(:redrive_count AS INTEGER)
                THEN 1
        END
    ) = 0;
