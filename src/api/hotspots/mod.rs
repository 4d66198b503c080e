//! `/api/hotspots`, `/api/scan`: where incidents concentrate. A view is computed once for what there is and kept until that changes.

mod ground;
mod keep;
mod layer;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;

use super::App;
use super::auth::Principal;
use super::bodies::{self, Packing, pack};
use super::error::{Answer, Problem};
use super::extract::Params;
use super::incidents::{filter_of, moment};
use super::jobs::Work;
use super::memory::Collection;
use crate::plan::room::{self, HotspotWish, OutbreakWish, RoomHotspots, View, moments, outbreaks, room_hotspots};
use crate::store::IncidentFilter;

pub(super) use ground::{ground, outline};
pub(crate) use keep::Kept;
pub(crate) use layer::Layers;
pub(super) use layer::layer;

/// Resolution, days of the period and seed where none is said.
const RESOLUTION: u64 = 9;
const DAYS: i64 = 30;
const SCAN_DAYS: i64 = 90;
const SEED: u64 = 1;
/// Digits of a village's code; longer ones are grids and units.
const VILLAGE_DIGITS: usize = 12;
/// Views made at once; others wait, and find what was made meanwhile.
static TURNS: Semaphore = Semaphore::const_new(2);
/// Finest and coarsest resolution of the room.
const RESOLUTIONS: std::ops::RangeInclusive<u64> = 5..=11;

/// What may narrow the incidents that are looked at.
const NARROWING: [&str; 8] = ["region", "from", "to", "category", "level", "state", "open", "overdue"];

/// The period of a request: what it says, or the last days up to and with today, in China.
fn period(params: &Params, days: i64) -> Answer<(OffsetDateTime, OffsetDateTime)> {
    let today = moments::start_of(moments::china_day(OffsetDateTime::now_utc()));
    let to = moment(params, "to", true)?.unwrap_or(today + Duration::DAY);
    let from = moment(params, "from", false)?.unwrap_or(to - Duration::days(days));
    if from >= to {
        return Err(Problem::bad("from", "from 须早于 to / from must be before to"));
    }
    Ok((from, to))
}

/// What cannot be judged.
fn problem_of(e: &impl ToString) -> Problem {
    let what = e.to_string().replace('\n', " / ");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_judge", what)
}

/// The filter of a request in a period that is always said.
async fn filter(
    app: &App,
    principal: &Principal,
    params: &Params,
    days: i64,
) -> Answer<(IncidentFilter, OffsetDateTime, OffsetDateTime)> {
    let lists = room::dictionaries(app.store(), &principal.scope).await?;
    let (from, to) = period(params, days)?;
    let (stored_from, stored_to) = (Some(moments::stored(from)), Some(moments::stored(to)));
    Ok((IncidentFilter { from: stored_from, to: stored_to, ..filter_of(params, &lists)? }, from, to))
}

/// Of all that a view is made of.
async fn version(app: &App) -> Answer<[u64; 3]> {
    let mut version = [0; 3];
    for (v, collection) in version.iter_mut().zip([Collection::Incidents, Collection::Regions, Collection::Households])
    {
        *v = app.memory.get(collection).await?.digest;
    }
    Ok(version)
}

