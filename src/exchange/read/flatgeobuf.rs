//! FlatGeobuf, feature by feature in the order of the file; each buffer is verified before it is looked into.

use std::io::{BufReader, Read};

use flatgeobuf::{ColumnType, Geometry as Flat, GeometryType, Header};
use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};

use crate::exchange::error::{Fault, ReadError};
use crate::exchange::layer::System;
use crate::exchange::limits::RECORD_BYTES;
use crate::exchange::rings;
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::{Request, cell_of_json, csv};

const MAGIC: &[u8] = b"fgb\x03fgb";
/// Longest header: names of columns and a reference system.
const LONGEST_HEADER: u64 = 1 << 20;
/// Bytes of one node of the index.
const NODE_BYTES: u64 = 40;

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let file = request.file.as_str();
    let corrupt = |what: &str| ReadError::corrupt(file, what);
    let mut bytes = BufReader::with_capacity(1 << 16, request.open()?);
    let mut magic = [0; 8];
    bytes.read_exact(&mut magic).map_err(|_| corrupt("cut short"))?;
    if magic.get(..7) != Some(MAGIC) {
        return Err(corrupt("no FlatGeobuf of version 3").into());
    }
    let header_bytes =
        sized(&mut bytes, LONGEST_HEADER).map_err(|e| corrupt(&e))?.ok_or_else(|| corrupt("cut short"))?;
    let header = flatgeobuf::size_prefixed_root_as_header(&header_bytes).map_err(|e| corrupt(&e.to_string()))?;
    let columns: Vec<(String, ColumnType)> =
        header.columns().map_or(Vec::new(), |c| c.iter().map(|c| (c.name().to_owned(), c.type_())).collect());
    request.check_columns(columns.len())?;
    let index = index_bytes(header.features_count(), header.index_node_size());
    let skipped = std::io::copy(&mut bytes.by_ref().take(index), &mut std::io::sink());
    if skipped.map_err(|e| request.unreadable(&e))? < index {
        return Err(corrupt("the index is cut short").into());
    }
    sink.head(Head {
        columns: columns.iter().map(|c| c.0.clone()).collect(),
        features: true,
        system: system_of(&header),
        layer: header.name().filter(|n| !n.is_empty()).map(str::to_owned),
        sha256_hex: request.sha256_hex()?,
        ..Head::default()
    })?;
    let (mut number, mut cells_seen) = (0_u64, 0);
    while let Some(buffer) =
        sized(&mut bytes, RECORD_BYTES).map_err(|e| corrupt(&format!("feature {}: {e}", number + 1)))?
    {
        number += 1;
        let feature = flatgeobuf::size_prefixed_root_as_feature(&buffer)
            .map_err(|_| corrupt(&format!("feature {number} is damaged")))?;
        cells_seen += columns.len() as u64;
        request.check_cells(cells_seen)?;
        let mut cells = vec![Cell::Empty; columns.len()];
        let properties: Vec<u8> = feature.properties().map_or(Vec::new(), |p| p.bytes().to_vec());
        let damaged = fill(&mut cells, &columns, &properties).is_none();
        let long = cells.iter().any(|c| matches!(c, Cell::Text(t) if t.len() > request.limits.text_bytes));
        let fault = if damaged {
            Some(Fault::new("corrupt_file", "属性已损坏 / the properties are damaged"))
        } else {
            long.then(|| csv::too_long(request))
        };
        let geometry = match feature.geometry() {
            Some(g) => geometry_of(&g, header.geometry_type()),
            None => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
        };
        sink.row(RawRow { number, id: None, cells, geometry: Some(geometry), fault })?;
    }
    match header.features_count() {
        n if n > 0 && n != number => Err(corrupt(&format!("{number} features where the header says {n}")).into()),
        _ => Ok(()),
    }
}

