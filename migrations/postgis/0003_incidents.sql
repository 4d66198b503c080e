-- Incidents as they are handled: their unit, where they came from, the rules that alarm, and the alarms.

ALTER TABLE incidents ADD COLUMN unit text COLLATE "C";
ALTER TABLE incidents ADD COLUMN source text COLLATE "C";
ALTER TABLE incidents ADD COLUMN source_id text COLLATE "C";
CREATE INDEX incidents_unit ON incidents (unit);
CREATE INDEX incidents_occurred ON incidents (occurred_at, id);
-- a neighbour system may send the same thing twice
CREATE UNIQUE INDEX incidents_source ON incidents (source, source_id);

-- 告警规则
CREATE TABLE alert_rules (
  id text COLLATE "C" PRIMARY KEY NOT NULL,
  kind text COLLATE "C" NOT NULL,
  region text COLLATE "C" NOT NULL,
  parameters text COLLATE "C" NOT NULL,
  enabled boolean NOT NULL,
  row_version bigint NOT NULL DEFAULT 1,
  row_sum bigint
);
-- 告警
CREATE TABLE alerts (
  id text COLLATE "C" PRIMARY KEY NOT NULL,
  rule text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  place text COLLATE "C" NOT NULL,
  region text COLLATE "C" NOT NULL,
  incident text COLLATE "C",
  cell text COLLATE "C",
  title text COLLATE "C" NOT NULL,
  level text COLLATE "C" NOT NULL,
  opened_at text COLLATE "C" NOT NULL,
  acknowledged_by text COLLATE "C",
  acknowledged_at text COLLATE "C",
  escalates_at text COLLATE "C",
  closed_at text COLLATE "C",
  row_version bigint NOT NULL DEFAULT 1,
  row_sum bigint
);
CREATE INDEX alerts_place ON alerts (place);
CREATE INDEX alerts_incident ON alerts (incident);
-- what alarms already does not alarm again
CREATE UNIQUE INDEX alerts_open ON alerts (subject) WHERE closed_at IS NULL;

ALTER TABLE alerts ENABLE ROW LEVEL SECURITY;
CREATE POLICY alerts_in_scope ON alerts FOR SELECT USING (in_scope(place));
