//! Reading layers: pages, snapshots, counts; scope and filters as conditions.

use super::contract::{Passing, Sink};
use super::dates;
use super::error::StoreError;
use super::messages::{Filter, Page};
use super::rows::{Layer, LayerSpec, RegisterRow, ScopedBy};
use super::scope::{Right, Scope, check_prefix};
use super::seen::Standing;
use super::sql::{Dialect, Session, Sql};
use super::value::{Value, row_sum};

/// Rows of a page where none is said.
const PAGE: u32 = 1_000;
const LONGEST_PAGE: u32 = 10_000;
/// Rows a chunk of a stream.
const CHUNK: u32 = 5_000;

/// Codes below the village's are found through the plan in force.
fn below_village(scope: &Scope) -> bool {
    scope.prefixes().iter().any(|p| p.len() > 12)
}

/// By which column incidents lie in a scope.
fn incident_column(scope: &Scope) -> &'static str {
    match scope.prefixes().iter().map(String::len).max() {
        Some(18) => "unit",
        Some(15) => "grid",
        _ => "region",
    }
}

/// `column IN scope` for one layer, with everything that follows from scopes below the village.
fn scoped(sql: &mut Sql, spec: &LayerSpec, scope: &Scope) {
    match spec.scoped_by {
        ScopedBy::Everyone => {
            sql.push("TRUE");
        }
        ScopedBy::Zone if scope.is_whole() => {
            sql.push("TRUE");
        }
        ScopedBy::Zone => {
            // a zone is seen by whoever covers one of its townships: its list is JSON text of quoted codes
            sql.push("(");
            for (i, prefix) in scope.prefixes().iter().enumerate() {
                sql.push(if i == 0 { "townships LIKE " } else { " OR townships LIKE " });
                sql.bind(format!("%\"{}%", prefix.get(..9).unwrap_or(prefix)));
            }
            sql.push(")");
        }
        ScopedBy::Code(column) => {
            sql.in_scope(column, scope);
        }
        ScopedBy::Building if below_village(scope) => {
            sql.push(
                "id IN (SELECT h.building FROM memberships m JOIN plans p ON p.no = m.plan_no AND p.status = 'live'
                        JOIN households h ON h.id = m.household WHERE ",
            );
            sql.in_scope("m.unit", scope).push(")");
        }
        ScopedBy::Household if below_village(scope) => {
            sql.push(
                "id IN (SELECT m.household FROM memberships m JOIN plans p ON p.no = m.plan_no AND p.status = 'live'
                        WHERE ",
            );
            sql.in_scope("m.unit", scope).push(")");
        }
        ScopedBy::Building | ScopedBy::Household => {
            sql.in_scope("village", scope);
        }
        ScopedBy::Incident => {
            sql.in_scope(incident_column(scope), scope);
        }
    }
}

/// ` WHERE …` for a scope and a filter.
pub(super) fn conditions(
    sql: &mut Sql,
    dialect: Dialect,
    layer: Layer,
    scope: &Scope,
    filter: &Filter,
) -> Result<(), StoreError> {
    let spec = layer.spec();
    let unsupported = |filter| StoreError::Unsupported { layer: layer.name(), filter };
    sql.push(" WHERE ");
    match &filter.region {
        None => scoped(sql, spec, scope),
        Some(_) if spec.scoped_by == ScopedBy::Everyone => return Err(unsupported("region")),
        Some(region) => {
            check_prefix(region)?;
            match scope.within(region) {
                Some(narrower) => scoped(sql, spec, &narrower),
                None => {
                    sql.push("FALSE");
                }
            }
        }
    }
    if let Some(bbox) = filter.bbox_deg {
        if !spec.geometry {
            return Err(unsupported("bbox"));
        }
        if bbox.iter().any(|v| !v.is_finite()) || bbox[0] > bbox[2] || bbox[1] > bbox[3] {
            let what = format!("{bbox:?}: 最小经度,最小纬度,最大经度,最大纬度 / min lon, min lat, max lon, max lat");
            return Err(StoreError::BadArgument { name: "bbox", what });
        }
        in_box(sql, dialect, spec, bbox);
    }
    if let Some(ids) = &filter.ids {
        sql.push(" AND ").push(spec.key).in_list(dialect, ids.iter().map(String::as_str));
    }
    if let Some(building) = &filter.building {
        if !spec.has("building") {
            return Err(unsupported("building"));
        }
        sql.push(" AND building = ").bind(building.as_str());
    }
    if let Some(after) = &filter.after {
        sql.push(" AND ").push(spec.key).push(" > ").bind(after.as_str());
    }
    if let Some(day) = &filter.as_of {
        if !spec.has("valid_from") {
            return Err(unsupported("as-of"));
        }
        dates::check_day("as-of", day)?;
        sql.push(" AND (valid_from IS NULL OR valid_from <= ").bind(day.as_str());
        sql.push(") AND (valid_to IS NULL OR valid_to > ").bind(day.as_str()).push(")");
    }
    Ok(())
}

