//! FlatGeobuf with its packed Hilbert index: features stand in the order of the index. They wait in a temporary file until the extent of
//! all is known; what is held in memory does not grow with them.

mod index;
mod sorted;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf::{
    Column, ColumnArgs, ColumnType, Crs, CrsArgs, Feature, FeatureArgs, Geometry as Flattened, GeometryArgs,
    GeometryType, Header, HeaderArgs,
};
use geo::{CoordsIter as _, Geometry, LineString, Polygon};

use crate::exchange::table::Cell;

use super::canonical::bounds;
use super::whole::WholeFile;
use super::{FieldType, Geometries, Sink, WriteError, WriterField, WriterSchema, Written};

use index::{Bounds, NODE_SIZE, NOTHING, Stretch, Tree, joined, place};
use sorted::{Key, Sorter};

/// What a file begins with: the name of the format, its version, the patch.
const MAGIC: [u8; 8] = *b"fgb\x03fgb\x00";
/// Keys sorted in memory at once: 4 MiB.
const RUN: usize = 1 << 18;
const BOX_BYTES: usize = 32;

type Builder = FlatBufferBuilder<'static>;

pub(super) struct Flat {
    file: WholeFile,
    layer: String,
    fields: Vec<WriterField>,
    kind: GeometryType,
    spatial: bool,
    /// Each feature with its box before it.
    waiting: BufWriter<File>,
    features: u64,
    extent: Bounds,
    builder: Builder,
    properties: Vec<u8>,
    run: usize,
}

impl Flat {
    pub(super) fn begin(file: WholeFile, schema: WriterSchema) -> Result<Self, WriteError> {
        Self::in_runs(file, schema, RUN)
    }

    fn in_runs(file: WholeFile, schema: WriterSchema, run: usize) -> Result<Self, WriteError> {
        let kind = match schema.geometries {
            Geometries::Points => GeometryType::Point,
            Geometries::None | Geometries::Any => GeometryType::Unknown,
        };
        let waiting = tempfile::tempfile_in(file.folder()).map_err(|e| WriteError::io(file.path(), &e))?;
        Ok(Self {
            file,
            layer: schema.layer,
            fields: schema.fields,
            kind,
            spatial: schema.geometries != Geometries::None,
            waiting: BufWriter::with_capacity(1 << 16, waiting),
            features: 0,
            extent: NOTHING,
            builder: Builder::new(),
            properties: Vec::new(),
            run,
        })
    }

    fn put(&mut self, around: &Bounds) -> io::Result<()> {
        for v in around {
            self.waiting.write_all(&v.to_le_bytes())?;
        }
        self.waiting.write_all(self.builder.finished_data())
    }

    fn header(&self) -> Vec<u8> {
        let mut builder = Builder::new();
        let crs = CrsArgs {
            org: Some(builder.create_string("EPSG")),
            code: 4326,
            name: Some(builder.create_string("WGS 84")),
            ..CrsArgs::default()
        };
        let name = Some(builder.create_string(&self.layer));
        let crs = Some(Crs::create(&mut builder, &crs));
        let mut columns = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let type_ = match field.kind {
                FieldType::Text => ColumnType::String,
                FieldType::Whole => ColumnType::Long,
                FieldType::Real => ColumnType::Double,
                FieldType::Bool => ColumnType::Bool,
                FieldType::Date => ColumnType::DateTime,
            };
            let name = Some(builder.create_string(&field.name));
            columns.push(Column::create(&mut builder, &ColumnArgs { name, type_, ..ColumnArgs::default() }));
        }
        let columns = Some(builder.create_vector(&columns));
        let envelope = Some(builder.create_vector(&self.extent));
        let header = HeaderArgs {
            name,
            envelope,
            geometry_type: self.kind,
            columns,
            features_count: self.features,
            index_node_size: if self.spatial { NODE_SIZE } else { 0 },
            crs,
            ..HeaderArgs::default()
        };
        let header = Header::create(&mut builder, &header);
        builder.finish_size_prefixed(header, None);
        builder.finished_data().to_vec()
    }

    /// Puts the features that wait in their order.
    fn write(self) -> io::Result<WholeFile> {
        let header = self.header();
        let Self { file, waiting, features, extent, run, spatial, .. } = self;
        let mut waiting = waiting.into_inner().map_err(|e| e.into_error())?;
        let mut keys = Sorter::new(run, file.folder())?;
        keys_of(&mut waiting, &mut keys, |around| if spatial { !place(around, &extent) } else { 0 })?;
        let out = file.file();
        let mut begin = Stretch::at(0);
        begin.put(out, &MAGIC)?;
        begin.put(out, &header)?;
        begin.flush(out)?;
        let index_at = (MAGIC.len() + header.len()) as u64;
        let mut tree = Tree::new(if spatial { features } else { 0 }, index_at);
        let mut body = Stretch::at(index_at + tree.bytes);
        let (mut offset, mut buffer) = (0, Vec::new());
        for key in keys.sorted()? {
            let key = key?;
            buffer.clear();
            waiting.seek(SeekFrom::Start(key.at))?;
            (&waiting).take(u64::from(key.bytes)).read_to_end(&mut buffer)?;
            let (around, feature) = boxed(&buffer).ok_or(io::ErrorKind::UnexpectedEof)?;
            tree.leaf(out, around, offset)?;
            body.put(out, feature)?;
            offset += feature.len() as u64;
        }
        tree.finish(out)?;
        body.flush(out)?;
        Ok(file)
    }
}

