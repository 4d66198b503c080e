//! Where an incident belongs: the village around its place, the grid of the plan in force, the unit of the nearest household of that grid.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::LonLat;
use crate::domain::incident::State;
use crate::domain::register::{IncidentRow, Polygons, holds};
use crate::store::error::StoreError;
use crate::store::import::sum_of;
use crate::store::rows::{Layer, RegisterRow};
use crate::store::sql::{Dialect, Session, Sql};
use crate::store::value::Cell;

/// Nobody lives nearer than this: no unit is named.
const REACH_M: f64 = 200.0;
const M_PER_DEG: f64 = 111_320.0;

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
    members: BTreeMap<(i64, String), Vec<(LonLat, String)>>,
}

const VILLAGES: &str =
    "SELECT fid, code FROM regions WHERE level = 'village' AND valid_to IS NULL AND geom IS NOT NULL AND ";
const GRIDS: &str = "SELECT g.fid, g.code, g.kind, g.plan_no, length(p.region) FROM grids g
    JOIN plans p ON p.no = g.plan_no AND p.status = 'live'
    WHERE g.in_force = TRUE AND g.valid_to IS NULL AND g.geom IS NOT NULL AND ";

/// The condition that a table's box holds a place.
fn around(sql: &mut Sql, dialect: Dialect, (sqlite, postgres): (&'static str, &'static str), p: LonLat) {
    match dialect {
        Dialect::Sqlite => {
            sql.push(sqlite).push(" WHERE maxx >= ").bind(p.lon_deg).push(" AND minx <= ").bind(p.lon_deg);
            sql.push(" AND maxy >= ").bind(p.lat_deg).push(" AND miny <= ").bind(p.lat_deg).push(")");
        }
        Dialect::Postgres => {
            sql.push(postgres).push(" && ST_SetSRID(ST_MakePoint(").bind(p.lon_deg).push(", ").bind(p.lat_deg);
            sql.push("), 4326)");
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
        let mut sql = Sql::new("regions", VILLAGES);
        around(&mut sql, session.dialect(), ("fid IN (SELECT id FROM rtree_regions_geom", "geom"), p);
        let mut found = Vec::new();
        for mut row in session.rows(sql).await? {
            let (fid, code): (i64, String) = (row.take()?, row.take()?);
            if !self.villages.contains_key(&fid) {
                let polygons = shape(session, "SELECT geom FROM regions WHERE fid = $1", fid).await?;
                let rank = (false, Reverse(0), code.clone());
                self.villages.insert(fid, Ground { code, polygons, rank, plan: 0 });
            }
            found.push(fid);
        }
        Ok(smallest(&self.villages, &found, p).map(|g| g.code.clone()))
    }

    async fn grid(&mut self, session: &mut dyn Session, p: LonLat) -> Result<Option<(String, i64)>, StoreError> {
        let mut sql = Sql::new("grids", GRIDS);
        around(&mut sql, session.dialect(), ("g.fid IN (SELECT id FROM rtree_grids_geom", "g.geom"), p);
        let mut found = Vec::new();
        for mut row in session.rows(sql).await? {
            let (fid, code, kind): (i64, String, String) = (row.take()?, row.take()?, row.take()?);
            let (plan, width): (i64, i64) = (row.take()?, row.take()?);
            if !self.grids.contains_key(&fid) {
                let polygons = shape(session, "SELECT geom FROM grids WHERE fid = $1", fid).await?;
                let rank = (kind == "level1", Reverse(width), code.clone());
                self.grids.insert(fid, Ground { code, polygons, rank, plan });
            }
            found.push(fid);
        }
        Ok(smallest(&self.grids, &found, p).map(|g| (g.code.clone(), g.plan)))
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

/// Gives the open incidents of a region the grids and units of the plan in force now; how many changed.
pub(in crate::store) async fn rehome(session: &mut dyn Session, region: &str) -> Result<u64, StoreError> {
    let open: Vec<&str> = State::ALL.iter().filter(|s| s.is_open()).flat_map(|s| [s.word(), s.name()]).collect();
    let mut sql = crate::store::register::select(Layer::Incidents, false);
    sql.push(" WHERE geom IS NOT NULL AND region >= ").bind(region).push(" AND region < ").bind(format!("{region}:"));
    sql.push(" AND state").in_list(session.dialect(), open).push(" ORDER BY id").push(session.for_update());
    let (mut homes, mut changed) = (Homes::default(), 0);
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
        changed += 1;
    }
    Ok(changed)
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
    fn metres_are_those_of_the_place() {
        let at = |lon_deg, lat_deg| LonLat { lon_deg, lat_deg };
        let north = distance_m(at(105.6, 26.0), at(105.6, 26.001));
        let east = distance_m(at(105.6, 26.0), at(105.601, 26.0));
        // published lengths of a degree at 26° N: 110.8 km and 100.1 km
        assert!((north - 110.8).abs() < 0.8 && (east - 100.1).abs() < 0.3, "{north} {east}");
    }
}
