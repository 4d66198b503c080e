//! What SQLite and the GeoPackage frame themselves can be asked about their health.

use sqlx::{Connection, SqliteConnection};

use super::errors;
use crate::store::check::Finding;
use crate::store::error::StoreError;
use crate::store::migrate;

/// The statements about one layer's R-tree.
pub(super) struct RtreeSql {
    table: &'static str,
    /// Fills it anew.
    pub(super) rebuild: &'static str,
    /// fid of rows whose box is absent or not theirs.
    wrong: &'static str,
    /// ids of boxes without a row.
    extra: &'static str,
    /// SQLite's own check of the tree.
    inner: &'static str,
}

/// Statements for a layer: SQLite keeps boxes as f32, rounded outwards, hence the tolerance of 1e-4 degrees (8 ulp at 180).
macro_rules! rtree_sql {
    ($table:literal) => {
        RtreeSql {
            table: $table,
            rebuild: concat!(
                "DELETE FROM rtree_",
                $table,
                "_geom;
                 INSERT INTO rtree_",
                $table,
                "_geom
                   SELECT fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom)
                   FROM ",
                $table,
                " WHERE geom IS NOT NULL AND NOT ST_IsEmpty(geom)"
            ),
            wrong: concat!(
                "SELECT t.fid FROM ",
                $table,
                " t LEFT JOIN rtree_",
                $table,
                "_geom r ON r.id = t.fid
                 WHERE t.geom IS NOT NULL AND NOT ST_IsEmpty(t.geom)
                   AND (r.id IS NULL OR r.minx > ST_MinX(t.geom) OR r.maxx < ST_MaxX(t.geom)
                     OR r.miny > ST_MinY(t.geom) OR r.maxy < ST_MaxY(t.geom)
                     OR r.minx < ST_MinX(t.geom) - 1e-4 OR r.maxx > ST_MaxX(t.geom) + 1e-4
                     OR r.miny < ST_MinY(t.geom) - 1e-4 OR r.maxy > ST_MaxY(t.geom) + 1e-4)
                 LIMIT 20"
            ),
            extra: concat!(
                "SELECT r.id FROM rtree_",
                $table,
                "_geom r LEFT JOIN ",
                $table,
                " t ON t.fid = r.id
                 WHERE t.geom IS NULL LIMIT 20"
            ),
            inner: concat!("SELECT rtreecheck('rtree_", $table, "_geom')"),
        }
    };
}

const RTREES: [RtreeSql; 10] = [
    rtree_sql!("regions"),
    rtree_sql!("buildings"),
    rtree_sql!("households"),
    rtree_sql!("centres"),
    rtree_sql!("barriers"),
    rtree_sql!("old_nets"),
    rtree_sql!("incidents"),
    rtree_sql!("grids"),
    rtree_sql!("units"),
    rtree_sql!("leaders"),
];

/// The R-tree of a layer, if it has one.
pub(super) fn rtree(table: &str) -> Option<&'static RtreeSql> {
    RTREES.iter().find(|r| r.table == table)
}

fn finding(kind: &'static str, place: impl Into<String>, what: impl Into<String>) -> Finding {
    Finding { kind, place: place.into(), what: what.into() }
}

async fn schema(connection: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name")
        .fetch_all(connection)
        .await
}

/// The rows by which other programs know what the file holds, each as a name and what it says: what this program wrote, but nothing that
/// others may rightly change.
const FRAME: &str = "SELECT 'gpkg_contents ' || table_name, json_array(data_type, identifier, srs_id) FROM gpkg_contents
    UNION ALL SELECT 'gpkg_geometry_columns ' || table_name, json_array(column_name, geometry_type_name, srs_id, z, m)
      FROM gpkg_geometry_columns
    UNION ALL SELECT 'gpkg_spatial_ref_sys ' || srs_id,
      json_array(srs_name, organization, organization_coordsys_id, definition, description) FROM gpkg_spatial_ref_sys
    UNION ALL SELECT 'gpkg_extensions ' || coalesce(table_name, ''), json_array(column_name, extension_name, definition, scope)
      FROM gpkg_extensions";

async fn frame(connection: &mut SqliteConnection) -> Result<Frame, sqlx::Error> {
    sqlx::query_as(FRAME).fetch_all(connection).await
}

/// A damaged page can stop any statement: that is a finding, not the end of the check.
fn or_finding<T>(result: Result<T, sqlx::Error>, place: &str, into: &mut Vec<Finding>) -> Option<T> {
    match result {
        Ok(v) => Some(v),
        Err(e) => {
            into.push(finding("page", place, errors::of(&e, "check").to_string()));
            None
        }
    }
}

