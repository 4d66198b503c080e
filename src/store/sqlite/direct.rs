//! Many rows straight from SQLite. sqlx gives each row from a thread of its own, with a copy of each value: for a page of thousands
//! that takes several times what reading them does.

use std::ffi::{CStr, c_int};
use std::ptr;

use libsqlite3_sys as ffi;

use super::errors;
use crate::store::error::StoreError;
use crate::store::seen::{Columns, Looking, Seen, Standing};
use crate::store::value::Value;
use crate::store::wkb;

/// A prepared statement, finalized when it is dropped.
struct Statement<'a> {
    raw: *mut ffi::sqlite3_stmt,
    place: &'static str,
    /// Bound without a copy: they outlive the statement.
    values: &'a [Value],
    /// Shapes as the file has them, for as long.
    shapes: Vec<Vec<u8>>,
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `sqlite3_prepare_v2` and finalized only here; null is allowed.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}

impl Statement<'_> {
    fn done(&self, code: c_int) -> Result<(), StoreError> {
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(errors::of_code(code, self.place)) }
    }

    /// Binds every parameter: `$7` is the seventh value, `?` the one after the last.
    fn bind(&mut self) -> Result<(), StoreError> {
        let values = self.values;
        let shape = |v: &Value| match v {
            Value::Shape(Some(wkb)) => wkb::wkb_to_gpb(wkb),
            _ => Vec::new(),
        };
        self.shapes = values.iter().map(shape).collect();
        // SAFETY: the statement is valid.
        let count = unsafe { ffi::sqlite3_bind_parameter_count(self.raw) };
        let mut last = 0;
        for at in 1..=count {
            // SAFETY: the place is one of the statement's; the name, where there is one, ends with zero and lives as long as it.
            let name = unsafe {
                let name = ffi::sqlite3_bind_parameter_name(self.raw, at);
                if name.is_null() { None } else { Some(CStr::from_ptr(name)) }
            };
            let number = name.and_then(|n| n.to_str().ok()?.get(1..)?.parse::<usize>().ok());
            last = number.unwrap_or(last + 1);
            let missing = || StoreError::Internal { code: format!("{}: bind", self.place) };
            let i = last.checked_sub(1).ok_or_else(missing)?;
            let (value, shape) = values.get(i).zip(self.shapes.get(i)).ok_or_else(missing)?;
            // SAFETY: texts and bytes are borrowed from what outlives the statement, with their lengths.
            let code = unsafe {
                match value {
                    v if v.is_null() => ffi::sqlite3_bind_null(self.raw, at),
                    Value::Text(Some(t)) => self.bind_text(at, t),
                    Value::Int(Some(n)) => ffi::sqlite3_bind_int64(self.raw, at, *n),
                    Value::Bool(Some(b)) => ffi::sqlite3_bind_int64(self.raw, at, i64::from(*b)),
                    Value::Real(Some(x)) => ffi::sqlite3_bind_double(self.raw, at, *x),
                    Value::Blob(Some(bytes)) => self.bind_bytes(at, bytes),
                    _ => self.bind_bytes(at, shape),
                }
            };
            self.done(code)?;
        }
        Ok(())
    }

    /// # Safety
    /// The text outlives the statement.
    unsafe fn bind_text(&self, at: c_int, text: &str) -> c_int {
        let encoding = ffi::SQLITE_UTF8 as u8;
        // SAFETY: as the caller promises.
        unsafe { ffi::sqlite3_bind_text64(self.raw, at, text.as_ptr().cast(), text.len() as u64, None, encoding) }
    }

    /// # Safety
    /// The bytes outlive the statement.
    unsafe fn bind_bytes(&self, at: c_int, bytes: &[u8]) -> c_int {
        // SAFETY: as the caller promises.
        unsafe { ffi::sqlite3_bind_blob64(self.raw, at, bytes.as_ptr().cast(), bytes.len() as u64, None) }
    }

    /// Goes to the next row; `false` at the end.
    fn step(&mut self) -> Result<bool, StoreError> {
        // SAFETY: the statement is valid and bound.
        match unsafe { ffi::sqlite3_step(self.raw) } {
            ffi::SQLITE_DONE => Ok(false),
            ffi::SQLITE_ROW => Ok(true),
            code => Err(errors::of_code(code, self.place)),
        }
    }

    /// # Safety
    /// `start` is what SQLite just gave for this column.
    unsafe fn bytes(&self, i: c_int, start: *const u8) -> &[u8] {
        // SAFETY: so many bytes are there until the next step; none where it gave nothing.
        unsafe {
            let length = usize::try_from(ffi::sqlite3_column_bytes(self.raw, i)).unwrap_or(0);
            if start.is_null() { &[] } else { std::slice::from_raw_parts(start, length) }
        }
    }
}

/// The row that a statement stands at: while it is borrowed, nobody steps on.
struct Here<'a> {
    statement: &'a Statement<'a>,
    count: usize,
}

