//! Incidents of one year: where people live, more of them at hot spots, one of which is only emerging.

use super::cells;
use super::county::County;
use super::dice::{Dice, Stage, shared};
use super::settle::Content;

/// The year of the incidents.
const YEAR: u32 = 2025;
const MINUTES: f64 = 365.0 * 1_440.0;
/// Categories with their weights; special-group service (特殊人群服务) is off by default and stays out.
const CATEGORIES: &[(&str, f64)] = &[
    ("民生服务", 0.27),
    ("矛盾劝解", 0.24),
    ("治安防控", 0.16),
    ("社情民意", 0.12),
    ("政策宣传", 0.09),
    ("突发事件", 0.05),
    ("其他", 0.07),
];
const LEVELS: &[(&str, f64)] = &[("网格", 0.7), ("村", 0.2), ("乡镇", 0.08), ("县", 0.02)];
const OPEN: &[&str] = &["已上报", "已受理", "已派遣", "处置中", "已处置", "已核查"];

/// One incident.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    /// Minutes since the start of the year, local time.
    pub(super) minute: u32,
    pub(super) category: &'static str,
    pub(super) level: &'static str,
    pub(super) status: &'static str,
    pub(super) at: [f64; 2],
}

/// How many incidents a village gets: everywhere, and at each of its hot spots.
#[derive(Clone, Debug, Default)]
pub(super) struct Share {
    pub(super) anywhere: u32,
    /// Number and whether it is only emerging.
    pub(super) hot: Vec<(u32, bool)>,
}

/// Shares the incidents over the villages.
pub(super) fn shares(county: &County) -> Vec<Share> {
    let total = county.options.incidents;
    let mut dice = Dice::new(county.options.seed, Stage::Incidents, u64::MAX);
    let mut out = vec![Share::default(); county.villages.len()];
    let loud: Vec<usize> = (0..out.len()).filter(|&v| !county.villages[v].silent).collect();
    let mut rest = total;
    if total >= 50 && !loud.is_empty() {
        let spots = loud.len().div_ceil(5).clamp(2, 80);
        let each: Vec<f64> = (0..spots).map(|i| if i == 0 { 1.3 } else { dice.between(0.6, 1.4) }).collect();
        let hot = (f64::from(total) * 0.34) as u32;
        for (i, n) in shared(hot, &each).into_iter().enumerate() {
            // The first seat's town is always one; the emerging one lies elsewhere.
            let v = if i == 1 { loud[0] } else { loud[dice.below(loud.len())] };
            out[v].hot.push((n, i == 0));
            rest -= n;
        }
    }
    let weights: Vec<f64> = county
        .villages
        .iter()
        .map(|v| if v.silent { 0.0 } else { f64::from(v.households) * dice.between(0.6, 1.4) })
        .collect();
    for (s, n) in out.iter_mut().zip(shared(rest, &weights)) {
        s.anywhere = n;
    }
    out
}

/// The incidents of village `index`.
pub(super) fn incidents(county: &County, index: usize, content: &Content, share: &Share) -> Vec<Incident> {
    let Some(plan) = county.villages.get(index) else { return Vec::new() };
    let mut dice = Dice::new(county.options.seed, Stage::Incidents, index as u64);
    let lived_in: Vec<[f64; 2]> =
        content.buildings.iter().flat_map(|b| std::iter::repeat_n(b.at, b.dwellings.len())).collect();
    if lived_in.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    for _ in 0..share.anywhere {
        let at = lived_in[dice.below(lived_in.len())];
        let minute = moment(dice.unit(), &mut dice);
        out.push(incident(near(&plan.polygons, at, 28.0, &mut dice), minute, &[1.0; 7], &mut dice));
    }
    for &(n, emerging) in &share.hot {
        let at = lived_in[dice.below(lived_in.len())];
        let spread = dice.between(50.0, 95.0);
        // A hot spot has a trade of its own: quarrels in one place, thefts in another.
        let mut bias = [1.0; 7];
        bias[dice.below(3)] = 4.0;
        for _ in 0..n {
            // Emerging: hardly anything before the last third of the year, most in its last weeks.
            let share = if emerging { 1.0 - 0.33 * dice.unit() * dice.unit() } else { dice.unit() };
            let minute = moment(share, &mut dice);
            out.push(incident(near(&plan.polygons, at, spread, &mut dice), minute, &bias, &mut dice));
        }
    }
    out
}

/// A place about `at`, inside the village.
fn near(polygons: &[Vec<Vec<[f64; 2]>>], at: [f64; 2], spread_m: f64, dice: &mut Dice) -> [f64; 2] {
    for _ in 0..8 {
        let p = [at[0] + dice.normal(0.0, spread_m), at[1] + dice.normal(0.0, spread_m)];
        if cells::inside(polygons, p) && cells::outline_distance_m(polygons, p) > 1.0 {
            return p;
        }
    }
    at
}

/// A minute of the year about this share of it, at an hour when people are awake rather than not.
fn moment(share: f64, dice: &mut Dice) -> u32 {
    let day = (share * 365.0).min(364.0) as u32;
    let hour = dice.weighted(&[
        0.4, 0.3, 0.2, 0.2, 0.2, 0.3, 0.6, 1.0, 1.6, 2.0, 2.0, 1.8, 1.4, 1.4, 1.7, 1.9, 1.9, 1.8, 1.8, 2.0, 1.9, 1.5,
        1.0, 0.6,
    ]) as u32;
    day * 1_440 + hour * 60 + dice.whole(0, 59)
}

fn incident(at: [f64; 2], minute: u32, bias: &[f64; 7], dice: &mut Dice) -> Incident {
    let weights: Vec<f64> = CATEGORIES.iter().zip(bias).map(|(c, b)| c.1 * b).collect();
    let category = CATEGORIES.get(dice.weighted(&weights)).map_or("", |c| c.0);
    let levels: Vec<f64> = LEVELS.iter().map(|l| l.1).collect();
    let level = LEVELS.get(dice.weighted(&levels)).map_or("", |l| l.0);
    let age_days = (MINUTES - f64::from(minute)) / 1_440.0;
    let status = if dice.chance(0.04) {
        "不予受理"
    } else if dice.chance((age_days / 25.0).min(0.97)) {
        "已办结"
    } else {
        dice.pick(OPEN)
    };
    Incident { minute, category, level, status, at }
}

/// ISO 8601 with the offset of Chinese time.
pub(super) fn written(minute: u32) -> String {
    const DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut day = minute / 1_440;
    let mut month = 1;
    for d in DAYS {
        if day < d {
            break;
        }
        day -= d;
        month += 1;
    }
    format!("{YEAR}-{month:02}-{:02}T{:02}:{:02}:00+08:00", day + 1, minute / 60 % 24, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_written_as_dates() {
        assert_eq!(written(0), "2025-01-01T00:00:00+08:00");
        assert_eq!(written(59 * 1_440 + 61), "2025-03-01T01:01:00+08:00");
        assert_eq!(written(365 * 1_440 - 1), "2025-12-31T23:59:00+08:00");
    }
}
