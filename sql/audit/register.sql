-- One row per job: a redrive, or a retry of this step, replaces it.
DELETE FROM audit.job_run WHERE job_id = :job_id;

INSERT INTO audit.job_run (job_id, attempt, execution_arn, dataset, source_uri, parameters, status, started_at)
VALUES (:job_id, :attempt, :execution_arn, :dataset, :source_uri, :parameters, 'RUNNING', :started_at);
