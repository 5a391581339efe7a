-- The audit schema, and the checks that every load transaction calls. `nox -s schema` runs this file and each dataset's
-- table.sql; every statement may run again at any time.
-- Redshift does not enforce PRIMARY KEY; it is there for its planner. One job_run row a job: the writers see to it.

CREATE SCHEMA IF NOT EXISTS audit;

CREATE SCHEMA IF NOT EXISTS analytics;

CREATE TABLE IF NOT EXISTS audit.job_run (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER NOT NULL,          -- 1 + the number of redrives of the execution
    execution_arn VARCHAR(300) NOT NULL,
    dataset VARCHAR(127),
    source_uri VARCHAR(1100),
    parameters VARCHAR(16384),         -- JSON, defaults included
    status VARCHAR(16) NOT NULL,       -- RUNNING, SUCCEEDED, FAILED
    started_at TIMESTAMP NOT NULL,     -- of the execution, UTC
    finished_at TIMESTAMP,
    rows_in BIGINT,                    -- rows_in = rows_staged + rows_rejected
    rows_staged BIGINT,
    rows_rejected BIGINT,
    rows_curated BIGINT,               -- over all output tables; rows_loaded = rows_curated
    rows_loaded BIGINT,
    failed_state VARCHAR(80),
    error VARCHAR(256),
    cause VARCHAR(65535),
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
    contract_version VARCHAR(32),
    PRIMARY KEY (job_id, stage)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- Fails the transaction that calls it unless the two numbers are equal.
CREATE OR REPLACE PROCEDURE audit.check_equal(what VARCHAR(256), expected BIGINT, actual BIGINT)
AS $$
BEGIN
    IF expected <> actual THEN
        RAISE EXCEPTION 'rows do not add up: %: % expected, % found', what, expected, actual;
    END IF;
END;
$$ LANGUAGE plpgsql;

-- Fails the transaction that calls it unless analytics.<table> holds as many rows of the job as Spark wrote.
CREATE OR REPLACE PROCEDURE audit.check_table(job VARCHAR(56), name VARCHAR(127), expected BIGINT)
AS $$
DECLARE
    found BIGINT;
BEGIN
    EXECUTE 'SELECT COUNT(*) FROM analytics.' || quote_ident(name) || ' WHERE job_id = ' || quote_literal(job) INTO found;
    IF found <> expected THEN
        RAISE EXCEPTION 'rows do not add up: analytics.%: % written by Spark, % loaded', name, expected, found;
    END IF;
END;
$$ LANGUAGE plpgsql;
