//! GeoJSON documents (RFC 7946) and sequences of features (RFC 8142, or one a line), and what is said of broken ones.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader};

use serde::de::DeserializeSeed as _;

use crate::exchange::encoding::{self, Metered};
use crate::exchange::error::{Faults, ReadError, RowKind};
use crate::exchange::layer::System;
use crate::exchange::source::{Source, decoded, sha256_hex};
use crate::exchange::table::{Halt, Head, RowSink};

use super::Request;
use super::geojson_members::{Gathered, ObjectSeed};

/// Deepest nesting of a document; GeoJSON needs nine levels, properties some more.
const DEEPEST: usize = 64;
/// Separates the texts of a sequence (RFC 8142).
const RECORD_SEPARATOR: u8 = 0x1E;

/// Reads a whole document: once for its columns, which may appear in the last feature, then for its rows.
pub(super) fn read_document(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    if file != "-" {
        request.limits.checked_size(file)?;
    }
    let bytes = Source::new(file, None).bytes()?;
    let text = decoded(file, &bytes)?;
    let mut gathered = Gathered::default();
    let system = document(file, &text, &mut gathered)?;
    request.check_columns(gathered.columns.len())?;
    let encoding = if matches!(text, Cow::Borrowed(_)) { "UTF-8" } else { "GB18030" };
    sink.head(head(&gathered, system, encoding, sha256_hex(&bytes)))?;
    gathered.second_pass(request, sink, |gathered| document(file, &text, gathered).map(|_| ()))
}

fn head(gathered: &Gathered<'_>, system: System, encoding: &'static str, sha256_hex: String) -> Head {
    let columns = gathered.columns.clone();
    Head { columns, features: true, system, encoding: Some(encoding), sha256_hex, ..Head::default() }
}

/// Reads a sequence of features: one a line, or each begun by a record separator.
pub(super) fn read_sequence(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    let sniffed = encoding::sniff(file, request.open()?)?;
    let walk = |gathered: &mut Gathered<'_>| -> Result<Option<System>, Halt> {
        let (metered, since) = Metered::new(encoding::text_reader(file, sniffed.encoding)?);
        let mut bytes = BufReader::with_capacity(1 << 16, metered);
        let unreadable = |e: std::io::Error| encoding::error_of(file, &e);
        let separated = bytes.fill_buf().map_err(unreadable)?.trim_ascii_start().first() == Some(&RECORD_SEPARATOR);
        let end = if separated { RECORD_SEPARATOR } else { b'\n' };
        let (mut record, mut line, mut byte, mut system) = (Vec::new(), 0, 0, None);
        loop {
            record.clear();
            since.set(0);
            if bytes.read_until(end, &mut record).map_err(unreadable)? == 0 {
                return Ok(system);
            }
            let text = record.strip_suffix(&[RECORD_SEPARATOR]).unwrap_or(&record);
            let text = std::str::from_utf8(text).map_err(|_| ReadError::Encoding { file: file.to_owned() })?;
            if !text.trim().is_empty() {
                let found = document(file, text, gathered).map_err(|e| moved(e, line, byte))?;
                system.get_or_insert(found);
            }
            line += record.iter().filter(|b| **b == b'\n').count();
            byte += record.len();
        }
    };
    let mut gathered = Gathered::default();
    let Some(system) = walk(&mut gathered)? else { return Err(ReadError::Empty { file: file.to_owned() }.into()) };
    request.check_columns(gathered.columns.len())?;
    sink.head(head(&gathered, system, sniffed.encoding.name(), sniffed.sha256_hex.clone()))?;
    gathered.second_pass(request, sink, |gathered| walk(gathered).map(|_| ()))
}

/// An error of a text that begins `lines` and `bytes` into the file.
fn moved(e: Halt, lines: usize, bytes: usize) -> Halt {
    match e {
        Halt::Error(ReadError::Json { file, code, line, column, byte, chinese, english }) => {
            let (line, byte) = (line + lines, byte + bytes);
            Halt::Error(ReadError::Json { file, code, line, column, byte, chinese, english })
        }
        other => other,
    }
}

