//! Noding: lines that cross or touch get a common corner, until none crosses another any more.
//!
//! All corners lie on a grid of binary fractions of a metre, so their coordinates are exact numbers, orientation tests on integers are
//! exact, and what this module returns is a planar set of segments for every predicate that looks at it later. A crossing is rounded
//! to the grid, which may move a line by half a grid step over another corner: hence the rounds (iterated snap rounding after
//! Hobby 1999 and Halperin & Packer 2002).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A corner in grid steps.
pub(super) type Node = [i64; 2];
/// A segment between two corners.
pub(super) type Segment = [Node; 2];

/// Spreads grid coordinates by one multiplication a word (Fibonacci hashing, Knuth 1973): the keys are places in a village, not an
/// adversary's choice of them, and a few hundred thousand are looked up.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(padded)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

/// A map keyed by places.
pub(super) type PlaceMap<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Rounds after which the lines are given up as hopeless; two or three are usual.
const MOST_ROUNDS: usize = 400;
/// A corner nearer to a segment than this lies on it, in grid steps.
const ON_SEGMENT: f64 = 0.5;

/// Splits segments where they meet, and where they pass one of `corners`. `settled` ones are known not to cross each other; `fresh`
/// ones are tested against all. Repeated and empty segments are left out of the answer. `None` when the lines do not come to rest.
pub(super) fn node(settled: &[Segment], fresh: &[Segment], corners: &[Node]) -> Option<Vec<Segment>> {
    let mut segments: Vec<Segment> = Vec::with_capacity(settled.len() + fresh.len());
    let mut seen: HashSet<Segment, BuildHasherDefault<Spread>> =
        HashSet::with_capacity_and_hasher(settled.len() + fresh.len(), BuildHasherDefault::default());
    let ordered = |s: Segment| if s[0] <= s[1] { s } else { [s[1], s[0]] };
    for &s in settled {
        if s[0] != s[1] && seen.insert(ordered(s)) {
            segments.push(ordered(s));
        }
    }
    let mut active: Vec<usize> = Vec::new();
    for &s in fresh {
        if s[0] != s[1] && seen.insert(ordered(s)) {
            active.push(segments.len());
            segments.push(ordered(s));
        }
    }
    let step = cell_side(&segments);
    for _ in 0..MOST_ROUNDS {
        if active.is_empty() {
            return Some(segments);
        }
        let splits = splits_of(&segments, &active, corners, step);
        if splits.is_empty() {
            return Some(segments);
        }
        active.clear();
        let mut gone: Vec<usize> = Vec::new();
        for (index, mut corners) in splits {
            let [a, b] = segments[index];
            corners.sort_by_key(|c| (along(a, b, *c), *c));
            corners.dedup();
            seen.remove(&[a, b]);
            gone.push(index);
            let stops = std::iter::once(a).chain(corners).chain(std::iter::once(b)).collect::<Vec<_>>();
            for w in stops.windows(2) {
                let part = ordered([w[0], w[1]]);
                if part[0] != part[1] && seen.insert(part) {
                    active.push(segments.len());
                    segments.push(part);
                }
            }
        }
        // Split segments become empty ones, so that indices stay; they are dropped at the end.
        for index in gone {
            segments[index] = [segments[index][0]; 2];
        }
        let kept = |s: &Segment| s[0] != s[1];
        let mut new_index = vec![usize::MAX; segments.len()];
        let mut next = 0;
        for (i, s) in segments.iter().enumerate() {
            if kept(s) {
                new_index[i] = next;
                next += 1;
            }
        }
        active = active.into_iter().map(|i| new_index[i]).collect();
        segments.retain(kept);
    }
    None
}

/// The side of a cell of the search grid: a few mean segment lengths.
fn cell_side(segments: &[Segment]) -> i64 {
    let total: f64 = segments.iter().map(|[a, b]| ((a[0] - b[0]) as f64).hypot((a[1] - b[1]) as f64)).sum();
    ((3.0 * total / segments.len().max(1) as f64) as i64).max(64)
}

