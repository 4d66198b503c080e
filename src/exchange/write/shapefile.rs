//! A zipped Shapefile: `.shp`, `.shx`, `.dbf` in UTF-8, `.prj`, `.cpg`. One shape kind a file is all the format has; a layer of
//! several kinds becomes several files in the one archive.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _, SeekFrom, Write};

use geo::{Coord, Geometry, LineString, Polygon};
use time::OffsetDateTime;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::exchange::table::Cell;

use super::canonical::{bounds, joined};
use super::dbf::{Spool, short_names};
use super::whole::WholeFile;
use super::{Geometries, Sink, WriteError, WriteOptions, WriterField, WriterSchema, Written};

const PRJ: &str = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
/// Bytes of the header of `.shp` and `.shx`.
const HEADER: u64 = 100;

pub(super) struct Archive {
    file: WholeFile,
    layer: String,
    fields: Vec<WriterField>,
    default: Kind,
    clock: OffsetDateTime,
    parts: Vec<(Kind, Part)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Point = 1,
    Line = 3,
    Polygon = 5,
    MultiPoint = 8,
}

impl Kind {
    fn of(geometry: &Geometry<f64>) -> Option<Self> {
        match geometry {
            Geometry::Point(_) => Some(Self::Point),
            Geometry::LineString(_) | Geometry::MultiLineString(_) => Some(Self::Line),
            Geometry::Polygon(_) | Geometry::MultiPolygon(_) => Some(Self::Polygon),
            Geometry::MultiPoint(_) => Some(Self::MultiPoint),
            _ => None,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Point => "_points",
            Self::Line => "_lines",
            Self::Polygon => "_areas",
            Self::MultiPoint => "_multipoints",
        }
    }
}

/// One set of files while it is written.
struct Part {
    shp: BufWriter<File>,
    shx: BufWriter<File>,
    table: Spool,
    words: u64,
    bounds: Option<[f64; 4]>,
}

impl Part {
    fn new(fields: &[WriterField]) -> io::Result<Self> {
        let begun = || -> io::Result<BufWriter<File>> {
            let mut file = BufWriter::with_capacity(1 << 16, tempfile::tempfile()?);
            file.write_all(&[0; HEADER as usize])?;
            Ok(file)
        };
        Ok(Self { shp: begun()?, shx: begun()?, table: Spool::new(fields.to_vec())?, words: HEADER / 2, bounds: None })
    }

    fn push(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> io::Result<()> {
        self.table.push(values)?;
        let content = geometry.map_or_else(|| 0_u32.to_le_bytes().to_vec(), content_of);
        let too_large =
            || io::Error::new(io::ErrorKind::FileTooLarge, "a Shapefile has 4 GiB at most; export region by region");
        let offset = i32::try_from(self.words).map_err(|_| too_large())?;
        let words = content.len() as u64 / 2;
        let length = i32::try_from(words).map_err(|_| too_large())?;
        self.shx.write_all(&offset.to_be_bytes())?;
        self.shx.write_all(&length.to_be_bytes())?;
        self.shp.write_all(&self.table.rows.to_be_bytes())?;
        self.shp.write_all(&length.to_be_bytes())?;
        self.shp.write_all(&content)?;
        self.words += 4 + words;
        self.bounds = joined(self.bounds, geometry.and_then(bounds));
        Ok(())
    }
}

impl Archive {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema, options: WriteOptions) -> Result<Self, WriteError> {
        let default = if schema.geometries == Geometries::Any { Kind::Polygon } else { Kind::Point };
        Ok(Self { file, layer: schema.layer, fields: schema.fields, default, clock: options.clock, parts: Vec::new() })
    }

    fn part(&mut self, kind: Kind) -> io::Result<&mut Part> {
        let at = match self.parts.iter().position(|p| p.0 == kind) {
            Some(at) => at,
            None => {
                self.parts.push((kind, Part::new(&self.fields)?));
                self.parts.len() - 1
            }
        };
        self.parts.get_mut(at).map(|p| &mut p.1).ok_or_else(|| io::Error::other("a part"))
    }

