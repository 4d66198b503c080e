//! Writes a plan directory: into a temporary folder beside it, then renamed into place.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::domain::io_words::words_of_writing;
use crate::domain::{Barrier, BarrierShape, Households, Positions, Profile, Region};
use crate::exchange::write_whole;
use crate::plan::job::PlanError;
use crate::plan::make::VillagePlan;
use crate::plan::report::Report;
use crate::plan::shapes::{collection, feature, geometry, point, rounded, unit_hull};

fn unwritten(folder: &Path, e: &io::Error) -> PlanError {
    let words = words_of_writing(e);
    let message = format!("无法写入：{} / cannot be written: {}", words.chinese, words.english);
    PlanError::File { file: folder.display().to_string(), message }
}

/// What a plan directory is made from.
pub struct Content<'a> {
    /// The households.
    pub table: &'a Households,
    /// The plan.
    pub plans: &'a [VillagePlan],
    /// Regions as read; townships are handed on.
    pub regions: &'a [Region],
    /// Barriers as read.
    pub barriers: &'a [Barrier],
    /// Rules as used.
    pub profile: &'a Profile,
}

/// A plan directory that stands complete, but for its report, in a temporary folder beside its place.
pub struct Staged {
    fresh: tempfile::TempDir,
    folder: PathBuf,
}

/// Writes everything but the report beside `folder`. An existing folder will be replaced only when it is empty or holds a plan.
///
/// # Errors
/// A folder that holds something else, or whatever the file system says; the old folder is untouched in any case.
pub fn stage_folder(folder: &Path, content: &Content<'_>) -> Result<Staged, PlanError> {
    let failed = |e: io::Error| unwritten(folder, &e);
    if folder.exists() {
        let mut entries = std::fs::read_dir(folder).map_err(failed)?;
        if entries.next().is_some() && !folder.join(super::REPORT).exists() {
            return Err(PlanError::File {
                file: folder.display().to_string(),
                message: "文件夹不是空的，也不是方案文件夹，请另选 / the folder holds other files, choose another"
                    .to_owned(),
            });
        }
    }
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed)?;
    let fresh = tempfile::Builder::new().prefix(".lianhu-").tempdir_in(parent).map_err(failed)?;
    let staged = Staged { fresh, folder: folder.to_owned() };
    std::fs::create_dir(staged.path()).map_err(failed)?;
    for (name, text) in files(content) {
        write_whole(&staged.path().join(name), text.as_bytes()).map_err(failed)?;
    }
    Ok(staged)
}

impl Staged {
    /// Where the files stand now.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.fresh.path().join("new")
    }

    /// Adds the report and moves the directory into place. Of two renames the first puts an old plan aside, complete.
    ///
    /// # Errors
    /// Whatever the file system says; an old plan is then back in its place.
    pub fn publish(self, report: &Report) -> Result<(), PlanError> {
        let folder = &self.folder;
        let failed = |e: io::Error| unwritten(folder, &e);
        let new = self.path();
        write_whole(&new.join(super::REPORT), report.to_json().as_bytes()).map_err(failed)?;
        if !folder.exists() {
            return std::fs::rename(&new, folder).map_err(failed);
        }
        let old = self.fresh.path().join("old");
        std::fs::rename(folder, &old).map_err(failed)?;
        let Err(e) = std::fs::rename(&new, folder) else { return Ok(()) };
        if std::fs::rename(&old, folder).is_err() {
            let kept = self.fresh.keep().join("old");
            return Err(PlanError::File {
                file: self.folder.display().to_string(),
                message: format!(
                    "无法替换（{e}），旧方案保存在 {0} / it cannot be replaced ({e}), the old plan is kept in {0}",
                    kept.display()
                ),
            });
        }
        Err(unwritten(&self.folder, &e))
    }
}

fn files(c: &Content<'_>) -> Vec<(&'static str, String)> {
    let planar = matches!(c.table.positions, Positions::Planar(_));
    vec![
        (super::ASSIGNMENT, assignment(c)),
        (super::GRIDS, collection(&grid_features(c), planar)),
        (super::UNITS, collection(&unit_features(c), planar)),
        (super::LEADERS, collection(&leader_features(c), planar)),
        (super::BUILDINGS, collection(&building_features(c), planar)),
        (super::REGIONS, collection(&region_features(c), planar)),
        (super::BARRIERS, collection(&barrier_features(c.barriers), planar)),
        (super::PROFILE, c.profile.to_toml()),
    ]
}

