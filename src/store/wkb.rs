//! Shapes as bytes: WKB, the GeoPackage's header before it, PostGIS's EWKB; reading checks every count before it reserves.

use crate::domain::register::Geometry;

/// Spatial reference of everything in the store: WGS 84.
pub(super) const SRID: u32 = 4326;
const EWKB_SRID_FLAG: u32 = 0x2000_0000;
/// Deepest collection read.
const MAX_DEPTH: u32 = 4;

/// Why bytes are not a shape.
pub(super) type Fault = &'static str;

fn put_u32(into: &mut Vec<u8>, n: usize) {
    into.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_positions(into: &mut Vec<u8>, line: &[[f64; 2]]) {
    put_u32(into, line.len());
    for [x, y] in line {
        into.extend_from_slice(&x.to_le_bytes());
        into.extend_from_slice(&y.to_le_bytes());
    }
}

fn put_polygon(into: &mut Vec<u8>, rings: &[Vec<[f64; 2]>]) {
    put_u32(into, rings.len());
    for ring in rings {
        put_positions(into, ring);
    }
}

/// Little-endian WKB, two dimensions.
pub(super) fn to_wkb(shape: &Geometry) -> Vec<u8> {
    let mut out = vec![1];
    match shape {
        Geometry::Point([x, y]) => {
            put_u32(&mut out, 1);
            out.extend_from_slice(&x.to_le_bytes());
            out.extend_from_slice(&y.to_le_bytes());
        }
        Geometry::Line(line) => {
            put_u32(&mut out, 2);
            put_positions(&mut out, line);
        }
        Geometry::Polygon(rings) => {
            put_u32(&mut out, 3);
            put_polygon(&mut out, rings);
        }
        Geometry::MultiPolygon(parts) => {
            put_u32(&mut out, 6);
            put_u32(&mut out, parts.len());
            for part in parts {
                out.push(1);
                put_u32(&mut out, 3);
                put_polygon(&mut out, part);
            }
        }
    }
    out
}

/// A GeoPackage blob: header with envelope (none for a point), then the WKB as it is.
pub(super) fn wkb_to_gpb(wkb: &[u8]) -> Vec<u8> {
    let is_point = wkb.get(1..5) == Some(&[1, 0, 0, 0]);
    let bounds = if is_point { None } else { bounds(wkb).ok().flatten() };
    let mut out = Vec::with_capacity(wkb.len() + 40);
    out.extend_from_slice(b"GP\0");
    out.push(if bounds.is_some() { 0b0000_0011 } else { 0b0000_0001 });
    out.extend_from_slice(&SRID.to_le_bytes());
    if let Some([min_x, min_y, max_x, max_y]) = bounds {
        for v in [min_x, max_x, min_y, max_y] {
            out.extend_from_slice(&v.to_le_bytes());
        }
    }
    out.extend_from_slice(wkb);
    out
}

/// The same WKB with PostGIS's reference flag.
pub(super) fn wkb_to_ewkb(wkb: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(wkb.len() + 4);
    let kind = wkb.get(1..5).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    out.push(1);
    out.extend_from_slice(&(kind | EWKB_SRID_FLAG).to_le_bytes());
    out.extend_from_slice(&SRID.to_le_bytes());
    out.extend_from_slice(wkb.get(5..).unwrap_or_default());
    out
}

/// Length of a GeoPackage header, and whether it says the shape is empty.
pub(super) fn gpb_header(blob: &[u8]) -> Result<(usize, bool), Fault> {
    if blob.get(..2) != Some(b"GP") {
        return Err("不是 GeoPackage 几何 / not a GeoPackage geometry");
    }
    let flags = *blob.get(3).ok_or("几何头不完整 / cut geometry header")?;
    let envelope = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err("几何头的范围标志无效 / bad envelope flag"),
    };
    if flags & 0b0010_0000 != 0 {
        return Err("扩展几何不支持 / extended geometry");
    }
    if blob.len() < 8 + envelope {
        return Err("几何头不完整 / cut geometry header");
    }
    Ok((8 + envelope, flags & 0b0001_0000 != 0))
}

struct Bytes<'a> {
    rest: &'a [u8],
    little: bool,
}

