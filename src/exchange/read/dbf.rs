//! The attribute table of a Shapefile (dBase III and its kin), record by record; GBK or UTF-8.

use std::io::{self, Read};

use encoding_rs::{Encoding, GB18030, UTF_8};

use crate::exchange::error::Fault;
use crate::exchange::table::Cell;

/// Longest header we read; 255 fields take 8 kB.
const LONGEST_HEADER: usize = 1 << 16;

struct Field {
    kind: u8,
    width: usize,
    decimals: u8,
}

/// A table while it is read.
pub(super) struct Table<R> {
    bytes: R,
    names: Vec<String>,
    fields: Vec<Field>,
    /// Records the header promises.
    pub(super) records: u32,
    encoding: Option<&'static Encoding>,
    record: Vec<u8>,
}

impl<R: Read> Table<R> {
    /// Reads the header; `cpg` is the text of the `.cpg` file, if there is one.
    ///
    /// # Errors
    /// Words of what is damaged.
    pub(super) fn open(mut bytes: R, cpg: Option<&str>) -> Result<Self, String> {
        let mut fixed = [0; 32];
        bytes.read_exact(&mut fixed).map_err(|_| "the .dbf is cut short".to_owned())?;
        let u16_at = |b: &[u8], at: usize| -> usize {
            b.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, |two| usize::from(u16::from_le_bytes(two)))
        };
        let records = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let (header, width) = (u16_at(&fixed, 8), u16_at(&fixed, 10));
        if !(33..=LONGEST_HEADER).contains(&header) || width == 0 {
            return Err("no .dbf header".to_owned());
        }
        let mut rest = vec![0; header - 32];
        bytes.read_exact(&mut rest).map_err(|_| "the .dbf header is cut short".to_owned())?;
        let encoding = cpg.map_or_else(|| encoding_of_language(fixed[29]), encoding_of_page);
        let (mut names, mut fields, mut sum) = (Vec::new(), Vec::new(), 1_usize);
        for f in rest.chunks_exact(32).take_while(|f| f.first() != Some(&0x0D)) {
            let raw = f.get(..11).unwrap_or_default();
            let raw = raw.split(|b| *b == 0).next().unwrap_or_default();
            names.push(decoded(raw, encoding).ok_or_else(|| "a field name in another encoding".to_owned())?);
            let (kind, low, high) = (f[11], f[16], f[17]);
            // Character fields may use the byte of the decimals for a longer width.
            let (width, decimals) =
                if kind == b'C' { (usize::from(low) + (usize::from(high) << 8), 0) } else { (usize::from(low), high) };
            sum += width;
            fields.push(Field { kind, width, decimals });
        }
        if sum > width || fields.is_empty() {
            return Err("the .dbf fields do not fit its records".to_owned());
        }
        Ok(Self { bytes, names, fields, records, encoding, record: vec![0; width] })
    }

    /// Column names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The next record that is there: whether it is marked as deleted, its cells, and what does not fit in it.
    pub(super) fn next(&mut self) -> io::Result<(bool, Vec<Cell>, Option<Fault>)> {
        self.bytes.read_exact(&mut self.record)?;
        let mut fault = None;
        let mut at = 1;
        let mut cells = Vec::with_capacity(self.fields.len());
        for (field, name) in self.fields.iter().zip(&self.names) {
            let raw = self.record.get(at..at + field.width).unwrap_or_default();
            at += field.width;
            cells.push(cell_of(field, raw, self.encoding).unwrap_or_else(|| {
                fault.get_or_insert_with(|| {
                    Fault::new("encoding", format!("列 {name}：文字编码与 .cpg 不符 / column {name}: text in another encoding than the .cpg says"))
                });
                Cell::Empty
            }));
        }
        Ok((self.record.first() == Some(&b'*'), cells, fault))
    }
}

/// Text in the encoding named, else in UTF-8, else in GB18030; `None` where it fits none.
fn decoded(raw: &[u8], encoding: Option<&'static Encoding>) -> Option<String> {
    let strict =
        |e: &'static Encoding| e.decode_without_bom_handling_and_without_replacement(raw).map(|t| t.into_owned());
    match encoding {
        Some(e) => strict(e),
        None => strict(UTF_8).or_else(|| strict(GB18030)),
    }
}

/// The encoding a `.cpg` names; `None` where it must be sniffed.
fn encoding_of_page(cpg: &str) -> Option<&'static Encoding> {
    let name = cpg.trim().to_ascii_lowercase();
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    match (name.as_str(), digits.as_str()) {
        ("", _) => None,
        ("utf-8" | "utf8", _) | (_, "65001") => Some(UTF_8),
        ("gbk" | "gb2312" | "gb18030" | "cp936", _) | (_, "936") => Some(GB18030),
        // The default that writers put in without looking.
        ("iso-8859-1" | "iso8859-1" | "8859_1" | "88591", _) => None,
        _ => Encoding::for_label(name.as_bytes()),
    }
}

/// The encoding of the header's language byte; western ones are defaults that nobody chose, so the text decides.
fn encoding_of_language(byte: u8) -> Option<&'static Encoding> {
    matches!(byte, 0x4D | 0x7A).then_some(GB18030)
}

fn cell_of(field: &Field, raw: &[u8], encoding: Option<&'static Encoding>) -> Option<Cell> {
    let trimmed = raw.trim_ascii_end();
    let trimmed = trimmed.split(|b| *b == 0).next().unwrap_or_default();
    if trimmed.is_empty() {
        return Some(Cell::Empty);
    }
    let ascii = || std::str::from_utf8(trimmed.trim_ascii()).unwrap_or("");
    Some(match field.kind {
        b'C' => Cell::text(decoded(trimmed, encoding)?),
        b'N' | b'F' => {
            let text = ascii();
            if text.is_empty() || text.bytes().all(|b| b == b'*') {
                Cell::Empty
            } else if let Some(whole) = text.parse::<i64>().ok().filter(|_| field.decimals == 0) {
                Cell::Whole(whole)
            } else {
                text.parse::<f64>().map_or_else(|_| Cell::Text(text.into()), Cell::real)
            }
        }
        b'L' => match ascii() {
            "T" | "t" | "Y" | "y" => Cell::Bool(true),
            "F" | "f" | "N" | "n" => Cell::Bool(false),
            _ => Cell::Empty,
        },
        b'D' => {
            let text = ascii();
            match (text.get(..4), text.get(4..6), text.get(6..8)) {
                (Some(y), Some(m), Some(d)) if text.len() == 8 && text != "00000000" => {
                    Cell::Date(format!("{y}-{m}-{d}").into())
                }
                _ => Cell::Empty,
            }
        }
        // Memos and binary kinds hold nothing we use.
        _ => Cell::Empty,
    })
}