/// The next buffer with its size before it; `None` at the end.
fn sized(bytes: &mut impl Read, most: u64) -> Result<Option<Vec<u8>>, String> {
    let mut buffer = Vec::new();
    match bytes.by_ref().take(4).read_to_end(&mut buffer).map_err(|e| e.to_string())? {
        0 => return Ok(None),
        4 => {}
        _ => return Err("cut short".to_owned()),
    }
    let size = u32::from_le_bytes(buffer.get(..4).and_then(|b| b.try_into().ok()).unwrap_or_default());
    if !(8..=most).contains(&u64::from(size)) {
        return Err(format!("a size of {size} bytes"));
    }
    let got = bytes.by_ref().take(u64::from(size)).read_to_end(&mut buffer).map_err(|e| e.to_string())?;
    if got as u64 == u64::from(size) { Ok(Some(buffer)) } else { Err("cut short".to_owned()) }
}

/// Bytes of the packed R-tree: all its levels, up to the root.
fn index_bytes(features: u64, node_size: u16) -> u64 {
    if node_size < 2 || features == 0 {
        return 0;
    }
    let (mut level, mut nodes) = (features, features);
    while level > 1 {
        level = level.div_ceil(u64::from(node_size));
        nodes = nodes.saturating_add(level);
    }
    // One feature still has a root above it.
    nodes.saturating_add(u64::from(features == 1)).saturating_mul(NODE_BYTES)
}

fn system_of(header: &Header<'_>) -> System {
    match header.crs() {
        Some(crs) if crs.code() > 0 => {
            System::named(&format!("{}:{}", crs.org().unwrap_or("EPSG").to_uppercase(), crs.code()))
        }
        Some(crs) => match crs.wkt() {
            Some(wkt) => super::prj::system_of(wkt),
            None => System::Named("(FlatGeobuf without CRS)".to_owned()),
        },
        None => System::Named("(FlatGeobuf without CRS)".to_owned()),
    }
}

/// Reads the packed properties: a column's number, then its value; `None` where they are damaged.
fn fill(cells: &mut [Cell], columns: &[(String, ColumnType)], mut rest: &[u8]) -> Option<()> {
    fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        let (taken, left) = rest.split_first_chunk::<N>()?;
        *rest = left;
        Some(*taken)
    }
    while !rest.is_empty() {
        let i = usize::from(u16::from_le_bytes(take::<2>(&mut rest)?));
        let (cell, column) = (cells.get_mut(i)?, columns.get(i)?);
        *cell = match column.1 {
            ColumnType::Byte => Cell::Whole(i64::from(i8::from_le_bytes(take(&mut rest)?))),
            ColumnType::UByte => Cell::Whole(i64::from(u8::from_le_bytes(take(&mut rest)?))),
            ColumnType::Bool => Cell::Bool(u8::from_le_bytes(take(&mut rest)?) != 0),
            ColumnType::Short => Cell::Whole(i64::from(i16::from_le_bytes(take(&mut rest)?))),
            ColumnType::UShort => Cell::Whole(i64::from(u16::from_le_bytes(take(&mut rest)?))),
            ColumnType::Int => Cell::Whole(i64::from(i32::from_le_bytes(take(&mut rest)?))),
            ColumnType::UInt => Cell::Whole(i64::from(u32::from_le_bytes(take(&mut rest)?))),
            ColumnType::Long => Cell::Whole(i64::from_le_bytes(take(&mut rest)?)),
            ColumnType::ULong => {
                let v = u64::from_le_bytes(take(&mut rest)?);
                i64::try_from(v).map_or_else(|_| Cell::Text(v.to_string().into()), Cell::Whole)
            }
            ColumnType::Float => Cell::real(f64::from(f32::from_le_bytes(take(&mut rest)?))),
            ColumnType::Double => Cell::real(f64::from_le_bytes(take(&mut rest)?)),
            kind => {
                let n = usize::try_from(u32::from_le_bytes(take::<4>(&mut rest)?)).ok()?;
                let (raw, left) = rest.split_at_checked(n)?;
                rest = left;
                match kind {
                    ColumnType::Binary => Cell::Empty,
                    ColumnType::Json => {
                        cell_of_json(serde_json::Value::String(std::str::from_utf8(raw).ok()?.to_owned()))
                    }
                    ColumnType::DateTime => Cell::Date(std::str::from_utf8(raw).ok()?.into()),
                    ColumnType::String => Cell::text(std::str::from_utf8(raw).ok()?),
                    _ => return None,
                }
            }
        };
    }
    Some(())
}

