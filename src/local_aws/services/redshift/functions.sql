-- Redshift's functions and types that PostgreSQL lacks, and the rules of its tables. Run once, in the template of all
-- databases. They are in pg_catalog so that they are found whatever the search_path.

CREATE DOMAIN pg_catalog.super AS jsonb;

CREATE SCHEMA redshift_catalog;
GRANT USAGE ON SCHEMA redshift_catalog TO PUBLIC;

-- Dates and times. GETDATE has whole seconds, SYSDATE is the start of the transaction.
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE current_setting('timezone')) $$;

CREATE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT now() AT TIME ZONE current_setting('timezone') $$;

CREATE FUNCTION redshift_catalog.span(part text, amount bigint) RETURNS interval LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE part
     WHEN 'quarter' THEN make_interval(months => (3 * amount)::int)
     WHEN 'decade' THEN make_interval(years => (10 * amount)::int)
     WHEN 'century' THEN make_interval(years => (100 * amount)::int)
     WHEN 'millennium' THEN make_interval(years => (1000 * amount)::int)
     WHEN 'year' THEN make_interval(years => amount::int)
     WHEN 'month' THEN make_interval(months => amount::int)
     WHEN 'week' THEN make_interval(weeks => amount::int)
     WHEN 'day' THEN make_interval(days => amount::int)
     ELSE amount * ('1 ' || CASE WHEN part IN ('dow', 'doy') THEN 'day' WHEN part = 'epoch' THEN 'second' ELSE part END)::interval
   END $$;

