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
    -- The attempt that the row belongs to: its number in audit.job_attempt, and what names it.
    attempt INTEGER NOT NULL,
    execution_arn VARCHAR(800) NOT NULL, -- both names in it may have 80 characters of 4 bytes
    redrive_count INTEGER NOT NULL,
    dataset VARCHAR(127),
    source_uri VARCHAR(1100),
    parameters VARCHAR(65535),         -- JSON, defaults included; of a job that was never registered, as given
    repeat BOOLEAN,                    -- the input allows files that were loaded before
    status VARCHAR(16) NOT NULL,       -- RUNNING, SUCCEEDED (its rows are loaded), FAILED (they are not)
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
    replays VARCHAR(56),               -- the job whose rejected rows this one loads, mended
    replay_origin VARCHAR(56),         -- where the chain of replays begins: the job that replays none
    PRIMARY KEY (job_id)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- Every attempt at a job: an execution, each redrive of it, and each execution that continues the job.
CREATE TABLE IF NOT EXISTS audit.job_attempt (
    job_id VARCHAR(56) NOT NULL,
    attempt INTEGER NOT NULL,          -- 1, 2, … in the order in which they were recorded
    execution_arn VARCHAR(800) NOT NULL,
    redrive_count INTEGER NOT NULL,    -- of the execution, from 0
    status VARCHAR(16) NOT NULL,       -- RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED: how the execution ended
    started_at TIMESTAMP NOT NULL,     -- of the execution or of its redrive, UTC
    finished_at TIMESTAMP,
    failed_state VARCHAR(80),
    error VARCHAR(256),
    cause VARCHAR(16000),
    PRIMARY KEY (job_id, execution_arn, redrive_count)
)
DISTSTYLE ALL
SORTKEY (job_id);

-- Has no rows. Registrations and failures lock it first, so that they come one after the other, each with a snapshot that
-- has what the one before wrote. Nobody reads it, so nobody keeps them waiting.
CREATE TABLE IF NOT EXISTS audit.turn (
    taken BOOLEAN
);

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
    attempt INTEGER NOT NULL,          -- that of job_attempt; the verdicts of each attempt are kept
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

-- The final word on each job: what came in, what was refused, and what each table got; a row per table, or one without a
-- table. `problem` says what does not add up, and is null where all of it does, or where the job is not at its end.
CREATE OR REPLACE VIEW audit.reconciliation AS
SELECT
    job.job_id, job.attempt, tried.attempts, job.dataset, job.status, job.rows_in, job.rows_rejected, job.rows_staged,
    job.rows_curated, loaded.table_name, loaded.mode, loaded.rows_copied, loaded.rows_inserted, loaded.rows_updated,
    loaded.rows_deleted, loaded.rows_kept, loaded.rows_inserted + loaded.rows_updated AS rows_loaded,
    CAST(
        CASE
            WHEN tried.attempts IS NULL THEN 'no attempt is recorded'
            WHEN job.rows_in <> job.rows_staged + job.rows_rejected THEN 'rows_in is not rows_staged + rows_rejected'
            WHEN job.status <> 'SUCCEEDED' AND loaded.table_name IS NOT NULL
                THEN 'rows are loaded, and the job has not succeeded'
            WHEN job.status <> 'SUCCEEDED' THEN NULL
            WHEN loaded.table_name IS NULL THEN 'no table is loaded, and the job has succeeded'
            WHEN job.rows_in IS NULL OR job.rows_staged IS NULL OR job.rows_rejected IS NULL
                THEN 'rows_in, rows_staged or rows_rejected is not known'
            WHEN stages.read_by_spark IS NULL OR stages.read_by_spark <> job.rows_staged
                THEN 'the rows that Spark read are not rows_staged'
            WHEN loaded.rows_copied <> loaded.rows_inserted + loaded.rows_updated + loaded.rows_kept
                THEN 'rows_copied is not rows_inserted + rows_updated + rows_kept'
            WHEN job.rows_curated IS NULL OR job.rows_curated <> totals.copied
                THEN 'rows_curated is not rows_copied of all tables'
            WHEN job.rows_loaded IS NULL OR job.rows_loaded <> totals.loaded
                THEN 'rows_loaded of the job is not that of all tables'
        END AS VARCHAR(256)
    ) AS problem
