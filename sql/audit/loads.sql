-- The procedures of a load: what a contract's load.mode does with the rows of a job, and how many they are.
-- `nox -s schema` runs this file after schema.sql; every statement may run again at any time.
-- Conditions and columns come from a dataset's generated load.sql. What touches _incoming and _partitions is a text: the next
-- call makes another table of that name, and a procedure remembers the tables of its own statements.
-- Until the end a load writes no table that loads of other datasets write: who writes one keeps the others waiting.

-- Loads of a dataset come one after the other: each has locked loading.<dataset> as its first statement, which no snapshot
-- precedes. Each writes the one row there too. So where a snapshot did precede the lock, the load whose snapshot lacks what
-- another one did fails with error 1023, and runs again, in either isolation of Redshift.
-- Makes the tables of the session: what becomes of each output, and the source files, which COPY fills.
CREATE OR REPLACE PROCEDURE audit.take_turn(job VARCHAR(56), dataset_name VARCHAR(127))
AS $$
DECLARE
    places BIGINT;
BEGIN
    EXECUTE 'UPDATE loading.' || quote_ident(dataset_name) || ' SET job_id = ' || quote_literal(job);
    EXECUTE 'SELECT COUNT(*) FROM loading.' || quote_ident(dataset_name) INTO places;
    IF places = 0 THEN
        RAISE EXCEPTION 'loading.% has no row: run nox -s schema', dataset_name;
    END IF;
    EXECUTE 'CREATE TEMP TABLE _table_load (LIKE audit.table_load)';
    EXECUTE 'CREATE TEMP TABLE _source_file (uri VARCHAR(1100), version VARCHAR(256), bytes BIGINT)';
END;
$$ LANGUAGE plpgsql;

-- Fails the transaction unless COPY loaded as many source files as were read, and, unless they may be repeated, where another
-- job of the dataset has loaded one of them.
CREATE OR REPLACE PROCEDURE audit.check_sources(
    job VARCHAR(56), dataset_name VARCHAR(127), expected BIGINT, may_repeat VARCHAR(5)
)
AS $$
DECLARE
    copied BIGINT;
    known BIGINT := 0;
    known_uri VARCHAR(1100);
    known_job VARCHAR(56);
BEGIN
    -- By itself: the function is one of the leader node.
    SELECT pg_last_copy_count() INTO copied;
    IF copied <> expected THEN
        RAISE EXCEPTION 'source files do not add up: % read by the Python stage, % copied', expected, copied;
    END IF;
    IF may_repeat <> 'true' THEN
        SELECT COUNT(DISTINCT held.uri) INTO known
        FROM audit.source_file AS held JOIN _source_file AS came ON held.uri = came.uri AND held.version = came.version
        WHERE held.dataset = dataset_name AND held.job_id <> job;
    END IF;
    IF known > 0 THEN
        SELECT held.uri, held.job_id INTO known_uri, known_job
        FROM audit.source_file AS held JOIN _source_file AS came ON held.uri = came.uri AND held.version = came.version
        WHERE held.dataset = dataset_name AND held.job_id <> job
        ORDER BY held.uri, held.job_id LIMIT 1;
        RAISE EXCEPTION '% of % source files were loaded before: % by job %; "repeat": true in the execution input loads them again',
            known, copied, known_uri, known_job;
    END IF;
END;
$$ LANGUAGE plpgsql;

-- At the end: what the job loaded, and from which files.
CREATE OR REPLACE PROCEDURE audit.record_load(job VARCHAR(56), dataset_name VARCHAR(127))
AS $$
BEGIN
    DELETE FROM audit.source_file WHERE job_id = job;
    INSERT INTO audit.source_file (job_id, dataset, uri, version, bytes, loaded_at)
    SELECT job, dataset_name, uri, version, bytes, GETDATE() FROM _source_file;
    UPDATE _table_load SET attempt = (SELECT attempt FROM audit.job_run WHERE job_id = job);
    DELETE FROM audit.table_load WHERE job_id = job;
    INSERT INTO audit.table_load SELECT * FROM _table_load;