CREATE FUNCTION pg_catalog.dateadd(part text, amount bigint, t timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT t + redshift_catalog.span(part, amount) $$;
CREATE FUNCTION pg_catalog.dateadd(part text, amount bigint, t timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE STRICT AS $$ SELECT t + redshift_catalog.span(part, amount) $$;
CREATE FUNCTION pg_catalog.dateadd(part text, amount bigint, d date) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT d::timestamp + redshift_catalog.span(part, amount) $$;

-- DATEDIFF counts the boundaries of the part that lie between the two moments.
CREATE FUNCTION pg_catalog.datediff(part text, a timestamp, b timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE
     WHEN part = 'year' THEN extract(year FROM b)::bigint - extract(year FROM a)::bigint
     WHEN part IN ('decade', 'century', 'millennium') THEN date_part(part, b)::bigint - date_part(part, a)::bigint
     WHEN part = 'quarter' THEN (extract(year FROM b) * 4 + extract(quarter FROM b))::bigint
                              - (extract(year FROM a) * 4 + extract(quarter FROM a))::bigint
     WHEN part = 'month' THEN (extract(year FROM b) * 12 + extract(month FROM b))::bigint
                            - (extract(year FROM a) * 12 + extract(month FROM a))::bigint
     WHEN part = 'week' THEN ((date_trunc('week', b + interval '1 day')::date - date_trunc('week', a + interval '1 day')::date) / 7)::bigint
     WHEN part IN ('day', 'dow', 'doy') THEN (b::date - a::date)::bigint
     WHEN part IN ('hour', 'minute', 'second', 'epoch') THEN
       (extract(epoch FROM date_trunc(CASE part WHEN 'epoch' THEN 'second' ELSE part END, b)
             - date_trunc(CASE part WHEN 'epoch' THEN 'second' ELSE part END, a))
        / CASE part WHEN 'hour' THEN 3600 WHEN 'minute' THEN 60 ELSE 1 END)::bigint
     WHEN part = 'millisecond' THEN (extract(epoch FROM date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000)::bigint
     WHEN part = 'microsecond' THEN (extract(epoch FROM b - a) * 1000000)::bigint
   END $$;
CREATE FUNCTION pg_catalog.datediff(part text, a timestamptz, b timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT AS
$$ SELECT datediff(part, a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC') $$;
CREATE FUNCTION pg_catalog.datediff(part text, a date, b date) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT datediff(part, a::timestamp, b::timestamp) $$;

CREATE FUNCTION pg_catalog.convert_timezone(source text, target text, t timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT AS $$ SELECT (t AT TIME ZONE source) AT TIME ZONE target $$;
CREATE FUNCTION pg_catalog.convert_timezone(target text, t timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT AS $$ SELECT (t AT TIME ZONE 'UTC') AT TIME ZONE target $$;
CREATE FUNCTION pg_catalog.last_day(t timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT (date_trunc('month', t) + interval '1 month' - interval '1 day')::date $$;
-- The end of a month stays the end of a month.
CREATE FUNCTION pg_catalog.add_months(t timestamp, months bigint) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN t::date = last_day(t)
     THEN last_day(date_trunc('month', t) + make_interval(months => months::int)) + t::time
     ELSE t + make_interval(months => months::int) END $$;
CREATE FUNCTION pg_catalog.trunc(t timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT t::date $$;

-- Text.
CREATE FUNCTION pg_catalog.len(s text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT length(s) $$;
CREATE FUNCTION pg_catalog.charindex(part text, s text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT strpos(s, part) $$;
CREATE FUNCTION pg_catalog.replicate(s text, times int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT repeat(s, times) $$;
CREATE FUNCTION pg_catalog.sha2(s text, bits int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT encode(CASE bits WHEN 0 THEN sha256(convert_to(s, 'UTF8')) WHEN 224 THEN sha224(convert_to(s, 'UTF8'))
     WHEN 256 THEN sha256(convert_to(s, 'UTF8')) WHEN 384 THEN sha384(convert_to(s, 'UTF8'))
     WHEN 512 THEN sha512(convert_to(s, 'UTF8')) END, 'hex') $$;
CREATE FUNCTION pg_catalog.strtol(s text, base int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits text := lower(btrim(s));
  negative boolean := left(btrim(s), 1) = '-';
  value numeric := 0;
  digit int;
BEGIN
  IF base < 2 OR base > 36 THEN
    RAISE EXCEPTION 'STRTOL: invalid base %', base USING ERRCODE = '22023';
  END IF;
  digits := ltrim(digits, '+-');
  IF base = 16 AND left(digits, 2) = '0x' THEN
    digits := substr(digits, 3);
  END IF;
  FOR i IN 1 .. length(digits) LOOP
    digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
    IF digit < 0 OR digit >= base THEN
      RAISE EXCEPTION 'STRTOL: The input % is not valid to be converted to base %', s, base USING ERRCODE = '22P02';
    END IF;
    value := value * base + digit;
  END LOOP;
  RETURN CASE WHEN negative THEN -value ELSE value END;
END $$;

-- Numbers. An average of integers is an integer.
CREATE FUNCTION pg_catalog.round(x double precision, digits int) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT round(x::numeric, digits)::double precision $$;
CREATE FUNCTION pg_catalog.trunc(x double precision, digits int) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT trunc(x::numeric, digits)::double precision $$;
CREATE FUNCTION redshift_catalog.integer_mean(state bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN state[1] = 0 THEN NULL ELSE state[2] / state[1] END $$;
CREATE FUNCTION redshift_catalog.add_bigint(state numeric[], x bigint) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN x IS NULL THEN state ELSE ARRAY[state[1] + 1, state[2] + x] END $$;
CREATE FUNCTION redshift_catalog.bigint_mean(state numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN state[1] = 0 THEN NULL ELSE trunc(state[2] / state[1])::bigint END $$;
CREATE AGGREGATE redshift_catalog.avg(smallint) (
  SFUNC = int2_avg_accum, STYPE = bigint[], FINALFUNC = redshift_catalog.integer_mean, INITCOND = '{0,0}');
CREATE AGGREGATE redshift_catalog.avg(integer) (
  SFUNC = int4_avg_accum, STYPE = bigint[], FINALFUNC = redshift_catalog.integer_mean, INITCOND = '{0,0}');
CREATE AGGREGATE redshift_catalog.avg(bigint) (
  SFUNC = redshift_catalog.add_bigint, STYPE = numeric[], FINALFUNC = redshift_catalog.bigint_mean, INITCOND = '{0,0}');
CREATE AGGREGATE redshift_catalog.avg(numeric) (
  SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);
CREATE AGGREGATE redshift_catalog.avg(double precision) (
  SFUNC = float8_accum, STYPE = double precision[], FINALFUNC = float8_avg, INITCOND = '{0,0,0}');
CREATE AGGREGATE redshift_catalog.avg(real) (
  SFUNC = float4_accum, STYPE = double precision[], FINALFUNC = float8_avg, INITCOND = '{0,0,0}');

-- JSON: Redshift keeps it in VARCHAR or in SUPER.
CREATE FUNCTION pg_catalog.json_parse(s text) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT s::jsonb $$;
CREATE FUNCTION redshift_catalog.json_serialize(v jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT v::text $$;
CREATE FUNCTION pg_catalog.is_valid_json(s text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT s IS JSON OBJECT $$;
CREATE FUNCTION pg_catalog.is_valid_json_array(s text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT s IS JSON ARRAY $$;
CREATE FUNCTION pg_catalog.can_json_parse(s text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT s IS JSON $$;
CREATE FUNCTION pg_catalog.json_array_length(s text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT json_array_length(s::json) $$;
CREATE FUNCTION pg_catalog.json_extract_path_text(s text, VARIADIC path text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_extract_path_text(s::json, VARIADIC path) $$;
CREATE FUNCTION pg_catalog.json_extract_array_element_text(s text, place int) RETURNS text
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT s::json ->> place $$;

-- What the last COPY and UNLOAD of the session moved.
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint $$;

-- VARCHAR(n) and CHAR(n) count bytes in Redshift. Whatever made or changed a table (CREATE TABLE, AS, LIKE, inside a
-- procedure or not), each such column ends with a check named after its type, which the error is made from.
CREATE FUNCTION redshift_catalog.count_bytes() RETURNS event_trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  made record;
  actions text;
BEGIN
  FOR made IN SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands() WHERE object_type = 'table' LOOP
    SELECT string_agg(action, ', ') INTO actions FROM (
      SELECT format('DROP CONSTRAINT %I', c.conname) AS action
      FROM pg_constraint c
      WHERE c.conrelid = made.objid AND c.contype = 'c' AND starts_with(c.conname::text, 'bytes_')
        AND NOT EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = made.objid AND NOT a.attisdropped
            AND c.conname = format('bytes_%s_%s_%s', a.atttypid::regtype::text, a.atttypmod - 4, a.attnum))
      UNION ALL
      SELECT format('ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)', k.name, k.attname, k.size)
      FROM (
        SELECT a.attname, a.atttypmod - 4 AS size,
          format('bytes_%s_%s_%s', a.atttypid::regtype::text, a.atttypmod - 4, a.attnum) AS name
        FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
        WHERE a.attrelid = made.objid AND r.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
          AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4) k
      WHERE NOT EXISTS (
        SELECT FROM pg_constraint c WHERE c.conrelid = made.objid AND c.conname = k.name)) needed;
    IF actions IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %s %s', made.objid::regclass, actions);
    END IF;
  END LOOP;
END $$;
CREATE EVENT TRIGGER redshift_count_bytes ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
  EXECUTE FUNCTION redshift_catalog.count_bytes();

-- A new procedure is for its owner; PostgreSQL would let everybody call it. What was granted outlasts OR REPLACE.
-- https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-security-and-privileges.html
CREATE FUNCTION redshift_catalog.keep_new_procedures() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT p.oid FROM pg_event_trigger_ddl_commands() AS c JOIN pg_proc AS p ON c.classid = 'pg_proc'::regclass AND c.objid = p.oid
    WHERE p.proacl IS NULL
  LOOP
    EXECUTE format('REVOKE EXECUTE ON PROCEDURE %s FROM PUBLIC', made.oid::regprocedure);
  END LOOP;
END $$;

CREATE EVENT TRIGGER redshift_keep_new_procedures ON ddl_command_end WHEN TAG IN ('CREATE PROCEDURE')
EXECUTE FUNCTION redshift_catalog.keep_new_procedures();
