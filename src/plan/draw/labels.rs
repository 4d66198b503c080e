//! Where labels go: greedy, each at the cheapest of its candidate places.

/// A box on the sheet: left, top, right, bottom in millimetres.
pub(super) type Box = [f64; 4];

/// What is already drawn and how much a label should stay off it.
#[derive(Default)]
pub(super) struct Placer {
    taken: Vec<(Box, f64)>,
}

/// Overlapping another label costs this much; symbols and dots cost less.
pub(super) const LABEL: f64 = 1_000.0;

impl Placer {
    /// Remembers something drawn.
    pub(super) fn occupy(&mut self, area: Box, weight: f64) {
        self.taken.push((area, weight));
    }

    /// What it costs to write over `area`.
    pub(super) fn cost(&self, area: Box) -> f64 {
        self.taken
            .iter()
            .filter(|(t, _)| t[0] < area[2] && t[2] > area[0] && t[1] < area[3] && t[3] > area[1])
            .map(|(t, weight)| {
                let overlap = (t[2].min(area[2]) - t[0].max(area[0])) * (t[3].min(area[3]) - t[1].max(area[1]));
                weight * (0.2 + overlap / ((t[2] - t[0]) * (t[3] - t[1])).max(1e-6))
            })
            .sum()
    }

    /// The cheapest of the candidate middles (each with its own extra cost) for a box of `size` within `frame`; it is then taken.
    /// Where none lies within the frame the first will do.
    pub(super) fn place(&mut self, size: [f64; 2], frame: Box, candidates: &[([f64; 2], f64)]) -> Option<[f64; 2]> {
        let best = self.cheapest(size, frame, candidates).map(|b| b.1);
        self.take(size, best.or_else(|| candidates.first().map(|c| c.0))?)
    }

    /// The same, but only where it lies within the frame and overlaps no other label.
    pub(super) fn place_clear(
        &mut self,
        size: [f64; 2],
        frame: Box,
        candidates: &[([f64; 2], f64)],
    ) -> Option<[f64; 2]> {
        let clear: Vec<([f64; 2], f64)> =
            candidates.iter().filter(|c| !self.covers_label(around(c.0, size))).copied().collect();
        let (_, at) = self.cheapest(size, frame, &clear)?;
        self.take(size, at)
    }

    fn covers_label(&self, area: Box) -> bool {
        self.taken
            .iter()
            .any(|(t, w)| *w >= LABEL && t[0] < area[2] && t[2] > area[0] && t[1] < area[3] && t[3] > area[1])
    }

    fn take(&mut self, size: [f64; 2], at: [f64; 2]) -> Option<[f64; 2]> {
        self.occupy(around(at, size), LABEL);
        Some(at)
    }

    fn cheapest(&self, size: [f64; 2], frame: Box, candidates: &[([f64; 2], f64)]) -> Option<(f64, [f64; 2])> {
        let mut best: Option<(f64, [f64; 2])> = None;
        for &(c, extra) in candidates {
            let area = around(c, size);
            if area[0] < frame[0] || area[1] < frame[1] || area[2] > frame[2] || area[3] > frame[3] {
                continue;
            }
            let cost = extra + self.cost(area);
            if best.is_none_or(|b| cost < b.0) {
                best = Some((cost, c));
            }
        }
        best
    }
}

fn around(c: [f64; 2], size: [f64; 2]) -> Box {
    [c[0] - size[0] / 2.0, c[1] - size[1] / 2.0, c[0] + size[0] / 2.0, c[1] + size[1] / 2.0]
}

