//! The datum a layer seems to be in: whether it lies beside its villages as Chinese web maps would put it.

use crate::space::datum::Crs;
use crate::space::outlines::Outlines;

/// Places looked at, spread over the layer.
const SAMPLE: usize = 4_000;
/// Fewest places from which anything is concluded.
const FEWEST: usize = 20;

/// A datum that a layer seems to be in, though nobody said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// `gcj02` or `bd09`.
    pub datum: &'static str,
    /// Places looked at.
    pub looked_at: usize,
    /// Places inside their village as the file has them.
    pub inside: usize,
    /// Places inside their village once taken for that datum.
    pub inside_converted: usize,
}

impl std::fmt::Display for Suspicion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { datum, looked_at, inside, inside_converted } = self;
        let name = if *datum == "gcj02" { "GCJ-02" } else { "BD-09" };
        write!(
            f,
            "疑似 {name} 坐标：{looked_at} 个点中 {inside} 个落在本村内，按 {name} 换算后有 {inside_converted} 个；未作改动，如属实请加 --crs {datum}\nlooks like {name}: of {looked_at} places {inside} lie in their village, {inside_converted} once converted from {name}; nothing was shifted; if it is so, say --crs {datum}"
        )
    }
}

/// A sample of a layer's places with their villages.
#[derive(Debug, Default)]
pub(super) struct Sample {
    places: Vec<([f64; 2], Option<String>)>,
    seen: usize,
    every: usize,
}

impl Sample {
    /// Takes a place into the sample, or not; the sample stays spread evenly over all places seen.
    pub(super) fn push(&mut self, c: [f64; 2], village: Option<&str>) {
        self.every = self.every.max(1);
        if self.seen.is_multiple_of(self.every) {
            self.places.push((c, village.map(str::to_owned)));
            if self.places.len() >= SAMPLE {
                let mut keep = false;
                self.places.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.every *= 2;
            }
        }
        self.seen += 1;
    }

    /// What the layer looks like: converting back must put clearly more places inside, by a tenth of all and by three standard
    /// deviations of a fair coin over the places that change sides.
    pub(super) fn suspicion(&self, outlines: &Outlines) -> Option<Suspicion> {
        let places: Vec<_> =
            self.places.iter().map(|(c, village)| (*c, village.as_deref().filter(|v| outlines.knows(v)))).collect();
        let n = places.len();
        if n < FEWEST || outlines.is_empty() {
            return None;
        }
        let inside: Vec<bool> = places.iter().map(|(c, v)| outlines.find(*c, *v)).collect();
        let count = inside.iter().filter(|i| **i).count();
        let mut best: Option<Suspicion> = None;
        for (datum, crs) in [("gcj02", Crs::Gcj02), ("bd09", Crs::Bd09)] {
            let (mut converted, mut won, mut lost) = (0, 0_usize, 0_usize);
            for ((c, v), before) in places.iter().zip(&inside) {
                let p = crs.to_wgs84(*c);
                let after = outlines.find([p.lon_deg, p.lat_deg], *v);
                converted += usize::from(after);
                won += usize::from(after && !before);
                lost += usize::from(!after && *before);
            }
            let gain = won.saturating_sub(lost);
            let clear = gain * 10 >= n && (gain * gain) as f64 > 9.0 * (won + lost) as f64;
            if clear && best.as_ref().is_none_or(|b| converted > b.inside_converted) {
                best = Some(Suspicion { datum, looked_at: n, inside: count, inside_converted: converted });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Region;

    /// A square village of about 1.1 km near Anshun.
    fn village(code: &str, lon: f64, lat: f64) -> Region {
        let r = 0.005;
        let ring =
            vec![[lon - r, lat - r], [lon + r, lat - r], [lon + r, lat + r], [lon - r, lat + r], [lon - r, lat - r]];
        let (code, name, level) = (Some(code.to_owned()), None, "village".to_owned());
        Region { code, name, level, polygons: vec![vec![ring]] }
    }

    fn sample(shift: impl Fn([f64; 2]) -> [f64; 2]) -> Option<Suspicion> {
        let outlines = Outlines::new(&[village("a", 105.93, 26.24), village("b", 105.94, 26.24)]);
        let mut sample = Sample::default();
        for i in 0..2000 {
            let (u, v) = ((f64::from(i) * 0.618_034).fract() - 0.5, (f64::from(i) * 0.414_214).fract() - 0.5);
            let (code, lon) = if i % 2 == 0 { ("a", 105.93) } else { ("b", 105.94) };
            sample.push(shift([lon + u * 0.009, 26.24 + v * 0.009]), Some(code));
        }
        sample.suspicion(&outlines)
    }

    /// The public shift, found by inverting the conversion.
    fn to_gcj02(p: [f64; 2]) -> [f64; 2] {
        let mut c = p;
        for _ in 0..20 {
            let back = Crs::Gcj02.to_wgs84(c);
            c = [c[0] + p[0] - back.lon_deg, c[1] + p[1] - back.lat_deg];
        }
        c
    }

    #[test]
    fn a_layer_in_gcj02_is_suspected_and_one_in_place_or_shifted_otherwise_is_not() {
        let s = sample(to_gcj02).expect("suspected");
        assert_eq!(s.datum, "gcj02");
        assert!(s.inside_converted == s.looked_at && s.inside * 10 < s.looked_at * 9, "{s:?}");
        assert_eq!(sample(|c| c), None);
        // The opposite way, as far.
        assert_eq!(
            sample(|c| {
                let g = to_gcj02(c);
                [2.0 * c[0] - g[0], 2.0 * c[1] - g[1]]
            }),
            None
        );
    }
}
