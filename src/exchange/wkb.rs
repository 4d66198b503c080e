//! GeoPackage geometry blobs (OGC 12-128r19, clause 2.1.3) and the well-known binary inside: strict, and safe on hostile bytes.
//!
//! No count is believed before the bytes it promises are there, nothing recurses, and every byte must be used.

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};

use super::error::Fault;
use super::rings;

fn corrupt(what: &str) -> Fault {
    Fault::new("corrupt_file", format!("几何数据已损坏（{what}） / the geometry blob is damaged ({what})"))
}

fn no_geometry() -> Fault {
    Fault::new("no_geometry", "没有几何 / there is no geometry")
}

/// Takes a GeoPackage blob apart.
pub(super) fn geometry_of_blob(blob: &[u8]) -> Result<Geometry<f64>, Fault> {
    let mut header = Bytes { rest: blob, big: false };
    if header.take(2)? != b"GP" {
        return Err(corrupt("no GP header"));
    }
    if header.byte()? != 0 {
        return Err(corrupt("unknown version"));
    }
    let flags = header.byte()?;
    if flags & 0b0010_0000 != 0 {
        return Err(rings::wrong_kind("ExtendedGeoPackageBinary", "点、线或面", "a point, line or polygon"));
    }
    let envelope_bytes = match flags >> 1 & 0b111 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err(corrupt("unknown envelope")),
    };
    // The reference system is the layer's; the envelope repeats what the coordinates say.
    header.take(4 + envelope_bytes)?;
    geometry_of_wkb(header.rest)
}

/// Takes well-known binary apart: ISO and EWKB, both byte orders; Z and M are left out.
pub(super) fn geometry_of_wkb(wkb: &[u8]) -> Result<Geometry<f64>, Fault> {
    let mut bytes = Bytes { rest: wkb, big: false };
    let head = bytes.head()?;
    let geometry = match head.kind {
        1 => Geometry::Point(bytes.point(&head)?),
        2 => Geometry::LineString(rings::line(bytes.positions(&head)?)?),
        3 => Geometry::Polygon(bytes.polygon(&head)?),
        4 => Geometry::MultiPoint(MultiPoint::new(bytes.parts(1, Bytes::point)?)),
        5 => {
            Geometry::MultiLineString(MultiLineString::new(bytes.parts(2, |b, head| rings::line(b.positions(head)?))?))
        }
        6 => Geometry::MultiPolygon(MultiPolygon::new(bytes.parts(3, Bytes::polygon)?)),
        7 => {
            return Err(rings::wrong_kind(
                "GeometryCollection",
                "点、线或面，不是集合",
                "a point, line or polygon, no collection,",
            ));
        }
        8..=17 => {
            return Err(rings::wrong_kind(&format!("WKB {}", head.kind), "点、线或面", "a point, line or polygon"));
        }
        other => return Err(corrupt(&format!("unknown geometry type {other}"))),
    };
    if !bytes.rest.is_empty() {
        return Err(corrupt("bytes after the geometry"));
    }
    Ok(geometry)
}

/// Appends a geometry as ISO well-known binary, little endian, two dimensions; collections have no place here and are left empty.
pub(super) fn append_wkb(into: &mut Vec<u8>, geometry: &Geometry<f64>) {
    fn head(into: &mut Vec<u8>, kind: u32) {
        into.push(1);
        into.extend(kind.to_le_bytes());
    }
    fn count(into: &mut Vec<u8>, n: usize) {
        into.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    }
    fn coord(into: &mut Vec<u8>, c: &Coord<f64>) {
        into.extend(c.x.to_le_bytes());
        into.extend(c.y.to_le_bytes());
    }
    fn line(into: &mut Vec<u8>, l: &LineString<f64>) {
        count(into, l.0.len());
        l.0.iter().for_each(|c| coord(into, c));
    }
    fn polygon(into: &mut Vec<u8>, p: &Polygon<f64>) {
        count(into, 1 + p.interiors().len());
        std::iter::once(p.exterior()).chain(p.interiors()).for_each(|r| line(into, r));
    }
    match geometry {
        Geometry::Point(p) => {
            head(into, 1);
            coord(into, &p.0);
        }
        Geometry::LineString(l) => {
            head(into, 2);
            line(into, l);
        }
        Geometry::Polygon(p) => {
            head(into, 3);
            polygon(into, p);
        }
        Geometry::MultiPoint(m) => {
            head(into, 4);
            count(into, m.0.len());
            m.0.iter().for_each(|p| append_wkb(into, &Geometry::Point(*p)));
        }
        Geometry::MultiLineString(m) => {
            head(into, 5);
            count(into, m.0.len());
            for l in &m.0 {
                head(into, 2);
                line(into, l);
            }
        }
        Geometry::MultiPolygon(m) => {
            head(into, 6);
            count(into, m.0.len());
            for p in &m.0 {
                head(into, 3);
                polygon(into, p);
            }
        }
        _ => {
            head(into, 7);
            count(into, 0);
        }
    }
}

