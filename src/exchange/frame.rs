//! Rows on their way from the parsing process: frames of a length, a kind and a content, all little endian.

use std::io::{self, Read, Write};

use serde_json::{Value, json};

use super::error::{Fault, ReadError, code_named};
use super::layer::System;
use super::table::{Cell, Halt, Head, RawRow, RowSink};
use super::wkb::{append_wkb, geometry_of_wkb};

const HEAD: u8 = b'H';
const ROW: u8 = b'R';
const ERROR: u8 = b'E';
const END: u8 = b'Z';
/// Longest frame: a record with its geometry.
const LONGEST: u32 = 256 << 20;

/// Writes what a reader finds as frames.
pub(super) struct FrameWriter<W: Write> {
    pub(super) out: W,
    buffer: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, buffer: Vec::new() }
    }

    fn frame(&mut self, kind: u8) -> io::Result<()> {
        let n = u32::try_from(self.buffer.len()).map_err(|_| io::Error::other("a frame too long"))?;
        self.out.write_all(&n.to_le_bytes())?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the stream: with an error, or well.
    pub(super) fn finish(&mut self, outcome: Result<(), ReadError>) -> io::Result<()> {
        self.buffer.clear();
        match outcome {
            Ok(()) => self.frame(END)?,
            Err(e) => {
                self.buffer.extend(error_to_json(&e).to_string().into_bytes());
                self.frame(ERROR)?;
            }
        }
        self.out.flush()
    }

    fn text(&mut self, text: &str) {
        self.buffer.extend((text.len() as u64).to_le_bytes());
        self.buffer.extend(text.as_bytes());
    }

    fn fault(&mut self, fault: &Fault) {
        self.text(fault.code);
        self.text(&fault.message);
    }
}

/// A parent that went away has stopped listening.
fn stopped(_: io::Error) -> Halt {
    Halt::Stopped
}

impl<W: Write> RowSink for FrameWriter<W> {
    fn head(&mut self, head: Head) -> Result<(), Halt> {
        let system = match &head.system {
            System::Degrees => json!(0),
            System::Metres => json!(1),
            System::Named(name) => json!(name),
        };
        let head = json!({ "columns": head.columns, "features": head.features, "system": system, "layer": head.layer,
            "warnings": head.warnings, "sha256": head.sha256_hex });
        self.buffer.extend(head.to_string().into_bytes());
        self.frame(HEAD).map_err(stopped)
    }

    fn row(&mut self, row: RawRow) -> Result<(), Halt> {
        self.buffer.extend(row.number.to_le_bytes());
        match &row.id {
            Some(id) => {
                self.buffer.push(1);
                self.text(id);
            }
            None => self.buffer.push(0),
        }
        self.buffer.extend((row.cells.len() as u64).to_le_bytes());
        for cell in &row.cells {
            match cell {
                Cell::Empty => self.buffer.push(0),
                Cell::Text(t) => {
                    self.buffer.push(1);
                    self.text(t);
                }
                Cell::Whole(v) => {
                    self.buffer.push(2);
                    self.buffer.extend(v.to_le_bytes());
                }
                Cell::Real(v) => {
                    self.buffer.push(3);
                    self.buffer.extend(v.to_le_bytes());
                }
                Cell::Bool(b) => self.buffer.extend([4, u8::from(*b)]),
                Cell::Date(t) => {
                    self.buffer.push(5);
                    self.text(t);
                }
            }
        }
        match &row.geometry {
            None => self.buffer.push(0),
            Some(Ok(g)) => {
                self.buffer.push(1);
                let at = self.buffer.len();
                self.buffer.extend([0; 8]);
                append_wkb(&mut self.buffer, g);
                let n = (self.buffer.len() - at - 8) as u64;
                if let Some(place) = self.buffer.get_mut(at..at + 8) {
                    place.copy_from_slice(&n.to_le_bytes());
                }
            }
            Some(Err(fault)) => {
                self.buffer.push(2);
                self.fault(fault);
            }
        }
        match &row.fault {
            None => self.buffer.push(0),
            Some(fault) => {
                self.buffer.push(1);
                self.fault(fault);
            }
        }
        self.frame(ROW).map_err(stopped)
    }
}

