//! Zipped Shapefile: `.shp` and `.dbf` side by side, straight out of the archive; `.prj` and `.cpg` where there are any.
//!
//! Layout: ESRI Shapefile Technical Description, July 1998. No count is believed before the bytes it promises are there.

use std::io::{BufReader, Read};

use geo::{
    BoundingRect, Contains, Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon,
};

use crate::exchange::error::{Fault, ReadError};
use crate::exchange::layer::System;
use crate::exchange::limits::RECORD_BYTES;
use crate::exchange::rings;
use crate::exchange::table::{Cell, Halt, Head, RawRow, RowSink};

use super::{Request, archive, dbf, prj};

/// Longest `.prj` or `.cpg`.
const LONGEST_TEXT: u64 = 1 << 16;
/// Rings of one shape; assigning holes compares them.
const MOST_RINGS: usize = 10_000;

/// Endings of the files that a layer of several kinds of shape is kept in, as exports name them.
const KINDS: [&str; 4] = ["_points", "_lines", "_areas", "_multipoints"];

/// What has been read of an archive.
#[derive(Default)]
struct Progress {
    /// The columns and the system, once told.
    told: Option<(Vec<String>, System)>,
    rows: u64,
    cells: u64,
}

pub(super) fn read(request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let (mut shapes, names) = archive::checked(request)?;
    let (layer, bases) = chosen(request, &names)?;
    let mut progress = Progress::default();
    for base in bases {
        let wanted = |ending: &str| format!("{base}{ending}");
        let entry = |ending: &str| names.iter().position(|n| n.eq_ignore_ascii_case(&wanted(ending)));
        read_part(request, &mut shapes, &layer, &entry, &mut progress, sink)?;
    }
    Ok(())
}

fn read_part(
    request: &Request,
    shapes: &mut archive::Archive,
    layer: &str,
    entry: &dyn Fn(&str) -> Option<usize>,
    progress: &mut Progress,
    sink: &mut dyn RowSink,
) -> Result<(), Halt> {
    let file = request.file.as_str();
    let corrupt = |what: &str| ReadError::corrupt(file, what);
    let text = |ending: &str| -> Result<Option<String>, ReadError> {
        let Some(i) = entry(ending) else { return Ok(None) };
        let mut archive = archive::opened(request)?;
        let entry = archive.by_index(i).map_err(|e| archive::error_of(file, &e))?;
        let mut bytes = Vec::new();
        entry.take(LONGEST_TEXT).read_to_end(&mut bytes).map_err(|e| corrupt(&e.to_string()))?;
        Ok(Some(String::from_utf8_lossy(&bytes).trim_start_matches('\u{FEFF}').to_owned()))
    };
    let system = text(".prj")?.map_or(System::Named("(no .prj)".to_owned()), |wkt| prj::system_of(&wkt));
    let cpg = text(".cpg")?;
    let (Some(shp), Some(dbf)) = (entry(".shp"), entry(".dbf")) else {
        return Err(corrupt("a .shp or .dbf is missing").into());
    };
    let mut table_archive = archive::opened(request)?;
    let attributes = table_archive.by_index(dbf).map_err(|e| archive::error_of(file, &e))?;
    let mut table = dbf::Table::open(BufReader::new(attributes), cpg.as_deref()).map_err(|e| corrupt(&e))?;
    request.check_columns(table.names().len())?;
    let shapes = shapes.by_index(shp).map_err(|e| archive::error_of(file, &e))?;
    let mut shapes = BufReader::new(shapes);
    let mut header = [0; 100];
    shapes.read_exact(&mut header).map_err(|_| corrupt("the .shp is cut short"))?;
    if header[..4] != 9994_u32.to_be_bytes() {
        return Err(corrupt("no .shp header").into());
    }
    let columns = table.names().to_vec();
    let width = columns.len() as u64;
    match &progress.told {
        None => {
            progress.told = Some((columns.clone(), system.clone()));
            let (layer, sha256_hex) = (Some(layer.to_owned()), request.sha256_hex()?);
            sink.head(Head { columns, features: true, system, layer, sha256_hex, ..Head::default() })?;
        }
        Some((names, before)) if *names == columns && *before == system => {}
        Some(_) => return Err(corrupt("files of one layer with other columns or another .prj").into()),
    }
    let before = progress.rows;
    for number in 1..=u64::from(table.records) {
        let (deleted, cells, fault) =
            table.next().map_err(|_| corrupt(&format!("the .dbf ends before record {number}")))?;
        let content = record(&mut shapes).map_err(|what| corrupt(&format!("shape {number}: {what}")))?;
        progress.rows = before + number;
        if deleted {
            continue;
        }
        progress.cells += width;
        request.check_cells(progress.cells)?;
        let long = cells.iter().any(|c| matches!(c, Cell::Text(t) if t.len() > request.limits.text_bytes));
        debug_assert!(!long, "a .dbf text has 64 kB at most");
        sink.row(RawRow { number: progress.rows, id: None, cells, geometry: Some(shape_of(&content)), fault })?;
    }
    Ok(())
}