/// Places inside polygons (closed rings on the sheet) and a frame, the roomiest first, each with its distance to the border of the
/// polygon in millimetres.
pub(super) fn roomy(polygons: &[Vec<Vec<[f64; 2]>>], frame: Box) -> Vec<([f64; 2], f64)> {
    let mut found: Vec<([f64; 2], f64)> = Vec::new();
    for rings in polygons {
        let Some(exterior) = rings.first() else { continue };
        let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for p in exterior {
            lo = [lo[0].min(p[0]), lo[1].min(p[1])];
            hi = [hi[0].max(p[0]), hi[1].max(p[1])];
        }
        lo = [lo[0].max(frame[0]), lo[1].max(frame[1])];
        hi = [hi[0].min(frame[2]), hi[1].min(frame[3])];
        if lo[0] > hi[0] || lo[1] > hi[1] {
            continue;
        }
        const STEPS: u32 = 18;
        for i in 0..STEPS {
            for j in 0..STEPS {
                let share = |k: u32| (f64::from(k) + 0.5) / f64::from(STEPS);
                let p = [lo[0] + (hi[0] - lo[0]) * share(i), lo[1] + (hi[1] - lo[1]) * share(j)];
                if rings.iter().filter(|r| inside(r, p)).count() % 2 == 1 {
                    let room = rings.iter().map(|r| distance(r, p)).fold(f64::INFINITY, f64::min);
                    found.push((p, room));
                }
            }
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

pub(super) fn inside(ring: &[[f64; 2]], p: [f64; 2]) -> bool {
    ring.windows(2).fold(false, |odd, w| {
        let (a, b) = (w[0], w[1]);
        let hit = (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
        odd ^ hit
    })
}

fn distance(ring: &[[f64; 2]], p: [f64; 2]) -> f64 {
    ring.windows(2)
        .map(|w| {
            let (dx, dy) = (w[1][0] - w[0][0], w[1][1] - w[0][1]);
            let l2 = dx * dx + dy * dy;
            let t = if l2 > 0.0 { (((p[0] - w[0][0]) * dx + (p[1] - w[0][1]) * dy) / l2).clamp(0.0, 1.0) } else { 0.0 };
            (w[0][0] + t * dx - p[0]).hypot(w[0][1] + t * dy - p[1])
        })
        .fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_label_goes_where_the_first_is_not() {
        let mut placer = Placer::default();
        let frame = [0.0, 0.0, 100.0, 100.0];
        let spots = [([50.0, 50.0], 0.0), ([60.0, 50.0], 1.0)];
        assert_eq!(placer.place([8.0, 4.0], frame, &spots), Some([50.0, 50.0]));
        assert_eq!(placer.place([8.0, 4.0], frame, &spots), Some([60.0, 50.0]));
    }

    #[test]
    fn a_label_without_clear_room_is_not_placed() {
        let mut placer = Placer::default();
        let frame = [0.0, 0.0, 100.0, 100.0];
        placer.occupy([0.0, 0.0, 100.0, 52.0], 40.0);
        let spots = [([50.0, 50.0], 0.0)];
        assert_eq!(placer.place_clear([8.0, 4.0], frame, &spots), Some([50.0, 50.0]), "symbols may be written over");
        assert_eq!(placer.place_clear([8.0, 4.0], frame, &spots), None, "labels may not");
        assert_eq!(placer.place_clear([8.0, 4.0], frame, &[([99.0, 90.0], 0.0)]), None, "nor may the frame");
    }

    #[test]
    fn roomiest_place_of_a_square_is_its_middle() {
        let ring = vec![[0.0, 0.0], [18.0, 0.0], [18.0, 18.0], [0.0, 18.0], [0.0, 0.0]];
        let first = roomy(&[vec![ring.clone()]], [-5.0, -5.0, 50.0, 50.0])[0];
        assert!((first.0[0] - 9.0).abs() < 1.0 && first.1 > 8.0);
        let first = roomy(&[vec![ring.clone()]], [12.0, 0.0, 50.0, 50.0])[0];
        assert!(first.0[0] > 12.0 && first.0[0] < 14.0);
        assert!(roomy(&[vec![ring]], [20.0, 0.0, 50.0, 50.0]).is_empty());
    }
}
