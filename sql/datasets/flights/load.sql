-- Part of one transaction, which goes on with the checks of the row counts and the audit rows. To run it again for the
-- same job is safe: it replaces the job's rows. {{<table>_uri}}: the job's Parquet; {{copy_role_arn}}: the role that COPY takes.
DELETE FROM analytics.enriched_flights WHERE job_id = :job_id;

COPY analytics.enriched_flights
FROM '{{enriched_flights_uri}}'
IAM_ROLE '{{copy_role_arn}}'
FORMAT AS PARQUET;

DELETE FROM analytics.route_delays WHERE job_id = :job_id;

COPY analytics.route_delays
FROM '{{route_delays_uri}}'
IAM_ROLE '{{copy_role_arn}}'
FORMAT AS PARQUET;
