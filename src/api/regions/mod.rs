//! `/api/regions`: the divisions one sees, as a list to choose from, with what the plans in force say of each village.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::Answer;
use super::extract::Params;
use super::memory::Collection;

/// Grids in force and their households, by village.
async fn in_force(app: &App, principal: &Principal) -> Answer<BTreeMap<String, (u64, u64)>> {
    let snapshot = app.memory.get(Collection::Grids).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let households = snapshot.spec().position("households").unwrap_or_default();
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in (0..snapshot.len() as u32).filter(|row| view.sees(*row)) {
        // a level-1 grid is the village itself
        let Some((village, number)) = snapshot.id(row).split_at_checked(12).filter(|(_, n)| *n != "000") else {
            continue;
        };
        if number.is_empty() {
            continue;
        }
        let held = snapshot.field(row, households).and_then(|t| t.parse().ok()).unwrap_or(0);
        let sum = sums.entry(village.to_owned()).or_default();
        *sum = (sum.0 + 1, sum.1 + held);
    }
    Ok(sums)
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["parent", "level"])?;
    let snapshot = app.memory.get(Collection::Regions).await?;
    let view = app.memory.view(&snapshot, &principal.scope).await?;
    let sums = in_force(&app, &principal).await?;
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
            let sum = region.get("code").and_then(Value::as_str).and_then(|c| sums.get(c));
            region.insert("grids".to_owned(), json!(sum.map(|s| s.0)));
            region.insert("households".to_owned(), json!(sum.map(|s| s.1)));
            regions.push(Value::Object(region));
        }
    }
    Ok(axum::Json(json!({ "regions": regions })))
}
