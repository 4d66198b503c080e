//! GeoJSON coordinates, streamed: sixteen bytes a vertex, faults carried along instead of ending the document.

use std::fmt;

use geo::{Coord, LineString, Point, Polygon};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::Fault;
use super::rings;

/// Most numbers of a position: x, y, z, m.
const LONGEST_POSITION: usize = 4;

/// Coordinates of any depth; the two lower levels are packed.
pub(super) enum Nested {
    Empty,
    Number(f64),
    Position(Coord<f64>),
    Positions(Vec<Coord<f64>>),
    List(Vec<Nested>),
    Bad(Fault),
}

impl Nested {
    fn mismatch(self) -> Fault {
        match self {
            Self::Bad(fault) => fault,
            Self::Empty => Fault::new("no_geometry", "坐标为空 / the coordinates are empty"),
            _ => Fault::new(
                "bad_position",
                "坐标的层数与几何类型不符 / the coordinates are not nested as the geometry's type says",
            ),
        }
    }

    pub(super) fn point(self) -> Result<Point<f64>, Fault> {
        match self {
            Self::Position(c) => rings::fault_of_coordinate(c).map_or(Ok(Point(c)), Err),
            other => Err(other.mismatch()),
        }
    }

    pub(super) fn points(self) -> Result<Vec<Coord<f64>>, Fault> {
        match self {
            Self::Positions(p) => Ok(p),
            other => Err(other.mismatch()),
        }
    }

    pub(super) fn list(self) -> Result<Vec<Nested>, Fault> {
        match self {
            // A list of lines of no position at all has no `Positions` in it.
            Self::List(l) => Ok(l),
            other => Err(other.mismatch()),
        }
    }

    pub(super) fn polygon(self) -> Result<Polygon<f64>, Fault> {
        let mut rings =
            self.list()?.into_iter().map(|r| rings::ring(r.points()?)).collect::<Result<Vec<LineString<f64>>, _>>()?;
        if rings.is_empty() {
            return Err(Self::Empty.mismatch());
        }
        let shell = rings.remove(0);
        Ok(Polygon::new(shell, rings))
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(NestedVisitor)
    }
}

struct NestedVisitor;

impl<'de> Visitor<'de> for NestedVisitor {
    type Value = Nested;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("coordinates")
    }

    fn visit_f64<E>(self, v: f64) -> Result<Nested, E> {
        Ok(Nested::Number(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Nested, E> {
        Ok(Nested::Number(v as f64))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Nested, E> {
        Ok(Nested::Number(v as f64))
    }

    fn visit_bool<E>(self, v: bool) -> Result<Nested, E> {
        Ok(Nested::Bad(rings::not_a_number(&v.to_string())))
    }

    fn visit_unit<E>(self) -> Result<Nested, E> {
        Ok(Nested::Bad(rings::not_a_number("null")))
    }

    fn visit_str<E>(self, v: &str) -> Result<Nested, E> {
        Ok(Nested::Bad(rings::not_a_number(&format!("\"{v}\""))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nested, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Nested::Bad(rings::not_a_number("{…}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Nested, A::Error> {
        let (mut numbers, mut count) = ([0.0; 2], 0_usize);
        let (mut positions, mut list, mut bad) = (Vec::new(), Vec::new(), None);
        while let Some(item) = seq.next_element::<Nested>()? {
            match item {
                Nested::Bad(fault) => bad = bad.or(Some(fault)),
                Nested::Number(v) => {
                    if let Some(n) = numbers.get_mut(count) {
                        *n = v;
                    }
                    count += 1;
                }
                Nested::Position(c) if positions.len() < rings::MOST_VERTICES => positions.push(c),
                Nested::Position(_) => bad = bad.or_else(|| Some(rings::too_many_vertices())),
                other => list.push(other),
            }
        }
        let levels = [count > 0, !positions.is_empty(), !list.is_empty()].iter().filter(|l| **l).count();
        Ok(match bad {
            Some(fault) => Nested::Bad(fault),
            None if levels == 0 => Nested::Empty,
            None if levels > 1 || (count > 0 && !(2..=LONGEST_POSITION).contains(&count)) => Nested::Bad(Fault::new(
                "bad_position",
                format!("坐标应为 2–{LONGEST_POSITION} 个数 / a position has 2 to {LONGEST_POSITION} numbers"),
            )),
            None if count > 0 => Nested::Position(Coord { x: numbers[0], y: numbers[1] }),
            None if !positions.is_empty() => Nested::Positions(positions),
            None => Nested::List(list),
        })
    }
}
