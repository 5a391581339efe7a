-- A load calls this first, so that one whose job belongs to another attempt reads no file, and again before it writes to the
-- audit tables.
CALL audit.check_load(
    CAST(:job_id AS VARCHAR(56)), CAST(:execution_arn AS VARCHAR(800)), CAST(:redrive_count AS INTEGER)
);