impl Columns for Here<'_> {
    fn count(&self) -> usize {
        self.count
    }

    fn column(&self, i: usize) -> Result<Seen<'_>, StoreError> {
        let Self { statement, count } = *self;
        let i = c_int::try_from(i).ok().filter(|_| i < count);
        let i = i.ok_or_else(|| StoreError::Internal { code: format!("{}: column", statement.place) })?;
        let raw = statement.raw;
        // SAFETY: the statement stands at a row that has this column; a text or bytes stay where they are until it steps on, as they are
        // asked for as what they are.
        unsafe {
            Ok(match ffi::sqlite3_column_type(raw, i) {
                ffi::SQLITE_INTEGER => Seen::Int(ffi::sqlite3_column_int64(raw, i)),
                ffi::SQLITE_FLOAT => Seen::Real(ffi::sqlite3_column_double(raw, i)),
                ffi::SQLITE_TEXT => {
                    let bytes = statement.bytes(i, ffi::sqlite3_column_text(raw, i));
                    let not_text = |_| StoreError::decoding(statement.place, "文字不是 UTF-8 / text is not UTF-8");
                    Seen::Text(std::str::from_utf8(bytes).map_err(not_text)?)
                }
                ffi::SQLITE_BLOB => Seen::Bytes(statement.bytes(i, ffi::sqlite3_column_blob(raw, i).cast())),
                _ => Seen::Nothing,
            })
        }
    }
}

/// Runs a statement that only reads, and shows its rows.
///
/// # Safety
/// The handle is open, and nobody else uses it meanwhile.
pub(super) unsafe fn each(
    handle: *mut ffi::sqlite3,
    text: &str,
    values: &[Value],
    place: &'static str,
    look: &mut Looking<'_>,
) -> Result<(), StoreError> {
    let length = c_int::try_from(text.len()).map_err(|_| StoreError::Internal { code: format!("{place}: text") })?;
    let mut statement = Statement { raw: ptr::null_mut(), place, values, shapes: Vec::new() };
    // SAFETY: as the caller promises; the text is given with its length.
    let code = unsafe {
        ffi::sqlite3_prepare_v2(handle, text.as_ptr().cast(), length, &raw mut statement.raw, ptr::null_mut())
    };
    statement.done(code)?;
    statement.bind()?;
    // SAFETY: the statement is valid.
    let count = unsafe { ffi::sqlite3_column_count(statement.raw) };
    let count = usize::try_from(count).unwrap_or(0);
    while statement.step()? {
        let here = Here { statement: &statement, count };
        if look(&mut Standing::new(place, &here))?.is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::store::sql::{Dialect, Engine, Sql};
    use crate::store::sqlite::SqliteEngine;
    use crate::store::value::{Row, Value};
    use crate::store::{OpenMode, OpenOptions, StoreError};

    fn seen(rows: Result<Vec<Row>, StoreError>) -> Result<Vec<Vec<Value>>, StoreError> {
        Ok(rows?.iter_mut().map(|row| (0..9).map(|_| row.take_value()).collect()).collect())
    }

    #[tokio::test]
    async fn rows_are_those_that_sqlx_gives() {
        let folder = tempfile::tempdir().expect("folder");
        let options = OpenOptions::new(OpenMode::Create);
        let engine = SqliteEngine::open(&folder.path().join("r.gpkg"), &options).await.expect("a store");
        let mut session = engine.read().await.expect("a session");
        let all = "SELECT $2, $1, $2, CAST($2 AS BLOB), NULL, 1.5 * $4, $3, 'a' || char(0) || 'b', $5
                   FROM (SELECT 1 UNION ALL SELECT 2)";
        let mut many = Sql::new("t", "SELECT column1 FROM (VALUES (");
        for (i, value) in [Value::from(1_u64), Value::from("二"), Value::Text(None)].into_iter().enumerate() {
            many.push(if i > 0 { "), (" } else { "" }).bind_one_of_many(Dialect::Sqlite, value);
        }
        many.push("))");
        let shape = crate::store::wkb::to_wkb(&crate::domain::register::Geometry::Point([105.5, 26.0]));
        let with_values = |text| {
            let sql = Sql::new("t", text).arg(7_u64).arg("行'\u{1f}").arg(true).arg(0.1);
            sql.arg(Value::Shape(Some(shape.clone())))
        };
        for sql in
            [with_values(all), many, Sql::new("t", "SELECT 1 WHERE FALSE"), Sql::new("t", "SELECT * FROM nothing")]
        {
            let (sqlx, direct) = (session.rows(sql.clone()).await, session.many_rows(sql).await);
            let (sqlx, direct) = (seen(sqlx), seen(direct));
            assert_eq!(sqlx, direct);
        }
        let twice = seen(session.many_rows(with_values(all)).await).expect("rows");
        assert_eq!((twice.len(), &twice[0][1], &twice[0][6]), (2, &Value::from(7_u64), &Value::from(1_u64)));
    }
}