/// Takes one document apart into `gathered`, and gives its reference system.
fn document(file: &str, text: &str, gathered: &mut Gathered<'_>) -> Result<System, Halt> {
    if let Some(byte) = too_deep(text.as_bytes()) {
        let (zh, en) = (format!("嵌套超过 {DEEPEST} 层"), format!("nested deeper than {DEEPEST} levels"));
        return Err(json_error(file, text, "json_depth", byte, &zh, &en).into());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = ObjectSeed { gathered, top: true }.deserialize(&mut reader);
    if let Some(halt) = gathered.halted.take() {
        return Err(halt);
    }
    let top = match read.and_then(|top| reader.end().map(|()| top)) {
        Ok(top) => top,
        Err(e) => return Err(said(file, text, &e, gathered.count + 1).into()),
    };
    let (crs, planar) = (top.crs.clone(), top.planar);
    match top.kind.as_deref() {
        Some("FeatureCollection") if top.features => {}
        Some("Feature") => gathered.push_feature(top),
        Some(_) if top.coordinates.is_some() || top.collection || (gathered.sink.is_none() && top.has_coordinates) => {
            gathered.push(None, Vec::new(), top.into_geometry());
        }
        _ => {
            let (zh, en) = (
                "不是 GeoJSON：需要 FeatureCollection、Feature 或几何对象",
                "no GeoJSON: a FeatureCollection, a Feature or a geometry is needed",
            );
            return Err(json_error(file, text, "not_geojson", 0, zh, en).into());
        }
    }
    if let Some(halt) = gathered.halted.take() {
        return Err(halt);
    }
    Ok(match (planar, crs) {
        (true, _) => System::Metres,
        (false, Some(name)) => System::named(&name),
        (false, None) => System::Degrees,
    })
}

/// The byte at which brackets nest too deep, by one pass over the bytes.
fn too_deep(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (i, b) in bytes.iter().enumerate() {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => quoted = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(i);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn json_error(file: &str, text: &str, code: &'static str, byte: usize, chinese: &str, english: &str) -> ReadError {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    ReadError::Json {
        file: file.to_owned(),
        code,
        line,
        column,
        byte,
        chinese: chinese.to_owned(),
        english: english.to_owned(),
    }
}

/// The parser's own words, with the byte; a number that is none becomes a fault of the feature it stands in.
fn said(file: &str, text: &str, e: &serde_json::Error, feature: u64) -> ReadError {
    let begin = if e.line() <= 1 {
        0
    } else {
        text.bytes().enumerate().filter(|(_, b)| *b == b'\n').nth(e.line() - 2).map_or(text.len(), |(i, _)| i + 1)
    };
    let byte = (begin + e.column()).min(text.len());
    let words = e.to_string();
    let no_number = (byte.saturating_sub(2)..=byte).any(|from| {
        let at = text.as_bytes().get(from..).unwrap_or_default();
        at.starts_with(b"NaN") || at.starts_with(b"Infinity")
    });
    if words.starts_with("number out of range") || no_number {
        let mut faults = Faults::default();
        faults.push(feature, "not_a_number", || {
            format!(
                "第 {0} 行第 {1} 列（字节 {byte}）附近有不是有限数的值 / near line {0}, column {1} (byte {byte}) stands a value that is no finite number",
                e.line(),
                e.column()
            )
        });
        if let Err(error) = faults.into_result(file, RowKind::Feature) {
            return error;
        }
    }
    let words = words.split(" at line ").next().unwrap_or("").to_owned();
    let (code, zh) = match e.classify() {
        serde_json::error::Category::Eof => ("json_syntax", "JSON 不完整"),
        serde_json::error::Category::Data => ("not_geojson", "不是 GeoJSON"),
        _ => ("json_syntax", "JSON 语法错误"),
    };
    ReadError::Json {
        file: file.to_owned(),
        code,
        line: e.line(),
        column: e.column(),
        byte,
        chinese: format!("{zh}（第 {feature} 个要素附近）"),
        english: format!("{words} (near feature {feature})"),
    }
}
