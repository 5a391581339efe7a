-- What the user that loads may do beside the output tables, whose grants follow from the contracts: no more than the
-- statements of sql/audit need. `nox -s schema` runs this as the administrator, after schema.sql; `user` in double
-- braces is a name. Nobody but its owner may call a procedure without a grant.
GRANT USAGE ON SCHEMA audit TO "{{user}}";

GRANT USAGE ON SCHEMA analytics TO "{{user}}";

GRANT SELECT, INSERT, UPDATE, DELETE ON audit.job_run TO "{{user}}";

GRANT SELECT, INSERT, DELETE ON audit.stage_run TO "{{user}}";

GRANT SELECT, INSERT, DELETE ON audit.rule_run TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_equal(VARCHAR, BIGINT, BIGINT) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_copied(VARCHAR, BIGINT) TO "{{user}}";

GRANT EXECUTE ON PROCEDURE audit.check_table(VARCHAR, VARCHAR, BIGINT) TO "{{user}}";
