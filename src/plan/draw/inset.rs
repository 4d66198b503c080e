//! The enlarged inset for a quarter that is too dense to be read at the sheet's scale.

use super::labels::Box;
use super::layers;
use super::read::Shape;
use super::sheet::{MAP_MM, Sheet, round_up, scale_words};
use super::svg::{Svg, number};
use super::{GridView, View};

/// A quarter whose units' nearest neighbours lie nearer than this in the median cannot be numbered: 14 pixels at 96 to the inch.
const READABLE_MM: f64 = 14.0 * 25.4 / 96.0;
/// Neighbours by which the density around a unit is measured; a quarter has more units.
const NEIGHBOURS: usize = 12;
/// A gap this many times as wide ends a quarter.
const GAP: f64 = 1.6;
/// The strip of an inset that its title covers: width and height.
const TITLE_MM: [f64; 2] = [52.0, 4.6];
/// Sizes of the inset, the largest that has a free corner is taken.
const SIZES_MM: [[f64; 2]; 6] = [[125.0, 112.0], [108.0, 96.0], [92.0, 84.0], [78.0, 70.0], [64.0, 58.0], [48.0, 64.0]];
/// An inset enlarges at least so much.
const LEAST_ZOOM: f64 = 1.8;
/// And at most: units stacked in one tower stay on one spot however large.
const MOST_ZOOM: f64 = 6.0;
/// Free strip around the quarter, and between the inset and the frame.
const MARGIN_MM: f64 = 2.5;

/// Where an inset's title lies.
pub(super) fn title_box(frame: Box) -> Box {
    [frame[0], frame[1], frame[0] + TITLE_MM[0], frame[1] + TITLE_MM[1]]
}

/// The inset of a sheet.
pub(super) struct Inset {
    /// What is enlarged, on the main map.
    pub(super) window: Box,
    /// The enlarged map, with its frame.
    pub(super) sheet: Sheet,
}

/// The inset that a village's map needs: none where its units can be read, or where no corner of the map is free.
pub(super) fn choose(view: &View<'_>, sheet: &Sheet) -> Option<Inset> {
    view.village.as_ref()?;
    let hulls: Vec<Box> = view.units.iter().filter_map(|u| extent(&u.shape.map(&|p| sheet.place(p)))).collect();
    let quarter = densest(&hulls)?;
    let grids: Vec<Shape> =
        view.grids.iter().map(|g: &GridView<'_>| g.feature.shape.map(&|p| sheet.place(p))).collect();
    let frame = free_corner(&grids)?;
    let room = [frame[2] - frame[0], frame[3] - frame[1]];
    let needed = ((quarter[2] - quarter[0]) / room[0])
        .max((quarter[3] - quarter[1]) / room[1])
        .clamp(1.0 / MOST_ZOOM, 1.0 / LEAST_ZOOM);
    let metres_per_mm =
        round_up(sheet.metres_per_mm * needed, &[1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0]);
    let zoom = sheet.metres_per_mm / metres_per_mm;
    if zoom < LEAST_ZOOM * 0.8 {
        return None;
    }
    let middle = [(quarter[0] + quarter[2]) / 2.0, (quarter[1] + quarter[3]) / 2.0];
    let half = [room[0] / zoom / 2.0, room[1] / zoom / 2.0];
    let window = [middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]];
    Some(Inset { window, sheet: sheet.enlarged(middle, metres_per_mm, frame) })
}

/// The box around a shape.
pub(super) fn extent(s: &Shape) -> Option<Box> {
    let mut b = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for p in s.positions() {
        b = [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])];
    }
    (b[0] <= b[2]).then_some(b)
}

fn middle(b: &Box) -> [f64; 2] {
    [(b[0] + b[2]) / 2.0, (b[1] + b[3]) / 2.0]
}

