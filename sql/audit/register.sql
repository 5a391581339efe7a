-- The job is this attempt's from now on, unless another one has it. One row per job: a retry of this step replaces it.
CALL audit.check_register(
    CAST(:job_id AS VARCHAR(56)), CAST(:execution_arn AS VARCHAR(800)), CAST(:redrive_count AS INTEGER)
);

CALL audit.check_replays(CAST(:job_id AS VARCHAR(56)), CAST(:replays AS VARCHAR(56)), CAST(:dataset AS VARCHAR(127)));

DELETE FROM audit.job_run WHERE job_id = :job_id;

INSERT INTO audit.job_run (
    job_id, attempt, execution_arn, redrive_count, dataset, source_uri, parameters, repeat, replays, replay_origin,
    status, started_at
)
SELECT
    job_id, attempt, execution_arn, redrive_count, CAST(:dataset AS VARCHAR(127)), CAST(:source_uri AS VARCHAR(1100)),
    CAST(:parameters AS VARCHAR(65535)), CAST(:repeat AS VARCHAR(5)) = 'true', NULLIF(CAST(:replays AS VARCHAR(56)), '-'),
    (SELECT COALESCE(replay_origin, job_id) FROM audit.job_run WHERE job_id = :replays),
    'RUNNING', CAST(:started_at AS TIMESTAMP)
FROM audit.job_attempt
WHERE
    job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER);
