//! A GeoPackage 1.3 of one layer, with its R-tree, as any GIS opens it (OGC 12-128r17).
//!
//! The driver is asynchronous and the caller may itself run inside a runtime: a thread of its own takes rows a batch at a time.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use geo::Geometry;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use time::format_description::well_known::Rfc3339;

use crate::exchange::table::Cell;
use crate::exchange::wkb::append_wkb;

use super::canonical::{bounds, joined};
use super::whole::WholeFile;
use super::{FieldType, Geometries, Sink, WriteError, WriteOptions, WriterSchema, Written};

/// Rows handed over at once.
const BATCH: usize = 500;

/// Values of one statement at most: each statement is handed to the driver's thread and waited for, which takes longer than a row does.
const VALUES: usize = 2_000;
/// Columns of an R-tree: a number and the four sides.
const INDEX_COLUMNS: usize = 5;

type Row = (Vec<Cell>, Option<Geometry<f64>>);

pub(super) struct Package {
    file: WholeFile,
    sender: Option<SyncSender<Vec<Row>>>,
    worker: Option<JoinHandle<Result<(), String>>>,
    batch: Vec<Row>,
}

impl Package {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema, options: WriteOptions) -> Result<Self, WriteError> {
        let path = file.temporary_path().to_owned();
        let (sender, receiver) = sync_channel(4);
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|e| e.to_string())?;
            runtime.block_on(write(&path, &schema, options, &receiver)).map_err(|e| e.to_string())
        });
        Ok(Self { file, sender: Some(sender), worker: Some(worker), batch: Vec::new() })
    }

    fn send(&mut self) -> Result<(), WriteError> {
        let batch = std::mem::take(&mut self.batch);
        match &self.sender {
            Some(sender) if sender.send(batch).is_ok() => Ok(()),
            _ => Err(self.failure()),
        }
    }

    /// Why the worker ended early.
    fn failure(&mut self) -> WriteError {
        self.sender = None;
        match self.worker.take().map(JoinHandle::join) {
            Some(Ok(Err(reason))) => self.file.error(reason),
            _ => self.file.error("写出中断，请重试 / the writer stopped: try again"),
        }
    }
}

impl Sink for Package {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        self.batch.push((values.to_vec(), geometry.cloned()));
        if self.batch.len() < BATCH { Ok(()) } else { self.send() }
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        self.send()?;
        self.sender = None;
        match self.worker.take().map(JoinHandle::join) {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(reason))) => return Err(self.file.error(reason)),
            _ => return Err(self.file.error("写出中断，请重试 / the writer stopped: try again")),
        }
        self.file.commit()?;
        Ok(Written::default())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const TABLES: &str = r#"
PRAGMA application_id = 1196444487;
PRAGMA user_version = 10300;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]', 'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid');
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
  scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"#;

/// A statement that inserts many rows.
struct Many {
    begin: String,
    /// A row's marks.
    marks: String,
    at_once: usize,
    /// For as many rows as it takes at once.
    full: String,
}

impl Many {
    fn new(begin: String, columns: usize) -> Self {
        let marks = format!("({})", vec!["?"; columns].join(","));
        let at_once = (VALUES / columns.max(1)).clamp(1, BATCH);
        let mut made = Self { begin, marks, at_once, full: String::new() };
        made.full = made.of(at_once);
        made
    }

    fn of(&self, rows: usize) -> String {
        if rows == self.at_once && !self.full.is_empty() {
            return self.full.clone();
        }
        format!("{} {}", self.begin, vec![self.marks.as_str(); rows].join(","))
    }
}

