//! Shapes in a tile's own whole numbers: projected, clipped to the tile and a margin, rounded, turned the right way round.

use geo::{Coord, Geometry, LineString, Polygon, coord};

/// Units along a tile's side.
pub(super) const EXTENT: f64 = 4096.0;
/// Margin around a tile, units: lines drawn along its edge do not show it.
pub(super) const MARGIN: f64 = 64.0;

/// A shape's rings or lines in tile units.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Drawn {
    Point([i32; 2]),
    Lines(Vec<Vec<[i32; 2]>>),
    /// Polygons: shell clockwise on the screen, then holes the other way.
    Areas(Vec<Vec<Vec<[i32; 2]>>>),
}

type Project<'a> = &'a dyn Fn([f64; 2]) -> [f64; 2];

fn inside(c: Coord<f64>) -> bool {
    let range = -MARGIN..=EXTENT + MARGIN;
    range.contains(&c.x) && range.contains(&c.y)
}

/// The four sides: whether a position is on the good side of one, and where a segment crosses it.
fn is_within(side: usize, c: Coord<f64>) -> bool {
    match side {
        0 => c.x >= -MARGIN,
        1 => c.x <= EXTENT + MARGIN,
        2 => c.y >= -MARGIN,
        _ => c.y <= EXTENT + MARGIN,
    }
}

fn crossing(side: usize, a: Coord<f64>, b: Coord<f64>) -> Coord<f64> {
    let at = if side % 2 == 0 { -MARGIN } else { EXTENT + MARGIN };
    if side < 2 {
        coord! { x: at, y: a.y + (b.y - a.y) * (at - a.x) / (b.x - a.x) }
    } else {
        coord! { x: a.x + (b.x - a.x) * (at - a.y) / (b.y - a.y), y: at }
    }
}

/// Sutherland–Hodgman: a closed ring cut by the four sides. Parts may be joined along an edge outside the tile, which nobody sees.
fn clipped_ring(ring: Vec<Coord<f64>>) -> Vec<Coord<f64>> {
    let mut ring = ring;
    for side in 0..4 {
        let Some(mut before) = ring.last().copied() else { break };
        let mut out = Vec::with_capacity(ring.len() + 4);
        for c in ring {
            match (is_within(side, before), is_within(side, c)) {
                (true, true) => out.push(c),
                (true, false) => out.push(crossing(side, before, c)),
                (false, true) => out.extend([crossing(side, before, c), c]),
                (false, false) => {}
            }
            before = c;
        }
        ring = out;
    }
    ring
}

/// A line cut by the four sides; several lines may be left.
fn clipped_line(line: Vec<Coord<f64>>) -> Vec<Vec<Coord<f64>>> {
    let mut lines = vec![line];
    for side in 0..4 {
        let mut out = Vec::new();
        for line in lines {
            let mut part: Vec<Coord<f64>> = Vec::new();
            for pair in line.windows(2) {
                let &[a, b] = pair else { continue };
                match (is_within(side, a), is_within(side, b)) {
                    (true, true) => {
                        if part.is_empty() {
                            part.push(a);
                        }
                        part.push(b);
                    }
                    (true, false) => {
                        if part.is_empty() {
                            part.push(a);
                        }
                        part.push(crossing(side, a, b));
                        out.push(std::mem::take(&mut part));
                    }
                    (false, true) => part = vec![crossing(side, a, b), b],
                    (false, false) => {}
                }
            }
            if part.len() > 1 {
                out.push(part);
            }
        }
        lines = out;
    }
    lines
}

fn rounded(line: &[Coord<f64>]) -> Vec<[i32; 2]> {
    let mut out: Vec<[i32; 2]> = line.iter().map(|c| [c.x.round() as i32, c.y.round() as i32]).collect();
    out.dedup();
    out
}

fn projected(line: &LineString<f64>, project: Project<'_>) -> Vec<Coord<f64>> {
    line.0
        .iter()
        .map(|c| {
            let [x, y] = project([c.x, c.y]);
            coord! { x: x, y: y }
        })
        .collect()
}