/// All findings about pages, references, R-trees, schema and the GeoPackage's marks.
pub(super) async fn findings(connection: &mut SqliteConnection) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    let pages: Result<Vec<(String,)>, _> =
        sqlx::query_as("PRAGMA integrity_check(100)").fetch_all(&mut *connection).await;
    for (text,) in or_finding(pages, "integrity_check", &mut found).unwrap_or_default() {
        if text != "ok" {
            found.push(finding("page", "integrity_check", text));
        }
    }
    let broken: Result<Vec<(String, Option<i64>, String)>, _> =
        sqlx::query_as("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 100")
            .fetch_all(&mut *connection)
            .await;
    for (table, row, parent) in or_finding(broken, "foreign_key_check", &mut found).unwrap_or_default() {
        let place = format!("{table} rowid {}", row.unwrap_or_default());
        found.push(finding("reference", place, format!("引用的 {parent} 不存在 / no such row in {parent}")));
    }
    for tree in &RTREES {
        let place = format!("rtree_{}_geom", tree.table);
        let inner: Result<(String,), _> = sqlx::query_as(tree.inner).fetch_one(&mut *connection).await;
        match or_finding(inner, &place, &mut found) {
            Some((text,)) if text != "ok" => found.push(finding("rtree", place.clone(), text)),
            _ => {}
        }
        for (sql, what) in [
            (tree.wrong, "空间索引与几何不一致 / the R-tree is not in step with the row"),
            (tree.extra, "空间索引多出一项 / the R-tree has an entry without a row"),
        ] {
            let ids: Result<Vec<(i64,)>, _> = sqlx::query_as(sql).fetch_all(&mut *connection).await;
            for (fid,) in or_finding(ids, &place, &mut found).unwrap_or_default() {
                found.push(finding("rtree", format!("{} fid {fid}", tree.table), what));
            }
        }
    }
    let marks: Result<(i64, i64, i64), _> = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                (SELECT CASE one WHEN 1 THEN active ELSE -1 END FROM store_writer)",
    )
    .fetch_one(&mut *connection)
    .await;
    match or_finding(marks, "header", &mut found) {
        Some((application, version, active)) => {
            if application != super::APPLICATION_ID || version != super::USER_VERSION {
                found.push(finding(
                    "header",
                    "application_id, user_version",
                    "不是 GeoPackage 1.3 / not a GeoPackage 1.3",
                ));
            }
            match active {
                0 => {}
                1.. => found.push(finding("constraint", "store_writer", "写入标记未清除 / the writer's mark was left")),
                _ => found.push(finding(
                    "constraint",
                    "store_writer",
                    "与本程序写入的不符 / differs from what this program wrote",
                )),
            }
        }
        None => return Ok(found),
    }
    let (want, wanted_frame) = expected().await?;
    let have = frame(connection).await;
    if let Some(have) = or_finding(have, "gpkg_contents", &mut found) {
        for row in wanted_frame.iter().filter(|row| !have.contains(row)) {
            let what = match have.iter().any(|h| h.0 == row.0) {
                true => "与本程序写入的不符 / differs from what this program wrote",
                false => "缺失 / is missing",
            };
            found.push(finding("schema", row.0.clone(), what));
        }
    }
    let have = schema(connection).await;
    if let Some(have) = or_finding(have, "sqlite_schema", &mut found) {
        for (name, sql) in &have {
            match want.iter().find(|w| w.0 == *name) {
                Some((_, wanted)) if wanted != sql => {
                    found.push(finding("schema", name.clone(), "结构与程序不符 / differs from this program's schema"));
                }
                _ => {}
            }
        }
        for (name, _) in &want {
            if !have.iter().any(|h| h.0 == *name) {
                found.push(finding("schema", name.clone(), "缺失 / is missing"));
            }
        }
    }
    Ok(found)
}

type Schema = Vec<(String, Option<String>)>;
type Frame = Vec<(String, String)>;

/// The schema and the frame a new store has, made in memory.
async fn expected() -> Result<(Schema, Frame), StoreError> {
    let failed = |e: sqlx::Error| errors::of(&e, "schema");
    let mut memory = SqliteConnection::connect("sqlite::memory:").await.map_err(failed)?;
    sqlx::raw_sql(migrate::TABLE_SQLITE).execute(&mut memory).await.map_err(failed)?;
    for step in migrate::SQLITE {
        sqlx::raw_sql(step.sql).execute(&mut memory).await.map_err(failed)?;
    }
    Ok((schema(&mut memory).await.map_err(failed)?, frame(&mut memory).await.map_err(failed)?))
}
