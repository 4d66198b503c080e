//! Layers of plans into files: grids, units, leaders, of the plans in force today or on a day.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::Profile;
use crate::domain::plan::{PlanHead, PlanStatus, VillageRows};
use crate::domain::register::Polygons;
use crate::exchange::{Cell, FieldType, Geometries, WriteError, Writer, WriterField, WriterSchema, Written};
use crate::plan::room::moments;
use crate::store::{Derived, HistoryEntry, PlanFilter, Scope, Store, StoreError};

use super::RegisterError;
use super::hand_out::ExportWish;
use super::shapes::polygons_to_file;

/// A layer of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Grids,
    Units,
    Leaders,
}

impl Part {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "grids" => Some(Self::Grids),
            "units" => Some(Self::Units),
            "leaders" => Some(Self::Leaders),
            _ => None,
        }
    }

    fn schema(self) -> WriterSchema {
        use FieldType::{Bool, Date, Real, Text, Whole};
        let (layer, fields, geometries): (_, &[(&str, FieldType)], _) = match self {
            Self::Grids => (
                "grids",
                &[
                    ("code", Text),
                    ("name", Text),
                    ("kind", Text),
                    ("households", Whole),
                    ("buildings", Whole),
                    ("persons", Whole),
                    ("deviation", Real),
                    ("area_m2", Real),
                    ("perimeter_m", Real),
                    ("polsby_popper", Real),
                    ("locked", Bool),
                    ("level", Whole),
                    ("valid_from", Date),
                    ("valid_to", Date),
                    ("predecessors", Text),
                ],
                Geometries::Any,
            ),
            Self::Units => (
                "units",
                &[
                    ("code", Text),
                    ("grid", Text),
                    ("households", Whole),
                    ("sse_m2", Real),
                    ("reach_m", Real),
                    ("leader", Text),
                    ("deputies", Text),
                    ("exception", Text),
                    ("locked", Bool),
                ],
                Geometries::Any,
            ),
            Self::Leaders => ("leaders", &[("unit", Text), ("household", Text), ("role", Text)], Geometries::Points),
        };
        let fields = fields.iter().map(|(n, kind)| WriterField { name: (*n).to_owned(), kind: *kind }).collect();
        WriterSchema { layer: layer.to_owned(), fields, geometries }
    }

    fn write(self, writer: &mut Writer, village: &Village<'_>, bbox: Option<[f64; 4]>) -> Result<(), WriteError> {
        let whole = |n: u32| Cell::Whole(i64::from(n));
        let text = |t: &str| if t.is_empty() { Cell::Empty } else { Cell::Text(t.into()) };
        let day = |d: &str| if d.is_empty() { Cell::Empty } else { Cell::Date(d.into()) };
        let Village { rows, derived, levels } = village;
        match self {
            Self::Grids => {
                for g in &rows.grids {
                    let of = derived.grids.iter().find(|d| d.code == g.code);
                    if !meets(bbox, of.map(|d| &d.polygons)) {
                        continue;
                    }
                    let real = |v: Option<f64>| v.map_or(Cell::Empty, Cell::Real);
                    let cells = [
                        text(&g.code),
                        text(&g.name),
                        text(&g.kind),
                        of.map_or(Cell::Empty, |d| whole(d.households)),
                        of.map_or(Cell::Empty, |d| whole(d.buildings)),
                        of.and_then(|d| d.persons).map_or(Cell::Empty, whole),
                        real(of.and_then(|d| d.deviation)),
                        real(of.map(|d| d.area_m2)),
                        real(of.map(|d| d.perimeter_m)),
                        real(of.map(|d| d.polsby_popper)),
                        Cell::Bool(g.locked),
                        if g.kind == "level1" { whole(1) } else { levels.map_or(Cell::Empty, whole) },
                        day(&g.valid_from),
                        day(g.valid_to.as_deref().unwrap_or_default()),
                        text(&g.predecessors.join("、")),
                    ];
                    writer.write(&cells, of.map(|d| polygons_to_file(&d.polygons)).as_ref())?;
                }
            }
            Self::Units => {
                let lived_in: BTreeSet<&str> = rows.memberships.iter().map(|m| m.unit.as_str()).collect();
                // A unit without members is retired: its row only keeps the number from being given out again.
                for u in rows.units.iter().filter(|u| lived_in.contains(u.code.as_str())) {
                    let of = derived.units.iter().find(|d| d.code == u.code);
                    if !meets(bbox, of.map(|d| &d.polygons)) {
                        continue;
                    }
                    let cells = [
                        text(&u.code),
                        text(u.code.get(..15).unwrap_or_default()),
                        of.map_or(Cell::Empty, |d| whole(d.households)),
                        of.map_or(Cell::Empty, |d| Cell::Real(d.sse_m2)),
                        of.map_or(Cell::Empty, |d| Cell::Real(d.reach_m)),
                        text(u.leader.as_deref().unwrap_or_default()),
                        text(&u.deputies.join("、")),
                        text(u.exception.as_deref().unwrap_or_default()),
                        Cell::Bool(u.locked),
                    ];
                    writer.write(&cells, of.map(|d| polygons_to_file(&d.polygons)).as_ref())?;
                }
            }
            Self::Leaders => {
                let units: BTreeSet<&str> = rows.units.iter().map(|u| u.code.as_str()).collect();
                for l in derived.leaders.iter().filter(|l| units.contains(l.unit.as_str())) {
                    let place = [l.place.lon_deg, l.place.lat_deg];
                    if !bbox.is_none_or(|b| boxes_meet(b, [place[0], place[1], place[0], place[1]])) {
                        continue;
                    }
                    let at = geo::Geometry::Point(geo::Point::new(place[0], place[1]));
                    writer.write(&[text(&l.unit), text(&l.household), text(&l.role)], Some(&at))?;
                }
            }
        }
        Ok(())
    }
}

