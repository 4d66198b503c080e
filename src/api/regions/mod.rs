//! `/api/regions`: the divisions one sees, as a list to choose from.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::Answer;
use super::extract::Params;
use super::memory::Collection;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["parent", "level"])?;
    let snapshot = app.memory.get(Collection::Regions).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let mut regions = Vec::new();
    for row in (0..snapshot.len() as u32).filter(|row| view.sees(*row)) {
        let mut region = serde_json::Map::new();
        for (field, text) in snapshot.fields(row).take(4) {
            region.insert(field.name.to_owned(), serde_json::from_str(text).unwrap_or(Value::Null));
        }
        let fits = |name: &str| params.get(name).is_none_or(|v| region.get(name).and_then(Value::as_str) == Some(v));
        if fits("parent") && fits("level") {
            let bounds = snapshot.shape(row).and_then(|s| s.bounds());
            region.insert("bbox".to_owned(), json!(bounds));
            regions.push(Value::Object(region));
        }
    }
    Ok(axum::Json(json!({ "regions": regions })))
}
