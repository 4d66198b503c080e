//! `/api/regions`: the divisions one sees, as a list to choose from, with what the plans in force say of each village.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::Answer;
use super::extract::Params;
use super::memory::{Collection, Snapshot, View};
use crate::api::turns::in_turn;

/// What one sees of a collection.
type Seen = (Arc<Snapshot>, Arc<View>);

/// Grids in force and their households, by village.
fn in_force((snapshot, view): &Seen) -> BTreeMap<String, (u64, u64)> {
    let households = snapshot.spec().position("households").unwrap_or_default();
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in view.rows(0, snapshot.len() as u32) {
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
    sums
}

fn listed((snapshot, view): &Seen, grids: &Seen, params: &Params) -> Vec<Value> {
    let sums = in_force(grids);
    let mut regions = Vec::new();
    for row in view.rows(0, snapshot.len() as u32) {
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
    regions
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    params.only(&["parent", "level"])?;
    let regions = app.seen(Collection::Regions, &principal.scope).await?;
    let grids = app.seen(Collection::Grids, &principal.scope).await?;
    // thousands of outlines and grids are gone through
    let regions = in_turn(move || listed(&regions, &grids, &params)).await?;
    Ok(axum::Json(json!({ "regions": regions })))
}
