-- An earlier attempt has committed the load; this one did what was left, so the job has another successful attempt.
UPDATE audit.job_attempt
SET status = 'SUCCEEDED', finished_at = GETDATE()
WHERE job_id = :job_id AND execution_arn = :execution_arn AND redrive_count = CAST(:redrive_count AS INTEGER);