/// What a plan has of one village.
struct Village<'v> {
    rows: &'v VillageRows,
    derived: &'v Derived,
    /// Levels of grids its rules know: the last is that of the working grids.
    levels: Option<u32>,
}

const fn boxes_meet(a: [f64; 4], b: [f64; 4]) -> bool {
    a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3]
}

/// Whether polygons' bounds meet a box; what has no shape meets none.
fn meets(bbox: Option<[f64; 4]>, polygons: Option<&Polygons>) -> bool {
    let Some(bbox) = bbox else { return true };
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for &[x, y] in polygons.into_iter().flatten().flatten().flatten() {
        bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
    }
    boxes_meet(bbox, bounds)
}

/// The plan of an id, or the plans in force.
pub(in crate::plan) async fn chosen_plans(
    store: &dyn Store,
    scope: &Scope,
    plan: Option<&str>,
) -> Result<Vec<PlanHead>, StoreError> {
    match plan {
        Some(id) => Ok(vec![store.get_plan(scope, id).await?]),
        None => store.list_plans(scope, &PlanFilter { status: Some(PlanStatus::Live), region: None }).await,
    }
}

/// Entries of a history read at once.
const ENTRIES: u32 = 1_000;

/// The plan of an id, or the plans that were in force on a day, where one is said. Members and shapes are those of now: a plan that was edited
/// in the region since that day is refused, as it would be answered wrongly.
pub(super) async fn plans_on(
    store: &dyn Store,
    scope: &Scope,
    (plan, day): (Option<&str>, Option<&str>),
    region: Option<&str>,
) -> Result<Vec<PlanHead>, StoreError> {
    let Some(day) = day else { return chosen_plans(store, scope, plan).await };
    let Some(next) = moments::day(day).and_then(time::Date::next_day) else {
        let what = format!("“{}”: YYYY-MM-DD", day.chars().take(20).collect::<String>());
        return Err(StoreError::BadArgument { name: "as-of", what });
    };
    let mut plans = chosen_plans(store, scope, plan).await?;
    if plan.is_none() {
        plans = store.list_plans(scope, &PlanFilter::default()).await?;
        let was_in_force =
            |from: Option<&str>, to: Option<&str>| from.is_some_and(|f| f <= day) && to.is_none_or(|t| t > day);
        plans.retain(|p| p.status != PlanStatus::Draft && was_in_force(p.valid_from.as_deref(), p.valid_to.as_deref()));
    }
    let end = moments::stored(moments::start_of(next));
    for plan in &plans {
        is_as_it_was(store, scope, plan, (day, &end), region).await?;
    }
    Ok(plans)
}