pub(super) async fn cells(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
    headers: HeaderMap,
) -> Answer<Response> {
    params.only(&[&NARROWING[..], &["resolution", "view", "seed"]].concat())?;
    let view = match params.get("view") {
        None => View::Gi,
        Some(word) => View::find(word).ok_or_else(|| Problem::bad("view", "gi、rate、count、emerging、density"))?,
    };
    let resolution = params.number("resolution", RESOLUTIONS)?.unwrap_or(RESOLUTION) as u8;
    let seed = params.number("seed", 0..=u64::from(u32::MAX))?.unwrap_or(SEED);
    let (filter, from, to) = filter(&app, &principal, &params, DAYS).await?;
    // all that goes into the answer: who asks, what for, and what there is
    let mut version = version(&app).await?.to_vec();
    if view == View::Rate && principal.scope.prefixes().iter().any(|p| p.len() > VILLAGE_DIGITS) {
        // whose homes belong to a grid or unit is the plan's affair
        for collection in [Collection::Grids, Collection::Units] {
            version.push(app.memory.get(collection).await?.digest);
        }
    }
    // who is overdue is told to the minute
    let minute = filter.overdue.and_then(|_| filter.now.get(..16)).unwrap_or_default().to_owned();
    let asked = IncidentFilter { now: minute, ..filter.clone() };
    let key = format!("{} {view:?} {resolution} {seed} {asked:?} {version:?}", principal.scope.area());
    let wanted = Packing::wanted(&headers);
    if let Some(body) = app.hotspots.get(&(key.clone(), wanted)) {
        return Ok(bodies::json(body, wanted));
    }
    let turn = TURNS.acquire().await.map_err(|e| Problem::internal(e.to_string()))?;
    if let Some(body) = app.hotspots.get(&(key.clone(), wanted)) {
        return Ok(bodies::json(body, wanted));
    }
    if let Some(body) = app.hotspots.get(&(key.clone(), Packing::Plain)) {
        let packed = tokio::task::spawn_blocking(move || pack(body, wanted)).await;
        let (body, packing) = packed.map_err(|e| Problem::internal(e.to_string()))?;
        app.hotspots.keep((key, packing), body.clone());
        return Ok(bodies::json(body, packing));
    }
    let ground = ground(&app, &principal.scope, &filter, view == View::Rate, Some(resolution)).await?;
    let wish = HotspotWish { view, resolution, period_ms: (moments::ms(from), moments::ms(to)), seed };
    let made = tokio::task::spawn_blocking(move || {
        // held until it is made, also when the client went away
        let _turn = turn;
        let found = room_hotspots(&ground, &wish).map_err(|e| problem_of(&e))?;
        Ok::<_, Problem>(pack(answer(&wish, &found).to_string().into(), wanted))
    });
    let (body, packing) = made.await.map_err(|e| Problem::internal(e.to_string()))??;
    app.hotspots.keep((key, packing), body.clone());
    Ok(bodies::json(body, packing))
}

/// A view as it is answered.
fn answer(wish: &HotspotWish, found: &RoomHotspots) -> Value {
    let at = |ms: i64| moments::shown(&moments::stored(moments::of_ms(ms)));
    json!({
        "view": wish.view.word(),
        "resolution": wish.resolution,
        "from": at(wish.period_ms.0),
        "to": at(wish.period_ms.1),
        "as_of": moments::shown(&moments::stored(OffsetDateTime::now_utc())),
        "incidents": found.incidents,
        "outside": found.outside,
        "mean": found.mean,
        "study_cells": found.study_cells,
        "cells": found.cells,
        "notes": found.notes,
    })
}

/// `3km`, `500m`, or metres.
fn radius_m(params: &Params) -> Answer<f64> {
    let Some(text) = params.get("radius") else { return Ok(3_000.0) };
    let (number, unit) = match (text.strip_suffix("km"), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1_000.0),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (text, 1.0),
    };
    let metres = number.trim().parse::<f64>().ok().map(|n| n * unit).filter(|m| (50.0..=100_000.0).contains(m));
    metres.ok_or_else(|| Problem::bad("radius", "如 500m、3km；50 米至 100 公里 / like 500m, 3km; 50 m to 100 km"))
}

pub(super) async fn scan(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<(StatusCode, axum::Json<Value>)> {
    params.only(&[&NARROWING[..], &["radius", "days", "permutations", "seed"]].concat())?;
    let radius_m = radius_m(&params)?;
    let days = params.number("days", 1..=366)?.unwrap_or(7) as u32;
    let permutations = params.number("permutations", 99..=9_999)?.unwrap_or(999) as u32;
    let seed = params.number("seed", 0..=u64::from(u32::MAX))?.unwrap_or(SEED);
    let (filter, _, to) = filter(&app, &principal, &params, SCAN_DAYS).await?;
    let last_day = moments::china_day(to - Duration::SECOND);
    let running = app.clone();
    let id = app.jobs.start("scan", &principal, move |work: Work| async move {
        work.tell("读取 reading", 0.0);
        let incidents = running.store.incident_points(&work.principal.scope, &filter).await?;
        work.tell("扫描 scanning", 0.1);
        let wish = OutbreakWish { radius_m, days, last_day, permutations, seed };
        let clusters = outbreaks(&incidents, &wish).map_err(|e| problem_of(&e))?;
        Ok(json!({"incidents": incidents.len(), "clusters": clusters}))
    })?;
    Ok((StatusCode::ACCEPTED, axum::Json(json!({ "job": id }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radius_is_read_with_its_unit() {
        let of = |text: &str| Params::of(&[("radius", text)]);
        for (text, metres) in [("3km", 3_000.0), ("500m", 500.0), ("750", 750.0), ("1.5 km", 1_500.0)] {
            assert_eq!(radius_m(&of(text)).expect("a radius"), metres, "{text}");
        }
        for bad in ["3", "-1km", "1e9km", "km", "NaNkm", "3 miles"] {
            assert!(radius_m(&of(bad)).is_err(), "{bad}");
        }
    }
}
