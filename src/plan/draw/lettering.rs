//! The names and numbers of a map: grids first, then units and villages where there is room.

use super::inset::extent;
use super::labels::{Box, LABEL, Placer, roomy};
use super::layers::Pen;
use super::panel::villages;
use super::read::Shape;
use super::svg::{Svg, width_mm};

/// Heights of a unit's number, the largest that finds room is taken.
const UNIT_SIZES_MM: [f64; 3] = [1.9, 1.6, 1.35];
const HALO: &str = "text-anchor=\"middle\" stroke=\"#fff\" stroke-opacity=\"0.9\" paint-order=\"stroke\"";

fn last_three(code: &str) -> &str {
    let cut = code.char_indices().rev().nth(2).map_or(0, |c| c.0);
    &code[cut..]
}

impl Pen<'_> {
    /// Grid numbers, large, in the roomiest free place; beside the grid with a leading line where it is too small. An overview and
    /// an inset leave out those without room: they stand on the village's map.
    pub(super) fn grid_labels(&self, shapes: &[Shape], placer: &mut Placer, out: &mut Svg) {
        let (view, prefix) = (self.view, self.prefix);
        let size = if view.village.is_some() { 5.0 } else { 2.2 };
        out.open(&format!(
            "id=\"{prefix}grid-labels\" font-weight=\"bold\" fill=\"#14213d\" stroke-width=\"{}\"",
            size * 0.2
        ));
        for (g, s) in view.grids.iter().zip(shapes) {
            let text = last_three(&g.code).to_owned();
            let box_size = [width_mm(&text, size) + 0.6, size * 0.95];
            let inside = roomy(&s.polygons, self.inner());
            let Some(&(heart, room)) = inside.first() else { continue };
            let fits = box_size[1] * 0.75;
            let mut candidates: Vec<([f64; 2], f64)> =
                inside.iter().filter(|c| c.1 >= fits).map(|&(p, r)| (p, (room - r) * 3.0)).collect();
            if candidates.is_empty() && view.village.is_none() {
                candidates.push((heart, 0.0));
            }
            if candidates.is_empty() {
                candidates = around(heart, room + 4.0, box_size, 40.0);
            }
            let at = if self.complete {
                placer.place(box_size, self.inner(), &candidates)
            } else {
                placer.place_clear(box_size, self.inner(), &candidates)
            };
            let Some(at) = at else { continue };
            if (at[0] - heart[0]).hypot(at[1] - heart[1]) > 0.1 && !inside.iter().any(|c| c.0 == at) {
                out.line(heart, at, "stroke=\"#14213d\" stroke-width=\"0.25\" stroke-opacity=\"1\"");
            }
            out.text([at[0], at[1] + size * 0.36], size, &format!("class=\"{prefix}grid-label\" {HALO}"), &text);
        }
        out.close();
    }

    fn inner(&self) -> Box {
        let [x, y, r, b] = self.frame;
        [x + 1.0, y + 1.0, r - 1.0, b - 1.0]
    }
}

/// Candidate middles on rings about `p`, farther ones dearer.
fn around(p: [f64; 2], from_mm: f64, size: [f64; 2], extra: f64) -> Vec<([f64; 2], f64)> {
    let mut list = Vec::new();
    for ring in 0..6_u32 {
        let r = from_mm + f64::from(ring) * 1.8;
        for k in 0..16_u32 {
            let a = f64::from(k) * std::f64::consts::TAU / 16.0;
            let q = [p[0] + (r + size[0] / 2.0) * a.cos(), p[1] + (r + size[1] / 2.0) * a.sin()];
            list.push((q, extra + f64::from(ring) * 14.0));
        }
    }
    list
}

