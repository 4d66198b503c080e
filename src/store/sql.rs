//! Statements: text that is only ever put together from constants, and values that are only ever bound.

use std::ops::ControlFlow;

use super::seen::{Looking, Standing};
use super::value::{Cell, Row, Value};
use super::{error::StoreError, scope::Scope};

/// The two engines, where their languages differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// A statement being put together. Only constants become text: what comes from outside is bound.
#[derive(Clone, Debug)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
    /// For messages: what is being read or written.
    place: &'static str,
}

impl Sql {
    pub(super) fn new(place: &'static str, text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new(), place }
    }

    pub(super) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds a value at the next place (`$n`, which both engines read).
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        use std::fmt::Write;
        self.values.push(value.into());
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Binds the next of very many values. SQLite looks a name up from the start for each value bound, so that a thousand rows of
    /// `$n` took minutes: there it is a nameless `?`, which must not be mixed with `$n`.
    pub(super) fn bind_one_of_many(&mut self, dialect: Dialect, value: Value) -> &mut Self {
        match dialect {
            Dialect::Postgres => self.bind(value),
            Dialect::Sqlite => {
                self.values.push(value);
                self.push("?")
            }
        }
    }

    /// Binds a value for a `$n` that already stands in the text.
    pub(super) fn arg(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Several constants with commas between them.
    pub(super) fn push_list(&mut self, names: &[&'static str]) -> &mut Self {
        for (i, name) in names.iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            self.text.push_str(name);
        }
        self
    }

    /// ` IN (…)` over a list of texts of any length, one bound value.
    pub(super) fn in_list<'a>(&mut self, dialect: Dialect, list: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let json = serde_json::Value::from_iter(list).to_string();
        match dialect {
            Dialect::Sqlite => self.push(" IN (SELECT value FROM json_each(").bind(json).push("))"),
            Dialect::Postgres => {
                self.push(" IN (SELECT jsonb_array_elements_text(CAST(").bind(json).push(" AS jsonb)))")
            }
        }
    }

    /// `(column begins with one of the scope's codes)`.
    pub(super) fn in_scope(&mut self, column: &'static str, scope: &Scope) -> &mut Self {
        if scope.is_whole() {
            return self.push("TRUE");
        }
        self.push("(");
        for (i, prefix) in scope.prefixes().iter().enumerate() {
            // ':' follows '9', so this is the range of all texts that begin with the digits
            self.push(if i == 0 { "" } else { " OR " }).push("(").push(column).push(" >= ").bind(prefix.as_str());
            self.push(" AND ").push(column).push(" < ").bind(format!("{prefix}:")).push(")");
        }
        self.push(")")
    }

    pub(super) fn into_parts(self) -> (String, Vec<Value>, &'static str) {
        (self.text, self.values, self.place)
    }
}

/// A transaction, read or write. Dropped without [`Session::commit`], it leaves no trace.
#[async_trait::async_trait]
pub(super) trait Session: Send {
    fn dialect(&self) -> Dialect;
    /// Runs a statement; gives the number of rows it changed.
    async fn execute(&mut self, sql: Sql) -> Result<u64, StoreError>;
    /// Runs a statement and gives its rows.
    async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>, StoreError>;
    /// Runs a statement that only reads, and shows its rows one after the other where they are.
    async fn each(&mut self, sql: Sql, look: &mut Looking<'_>) -> Result<(), StoreError>;
    /// [`Session::rows`] for a statement that only reads, and thousands of rows.
    async fn many_rows(&mut self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut look = |row: &mut Standing<'_>| {
            rows.push(row.to_row()?);
            Ok(ControlFlow::Continue(()))
        };
        self.each(sql, &mut look).await?;
        Ok(rows)
    }
    /// Runs constant statements without values, several at once.
    async fn script(&mut self, text: &'static str) -> Result<(), StoreError>;
    /// Makes it so; returns only when it is on the disk.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Takes away what slows many inserts into a table down (triggers, indexes); it comes back with [`Session::end_bulk`].
    async fn begin_bulk(&mut self, table: &'static str) -> Result<(), StoreError>;
    /// Rebuilds what [`Session::begin_bulk`] took away.
    async fn end_bulk(&mut self, table: &'static str) -> Result<(), StoreError>;
    /// Most values one statement may bind.
    fn most_binds(&self) -> usize;
}

impl dyn Session + '_ {
    /// The only row, or none.
    pub(super) async fn row(&mut self, sql: Sql) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql).await?.pop())
    }

    /// The first column of the only row.
    pub(super) async fn one<T: Cell>(&mut self, sql: Sql) -> Result<T, StoreError> {
        let place = sql.place;
        let mut row = self.row(sql).await?.ok_or_else(|| StoreError::decoding(place, "没有行 / no row"))?;
        row.take()
    }

    /// The first column of the only row, if there is one.
    pub(super) async fn maybe<T: Cell>(&mut self, sql: Sql) -> Result<Option<T>, StoreError> {
        self.row(sql).await?.map(|mut r| r.take()).transpose()
    }

    /// What makes publications wait for each other; SQLite has one writer anyway.
    pub(super) fn publication_lock(&self) -> Option<Sql> {
        let lock = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended('lianhu.publish', 0))) AS held";
        (self.dialect() == Dialect::Postgres).then(|| Sql::new("publish", lock))
    }

    /// The text that makes rows of a statement wait for other writers; SQLite has one writer anyway.
    pub(super) fn for_update(&self) -> &'static str {
        match self.dialect() {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }
}

/// An engine: gives out transactions and does what only it can.
#[async_trait::async_trait]
pub(super) trait Engine: Send + Sync {
    /// A snapshot: all its reads see one state.
    async fn read(&self) -> Result<Box<dyn Session>, StoreError>;
    /// A write transaction; in SQLite the only one.
    async fn write(&self) -> Result<Box<dyn Session>, StoreError>;
    /// Begins to listen for writes.
    async fn listen(&self) -> Result<Box<dyn super::contract::Ear>, StoreError>;
    /// Copies the store, as it is at one moment, to a new GeoPackage file.
    async fn backup(&self, path: &std::path::Path) -> Result<(), StoreError>;
    /// What the engine itself finds wrong: pages, indexes, R-tree, schema.
    async fn inspect(&self) -> Result<Vec<super::check::Finding>, StoreError>;
    /// After rows were deleted: leaves none of their bytes, as far as the engine can.
    async fn scrub(&self) -> Result<(), StoreError>;
    /// Closes all connections.
    async fn close(&self);
}
