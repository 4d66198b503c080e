//! One feature layer of an OGC GeoPackage, read page by page and never written to.
//!
//! The file may be hostile: only ordinary tables are read (a view could compute for ever), every result column is an expression
//! with a name of ours (the driver stops at names and types that are not UTF-8), and names are quoted by doubling quotes.

use geo::Geometry;
use serde_json::{Map, Number, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _,
};

use super::error::{Fault, ReadError};
use super::layer::{Layer, Row, System};
use super::source::Source;
use super::wkb::geometry_of_blob;

/// Rows of one page.
const PAGE: usize = 1000;

/// Reads a layer; only columns that `wanted` accepts are asked for.
pub(super) fn read(source: &Source<'_>, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Layer, ReadError> {
    // A missing file should not be called a damaged one.
    std::fs::File::open(source.file).map_err(|e| source.unreadable(&e))?;
    let corrupt = |reason: String| ReadError::Corrupt { file: source.file.to_owned(), reason };
    // The driver is asynchronous and the caller may itself run inside a runtime, which cannot be nested: hence a thread of our own.
    let joined = std::thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|e| source.unreadable(&e))?.block_on(read_layer(source, wanted))
        };
        scope.spawn(work).join()
    });
    joined.unwrap_or_else(|_| Err(corrupt("the reader stopped".to_owned())))
}

/// A failure on the way: of the database, or a finding of ours.
enum Failure {
    Database(sqlx::Error),
    Found(ReadError),
}

impl From<sqlx::Error> for Failure {
    fn from(e: sqlx::Error) -> Self {
        Self::Database(e)
    }
}

async fn read_layer(source: &Source<'_>, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Layer, ReadError> {
    let corrupt = |reason: String| ReadError::Corrupt { file: source.file.to_owned(), reason };
    // A log beside the file holds edits of a program that has it open; only without one may the file be taken as unchanging.
    let log = std::fs::metadata(format!("{}-wal", source.file)).is_ok_and(|m| m.len() > 0);
    let options = SqliteConnectOptions::new()
        .filename(source.file)
        .read_only(true)
        .immutable(!log)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let mut db = options.connect().await.map_err(|e| corrupt(words(&e)))?;
    let read = Package { source, db: &mut db }.layer(wanted).await;
    // Closing a damaged file may fail; what was read stands.
    let _ = db.close().await;
    read.map_err(|e| match e {
        Failure::Database(e) => corrupt(words(&e)),
        Failure::Found(e) => e,
    })
}

fn words(e: &sqlx::Error) -> String {
    match e {
        sqlx::Error::Database(d) => d.message().to_owned(),
        other => other.to_string(),
    }
    .chars()
    .take(200)
    .collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

struct Package<'p> {
    source: &'p Source<'p>,
    db: &'p mut SqliteConnection,
}