/// The layer's name, and the paths inside the archive, without ending, of its files: of the layer asked for, of the only one, or of all
/// kinds of shape that one layer was written in.
fn chosen(request: &Request, names: &[String]) -> Result<(String, Vec<String>), ReadError> {
    let mut bases: Vec<&str> = names
        .iter()
        .filter(|n| !n.starts_with("__MACOSX"))
        .filter_map(|n| n.get(..n.len().checked_sub(4)?).filter(|b| n[b.len()..].eq_ignore_ascii_case(".shp")))
        .collect();
    bases.dedup();
    let short = |b: &str| b.rsplit('/').next().unwrap_or(b).to_owned();
    let asked = request.layer.as_deref();
    let stem = |b: &str| KINDS.iter().find_map(|kind| b.strip_suffix(kind)).map(str::to_owned);
    let of_one = |b: &&str| asked.is_none_or(|a| stem(&short(b)).as_deref() == Some(a));
    let parts: Vec<&str> = bases.iter().copied().filter(of_one).collect();
    let stems: Option<Vec<String>> = parts.iter().map(|b| stem(b)).collect();
    match (asked, bases.as_slice()) {
        (_, []) => return Err(ReadError::corrupt(&request.file, "no .shp in the archive")),
        (None, [only]) => return Ok((short(only), vec![(*only).to_owned()])),
        _ => {}
    }
    if let Some(one) = bases.iter().find(|b| asked == Some(&short(b))) {
        return Ok((short(one), vec![(*one).to_owned()]));
    }
    match stems.as_deref() {
        Some([first, rest @ ..]) if rest.iter().all(|s| s == first) => {
            Ok((short(first), parts.into_iter().map(str::to_owned).collect()))
        }
        _ => Err(ReadError::Layer {
            file: request.file.clone(),
            asked: request.layer.clone(),
            found: bases.iter().map(|b| short(b)).collect(),
        }),
    }
}

/// The content of the next record.
fn record(shapes: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut head = [0; 8];
    shapes.read_exact(&mut head).map_err(|_| "the .shp ends here".to_owned())?;
    let words = i32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    let bytes = u64::try_from(i64::from(words) * 2).ok().filter(|b| (4..=RECORD_BYTES).contains(b));
    let bytes = bytes.ok_or_else(|| format!("a length of {words} words"))?;
    let mut content = Vec::new();
    let got = shapes.by_ref().take(bytes).read_to_end(&mut content).map_err(|e| e.to_string())?;
    if (got as u64) < bytes { Err("the .shp ends in the middle of it".to_owned()) } else { Ok(content) }
}

fn corrupt(what: &str) -> Fault {
    Fault::new("corrupt_file", format!("图形已损坏（{what}） / the shape is damaged ({what})"))
}

struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.0.get(at..at + 4)?.try_into().ok()?))
    }

    fn coord(&self, at: usize) -> Option<Coord<f64>> {
        let number = |at: usize| Some(f64::from_le_bytes(self.0.get(at..at + 8)?.try_into().ok()?));
        Some(Coord { x: number(at)?, y: number(at + 8)? })
    }

    /// A count of things of `each` bytes that must all follow at `from`.
    fn count(&self, at: usize, each: usize, from: usize) -> Result<usize, Fault> {
        let n = self.u32(at).and_then(|n| usize::try_from(n).ok()).ok_or_else(|| corrupt("cut short"))?;
        let end = n.checked_mul(each).and_then(|b| b.checked_add(from));
        end.filter(|e| *e <= self.0.len()).map(|_| n).ok_or_else(|| corrupt("a count beyond the end"))
    }

    fn coords(&self, from: usize, n: usize) -> Result<Vec<Coord<f64>>, Fault> {
        (0..n).map(|i| self.coord(from + 16 * i).ok_or_else(|| corrupt("cut short"))).collect()
    }

    /// The parts of a line or polygon.
    fn parts(&self) -> Result<Vec<Vec<Coord<f64>>>, Fault> {
        let parts = self.count(36, 4, 44)?;
        let points_at = 44 + 4 * parts;
        let points = self.count(40, 16, points_at)?;
        if parts > MOST_RINGS {
            return Err(rings::too_many_vertices());
        }
        let start = |i: usize| -> Result<usize, Fault> {
            if i == parts {
                return Ok(points);
            }
            let at = self.u32(44 + 4 * i).and_then(|v| usize::try_from(v).ok()).filter(|v| *v <= points);
            at.ok_or_else(|| corrupt("a part beyond the points"))
        };
        let mut all = Vec::with_capacity(parts);
        for i in 0..parts {
            let (from, to) = (start(i)?, start(i + 1)?);
            let n = to.checked_sub(from).ok_or_else(|| corrupt("parts out of order"))?;
            if n > rings::MOST_VERTICES {
                return Err(rings::too_many_vertices());
            }
            all.push(self.coords(points_at + 16 * from, n)?);
        }
        Ok(all)
    }
}

/// The geometry of a record's content; Z and M are left out.
fn shape_of(content: &[u8]) -> Result<Geometry<f64>, Fault> {
    let bytes = Bytes(content);
    let kind = bytes.u32(0).ok_or_else(|| corrupt("cut short"))?;
    match kind {
        0 => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
        1 | 11 | 21 => {
            let c = bytes.coord(4).ok_or_else(|| corrupt("cut short"))?;
            rings::fault_of_coordinate(c).map_or(Ok(Geometry::Point(Point(c))), Err)
        }
        8 | 18 | 28 => {
            let n = bytes.count(36, 16, 40)?;
            if n > rings::MOST_VERTICES {
                return Err(rings::too_many_vertices());
            }
            Ok(Geometry::MultiPoint(MultiPoint::from(rings::finite(bytes.coords(40, n)?)?.0)))
        }
        3 | 13 | 23 => {
            let mut lines = bytes.parts()?.into_iter().map(rings::line).collect::<Result<Vec<_>, _>>()?;
            Ok(match (lines.pop(), lines.is_empty()) {
                (None, _) => return Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
                (Some(only), true) => Geometry::LineString(only),
                (Some(last), false) => {
                    lines.push(last);
                    Geometry::MultiLineString(MultiLineString::new(lines))
                }
            })
        }
        5 | 15 | 25 => polygons_of(bytes.parts()?.into_iter().map(rings::ring).collect::<Result<Vec<_>, _>>()?),
        other => Err(rings::wrong_kind(&format!("Shapefile {other}"), "点、线或面", "a point, line or polygon")),
    }
}

/// Twice the signed area, shifted to the first vertex so that digits are not lost.
fn turn(ring: &LineString<f64>) -> f64 {
    let first = ring.0.first().copied().unwrap_or_default();
    ring.lines()
        .map(|l| (l.start.x - first.x) * (l.end.y - first.y) - (l.end.x - first.x) * (l.start.y - first.y))
        .sum()
}