async fn write(
    path: &std::path::Path,
    schema: &WriterSchema,
    options: WriteOptions,
    receiver: &Receiver<Vec<Row>>,
) -> Result<(), sqlx::Error> {
    let connect = SqliteConnectOptions::new()
        .filename(path)
        // Nobody sees the file before it is whole, and it is synced then.
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    let mut db: SqliteConnection = connect.connect().await?;
    let spatial = schema.geometries != Geometries::None;
    let table = schema.layer.as_str();
    db.execute("PRAGMA page_size = 4096").await?;
    db.execute("BEGIN").await?;
    db.execute(AssertSqlSafe(TABLES.to_owned())).await?;
    db.execute(AssertSqlSafe(layer_tables(schema, options))).await?;
    let geometry_name = geometry_column(schema);
    let mut names: Vec<String> = schema.fields.iter().map(|f| quoted(&f.name)).collect();
    if spatial {
        names.insert(0, quoted(&geometry_name));
    }
    let rows = Many::new(format!("INSERT INTO {} ({}) VALUES", quoted(table), names.join(", ")), names.len());
    let index = Many::new(format!("INSERT INTO {} VALUES", quoted(&index_name(table, &geometry_name))), INDEX_COLUMNS);
    let (mut number, mut extent) = (0_i64, None);
    while let Ok(batch) = receiver.recv() {
        let mut places = Vec::with_capacity(batch.len());
        for some in batch.chunks(rows.at_once) {
            let mut query = sqlx::query(AssertSqlSafe(rows.of(some.len())));
            for (values, geometry) in some {
                number += 1;
                let around = geometry.as_ref().and_then(bounds);
                if spatial {
                    query = query.bind(geometry.as_ref().map(|g| blob(g, around)));
                    places.extend(around.map(|b| (number, b)));
                }
                for value in values {
                    query = match value {
                        Cell::Empty => query.bind(None::<String>),
                        Cell::Text(t) | Cell::Date(t) => query.bind(t.as_str()),
                        Cell::Whole(v) => query.bind(v),
                        Cell::Real(v) => query.bind(v),
                        Cell::Bool(b) => query.bind(b),
                    };
                }
                extent = joined(extent, around);
            }
            query.execute(&mut db).await?;
        }
        for some in places.chunks(index.at_once) {
            let mut query = sqlx::query(AssertSqlSafe(index.of(some.len())));
            for (number, [min_x, min_y, max_x, max_y]) in some {
                query = query.bind(number).bind(min_x).bind(max_x).bind(min_y).bind(max_y);
            }
            query.execute(&mut db).await?;
        }
    }
    if spatial {
        if let Some([min_x, min_y, max_x, max_y]) = extent {
            let sql = "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?";
            sqlx::query(sql).bind(min_x).bind(min_y).bind(max_x).bind(max_y).bind(table).execute(&mut db).await?;
        }
        db.execute(AssertSqlSafe(triggers(table, &geometry_name))).await?;
    }
    db.execute("COMMIT").await?;
    db.close().await
}

/// A name for the geometry that no field has.
fn geometry_column(schema: &WriterSchema) -> String {
    let taken = |name: &str| schema.fields.iter().any(|f| f.name.eq_ignore_ascii_case(name));
    ["geom", "geometry", "the_geom"].into_iter().find(|n| !taken(n)).unwrap_or("geom_").to_owned()
}

fn index_name(table: &str, geometry: &str) -> String {
    format!("rtree_{table}_{geometry}")
}

fn layer_tables(schema: &WriterSchema, options: WriteOptions) -> String {
    let spatial = schema.geometries != Geometries::None;
    let (table, name) = (quoted(&schema.layer), literal(&schema.layer));
    let geometry = geometry_column(schema);
    let fid = if schema.fields.iter().any(|f| f.name.eq_ignore_ascii_case("fid")) { "ogc_fid" } else { "fid" };
    let mut sql = format!("CREATE TABLE {table} ({fid} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL");
    let kind = if schema.geometries == Geometries::Points { "POINT" } else { "GEOMETRY" };
    if spatial {
        sql += &format!(", {} {kind}", quoted(&geometry));
    }
    for field in &schema.fields {
        let kind = match field.kind {
            FieldType::Text => "TEXT",
            FieldType::Whole => "INTEGER",
            FieldType::Real => "DOUBLE",
            FieldType::Bool => "BOOLEAN",
            FieldType::Date if field.name.ends_with("_at") => "DATETIME",
            FieldType::Date => "DATE",
        };
        sql += &format!(", {} {kind}", quoted(&field.name));
    }
    sql += ");\n";
    let clock = options.clock.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(options.clock);
    let clock = clock.format(&Rfc3339).unwrap_or_default().replace('Z', ".000Z");
    let (data_type, srs) = if spatial { ("features", "4326") } else { ("attributes", "0") };
    sql += &format!(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) VALUES ({name}, '{data_type}', {name}, '{clock}', {srs});\n"
    );
    if spatial {
        let (g, index) = (literal(&geometry), quoted(&index_name(&schema.layer, &geometry)));
        sql += &format!("INSERT INTO gpkg_geometry_columns VALUES ({name}, {g}, '{kind}', 4326, 0, 0);\n");
        sql += &format!(
            "INSERT INTO gpkg_extensions VALUES ({name}, {g}, 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');\n"
        );
        sql += &format!("CREATE VIRTUAL TABLE {index} USING rtree(id, minx, maxx, miny, maxy);\n");
    }
    sql
}