    fn write(&mut self) -> io::Result<u64> {
        if self.parts.is_empty() {
            self.part(self.default)?;
        }
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by_key(|p| p.0);
        let alone = parts.len() == 1;
        // Names inside the archive stay clear of folders.
        let layer: String = self.layer.chars().map(|c| if "/\\:".contains(c) { '_' } else { c }).collect();
        let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 16, self.file.file()));
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644)
            .large_file(true);
        let mut cut = 0;
        for (kind, part) in parts {
            let base = if alone { layer.clone() } else { format!("{layer}{}", kind.suffix()) };
            let Part { shp, shx, table, words, bounds } = part;
            cut += table.cut;
            let index_words = HEADER / 2 + u64::from(table.rows) * 4;
            for (ending, file, words) in [("shp", shp, words), ("shx", shx, index_words)] {
                let mut file = file.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
                file.rewind()?;
                file.write_all(&header(kind, words, bounds))?;
                file.seek(SeekFrom::Start(0))?;
                zip.start_file(format!("{base}.{ending}"), options)?;
                io::copy(&mut BufReader::with_capacity(1 << 16, file), &mut zip)?;
            }
            zip.start_file(format!("{base}.dbf"), options)?;
            table.write(&mut zip, self.clock)?;
            zip.start_file(format!("{base}.prj"), options)?;
            zip.write_all(PRJ.as_bytes())?;
            zip.start_file(format!("{base}.cpg"), options)?;
            zip.write_all(b"UTF-8")?;
        }
        zip.finish()?.flush()?;
        Ok(cut)
    }
}

impl Sink for Archive {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let kind = geometry.and_then(Kind::of).unwrap_or(self.default);
        let pushed = self.part(kind).and_then(|p| p.push(values, geometry));
        pushed.map_err(|e| self.file.error(e))
    }

    fn finish(mut self: Box<Self>) -> Result<Written, WriteError> {
        let written = self.write();
        let cut_texts = written.map_err(|e| self.file.error(e))?;
        let short = short_names(&self.fields);
        let pairs = self.fields.iter().map(|f| f.name.clone()).zip(short);
        let renamed = pairs.filter(|(long, short)| long != short).collect();
        self.file.commit()?;
        Ok(Written { cut_texts, renamed, ..Written::default() })
    }
}

fn header(kind: Kind, words: u64, bounds: Option<[f64; 4]>) -> Vec<u8> {
    let mut b = 9994_i32.to_be_bytes().to_vec();
    b.extend([0; 20]);
    b.extend(i32::try_from(words).unwrap_or(i32::MAX).to_be_bytes());
    b.extend(1000_i32.to_le_bytes());
    b.extend((kind as i32).to_le_bytes());
    let [min_x, min_y, max_x, max_y] = bounds.unwrap_or_default();
    for v in [min_x, min_y, max_x, max_y, 0.0, 0.0, 0.0, 0.0] {
        b.extend(v.to_le_bytes());
    }
    b
}

fn coord(into: &mut Vec<u8>, c: &Coord<f64>) {
    into.extend(c.x.to_le_bytes());
    into.extend(c.y.to_le_bytes());
}

/// The content of a record. Rings come turned as GeoJSON has them; a Shapefile has them the other way round.
fn content_of(geometry: &Geometry<f64>) -> Vec<u8> {
    let mut b = Vec::new();
    let begin = |kind: Kind| {
        let mut b = (kind as u32).to_le_bytes().to_vec();
        bounds(geometry).unwrap_or_default().iter().for_each(|v| b.extend(v.to_le_bytes()));
        b
    };
    match geometry {
        Geometry::Point(p) => {
            b.extend((Kind::Point as u32).to_le_bytes());
            coord(&mut b, &p.0);
        }
        Geometry::MultiPoint(m) => {
            b = begin(Kind::MultiPoint);
            b.extend((m.0.len() as u32).to_le_bytes());
            m.0.iter().for_each(|p| coord(&mut b, &p.0));
        }
        Geometry::LineString(l) => {
            b = begin(Kind::Line);
            parts(&mut b, std::slice::from_ref(&l.0));
        }
        Geometry::MultiLineString(m) => {
            b = begin(Kind::Line);
            parts(&mut b, &m.0.iter().map(|l| l.0.clone()).collect::<Vec<_>>());
        }
        Geometry::Polygon(p) => {
            b = begin(Kind::Polygon);
            parts(&mut b, &rings(std::slice::from_ref(p)));
        }
        Geometry::MultiPolygon(m) => {
            b = begin(Kind::Polygon);
            parts(&mut b, &rings(&m.0));
        }
        _ => b.extend(0_u32.to_le_bytes()),
    }
    b
}

fn rings(polygons: &[Polygon<f64>]) -> Vec<Vec<Coord<f64>>> {
    let all = polygons.iter().flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()));
    all.map(|r: &LineString<f64>| r.0.iter().rev().copied().collect()).collect()
}

fn parts(into: &mut Vec<u8>, list: &[Vec<Coord<f64>>]) {
    into.extend((list.len() as u32).to_le_bytes());
    into.extend((list.iter().map(Vec::len).sum::<usize>() as u32).to_le_bytes());
    let mut at = 0_u32;
    for part in list {
        into.extend(at.to_le_bytes());
        at += part.len() as u32;
    }
    list.iter().flatten().for_each(|c| coord(into, c));
}