/// Reads frames into `sink` until the stream ends well, or with the error it carries.
///
/// # Errors
/// `corrupt_file` when it ends without saying so: the process that wrote it broke down.
pub(super) fn replay(file: &str, mut from: impl Read, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let broken = || Halt::Error(ReadError::corrupt(file, "the parser broke down on it / 解析进程中断"));
    let mut content = Vec::new();
    loop {
        let mut head = [0; 5];
        from.read_exact(&mut head).map_err(|_| broken())?;
        let n = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if n > LONGEST {
            return Err(broken());
        }
        content.clear();
        let got = from.by_ref().take(u64::from(n)).read_to_end(&mut content).map_err(|_| broken())?;
        if got as u64 != u64::from(n) {
            return Err(broken());
        }
        match head[4] {
            HEAD => sink.head(head_of(&content).ok_or_else(broken)?)?,
            ROW => sink.row(Parts(&content).row().ok_or_else(broken)?)?,
            ERROR => return Err(Halt::Error(error_of_json(file, &content))),
            END => return Ok(()),
            _ => return Err(broken()),
        }
    }
}

fn head_of(content: &[u8]) -> Option<Head> {
    let v: Value = serde_json::from_slice(content).ok()?;
    let texts = |key: &str| -> Option<Vec<String>> {
        v.get(key)?.as_array()?.iter().map(|t| t.as_str().map(str::to_owned)).collect()
    };
    let system = match v.get("system")? {
        Value::String(name) => System::Named(name.clone()),
        n if n == &json!(1) => System::Metres,
        _ => System::Degrees,
    };
    Some(Head {
        columns: texts("columns")?,
        features: v.get("features")?.as_bool()?,
        system,
        layer: v.get("layer")?.as_str().map(str::to_owned),
        encoding: None,
        warnings: texts("warnings")?,
        sha256_hex: v.get("sha256")?.as_str()?.to_owned(),
    })
}

struct Parts<'b>(&'b [u8]);

impl<'b> Parts<'b> {
    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn text(&mut self) -> Option<String> {
        let n = usize::try_from(u64::from_le_bytes(self.eight()?)).ok()?;
        Some(std::str::from_utf8(self.take(n)?).ok()?.to_owned())
    }

    fn fault(&mut self) -> Option<Fault> {
        Some(Fault::new(code_named(&self.text()?), self.text()?))
    }

    fn cell(&mut self) -> Option<Cell> {
        Some(match self.byte()? {
            0 => Cell::Empty,
            1 => Cell::Text(self.text()?.into()),
            2 => Cell::Whole(i64::from_le_bytes(self.eight()?)),
            3 => Cell::Real(f64::from_le_bytes(self.eight()?)),
            4 => Cell::Bool(self.byte()? != 0),
            5 => Cell::Date(self.text()?.into()),
            _ => return None,
        })
    }

    fn row(mut self) -> Option<RawRow> {
        let number = u64::from_le_bytes(self.eight()?);
        let id = match self.byte()? {
            0 => None,
            _ => Some(self.text()?),
        };
        let n = usize::try_from(u64::from_le_bytes(self.eight()?)).ok().filter(|n| *n <= self.0.len())?;
        let cells = (0..n).map(|_| self.cell()).collect::<Option<Vec<_>>>()?;
        let geometry = match self.byte()? {
            0 => None,
            1 => {
                let n = usize::try_from(u64::from_le_bytes(self.eight()?)).ok()?;
                Some(geometry_of_wkb(self.take(n)?))
            }
            _ => Some(Err(self.fault()?)),
        };
        let fault = match self.byte()? {
            0 => None,
            _ => Some(self.fault()?),
        };
        Some(RawRow { number, id, cells, geometry, fault })
    }
}

fn error_to_json(e: &ReadError) -> Value {
    match e {
        ReadError::Unreadable { chinese, english, .. } => {
            json!({ "kind": "unreadable", "chinese": chinese, "english": english })
        }
        ReadError::Encoding { .. } => json!({ "kind": "encoding" }),
        ReadError::Empty { .. } => json!({ "kind": "empty" }),
        ReadError::Layer { asked, found, .. } => json!({ "kind": "layer", "asked": asked, "found": found }),
        ReadError::ReferenceSystem { system, .. } => json!({ "kind": "system", "system": system }),
        ReadError::Limit { code, chinese, english, .. } => {
            json!({ "kind": "limit", "code": code, "chinese": chinese, "english": english })
        }
        ReadError::Corrupt { reason, .. } => json!({ "kind": "corrupt", "reason": reason }),
        other => json!({ "kind": "corrupt", "reason": other.to_string() }),
    }
}

