-- One row per job: a redrive, or a retry of this step, replaces it.
DELETE FROM audit.job_run WHERE job_id = :job_id;

INSERT INTO audit.job_run (job_id, attempt, execution_arn, dataset, source_uri, parameters, repeat, status, started_at)
VALUES (
    CAST(:job_id AS VARCHAR(56)), CAST(:attempt AS INTEGER), CAST(:execution_arn AS VARCHAR(800)),
    CAST(:dataset AS VARCHAR(127)), CAST(:source_uri AS VARCHAR(1100)), CAST(:parameters AS VARCHAR(65535)),
    CAST(:repeat AS VARCHAR(5)) = 'true', 'RUNNING', CAST(:started_at AS TIMESTAMP)
);
