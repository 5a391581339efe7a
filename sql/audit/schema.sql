-- The audit schema, and a check that every load transaction calls. `nox -s schema` runs this file, loads.sql and each
-- dataset's generated table.sql; every statement may run again at any time.
-- Redshift does not enforce PRIMARY KEY; it is there for its planner. One job_run row per job: the writers see to it.
-- The Lambda reads the lengths below, which are bytes: it refuses a run whose texts do not fit, and cuts what it records
-- of a failed one.

CREATE SCHEMA IF NOT EXISTS audit;

CREATE SCHEMA IF NOT EXISTS analytics;

-- A table for each dataset, with one row: whose turn it is to load, or was. Loads lock it, and nobody reads it.
CREATE SCHEMA IF NOT EXISTS loading;

CREATE TABLE IF NOT EXISTS audit.job_run (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER NOT NULL,          -- 1 + the number of redrives of the execution
    execution_arn VARCHAR(800) NOT NULL, -- both names in it may have 80 characters of 4 bytes
    dataset VARCHAR(127),
    source_uri VARCHAR(1100),
    parameters VARCHAR(65535),         -- JSON, defaults included
    repeat BOOLEAN,                    -- the input allows files that were loaded before
    status VARCHAR(16) NOT NULL,       -- RUNNING, SUCCEEDED, FAILED
    started_at TIMESTAMP NOT NULL,     -- of the execution, UTC
    finished_at TIMESTAMP,
    -- Of a failed job: what its manifests, or its stages' error files, say.
    rows_in BIGINT,                    -- rows_in = rows_staged + rows_rejected
    rows_staged BIGINT,
    rows_rejected BIGINT,
    rows_curated BIGINT,               -- over all output tables; rows_loaded = rows_curated
    rows_loaded BIGINT,
    failed_state VARCHAR(80),
    error VARCHAR(256),
    cause VARCHAR(16000),              -- Step Functions passes it on twice in one document of 256 KiB
    PRIMARY KEY (job_id)
)
DISTSTYLE ALL
SORTKEY (job_id);

CREATE TABLE IF NOT EXISTS audit.stage_run (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER NOT NULL,
    stage VARCHAR(16) NOT NULL,        -- python, spark, load
    rows_in BIGINT,
    rows_out BIGINT,
    rows_rejected BIGINT,
    bytes_in BIGINT,
    bytes_out BIGINT,
    files_out BIGINT,
    started_at TIMESTAMP,
    finished_at TIMESTAMP,
    code_version VARCHAR(64),
    contract_version VARCHAR(64),
    PRIMARY KEY (job_id, stage)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- The verdicts of the contract's set rules, one row per rule and attempt.
CREATE TABLE IF NOT EXISTS audit.rule_run (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER NOT NULL,          -- that of job_run; a job that was redriven keeps the verdicts of each attempt
    number INTEGER NOT NULL,           -- the rule's position in the contract, from 0
    rule VARCHAR(1024) NOT NULL,       -- its id, or its place: orders.status.invalidValues
    object_name VARCHAR(127) NOT NULL, -- of the contract: the source, a reference or an output
    column_names VARCHAR(16384),       -- parted by a comma; null where it is about whole rows
    metric VARCHAR(32) NOT NULL,       -- rowCount, duplicateValues, …
    expected VARCHAR(512) NOT NULL,    -- mustBeLessThan 5 percent
    severity VARCHAR(16) NOT NULL,     -- error: the job failed unless it passed; warning
    measured DOUBLE PRECISION,         -- null: there was nothing to measure; the manifest has all its digits
    passed BOOLEAN NOT NULL,
    PRIMARY KEY (job_id, attempt, number)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- What the last load of a job did, one row per output table. rows_copied = rows_inserted + rows_updated + rows_kept.
CREATE TABLE IF NOT EXISTS audit.table_load (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER,                   -- that of job_run
    table_name VARCHAR(127) NOT NULL,  -- in the schema analytics
    mode VARCHAR(32) NOT NULL,         -- append, replace, replace_partition, merge
    rows_copied BIGINT NOT NULL,       -- by COPY: as many as Spark wrote
    rows_inserted BIGINT NOT NULL,     -- new ones
    rows_updated BIGINT NOT NULL,      -- in the place of an older one with their key
    rows_deleted BIGINT NOT NULL,      -- that had to go: replaced ones, and those of an earlier load of the job
    rows_kept BIGINT NOT NULL,         -- that came and gave way, since a newer row with their key is there
    loaded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (job_id, table_name)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- Which files of their sources the loaded jobs read. A file is its URI and its content: another version is another file.
CREATE TABLE IF NOT EXISTS audit.source_file (
    job_id VARCHAR(56) NOT NULL,
    dataset VARCHAR(127) NOT NULL,
    uri VARCHAR(1100) NOT NULL,
    version VARCHAR(256) NOT NULL,     -- the ETag of S3
    bytes BIGINT NOT NULL,
    loaded_at TIMESTAMP NOT NULL,
    PRIMARY KEY (job_id, uri)
)
SORTKEY (dataset, uri);

-- Fails the transaction that calls it unless the two numbers are equal.
CREATE OR REPLACE PROCEDURE audit.check_equal(what VARCHAR(256), expected BIGINT, actual BIGINT)
AS $$
BEGIN
    IF expected <> actual THEN
        RAISE EXCEPTION 'rows do not add up: %: % expected, % found', what, expected, actual;
    END IF;
END;
$$ LANGUAGE plpgsql;
