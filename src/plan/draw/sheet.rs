//! The sheet: where the map lies on A3 and at what scale.

use crate::domain::{LonLat, Point};
use crate::space::projection::LocalProjection;

/// A3, landscape.
pub(super) const PAGE_MM: [f64; 2] = [420.0, 297.0];
/// The map's frame: left, top, right, bottom.
pub(super) const MAP_MM: [f64; 4] = [10.0, 32.0, 306.0, 287.0];
/// The panel beside it.
pub(super) const PANEL_MM: [f64; 4] = [311.0, 32.0, 410.0, 287.0];
/// Free margin around what is drawn.
const MARGIN_MM: f64 = 9.0;

/// From positions of the files to places on the sheet.
pub(super) struct Sheet {
    projection: Option<LocalProjection>,
    /// The middle of the map, in metres of the plane.
    middle_m: [f64; 2],
    /// Where it is drawn: left, top, right, bottom.
    pub(super) frame: [f64; 4],
    /// Metres on the ground for a millimetre on the sheet: the scale is 1 : 1000 times this.
    pub(super) metres_per_mm: f64,
}

impl Sheet {
    /// The sheet that shows all of `positions` (degrees, or metres when `planar`) at the greatest round scale.
    pub(super) fn around<'a>(positions: impl Iterator<Item = &'a [f64; 2]>, planar: bool) -> Self {
        let all: Vec<[f64; 2]> = positions.copied().collect();
        let middle_of = |all: &[[f64; 2]]| {
            let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
            for p in all {
                lo = [lo[0].min(p[0]), lo[1].min(p[1])];
                hi = [hi[0].max(p[0]), hi[1].max(p[1])];
            }
            if lo[0] > hi[0] {
                return ([0.0; 2], [0.0; 2]);
            }
            ([(lo[0] + hi[0]) / 2.0, (lo[1] + hi[1]) / 2.0], [hi[0] - lo[0], hi[1] - lo[1]])
        };
        let (c, _) = middle_of(&all);
        let projection = (!planar).then(|| LocalProjection::centred_on(LonLat { lon_deg: c[0], lat_deg: c[1] }));
        let mut sheet = Self { projection, middle_m: [0.0; 2], frame: MAP_MM, metres_per_mm: 1.0 };
        let local: Vec<[f64; 2]> = all.iter().map(|&p| sheet.metres(p)).collect();
        let (middle, extent) = middle_of(&local);
        sheet.middle_m = middle;
        let room = [MAP_MM[2] - MAP_MM[0] - 2.0 * MARGIN_MM, MAP_MM[3] - MAP_MM[1] - 2.0 * MARGIN_MM];
        let needed = (extent[0] / room[0]).max(extent[1] / room[1]).max(0.05);
        sheet.metres_per_mm = round_up(needed, &[1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0, 10.0]);
        sheet
    }

    /// The map about a place on this one, at another scale and in another frame.
    pub(super) fn enlarged(&self, at: [f64; 2], metres_per_mm: f64, frame: [f64; 4]) -> Self {
        let centre = middle(self.frame);
        let middle_m = [
            self.middle_m[0] + (at[0] - centre[0]) * self.metres_per_mm,
            self.middle_m[1] - (at[1] - centre[1]) * self.metres_per_mm,
        ];
        Self { projection: self.projection.clone(), middle_m, frame, metres_per_mm }
    }

    fn metres(&self, p: [f64; 2]) -> [f64; 2] {
        match &self.projection {
            None => p,
            Some(t) => {
                let q = t.forward(LonLat { lon_deg: p[0].clamp(-180.0, 180.0), lat_deg: p[1].clamp(-89.9, 89.9) });
                let Point { x, y } = q;
                [x, y]
            }
        }
    }

    /// A position of a file on the sheet, in millimetres from its upper left corner.
    pub(super) fn place(&self, p: [f64; 2]) -> [f64; 2] {
        let m = self.metres(p);
        let centre = middle(self.frame);
        // Far-away parts of barriers stay within what renderers can handle.
        let at = |v: f64| v.clamp(-1e5, 1e5);
        [
            at(centre[0] + (m[0] - self.middle_m[0]) / self.metres_per_mm),
            at(centre[1] - (m[1] - self.middle_m[1]) / self.metres_per_mm),
        ]
    }

    /// Length of the scale bar in round metres, about 50 mm on the sheet at most.
    pub(super) fn bar_m(&self) -> f64 {
        let most = 55.0 * self.metres_per_mm;
        let power = 10_f64.powf(most.log10().floor());
        [5.0, 2.0, 1.0].iter().map(|k| k * power).find(|&v| v <= most).unwrap_or(power)
    }
}

fn middle(frame: [f64; 4]) -> [f64; 2] {
    [(frame[0] + frame[2]) / 2.0, (frame[1] + frame[3]) / 2.0]
}

/// The scale in figures.
pub(super) fn scale_words(sheet: &Sheet) -> String {
    let digits = ((sheet.metres_per_mm * 1_000.0).round() as u64).to_string();
    let mut grouped = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    format!("1 : {grouped}")
}

/// The smallest of `steps` × a power of ten that is not below `v` (positive).
pub(super) fn round_up(v: f64, steps: &[f64]) -> f64 {
    let power = 10_f64.powf(v.log10().floor());
    steps.iter().map(|s| s * power).find(|s| *s >= v * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_lies_inside_the_frame_and_north_is_up() {
        let all = [[105.60, 25.95], [105.64, 25.99], [105.61, 25.97]];
        let sheet = Sheet::around(all.iter(), false);
        for p in all {
            let q = sheet.place(p);
            assert!(q[0] > MAP_MM[0] && q[0] < MAP_MM[2] && q[1] > MAP_MM[1] && q[1] < MAP_MM[3]);
        }
        assert!(sheet.place(all[1])[1] < sheet.place(all[0])[1]);
    }

    #[test]
    fn an_enlarged_map_shows_its_middle_in_its_frame() {
        let all = [[0.0, 0.0], [3_000.0, 1_000.0]];
        let sheet = Sheet::around(all.iter(), true);
        let at = sheet.place([500.0, 250.0]);
        let large = sheet.enlarged(at, sheet.metres_per_mm / 4.0, [20.0, 40.0, 60.0, 80.0]);
        let [x, y] = large.place([500.0, 250.0]);
        assert!((x - 40.0).abs() < 1e-9 && (y - 60.0).abs() < 1e-9);
        let [x, y] = large.place([600.0, 250.0]);
        assert!((x - 40.0 - 400.0 / sheet.metres_per_mm).abs() < 1e-9 && (y - 60.0).abs() < 1e-9);
        assert_eq!(scale_words(&sheet), "1 : 12,500");
    }

    #[test]
    fn scales_and_bars_are_round() {
        assert_eq!(round_up(10.4, &[1.0, 1.25, 2.0]), 12.5);
        let sheet = Sheet::around([[0.0, 0.0], [2_900.0, 1_000.0]].iter(), true);
        assert_eq!((sheet.metres_per_mm, sheet.bar_m()), (12.5, 500.0));
    }
}