/// A key for each feature that waits.
fn keys_of(waiting: &mut File, keys: &mut Sorter, place: impl Fn(&Bounds) -> u32) -> io::Result<()> {
    waiting.rewind()?;
    let mut waiting = BufReader::with_capacity(1 << 16, waiting);
    let (mut at, mut head) = (0, Vec::new());
    loop {
        head.clear();
        let read = waiting.by_ref().take(BOX_BYTES as u64 + 4).read_to_end(&mut head)?;
        if read == 0 {
            return Ok(());
        }
        let (around, size) = boxed(&head).ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = u32::from_le_bytes(size.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?);
        let bytes = size.checked_add(BOX_BYTES as u32 + 4).ok_or(io::ErrorKind::FileTooLarge)?;
        keys.push(Key { place: place(&around), at, bytes })?;
        waiting.seek_relative(i64::from(size))?;
        at += u64::from(bytes);
    }
}

/// A box and what comes after it.
fn boxed(bytes: &[u8]) -> Option<(Bounds, &[u8])> {
    let (head, rest) = bytes.split_at_checked(BOX_BYTES)?;
    let mut around = NOTHING;
    for (v, bytes) in around.iter_mut().zip(head.chunks_exact(8)) {
        *v = f64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some((around, rest))
}

impl Sink for Flat {
    fn row(&mut self, values: &[Cell], geometry: Option<&Geometry<f64>>) -> Result<(), WriteError> {
        let around = geometry.and_then(bounds);
        let shown = match geometry.filter(|_| around.is_some()) {
            Some(g) => Some(flattened(&mut self.builder, g, self.kind).map_err(|e| self.file.error(e))?),
            None => None,
        };
        self.properties.clear();
        for (column, value) in (0_u16..).zip(values) {
            append(&mut self.properties, column, value);
        }
        let properties = Some(self.builder.create_vector(&self.properties));
        let feature = FeatureArgs { geometry: shown, properties, ..FeatureArgs::default() };
        let feature = Feature::create(&mut self.builder, &feature);
        self.builder.finish_size_prefixed(feature, None);
        let around = around.unwrap_or(NOTHING);
        self.put(&around).map_err(|e| self.file.error(e))?;
        self.builder.reset();
        self.extent = joined(&self.extent, &around);
        self.features += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written, WriteError> {
        let path = self.file.path().to_owned();
        let file = self.write().map_err(|e| WriteError::of(&path, e))?;
        file.commit()?;
        Ok(Written::default())
    }
}

/// A column's number, then its value; nothing for an empty one.
fn append(out: &mut Vec<u8>, column: u16, value: &Cell) {
    if *value != Cell::Empty {
        out.extend(column.to_le_bytes());
    }
    match value {
        Cell::Empty => {}
        Cell::Text(t) | Cell::Date(t) => {
            out.extend((t.len() as u32).to_le_bytes());
            out.extend(t.as_bytes());
        }
        Cell::Whole(v) => out.extend(v.to_le_bytes()),
        Cell::Real(v) => out.extend(v.to_le_bytes()),
        Cell::Bool(b) => out.push(u8::from(*b)),
    }
}

/// Coordinates one after the other, and where each part of them ends if there are several.
fn part<'p>(
    builder: &mut Builder,
    lines: impl Iterator<Item = &'p LineString<f64>>,
    type_: GeometryType,
) -> WIPOffset<Flattened<'static>> {
    let (mut xy, mut ends) = (Vec::new(), Vec::new());
    for line in lines {
        xy.extend(line.0.iter().flat_map(|c| [c.x, c.y]));
        ends.push(xy.len() as u32 / 2);
    }
    let xy = Some(builder.create_vector(&xy));
    let ends = (ends.len() > 1).then(|| builder.create_vector(&ends));
    Flattened::create(builder, &GeometryArgs { xy, ends, type_, ..GeometryArgs::default() })
}

fn rings(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

/// A geometry as the format has it; what kind it is stands there only where the layer does not say.
fn flattened(
    builder: &mut Builder,
    geometry: &Geometry<f64>,
    layer: GeometryType,
) -> Result<WIPOffset<Flattened<'static>>, &'static str> {
    let kind = match geometry {
        Geometry::Point(_) => GeometryType::Point,
        Geometry::MultiPoint(_) => GeometryType::MultiPoint,
        Geometry::LineString(_) => GeometryType::LineString,
        Geometry::MultiLineString(_) => GeometryType::MultiLineString,
        Geometry::Polygon(_) => GeometryType::Polygon,
        Geometry::MultiPolygon(_) => GeometryType::MultiPolygon,
        _ => return Err("a geometry that FlatGeobuf is not written for"),
    };
    let type_ = match layer {
        GeometryType::Unknown => kind,
        _ if layer == kind => GeometryType::Unknown,
        _ => return Err("a geometry of another kind than its layer's"),
    };
    Ok(match geometry {
        Geometry::LineString(l) => part(builder, std::iter::once(l), type_),
        Geometry::MultiLineString(m) => part(builder, m.0.iter(), type_),
        Geometry::Polygon(p) => part(builder, rings(p), type_),
        Geometry::MultiPolygon(m) => {
            let parts: Vec<_> = m.0.iter().map(|p| part(builder, rings(p), type_)).collect();
            let parts = Some(builder.create_vector(&parts));
            Flattened::create(builder, &GeometryArgs { parts, type_, ..GeometryArgs::default() })
        }
        points => {
            let xy: Vec<f64> = points.coords_iter().flat_map(|c| [c.x, c.y]).collect();
            let xy = Some(builder.create_vector(&xy));
            Flattened::create(builder, &GeometryArgs { xy, type_, ..GeometryArgs::default() })
        }
    })
}