/// The triggers by which the specification keeps the R-tree in step with edits (clause F.3).
fn triggers(table: &str, geometry: &str) -> String {
    let (t, c) = (quoted(table), quoted(geometry));
    let index = index_name(table, geometry);
    let r = quoted(&index);
    let name = |suffix: &str| quoted(&format!("{index}_{suffix}"));
    let key = "rowid";
    let values = format!("NEW.{key}, ST_MinX(NEW.{c}), ST_MaxX(NEW.{c}), ST_MinY(NEW.{c}), ST_MaxY(NEW.{c})");
    let full = format!("(NEW.{c} NOTNULL AND NOT ST_IsEmpty(NEW.{c}))");
    let empty = format!("(NEW.{c} ISNULL OR ST_IsEmpty(NEW.{c}))");
    format!(
        "CREATE TRIGGER {} AFTER INSERT ON {t} WHEN (NEW.{c} NOT NULL AND NOT ST_IsEmpty(NEW.{c})) BEGIN INSERT OR REPLACE INTO {r} VALUES ({values}); END;
CREATE TRIGGER {} AFTER UPDATE OF {c} ON {t} WHEN OLD.{key} = NEW.{key} AND {full} BEGIN INSERT OR REPLACE INTO {r} VALUES ({values}); END;
CREATE TRIGGER {} AFTER UPDATE OF {c} ON {t} WHEN OLD.{key} = NEW.{key} AND {empty} BEGIN DELETE FROM {r} WHERE id = OLD.{key}; END;
CREATE TRIGGER {} AFTER UPDATE ON {t} WHEN OLD.{key} != NEW.{key} AND {full} BEGIN DELETE FROM {r} WHERE id = OLD.{key}; INSERT OR REPLACE INTO {r} VALUES ({values}); END;
CREATE TRIGGER {} AFTER UPDATE ON {t} WHEN OLD.{key} != NEW.{key} AND {empty} BEGIN DELETE FROM {r} WHERE id IN (OLD.{key}, NEW.{key}); END;
CREATE TRIGGER {} AFTER DELETE ON {t} WHEN OLD.{c} NOT NULL BEGIN DELETE FROM {r} WHERE id = OLD.{key}; END;",
        name("insert"),
        name("update1"),
        name("update2"),
        name("update3"),
        name("update4"),
        name("delete"),
    )
}

/// A GeoPackage geometry blob: header, envelope (but for points), well-known binary.
fn blob(geometry: &Geometry<f64>, around: Option<[f64; 4]>) -> Vec<u8> {
    let around = around.filter(|_| !matches!(geometry, Geometry::Point(_)));
    let flags = 1 | if around.is_some() { 1 << 1 } else { 0 };
    let mut bytes = vec![b'G', b'P', 0, flags];
    bytes.extend(4326_i32.to_le_bytes());
    if let Some([min_x, min_y, max_x, max_y]) = around {
        for v in [min_x, max_x, min_y, max_y] {
            bytes.extend(v.to_le_bytes());
        }
    }
    append_wkb(&mut bytes, geometry);
    bytes
}
