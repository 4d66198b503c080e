//! Colours of grids: neighbours differ, also for the colour-blind and in black and white.

use std::collections::BTreeMap;

use super::read::Shape;

/// Qualitative colours that stay apart under the common colour-vision deficiencies (Paul Tol's "light" scheme), paled by the caller;
/// each goes with a hatch of its own for printing in black and white.
pub(super) const PALETTE: &[&str] =
    &["#77aadd", "#eedd88", "#ee8866", "#44bb99", "#ffaabb", "#bbcc33", "#99ddff", "#d9b3e6", "#c8b48c", "#b0b7c3"];

/// The hatch of colour `i` as an SVG pattern: fine parallel lines, dots or nothing.
pub(super) fn pattern(i: usize) -> String {
    let marks = match i % PALETTE.len() {
        0 => "<path d=\"M0 0L0 2.4\"/>",
        1 => "",
        2 => "<path d=\"M0 1.2L2.4 1.2\"/>",
        3 => "<path d=\"M0 2.4L2.4 0\"/>",
        4 => "<circle cx=\"1.2\" cy=\"1.2\" r=\"0.16\"/>",
        5 => "<path d=\"M0 0L2.4 2.4\"/>",
        6 => "<path d=\"M0 1.2L2.4 1.2M1.2 0L1.2 2.4\" stroke-dasharray=\"0.6 0.6\"/>",
        7 => "<path d=\"M0 2.4L2.4 0M0 0L2.4 2.4\"/>",
        8 => "<path d=\"M0 1.2L2.4 1.2\" stroke-dasharray=\"1.2 1.2\"/>",
        _ => "<circle cx=\"0.6\" cy=\"0.6\" r=\"0.14\"/><circle cx=\"1.8\" cy=\"1.8\" r=\"0.14\"/>",
    };
    let fill = PALETTE.get(i % PALETTE.len()).copied().unwrap_or("#cccccc");
    format!(
        "<pattern id=\"g{i}\" width=\"2.4\" height=\"2.4\" patternUnits=\"userSpaceOnUse\"><rect width=\"2.4\" height=\"2.4\" fill=\"{fill}\" fill-opacity=\"0.5\"/><g stroke=\"#333\" stroke-width=\"0.1\" stroke-opacity=\"0.3\" fill=\"#333\" fill-opacity=\"0.35\">{marks}</g></pattern>"
    )
}

/// Pairs of shapes (smaller index first, sorted) that have at least two corners in common: neighbours share border corners exactly.
pub(super) fn neighbours(shapes: &[&Shape]) -> Vec<(usize, usize)> {
    let mut at: BTreeMap<[i64; 2], Vec<usize>> = BTreeMap::new();
    for (i, s) in shapes.iter().enumerate() {
        for p in s.polygons.iter().flatten().flatten() {
            let owners = at.entry(p.map(|v| (v * 1e9).round() as i64)).or_default();
            if owners.last() != Some(&i) {
                owners.push(i);
            }
        }
    }
    let mut shared: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for owners in at.values() {
        for (k, &a) in owners.iter().enumerate() {
            for &b in owners.get(k + 1..).unwrap_or(&[]) {
                *shared.entry((a.min(b), a.max(b))).or_default() += 1;
            }
        }
    }
    shared.into_iter().filter(|s| s.1 >= 2 && s.0.0 != s.0.1).map(|s| s.0).collect()
}

/// A colour for each of `count` shapes so that neighbours differ: most neighbours first (Welsh–Powell), the colour that is free and
/// has been used least. More colours than the palette only where a shape touches that many.
pub(super) fn colouring(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut beside: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(a, b) in pairs {
        beside[a].push(b);
        beside[b].push(a);
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(beside[i].len()), i));
    let mut colour: Vec<Option<usize>> = vec![None; count];
    let mut used = vec![0_usize; PALETTE.len()];
    for i in order {
        let taken: Vec<usize> = beside[i].iter().filter_map(|&b| colour[b]).collect();
        let free = (0..used.len()).filter(|c| !taken.contains(c)).min_by_key(|&c| (used[c], c));
        let own = free.unwrap_or(used.len());
        if own == used.len() {
            used.push(0);
        }
        used[own] += 1;
        colour[i] = Some(own);
    }
    colour.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_get_different_colours() {
        let pairs: Vec<(usize, usize)> =
            (0..30).flat_map(|i| (i + 1..30).filter(move |j| (j - i) % 7 < 3).map(move |j| (i, j))).collect();
        let c = colouring(30, &pairs);
        assert!(pairs.iter().all(|&(a, b)| c[a] != c[b]));
    }

    #[test]
    fn squares_that_touch_in_one_corner_are_no_neighbours() {
        let square = |x: f64, y: f64| Shape {
            polygons: vec![vec![vec![[x, y], [x + 1.0, y], [x + 1.0, y + 1.0], [x, y + 1.0], [x, y]]]],
            ..Shape::default()
        };
        let s = [square(0.0, 0.0), square(1.0, 0.0), square(1.0, 1.0)];
        assert_eq!(neighbours(&s.iter().collect::<Vec<_>>()), [(0, 1), (1, 2)]);
    }
}
