-- The register as a GeoPackage. Applied files never change; the next step is the next file (migrations/README.md).

-- 1. The GeoPackage frame (OGC 12-128r15, version 1.3)
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL,
  definition TEXT NOT NULL,
  description TEXT
);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]', 'longitude/latitude in degrees on WGS 84');
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY,
  data_type TEXT NOT NULL,
  identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE,
  min_y DOUBLE,
  max_x DOUBLE,
  max_y DOUBLE,
  srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL,
  m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents (table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id)
);
CREATE TABLE gpkg_extensions (
  table_name TEXT,
  column_name TEXT,
  extension_name TEXT NOT NULL,
  definition TEXT NOT NULL,
  scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name)
);

-- 2. Who is writing: 1 inside our own transactions, 2 inside a purge, 0 in every committed state. Triggers ask it, so that another
-- program (QGIS) needs no function of ours to edit, and is told apart.
CREATE TABLE store_writer (one INTEGER PRIMARY KEY CHECK (one = 1), active INTEGER NOT NULL);
INSERT INTO store_writer VALUES (1, 0);
CREATE TABLE foreign_edits (
  seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  at TEXT NOT NULL,
  layer TEXT NOT NULL,
  operation TEXT NOT NULL,
  fid INTEGER NOT NULL,
  id TEXT,
  before_row TEXT,
  before_geom BLOB,
  after_row TEXT,
  after_geom BLOB,
  settled TEXT
);

