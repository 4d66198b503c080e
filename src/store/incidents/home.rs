//! Where an incident belongs: the village around its place, the grid of the plan in force, the unit of the nearest household of that grid.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::LonLat;
use crate::domain::incident::State;
use crate::domain::register::{IncidentRow, Polygons, holds};
use crate::store::error::StoreError;
use crate::store::rows::{Layer, RegisterRow, sum_of};
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::Cell;
use crate::store::{SqlStore, audit};

/// Nobody lives nearer than this: no unit is named.
const REACH_M: f64 = 200.0;
const M_PER_DEG: f64 = 111_320.0;
/// Polygons are looked for by tiles of this size, once each: ten thousand incidents of a county lie in a few hundred.
const TILE_DEG: f64 = 0.005;

/// A tile, counted from the south-west.
type Tile = (i64, i64);

/// Codes of where a place lies; `None` where it lies in none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Home {
    pub(super) village: Option<String>,
    pub(super) grid: Option<String>,
    pub(super) unit: Option<String>,
}

/// One polygon that was looked at.
struct Ground {
    code: String,
    polygons: Polygons,
    /// Of two that hold a place, the smaller one counts.
    rank: (bool, Reverse<i64>, String),
    plan: i64,
}

/// Looks places up, remembering what it read: one for a transaction.
#[derive(Default)]
pub(in crate::store) struct Homes {
    villages: BTreeMap<i64, Ground>,
    grids: BTreeMap<i64, Ground>,
    villages_of: BTreeMap<Tile, Vec<i64>>,
    grids_of: BTreeMap<Tile, Vec<i64>>,
    members: BTreeMap<(i64, String), Vec<(LonLat, String)>>,
}

const VILLAGES: &str =
    "SELECT fid, code FROM regions WHERE level = 'village' AND valid_to IS NULL AND geom IS NOT NULL AND ";
const GRIDS: &str = "SELECT g.fid, g.code, g.kind, g.plan_no, length(p.region) FROM grids g
    JOIN plans p ON p.no = g.plan_no AND p.status = 'live'
    WHERE g.in_force = TRUE AND g.valid_to IS NULL AND g.geom IS NOT NULL AND ";

fn tile_of(p: LonLat) -> Tile {
    ((p.lon_deg / TILE_DEG).floor() as i64, (p.lat_deg / TILE_DEG).floor() as i64)
}

/// The condition that a table's box meets a tile, which is taken a little larger than it is.
fn around(sql: &mut Sql, dialect: Dialect, (sqlite, postgres): (&'static str, &'static str), (i, j): Tile) {
    let [west, south] = [i, j].map(|n| (n as f64 - 1e-3) * TILE_DEG);
    let [east, north] = [i, j].map(|n| (n as f64 + 1.0 + 1e-3) * TILE_DEG);
    match dialect {
        Dialect::Sqlite => {
            sql.push(sqlite).push(" WHERE maxx >= ").bind(west).push(" AND minx <= ").bind(east);
            sql.push(" AND maxy >= ").bind(south).push(" AND miny <= ").bind(north).push(")");
        }
        Dialect::Postgres => {
            sql.push(postgres).push(" && ST_MakeEnvelope(").bind(west).push(", ").bind(south).push(", ").bind(east);
            sql.push(", ").bind(north).push(", 4326)");
        }
    }
}

async fn shape(session: &mut dyn Session, sql: &'static str, fid: i64) -> Result<Polygons, StoreError> {
    Ok(session.one::<Option<Polygons>>(Sql::new("geom", sql).arg(fid)).await?.unwrap_or_default())
}

impl Homes {
    /// Where a place lies.
    pub(in crate::store) async fn of(&mut self, session: &mut dyn Session, p: LonLat) -> Result<Home, StoreError> {
        if let Some((grid, plan)) = self.grid(session, p).await? {
            let unit = self.unit(session, plan, &grid, p).await?;
            return Ok(Home { village: grid.get(..12).map(str::to_owned), grid: Some(grid), unit });
        }
        Ok(Home { village: self.village(session, p).await?, ..Home::default() })
    }