impl Pen<'_> {
    /// Unit numbers, small: at the middle of the hull where that is free, else beside it; smaller where there is little room. A number
    /// that would cover another is left out, and counted; what an inset shows enlarged is numbered there.
    pub(super) fn unit_labels(&self, hulls: &[Shape], placer: &mut Placer, out: &mut Svg) -> usize {
        let (view, prefix) = (self.view, self.prefix);
        out.open(&format!("id=\"{prefix}unit-labels\" fill=\"#1d3d6b\" font-weight=\"600\" stroke-width=\"0.45\""));
        // Small hulls first: they have the least choice.
        let mut order: Vec<(f64, usize, Box)> = Vec::new();
        for (i, s) in hulls.iter().enumerate() {
            if let Some(b) = extent(s) {
                order.push(((b[2] - b[0]) * (b[3] - b[1]), i, b));
            }
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut left_out = 0;
        for (_, i, [x, y, r, b]) in order {
            let middle = [(x + r) / 2.0, (y + b) / 2.0];
            let within = |w: &Box| middle[0] > w[0] && middle[1] > w[1] && middle[0] < w[2] && middle[1] < w[3];
            if self.enlarged.as_ref().is_some_and(within) || !self.shows(&middle) {
                continue;
            }
            let text = last_three(&view.units[i].text("code")).to_owned();
            let inside = roomy(&hulls[i].polygons, self.inner());
            let roomiest = inside.first().map_or(0.0, |c| c.1);
            let placed = UNIT_SIZES_MM.iter().find_map(|&mm| {
                let size = [width_mm(&text, mm) + 0.3, mm * 0.85];
                let mut candidates: Vec<([f64; 2], f64)> = vec![(middle, 0.0)];
                candidates.extend(inside.iter().step_by(3).map(|&(p, r)| (p, 2.0 + (roomiest - r) * 2.0)));
                candidates.extend(around(middle, ((r - x).min(b - y) / 2.0).max(0.4), size, 35.0));
                placer.place_clear(size, self.inner(), &candidates).map(|at| (at, mm))
            });
            let Some((at, mm)) = placed else {
                left_out += 1;
                continue;
            };
            let outside = at[0] < x || at[0] > r || at[1] < y || at[1] > b;
            if outside && (at[0] - middle[0]).hypot(at[1] - middle[1]) > 2.4 {
                out.line(middle, at, "stroke=\"#1d3d6b\" stroke-width=\"0.15\" stroke-opacity=\"0.8\"");
            }
            out.text([at[0], at[1] + mm * 0.36], mm, &format!("class=\"{prefix}unit-label\" {HALO}"), &text);
        }
        out.close();
        left_out
    }

    /// Names of the villages of an overview, before the grids' numbers.
    pub(super) fn village_labels(&self, shapes: &[Shape], placer: &mut Placer, out: &mut Svg) {
        let view = self.view;
        const SIZE: f64 = 3.6;
        out.open("id=\"village-labels\" font-weight=\"bold\" fill=\"#7a1026\" stroke-width=\"0.8\"");
        for code in villages(view) {
            let own: Vec<_> = view
                .grids
                .iter()
                .zip(shapes)
                .filter(|(g, _)| g.feature.text("village") == code)
                .flat_map(|(_, s)| s.polygons.iter().cloned())
                .collect();
            let text = short(view.name(&code));
            let size = [width_mm(text, SIZE) + 1.0, SIZE * 1.1];
            let spots = roomy(&own, self.inner());
            let n = spots.len().max(1) as f64;
            let mean = spots.iter().fold([0.0; 2], |m, (p, _)| [m[0] + p[0] / n, m[1] + p[1] / n]);
            let candidates: Vec<_> = spots.iter().map(|&(p, _)| (p, (p[0] - mean[0]).hypot(p[1] - mean[1]))).collect();
            if let Some(at) = placer.place(size, self.inner(), &candidates) {
                out.text([at[0], at[1] + SIZE * 0.36], SIZE, HALO, text);
            }
        }
        out.close();
    }
}

/// A village's name without the words for its committee.
pub(super) fn short(name: &str) -> &str {
    ["社区居民委员会", "村村民委员会", "居民委员会", "村民委员会"]
        .iter()
        .find_map(|w| name.strip_suffix(w))
        .filter(|n| !n.is_empty())
        .unwrap_or(name)
}

impl Pen<'_> {
    /// Names of the villages around, where there is room beside the one drawn.
    pub(super) fn neighbours_names(&self, place: &impl Fn(&Shape) -> Shape, placer: &mut Placer, out: &mut Svg) {
        let view = self.view;
        const SIZE: f64 = 3.4;
        for g in &view.grids {
            for polygon in &place(&g.feature.shape).polygons {
                // The own village is no place for another's name.
                for (p, r) in roomy(std::slice::from_ref(polygon), self.inner()).iter().step_by(4) {
                    placer.occupy([p[0] - r, p[1] - r, p[0] + r, p[1] + r], LABEL);
                }
            }
        }
        out.open(&format!("id=\"{}neighbours\" fill=\"#8a7f7f\" stroke-width=\"0.5\"", self.prefix));
        for r in view.plan.regions.iter().filter(|r| matches!(r.text("level").as_str(), "village" | "")) {
            if Some(r.text("code")) == view.village {
                continue;
            }
            let name = r.text("name");
            let text = short(&name);
            let size = [width_mm(text, SIZE) + 1.0, SIZE * 1.1];
            let frame = self.inner();
            let shown = |p: &[f64; 2]| p[0] > frame[0] && p[1] > frame[1] && p[0] < frame[2] && p[1] < frame[3];
            let spots: Vec<_> = roomy(&place(&r.shape).polygons, frame)
                .into_iter()
                .filter(|(p, room)| shown(p) && *room > 2.0)
                .map(|(p, room)| (p, -room.min(8.0)))
                .filter(|(p, _)| {
                    let half = [size[0] / 2.0, size[1] / 2.0];
                    placer.cost([p[0] - half[0], p[1] - half[1], p[0] + half[0], p[1] + half[1]]) < 1.0
                        && p[0] - half[0] > frame[0]
                        && p[0] + half[0] < frame[2]
                        && p[1] - half[1] > frame[1]
                        && p[1] + half[1] < frame[3]
                })
                .collect();
            if let Some(at) = (!spots.is_empty()).then(|| placer.place(size, frame, &spots)).flatten() {
                out.text([at[0], at[1] + SIZE * 0.36], SIZE, HALO, text);
            }
        }
        out.close();
    }
}
