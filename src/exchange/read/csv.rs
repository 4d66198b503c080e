//! CSV: UTF-8, GB18030 or UTF-16, comma, semicolon or tab, read record by record.

use std::io::{Cursor, Read};

use crate::exchange::encoding::{self, Metered};
use crate::exchange::error::{Fault, ReadError};
use crate::exchange::layer::System;
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::Request;

/// Bytes that are looked at to find the delimiter.
const LOOKED_AT: usize = 1 << 16;

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = &request.file;
    if file == "-" {
        // Standard input cannot be read twice.
        let mut bytes = Vec::new();
        let capped = std::io::stdin().lock().take(request.limits.file_bytes).read_to_end(&mut bytes);
        capped.map_err(|e| request.unreadable(&e))?;
        return read_bytes(request, bytes, sink);
    }
    let sniffed = encoding::sniff(file, request.open()?)?;
    let text = encoding::text_reader(file, sniffed.encoding)?;
    rows(request, text, sniffed, sink)
}

/// Reads a file that is in memory.
pub(in crate::exchange) fn read_bytes(request: &Request, bytes: Vec<u8>, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let sniffed = encoding::sniff(&request.file, Cursor::new(&bytes))?;
    let text = encoding::Transcoder::new(Cursor::new(bytes), sniffed.encoding);
    rows(request, Box::new(text), sniffed, sink)
}

fn rows(
    request: &Request,
    mut text: Box<dyn Read>,
    sniffed: encoding::Sniffed,
    sink: &mut dyn RowSink,
) -> Result<(), Halt> {
    let file = &request.file;
    let mut begin = Vec::with_capacity(LOOKED_AT);
    text.by_ref().take(LOOKED_AT as u64).read_to_end(&mut begin).map_err(|e| encoding::error_of(file, &e))?;
    let delimiter = delimiter_of(&begin).ok_or_else(|| ReadError::empty(file))?;
    // The reader is content with `\r` and leaves `\n` to the next record, whose line it then counts one too low.
    let behind =
        u64::from(begin.iter().position(|b| *b == b'\n').is_some_and(|n| n > 0 && begin.get(n - 1) == Some(&b'\r')));
    let (metered, since) = Metered::new(Cursor::new(begin).chain(text));
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(1 << 16)
        .from_reader(metered);
    let fatal = |e: &::csv::Error| match e.kind() {
        ::csv::ErrorKind::Io(e) => encoding::error_of(file, e),
        _ => ReadError::Encoding { file: file.clone() },
    };
    let mut record = ::csv::StringRecord::new();
    loop {
        if !reader.read_record(&mut record).map_err(|e| fatal(&e))? {
            return Err(ReadError::empty(file).into());
        }
        if record.iter().any(|f| !f.trim().is_empty()) {
            break;
        }
    }
    let width = record.len();
    request.check_columns(width)?;
    let columns = record.iter().map(|h| h.trim().to_owned()).collect();
    let encoding::Sniffed { encoding, sha256_hex } = sniffed;
    let encoding = Some(encoding.name());
    sink.head(Head { columns, features: false, system: System::Degrees, encoding, sha256_hex, ..Head::default() })?;
    let mut cells = 0_u64;
    loop {
        since.set(0);
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|e| fatal(&e))? {
            return Ok(());
        }
        let number = record.position().map_or(line, ::csv::Position::line) + behind;
        cells += width as u64;
        request.check_cells(cells)?;
        let mut row = RawRow { number, id: None, cells: Vec::with_capacity(width), geometry: None, fault: None };
        // Excel writes rows of delimiters alone below its table.
        if record.iter().all(|f| f.trim().is_empty()) && (record.len() == width || record.len() <= 1) {
            continue;
        }
        if record.len() == width {
            row.cells.extend(record.iter().map(|f| match unescaped(f.trim_matches(' ')) {
                "" => Cell::Empty,
                t => Cell::Text(t.into()),
            }));
            row.fault = record.iter().any(|f| f.len() > request.limits.text_bytes).then(|| too_long(request));
        } else {
            row.cells.resize(width, Cell::Empty);
            row.fault = Some(Fault::new(
                "ragged_row",
                format!(
                    "有 {0} 列，表头有 {width} 列（是否少了引号？） / {0} fields where the header has {width} (a missing quote?)",
                    record.len()
                ),
            ));
        }
        sink.row(row)?;
    }
}

/// The fault of a text beyond the cap.
pub(super) fn too_long(request: &Request) -> Fault {
    let most = request.limits.text_bytes;
    Fault::new(
        "text_too_long",
        format!("文本超过 {most} 字节（是否少了引号？） / a text of more than {most} bytes (a missing quote?)"),
    )
}

fn delimiter_of(begin: &[u8]) -> Option<u8> {
    let first = begin.split(|b| *b == b'\n').find(|l| !l.trim_ascii().is_empty())?;
    [b',', b';', b'\t'].into_iter().max_by_key(|d| (first.iter().filter(|b| *b == d).count(), *d == b','))
}

/// Characters that make a spreadsheet take a text for a formula (full-width ones too, which some input methods turn into them).
const TRIGGERS: &[char] = &['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

fn is_guarded(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(TRIGGERS)
}

/// A text as CSV carries it: one that a spreadsheet would take for a formula gets a leading apostrophe (case A16). Apostrophes that
/// stand before such a text already are kept apart by one more, so that [`unescaped`] gives every text back.
pub(in crate::exchange) fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    if is_guarded(text) { format!("'{text}").into() } else { text.into() }
}

/// Takes back what [`escaped`] added.
pub(in crate::exchange) fn unescaped(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_guarded(rest) => rest,
        _ => text,
    }
}
