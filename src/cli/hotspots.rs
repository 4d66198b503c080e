//! `lianhu hotspots`, `lianhu trends`, `lianhu scan`.

use compact_str::ToCompactString as _;
use geo::{Geometry, MultiPolygon};
use h3o::Resolution;

use crate::domain::{LonLat, Positions};
use crate::exchange::{
    self, Cell, FieldType, OccurrenceError, Occurrences, OpenOptions, Read, ReadOptions, read_boundary,
    read_cell_counts, read_occurrences,
};
use crate::hotspot::cells::{Belonging, cell_of, centre, resolution};
use crate::hotspot::emerging::{Cube, MOST_BINS, MOST_STEPS, Pattern, TrendOptions, trends};
use crate::hotspot::scan::{Occurrence, ScanOptions, scan};
use crate::hotspot::trend::FEWEST_STEPS;
use crate::hotspot::{Area, CellSet, HexCell, HotCell, HotClass, HotspotOptions, Neighbourhood, Note, Study, hotspots};

use super::cell_files::{Sheet, write};
use super::commands::{Failure, Outcome};
use super::hotspot_args::{HotspotsArgs, ScanArgs, TrendsArgs};
use super::outputs;
use super::surroundings::Polygons;

/// China has one time zone: a day begins and ends there.
const CHINA_S: i64 = 8 * 3_600;
pub(super) const DAY_S: i64 = 86_400;
/// Cells whose account is shown.
pub(super) const EXPLAINED: usize = 3;
const HOTSPOT_FIELDS: &[(&str, FieldType)] = &[
    ("h3", FieldType::Text),
    ("count", FieldType::Whole),
    ("expected", FieldType::Real),
    ("neighbours", FieldType::Whole),
    ("z", FieldType::Real),
    ("p", FieldType::Real),
    ("p_sim", FieldType::Real),
    ("fdr05", FieldType::Whole),
    ("class", FieldType::Text),
];
const TREND_FIELDS: &[(&str, FieldType)] = &[
    ("h3", FieldType::Text),
    ("count", FieldType::Whole),
    ("hot_steps", FieldType::Whole),
    ("cold_steps", FieldType::Whole),
    ("tau", FieldType::Real),
    ("trend_z", FieldType::Real),
    ("trend_p", FieldType::Real),
    ("last_z", FieldType::Real),
    ("last_p", FieldType::Real),
    ("class", FieldType::Text),
];
const SCAN_FIELDS: &[(&str, FieldType)] = &[
    ("rank", FieldType::Whole),
    ("lon", FieldType::Real),
    ("lat", FieldType::Real),
    ("radius_m", FieldType::Real),
    ("cells", FieldType::Whole),
    ("from", FieldType::Date),
    ("to", FieldType::Date),
    ("observed", FieldType::Whole),
    ("expected", FieldType::Real),
    ("ratio", FieldType::Real),
    ("log_ratio", FieldType::Real),
    ("p", FieldType::Real),
    ("recurrence_days", FieldType::Real),
];

pub(super) fn bad(e: impl std::fmt::Display) -> Failure {
    Failure::input(e)
}

fn unread(e: OccurrenceError) -> Failure {
    match e {
        OccurrenceError::Gate(exchange::gate::GateError::Read(e)) => Failure::read(e),
        e => Failure::input(e),
    }
}

fn options() -> OpenOptions {
    let isolation = exchange::Isolation::apart();
    OpenOptions { isolation, ..OpenOptions::default() }
}

/// Says what was read and keeps its content.
fn told<T>(path: &str, read: Read<T>) -> T {
    if !read.dropped_columns.is_empty() {
        errln!("未保留的个人信息列 personal columns, not kept: {}", read.dropped_columns.join("、"));
    }
    for warning in &read.warnings {
        errln!("{warning}");
    }
    outln!("lianhu {} · {path} sha256 {}", env!("CARGO_PKG_VERSION"), read.sha256_hex);
    read.value
}