/// Twice the signed area; positive is clockwise where y points down.
fn area2(ring: &[[i32; 2]]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|(a, b)| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1])).sum()
}

fn ring(line: &LineString<f64>, project: Project<'_>, is_shell: bool) -> Option<Vec<[i32; 2]>> {
    let mut open = projected(line, project);
    if open.len() > 1 && open.first() == open.last() {
        open.pop();
    }
    if !open.iter().all(|c| inside(*c)) {
        open = clipped_ring(open);
    }
    let mut out = rounded(&open);
    if out.len() > 1 && out.first() == out.last() {
        out.pop();
    }
    let area = area2(&out);
    if out.len() < 3 || area == 0 {
        return None;
    }
    if (area > 0) != is_shell {
        out.reverse();
    }
    Some(out)
}

fn polygon(p: &Polygon<f64>, project: Project<'_>) -> Option<Vec<Vec<[i32; 2]>>> {
    let mut rings = vec![ring(p.exterior(), project, true)?];
    rings.extend(p.interiors().iter().filter_map(|hole| ring(hole, project, false)));
    Some(rings)
}

/// A shape in tile units; `None` where nothing of it is left.
pub(super) fn drawn(g: &Geometry<f64>, project: Project<'_>) -> Option<Drawn> {
    match g {
        Geometry::Point(p) => {
            let [x, y] = project([p.x(), p.y()]);
            inside(coord! { x: x, y: y }).then(|| Drawn::Point([x.round() as i32, y.round() as i32]))
        }
        Geometry::LineString(l) => {
            let lines: Vec<_> = clipped_line(projected(l, project)).iter().map(|l| rounded(l)).collect();
            let lines: Vec<_> = lines.into_iter().filter(|l| l.len() > 1).collect();
            (!lines.is_empty()).then_some(Drawn::Lines(lines))
        }
        Geometry::Polygon(p) => polygon(p, project).map(|p| Drawn::Areas(vec![p])),
        Geometry::MultiPolygon(m) => {
            let parts: Vec<_> = m.iter().filter_map(|p| polygon(p, project)).collect();
            (!parts.is_empty()).then_some(Drawn::Areas(parts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(from: f64, to: f64) -> Geometry<f64> {
        let ring = [[from, from], [to, from], [to, to], [from, to], [from, from]];
        Polygon::new(ring.iter().map(|[x, y]| coord! { x: *x, y: *y }).collect(), Vec::new()).into()
    }

    fn areas(d: Option<Drawn>) -> i64 {
        match d {
            Some(Drawn::Areas(parts)) => parts.iter().flatten().map(|r| area2(r)).sum(),
            _ => 0,
        }
    }

    #[test]
    fn square_around_the_tile_becomes_the_tile_with_its_margin() {
        let side = 4096 + 2 * 64;
        assert_eq!(areas(drawn(&square(-1e6, 1e6), &|c| c)), 2 * side * side);
        assert_eq!(areas(drawn(&square(100.0, 200.0), &|c| c)), 2 * 100 * 100);
        assert_eq!(drawn(&square(5000.0, 6000.0), &|c| c), None);
        // half in, half out, and turned the other way round: still clockwise
        assert_eq!(areas(drawn(&square(-1000.0, 100.0), &|[x, y]| [y, x])), 2 * 164 * 164);
    }

    #[test]
    fn line_that_leaves_and_comes_back_is_two() {
        let line: LineString<f64> = [[10.0, 10.0], [-500.0, 10.0], [-500.0, 20.0], [10.0, 20.0]]
            .iter()
            .map(|[x, y]| coord! { x: *x, y: *y })
            .collect();
        match drawn(&line.into(), &|c| c) {
            Some(Drawn::Lines(lines)) => assert_eq!(lines, [vec![[10, 10], [-64, 10]], vec![[-64, 20], [10, 20]]]),
            other => panic!("{other:?}"),
        }
    }
}