/// Cells of the search grid that a segment's surroundings touch.
fn cells([a, b]: Segment, step: i64, mut visit: impl FnMut([i64; 2])) {
    // Columns of cells; in each, the rows the segment passes there.
    let (a, b) = if a[0] <= b[0] { (a, b) } else { (b, a) };
    let (first, last) = ((a[0] - 1).div_euclid(step), (b[0] + 1).div_euclid(step));
    let slope = if b[0] == a[0] { 0.0 } else { (b[1] - a[1]) as f64 / (b[0] - a[0]) as f64 };
    for column in first..=last {
        let at = |x: i64| {
            let x = x.clamp(a[0], b[0]);
            a[1] as f64 + slope * (x - a[0]) as f64
        };
        let (mut low, mut high) = if first == last || b[0] == a[0] {
            (a[1].min(b[1]) as f64, a[1].max(b[1]) as f64)
        } else {
            let (p, q) = (at(column * step), at((column + 1) * step));
            (p.min(q), p.max(q))
        };
        low -= 2.0;
        high += 2.0;
        for row in (low as i64).div_euclid(step)..=(high as i64).div_euclid(step) {
            visit([column, row]);
        }
    }
}

/// New corners of each segment that meets an active one, by index.
fn splits_of(
    segments: &[Segment],
    active: &[usize],
    corners: &[Node],
    step: i64,
) -> std::collections::BTreeMap<usize, Vec<Node>> {
    // Only cells that an active segment touches are of interest.
    let mut of_cell: PlaceMap<[i64; 2], Vec<usize>> = PlaceMap::default();
    for &i in active {
        cells(segments[i], step, |c| {
            of_cell.entry(c).or_default();
        });
    }
    for (i, &s) in segments.iter().enumerate() {
        cells(s, step, |c| {
            if let Some(list) = of_cell.get_mut(&c) {
                list.push(i);
            }
        });
    }
    let mut corners_of_cell: PlaceMap<[i64; 2], Vec<Node>> = PlaceMap::default();
    for &c in corners {
        let cell = c.map(|v| v.div_euclid(step));
        if of_cell.contains_key(&cell) {
            corners_of_cell.entry(cell).or_default().push(c);
        }
    }
    let mut is_active = vec![false; segments.len()];
    for &i in active {
        is_active[i] = true;
    }
    let mut splits: std::collections::BTreeMap<usize, Vec<Node>> = std::collections::BTreeMap::new();
    let mut near: Vec<usize> = Vec::new();
    for &i in active {
        let own = segments[i];
        cells(own, step, |c| {
            for &corner in corners_of_cell.get(&c).into_iter().flatten() {
                if corner != own[0] && corner != own[1] && lies_on(own, corner) {
                    splits.entry(i).or_default().push(corner);
                }
            }
        });
        near.clear();
        cells(segments[i], step, |c| near.extend(of_cell.get(&c).into_iter().flatten().copied()));
        near.sort_unstable();
        near.dedup();
        for &j in &near {
            // A pair of active segments is looked at once.
            if j == i || (is_active[j] && j < i) {
                continue;
            }
            meet(segments[i], segments[j], |on_first, corner| {
                splits.entry(if on_first { i } else { j }).or_default().push(corner);
            });
        }
    }
    splits
}

/// Reports where two segments must be split; nothing for a common end alone.
fn meet(s: Segment, t: Segment, mut split: impl FnMut(bool, Node)) {
    if s[0][0].max(s[1][0]) + 1 < t[0][0].min(t[1][0])
        || t[0][0].max(t[1][0]) + 1 < s[0][0].min(s[1][0])
        || s[0][1].max(s[1][1]) + 1 < t[0][1].min(t[1][1])
        || t[0][1].max(t[1][1]) + 1 < s[0][1].min(s[1][1])
    {
        return;
    }
    let mut touched = false;
    for (first, own, other) in [(true, s, t), (false, t, s)] {
        for end in other {
            if end != own[0] && end != own[1] && lies_on(own, end) {
                split(first, end);
                touched = true;
            }
        }
    }
    if touched {
        // A crossing beside the touch, if any, is seen in the next round.
        return;
    }
    let side = |a: Node, b: Node, c: Node| {
        let wide = |v: i64| i128::from(v);
        ((wide(b[0]) - wide(a[0])) * (wide(c[1]) - wide(a[1])) - (wide(b[1]) - wide(a[1])) * (wide(c[0]) - wide(a[0])))
            .signum()
    };
    let (a, b) = (side(s[0], s[1], t[0]), side(s[0], s[1], t[1]));
    let (c, d) = (side(t[0], t[1], s[0]), side(t[0], t[1], s[1]));
    if a * b >= 0 || c * d >= 0 {
        return;
    }
    let (u, w) = (vector(s), vector(t));
    let cross = u[0] * w[1] - u[1] * w[0];
    let gap = [(t[0][0] - s[0][0]) as f64, (t[0][1] - s[0][1]) as f64];
    let r = (gap[0] * w[1] - gap[1] * w[0]) / cross;
    let corner = [s[0][0] + (r * u[0]).round() as i64, s[0][1] + (r * u[1]).round() as i64];
    split(true, corner);
    split(false, corner);
}