FROM audit.job_run AS job
LEFT JOIN (SELECT job_id, COUNT(*) AS attempts FROM audit.job_attempt GROUP BY job_id) AS tried ON job.job_id = tried.job_id
LEFT JOIN audit.table_load AS loaded ON job.job_id = loaded.job_id
LEFT JOIN (
    SELECT job_id, SUM(rows_copied) AS copied, SUM(rows_inserted + rows_updated) AS loaded
    FROM audit.table_load
    GROUP BY job_id
) AS totals ON job.job_id = totals.job_id
LEFT JOIN (SELECT job_id, rows_in AS read_by_spark FROM audit.stage_run WHERE stage = 'spark') AS stages
    ON job.job_id = stages.job_id;

-- What became of the rejected rows of each job that replays none: rows_in = rows_staged + rows_replayed + rows_still_rejected.
-- A row that was replayed more than once counts where it was staged: a job of the chain rejects what a later one brings again.
CREATE OR REPLACE VIEW audit.replay_reconciliation AS
SELECT
    job.job_id, job.dataset, job.rows_in, job.rows_staged, job.rows_rejected, COALESCE(again.replays, 0) AS replays,
    COALESCE(again.rows_staged, 0) AS rows_replayed, job.rows_rejected - COALESCE(again.rows_staged, 0) AS rows_still_rejected,
    job.rows_loaded, COALESCE(again.rows_loaded, 0) AS rows_loaded_by_replays,
    CAST(
        CASE
            WHEN job.rows_in <> job.rows_staged + job.rows_rejected THEN 'rows_in is not rows_staged + rows_rejected'
            WHEN again.uncounted > 0 THEN 'rows_in, rows_staged or rows_rejected of a replay is not known'
            WHEN again.unequal > 0 THEN 'rows_in of a replay is not its rows_staged + rows_rejected'
            WHEN excess.job_id IS NOT NULL
                THEN 'more rows were replayed than job ' || excess.job_id || ' rejected: some are loaded twice, or new'
        END AS VARCHAR(256)
    ) AS problem
FROM audit.job_run AS job
LEFT JOIN (
    SELECT
        replay_origin, COUNT(*) AS replays, CAST(SUM(rows_staged) AS BIGINT) AS rows_staged,
        CAST(SUM(rows_loaded) AS BIGINT) AS rows_loaded,
        COUNT(CASE WHEN rows_in IS NULL OR rows_staged IS NULL OR rows_rejected IS NULL THEN 1 END) AS uncounted,
        COUNT(CASE WHEN rows_in <> rows_staged + rows_rejected THEN 1 END) AS unequal
    FROM audit.job_run
    WHERE status = 'SUCCEEDED' AND replay_origin IS NOT NULL
    GROUP BY replay_origin
) AS again ON job.job_id = again.replay_origin
LEFT JOIN (
    SELECT COALESCE(replayed.replay_origin, replayed.job_id) AS origin, MIN(replayed.job_id) AS job_id
    FROM audit.job_run AS replayed
    JOIN (
        SELECT replays, SUM(rows_in) AS rows_in
        FROM audit.job_run
        WHERE status = 'SUCCEEDED' AND replays IS NOT NULL
        GROUP BY replays
    ) AS brought ON replayed.job_id = brought.replays
    WHERE brought.rows_in > replayed.rows_rejected
    GROUP BY COALESCE(replayed.replay_origin, replayed.job_id)
) AS excess ON job.job_id = excess.origin
WHERE job.status = 'SUCCEEDED' AND job.replay_origin IS NULL AND job.rows_rejected > 0;

-- Fails the transaction that calls it unless the two numbers are equal.
CREATE OR REPLACE PROCEDURE audit.check_equal(what VARCHAR(256), expected BIGINT, actual BIGINT)
AS $$
BEGIN
    IF expected <> actual THEN
        RAISE EXCEPTION 'rows do not add up: %: % expected, % found', what, expected, actual;
    END IF;
END;
$$ LANGUAGE plpgsql;