impl<'a> Bytes<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or("几何被截断 / cut geometry")?;
        self.rest = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let b = self.take::<4>()?;
        Ok(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }

    fn f64(&mut self) -> Result<f64, Fault> {
        let b = self.take::<8>()?;
        Ok(if self.little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) })
    }

    /// A count of things of at least `bytes` bytes each.
    fn count(&mut self, bytes: usize) -> Result<usize, Fault> {
        let n = self.u32()? as usize;
        if n > self.rest.len() / bytes { Err("几何计数超过数据长度 / count beyond the data") } else { Ok(n) }
    }

    /// Order, kind (1…7) and number of ordinates a position.
    fn head(&mut self) -> Result<(u32, usize), Fault> {
        self.little = match self.take::<1>()? {
            [0] => false,
            [1] => true,
            _ => return Err("几何字节序无效 / bad byte order"),
        };
        let raw = self.u32()?;
        if raw & EWKB_SRID_FLAG != 0 {
            self.u32()?;
        }
        let (mut kind, mut ordinates) = (raw & 0x0FFF_FFFF & !EWKB_SRID_FLAG, 2);
        ordinates += usize::from(raw & 0x8000_0000 != 0) + usize::from(raw & 0x4000_0000 != 0);
        if kind >= 1000 {
            ordinates += if kind >= 3000 { 2 } else { 1 };
            kind %= 1000;
        }
        Ok((kind, ordinates))
    }

    fn position(&mut self, ordinates: usize) -> Result<[f64; 2], Fault> {
        let p = [self.f64()?, self.f64()?];
        for _ in 2..ordinates {
            self.f64()?;
        }
        Ok(p)
    }

    fn line(&mut self, ordinates: usize) -> Result<Vec<[f64; 2]>, Fault> {
        let n = self.count(8 * ordinates)?;
        (0..n).map(|_| self.position(ordinates)).collect()
    }

    fn rings(&mut self, ordinates: usize) -> Result<Vec<Vec<[f64; 2]>>, Fault> {
        let n = self.count(4)?;
        (0..n).map(|_| self.line(ordinates)).collect()
    }

    fn shape(&mut self, depth: u32) -> Result<Geometry, Fault> {
        let (kind, ordinates) = self.head()?;
        match kind {
            1 => Ok(Geometry::Point(self.position(ordinates)?)),
            2 => Ok(Geometry::Line(self.line(ordinates)?)),
            3 => Ok(Geometry::Polygon(self.rings(ordinates)?)),
            4..=6 if depth < MAX_DEPTH => {
                let n = self.count(9)?;
                let mut parts = (0..n).map(|_| self.shape(depth + 1)).collect::<Result<Vec<_>, _>>()?;
                if n == 1 && kind != 6 {
                    return parts.pop().ok_or("空几何 / empty geometry");
                }
                let polygons = parts.into_iter().map(|p| match p {
                    Geometry::Polygon(rings) => Ok(rings),
                    _ => Err("不支持的几何类型 / unsupported kind of geometry"),
                });
                Ok(Geometry::MultiPolygon(polygons.collect::<Result<_, _>>()?))
            }
            _ => Err("不支持的几何类型 / unsupported kind of geometry"),
        }
    }
}

/// Reads WKB, EWKB or a GeoPackage blob.
pub(super) fn read(bytes: &[u8]) -> Result<Geometry, Fault> {
    let body = if bytes.starts_with(b"GP") { bytes.get(gpb_header(bytes)?.0..).unwrap_or_default() } else { bytes };
    let mut bytes = Bytes { rest: body, little: true };
    let shape = bytes.shape(0)?;
    if bytes.rest.is_empty() { Ok(shape) } else { Err("几何后有多余字节 / bytes after the geometry") }
}

/// `[min x, min y, max x, max y]` of WKB, EWKB or a GeoPackage blob; `None` when it is empty.
pub(super) fn bounds(bytes: &[u8]) -> Result<Option<[f64; 4]>, Fault> {
    read(bytes).map(|shape| shape.bounds_deg().filter(|b| b.iter().all(|v| v.is_finite())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Vec<Geometry> {
        let ring = vec![[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 0.0]];
        vec![
            Geometry::Point([105.5, 26.25]),
            Geometry::Line(vec![[1.0, 2.0], [3.0, -4.0]]),
            Geometry::Polygon(vec![ring.clone(), vec![[0.5, 0.1], [0.6, 0.1], [0.6, 0.2], [0.5, 0.1]]]),
            Geometry::MultiPolygon(vec![vec![ring.clone()], vec![ring]]),
        ]
    }

    #[test]
    fn shape_survives_every_encoding() {
        for shape in shapes() {
            let wkb = to_wkb(&shape);
            assert_eq!(read(&wkb), Ok(shape.clone()));
            assert_eq!(read(&wkb_to_gpb(&wkb)), Ok(shape.clone()));
            assert_eq!(read(&wkb_to_ewkb(&wkb)), Ok(shape.clone()));
            assert_eq!(bounds(&wkb_to_gpb(&wkb)), Ok(shape.bounds_deg()));
        }
    }

    #[test]
    fn cut_or_lying_bytes_are_refused_before_anything_is_reserved() {
        for shape in shapes() {
            let whole = wkb_to_gpb(&to_wkb(&shape));
            for n in 0..whole.len() {
                assert!(read(&whole[..n]).is_err(), "{n} bytes of {shape:?}");
            }
        }
        let mut lying = vec![1, 2, 0, 0, 0];
        lying.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(read(&lying).is_err());
        let nested: Vec<u8> = [1, 7, 0, 0, 0, 1, 0, 0, 0].repeat(100_000);
        assert!(read(&nested).is_err());
    }
}
