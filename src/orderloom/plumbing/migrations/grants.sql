-- Run after every migration. The application's role owns nothing and changes no structure: it may read and write rows, and the
-- triggers and constraints bind it. Where the owner may not create roles, the operator makes it beforehand or does without.
DO $$
DECLARE
  house name;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orderloom_app') THEN
    BEGIN
      CREATE ROLE orderloom_app LOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was migrated at the same moment
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role orderloom_app not created: the owner may not create roles';
        RETURN;
    END;
  END IF;
  FOR house IN
    SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'public')
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO orderloom_app', house);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO orderloom_app', house);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO orderloom_app', house);
    EXECUTE format('GRANT EXECUTE ON ALL ROUTINES IN SCHEMA %I TO orderloom_app', house);
  END LOOP;
END $$;
