-- Who reads past the program: a role of the database, and the area whose rows it sees. The setting that stood for the area before could be
-- changed by whoever read; what stands here is changed by the owner alone.

-- 库外读者
CREATE TABLE readers (
  role text COLLATE "C" PRIMARY KEY NOT NULL,
  -- one or more prefixes of codes joined by '+'; '*' is the whole store
  area text COLLATE "C" NOT NULL CHECK (area ~ '^(\*|[0-9]{2,18}(\+[0-9]{2,18})*)$')
);

-- Prefixes of the role that signed in. It runs as its owner, since nobody else reads the table.
CREATE FUNCTION reader_prefixes() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT CASE prefix WHEN '*' THEN '' ELSE prefix END
  FROM lianhu.readers AS r, unnest(string_to_array(r.area, '+')) AS prefix
  WHERE r.role = session_user
$$;

-- The prefixes are asked for once a statement, not once a row.
ALTER POLICY regions_in_scope ON regions USING (code ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY buildings_in_scope ON buildings USING (village ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY households_in_scope ON households USING (village ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY centres_in_scope ON centres USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY officers_in_scope ON officers USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY barriers_in_scope ON barriers USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY old_nets_in_scope ON old_nets USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY incidents_in_scope ON incidents USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY incident_transitions_in_scope ON incident_transitions USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY jobs_in_scope ON jobs USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY plans_in_scope ON plans USING (region ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY grids_in_scope ON grids USING (code ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY units_in_scope ON units USING (code ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY leaders_in_scope ON leaders USING (unit ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY seats_in_scope ON seats USING (grid ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY memberships_in_scope ON memberships USING (unit ^@ ANY (ARRAY(SELECT reader_prefixes())));
ALTER POLICY alerts_in_scope ON alerts USING (place ^@ ANY (ARRAY(SELECT reader_prefixes())));
DROP FUNCTION in_scope(text);

-- Row security without a policy: what tells of rows of all areas is the owner's alone, whatever is granted.
ALTER TABLE readers ENABLE ROW LEVEL SECURITY;
ALTER TABLE zones ENABLE ROW LEVEL SECURITY;
ALTER TABLE grid_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE plan_edits ENABLE ROW LEVEL SECURITY;
ALTER TABLE membership_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE register_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_rules ENABLE ROW LEVEL SECURITY;