fn corrupt(what: &str) -> Fault {
    Fault::new("corrupt_file", format!("几何数据已损坏（{what}） / the geometry is damaged ({what})"))
}

fn geometry_of(flat: &Flat<'_>, layer: GeometryType) -> Result<Geometry<f64>, Fault> {
    let kind = if layer == GeometryType::Unknown { flat.type_() } else { layer };
    let no_geometry = || Fault::new("no_geometry", "没有几何 / there is no geometry");
    Ok(match kind {
        GeometryType::Point => {
            let c = coords(flat)?.first().copied().ok_or_else(no_geometry)?;
            match rings::fault_of_coordinate(c) {
                Some(_) if c.x.is_nan() && c.y.is_nan() => return Err(no_geometry()),
                Some(fault) => return Err(fault),
                None => Geometry::Point(Point(c)),
            }
        }
        GeometryType::MultiPoint => Geometry::MultiPoint(MultiPoint::from(rings::finite(coords(flat)?)?.0)),
        GeometryType::LineString => Geometry::LineString(rings::line(coords(flat)?)?),
        GeometryType::MultiLineString => Geometry::MultiLineString(MultiLineString::new(
            parts(flat)?.into_iter().map(rings::line).collect::<Result<_, _>>()?,
        )),
        GeometryType::Polygon => Geometry::Polygon(polygon(flat)?),
        GeometryType::MultiPolygon => match flat.parts() {
            Some(all) if !all.is_empty() => {
                Geometry::MultiPolygon(MultiPolygon::new(all.iter().map(|p| polygon(&p)).collect::<Result<_, _>>()?))
            }
            _ => return Err(no_geometry()),
        },
        GeometryType::Unknown => return Err(no_geometry()),
        other => {
            let name = other.variant_name().unwrap_or("?");
            return Err(rings::wrong_kind(name, "点、线或面", "a point, line or polygon"));
        }
    })
}

fn coords(flat: &Flat<'_>) -> Result<Vec<Coord<f64>>, Fault> {
    let Some(xy) = flat.xy() else { return Ok(Vec::new()) };
    if xy.len() / 2 > 4 * rings::MOST_VERTICES {
        return Err(rings::too_many_vertices());
    }
    if xy.len() % 2 == 1 {
        return Err(corrupt("an odd number of coordinates"));
    }
    Ok((0..xy.len() / 2).map(|i| Coord { x: xy.get(2 * i), y: xy.get(2 * i + 1) }).collect())
}

/// Coordinates cut at the ends named; without ends they are one part.
fn parts(flat: &Flat<'_>) -> Result<Vec<Vec<Coord<f64>>>, Fault> {
    let all = coords(flat)?;
    let Some(ends) = flat.ends().filter(|e| !e.is_empty()) else { return Ok(vec![all]) };
    let mut from = 0;
    let mut parts = Vec::new();
    for end in ends.iter() {
        let end = usize::try_from(end).map_err(|_| corrupt("an end"))?;
        parts.push(all.get(from..end).ok_or_else(|| corrupt("an end beyond the coordinates"))?.to_vec());
        from = end;
    }
    if from == all.len() { Ok(parts) } else { Err(corrupt("coordinates after the last end")) }
}

fn polygon(flat: &Flat<'_>) -> Result<Polygon<f64>, Fault> {
    let mut all: Vec<LineString<f64>> = parts(flat)?.into_iter().map(rings::ring).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(corrupt("no ring"));
    }
    let shell = all.remove(0);
    Ok(Polygon::new(shell, all))
}

#[cfg(test)]
mod tests {
    use super::index_bytes;

    #[test]
    fn the_index_has_all_levels_up_to_one_root() {
        assert_eq!(index_bytes(0, 16), 0);
        assert_eq!(index_bytes(5, 0), 0);
        for n in [1_u64, 2, 15, 16, 17, 256, 257, 100_000] {
            let theirs = flatgeobuf::packed_r_tree::PackedRTree::index_size(n as usize, 16);
            assert_eq!(index_bytes(n, 16), theirs as u64, "{n}");
        }
    }
}