    async fn village(&mut self, session: &mut dyn Session, p: LonLat) -> Result<Option<String>, StoreError> {
        let tile = tile_of(p);
        if let Some(found) = self.villages_of.get(&tile) {
            return Ok(smallest(&self.villages, found, p).map(|g| g.code.clone()));
        }
        let mut sql = Sql::new("regions", VILLAGES);
        around(&mut sql, session.dialect(), ("fid IN (SELECT id FROM rtree_regions_geom", "geom"), tile);
        let mut found = Vec::new();
        for mut row in session.rows(sql).await? {
            let (fid, code): (i64, String) = (row.take()?, row.take()?);
            if let Entry::Vacant(free) = self.villages.entry(fid) {
                let polygons = shape(session, "SELECT geom FROM regions WHERE fid = $1", fid).await?;
                let rank = (false, Reverse(0), code.clone());
                free.insert(Ground { code, polygons, rank, plan: 0 });
            }
            found.push(fid);
        }
        let village = smallest(&self.villages, &found, p).map(|g| g.code.clone());
        self.villages_of.insert(tile, found);
        Ok(village)
    }

    async fn grid(&mut self, session: &mut dyn Session, p: LonLat) -> Result<Option<(String, i64)>, StoreError> {
        let tile = tile_of(p);
        if let Some(found) = self.grids_of.get(&tile) {
            return Ok(smallest(&self.grids, found, p).map(|g| (g.code.clone(), g.plan)));
        }
        let mut sql = Sql::new("grids", GRIDS);
        around(&mut sql, session.dialect(), ("g.fid IN (SELECT id FROM rtree_grids_geom", "g.geom"), tile);
        let mut found = Vec::new();
        for mut row in session.rows(sql).await? {
            let (fid, code, kind): (i64, String, String) = (row.take()?, row.take()?, row.take()?);
            let (plan, width): (i64, i64) = (row.take()?, row.take()?);
            if let Entry::Vacant(free) = self.grids.entry(fid) {
                let polygons = shape(session, "SELECT geom FROM grids WHERE fid = $1", fid).await?;
                let rank = (kind == "level1", Reverse(width), code.clone());
                free.insert(Ground { code, polygons, rank, plan });
            }
            found.push(fid);
        }
        let grid = smallest(&self.grids, &found, p).map(|g| (g.code.clone(), g.plan));
        self.grids_of.insert(tile, found);
        Ok(grid)
    }

    /// The unit of the nearest household of a grid within reach; of two as near the one with the smaller code.
    async fn unit(
        &mut self,
        session: &mut dyn Session,
        plan: i64,
        grid: &str,
        p: LonLat,
    ) -> Result<Option<String>, StoreError> {
        let key = (plan, grid.to_owned());
        if !self.members.contains_key(&key) {
            let sql = "SELECT h.geom, m.unit FROM memberships m JOIN households h ON h.id = m.household
                       WHERE m.plan_no = $1 AND m.unit >= $2 AND m.unit < $3 AND h.geom IS NOT NULL";
            let sql = Sql::new("memberships", sql).arg(plan).arg(grid).arg(format!("{grid}:"));
            let mut homes = Vec::new();
            for mut row in session.rows(sql).await? {
                homes.push((row.take::<LonLat>()?, row.take::<String>()?));
            }
            self.members.insert(key.clone(), homes);
        }
        let homes = self.members.get(&key).map(Vec::as_slice).unwrap_or_default();
        let near = homes.iter().map(|(at, unit)| (distance_m(p, *at), unit));
        let near = near.filter(|(d, _)| *d <= REACH_M).min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        Ok(near.map(|(_, unit)| unit.clone()))
    }
}

fn smallest<'g>(grounds: &'g BTreeMap<i64, Ground>, found: &[i64], p: LonLat) -> Option<&'g Ground> {
    let all = found.iter().filter_map(|fid| grounds.get(fid));
    all.filter(|g| holds(&g.polygons, [p.lon_deg, p.lat_deg])).min_by(|a, b| a.rank.cmp(&b.rank))
}

/// Metres between two places of one village: the Earth is flat there.
fn distance_m(a: LonLat, b: LonLat) -> f64 {
    let x = (a.lon_deg - b.lon_deg) * a.lat_deg.to_radians().cos();
    x.hypot(a.lat_deg - b.lat_deg) * M_PER_DEG
}

/// Gives rows that come from a file the grid and unit of their place, where they name none.
pub(in crate::store) async fn settle_imported(
    session: &mut dyn Session,
    homes: &mut Homes,
    rows: &mut [RegisterRow],
) -> Result<(), StoreError> {
    for row in rows {
        let RegisterRow::Incidents(row) = row else { continue };
        let (Some(place), None) = (row.place, &row.grid) else { continue };
        let home = homes.of(session, place).await?;
        if home.grid.as_ref().is_some_and(|g| g.starts_with(&row.region)) {
            (row.grid, row.unit) = (home.grid, home.unit);
        }
    }
    Ok(())
}