END;
$$ LANGUAGE plpgsql;

-- Before COPY. append: the job's own rows go. replace: all rows go, unless a newer job was loaded. Other modes: COPY loads
-- into the temporary table _incoming.
CREATE OR REPLACE PROCEDURE audit.begin_table(job VARCHAR(56), name VARCHAR(127), load_mode VARCHAR(32))
AS $$
DECLARE
    newest VARCHAR(56);
    recorded VARCHAR(56);
    removed BIGINT := 0;
BEGIN
    IF load_mode = 'append' THEN
        EXECUTE 'DELETE FROM analytics.' || quote_ident(name) || ' WHERE job_id = ' || quote_literal(job);
        GET DIAGNOSTICS removed := ROW_COUNT;
    ELSIF load_mode = 'replace' THEN
        EXECUTE 'SELECT MAX(job_id) FROM analytics.' || quote_ident(name) INTO newest;
        -- A newer job may have left no row.
        SELECT MAX(job_id) INTO recorded FROM audit.table_load WHERE table_name = name;
        newest := GREATEST(newest, recorded);
        IF newest > job THEN
            RAISE EXCEPTION 'analytics.% is what the newer job % left, which job % must not replace', name, newest, job;
        END IF;
        EXECUTE 'DELETE FROM analytics.' || quote_ident(name);
        GET DIAGNOSTICS removed := ROW_COUNT;
    ELSE
        EXECUTE 'CREATE TEMP TABLE _incoming (LIKE analytics.' || quote_ident(name) || ')';
    END IF;
    INSERT INTO _table_load (
        job_id, table_name, mode, rows_copied, rows_inserted, rows_updated, rows_deleted, rows_kept, loaded_at
    )
    VALUES (job, name, load_mode, 0, 0, 0, removed, 0, GETDATE());
END;
$$ LANGUAGE plpgsql;

-- Fails the transaction unless the session's last COPY, for analytics.<table>, loaded as many rows as Spark wrote.
CREATE OR REPLACE PROCEDURE audit.check_copied(name VARCHAR(127), expected BIGINT)
AS $$
DECLARE
    copied BIGINT;
BEGIN
    -- By itself: the function is one of the leader node.
    SELECT pg_last_copy_count() INTO copied;
    IF copied <> expected THEN
        RAISE EXCEPTION 'rows do not add up: analytics.%: % written by Spark, % copied', name, expected, copied;
    END IF;
    UPDATE _table_load SET rows_copied = copied WHERE table_name = name;
END;
$$ LANGUAGE plpgsql;

-- Fails the transaction unless analytics.<table> has the rows that were copied, without those that gave way to newer ones.
CREATE OR REPLACE PROCEDURE audit.check_loaded(job VARCHAR(56), name VARCHAR(127))
AS $$
DECLARE
    expected BIGINT;
    loaded BIGINT;
BEGIN
    EXECUTE 'SELECT COUNT(*) FROM analytics.' || quote_ident(name) || ' WHERE job_id = ' || quote_literal(job) INTO loaded;
    SELECT rows_copied - rows_kept INTO expected FROM _table_load WHERE table_name = name;
    IF loaded <> expected THEN
        RAISE EXCEPTION 'rows do not add up: analytics.%: % to be loaded, % loaded', name, expected, loaded;
    END IF;
    UPDATE _table_load SET rows_inserted = loaded - rows_updated WHERE table_name = name;
END;
$$ LANGUAGE plpgsql;

-- After COPY, modes append and replace.
CREATE OR REPLACE PROCEDURE audit.end_table(job VARCHAR(56), name VARCHAR(127), expected BIGINT)
AS $$
BEGIN
    CALL audit.check_copied(name, expected);
    CALL audit.check_loaded(job, name);
END;
$$ LANGUAGE plpgsql;

-- After COPY, modes replace_partition and merge, once the rows have gone that _incoming stands for. The job's own go too: of
-- an earlier load of it, which may have had other rows.
CREATE OR REPLACE PROCEDURE audit.take_incoming(job VARCHAR(56), name VARCHAR(127), removed BIGINT)
AS $$
DECLARE
    own BIGINT;
