//! One feature layer of an OGC GeoPackage, read page by page and never written to.
//!
//! The file may be hostile: only ordinary tables are read (a view could compute for ever), every result column is an expression
//! with a name of ours (the driver stops at names and types that are not UTF-8), and names are quoted by doubling quotes.

use geo::Geometry;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _,
};

use super::error::{Fault, ReadError};
use super::layer::System;
use super::read::Request;
use super::table::{Cell, Halt, Head, RawRow, RowSink};
use super::wkb::geometry_of_blob;

/// Rows of one page.
const PAGE: usize = 1000;

/// Reads a layer page by page.
pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    // A missing file should not be called a damaged one.
    request.limits.checked_size(&request.file)?;
    let sha256_hex = request.sha256_hex()?;
    let log = std::fs::metadata(format!("{}-wal", request.file)).is_ok_and(|m| m.len() > 0);
    // The driver is asynchronous and the caller may itself run inside a runtime, which cannot be nested: hence a thread of our own,
    // which hands over a message at a time.
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Message>(4);
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || -> Result<(), ReadError> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let unreadable = |e: std::io::Error| ReadError::unreadable(&request.file, &e);
            runtime.map_err(unreadable)?.block_on(read_layer(request, log, &sender))
        });
        let mut outcome = Ok(());
        for message in &receiver {
            outcome = match message {
                Message::Head(head) => sink.head(Head { sha256_hex: sha256_hex.clone(), ..head }),
                Message::Rows(rows) => rows.into_iter().try_for_each(|row| sink.row(row)),
            };
            if outcome.is_err() {
                break;
            }
        }
        // Whoever still sends finds nobody listening.
        drop(receiver);
        let read = worker.join().unwrap_or_else(|_| Err(ReadError::corrupt(&request.file, "the reader stopped")));
        outcome.and_then(|()| read.map_err(Halt::Error))
    })
}

/// What the database thread hands over.
enum Message {
    Head(Head),
    Rows(Vec<RawRow>),
}

type Sender = std::sync::mpsc::SyncSender<Message>;

/// A failure on the way: of the database, or a finding of ours.
enum Failure {
    Database(sqlx::Error),
    Found(ReadError),
    NobodyListens,
}

impl From<sqlx::Error> for Failure {
    fn from(e: sqlx::Error) -> Self {
        Self::Database(e)
    }
}

async fn read_layer(request: &Request, log: bool, sender: &Sender) -> Result<(), ReadError> {
    let corrupt = |reason: String| ReadError::corrupt(&request.file, reason);
    // A log beside the file holds edits of a program that has it open; only without one may the file be taken as unchanging.
    let options = SqliteConnectOptions::new()
        .filename(&request.file)
        .read_only(true)
        .immutable(!log)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let mut db = options.connect().await.map_err(|e| corrupt(words(&e)))?;
    let read = Package { request, db: &mut db, sender }.layer().await;
    // Closing a damaged file may fail; what was read stands.
    let _ = db.close().await;
    match read {
        Ok(()) | Err(Failure::NobodyListens) => Ok(()),
        Err(Failure::Database(e)) => Err(corrupt(words(&e))),
        Err(Failure::Found(e)) => Err(e),
    }
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
    request: &'p Request,
    db: &'p mut SqliteConnection,
    sender: &'p Sender,
}

