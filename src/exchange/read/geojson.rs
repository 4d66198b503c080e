//! GeoJSON documents (RFC 7946) and sequences of features (RFC 8142, or one a line), and what is said of broken ones.

use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, Read};

use encoding_rs::{Encoding, GB18030};
use serde::de::DeserializeSeed as _;

use crate::exchange::encoding::{self, Metered};
use crate::exchange::error::{Faults, ReadError, RowKind};
use crate::exchange::layer::System;
use crate::exchange::source::{Source, decoded, sha256_hex};
use crate::exchange::table::{Halt, Head, RawRow, RowSink};

use super::Request;
use super::geojson_members::{Gathered, Object, ObjectSeed};

/// Deepest nesting of a document; GeoJSON needs nine levels, properties some more.
const DEEPEST: usize = 64;
/// Separates the texts of a sequence (RFC 8142).
const RECORD_SEPARATOR: u8 = 0x1E;

/// Reads a whole document: once for its columns, which may appear in the last feature, then for its rows. A file is streamed; only
/// one that is broken is read whole, to say where.
pub(super) fn read_document(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    if file == "-" {
        return read_whole(request, sink);
    }
    request.limits.checked_size(file)?;
    let sniffed = encoding::sniff(file, request.open()?)?;
    let mut gathered = Gathered::default();
    let system = match streamed(file, sniffed.encoding, &mut gathered) {
        Ok(system) => system,
        Err(Broken::Halted(halt)) => return Err(halt),
        Err(Broken::Text) => return read_whole(request, sink),
    };
    request.check_columns(gathered.columns.len())?;
    let name = if sniffed.encoding == GB18030 { "GB18030" } else { sniffed.encoding.name() };
    sink.head(head(&gathered, system, name, sniffed.sha256_hex))?;
    gathered.second_pass(request, sink, |gathered| match streamed(file, sniffed.encoding, gathered) {
        Ok(_) => Ok(()),
        Err(Broken::Halted(halt)) => Err(halt),
        Err(Broken::Text) => Err(broken_at(request)),
    })
}

/// Reads a document that is in memory as a whole.
fn read_whole(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    let bytes = Source::new(file, None).bytes()?;
    let text = decoded(file, &bytes)?;
    let mut gathered = Gathered::default();
    let system = document(file, &text, &mut gathered)?;
    request.check_columns(gathered.columns.len())?;
    let encoding = if matches!(text, Cow::Borrowed(_)) { "UTF-8" } else { "GB18030" };
    sink.head(head(&gathered, system, encoding, sha256_hex(&bytes)))?;
    gathered.second_pass(request, sink, |gathered| document(file, &text, gathered).map(|_| ()))
}

/// Takes rows and keeps none.
struct Nowhere;

impl RowSink for Nowhere {
    fn head(&mut self, _: Head) -> Result<(), Halt> {
        Ok(())
    }

    fn row(&mut self, _: RawRow) -> Result<(), Halt> {
        Ok(())
    }
}

/// What is wrong with a document whose values broke a pass over its rows.
fn broken_at(request: &Request) -> Halt {
    match read_whole(request, &mut Nowhere) {
        Err(halt) => halt,
        Ok(()) => {
            let chinese = "文件在读取时被改动，请重试".to_owned();
            let english = "the file changed while it was read; try again".to_owned();
            ReadError::Unreadable { file: request.file.clone(), chinese, english }.into()
        }
    }
}

/// Why a streamed pass ended early.
enum Broken {
    /// The taker of rows wants no more, or a limit is reached.
    Halted(Halt),
    /// The text is no GeoJSON, or cannot be read.
    Text,
}

/// One pass over a file, a block at a time.
fn streamed(file: &str, encoding: &'static Encoding, gathered: &mut Gathered<'_>) -> Result<System, Broken> {
    let text = encoding::text_reader(file, encoding).map_err(|e| Broken::Halted(e.into()))?;
    let shallow = Shallow { inner: text, nesting: Nesting::default() };
    let reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, shallow));
    let taken = taken(reader, gathered);
    if let Some(halt) = gathered.halted.take() {
        return Err(Broken::Halted(halt));
    }
    let system = taken.ok().and_then(|top| concluded(top, gathered)).ok_or(Broken::Text)?;
    match gathered.halted.take() {
        Some(halt) => Err(Broken::Halted(halt)),
        None => Ok(system),
    }
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
    let Some(system) = walk(&mut gathered)? else { return Err(ReadError::empty(file).into()) };
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
    if let Some(byte) = Nesting::default().too_deep(text.as_bytes()) {
        let (zh, en) = (format!("嵌套超过 {DEEPEST} 层"), format!("nested deeper than {DEEPEST} levels"));
        return Err(json_error(file, text, "json_depth", byte, &zh, &en).into());
    }
    let taken = taken(serde_json::Deserializer::from_str(text), gathered);
    if let Some(halt) = gathered.halted.take() {
        return Err(halt);
    }
    let top = taken.map_err(|e| said(file, text, &e, gathered.count + 1))?;
    let system = concluded(top, gathered).ok_or_else(|| {
        let (zh, en) = (
            "不是 GeoJSON：需要 FeatureCollection、Feature 或几何对象",
            "no GeoJSON: a FeatureCollection, a Feature or a geometry is needed",
        );
        json_error(file, text, "not_geojson", 0, zh, en)
    })?;
    match gathered.halted.take() {
        Some(halt) => Err(halt),
        None => Ok(system),
    }
}

/// The top object; the rows of a collection are gathered by then.
fn taken<'de, R: serde_json::de::Read<'de>>(
    mut reader: serde_json::Deserializer<R>,
    gathered: &mut Gathered<'_>,
) -> Result<Object, serde_json::Error> {
    let top = ObjectSeed { gathered, top: true }.deserialize(&mut reader)?;
    reader.end().map(|()| top)
}

/// Gathers the one row of a top object that is no collection, and gives the document's reference system; `None` for no GeoJSON.
fn concluded(top: Object, gathered: &mut Gathered<'_>) -> Option<System> {
    let (crs, planar) = (top.crs.clone(), top.planar);
    match top.kind.as_deref() {
        Some("FeatureCollection") if top.features => {}
        Some("Feature") => gathered.push_feature(top),
        Some(_) if top.coordinates.is_some() || top.collection || (gathered.sink.is_none() && top.has_coordinates) => {
            gathered.push(None, Vec::new(), top.into_geometry());
        }
        _ => return None,
    }
    Some(match (planar, crs) {
        (true, _) => System::Metres,
        (false, Some(name)) => System::named(&name),
        (false, None) => System::Degrees,
    })
}

/// How deep brackets nest, told from the bytes as they come.
#[derive(Default)]
struct Nesting {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Nesting {
    /// The first of these bytes at which brackets nest too deep.
    fn too_deep(&mut self, bytes: &[u8]) -> Option<usize> {
        for (i, b) in bytes.iter().enumerate() {
            if self.quoted {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.quoted = false,
                    _ => {}
                }
                continue;
            }
            match b {
                b'"' => self.quoted = true,
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return Some(i);
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}

/// Text that ends in an error where it nests too deep.
struct Shallow<R> {
    inner: R,
    nesting: Nesting,
}

impl<R: Read> Read for Shallow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        match self.nesting.too_deep(buffer.get(..n).unwrap_or_default()) {
            Some(_) => Err(std::io::Error::other("json_depth")),
            None => Ok(n),
        }
    }
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