BEGIN
    EXECUTE 'DELETE FROM analytics.' || quote_ident(name) || ' WHERE job_id = ' || quote_literal(job);
    GET DIAGNOSTICS own := ROW_COUNT;
    EXECUTE 'INSERT INTO analytics.' || quote_ident(name) || ' SELECT * FROM _incoming';
    EXECUTE 'DROP TABLE _incoming';
    UPDATE _table_load SET rows_deleted = removed + own WHERE table_name = name;
    CALL audit.check_loaded(job, name);
END;
$$ LANGUAGE plpgsql;

-- After COPY, mode replace_partition: the partitions that came take the place of those that are there, unless one has rows
-- of a newer job. partition_columns: their list; same: when a row of the table is in a partition of _partitions.
CREATE OR REPLACE PROCEDURE audit.replace_partitions(
    job VARCHAR(56), name VARCHAR(127), expected BIGINT, partition_columns VARCHAR(65535), same VARCHAR(65535)
)
AS $$
DECLARE
    newest VARCHAR(56);
    removed BIGINT;
BEGIN
    CALL audit.check_copied(name, expected);
    EXECUTE 'CREATE TEMP TABLE _partitions AS SELECT DISTINCT ' || partition_columns || ' FROM _incoming';
    EXECUTE 'SELECT MAX(job_id) FROM analytics.' || quote_ident(name) || ' JOIN _partitions ON ' || same INTO newest;
    IF newest > job THEN
        RAISE EXCEPTION 'analytics.% has rows of the newer job % in a partition that job % must not replace', name, newest, job;
    END IF;
    EXECUTE 'DELETE FROM analytics.' || quote_ident(name) || ' USING _partitions WHERE ' || same;
    GET DIAGNOSTICS removed := ROW_COUNT;
    EXECUTE 'DROP TABLE _partitions';
    CALL audit.take_incoming(job, name, removed);
END;
$$ LANGUAGE plpgsql;

-- After COPY, mode merge: a row that came takes the place of the one with its key, unless that one is newer: then it stays.
-- key_columns: their list; same: when a row of the table has the key of one that came; newer: when it is newer than that.
CREATE OR REPLACE PROCEDURE audit.merge_rows(
    job VARCHAR(56), name VARCHAR(127), expected BIGINT, key_columns VARCHAR(65535), same VARCHAR(65535),
    newer VARCHAR(65535)
)
AS $$
DECLARE
    twice BIGINT;
    kept BIGINT;
    updated BIGINT;
BEGIN
    CALL audit.check_copied(name, expected);
    -- Spark tells keys apart that are one here: trailing blanks do not count in Redshift.
    EXECUTE 'SELECT COUNT(*) FROM (SELECT ' || key_columns || ' FROM _incoming GROUP BY ' || key_columns
        || ' HAVING COUNT(*) > 1) AS keys' INTO twice;
    IF twice > 0 THEN
        RAISE EXCEPTION 'analytics.%: % keys of job % are in several rows, for Redshift', name, twice, job;
    END IF;
    EXECUTE 'DELETE FROM _incoming USING analytics.' || quote_ident(name) || ' WHERE ' || same
        || ' AND ' || quote_ident(name) || '.job_id <> ' || quote_literal(job) || ' AND ' || newer;
    GET DIAGNOSTICS kept := ROW_COUNT;
    EXECUTE 'SELECT COUNT(*) FROM _incoming WHERE EXISTS (SELECT 1 FROM analytics.' || quote_ident(name) || ' WHERE ' || same
        || ')' INTO updated;
    EXECUTE 'DELETE FROM analytics.' || quote_ident(name) || ' USING _incoming WHERE ' || same;
    UPDATE _table_load SET rows_kept = kept, rows_updated = updated WHERE table_name = name;
    CALL audit.take_incoming(job, name, 0);
END;
$$ LANGUAGE plpgsql;
