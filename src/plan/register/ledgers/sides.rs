//! 四至: what lies on the four sides of a grid, told by the edges it shares with others.

use std::collections::BTreeMap;

use crate::store::DerivedGrid;

/// East, south, west, north, in the order in which offices name them.
const SIDES: [&str; 4] = ["东", "南", "西", "北"];
/// What lies beyond an edge that no other grid of the village has.
const BEYOND: &str = "村界";

type Edge = [[u64; 2]; 2];

fn edge(a: [f64; 2], b: [f64; 2]) -> Edge {
    let (a, b) = (a.map(f64::to_bits), b.map(f64::to_bits));
    if a <= b { [a, b] } else { [b, a] }
}

fn edges(grid: &DerivedGrid) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
    let rings = grid.polygons.iter().flatten();
    rings.flat_map(|r| r.iter().zip(r.iter().skip(1)).map(|(a, b)| (*a, *b)))
}

/// For each grid of one village, by code, its four sides as one text: `东至第2网格，南至村界，…`. `name` gives what a grid is called.
///
/// Grids of a village share edges coordinate by coordinate. Each edge counts for the side on which its middle lies, seen from the
/// middle of the grid's bounds; the neighbour with the longest border on a side names it. Linear in the edges.
pub(super) fn four_sides<'a>(grids: &'a [DerivedGrid], name: &dyn Fn(&str) -> String) -> BTreeMap<&'a str, String> {
    let mut owners: BTreeMap<Edge, [Option<usize>; 2]> = BTreeMap::new();
    for (i, grid) in grids.iter().enumerate() {
        for (a, b) in edges(grid) {
            let slot = owners.entry(edge(a, b)).or_default();
            let free = if slot[0].is_none() { 0 } else { 1 };
            slot[free] = Some(i);
        }
    }
    grids.iter().enumerate().map(|(i, grid)| (grid.code.as_str(), sides_of(i, grid, grids, &owners, name))).collect()
}

fn sides_of(
    own: usize,
    grid: &DerivedGrid,
    grids: &[DerivedGrid],
    owners: &BTreeMap<Edge, [Option<usize>; 2]>,
    name: &dyn Fn(&str) -> String,
) -> String {
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for ([x, y], _) in edges(grid) {
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    let middle = [(bounds[0] + bounds[2]) / 2.0, (bounds[1] + bounds[3]) / 2.0];
    // A degree of longitude is shorter than one of latitude.
    let narrow = middle[1].to_radians().cos();
    let mut lengths: [BTreeMap<Option<usize>, f64>; 4] = Default::default();
    for (a, b) in edges(grid) {
        let at = [((a[0] + b[0]) / 2.0 - middle[0]) * narrow, (a[1] + b[1]) / 2.0 - middle[1]];
        let side = match (at[0].abs() >= at[1].abs(), at[0] > 0.0, at[1] > 0.0) {
            (true, true, _) => 0,
            (true, false, _) => 2,
            (false, _, false) => 1,
            (false, _, true) => 3,
        };
        let other = owners.get(&edge(a, b)).and_then(|o| o.iter().flatten().copied().find(|&o| o != own));
        *lengths[side].entry(other).or_default() += ((b[0] - a[0]) * narrow).hypot(b[1] - a[1]);
    }
    let words: Vec<String> = SIDES
        .iter()
        .zip(&lengths)
        .filter_map(|(side, of)| {
            // The first of equals: the village border, then the lower code.
            let longest = of.iter().fold(None, |best: Option<(&Option<usize>, f64)>, (k, &v)| match best {
                Some((_, most)) if most >= v => best,
                _ => Some((k, v)),
            })?;
            let beyond = longest.0.and_then(|i| grids.get(i)).map_or_else(|| BEYOND.to_owned(), |g| name(&g.code));
            Some(format!("{side}至{beyond}"))
        })
        .collect();
    words.join("，")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(code: &str, x: f64, y: f64) -> DerivedGrid {
        let at = |dx: f64, dy: f64| [105.0 + x + dx, 26.0 + y + dy];
        DerivedGrid {
            code: code.to_owned(),
            polygons: vec![vec![vec![at(0.0, 0.0), at(0.5, 0.0), at(0.5, 0.5), at(0.0, 0.5), at(0.0, 0.0)]]],
            households: 0,
            buildings: 0,
            persons: None,
            deviation: None,
            area_m2: 0.0,
            perimeter_m: 0.0,
            polsby_popper: 0.0,
        }
    }

    #[test]
    fn neighbours_name_the_sides_and_the_village_border_the_others() {
        let grids = [square("1", 0.0, 0.0), square("2", 0.5, 0.0), square("3", 0.0, 0.5)];
        let sides = four_sides(&grids, &|code| format!("第{code}网格"));
        assert_eq!(sides["1"], "东至第2网格，南至村界，西至村界，北至第3网格");
        assert_eq!(sides["2"], "东至村界，南至村界，西至第1网格，北至村界");
        assert_eq!(sides["3"], "东至村界，南至第1网格，西至村界，北至村界");
        assert!(four_sides(&[], &|_| String::new()).is_empty());
    }
}
