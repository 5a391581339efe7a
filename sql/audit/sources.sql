-- The source files that the job read. The token `source_files` in double braces is the list of the file that names them.
COPY _source_file FROM '{{source_files}}' IAM_ROLE DEFAULT FORMAT AS PARQUET MANIFEST;

CALL audit.check_sources(
    CAST(:job_id AS VARCHAR(56)), CAST(:dataset AS VARCHAR(127)), CAST(:source_files AS BIGINT),
    CAST(:repeat AS VARCHAR(5))
);
