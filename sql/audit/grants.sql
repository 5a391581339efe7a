-- What the user that loads may do beside the tables of datasets, whose grants follow from the contracts: no more than the
-- statements of sql/audit need. `nox -s schema` runs this as the administrator, after schema.sql; `user` in double
-- braces is a name. Nobody but its owner may call a procedure without a grant.
GRANT USAGE ON SCHEMA audit TO "{{user}}";

GRANT USAGE ON SCHEMA analytics TO "{{user}}";

GRANT SELECT, INSERT, UPDATE, DELETE ON audit.job_run TO "{{user}}";

GRANT SELECT, INSERT, UPDATE ON audit.job_attempt TO "{{user}}";

-- For who asks how a job ended.
GRANT SELECT ON audit.reconciliation TO "{{user}}";

GRANT SELECT ON audit.replay_reconciliation TO "{{user}}";

-- To lock it.
GRANT UPDATE ON audit.turn TO "{{user}}";

GRANT SELECT, INSERT, DELETE ON audit.stage_run TO "{{user}}";

GRANT SELECT, INSERT, UPDATE, DELETE ON audit.rule_run TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_equal(VARCHAR, BIGINT, BIGINT) TO "{{user}}";

GRANT USAGE ON SCHEMA loading TO "{{user}}";

GRANT SELECT, INSERT, DELETE ON audit.table_load TO "{{user}}";

GRANT SELECT, INSERT, DELETE ON audit.source_file TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.take_turn(VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_sources(VARCHAR, VARCHAR, BIGINT, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.record_load(VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.begin_table(VARCHAR, VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.end_table(VARCHAR, VARCHAR, BIGINT) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.replace_partitions(VARCHAR, VARCHAR, BIGINT, VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.merge_rows(VARCHAR, VARCHAR, BIGINT, VARCHAR, VARCHAR, VARCHAR) TO "{{user}}";

-- Those call these.
GRANT EXECUTE ON PROCEDURE audit.check_copied(VARCHAR, BIGINT) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_loaded(VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.take_incoming(VARCHAR, VARCHAR, BIGINT) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_register(VARCHAR, VARCHAR, INTEGER) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_replays(VARCHAR, VARCHAR, VARCHAR) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_load(VARCHAR, VARCHAR, INTEGER) TO "{{user}}";