/// Shells run clockwise and holes the other way; a hole belongs to the shell it lies in, most often the one before it.
fn polygons_of(all: Vec<LineString<f64>>) -> Result<Geometry<f64>, Fault> {
    let clockwise = |r: &LineString<f64>| turn(r) < 0.0;
    // Writers that do not care about the direction are common: then every ring is a shell.
    let any_shell = all.iter().any(clockwise);
    let mut shells: Vec<Polygon<f64>> = Vec::new();
    // Each with the shell before it.
    let mut holes: Vec<(usize, LineString<f64>)> = Vec::new();
    for ring in all {
        if !any_shell || clockwise(&ring) {
            shells.push(Polygon::new(ring, Vec::new()));
        } else {
            holes.push((shells.len().saturating_sub(1), ring));
        }
    }
    for (before, hole) in holes {
        let holds = |p: &&mut Polygon<f64>| -> bool {
            let Some(at) = hole.0.first().copied() else { return false };
            let near = p
                .exterior()
                .bounding_rect()
                .is_some_and(|b| b.min().x <= at.x && at.x <= b.max().x && b.min().y <= at.y && at.y <= b.max().y);
            // A hole may touch its shell in a vertex, so one inside vertex is enough.
            near && {
                let shell = Polygon::new(p.exterior().clone(), Vec::new());
                hole.0.iter().take(8).any(|c| shell.contains(&Point(*c)))
            }
        };
        let chosen = match shells.get_mut(before).filter(holds) {
            Some(_) => Some(before),
            None => shells.iter_mut().position(|p| holds(&p)),
        };
        // A hole in no shell is kept with the one before it: the check of the polygon then names it.
        if let Some(shell) = shells.get_mut(chosen.unwrap_or(before)) {
            shell.interiors_push(hole);
        }
    }
    match shells.pop() {
        None => Err(Fault::new("no_geometry", "没有几何 / there is no geometry")),
        Some(only) if shells.is_empty() => Ok(Geometry::Polygon(only)),
        Some(last) => {
            shells.push(last);
            Ok(Geometry::MultiPolygon(MultiPolygon::new(shells)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(parts: &[u32], points: u32, list: &[(f64, f64)]) -> Vec<u8> {
        let mut b = 5_u32.to_le_bytes().to_vec();
        b.extend([0; 32]);
        b.extend((parts.len() as u32).to_le_bytes());
        b.extend(points.to_le_bytes());
        parts.iter().for_each(|p| b.extend(p.to_le_bytes()));
        for (x, y) in list {
            b.extend(x.to_le_bytes());
            b.extend(y.to_le_bytes());
        }
        b
    }

    const SHELL: &[(f64, f64)] = &[(0., 0.), (0., 4.), (4., 4.), (4., 0.), (0., 0.)];
    const HOLE: &[(f64, f64)] = &[(1., 1.), (2., 1.), (2., 2.), (1., 1.)];

    #[test]
    fn i35_counts_and_part_indexes_beyond_the_end_are_faults_before_any_allocation() {
        for (parts, points) in
            [(&[0_u32][..], 0x7FFF_FFFF_u32), (&[0], 0x8000_0000), (&[0], 6), (&[9], 5), (&[3, 1], 5)]
        {
            assert_eq!(shape_of(&polygon(parts, points, SHELL)).expect_err("hostile").code, "corrupt_file");
        }
        let mut many_parts = polygon(&[0], 5, SHELL);
        many_parts[36..40].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(shape_of(&many_parts).expect_err("hostile").code, "corrupt_file");
        for n in 0..polygon(&[0], 5, SHELL).len() {
            assert!(shape_of(&polygon(&[0], 5, SHELL)[..n]).is_err());
        }
    }

    #[test]
    fn holes_go_to_their_shell_whatever_the_order() {
        let far: Vec<(f64, f64)> = SHELL.iter().map(|(x, y)| (x + 10.0, *y)).collect();
        let list = [SHELL, &far, HOLE].concat();
        match shape_of(&polygon(&[0, 5, 10], 14, &list)).expect("readable") {
            Geometry::MultiPolygon(m) => {
                assert_eq!(m.0.iter().map(|p| p.interiors().len()).collect::<Vec<_>>(), [1, 0]);
            }
            other => panic!("{other:?}"),
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_records_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), kind in 0_u32..32) {
            let _ = shape_of(&[&kind.to_le_bytes()[..], &bytes].concat());
        }
    }
}