/// SQLite asks the R-tree, whose boxes are rounded outwards, and then the shape itself; PostGIS its index.
fn in_box(sql: &mut Sql, dialect: Dialect, spec: &LayerSpec, [min_x, min_y, max_x, max_y]: [f64; 4]) {
    match dialect {
        Dialect::Sqlite => {
            sql.push(" AND fid IN (SELECT id FROM rtree_").push(spec.table).push("_geom WHERE maxx >= ").bind(min_x);
            sql.push(" AND minx <= ").bind(max_x).push(" AND maxy >= ").bind(min_y);
            sql.push(" AND miny <= ").bind(max_y).push(") AND ST_MaxX(geom) >= ").bind(min_x);
            sql.push(" AND ST_MinX(geom) <= ").bind(max_x).push(" AND ST_MaxY(geom) >= ").bind(min_y);
            sql.push(" AND ST_MinY(geom) <= ").bind(max_y);
        }
        Dialect::Postgres => {
            sql.push(" AND geom && ST_MakeEnvelope(").bind(min_x).push(", ").bind(min_y).push(", ").bind(max_x);
            sql.push(", ").bind(max_y).push(", 4326) AND ST_XMax(geom) >= ").bind(min_x);
            sql.push(" AND ST_XMin(geom) <= ").bind(max_x).push(" AND ST_YMax(geom) >= ").bind(min_y);
            sql.push(" AND ST_YMin(geom) <= ").bind(max_y);
        }
    }
}

/// `SELECT` of a layer's columns; officers' names and phones only where asked for.
pub(super) fn select(layer: Layer, with_names: bool) -> Sql {
    let spec = layer.spec();
    let mut sql = Sql::new(spec.table, "SELECT ");
    for column in spec.columns {
        match *column {
            "name" | "phone_sealed" if layer == Layer::Officers && !with_names => {
                sql.push("NULL, ");
            }
            column => {
                sql.push(column).push(", ");
            }
        }
    }
    sql.push("row_version FROM ").push(spec.table);
    sql
}

/// One page.
pub(super) async fn page(
    session: &mut dyn Session,
    scope: &Scope,
    layer: Layer,
    filter: &Filter,
    with_names: bool,
) -> Result<Page, StoreError> {
    let limit = filter.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(StoreError::BadArgument { name: "limit", what: format!("{limit}: 1–{LONGEST_PAGE}") });
    }
    if layer == Layer::Officers {
        scope.need(if with_names { Right::SeeOfficers } else { Right::ListOfficers })?;
    }
    let mut sql = select(layer, with_names);
    conditions(&mut sql, session.dialect(), layer, scope, filter)?;
    sql.push(" ORDER BY ").push(layer.spec().key).push(" LIMIT ").bind(i64::from(limit) + 1);
    let mut rows = session.many_rows(sql).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let rows: Vec<RegisterRow> = rows.iter_mut().map(|r| layer.read(r)).collect::<Result<_, _>>()?;
    let next = if more { rows.last().map(|r| r.key().to_owned()) } else { None };
    Ok(Page { rows, next })
}

/// All pages of one snapshot.
pub(super) async fn stream(
    session: &mut dyn Session,
    scope: &Scope,
    layer: Layer,
    filter: &Filter,
    sink: &mut Sink<'_>,
) -> Result<u64, StoreError> {
    let mut filter = Filter { limit: Some(CHUNK), ..filter.clone() };
    let mut sent = 0;
    loop {
        let page = page(session, scope, layer, &filter, false).await?;
        sent += page.rows.len() as u64;
        if !page.rows.is_empty() && sink(page.rows).is_break() {
            return Ok(sent);
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(sent),
        }
    }
}

/// All rows of one snapshot, one after the other in the same place.
pub(super) async fn each(
    session: &mut dyn Session,
    scope: &Scope,
    layer: Layer,
    filter: &Filter,
    see: &mut Passing<'_>,
) -> Result<u64, StoreError> {
    if layer == Layer::Officers {
        scope.need(Right::ListOfficers)?;
    }
    let (mut filter, mut row, mut seen) = (filter.clone(), None::<RegisterRow>, 0);
    loop {
        let mut sql = select(layer, false);
        conditions(&mut sql, session.dialect(), layer, scope, &filter)?;
        sql.push(" ORDER BY ").push(layer.spec().key).push(" LIMIT ").bind(i64::from(CHUNK));
        let (before, mut stopped) = (seen, false);
        let mut look = |standing: &mut Standing<'_>| {
            let row = match &mut row {
                Some(old) => {
                    old.refill(standing)?;
                    old
                }
                none => none.insert(layer.read(&mut standing.to_row()?)?),
            };
            seen += 1;
            let how = see(row);
            stopped = how.is_break();
            Ok(how)
        };
        session.each(sql, &mut look).await?;
        if stopped || seen - before < u64::from(CHUNK) {
            return Ok(seen);
        }
        filter.after = row.as_ref().map(|r| r.key().to_owned());
    }
}

/// How many rows.
pub(super) async fn count(
    session: &mut dyn Session,
    scope: &Scope,
    layer: Layer,
    filter: &Filter,
) -> Result<u64, StoreError> {
    if layer == Layer::Officers {
        scope.need(Right::ListOfficers)?;
    }
    let mut sql = Sql::new(layer.spec().table, "SELECT count(*) FROM ");
    sql.push(layer.spec().table);
    conditions(&mut sql, session.dialect(), layer, scope, filter)?;
    session.one(sql).await
}

/// The register's version; waits for other writers of the register when about to write.
pub(super) async fn version(session: &mut dyn Session, to_write: bool) -> Result<u64, StoreError> {
    let mut sql = Sql::new("register_state", "SELECT version FROM register_state WHERE one = 1");
    if to_write {
        sql.push(session.for_update());
    }
    session.one(sql).await
}

/// Counts the register's version up.
pub(super) async fn bump(session: &mut dyn Session, version: u64) -> Result<(), StoreError> {
    let sum = row_sum(&[Value::from(1_i64), Value::from(version)]);
    let sql = Sql::new("register_state", "UPDATE register_state SET version = $1, row_sum = $2 WHERE one = 1");
    session.execute(sql.arg(version).arg(sum)).await.map(drop)
}