fn error_of_json(file: &str, content: &[u8]) -> ReadError {
    let v: Value = serde_json::from_slice(content).unwrap_or_default();
    let text = |key: &str| v.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let file = file.to_owned();
    match text("kind").as_str() {
        "unreadable" => ReadError::Unreadable { file, chinese: text("chinese"), english: text("english") },
        "encoding" => ReadError::Encoding { file },
        "empty" => ReadError::empty(&file),
        "layer" => {
            let found = v.get("found").and_then(Value::as_array).into_iter().flatten();
            let found = found.filter_map(|f| f.as_str().map(str::to_owned)).collect();
            let asked = v.get("asked").and_then(Value::as_str).map(str::to_owned);
            ReadError::Layer { file, asked, found }
        }
        "system" => ReadError::ReferenceSystem { file, system: text("system") },
        "limit" => {
            let code = code_named(&text("code"));
            ReadError::Limit { file, code, chinese: text("chinese"), english: text("english") }
        }
        _ => ReadError::Corrupt { file, reason: text("reason") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Geometry, LineString, Point, polygon};

    #[derive(Default)]
    struct Gathered(Vec<Head>, Vec<RawRow>);

    impl RowSink for Gathered {
        fn head(&mut self, head: Head) -> Result<(), Halt> {
            self.0.push(head);
            Ok(())
        }
        fn row(&mut self, row: RawRow) -> Result<(), Halt> {
            self.1.push(row);
            Ok(())
        }
    }

    fn sample() -> (Head, Vec<RawRow>) {
        let head = Head {
            columns: vec!["户号".to_owned(), "n".to_owned()],
            features: true,
            system: System::Named("EPSG:4523".to_owned()),
            layer: Some("表".to_owned()),
            encoding: None,
            warnings: vec!["w".to_owned()],
            sha256_hex: "00".to_owned(),
        };
        let line = Geometry::LineString(LineString::from(vec![(0., 0.), (1., 1.)]));
        let rows = vec![
            RawRow {
                number: 2,
                id: Some("a".to_owned()),
                cells: vec![Cell::Text("大寨".into()), Cell::Whole(i64::MIN), Cell::Real(0.1)],
                geometry: Some(Ok(Geometry::Point(Point::new(105.9, 26.2)))),
                fault: None,
            },
            RawRow {
                number: 3,
                id: None,
                cells: vec![Cell::Bool(true), Cell::Date("2021-05-03".into()), Cell::Empty],
                geometry: Some(Err(Fault::new("bad_ring", "环"))),
                fault: Some(Fault::new("ragged_row", "r")),
            },
            RawRow { number: 4, id: None, cells: Vec::new(), geometry: Some(Ok(line)), fault: None },
            RawRow {
                number: 5,
                id: None,
                cells: Vec::new(),
                geometry: Some(Ok(polygon!(exterior: [(x: 0., y: 0.), (x: 4., y: 0.), (x: 4., y: 4.)], interiors: [[(x: 1., y: 1.), (x: 2., y: 1.), (x: 2., y: 2.)]]).into())),
                fault: None,
            },
        ];
        (head, rows)
    }

    fn written() -> Vec<u8> {
        let (head, rows) = sample();
        let mut writer = FrameWriter::new(Vec::new());
        assert!(writer.head(head).is_ok() && rows.into_iter().all(|r| writer.row(r).is_ok()));
        writer.finish(Ok(())).expect("written");
        writer.out
    }

    #[test]
    fn rows_and_errors_cross_the_pipe_unchanged() {
        let mut got = Gathered::default();
        assert!(replay("f", written().as_slice(), &mut got).is_ok());
        let (head, rows) = sample();
        assert_eq!((got.0, got.1), (vec![head], rows));
        for e in [
            ReadError::Layer { file: "f".to_owned(), asked: Some("a".to_owned()), found: vec!["b".to_owned()] },
            ReadError::limit("f", "too_many_cells", "中".to_owned(), "en".to_owned()),
            ReadError::corrupt("f", "why"),
            ReadError::Encoding { file: "f".to_owned() },
        ] {
            let mut writer = FrameWriter::new(Vec::new());
            writer.finish(Err(e.clone())).expect("written");
            match replay("f", writer.out.as_slice(), &mut Gathered::default()) {
                Err(Halt::Error(back)) => assert_eq!(back, e),
                _ => panic!("no error"),
            }
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_a_broken_parser() {
        let all = written();
        for n in 0..all.len() {
            match replay("f", &all[..n], &mut Gathered::default()) {
                Err(Halt::Error(e)) => assert_eq!(e.code(), "corrupt_file"),
                _ => panic!("{n}"),
            }
        }
    }
}
