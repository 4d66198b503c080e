//! A row while it stands at the engine: each column is looked at where it is, and put into a cell that keeps its room. Of a million
//! rows, values of their own would cost more than all the rest.

use std::ops::ControlFlow;

use super::cell::{Cell, EMPTY};
use super::error::StoreError;
use super::value::{Row, Value};

/// A value where the engine has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seen<'a> {
    Nothing,
    Text(&'a str),
    Int(i64),
    Real(f64),
    Bool(bool),
    /// Bytes, also those of a shape.
    Bytes(&'a [u8]),
}

/// What an engine shows of a row.
pub(super) trait Columns {
    /// How many there are.
    fn count(&self) -> usize;
    /// One of them, from 0.
    fn column(&self, i: usize) -> Result<Seen<'_>, StoreError>;
}

/// A row that is looked at column by column, in the order of the statement.
pub(super) struct Standing<'a> {
    place: &'static str,
    next: usize,
    columns: &'a dyn Columns,
}

/// Looks at one row after the other; `Break` stops.
pub(super) type Looking<'a> = dyn FnMut(&mut Standing<'_>) -> Result<ControlFlow<()>, StoreError> + Send + 'a;

impl<'a> Standing<'a> {
    pub(super) fn new(place: &'static str, columns: &'a dyn Columns) -> Self {
        Self { place, next: 0, columns }
    }

    /// Puts the next column into a cell.
    pub(super) fn put<T: Cell>(&mut self, cell: &mut T) -> Result<(), StoreError> {
        let i = self.next;
        self.next += 1;
        let seen = if i < self.columns.count() { Ok(self.columns.column(i)?) } else { Err(EMPTY) };
        seen.and_then(|seen| cell.put(seen)).map_err(|what| {
            StoreError::decoding(&format!("{} 第{}列 column {}", self.place, self.next, self.next), what)
        })
    }

    /// The whole row, as values of its own.
    pub(super) fn to_row(&self) -> Result<Row, StoreError> {
        let mut values = Vec::with_capacity(self.columns.count());
        for i in 0..self.columns.count() {
            values.push(Value::from(self.columns.column(i)?));
        }
        Ok(Row::new(self.place, values))
    }
}