/// The box around the densest cluster of units, with a margin; none where all can be read.
fn densest(hulls: &[Box]) -> Option<Box> {
    let centre: Vec<[f64; 2]> = hulls.iter().map(middle).collect();
    let distance = |a: usize, b: usize| (centre[a][0] - centre[b][0]).hypot(centre[a][1] - centre[b][1]);
    let nearest = |i: usize| -> Vec<usize> {
        let nearer = |a: &usize, b: &usize| distance(i, *a).total_cmp(&distance(i, *b)).then(a.cmp(b));
        let mut others: Vec<usize> = (0..centre.len()).filter(|&j| j != i).collect();
        if others.len() > NEIGHBOURS {
            others.select_nth_unstable_by(NEIGHBOURS, nearer);
            others.truncate(NEIGHBOURS);
        }
        others.sort_by(nearer);
        others
    };
    if hulls.len() <= NEIGHBOURS {
        return None;
    }
    let near: Vec<Vec<usize>> = (0..hulls.len()).map(nearest).collect();
    let spacing: Vec<f64> =
        (0..hulls.len()).map(|i| near[i].first().map_or(f64::INFINITY, |&j| distance(i, j))).collect();
    // The densest place is where the neighbours lie nearest, all of them: a lone unit's are dense among themselves, and far.
    let reach = |i: usize| near[i].last().map_or(f64::INFINITY, |&j| distance(i, j));
    let first = (0..hulls.len()).min_by(|&a, &b| reach(a).total_cmp(&reach(b)).then(a.cmp(&b)))?;
    // Its quarter: units that follow one another without a gap.
    let mut quarter = vec![first];
    let mut seen = vec![false; hulls.len()];
    seen[first] = true;
    let mut at = 0;
    while at < quarter.len() {
        let i = quarter[at];
        for (j, seen) in seen.iter_mut().enumerate() {
            if !*seen && distance(i, j) < GAP * READABLE_MM {
                *seen = true;
                quarter.push(j);
            }
        }
        at += 1;
    }
    let mut inner: Vec<f64> = quarter.iter().map(|&i| spacing[i]).collect();
    inner.sort_by(f64::total_cmp);
    if quarter.len() <= NEIGHBOURS || inner.get(inner.len() / 2).is_none_or(|median| *median >= READABLE_MM) {
        return None;
    }
    let b = quarter.iter().fold(hulls[first], |b, &i| {
        let h = hulls[i];
        [b[0].min(h[0]), b[1].min(h[1]), b[2].max(h[2]), b[3].max(h[3])]
    });
    Some([b[0] - MARGIN_MM, b[1] - MARGIN_MM, b[2] + MARGIN_MM, b[3] + MARGIN_MM])
}

/// The largest box in a corner of the map that no grid reaches into.
fn free_corner(grids: &[Shape]) -> Option<Box> {
    let [x, y, r, b] = [MAP_MM[0] + MARGIN_MM, MAP_MM[1] + MARGIN_MM, MAP_MM[2] - MARGIN_MM, MAP_MM[3] - MARGIN_MM];
    SIZES_MM.iter().find_map(|&[w, h]| {
        [[x, y, x + w, y + h], [r - w, y, r, y + h], [x, b - h, x + w, b], [r - w, b - h, r, b]]
            .into_iter()
            .find(|corner| !grids.iter().any(|g| reaches_into(g, corner)))
    })
}

/// Whether an area has a point in a box.
fn reaches_into(s: &Shape, b: &Box) -> bool {
    let corners = [[b[0], b[1]], [b[2], b[1]], [b[2], b[3]], [b[0], b[3]], [b[0], b[1]]];
    let inside = |p: &[f64; 2]| p[0] > b[0] && p[0] < b[2] && p[1] > b[1] && p[1] < b[3];
    s.polygons.iter().any(|rings| {
        rings.iter().flatten().any(inside)
            || rings
                .iter()
                .flat_map(|r| r.windows(2))
                .any(|w| corners.windows(2).any(|c| meet([w[0], w[1]], [c[0], c[1]])))
            || rings.iter().filter(|r| super::labels::inside(r, corners[0])).count() % 2 == 1
    })
}

