//! Photos of incidents: one each, kept as they were judged and stripped before they came here.

use serde_json::json;

use crate::store::error::StoreError;
use crate::store::scope::{Right, Scope};
use crate::store::sql::{Session, Sql};
use crate::store::value::{Cell, Row, Value, row_sum};
use crate::store::{SqlStore, audit, insert};

use super::{find, record};

/// Photos looked through at a time.
const STEP: i64 = 16;
/// Columns of a photo; its sum covers them in this order.
const COLUMNS: [&str; 7] = ["incident", "kind", "width", "height", "sha256", "at", "image"];

/// A photo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotoRow {
    /// Its media type.
    pub kind: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// SHA-256 of the file.
    pub sha256: String,
    /// When it came; given here.
    pub at: String,
    /// The file; empty where only the rest was asked for.
    pub image: Vec<u8>,
}

impl PhotoRow {
    pub(in crate::store) fn values(&self, incident: &str) -> Vec<Value> {
        vec![
            incident.into(),
            self.kind.to_value(),
            i64::from(self.width).into(),
            i64::from(self.height).into(),
            self.sha256.to_value(),
            self.at.to_value(),
            Value::Blob(Some(self.image.clone())),
        ]
    }

    fn read(row: &mut Row, with_image: bool) -> Result<Self, StoreError> {
        let mut photo = Self {
            kind: row.take()?,
            width: row.take()?,
            height: row.take()?,
            sha256: row.take()?,
            at: row.take()?,
            image: Vec::new(),
        };
        if with_image {
            photo.image = row.take::<Option<Vec<u8>>>()?.unwrap_or_default();
        }
        Ok(photo)
    }
}

/// What became of a photo that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoKept {
    /// It is kept.
    New,
    /// It was there already.
    Same,
    /// The incident has another one, which stays.
    Other,
}

/// The photo of an incident.
async fn of(session: &mut dyn Session, incident: &str, with_image: bool) -> Result<Option<PhotoRow>, StoreError> {
    let mut sql = Sql::new("incident_photos", "SELECT kind, width, height, sha256, at");
    sql.push(if with_image { ", image" } else { "" }).push(" FROM incident_photos WHERE incident = ").bind(incident);
    session.row(sql).await?.map(|mut row| PhotoRow::read(&mut row, with_image)).transpose()
}

/// Keeps a photo, unless the incident has one.
pub(super) async fn put(
    store: &SqlStore,
    scope: &Scope,
    actor: &str,
    incident: &str,
    photo: &PhotoRow,
) -> Result<PhotoKept, StoreError> {
    scope.need(Right::HandleIncidents)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    // whoever brings another one at the same time waits
    let row = find::one(session.as_mut(), scope, incident, true).await?;
    if let Some(there) = of(session.as_mut(), &row.id, false).await? {
        return Ok(if there.sha256 == photo.sha256 { PhotoKept::Same } else { PhotoKept::Other });
    }
    let photo = PhotoRow { at: at.clone(), ..photo.clone() };
    let mut cells = photo.values(&row.id);
    let sum = row_sum(&cells);
    cells.push(sum.into());
    let mut columns = COLUMNS.to_vec();
    columns.push("row_sum");
    insert::rows(session.as_mut(), "incident_photos", &columns, vec![cells]).await?;
    let mut after = record::told(&row);
    after["photo"] = json!({"sha256": photo.sha256, "kind": photo.kind, "bytes": photo.image.len()});
    let entry = audit::Entry {
        at: &at,
        actor,
        scope,
        operation: "incident.photo",
        subject: &row.id,
        before: None,
        after: Some(after.to_string()),
    };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await?;
    Ok(PhotoKept::New)
}

/// The photo of an incident of the scope, or what is known of it without the file.
pub(super) async fn get(
    session: &mut dyn Session,
    scope: &Scope,
    incident: &str,
    with_image: bool,
) -> Result<Option<PhotoRow>, StoreError> {
    scope.need(Right::HandleIncidents)?;
    let row = find::one(session, scope, incident, false).await?;
    of(session, &row.id, with_image).await
}

/// Takes a photo away.
pub(super) async fn remove(store: &SqlStore, scope: &Scope, actor: &str, incident: &str) -> Result<(), StoreError> {
    scope.need(Right::EditRegister)?;
    let at = store.now();
    let mut session = store.engine.write().await?;
    let row = find::one(session.as_mut(), scope, incident, true).await?;
    let missing = || StoreError::NotFound { what: "照片 / photo", id: row.id.clone() };
    let photo = of(session.as_mut(), &row.id, false).await?.ok_or_else(missing)?;
    let sql = Sql::new("incident_photos", "DELETE FROM incident_photos WHERE incident = $1");
    session.execute(sql.arg(row.id.as_str())).await?;
    let entry = audit::Entry {
        at: &at,
        actor,
        scope,
        operation: "incident.photo_remove",
        subject: &row.id,
        before: Some(json!({"sha256": photo.sha256, "kind": photo.kind}).to_string()),
        after: Some(record::told(&row).to_string()),
    };
    audit::append(session.as_mut(), entry).await?;
    session.commit().await
}

/// Deletes photos that came before a moment, unless their incident is still to be done. How many.
pub(in crate::store) async fn purge(session: &mut dyn Session, before: &str) -> Result<u64, StoreError> {
    let mut sql = Sql::new("incident_photos", "DELETE FROM incident_photos WHERE at < ");
    sql.bind(before).push(" AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = incident_photos.incident AND ");
    find::is_open(&mut sql, session.dialect());
    sql.push(")");
    session.execute(sql).await
}

/// Photos of incidents whose ids follow one, with the sums they were written with: a few.
pub(in crate::store) async fn read_after(
    session: &mut dyn Session,
    incident: &str,
) -> Result<Vec<(String, Option<i64>, PhotoRow)>, StoreError> {
    let mut sql = Sql::new("incident_photos", "SELECT incident, row_sum, kind, width, height, sha256, at, image");
    sql.push(" FROM incident_photos WHERE incident > ").bind(incident);
    sql.push(" ORDER BY incident LIMIT ").bind(STEP);
    let read = |mut row: Row| Ok((row.take()?, row.take()?, PhotoRow::read(&mut row, true)?));
    session.rows(sql).await?.into_iter().map(read).collect()
}