-- Fails a registration, unless the attempt may take the job over: no other execution is at work on it, its rows are not
-- loaded, and the attempt itself has not ended (an execution that was stopped may have left this statement behind).
CREATE OR REPLACE PROCEDURE audit.check_register(job VARCHAR(56), execution VARCHAR(800), redrives INTEGER)
AS $$
DECLARE
    ended VARCHAR(16);
    state VARCHAR(16);
    owner VARCHAR(800);
    owned INTEGER;
BEGIN
    SELECT INTO state, owner, owned status, execution_arn, redrive_count FROM audit.job_run WHERE job_id = job;
    IF state = 'SUCCEEDED' THEN
        RAISE EXCEPTION 'job % has succeeded: its rows are loaded', job;
    END IF;
    SELECT INTO ended MAX(status) FROM audit.job_attempt
    WHERE job_id = job AND execution_arn = execution AND redrive_count = redrives AND status <> 'RUNNING';
    IF ended IS NOT NULL THEN
        RAISE EXCEPTION 'job %: redrive % of execution % has ended as %', job, redrives, execution, ended;
    END IF;
    IF state = 'RUNNING' AND owner <> execution THEN
        RAISE EXCEPTION 'job % is running as execution %', job, owner;
    END IF;
    IF owner = execution AND owned > redrives THEN
        RAISE EXCEPTION 'job %: redrive % of execution % has taken it over', job, owned, execution;
    END IF;
END;
$$ LANGUAGE plpgsql;

-- Fails a registration that replays a job, unless that job is of the same dataset, has loaded its rows and rejected some.
-- replayed: '-' for none. A chain has no loop, since a job that is replayed has succeeded before.
CREATE OR REPLACE PROCEDURE audit.check_replays(job VARCHAR(56), replayed VARCHAR(56), dataset_name VARCHAR(127))
AS $$
DECLARE
    state VARCHAR(16);
    its_dataset VARCHAR(127);
    refused BIGINT;
BEGIN
    IF replayed = '-' THEN
        RETURN;
    END IF;
    IF replayed = job THEN
        RAISE EXCEPTION 'job % cannot replay itself', job;
    END IF;
    SELECT INTO state, its_dataset, refused status, dataset, rows_rejected FROM audit.job_run WHERE job_id = replayed;
    IF state IS NULL THEN
        RAISE EXCEPTION 'replays is %, a job that audit.job_run does not have', replayed;
    END IF;
    IF its_dataset <> dataset_name THEN
        RAISE EXCEPTION 'replays is %, a job of dataset %: a job of dataset % cannot replay it', replayed, its_dataset, dataset_name;
    END IF;
    IF state <> 'SUCCEEDED' THEN
        RAISE EXCEPTION 'replays is %, a job that is %: its rows are not loaded, so there is nothing to add to them',
            replayed, state;
    END IF;
    IF refused = 0 THEN
        RAISE EXCEPTION 'replays is %, a job that has rejected no row', replayed;
    END IF;
END;
$$ LANGUAGE plpgsql;

-- Fails a load, unless the job is that of the attempt: of the same execution and no later redrive of it, and the attempt has
-- not ended meanwhile. A stopped execution leaves its load behind, which may wait for a lock until after a re-run.
CREATE OR REPLACE PROCEDURE audit.check_load(job VARCHAR(56), execution VARCHAR(800), redrives INTEGER)
AS $$
DECLARE
    state VARCHAR(16);
    owner VARCHAR(800);
    owned INTEGER;
BEGIN
    SELECT INTO state, owner, owned status, execution_arn, redrive_count FROM audit.job_run WHERE job_id = job;
    IF state IS NULL THEN
        RAISE EXCEPTION 'job % is not registered: it must not be loaded', job;
    END IF;
    IF owner <> execution THEN
        RAISE EXCEPTION 'job % belongs to execution %: execution % must not load it', job, owner, execution;
    END IF;
    IF owned > redrives THEN
        RAISE EXCEPTION 'job %: redrive % of execution % has taken it over: redrive % must not load it',
            job, owned, execution, redrives;
    END IF;
    IF owned = redrives AND state = 'FAILED' THEN
        RAISE EXCEPTION 'job %: redrive % of execution % has ended: it must not load the job', job, redrives, execution;
    END IF;
END;
$$ LANGUAGE plpgsql;