fn vector([a, b]: Segment) -> [f64; 2] {
    [(b[0] - a[0]) as f64, (b[1] - a[1]) as f64]
}

/// Whether a corner lies on the inner part of a segment, to within the grid.
fn lies_on([a, b]: Segment, c: Node) -> bool {
    let (d, e) = (vector([a, b]), vector([a, c]));
    let length2 = d[0] * d[0] + d[1] * d[1];
    let t = d[0] * e[0] + d[1] * e[1];
    t > 0.0 && t < length2 && (d[0] * e[1] - d[1] * e[0]).abs() <= ON_SEGMENT * length2.sqrt()
}

/// Position of a corner along a segment, for sorting.
fn along(a: Node, b: Node, c: Node) -> i128 {
    let wide = |v: i64| i128::from(v);
    (wide(c[0]) - wide(a[0])) * (wide(b[0]) - wide(a[0])) + (wide(c[1]) - wide(a[1])) * (wide(b[1]) - wide(a[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact: no two segments have more than an end in common.
    fn is_planar(segments: &[Segment]) -> bool {
        let side = |a: Node, b: Node, c: Node| {
            let w = |v: i64| i128::from(v);
            ((w(b[0]) - w(a[0])) * (w(c[1]) - w(a[1])) - (w(b[1]) - w(a[1])) * (w(c[0]) - w(a[0]))).signum()
        };
        let within = |s: Segment, c: Node| {
            side(s[0], s[1], c) == 0
                && c != s[0]
                && c != s[1]
                && (0..2).all(|i| c[i] >= s[0][i].min(s[1][i]) && c[i] <= s[0][i].max(s[1][i]))
        };
        segments.iter().enumerate().all(|(i, &s)| {
            segments[i + 1..].iter().all(|&t| {
                let crosses = side(s[0], s[1], t[0]) * side(s[0], s[1], t[1]) < 0
                    && side(t[0], t[1], s[0]) * side(t[0], t[1], s[1]) < 0;
                s != t && !crosses && !t.iter().any(|&c| within(s, c)) && !s.iter().any(|&c| within(t, c))
            })
        })
    }

    #[test]
    fn a_cross_gets_its_corner() {
        let n = node(&[[[0, 0], [10, 10]]], &[[[0, 10], [10, 0]]], &[]).expect("rest");
        assert_eq!(n.len(), 4);
        assert!(n.iter().all(|s| s.contains(&[5, 5])));
    }

    #[test]
    fn a_line_through_a_site_gets_a_corner_there() {
        let n = node(&[], &[[[0, 0], [10, 10]]], &[[4, 4], [0, 0], [9, 2]]).expect("rest");
        assert_eq!(n, [[[0, 0], [4, 4]], [[4, 4], [10, 10]]]);
    }

    #[test]
    fn lines_along_each_other_become_one() {
        let n = node(&[[[0, 0], [100, 0]]], &[[[50, 0], [150, 0]]], &[]).expect("rest");
        assert_eq!(n, [[[0, 0], [50, 0]], [[50, 0], [100, 0]], [[100, 0], [150, 0]]]);
    }

    proptest::proptest! {
        #[test]
        fn tangles_come_to_rest_in_the_plane(
            points in proptest::collection::vec((0_i64..400, 0_i64..400), 4..60),
        ) {
            let fresh: Vec<Segment> = points.windows(2).map(|w| [[w[0].0, w[0].1], [w[1].0, w[1].1]]).collect();
            let n = node(&[], &fresh, &[]).expect("rest");
            proptest::prop_assert!(is_planar(&n));
        }

        #[test]
        fn nearly_parallel_lines_come_to_rest(
            ends in proptest::collection::vec((-3_i64..3, -3_i64..3), 2..20),
        ) {
            let fresh: Vec<Segment> = ends.iter().map(|e| [[0, e.0], [1_000_000_007, e.1]]).collect();
            let n = node(&[], &fresh, &[]).expect("rest");
            proptest::prop_assert!(is_planar(&n));
        }
    }
}
