-- The source files that the job read. The token `source_files` in double braces is the list of the file that names them.
CREATE TEMP TABLE _source_file (
    uri VARCHAR(1100) NOT NULL, version VARCHAR(256) NOT NULL, bytes BIGINT NOT NULL
);

COPY _source_file FROM '{{source_files}}' IAM_ROLE DEFAULT FORMAT AS PARQUET MANIFEST;

CALL audit.record_sources(
    CAST(:job_id AS VARCHAR(56)), CAST(:dataset AS VARCHAR(127)), CAST(:source_files AS BIGINT),
    CAST(:repeat AS VARCHAR(5))
);
