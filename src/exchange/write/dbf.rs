//! The attribute table of a Shapefile in UTF-8. Its fields need a width before the first record: rows wait in a temporary file until
//! the widest value is known.

use std::collections::HashSet;
use std::io::{self, BufReader, BufWriter, Seek as _, Write};

use time::OffsetDateTime;

use crate::exchange::frame::{FrameWriter, replay};
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::csv::text_of;
use super::{FieldType, WriterField};

/// Bytes of a character field.
const WIDEST_TEXT: usize = 254;
/// Bytes of a field's name.
const LONGEST_NAME: usize = 10;
/// Digits of a number in floating point.
const REAL_WIDTH: usize = 24;

/// Rows that wait to be written.
pub(super) struct Spool {
    frames: FrameWriter<BufWriter<std::fs::File>>,
    fields: Vec<WriterField>,
    widths: Vec<usize>,
    timed: Vec<bool>,
    /// Rows waiting.
    pub(super) rows: u32,
    /// Texts cut to a field's width.
    pub(super) cut: u64,
}

/// Names of ten bytes at most, all different whatever their case; the same input gives the same names.
pub(super) fn short_names(fields: &[WriterField]) -> Vec<String> {
    let cut = |name: &str, most: usize| -> String {
        let mut bytes = 0;
        name.chars()
            .take_while(|c| {
                bytes += c.len_utf8();
                bytes <= most
            })
            .collect()
    };
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(fields.len());
    for field in fields {
        let mut name = cut(&field.name, LONGEST_NAME);
        for n in 1_u32.. {
            if !name.is_empty() && taken.insert(name.to_uppercase()) {
                break;
            }
            let suffix = n.to_string();
            name = cut(&field.name, LONGEST_NAME - suffix.len()) + &suffix;
        }
        names.push(name);
    }
    names
}

impl Spool {
    pub(super) fn new(fields: Vec<WriterField>) -> io::Result<Self> {
        let frames = FrameWriter::new(BufWriter::with_capacity(1 << 16, tempfile::tempfile()?));
        let (widths, timed) = (vec![1; fields.len()], vec![false; fields.len()]);
        Ok(Self { frames, fields, widths, timed, rows: 0, cut: 0 })
    }

    pub(super) fn push(&mut self, values: &[Cell]) -> io::Result<()> {
        for ((value, width), timed) in values.iter().zip(&mut self.widths).zip(&mut self.timed) {
            let n = match value {
                Cell::Text(t) | Cell::Date(t) => t.len(),
                other => text_of(other).len(),
            };
            self.cut += u64::from(matches!(value, Cell::Text(_)) && n > WIDEST_TEXT);
            *width = (*width).max(n.min(WIDEST_TEXT));
            *timed |= matches!(value, Cell::Date(t) if !is_day(t));
        }
        self.rows += 1;
        let row = RawRow { number: 0, id: None, cells: values.to_vec(), geometry: None, fault: None };
        self.frames.row(row).map_err(|_| io::Error::other("the temporary file is full"))
    }

    /// Writes the whole table.
    pub(super) fn write(mut self, out: &mut dyn Write, clock: OffsetDateTime) -> io::Result<()> {
        self.frames.finish(Ok(()))?;
        let shapes: Vec<(u8, usize, u8)> = self
            .fields
            .iter()
            .zip(&self.widths)
            .zip(&self.timed)
            .map(|((f, width), timed)| match f.kind {
                FieldType::Text => (b'C', *width, 0),
                // Ten digits or more are what GIS take for 64 bits.
                FieldType::Whole => (b'N', (*width).max(10), 0),
                FieldType::Real => (b'N', REAL_WIDTH, 15),
                FieldType::Bool => (b'L', 1, 0),
                FieldType::Date if *timed => (b'C', *width, 0),
                FieldType::Date => (b'D', 8, 0),
            })
            .collect();
        let header = 32 + 32 * shapes.len() + 1;
        let record = 1 + shapes.iter().map(|s| s.1).sum::<usize>();
        let short = |n: usize| u16::try_from(n).map_err(|_| io::Error::other("too many fields for a .dbf"));
        let year = u8::try_from(clock.year() - 1900).unwrap_or(70);
        out.write_all(&[3, year, clock.month().into(), clock.day()])?;
        out.write_all(&self.rows.to_le_bytes())?;
        out.write_all(&short(header)?.to_le_bytes())?;
        out.write_all(&short(record)?.to_le_bytes())?;
        out.write_all(&[0; 20])?;
        for (name, (kind, width, decimals)) in short_names(&self.fields).iter().zip(&shapes) {
            let mut field = [0; 32];
            for (to, from) in field.iter_mut().zip(name.bytes()) {
                *to = from;
            }
            field[11] = *kind;
            field[16] = u8::try_from(*width).unwrap_or(u8::MAX);
            field[17] = *decimals;
            out.write_all(&field)?;
        }
        out.write_all(&[0x0D])?;
        let mut file = self.frames.out.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
        file.rewind()?;
        let mut records = Records { out, shapes, failure: None };
        match replay(".dbf", BufReader::with_capacity(1 << 16, file), &mut records) {
            Ok(()) => {}
            Err(_) => return Err(records.failure.unwrap_or_else(|| io::Error::other("the temporary file is damaged"))),
        }
        records.out.write_all(&[0x1A])
    }
}

fn is_day(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() == 10 && b.iter().enumerate().all(|(i, c)| if i == 4 || i == 7 { *c == b'-' } else { c.is_ascii_digit() })
}

/// Writes each row that comes back as a record.
struct Records<'o> {
    out: &'o mut dyn Write,
    shapes: Vec<(u8, usize, u8)>,
    failure: Option<io::Error>,
}

impl RowSink for Records<'_> {
    fn head(&mut self, _: Head) -> Result<(), Halt> {
        Ok(())
    }

    fn row(&mut self, row: RawRow) -> Result<(), Halt> {
        let mut record = vec![b' '];
        for (value, (kind, width, _)) in row.cells.iter().zip(&self.shapes) {
            let text = match (kind, value) {
                (b'L', Cell::Bool(true)) => "T".to_owned(),
                (b'L', Cell::Bool(false)) => "F".to_owned(),
                (b'L', _) => "?".to_owned(),
                (b'D', Cell::Date(t)) => t.replace('-', ""),
                (_, Cell::Real(v)) => {
                    Some(v.to_string()).filter(|t| t.len() <= *width).unwrap_or_else(|| format!("{v:e}"))
                }
                (_, other) => text_of(other),
            };
            let mut bytes = 0;
            let kept: String = text
                .chars()
                .take_while(|c| {
                    bytes += c.len_utf8();
                    bytes <= *width
                })
                .collect();
            let padding = vec![b' '; width - kept.len()];
            // Numbers stand to the right, text to the left.
            if *kind == b'N' {
                record.extend(padding);
                record.extend(kept.bytes());
            } else {
                record.extend(kept.bytes());
                record.extend(padding);
            }
        }
        self.out.write_all(&record).map_err(|e| {
            self.failure = Some(e);
            Halt::Stopped
        })
    }
}