async fn is_as_it_was(
    store: &dyn Store,
    scope: &Scope,
    plan: &PlanHead,
    (day, end): (&str, &str),
    region: Option<&str>,
) -> Result<(), StoreError> {
    // an entry that names no village may be about any
    let here = |village: &str| region.is_none_or(|r| village.starts_with(r) || r.starts_with(village));
    let mut after = 0;
    loop {
        let entries = store.history(scope, &plan.id, after, ENTRIES).await?;
        let since = |e: &&HistoryEntry| {
            e.at.as_str() >= end && e.operation.get("village").and_then(serde_json::Value::as_str).is_none_or(here)
        };
        if let Some(entry) = entries.iter().find(since) {
            let what = format!(
                "方案 {0} 在 {day} 之后改过（第 {1} 步，{2}），当日的成员和形状无法还原；单户可用 lianhu plans where 查询 / plan {0} was edited after {day} (entry {1}, {2}): members and shapes of that day are not kept; lianhu plans where tells of single households",
                plan.name, entry.seq, entry.at
            );
            return Err(StoreError::BadArgument { name: "as-of", what });
        }
        match entries.last() {
            Some(last) if entries.len() == ENTRIES as usize => after = last.seq,
            _ => return Ok(()),
        }
    }
}

/// Leaves the grids that are in force, or were so on a day, and the units in them. Of a grid that ended since the plan keeps code,
/// name and days, but no shape.
pub(super) fn keep_in_force(rows: &mut VillageRows, day: Option<&str>) {
    let Some(day) = day else {
        rows.grids.retain(|g| g.valid_to.is_none());
        return;
    };
    rows.grids.retain(|g| g.valid_from.as_str() <= day && g.valid_to.as_deref().is_none_or(|t| t > day));
    let grids: BTreeSet<&str> = rows.grids.iter().map(|g| g.code.as_str()).collect();
    rows.units.retain(|u| u.code.get(..15).is_some_and(|g| grids.contains(g)));
}

/// Writes a layer of one plan, or of all plans in force, today or on a day.
pub(super) async fn export_part(
    store: &dyn Store,
    scope: &Scope,
    wish: &ExportWish<'_>,
    part: Part,
    path: &Path,
) -> Result<Written, RegisterError> {
    let f = &wish.filter;
    if f.ids.is_some() || f.building.is_some() {
        // Never answered without the filter.
        return Err(StoreError::Unsupported { layer: "grids/units/leaders", filter: "ids" }.into());
    }
    if let Some([w, s, e, n]) = f.bbox_deg
        && !(w <= e && s <= n)
    {
        let what = format!("{w},{s},{e},{n}: 西,南,东,北 / west, south, east, north");
        return Err(StoreError::BadArgument { name: "bbox", what }.into());
    }
    let day = f.as_of.as_deref();
    let plans = plans_on(store, scope, (wish.plan, day), f.region.as_deref()).await?;
    let mut writer = Writer::create(wish.format, path, part.schema(), wish.options)?;
    let mut villages = 0;
    for plan in plans {
        let levels = Profile::parse(&plan.profile).ok().map(|p| p.grid.levels);
        for village in store.plan_villages(scope, &plan.id).await? {
            if f.region.as_ref().is_some_and(|r| !village.starts_with(r.as_str())) {
                continue;
            }
            let (_, rows) = store.plan_rows(scope, &plan.id, std::slice::from_ref(&village)).await?;
            let derived = store.derived(scope, &plan.id, &village).await?;
            for mut rows in rows {
                keep_in_force(&mut rows, day);
                part.write(&mut writer, &Village { rows: &rows, derived: &derived, levels }, f.bbox_deg)?;
            }
            villages += 1;
            if !(wish.progress)(villages) {
                return Err(StoreError::Cancelled.into());
            }
        }
    }
    Ok(writer.finish()?)
}