-- 3. The register. Every row carries `row_version`, counted up by each change, and `row_sum`, the check sum of its cells (NULL after a
-- foreign edit that nobody has accepted yet).
-- 行政区
CREATE TABLE regions (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  parent TEXT,
  valid_from DATE,
  valid_to DATE,
  geom MULTIPOLYGON,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
-- 功能区
CREATE TABLE zones (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  townships TEXT NOT NULL,
  valid_from DATE,
  valid_to DATE,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
-- 楼栋
CREATE TABLE buildings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  village TEXT NOT NULL CHECK (length(village) = 12),
  name TEXT,
  kind TEXT,
  households INTEGER,
  dedicated TEXT,
  stairwells TEXT NOT NULL,
  valid_from DATE,
  valid_to DATE,
  geom GEOMETRY,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX buildings_village ON buildings (village);
-- 住户
CREATE TABLE households (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  village TEXT NOT NULL CHECK (length(village) = 12),
  building TEXT NOT NULL,
  stairwell TEXT,
  floor INTEGER,
  hamlet TEXT,
  group_name TEXT,
  persons INTEGER,
  tenure TEXT CHECK (tenure IN ('own', 'rented', 'vacant')),
  eligible BOOLEAN,
  valid_from DATE,
  valid_to DATE,
  geom POINT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX households_village ON households (village);
CREATE INDEX households_building ON households (building);
-- 综治中心
CREATE TABLE centres (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL,
  level TEXT NOT NULL,
  name TEXT NOT NULL,
  address TEXT,
  duty_hours TEXT,
  valid_from DATE,
  valid_to DATE,
  geom POINT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX centres_region ON centres (region);
CREATE TABLE officers (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL,
  role TEXT NOT NULL,
  name TEXT,
  phone_sealed BLOB,
  household TEXT,
  elected_on DATE,
  valid_from DATE,
  valid_to DATE,
  salt BLOB NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX officers_region ON officers (region);
-- 障碍
CREATE TABLE barriers (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL,
  kind TEXT NOT NULL,
  hard BOOLEAN NOT NULL,
  name TEXT,
  valid_from DATE,
  valid_to DATE,
  geom GEOMETRY,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX barriers_region ON barriers (region);
-- 原有网格
CREATE TABLE old_nets (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  net TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT,
  valid_from DATE,
  valid_to DATE,
  geom MULTIPOLYGON,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX old_nets_region ON old_nets (region);
-- 事件
CREATE TABLE incidents (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL,
  grid TEXT,
  category TEXT NOT NULL,
  dispute TEXT,
  level TEXT NOT NULL,
  state TEXT NOT NULL,
  occurred_at DATETIME NOT NULL,
  due_at DATETIME,
  summary TEXT,
  geom POINT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX incidents_region ON incidents (region);
CREATE INDEX incidents_grid ON incidents (grid);
-- 事件流转
CREATE TABLE incident_transitions (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  incident TEXT NOT NULL,
  region TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  from_level TEXT NOT NULL,
  to_level TEXT NOT NULL,
  role TEXT NOT NULL,
  at DATETIME NOT NULL,
  due_at DATETIME,
  reason TEXT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE INDEX incident_transitions_incident ON incident_transitions (incident);
CREATE INDEX incident_transitions_region ON incident_transitions (region);
-- 字典
CREATE TABLE dictionaries (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  dictionary TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT,
  position INTEGER NOT NULL,
  enabled BOOLEAN NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
-- 规则
CREATE TABLE profiles (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  toml TEXT NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);
CREATE TABLE jobs (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  region TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  progress DOUBLE NOT NULL,
  parameters TEXT NOT NULL,
  result TEXT,
  created_at DATETIME NOT NULL,
  updated_at DATETIME NOT NULL,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
);

-- 4. Plans, codes, logs
-- 方案. `no` is the plan's number inside this store, `id` what the outside sees.
CREATE TABLE plans (
  no INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  region TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('draft', 'live', 'retired')),
  version INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  parameters TEXT NOT NULL,
  profile TEXT NOT NULL,
  input_version INTEGER NOT NULL,
  valid_from DATE,
  valid_to DATE,
  forked_from TEXT,
  row_sum INTEGER
);
CREATE INDEX plans_region ON plans (region);
CREATE UNIQUE INDEX plans_one_live ON plans (region) WHERE status = 'live';
-- 网格: what was decided, then what is derived from it (from `level` on, written by the plan layer, never by hand).
CREATE TABLE grids (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  code TEXT NOT NULL CHECK (length(code) = 15),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'dedicated', 'level1')),
  locked BOOLEAN NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to TEXT,
  predecessors TEXT NOT NULL,
  row_sum INTEGER,
  plan TEXT NOT NULL,
  in_force BOOLEAN NOT NULL,
  households INTEGER,
  buildings INTEGER,
  persons INTEGER,
  deviation DOUBLE,
  area_m2 DOUBLE,
  perimeter_m DOUBLE,
  polsby_popper DOUBLE,
  geom MULTIPOLYGON,
  derived_sum INTEGER,
  UNIQUE (plan_no, code)
);
-- 十联户
CREATE TABLE units (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  code TEXT NOT NULL CHECK (length(code) = 18),
  locked BOOLEAN NOT NULL,
  leader TEXT,
  deputies TEXT NOT NULL,
  officers_locked BOOLEAN NOT NULL,
  exception TEXT,
  founded_on TEXT,
  contact_group TEXT,
  row_sum INTEGER,
  plan TEXT NOT NULL,
  in_force BOOLEAN NOT NULL,
  households INTEGER,
  sse_m2 DOUBLE,
  reach_m DOUBLE,
  geom MULTIPOLYGON,
  derived_sum INTEGER,
  UNIQUE (plan_no, code)
);
-- 联户长 and deputies where they live: derived
CREATE TABLE leaders (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  plan TEXT NOT NULL,
  in_force BOOLEAN NOT NULL,
  unit TEXT NOT NULL,
  household TEXT NOT NULL,
  role TEXT NOT NULL,
  geom POINT,
  derived_sum INTEGER
);
CREATE INDEX leaders_plan ON leaders (plan_no, unit);
-- building -> grid
CREATE TABLE seats (
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  building TEXT NOT NULL,
  grid TEXT NOT NULL,
  locked BOOLEAN NOT NULL,
  row_sum INTEGER,
  PRIMARY KEY (plan_no, building)
) WITHOUT ROWID;
CREATE INDEX seats_grid ON seats (plan_no, grid);
-- household -> unit
CREATE TABLE memberships (
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  household TEXT NOT NULL,
  unit TEXT NOT NULL,
  row_sum INTEGER,
  PRIMARY KEY (plan_no, household)
) WITHOUT ROWID;
CREATE INDEX memberships_unit ON memberships (plan_no, unit);
-- plan version at which a grid was last touched, by whom
CREATE TABLE grid_versions (
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  grid TEXT NOT NULL,
  version INTEGER NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (plan_no, grid)
) WITHOUT ROWID;
-- every change of a plan; undo and redo are entries of their own
CREATE TABLE plan_edits (
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('edit', 'undo', 'redo')),
  target INTEGER,
  version INTEGER NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL,
  operation TEXT NOT NULL,
  changes TEXT NOT NULL,
  undone BOOLEAN NOT NULL,
  row_sum INTEGER,
  PRIMARY KEY (plan_no, seq)
) WITHOUT ROWID;
-- which unit a household left and came to, by edit: answers "where was X on date D"
CREATE TABLE membership_moves (
  plan_no INTEGER NOT NULL REFERENCES plans (no),
  household TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  unit_before TEXT,
  unit_after TEXT,
  PRIMARY KEY (plan_no, household, seq)
) WITHOUT ROWID;
CREATE INDEX membership_moves_household ON membership_moves (household);
-- every code that was ever in force; a code that has ended never comes back
CREATE TABLE codes (
  code TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('grid', 'unit')),
  valid_from TEXT NOT NULL,
  valid_to TEXT,
  predecessors TEXT NOT NULL,
  row_sum INTEGER
) WITHOUT ROWID;
-- cells changed by imports and edits of the register
CREATE TABLE register_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  layer TEXT NOT NULL,
  id TEXT NOT NULL,
  col TEXT NOT NULL,
  before TEXT,
  after TEXT
);
CREATE INDEX register_changes_row ON register_changes (layer, id);
-- answers given under an idempotency key
CREATE TABLE idempotency (
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  answer TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  scope TEXT NOT NULL,
  operation TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE TABLE audit_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL);
INSERT INTO audit_head VALUES (1, 0, '');
CREATE TABLE register_state (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
INSERT INTO register_state VALUES (1, 1);

-- 5. What other programs see
INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES
  ('regions', 'features', '行政区', 4326),
  ('buildings', 'features', '楼栋', 4326),
  ('households', 'features', '住户', 4326),
  ('centres', 'features', '综治中心', 4326),
  ('barriers', 'features', '障碍', 4326),
  ('old_nets', 'features', '原有网格', 4326),
  ('incidents', 'features', '事件', 4326),
  ('grids', 'features', '网格', 4326),
  ('units', 'features', '十联户', 4326),
  ('leaders', 'features', '联户长', 4326),
  ('zones', 'attributes', '功能区', NULL),
  ('incident_transitions', 'attributes', '事件流转', NULL),
  ('dictionaries', 'attributes', '字典', NULL),
  ('plans', 'attributes', '方案', NULL);
INSERT INTO gpkg_geometry_columns VALUES
  ('regions', 'geom', 'MULTIPOLYGON', 4326, 0, 0),
  ('buildings', 'geom', 'GEOMETRY', 4326, 0, 0),
  ('households', 'geom', 'POINT', 4326, 0, 0),
  ('centres', 'geom', 'POINT', 4326, 0, 0),
  ('barriers', 'geom', 'GEOMETRY', 4326, 0, 0),
  ('old_nets', 'geom', 'MULTIPOLYGON', 4326, 0, 0),
  ('incidents', 'geom', 'POINT', 4326, 0, 0),
  ('grids', 'geom', 'MULTIPOLYGON', 4326, 0, 0),
  ('units', 'geom', 'MULTIPOLYGON', 4326, 0, 0),
  ('leaders', 'geom', 'POINT', 4326, 0, 0);

-- 6. R-trees with the triggers of the GeoPackage standard (Annex F.3)
CREATE VIRTUAL TABLE rtree_regions_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_regions_geom_insert AFTER INSERT ON regions
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_regions_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_regions_geom_update1 AFTER UPDATE OF geom ON regions
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_regions_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_regions_geom_update2 AFTER UPDATE OF geom ON regions
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_regions_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_regions_geom_update3 AFTER UPDATE ON regions
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_regions_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_regions_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_regions_geom_update4 AFTER UPDATE ON regions
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_regions_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_regions_geom_delete AFTER DELETE ON regions
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_regions_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('regions', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_buildings_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_buildings_geom_insert AFTER INSERT ON buildings
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_buildings_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_buildings_geom_update1 AFTER UPDATE OF geom ON buildings
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_buildings_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_buildings_geom_update2 AFTER UPDATE OF geom ON buildings
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_buildings_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_buildings_geom_update3 AFTER UPDATE ON buildings
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_buildings_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_buildings_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_buildings_geom_update4 AFTER UPDATE ON buildings
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_buildings_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_buildings_geom_delete AFTER DELETE ON buildings
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_buildings_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('buildings', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_households_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_households_geom_insert AFTER INSERT ON households
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_households_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_households_geom_update1 AFTER UPDATE OF geom ON households
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_households_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_households_geom_update2 AFTER UPDATE OF geom ON households
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_households_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_households_geom_update3 AFTER UPDATE ON households
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_households_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_households_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_households_geom_update4 AFTER UPDATE ON households
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_households_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_households_geom_delete AFTER DELETE ON households
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_households_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('households', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_centres_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_centres_geom_insert AFTER INSERT ON centres
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_centres_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_centres_geom_update1 AFTER UPDATE OF geom ON centres
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_centres_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_centres_geom_update2 AFTER UPDATE OF geom ON centres
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_centres_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_centres_geom_update3 AFTER UPDATE ON centres
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_centres_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_centres_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_centres_geom_update4 AFTER UPDATE ON centres
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_centres_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_centres_geom_delete AFTER DELETE ON centres
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_centres_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('centres', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_barriers_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_barriers_geom_insert AFTER INSERT ON barriers
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_barriers_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_barriers_geom_update1 AFTER UPDATE OF geom ON barriers
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_barriers_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_barriers_geom_update2 AFTER UPDATE OF geom ON barriers
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_barriers_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_barriers_geom_update3 AFTER UPDATE ON barriers
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_barriers_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_barriers_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_barriers_geom_update4 AFTER UPDATE ON barriers
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_barriers_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_barriers_geom_delete AFTER DELETE ON barriers
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_barriers_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('barriers', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_old_nets_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_old_nets_geom_insert AFTER INSERT ON old_nets
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_old_nets_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_old_nets_geom_update1 AFTER UPDATE OF geom ON old_nets
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_old_nets_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_old_nets_geom_update2 AFTER UPDATE OF geom ON old_nets
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_old_nets_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_old_nets_geom_update3 AFTER UPDATE ON old_nets
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_old_nets_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_old_nets_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_old_nets_geom_update4 AFTER UPDATE ON old_nets
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_old_nets_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_old_nets_geom_delete AFTER DELETE ON old_nets
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_old_nets_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('old_nets', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_incidents_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_incidents_geom_insert AFTER INSERT ON incidents
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_incidents_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_incidents_geom_update1 AFTER UPDATE OF geom ON incidents
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_incidents_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_incidents_geom_update2 AFTER UPDATE OF geom ON incidents
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_incidents_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_incidents_geom_update3 AFTER UPDATE ON incidents
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_incidents_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_incidents_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_incidents_geom_update4 AFTER UPDATE ON incidents
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_incidents_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_incidents_geom_delete AFTER DELETE ON incidents
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_incidents_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('incidents', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_grids_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_grids_geom_insert AFTER INSERT ON grids
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_grids_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_grids_geom_update1 AFTER UPDATE OF geom ON grids
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_grids_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_grids_geom_update2 AFTER UPDATE OF geom ON grids
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_grids_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_grids_geom_update3 AFTER UPDATE ON grids
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_grids_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_grids_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_grids_geom_update4 AFTER UPDATE ON grids
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_grids_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_grids_geom_delete AFTER DELETE ON grids
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_grids_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('grids', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_units_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_units_geom_insert AFTER INSERT ON units
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_units_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_units_geom_update1 AFTER UPDATE OF geom ON units
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_units_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_units_geom_update2 AFTER UPDATE OF geom ON units
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_units_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_units_geom_update3 AFTER UPDATE ON units
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_units_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_units_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_units_geom_update4 AFTER UPDATE ON units
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_units_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_units_geom_delete AFTER DELETE ON units
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_units_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('units', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_leaders_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE TRIGGER rtree_leaders_geom_insert AFTER INSERT ON leaders
  WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_leaders_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_leaders_geom_update1 AFTER UPDATE OF geom ON leaders
  WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  INSERT OR REPLACE INTO rtree_leaders_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_leaders_geom_update2 AFTER UPDATE OF geom ON leaders
  WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_leaders_geom WHERE id = OLD.fid;
END;
CREATE TRIGGER rtree_leaders_geom_update3 AFTER UPDATE ON leaders
  WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_leaders_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_leaders_geom VALUES (
    NEW.fid,
    ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
    ST_MinY(NEW.geom), ST_MaxY(NEW.geom)
  );
END;
CREATE TRIGGER rtree_leaders_geom_update4 AFTER UPDATE ON leaders
  WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN
  DELETE FROM rtree_leaders_geom WHERE id IN (OLD.fid, NEW.fid);
END;
CREATE TRIGGER rtree_leaders_geom_delete AFTER DELETE ON leaders
  WHEN OLD.geom NOT NULL
BEGIN
  DELETE FROM rtree_leaders_geom WHERE id = OLD.fid;
END;
INSERT INTO gpkg_extensions VALUES ('leaders', 'geom', 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');

-- 7. Edits by other programs: logged where they are welcome, refused where a layer is derived or guarded
CREATE TRIGGER regions_foreign_insert AFTER INSERT ON regions WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'regions', 'insert', NEW.fid, NEW.code, json_object('code', NEW.code, 'name', NEW.name, 'level', NEW.level, 'parent', NEW.parent, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE regions SET row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER regions_foreign_update AFTER UPDATE OF code, name, level, parent, valid_from, valid_to, geom ON regions WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'regions', 'update', NEW.fid, OLD.code,
      json_object('code', OLD.code, 'name', OLD.name, 'level', OLD.level, 'parent', OLD.parent, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom,
      json_object('code', NEW.code, 'name', NEW.name, 'level', NEW.level, 'parent', NEW.parent, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE regions SET row_version = OLD.row_version + 1, row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER regions_foreign_delete AFTER DELETE ON regions WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'regions', 'delete', OLD.fid, OLD.code, json_object('code', OLD.code, 'name', OLD.name, 'level', OLD.level, 'parent', OLD.parent, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom);
END;
CREATE TRIGGER buildings_foreign_insert AFTER INSERT ON buildings WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'buildings', 'insert', NEW.fid, NEW.id, json_object('id', NEW.id, 'village', NEW.village, 'name', NEW.name, 'kind', NEW.kind, 'households', NEW.households, 'dedicated', NEW.dedicated, 'stairwells', NEW.stairwells, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE buildings SET row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER buildings_foreign_update AFTER UPDATE OF id, village, name, kind, households, dedicated, stairwells, valid_from, valid_to, geom ON buildings WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'buildings', 'update', NEW.fid, OLD.id,
      json_object('id', OLD.id, 'village', OLD.village, 'name', OLD.name, 'kind', OLD.kind, 'households', OLD.households, 'dedicated', OLD.dedicated, 'stairwells', OLD.stairwells, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom,
      json_object('id', NEW.id, 'village', NEW.village, 'name', NEW.name, 'kind', NEW.kind, 'households', NEW.households, 'dedicated', NEW.dedicated, 'stairwells', NEW.stairwells, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE buildings SET row_version = OLD.row_version + 1, row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER buildings_foreign_delete AFTER DELETE ON buildings WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'buildings', 'delete', OLD.fid, OLD.id, json_object('id', OLD.id, 'village', OLD.village, 'name', OLD.name, 'kind', OLD.kind, 'households', OLD.households, 'dedicated', OLD.dedicated, 'stairwells', OLD.stairwells, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom);
END;
CREATE TRIGGER centres_foreign_insert AFTER INSERT ON centres WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'centres', 'insert', NEW.fid, NEW.id, json_object('id', NEW.id, 'region', NEW.region, 'level', NEW.level, 'name', NEW.name, 'address', NEW.address, 'duty_hours', NEW.duty_hours, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE centres SET row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER centres_foreign_update AFTER UPDATE OF id, region, level, name, address, duty_hours, valid_from, valid_to, geom ON centres WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'centres', 'update', NEW.fid, OLD.id,
      json_object('id', OLD.id, 'region', OLD.region, 'level', OLD.level, 'name', OLD.name, 'address', OLD.address, 'duty_hours', OLD.duty_hours, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom,
      json_object('id', NEW.id, 'region', NEW.region, 'level', NEW.level, 'name', NEW.name, 'address', NEW.address, 'duty_hours', NEW.duty_hours, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE centres SET row_version = OLD.row_version + 1, row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER centres_foreign_delete AFTER DELETE ON centres WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'centres', 'delete', OLD.fid, OLD.id, json_object('id', OLD.id, 'region', OLD.region, 'level', OLD.level, 'name', OLD.name, 'address', OLD.address, 'duty_hours', OLD.duty_hours, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom);
END;
CREATE TRIGGER barriers_foreign_insert AFTER INSERT ON barriers WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'barriers', 'insert', NEW.fid, NEW.id, json_object('id', NEW.id, 'region', NEW.region, 'kind', NEW.kind, 'hard', NEW.hard, 'name', NEW.name, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE barriers SET row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER barriers_foreign_update AFTER UPDATE OF id, region, kind, hard, name, valid_from, valid_to, geom ON barriers WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'barriers', 'update', NEW.fid, OLD.id,
      json_object('id', OLD.id, 'region', OLD.region, 'kind', OLD.kind, 'hard', OLD.hard, 'name', OLD.name, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom,
      json_object('id', NEW.id, 'region', NEW.region, 'kind', NEW.kind, 'hard', NEW.hard, 'name', NEW.name, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE barriers SET row_version = OLD.row_version + 1, row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER barriers_foreign_delete AFTER DELETE ON barriers WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'barriers', 'delete', OLD.fid, OLD.id, json_object('id', OLD.id, 'region', OLD.region, 'kind', OLD.kind, 'hard', OLD.hard, 'name', OLD.name, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom);
END;
CREATE TRIGGER old_nets_foreign_insert AFTER INSERT ON old_nets WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'old_nets', 'insert', NEW.fid, NEW.id, json_object('id', NEW.id, 'net', NEW.net, 'region', NEW.region, 'name', NEW.name, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE old_nets SET row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER old_nets_foreign_update AFTER UPDATE OF id, net, region, name, valid_from, valid_to, geom ON old_nets WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom, after_row, after_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'old_nets', 'update', NEW.fid, OLD.id,
      json_object('id', OLD.id, 'net', OLD.net, 'region', OLD.region, 'name', OLD.name, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom,
      json_object('id', NEW.id, 'net', NEW.net, 'region', NEW.region, 'name', NEW.name, 'valid_from', NEW.valid_from, 'valid_to', NEW.valid_to), NEW.geom);
  UPDATE old_nets SET row_version = OLD.row_version + 1, row_sum = NULL WHERE fid = NEW.fid;
END;
CREATE TRIGGER old_nets_foreign_delete AFTER DELETE ON old_nets WHEN (SELECT active FROM store_writer) = 0
BEGIN
  INSERT INTO foreign_edits (at, layer, operation, fid, id, before_row, before_geom)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'old_nets', 'delete', OLD.fid, OLD.id, json_object('id', OLD.id, 'net', OLD.net, 'region', OLD.region, 'name', OLD.name, 'valid_from', OLD.valid_from, 'valid_to', OLD.valid_to), OLD.geom);
END;
CREATE TRIGGER households_refuse_insert BEFORE INSERT ON households WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER households_refuse_update BEFORE UPDATE ON households WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER households_refuse_delete BEFORE DELETE ON households WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER incidents_refuse_insert BEFORE INSERT ON incidents WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER incidents_refuse_update BEFORE UPDATE ON incidents WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER incidents_refuse_delete BEFORE DELETE ON incidents WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER grids_refuse_insert BEFORE INSERT ON grids WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER grids_refuse_update BEFORE UPDATE ON grids WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER grids_refuse_delete BEFORE DELETE ON grids WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER units_refuse_insert BEFORE INSERT ON units WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER units_refuse_update BEFORE UPDATE ON units WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER units_refuse_delete BEFORE DELETE ON units WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER leaders_refuse_insert BEFORE INSERT ON leaders WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER leaders_refuse_update BEFORE UPDATE ON leaders WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER leaders_refuse_delete BEFORE DELETE ON leaders WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER seats_refuse_insert BEFORE INSERT ON seats WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER seats_refuse_update BEFORE UPDATE ON seats WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER seats_refuse_delete BEFORE DELETE ON seats WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER memberships_refuse_insert BEFORE INSERT ON memberships WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER memberships_refuse_update BEFORE UPDATE ON memberships WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER memberships_refuse_delete BEFORE DELETE ON memberships WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plans_refuse_insert BEFORE INSERT ON plans WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plans_refuse_update BEFORE UPDATE ON plans WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plans_refuse_delete BEFORE DELETE ON plans WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER codes_refuse_insert BEFORE INSERT ON codes WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER codes_refuse_update BEFORE UPDATE ON codes WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER codes_refuse_delete BEFORE DELETE ON codes WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plan_edits_refuse_insert BEFORE INSERT ON plan_edits WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plan_edits_refuse_update BEFORE UPDATE ON plan_edits WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;
CREATE TRIGGER plan_edits_refuse_delete BEFORE DELETE ON plan_edits WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '本图层由程序维护，不能在别的软件中修改 / this layer is kept by the program and not edited elsewhere');
END;

-- 8. The audit log is appended to, by the program alone; only a purge may change it
CREATE TRIGGER audit_refuse_insert BEFORE INSERT ON audit WHEN (SELECT active FROM store_writer) < 1
BEGIN
  SELECT RAISE(ABORT, '审计日志由程序写入 / the audit log is written by the program');
END;
CREATE TRIGGER audit_refuse_update BEFORE UPDATE ON audit WHEN (SELECT active FROM store_writer) < 2
BEGIN
  SELECT RAISE(ABORT, '审计日志只能追加 / the audit log is append-only');
END;
CREATE TRIGGER audit_refuse_delete BEFORE DELETE ON audit WHEN (SELECT active FROM store_writer) < 2
BEGIN
  SELECT RAISE(ABORT, '审计日志只能追加 / the audit log is append-only');
END;
