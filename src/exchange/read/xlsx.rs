//! One sheet of an Excel workbook, cell by cell: never the dense range, which two cells far apart make as large as one likes.

use calamine::{DataRef, Reader as _, Xlsx, XlsxError};

use crate::exchange::error::{Fault, ReadError};
use crate::exchange::layer::System;
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::{Request, archive, csv};

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    drop(archive::checked(request)?);
    let opened = std::io::BufReader::new(request.open()?);
    let mut book: Xlsx<_> = Xlsx::new(opened).map_err(|e| error_of(file, &e))?;
    let names = book.sheet_names();
    let sheet = match &request.layer {
        Some(asked) => names.iter().find(|n| *n == asked),
        None => names.first(),
    };
    let Some(sheet) = sheet.cloned() else {
        let asked = request.layer.clone();
        return Err(ReadError::Layer { file: file.to_owned(), asked, found: names }.into());
    };
    let sha256_hex = request.sha256_hex()?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|e| error_of(file, &e))?;
    let mut rows = Rows { request, sheet, sha256_hex, width: None, row: None, gaps: 0, sink };
    while let Some(cell) = cells.next_cell().map_err(|e| error_of(file, &e))? {
        let (row, column) = cell.get_position();
        rows.cell(u64::from(row) + 1, column as usize, cell.get_value())?;
    }
    rows.flush()?;
    match rows.width {
        Some(_) => Ok(()),
        None => Err(ReadError::empty(file).into()),
    }
}

struct Rows<'r> {
    request: &'r Request,
    sheet: String,
    sha256_hex: String,
    width: Option<usize>,
    row: Option<RawRow>,
    gaps: u64,
    sink: &'r mut dyn RowSink,
}

impl Rows<'_> {
    fn cell(&mut self, number: u64, column: usize, value: &DataRef<'_>) -> Result<(), Halt> {
        let value = cell_of(value);
        if value == Cell::Empty {
            return Ok(());
        }
        self.request.check_columns(column + 1)?;
        if self.row.as_ref().is_some_and(|r| r.number != number) {
            self.flush()?;
        }
        let long = matches!(&value, Cell::Text(t) if t.len() > self.request.limits.text_bytes);
        let row = self.row.get_or_insert(RawRow { number, id: None, cells: Vec::new(), geometry: None, fault: None });
        if row.cells.len() <= column {
            self.gaps += (column + 1 - row.cells.len()) as u64;
            self.request.check_cells(self.gaps)?;
            row.cells.resize(column + 1, Cell::Empty);
        }
        if long {
            row.fault = Some(csv::too_long(self.request));
        } else if let Some(place) = row.cells.get_mut(column) {
            *place = value;
        }
        Ok(())
    }

    /// Gives the row away: the first one as the head.
    fn flush(&mut self) -> Result<(), Halt> {
        let Some(mut row) = self.row.take() else { return Ok(()) };
        let Some(width) = self.width else {
            self.width = Some(row.cells.len());
            let columns = row.cells.into_iter().map(|c| text_of(&c).trim().to_owned()).collect();
            return self.sink.head(Head {
                columns,
                features: false,
                system: System::Degrees,
                layer: Some(self.sheet.clone()),
                sha256_hex: std::mem::take(&mut self.sha256_hex),
                ..Head::default()
            });
        };
        if row.cells.len() > width && row.fault.is_none() {
            row.fault = Some(Fault::new(
                "ragged_row",
                format!(
                    "第 {0} 列有内容，表头只有 {width} 列 / column {0} holds something; the header has {width} columns",
                    row.cells.len()
                ),
            ));
        }
        row.cells.resize(width, Cell::Empty);
        self.sink.row(row)
    }
}

fn cell_of(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(v) => Cell::Whole(*v),
        // Excel holds every number in floating point; a whole one below 2^53 is exact.
        DataRef::Float(v) if v.fract() == 0.0 && v.abs() < 9e15 => Cell::Whole(*v as i64),
        DataRef::Float(v) => Cell::real(*v),
        DataRef::String(t) => Cell::text(t.as_str()),
        DataRef::SharedString(t) => Cell::text(*t),
        DataRef::Bool(b) => Cell::Bool(*b),
        DataRef::DateTime(d) => {
            let (year, month, day, h, m, s, _) = d.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            Cell::Date(if (h, m, s) == (0, 0, 0) { date } else { format!("{date}T{h:02}:{m:02}:{s:02}") }.into())
        }
        DataRef::DateTimeIso(t) | DataRef::DurationIso(t) => Cell::Date(t.clone().into()),
        DataRef::Error(e) => Cell::Text(e.to_string().into()),
    }
}

fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(t) | Cell::Date(t) => t.to_string(),
        Cell::Whole(v) => v.to_string(),
        Cell::Real(v) => v.to_string(),
        Cell::Bool(b) => b.to_string(),
    }
}

fn error_of(file: &str, e: &XlsxError) -> ReadError {
    match e {
        XlsxError::Password => ReadError::limit(
            file,
            "encrypted",
            "工作簿已加密，请先取消密码".to_owned(),
            "the workbook is encrypted; take its password off".to_owned(),
        ),
        other => ReadError::corrupt(file, other.to_string()),
    }
}