impl Package<'_> {
    fn corrupt(&self, reason: impl Into<String>) -> Failure {
        Failure::Found(ReadError::Corrupt { file: self.source.file.to_owned(), reason: reason.into() })
    }

    async fn rows(&mut self, sql: &str, texts: &[&str]) -> Result<Vec<SqliteRow>, Failure> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        for text in texts {
            query = query.bind((*text).to_owned());
        }
        Ok(query.fetch_all(&mut *self.db).await?)
    }

    /// Whether `name` is an ordinary table: a view or a virtual table has no root page.
    async fn is_table(&mut self, name: &str) -> Result<bool, Failure> {
        let sql = "SELECT 1 AS c0 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND lower(name) = lower(?)";
        Ok(!self.rows(sql, &[name]).await?.is_empty())
    }

    async fn layer(&mut self, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Layer, Failure> {
        let encoding = self.rows("PRAGMA encoding", &[]).await?;
        if encoding.first().map(|r| text(r, 0)).transpose()?.flatten().as_deref() != Some("UTF-8") {
            return Err(self.corrupt("its text is not UTF-8"));
        }
        for table in ["gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"] {
            // A computed column could compute for ever, as a view could.
            let computed = self.rows("SELECT 1 AS c0 FROM pragma_table_xinfo(?) WHERE hidden > 0", &[table]).await?;
            if !self.is_table(table).await? || !computed.is_empty() {
                return Err(self.corrupt(format!("no table {table}")));
            }
        }
        let table = self.chosen_layer().await?;
        if !self.is_table(&table).await? {
            return Err(self.corrupt(format!("layer \"{table}\" is no table")));
        }
        let (geometry, system) = self.geometry_column(&table).await?;
        let mut names = Vec::new();
        let (mut key, mut has_geometry) = (None, false);
        let sql = "SELECT +name AS c0, +pk AS c1, +type AS c2 FROM pragma_table_info(?)";
        for row in self.rows(sql, &[&table]).await? {
            let Some(name) = text(&row, 0)? else { continue };
            let whole = text(&row, 2)?.is_some_and(|t| t.eq_ignore_ascii_case("INTEGER"));
            if name.eq_ignore_ascii_case(&geometry) {
                has_geometry = true;
            } else if whole && integer(&row, 1)? == Some(1) {
                // An integer primary key is the row number itself.
                key = Some(name);
            } else {
                names.push(name);
            }
        }
        if !has_geometry {
            return Err(self.corrupt(format!("layer \"{table}\" has no column {geometry}")));
        }
        // The row number has three names, of which a column of the user's may hide some.
        let hidden = |n: &str| names.iter().chain(key.as_ref()).any(|c| c.eq_ignore_ascii_case(n));
        let Some(number) = ["rowid", "_rowid_", "oid"].into_iter().find(|n| !hidden(n)) else {
            return Err(self.corrupt(format!("layer \"{table}\" hides its row numbers")));
        };
        let kept: Vec<&String> = names.iter().filter(|n| wanted(n)).collect();
        let mut columns = format!("+{number} AS c0, +{} AS c1", quoted(&geometry));
        for (i, name) in kept.iter().enumerate() {
            columns.push_str(&format!(", +{} AS c{}", quoted(name), i + 2));
        }
        let sql = format!("SELECT {columns} FROM {} WHERE {number} > ? ORDER BY {number} LIMIT {PAGE}", quoted(&table));
        let mut rows: Vec<Row> = Vec::new();
        let mut last = i64::MIN;
        loop {
            let page = sqlx::query(AssertSqlSafe(sql.clone())).bind(last).fetch_all(&mut *self.db).await?;
            for row in &page {
                let at = integer(row, 0)?.filter(|&n| n > last);
                // A damaged tree may lead in circles.
                last = at.ok_or_else(|| self.corrupt("its rows are not in order"))?;
                let mut properties = Map::new();
                for (i, name) in kept.iter().enumerate() {
                    properties.insert((*name).clone(), value(row, i + 2)?);
                }
                rows.push(Row {
                    number: rows.len() as u64 + 1,
                    id: Some(last.to_string()),
                    geometry: geometry_of(row, 1)?,
                    properties,
                });
            }
            if page.len() < PAGE {
                break;
            }
        }
        Ok(Layer { rows, columns: names, system, warnings: Vec::new() })
    }

    /// The layer asked for, or the only one.
    async fn chosen_layer(&mut self) -> Result<String, Failure> {
        let sql = "SELECT +table_name AS c0 FROM gpkg_contents WHERE data_type = 'features' ORDER BY rowid";
        let mut found = Vec::new();
        for row in self.rows(sql, &[]).await? {
            found.extend(text(&row, 0)?);
        }
        let asked = self.source.layer;
        let chosen = match (asked, found.as_slice()) {
            (_, []) => return Err(self.corrupt("no feature layer")),
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), _) => found.iter().find(|f| *f == name),
        };
        match chosen {
            Some(layer) => Ok(layer.clone()),
            None => {
                let (file, asked) = (self.source.file.to_owned(), asked.map(str::to_owned));
                Err(Failure::Found(ReadError::Layer { file, asked, found }))
            }
        }
    }

    /// Name of the geometry column, and the reference system.
    async fn geometry_column(&mut self, table: &str) -> Result<(String, System), Failure> {
        let sql = "SELECT +column_name AS c0, +srs_id AS c1 FROM gpkg_geometry_columns WHERE table_name = ?";
        let rows = self.rows(sql, &[table]).await?;
        let column = rows.first().map(|r| text(r, 0)).transpose()?.flatten();
        let srs = rows.first().map(|r| integer(r, 1)).transpose()?.flatten();
        let (Some(column), Some(srs)) = (column, srs) else {
            return Err(self.corrupt(format!("layer \"{table}\" has no geometry column")));
        };
        let system = match srs {
            -1 => System::Metres,
            0 => System::Unknown("undefined geographic (srs_id 0)".to_owned()),
            id => {
                let sql = format!(
                    "SELECT +organization AS c0, +organization_coordsys_id AS c1 FROM gpkg_spatial_ref_sys WHERE srs_id = {id}"
                );
                let rows = self.rows(&sql, &[]).await?;
                let authority = rows.first().map(|r| text(r, 0)).transpose()?.flatten();
                let code = rows.first().map(|r| integer(r, 1)).transpose()?.flatten();
                match (authority, code) {
                    (Some(authority), Some(code)) => System::named(&format!("{}:{code}", authority.to_uppercase())),
                    _ => System::Unknown(format!("srs_id {id}")),
                }
            }
        };
        Ok((column, system))
    }
}

/// A whole number; text and the like count as absent.
fn integer(row: &SqliteRow, i: usize) -> Result<Option<i64>, Failure> {
    Ok(match value(row, i)? {
        Value::Number(n) => n.as_i64(),
        _ => None,
    })
}

fn text(row: &SqliteRow, i: usize) -> Result<Option<String>, Failure> {
    Ok(match value(row, i)? {
        Value::String(t) => Some(t),
        _ => None,
    })
}

/// A value by its own type, whatever the column was declared as; blobs are left out.
fn value(row: &SqliteRow, i: usize) -> Result<Value, Failure> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    let decoded = match kind.as_str() {
        "INTEGER" => <i64 as Decode<'_, Sqlite>>::decode(raw).map(|v| Value::Number(v.into())),
        "REAL" => {
            <f64 as Decode<'_, Sqlite>>::decode(raw).map(|v| Number::from_f64(v).map_or(Value::Null, Value::Number))
        }
        "TEXT" => <String as Decode<'_, Sqlite>>::decode(raw).map(Value::String),
        _ => Ok(Value::Null),
    };
    decoded.map_err(|e| Failure::Database(sqlx::Error::Decode(e)))
}

fn geometry_of(row: &SqliteRow, i: usize) -> Result<Result<Geometry<f64>, Fault>, Failure> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Err(Fault::new("no_geometry", "没有几何 / there is no geometry")));
    }
    if raw.type_info().name() != "BLOB" {
        return Ok(Err(Fault::new("corrupt_file", "几何列不是二进制 / the geometry column holds no blob")));
    }
    match <&[u8] as Decode<'_, Sqlite>>::decode(raw) {
        Ok(blob) => Ok(geometry_of_blob(blob)),
        Err(e) => Err(Failure::Database(sqlx::Error::Decode(e))),
    }
}