/// Whether two straight lines have a point in common.
pub(super) fn meet([a, b]: [[f64; 2]; 2], [c, d]: [[f64; 2]; 2]) -> bool {
    let side = |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    let boxes = (0..2).all(|i| a[i].min(b[i]) <= c[i].max(d[i]) && c[i].min(d[i]) <= a[i].max(b[i]));
    boxes && side(a, b, c) * side(a, b, d) <= 0.0 && side(c, d, a) * side(c, d, b) <= 0.0
}

/// Draws the enlarged quarter over a corner of the map, and marks on the map what it shows. Returns the unit numbers left out.
pub(super) fn draw(view: &View<'_>, inset: &Inset, out: &mut Svg) -> usize {
    let size = |b: &Box| [b[2] - b[0], b[3] - b[1]];
    let (window, frame) = (inset.window, inset.sheet.frame);
    out.rect(
        [window[0], window[1]],
        size(&window),
        "class=\"inset-window\" fill=\"none\" stroke=\"#111\" stroke-width=\"0.4\"",
    );
    let [w, h] = size(&frame);
    out.raw(&format!(
        "<clipPath id=\"inset-frame\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
        number(frame[0]),
        number(frame[1]),
        number(w),
        number(h)
    ));
    let left_out = layers::map(view, &inset.sheet, &layers::Place::Inset, out);
    let words = format!("放大图 Enlarged　{}", scale_words(&inset.sheet));
    out.rect([frame[0], frame[1]], TITLE_MM, "fill=\"#fff\" fill-opacity=\"0.9\" stroke=\"#111\" stroke-width=\"0.3\"");
    out.text([frame[0] + 1.0, frame[1] + 3.4], 3.0, "class=\"inset-title\" font-weight=\"bold\"", &words);
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(columns: u32, rows: u32, step: f64, at: f64) -> Vec<Box> {
        (0..columns * rows)
            .map(|i| {
                let (x, y) = (at + f64::from(i % columns) * step, at + f64::from(i / columns) * step);
                [x - 0.2, y - 0.2, x + 0.2, y + 0.2]
            })
            .collect()
    }

    #[test]
    fn densest_quarter_is_found_and_readable_ones_are_not_enlarged() {
        let mut hulls = boxes(6, 5, 8.0, 20.0);
        assert_eq!(densest(&hulls), None);
        // A lone unit whose neighbours are all in the dense quarter is not itself dense.
        hulls.push([200.0, 200.0, 201.0, 201.0]);
        hulls.extend(boxes(5, 5, 2.0, 120.0));
        let q = densest(&hulls).expect("a dense quarter");
        assert!(q[0] < 119.8 && q[0] > 110.0 && q[2] > 128.2 && q[2] < 140.0, "{q:?}");
    }

    #[test]
    fn inset_lies_in_a_corner_without_grids() {
        let area = |x: f64, y: f64, r: f64, b: f64| Shape {
            polygons: vec![vec![vec![[x, y], [r, y], [r, b], [x, b], [x, y]]]],
            ..Shape::default()
        };
        let c = free_corner(&[area(0.0, 0.0, 230.0, 300.0)]).expect("corner");
        assert!(c[0] > 230.0 && c[2] < MAP_MM[2]);
        assert_eq!(free_corner(&[area(0.0, 0.0, 500.0, 500.0)]), None);
    }

    #[test]
    fn lines_meet_where_they_cross_or_touch() {
        assert!(meet([[0.0, 0.0], [2.0, 2.0]], [[0.0, 2.0], [2.0, 0.0]]));
        assert!(meet([[0.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [1.0, 5.0]]));
        assert!(!meet([[0.0, 0.0], [2.0, 0.0]], [[1.0, 0.1], [1.0, 5.0]]));
        assert!(!meet([[0.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [3.0, 0.0]]));
    }
}