struct Head {
    kind: u32,
    dimensions: usize,
}

struct Bytes<'b> {
    rest: &'b [u8],
    big: bool,
}

impl<'b> Bytes<'b> {
    fn take(&mut self, n: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| corrupt("cut short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.take(1)?.first().copied().ok_or_else(|| corrupt("cut short"))
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let four: [u8; 4] = self.take(4)?.try_into().map_err(|_| corrupt("cut short"))?;
        Ok(if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    /// A count of things that take at least `each` bytes, which must still be there.
    fn count(&mut self, each: usize) -> Result<usize, Fault> {
        let n = usize::try_from(self.u32()?).map_err(|_| corrupt("count"))?;
        match n.checked_mul(each) {
            Some(bytes) if bytes <= self.rest.len() => Ok(n),
            _ => Err(corrupt("a count beyond the end")),
        }
    }

    fn head(&mut self) -> Result<Head, Fault> {
        self.big = match self.byte()? {
            0 => true,
            1 => false,
            _ => return Err(corrupt("unknown byte order")),
        };
        let kind = self.u32()?;
        let (ewkb_z, ewkb_m) = (kind & 0x8000_0000 != 0, kind & 0x4000_0000 != 0);
        if kind & 0x2000_0000 != 0 {
            self.take(4)?;
        }
        let kind = kind & 0x0FFF_FFFF;
        let (iso_z, iso_m) = match kind / 1000 {
            0 => (false, false),
            1 => (true, false),
            2 => (false, true),
            3 => (true, true),
            _ => return Err(corrupt("unknown geometry type")),
        };
        Ok(Head { kind: kind % 1000, dimensions: 2 + usize::from(ewkb_z || iso_z) + usize::from(ewkb_m || iso_m) })
    }

    fn coord(&self, bytes: &[u8]) -> Option<Coord<f64>> {
        let number = |at: usize| -> Option<f64> {
            let eight: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(if self.big { f64::from_be_bytes(eight) } else { f64::from_le_bytes(eight) })
        };
        Some(Coord { x: number(0)?, y: number(8)? })
    }

    fn point(&mut self, head: &Head) -> Result<Point<f64>, Fault> {
        let bytes = self.take(8 * head.dimensions)?;
        let c = self.coord(bytes).ok_or_else(|| corrupt("cut short"))?;
        if c.x.is_nan() && c.y.is_nan() {
            return Err(no_geometry());
        }
        if let Some(fault) = rings::fault_of_coordinate(c) {
            return Err(fault);
        }
        Ok(Point(c))
    }

    fn positions(&mut self, head: &Head) -> Result<Vec<Coord<f64>>, Fault> {
        let each = 8 * head.dimensions;
        let n = self.count(each)?;
        if n > rings::MOST_VERTICES {
            return Err(rings::too_many_vertices());
        }
        let bytes = self.take(n * each)?;
        Ok(bytes.chunks_exact(each).filter_map(|c| self.coord(c)).collect())
    }

    fn polygon(&mut self, head: &Head) -> Result<Polygon<f64>, Fault> {
        let n = self.count(4)?;
        let mut rings = Vec::new();
        for _ in 0..n {
            rings.push(rings::ring(self.positions(head)?)?);
        }
        if rings.is_empty() {
            return Err(no_geometry());
        }
        let shell: LineString<f64> = rings.remove(0);
        Ok(Polygon::new(shell, rings))
    }

    /// The parts of a multi-geometry, each of one kind.
    fn parts<T>(&mut self, kind: u32, part: impl Fn(&mut Self, &Head) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        // Byte order, type and a count or a position.
        let n = self.count(9)?;
        let mut parts = Vec::new();
        for _ in 0..n {
            let head = self.head()?;
            if head.kind != kind {
                return Err(corrupt("a part of another kind"));
            }
            parts.push(part(self, &head)?);
        }
        if parts.is_empty() { Err(no_geometry()) } else { Ok(parts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WKB of a polygon with one ring, as any writer makes it.
    fn polygon_wkb(big: bool, kind: u32, z: usize, ring: &[(f64, f64)]) -> Vec<u8> {
        let u32s = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let f64s = |v: f64| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut b = vec![u8::from(!big)];
        b.extend(u32s(kind));
        if kind & 0x2000_0000 != 0 {
            b.extend(u32s(4326));
        }
        b.extend(u32s(1));
        b.extend(u32s(ring.len() as u32));
        for (x, y) in ring {
            b.extend(f64s(*x));
            b.extend(f64s(*y));
            (0..z).for_each(|_| b.extend(f64s(99.0)));
        }
        b
    }

    const RING: &[(f64, f64)] = &[(0., 0.), (2., 0.), (2., 1.), (0., 0.)];

    #[test]
    fn both_byte_orders_and_all_dimension_marks_give_the_same_polygon() {
        let plain = geometry_of_wkb(&polygon_wkb(false, 3, 0, RING)).expect("plain");
        for (kind, z) in [(3, 0), (1003, 1), (2003, 1), (3003, 2), (0x8000_0003, 1), (0xE000_0003, 2), (0x2000_0003, 0)]
        {
            for big in [false, true] {
                assert_eq!(geometry_of_wkb(&polygon_wkb(big, kind, z, RING)).expect("readable"), plain, "{kind:x}");
            }
        }
    }

    #[test]
    fn counts_beyond_the_end_are_refused_before_any_allocation() {
        for kind in 2..=6_u32 {
            let bytes = [&[1][..], &kind.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
            assert_eq!(geometry_of_wkb(&bytes).expect_err("hostile").code, "corrupt_file");
        }
    }

    #[test]
    fn nested_collections_are_refused_without_recursion() {
        let level = [1, 7, 0, 0, 0, 1, 0, 0, 0];
        assert_eq!(geometry_of_wkb(&level.repeat(100_000)).expect_err("hostile").code, "geometry_kind");
        let multi = [1, 6, 0, 0, 0, 1, 0, 0, 0];
        assert_eq!(geometry_of_wkb(&multi.repeat(100_000)).expect_err("hostile").code, "corrupt_file");
    }

    #[test]
    fn every_cut_of_a_blob_is_a_fault() {
        let mut blob = b"GP\0\x01\xFF\xFF\xFF\xFF".to_vec();
        blob.extend(polygon_wkb(false, 3, 0, RING));
        assert!(geometry_of_blob(&blob).is_ok());
        for n in 0..blob.len() {
            assert_eq!(geometry_of_blob(&blob[..n]).expect_err("cut").code, "corrupt_file");
        }
        blob.push(0);
        assert_eq!(geometry_of_blob(&blob).expect_err("longer").code, "corrupt_file");
    }

    #[test]
    fn open_rings_rings_of_two_and_numbers_that_are_none_are_faults() {
        let code = |ring: &[(f64, f64)]| geometry_of_wkb(&polygon_wkb(false, 3, 0, ring)).expect_err("bad").code;
        assert_eq!(code(&[(0., 0.), (2., 0.), (2., 1.), (0., 0.5)]), "bad_ring");
        assert_eq!(code(&[(0., 0.), (0., 0.)]), "bad_ring");
        assert_eq!(code(&[(0., 0.), (2., f64::NAN), (2., 1.), (0., 0.)]), "not_a_number");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_blobs_never_panic(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            kind in 0_u32..20,
            flips in proptest::collection::vec((0_usize..80, proptest::num::u8::ANY), 0..4),
        ) {
            let _ = geometry_of_blob(&bytes);
            let _ = geometry_of_wkb(&[&[1][..], &kind.to_le_bytes(), &bytes].concat());
            let mut nearly = polygon_wkb(false, 3, 0, RING);
            for (at, value) in flips {
                if let Some(b) = nearly.get_mut(at) {
                    *b = value;
                }
            }
            let _ = geometry_of_wkb(&nearly);
        }
    }
}