impl Package<'_> {
    fn corrupt(&self, reason: impl Into<String>) -> Failure {
        Failure::Found(ReadError::corrupt(&self.request.file, reason))
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

    async fn layer(&mut self) -> Result<(), Failure> {
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
        let (table, spatial) = self.chosen_layer().await?;
        if !self.is_table(&table).await? {
            return Err(self.corrupt(format!("layer \"{table}\" is no table")));
        }
        let (geometry, system) =
            if spatial { self.geometry_column(&table).await? } else { (String::new(), System::Degrees) };
        let (mut names, mut kinds) = (Vec::new(), Vec::new());
        let (mut key, mut has_geometry) = (None, false);
        let sql = "SELECT +name AS c0, +pk AS c1, +type AS c2 FROM pragma_table_info(?)";
        for row in self.rows(sql, &[&table]).await? {
            let Some(name) = text(&row, 0)? else { continue };
            let kind = text(&row, 2)?.unwrap_or_default().to_uppercase();
            let whole = kind == "INTEGER";
            if name.eq_ignore_ascii_case(&geometry) {
                has_geometry = true;
            } else if whole && integer(&row, 1)? == Some(1) {
                // An integer primary key is the row number itself.
                key = Some(name);
            } else {
                names.push(name);
                kinds.push(Kind::of(&kind));
            }
        }
        if spatial && !has_geometry {
            return Err(self.corrupt(format!("layer \"{table}\" has no column {geometry}")));
        }
        // The row number has three names, of which a column of the user's may hide some.
        let hidden = |n: &str| names.iter().chain(key.as_ref()).any(|c| c.eq_ignore_ascii_case(n));
        let Some(number) = ["rowid", "_rowid_", "oid"].into_iter().find(|n| !hidden(n)) else {
            return Err(self.corrupt(format!("layer \"{table}\" hides its row numbers")));
        };
        self.request.check_columns(names.len()).map_err(Failure::Found)?;
        let shape = if spatial { quoted(&geometry) } else { "NULL".to_owned() };
        let mut columns = format!("+{number} AS c0, +{shape} AS c1");
        for (i, name) in names.iter().enumerate() {
            columns.push_str(&format!(", +{} AS c{}", quoted(name), i + 2));
        }
        let sql = format!("SELECT {columns} FROM {} WHERE {number} > ? ORDER BY {number} LIMIT {PAGE}", quoted(&table));
        let width = names.len();
        let head = Head { columns: names, features: spatial, system, layer: Some(table), ..Head::default() };
        self.sender.send(Message::Head(head)).map_err(|_| Failure::NobodyListens)?;
        let (mut last, mut count) = (i64::MIN, 0_u64);
        loop {
            let page = sqlx::query(AssertSqlSafe(sql.clone())).bind(last).fetch_all(&mut *self.db).await?;
            let mut rows = Vec::with_capacity(page.len());
            for row in &page {
                let at = integer(row, 0)?.filter(|&n| n > last);
                // A damaged tree may lead in circles.
                last = at.ok_or_else(|| self.corrupt("its rows are not in order"))?;
                count += 1;
                let mut cells = Vec::with_capacity(width);
                for (i, kind) in kinds.iter().enumerate() {
                    cells.push(kind.refined(value(row, i + 2)?));
                }
                let long = cells.iter().any(|c| matches!(c, Cell::Text(t) if t.len() > self.request.limits.text_bytes));
                rows.push(RawRow {
                    number: count,
                    id: Some(last.to_string()),
                    cells,
                    geometry: if spatial { Some(geometry_of(row, 1)?) } else { None },
                    fault: long.then(|| Fault::new("text_too_long", "文本过长 / a text is too long")),
                });
            }
            self.request.check_cells(count.saturating_mul(width as u64)).map_err(Failure::Found)?;
            let full = page.len() == PAGE;
            self.sender.send(Message::Rows(rows)).map_err(|_| Failure::NobodyListens)?;
            if !full {
                return Ok(());
            }
        }
    }

    /// The layer asked for, or the only one, and whether it has a geometry. Tables without one count where they are asked for by name,
    /// or where there is nothing else.
    async fn chosen_layer(&mut self) -> Result<(String, bool), Failure> {
        let (mut found, mut tables) = (Vec::new(), Vec::new());
        for (kind, list) in [("features", &mut found), ("attributes", &mut tables)] {
            let sql = "SELECT +table_name AS c0 FROM gpkg_contents WHERE data_type = ? ORDER BY rowid";
            for row in self.rows(sql, &[kind]).await? {
                list.extend(text(&row, 0)?);
            }
        }
        let asked = self.request.layer.as_deref();
        let chosen = match (asked, found.as_slice(), tables.as_slice()) {
            (_, [], []) => return Err(self.corrupt("no feature layer")),
            (None, [only], _) => Some((only, true)),
            (None, [], [only]) => Some((only, false)),
            (None, _, _) => None,
            (Some(name), _, _) => {
                let named = |list: &'_ [String]| list.iter().position(|f| f == name);
                match (named(&found), named(&tables)) {
                    (Some(i), _) => found.get(i).map(|f| (f, true)),
                    (None, Some(i)) => tables.get(i).map(|f| (f, false)),
                    _ => None,
                }
            }
        };
        match chosen {
            Some((layer, spatial)) => Ok((layer.clone(), spatial)),
            None => {
                let (file, asked) = (self.request.file.clone(), asked.map(str::to_owned));
                if found.is_empty() {
                    found = tables;
                }
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
            0 => System::Named("undefined geographic (srs_id 0)".to_owned()),
            id => {
                let sql = format!(
                    "SELECT +organization AS c0, +organization_coordsys_id AS c1 FROM gpkg_spatial_ref_sys WHERE srs_id = {id}"
                );
                let rows = self.rows(&sql, &[]).await?;
                let authority = rows.first().map(|r| text(r, 0)).transpose()?.flatten();
                let code = rows.first().map(|r| integer(r, 1)).transpose()?.flatten();
                match (authority, code) {
                    (Some(authority), Some(code)) => System::named(&format!("{}:{code}", authority.to_uppercase())),
                    _ => System::Named(format!("srs_id {id}")),
                }
            }
        };
        Ok((column, system))
    }
}

/// What a column was declared as, where SQLite's own types do not say it.
enum Kind {
    Bool,
    Date,
    Other,
}

impl Kind {
    fn of(declared: &str) -> Self {
        match declared {
            "BOOLEAN" => Self::Bool,
            "DATE" | "DATETIME" => Self::Date,
            _ => Self::Other,
        }
    }

    fn refined(&self, cell: Cell) -> Cell {
        match (self, cell) {
            (Self::Bool, Cell::Whole(v @ (0 | 1))) => Cell::Bool(v == 1),
            (Self::Date, Cell::Text(t)) => Cell::Date(t),
            (_, cell) => cell,
        }
    }
}

/// A whole number; text and the like count as absent.
fn integer(row: &SqliteRow, i: usize) -> Result<Option<i64>, Failure> {
    Ok(match value(row, i)? {
        Cell::Whole(n) => Some(n),
        _ => None,
    })
}

fn text(row: &SqliteRow, i: usize) -> Result<Option<String>, Failure> {
    Ok(match value(row, i)? {
        Cell::Text(t) => Some(t.into()),
        _ => None,
    })
}

/// A value by its own type, whatever the column was declared as; blobs are left out.
fn value(row: &SqliteRow, i: usize) -> Result<Cell, Failure> {
    let raw = row.try_get_raw(i)?;
    if raw.is_null() {
        return Ok(Cell::Empty);
    }
    let kind = raw.type_info().name().to_owned();
    let decoded = match kind.as_str() {
        "INTEGER" => <i64 as Decode<'_, Sqlite>>::decode(raw).map(Cell::Whole),
        "REAL" => <f64 as Decode<'_, Sqlite>>::decode(raw).map(Cell::real),
        "TEXT" => <String as Decode<'_, Sqlite>>::decode(raw).map(Cell::text),
        _ => Ok(Cell::Empty),
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