/// Gives the open incidents of a region the grids and units of the plan in force now; which changed.
pub(in crate::store) async fn rehome(session: &mut dyn Session, region: &str) -> Result<Vec<String>, StoreError> {
    let open: Vec<&str> = State::ALL.iter().filter(|s| s.is_open()).flat_map(|s| [s.word(), s.name()]).collect();
    let mut sql = crate::store::register::select(Layer::Incidents, false);
    sql.push(" WHERE geom IS NOT NULL AND region >= ").bind(region).push(" AND region < ").bind(format!("{region}:"));
    sql.push(" AND state").in_list(session.dialect(), open).push(" ORDER BY id").push(session.for_update());
    let (mut homes, mut changed) = (Homes::default(), Vec::new());
    for mut row in session.rows(sql).await? {
        let RegisterRow::Incidents(mut row) = Layer::Incidents.read(&mut row)? else { continue };
        let Some(place) = row.place else { continue };
        let home = homes.of(session, place).await?;
        // a place and a region that disagree are for a person to settle
        let home = Some(home).filter(|h| h.grid.as_ref().is_some_and(|g| g.starts_with(&row.region)));
        let home = home.unwrap_or_default();
        if (&home.grid, &home.unit) == (&row.grid, &row.unit) {
            continue;
        }
        (row.grid, row.unit) = (home.grid, home.unit);
        save(session, &mut row).await?;
        changed.push(row.id);
    }
    Ok(changed)
}

/// [`rehome`] in a transaction of its own, for the areas of a scope.
pub(super) async fn rehome_all(store: &SqlStore, scope: &Scope, actor: &str) -> Result<u64, StoreError> {
    scope.need(Right::Publish)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    // no publication meanwhile, and none of what is being recorded is passed over
    if let Some(lock) = session.publication_lock() {
        session.rows(lock).await?;
    }
    let mut changed = Vec::new();
    for prefix in scope.prefixes() {
        changed.extend(rehome(session.as_mut(), prefix).await?);
    }
    if changed.is_empty() {
        return Ok(0);
    }
    let mut after = serde_json::json!({ "changed": changed.len() });
    if changed.len() <= audit::MOST_NAMED {
        after["ids"] = changed.as_slice().into();
    }
    let entry = audit::Entry {
        at: &at,
        actor,
        scope,
        operation: "incident.rehome",
        subject: "incidents",
        before: None,
        after: Some(after.to_string()),
    };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(changed.len() as u64)
}

/// Writes what can change of an incident over its row, with the next version.
pub(super) async fn save(session: &mut dyn Session, row: &mut IncidentRow) -> Result<(), StoreError> {
    row.row_version += 1;
    let values = RegisterRow::Incidents(row.clone()).values();
    let sum = sum_of(Layer::Incidents, &values, row.row_version);
    let sql =
        "UPDATE incidents SET grid = $1, unit = $2, level = $3, state = $4, due_at = $5, row_version = $6, row_sum = $7
               WHERE id = $8";
    let sql = Sql::new("incidents", sql).arg(row.grid.to_value()).arg(row.unit.to_value()).arg(row.level.as_str());
    let sql = sql.arg(row.state.as_str()).arg(row.due_at.to_value()).arg(row.row_version).arg(sum);
    session.execute(sql.arg(row.id.as_str())).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_lies_in_the_tile_it_is_looked_for_in() {
        for (lon_deg, lat_deg) in [(105.6, 25.97), (-0.000_1, -89.999), (179.999_999, 0.005), (105.605, 25.975)] {
            let (i, j) = tile_of(LonLat { lon_deg, lat_deg });
            let within = |v: f64, n: i64| v >= (n as f64 - 1e-3) * TILE_DEG && v <= (n as f64 + 1.001) * TILE_DEG;
            assert!(within(lon_deg, i) && within(lat_deg, j), "{lon_deg} {lat_deg}");
        }
    }

    #[test]
    fn metres_are_those_of_the_place() {
        let at = |lon_deg, lat_deg| LonLat { lon_deg, lat_deg };
        let north = distance_m(at(105.6, 26.0), at(105.6, 26.001));
        let east = distance_m(at(105.6, 26.0), at(105.601, 26.0));
        // published lengths of a degree at 26° N: 110.8 km and 100.1 km
        assert!((north - 110.8).abs() < 0.8 && (east - 100.1).abs() < 0.3, "{north} {east}");
    }
}
