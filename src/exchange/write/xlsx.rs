//! An Excel workbook of one sheet, written row by row. Codes are text cells, and no cell is ever a formula.

use geo::Geometry;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use crate::exchange::table::Cell;
use crate::exchange::wkt::to_wkt;

use super::whole::WholeFile;
use super::{Geometries, Sink, WriteError, WriteOptions, WriterSchema, Written};

/// Rows of a sheet, header included.
const MOST_ROWS: u32 = 1_048_576;
/// UTF-16 units of a cell.
const LONGEST_TEXT: usize = 32_767;

pub(super) struct Book {
    book: Workbook,
    file: WholeFile,
    geometries: Geometries,
    row: u32,
    written: Written,
}

impl Book {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema, options: WriteOptions) -> Result<Self, WriteError> {
        let mut book = Workbook::new();
        let clock = options.clock;
        let year = u16::try_from(clock.year()).unwrap_or(1970);
        let created = ExcelDateTime::from_ymd(year, clock.month().into(), clock.day())
            .and_then(|d| d.and_hms(clock.hour().into(), clock.minute(), clock.second()));
        let created = created.map_err(|e| file.error(e))?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let sheet = book.add_worksheet_with_constant_memory().map_err(|e| file.error(e))?;
        sheet.set_name(sheet_name(&schema.layer)).map_err(|e| file.error(e))?;
        let mut header: Vec<&str> = schema.fields.iter().map(|f| f.name.as_str()).collect();
        match schema.geometries {
            Geometries::None => {}
            Geometries::Points => header.extend(["lon", "lat"]),
            Geometries::Any => header.push("wkt"),
        }
        for (column, name) in (0_u16..).zip(header) {
            sheet.write_string(0, column, name).map_err(|e| file.error(e))?;
        }
        Ok(Self { book, file, geometries: schema.geometries, row: 0, written: Written::default() })
    }
}

/// A sheet's name has 31 characters at most, and not these.
fn sheet_name(layer: &str) -> String {
    let name: String = layer.chars().filter(|c| !"[]:*?/\\'".contains(*c)).take(31).collect();
    if name.is_empty() { "Sheet1".to_owned() } else { name }
}

/// The text and whether it had to be cut.
fn fitting(text: &str) -> (String, bool) {
    if text.encode_utf16().count() <= LONGEST_TEXT {
        return (text.to_owned(), false);
    }
    let mut units = 0;
    let kept = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= LONGEST_TEXT
    });
    (kept.collect(), true)
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, value: &Cell, cut: &mut u64) -> Result<(), XlsxError> {
    match value {
        Cell::Empty => return Ok(()),
        Cell::Text(t) | Cell::Date(t) => {
            let (text, was_cut) = fitting(t);
            *cut += u64::from(was_cut);
            sheet.write_string(row, column, text)?
        }
        // Beyond 2^53 floating point would lose digits.
        Cell::Whole(v) if v.unsigned_abs() > 1 << 53 => sheet.write_string(row, column, v.to_string())?,
        Cell::Whole(v) => sheet.write_number(row, column, *v as f64)?,
        Cell::Real(v) => sheet.write_number(row, column, *v)?,
        Cell::Bool(b) => sheet.write_boolean(row, column, *b)?,
    };
    Ok(())
}

impl Sink for Book {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        self.row += 1;
        if self.row >= MOST_ROWS {
            return Err(WriteError::TooManyRows { most: u64::from(MOST_ROWS - 1) });
        }
        let row = self.row;
        let mut cells = values.to_vec();
        match (self.geometries, geometry) {
            (Geometries::None, _) | (_, None) => {}
            (Geometries::Points, Some(Geometry::Point(p))) => cells.extend([Cell::Real(p.x()), Cell::Real(p.y())]),
            (Geometries::Points, Some(_)) => self.written.lost_geometries += 1,
            (Geometries::Any, Some(g)) => match to_wkt(g) {
                Some(text) if text.len() <= LONGEST_TEXT => cells.push(Cell::Text(text.into())),
                _ => self.written.lost_geometries += 1,
            },
        }
        let (file, cut) = (&self.file, &mut self.written.cut_texts);
        let sheet = self.book.worksheet_from_index(0).map_err(|e| file.error(e))?;
        for (column, cell) in (0_u16..).zip(&cells) {
            put(sheet, row, column, cell, cut).map_err(|e| file.error(e))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        let out = std::io::BufWriter::with_capacity(1 << 16, self.file.file());
        let saved = self.book.save_to_writer(out);
        saved.map_err(|e| self.file.error(e))?;
        self.file.commit()?;
        Ok(self.written)
    }
}