pub(super) fn incidents(path: &str) -> Result<Occurrences, Failure> {
    let read = told(path, read_occurrences(path, &options()).map_err(unread)?);
    if read.places.is_empty() {
        return Err(bad(match read.unplaced {
            0 => format!(
                "{path}：只有表头，没有事件：请检查导出的时间范围后重新导出\n{path}: there is no incident, only a header: look at what was exported, and export it again"
            ),
            n => format!(
                "{path}：{n} 件事件都没有地点（经度、纬度列不存在或为空）：请补上坐标后重试\n{path}: there is no place for any of the {n} incidents (columns lon and lat are not there, or empty): add them and try again"
            ),
        }));
    }
    if read.unplaced > 0 {
        errln!("{0} 件事件没有地点，未计入\n{0} incidents say no place and are not counted", read.unplaced);
    }
    Ok(read)
}

fn cells_of(places: &[LonLat], resolution: Resolution) -> Vec<HexCell> {
    places.iter().filter_map(|p| cell_of(*p, resolution)).collect()
}

fn notes(list: &[Note]) {
    for note in list {
        outln!("{note}");
    }
}

fn shown(at_s: i64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(at_s + CHINA_S).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// Incidents at or before the end of the window, and after its beginning: where and when.
pub(super) fn in_window(
    read: &Occurrences,
    window: Option<i64>,
    as_of: Option<i64>,
) -> Result<Vec<(LonLat, i64)>, Failure> {
    let latest = read.occurred_s.iter().copied().max();
    let Some(end) = as_of.or(latest) else {
        return Err(bad("文件中没有事件 / there is no incident in the file"));
    };
    let begin = window.map_or(i64::MIN, |w| end.saturating_sub(w));
    let inside = |t: i64| t > begin && t <= end;
    let all = read.places.iter().copied().zip(read.occurred_s.iter().copied());
    let kept: Vec<(LonLat, i64)> = all.filter(|(_, t)| inside(*t)).collect();
    outln!(
        "截至 {0}（北京时间）：{1} / {2} 件事件\nuntil {0} (UTC+8): {1} of {2} incidents",
        shown(end),
        kept.len(),
        read.places.len()
    );
    Ok(kept)
}

/// Where counts are, and how many there are.
struct Counted {
    area: Area,
    counts: Vec<u32>,
    households: Option<Vec<u64>>,
}

/// Judges the cells of one period.
pub(super) fn run_hotspots(a: &HotspotsArgs) -> Outcome {
    outputs::check("--out", &a.out, outputs::MAPS)?;
    let counted = if a.cells { of_cells(a)? } else { of_incidents(a)? };
    let study = Study {
        cells: &counted.area.cells,
        counts: &counted.counts,
        households: counted.households.as_deref(),
        inside: counted.area.inside.as_deref(),
    };
    let options = HotspotOptions {
        neighbourhood: a.weights,
        permutations: a.permutations,
        seed: a.seed,
        alpha: a.fdr,
        method: a.fdr_method.into(),
    };
    let found = hotspots(&study, &options).map_err(bad)?;
    let sheet = Sheet { layer: "hotspots", fields: HOTSPOT_FIELDS };
    write(&a.out, &sheet, &found.cells, hotspot_row, |c| outline([c.cell].as_slice()))?;
    notes(&counted.area.notes);
    notes(&found.notes);
    let of = |class: HotClass| found.cells.iter().filter(|c| c.class == class).count();
    let mut hot: Vec<&HotCell> = found.cells.iter().filter(|c| c.class == HotClass::Hot).collect();
    hot.sort_by_key(|c| c.rank);
    hot.iter().take(EXPLAINED).for_each(|c| outln!("{}", c.explanation()));
    let (cells, cold) = (found.cells.len(), of(HotClass::Cold));
    outln!(
        "六边形 {cells} 个：热点 {0}，冷点 {cold}（错误发现率 {1}，种子 {2}） → {3}\n\
         {cells} hexagons: {0} hot, {cold} cold (false discoveries {1}, seed {2}) → {3}",
        hot.len(),
        a.fdr,
        a.seed,
        a.out.display()
    );
    Ok(0)
}

fn of_cells(a: &HotspotsArgs) -> Result<Counted, Failure> {
    let read = told(&a.input, read_cell_counts(&a.input, &options()).map_err(unread)?);
    if read.is_empty() {
        let path = &a.input;
        return Err(bad(format!(
            "{path}：只有表头，没有六边形：请检查导出后重试\n{path}: there is no cell, only a header: look at what was exported"
        )));
    }
    let cells = CellSet::new(read.iter().map(|c| c.0).collect()).map_err(bad)?;
    let here = cells.cells().first().map(|c| u8::from(c.resolution()));
    if let (Some(asked), Some(here)) = (a.resolution, here)
        && asked != here
    {
        return Err(Failure::usage(format!(
            "--resolution {asked} 与文件中六边形的分辨率 {here} 不同\n--resolution {asked}: the hexagons of the file have resolution {here}"
        )));
    }
    let mut counts = vec![0; cells.len()];
    for (cell, count) in &read {
        if let Some(c) = cells.find(*cell).and_then(|i| counts.get_mut(i as usize)) {
            *c = *count;
        }
    }
    let households = match (&a.rate, here) {
        (Some(path), Some(here)) => Some(households_in(path, resolution(here).map_err(bad)?, &cells)?),
        _ => None,
    };
    Ok(Counted { area: Area { cells, inside: None, notes: Vec::new() }, counts, households })
}

fn of_incidents(a: &HotspotsArgs) -> Result<Counted, Failure> {
    let resolution = resolution(a.resolution.unwrap_or_default()).map_err(bad)?;
    let read = incidents(&a.input)?;
    // The area is that of all incidents, so that it does not change with the window.
    let all = cells_of(&read.places, resolution);
    let (area, households) = match (&a.rate, &a.boundary) {
        (Some(path), _) => {
            let homes = homes_of(path, resolution)?;
            let area = Area::lived_in(&all, &homes.iter().map(|h| h.0).collect::<Vec<_>>()).map_err(bad)?;
            let households = households_of(&homes, &area.cells);
            (area, Some(households))
        }
        (None, Some(path)) => (within(path, resolution, a.weights)?, None),
        (None, None) => (Area::around(&all).map_err(bad)?, None),
    };
    let kept: Vec<LonLat> = in_window(&read, a.window, a.as_of)?.into_iter().map(|i| i.0).collect();
    let (counts, elsewhere) = area.cells.count(&cells_of(&kept, resolution));
    if elsewhere > 0 {
        outln!("{elsewhere} 件事件在研究区之外\n{elsewhere} incidents lie outside the study area");
    }
    Ok(Counted { area, counts, households })
}

fn within(path: &str, resolution: Resolution, neighbourhood: Neighbourhood) -> Result<Area, Failure> {
    let read = read_boundary(path, None, &ReadOptions::default()).map_err(Failure::read)?;
    if read.planar {
        return Err(bad(OccurrenceError::Planar(path.to_owned())));
    }
    let outline = multi_polygon(told(path, read));
    Area::within(&outline, resolution, (neighbourhood, Belonging::ByCentre)).map_err(bad)
}

fn multi_polygon(rings: Polygons) -> MultiPolygon<f64> {
    let polygon = |rings: Vec<Vec<[f64; 2]>>| {
        let mut lines = rings.into_iter().map(geo::LineString::from);
        let shell = lines.next().unwrap_or_else(|| geo::LineString::new(Vec::new()));
        geo::Polygon::new(shell, lines.collect())
    };
    MultiPolygon::new(rings.into_iter().map(polygon).collect())
}

/// Cells of households and how many each row stands for.
fn homes_of(path: &str, resolution: Resolution) -> Result<Vec<(HexCell, u64)>, Failure> {
    let read = exchange::read_households(path, None, &ReadOptions::default()).map_err(Failure::read)?;
    // Columns of a register that the count has no use for.
    let table = told(path, Read { dropped_columns: Vec::new(), ..read });
    let Positions::Geographic(places) = &table.positions else {
        return Err(bad(OccurrenceError::Planar(path.to_owned())));
    };
    let homes = places.iter().zip(&table.households);
    Ok(homes.filter(|h| *h.1 > 0).filter_map(|(p, n)| Some((cell_of(*p, resolution)?, u64::from(*n)))).collect())
}

fn households_of(homes: &[(HexCell, u64)], cells: &CellSet) -> Vec<u64> {
    let mut households = vec![0; cells.len()];
    for (cell, n) in homes {
        if let Some(h) = cells.find(*cell).and_then(|i| households.get_mut(i as usize)) {
            *h += n;
        }
    }
    households
}

fn households_in(path: &str, resolution: Resolution, cells: &CellSet) -> Result<Vec<u64>, Failure> {
    Ok(households_of(&homes_of(path, resolution)?, cells))
}

pub(super) fn real(v: Option<f64>) -> Cell {
    v.map_or(Cell::Empty, Cell::Real)
}

pub(super) fn whole(v: impl TryInto<i64>) -> Cell {
    Cell::Whole(v.try_into().unwrap_or(i64::MAX))
}

fn hotspot_row(_: usize, c: &HotCell) -> Vec<Cell> {
    vec![
        Cell::Text(c.cell.to_compact_string()),
        whole(c.count),
        Cell::Real(c.expected),
        whole(c.neighbours),
        real(c.z),
        real(c.p),
        real(c.p_sim),
        whole(u8::from(c.fdr05)),
        Cell::Text(c.class.word().into()),
    ]
}

/// The outline of some cells as one geometry.
fn outline(cells: &[HexCell]) -> Geometry<f64> {
    Geometry::MultiPolygon(MultiPolygon::new(cells.iter().flat_map(|c| MultiPolygon::from(*c).0).collect()))
}

/// Judges the course of every cell.
pub(super) fn run_trends(a: &TrendsArgs) -> Outcome {
    if !(FEWEST_STEPS..=MOST_STEPS).contains(&a.steps) {
        let e = crate::hotspot::HotspotError::Steps { given: a.steps, least: FEWEST_STEPS, most: MOST_STEPS };
        return Err(Failure::usage(e));
    }
    outputs::check("--out", &a.out, outputs::MAPS)?;
    let resolution = resolution(a.resolution).map_err(bad)?;
    let read = incidents(&a.input)?;
    let cells: Vec<Option<HexCell>> = read.places.iter().map(|p| cell_of(*p, resolution)).collect();
    let area = Area::around(&cells.iter().copied().flatten().collect::<Vec<_>>()).map_err(bad)?;
    let latest = read.occurred_s.iter().copied().max().unwrap_or(0);
    // Steps end at midnight in China, shorter ones at a whole number of steps from there.
    let grain = a.step.min(DAY_S);
    let end = (latest + CHINA_S).div_euclid(grain) * grain + grain - CHINA_S;
    let begin = end - a.step * a.steps as i64;
    let n = area.cells.len();
    let mut counts = vec![0_u32; n.saturating_mul(a.steps).min(MOST_BINS + 1)];
    let mut kept = 0_u64;
    for (cell, t) in cells.iter().zip(&read.occurred_s) {
        let step = usize::try_from((t - begin).div_euclid(a.step)).ok();
        let at = step.zip(cell.and_then(|c| area.cells.find(c))).map(|(step, i)| step * n + i as usize);
        if let Some(c) = at.and_then(|at| counts.get_mut(at)) {
            *c += 1;
            kept += 1;
        }
    }
    let options = TrendOptions { neighbourhood: Neighbourhood::Ring1, alpha: 0.05, seed: 1 };
    let found = trends(&Cube { cells: &area.cells, steps: a.steps, counts: &counts }, &options).map_err(bad)?;
    let row = |_: usize, c: &crate::hotspot::emerging::TrendCell| {
        vec![
            Cell::Text(c.cell.to_compact_string()),
            whole(c.count),
            whole(c.hot_steps),
            whole(c.cold_steps),
            real(c.trend.map(|t| t.tau)),
            real(c.trend.map(|t| t.z)),
            real(c.trend.map(|t| t.p)),
            real(c.last_z),
            real(c.last_p),
            Cell::Text(c.pattern.word().into()),
        ]
    };
    let sheet = Sheet { layer: "trends", fields: TREND_FIELDS };
    write(&a.out, &sheet, &found.cells, row, |c| outline([c.cell].as_slice()))?;
    outln!(
        "{0} 至 {1}（北京时间）：{kept} / {2} 件事件\n{0} to {1} (UTC+8): {kept} of {2} incidents",
        shown(begin),
        shown(end),
        read.places.len()
    );
    notes(&area.notes);
    notes(&found.notes);
    let mut patterns: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for c in found.cells.iter().filter(|c| c.pattern != Pattern::None) {
        *patterns.entry(c.pattern.word()).or_default() += 1;
    }
    let list: Vec<String> = patterns.iter().map(|(word, n)| format!("{word} {n}")).collect();
    let list = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    outln!("六边形 {n} 个 hexagons: {list} → {}", a.out.display());
    Ok(0)
}

/// Scans for outbreaks that are alive on the last day.
pub(super) fn run_scan(a: &ScanArgs) -> Outcome {
    outputs::check("--out", &a.out, outputs::MAPS)?;
    let read = incidents(&a.input)?;
    let day = |t: i64| (t + CHINA_S).div_euclid(DAY_S);
    let occurrences: Vec<Occurrence> =
        read.places.iter().zip(&read.occurred_s).map(|(p, t)| Occurrence { place: *p, day: day(*t) }).collect();
    let options =
        ScanOptions { radius_m: a.radius, days: a.days, last_day: None, permutations: a.permutations, seed: a.seed };
    let found = scan(&occurrences, &options).map_err(bad)?;
    let date = |day: i64| {
        time::OffsetDateTime::from_unix_timestamp(day * DAY_S).map_or_else(|_| String::new(), |d| d.date().to_string())
    };
    // Nothing was dealt, so nothing is known of chance.
    let dealt = a.permutations > 0;
    let row = |i: usize, c: &crate::hotspot::scan::Cluster| {
        let middle = centre(c.centre);
        vec![
            whole(i + 1),
            Cell::Real(middle.lon_deg),
            Cell::Real(middle.lat_deg),
            Cell::Real(c.radius_m),
            whole(c.cells.len()),
            Cell::Date(date(c.first_day).into()),
            Cell::Date(date(c.last_day).into()),
            whole(c.observed),
            Cell::Real(c.expected),
            Cell::Real(f64::from(c.observed) / c.expected),
            Cell::Real(c.log_ratio),
            real(dealt.then_some(c.p)),
            real(dealt.then_some(c.recurrence_days)),
        ]
    };
    let sheet = Sheet { layer: "clusters", fields: SCAN_FIELDS };
    write(&a.out, &sheet, &found.clusters, row, |c| outline(&c.cells))?;
    outln!(
        "{0} 至 {1}：{2} 件事件，{3} 处（H3 {4} 级）\n{0} to {1}: {2} incidents at {3} places (H3 resolution {4})",
        date(found.first_day),
        date(found.last_day),
        found.incidents,
        found.places,
        found.resolution
    );
    for c in found.clusters.iter().take(EXPLAINED) {
        let m = centre(c.centre);
        let chance = match dealt {
            true => (
                format!("，p = {:.4}，约每 {:.0} 天偶然出现一次", c.p, c.recurrence_days),
                format!(", p = {:.4}, by chance once in {:.0} days", c.p, c.recurrence_days),
            ),
            false => (String::new(), String::new()),
        };
        outln!(
            "{0} 至 {1}，({2:.4}, {3:.4}) 周围 {4:.0} 米：{5} 件，预期 {6:.1} 件{7}\n\
             {0} to {1}, {4:.0} m around ({2:.4}, {3:.4}): {5} incidents where {6:.1} were to be expected{8}",
            date(c.first_day),
            date(c.last_day),
            m.lon_deg,
            m.lat_deg,
            c.radius_m,
            c.observed,
            c.expected,
            chance.0,
            chance.1
        );
    }
    if !dealt {
        outln!(
            "未做蒙特卡洛检验（--permutations 0）：p 和 recurrence_days 留空\nno Monte Carlo test was asked for (--permutations 0): p and recurrence_days are left empty"
        );
    }
    outln!("{0} 个聚集 clusters（种子 seed {1}） → {2}", found.clusters.len(), a.seed, a.out.display());
    Ok(0)
}
