-- Incidents as they are handled: their unit, where they came from, the rules that alarm, and the alarms.

ALTER TABLE incidents ADD COLUMN unit TEXT;
ALTER TABLE incidents ADD COLUMN source TEXT;
ALTER TABLE incidents ADD COLUMN source_id TEXT;
CREATE INDEX incidents_unit ON incidents (unit);
CREATE INDEX incidents_occurred ON incidents (occurred_at, id);
-- a neighbour system may send the same thing twice
CREATE UNIQUE INDEX incidents_source ON incidents (source, source_id);

-- 告警规则
CREATE TABLE alert_rules (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  region TEXT NOT NULL,
  parameters TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
) WITHOUT ROWID;
-- 告警
CREATE TABLE alerts (
  id TEXT PRIMARY KEY NOT NULL,
  rule TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  place TEXT NOT NULL,
  region TEXT NOT NULL,
  incident TEXT,
  cell TEXT,
  title TEXT NOT NULL,
  level TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  acknowledged_by TEXT,
  acknowledged_at TEXT,
  escalates_at TEXT,
  closed_at TEXT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
) WITHOUT ROWID;
CREATE INDEX alerts_place ON alerts (place);
CREATE INDEX alerts_incident ON alerts (incident);
-- what alarms already does not alarm again
CREATE UNIQUE INDEX alerts_open ON alerts (subject) WHERE closed_at IS NULL;
