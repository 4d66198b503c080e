//! `lianhu knox`.

use crate::domain::LonLat;
use crate::exchange::{Cell, FieldType};
use crate::hotspot::knox::{KnoxBands, KnoxField, knox};

use super::cell_files::{Sheet, write_table};
use super::commands::{Failure, Outcome};
use super::hotspot_args::KnoxArgs;
use super::hotspots::{DAY_S, EXPLAINED, bad, in_window, incidents, real, whole};
use super::outputs;

/// Most bands of one kind.
const MOST_BANDS: usize = 50;
/// Fields with a greater p are not spoken of.
const SPOKEN_P: f64 = 0.05;
const FIELDS: &[(&str, FieldType)] = &[
    ("from_m", FieldType::Real),
    ("to_m", FieldType::Real),
    ("from_days", FieldType::Real),
    ("to_days", FieldType::Real),
    ("observed", FieldType::Whole),
    ("expected", FieldType::Real),
    ("ratio", FieldType::Real),
    ("p", FieldType::Real),
];

fn check_bands(flag: &str, bands: usize, ascends: bool) -> Result<(), Failure> {
    if (1..=MOST_BANDS).contains(&bands) && ascends {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{flag} 应为由小到大的 1–{MOST_BANDS} 个值，用逗号分开\n{flag}: 1 to {MOST_BANDS} ascending values, with commas between them"
    )))
}

fn days(seconds: i64) -> f64 {
    seconds as f64 / DAY_S as f64
}

fn ratio(f: &KnoxField) -> Option<f64> {
    (f.expected > 0.0).then(|| f.observed as f64 / f.expected)
}

/// Counts pairs that are near in place and time.
pub(super) fn run(a: &KnoxArgs) -> Outcome {
    outputs::check("--out", &a.out, outputs::TABLES)?;
    check_bands("--distances", a.distances.len(), a.distances.is_sorted_by(|a, b| a < b))?;
    check_bands("--days", a.days.len(), a.days.is_sorted_by(|a, b| a < b))?;
    let read = incidents(&a.input)?;
    let (places, times_s): (Vec<LonLat>, Vec<i64>) = in_window(&read, a.window, a.as_of)?.into_iter().unzip();
    if places.len() < 2 {
        let n = places.len();
        return Err(bad(format!(
            "{n} 件事件不成对，无从比较\n{n} incidents make no pair: there is nothing to compare"
        )));
    }
    let bands = KnoxBands { distances_m: a.distances.clone(), times_s: a.days.clone() };
    let table = knox(&places, &times_s, &bands, a.permutations, a.seed).map_err(bad)?;
    let dealt = a.permutations > 0;
    let row = |_: usize, f: &KnoxField| {
        vec![
            Cell::Real(f.from_m),
            Cell::Real(f.to_m),
            Cell::Real(days(f.from_s)),
            Cell::Real(days(f.to_s)),
            whole(f.observed),
            Cell::Real(f.expected),
            real(ratio(f)),
            real(dealt.then_some(f.p)),
        ]
    };
    write_table(&a.out, &Sheet { layer: "knox", fields: FIELDS }, &table, row)?;
    let mut many: Vec<&KnoxField> = table.iter().filter(|f| dealt && f.observed > 0 && f.p <= SPOKEN_P).collect();
    let excess = |f: &KnoxField| ratio(f).unwrap_or(f64::INFINITY);
    many.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| excess(b).total_cmp(&excess(a))));
    for f in many.iter().take(EXPLAINED) {
        outln!(
            "相距 {0:.0}–{1:.0} 米、{2}–{3} 天以内：{4} 对，预期 {5:.1} 对，p = {6:.4}\n\
             {0:.0} to {1:.0} m and {2} to {3} days apart: {4} pairs where {5:.1} were to be expected, p = {6:.4}",
            f.from_m,
            f.to_m,
            days(f.from_s),
            days(f.to_s),
            f.observed,
            f.expected,
            f.p
        );
    }
    outln!(
        "{0} 格中 {1} 格 p ≤ {SPOKEN_P}（每格单独检验，全凭偶然也约有 {2:.1} 格；种子 {3}） → {4}\n\
         {1} of {0} fields have p ≤ {SPOKEN_P} (each is tested by itself: chance alone brings about {2:.1}; seed {3}) → {4}",
        table.len(),
        many.len(),
        table.len() as f64 * SPOKEN_P,
        a.seed,
        a.out.display()
    );
    Ok(0)
}