/// Unit, and office in it, of one row: row of the input → (plan, position in the village).
fn places(plans: &[VillagePlan], rows: usize) -> Vec<Option<(u32, u32)>> {
    let mut at = vec![None; rows];
    for (p, plan) in plans.iter().enumerate() {
        for (m, &row) in plan.grids.ground.village.rows.iter().enumerate() {
            at[row as usize] = Some((p as u32, m as u32));
        }
    }
    at
}

fn assignment(c: &Content<'_>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |fields: [&str; 7]| {
        // Writing to memory does not fail.
        let _ = writer.write_record(fields);
    };
    put(["id", "building", "village", "grid", "unit", "role", "exception"]);
    let mut office: BTreeMap<(u32, u32), &'static str> = BTreeMap::new();
    for (p, plan) in c.plans.iter().enumerate() {
        for u in &plan.units {
            for (i, &m) in u.officers.iter().enumerate() {
                office.insert((p as u32, m), if i == 0 { "leader" } else { "deputy" });
            }
        }
    }
    for (row, place) in places(c.plans, c.table.len()).into_iter().enumerate() {
        let Some((p, m)) = place else { continue };
        let plan = &c.plans[p as usize];
        let site = plan.grids.ground.village.site_of[m as usize];
        let grid = plan.grid_code(plan.grids.grid_of[site as usize]);
        let unit = plan.units.get(plan.unit_of[m as usize] as usize);
        let exception = unit.and_then(|u| u.exception).map(|e| e.to_string()).unwrap_or_default();
        put([
            &c.table.ids[row],
            c.table.building.get(row).unwrap_or_default(),
            plan.code.as_str(),
            &grid,
            unit.map_or("", |u| &u.code),
            office.get(&(p, m)).copied().unwrap_or(""),
            &exception,
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn share(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

fn grid_features(c: &Content<'_>) -> Vec<Value> {
    let mut features = Vec::new();
    for plan in c.plans {
        let ground = &plan.grids.ground;
        let frame = &ground.village.frame;
        let counts = plan.grid_counts(c.table);
        if c.profile.grid.levels == 2 {
            features.push(level_one(c, plan));
        }
        for (g, (buildings, persons)) in plan.grids.grids.iter().zip(counts) {
            let name = g.name.clone().unwrap_or_else(|| format!("{}第{}网格", plan.name, g.number));
            features.push(feature(
                geometry(frame, &g.polygons),
                object([
                    ("code", json!(plan.code.grid(g.number))),
                    ("name", json!(name)),
                    ("kind", json!(if g.dedicated { "dedicated" } else { "base" })),
                    ("level", json!(c.profile.grid.levels)),
                    ("village", json!(plan.code.as_str())),
                    ("households", json!(g.households)),
                    ("buildings", json!(buildings)),
                    ("persons", json!(persons)),
                    ("deviation", json!(g.deviation().map(share))),
                    ("area_m2", json!(rounded(g.area_m2))),
                    ("perimeter_m", json!(rounded(g.perimeter_m))),
                    ("polsby_popper", json!(share(g.polsby_popper()))),
                ]),
            ));
        }
    }
    features
}

/// The village as a whole, where a profile has two levels.
fn level_one(c: &Content<'_>, plan: &VillagePlan) -> Value {
    let ground = &plan.grids.ground;
    let whole = ground.mesh.dissolve(&vec![0; ground.graph.xy.len()], 1).swap_remove(0);
    let rows = &ground.village.rows;
    let households: u32 = rows.iter().map(|&r| c.table.households[r as usize]).sum();
    let buildings: std::collections::BTreeSet<u32> = rows.iter().map(|&r| c.table.building.of[r as usize]).collect();
    let persons =
        c.table.persons.as_ref().map(|p| rows.iter().map(|&r| u64::from(p[r as usize].unwrap_or(0))).sum::<u64>());
    let perimeter: f64 =
        whole.iter().flatten().flat_map(|r| r.windows(2)).map(|w| (w[0][0] - w[1][0]).hypot(w[0][1] - w[1][1])).sum();
    let area = ground.mesh.area_m2();
    feature(
        geometry(&ground.village.frame, &whole),
        object([
            ("code", json!(plan.code.grid(0))),
            ("name", json!(plan.name)),
            ("kind", json!("level1")),
            ("level", json!(1)),
            ("village", json!(plan.code.as_str())),
            ("households", json!(households)),
            ("buildings", json!(buildings.len())),
            ("persons", json!(persons)),
            ("deviation", Value::Null),
            ("area_m2", json!(rounded(area))),
            ("perimeter_m", json!(rounded(perimeter))),
            ("polsby_popper", json!(share(4.0 * std::f64::consts::PI * area / perimeter.powi(2).max(1e-9)))),
        ]),
    )
}

fn unit_features(c: &Content<'_>) -> Vec<Value> {
    let mut features = Vec::new();
    for plan in c.plans {
        let village = &plan.grids.ground.village;
        let id = |m: &u32| &c.table.ids[village.rows[*m as usize] as usize];
        for u in &plan.units {
            let at: Vec<[f64; 2]> = u.members.iter().map(|&m| village.xy[m as usize]).collect();
            features.push(feature(
                geometry(&village.frame, &[vec![unit_hull(&at)]]),
                object([
                    ("code", json!(u.code)),
                    ("grid", json!(plan.grid_code(u.grid))),
                    ("village", json!(plan.code.as_str())),
                    ("households", json!(u.members.len())),
                    ("sse_m2", json!(rounded(u.sse_m2))),
                    ("reach_m", json!(rounded(u.reach_m))),
                    ("leader", json!(u.officers.first().map(id))),
                    ("deputies", json!(u.officers.iter().skip(1).map(id).collect::<Vec<_>>())),
                    ("exception", json!(u.exception.map(|e| e.to_string()))),
                    ("vacancy", json!(u.vacancy())),
                ]),
            ));
        }
    }
    features
}

fn leader_features(c: &Content<'_>) -> Vec<Value> {
    let mut features = Vec::new();
    for plan in c.plans {
        let village = &plan.grids.ground.village;
        for u in &plan.units {
            for (i, &m) in u.officers.iter().enumerate() {
                features.push(feature(
                    point(&village.frame, village.xy[m as usize]),
                    object([
                        ("id", json!(c.table.ids[village.rows[m as usize] as usize])),
                        ("role", json!(if i == 0 { "leader" } else { "deputy" })),
                        ("unit", json!(u.code)),
                        ("grid", json!(plan.grid_code(u.grid))),
                        ("village", json!(plan.code.as_str())),
                    ]),
                ));
            }
        }
    }
    features
}

fn building_features(c: &Content<'_>) -> Vec<Value> {
    let mut features = Vec::new();
    for plan in c.plans {
        let village = &plan.grids.ground.village;
        let mut of: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        let mut order = Vec::new();
        for (m, &row) in village.rows.iter().enumerate() {
            let b = c.table.building.of[row as usize];
            let slot = of.entry(b).or_insert_with(|| {
                order.push(b);
                (m as u32, 0)
            });
            slot.1 += c.table.households[row as usize];
        }
        for b in order {
            let (m, households) = of[&b];
            let grid = plan.grids.grid_of[village.site_of[m as usize] as usize];
            features.push(feature(
                point(&village.frame, village.xy[m as usize]),
                object([
                    ("id", json!(c.table.building.names.get(b as usize))),
                    ("village", json!(plan.code.as_str())),
                    ("grid", json!(plan.grid_code(grid))),
                    ("households", json!(households)),
                ]),
            ));
        }
    }
    features
}

/// Villages with the outline they were divided in, then the other regions as read.
fn region_features(c: &Content<'_>) -> Vec<Value> {
    let mut features = Vec::new();
    for plan in c.plans {
        let ground = &plan.grids.ground;
        // As given, so that coverage is judged against the outline and not against what was made of it.
        let outline = ground
            .outline
            .clone()
            .unwrap_or_else(|| ground.mesh.dissolve(&vec![0; ground.graph.xy.len()], 1).swap_remove(0));
        features.push(feature(
            geometry(&ground.village.frame, &outline),
            object([("code", json!(plan.code.as_str())), ("name", json!(plan.name)), ("level", json!("village"))]),
        ));
    }
    for r in c.regions.iter().filter(|r| !matches!(r.level.as_str(), "" | "village")) {
        let polygons = &r.polygons;
        let shape = match polygons.as_slice() {
            [one] => json!({"type": "Polygon", "coordinates": one}),
            many => json!({"type": "MultiPolygon", "coordinates": many}),
        };
        features.push(feature(
            shape,
            object([("code", json!(r.code)), ("name", json!(r.name)), ("level", json!(r.level))]),
        ));
    }
    features
}

fn barrier_features(barriers: &[Barrier]) -> Vec<Value> {
    barriers
        .iter()
        .map(|b| {
            let shape = match &b.shape {
                BarrierShape::Line(l) => json!({"type": "LineString", "coordinates": l}),
                BarrierShape::Area(rings) => json!({"type": "Polygon", "coordinates": rings}),
            };
            feature(shape, object([("kind", json!(b.kind)), ("hard", json!(b.hard)), ("name", json!(b.name))]))
        })
        .collect()
}
