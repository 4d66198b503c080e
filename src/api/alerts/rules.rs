//! `/api/alert-rules`: what alarms, as data that administrators read and change.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::{Answer, Problem};
use crate::api::extract::{Json, Params, Segments};
use crate::api::preconditions::{Versions, etag, stale};
use crate::domain::incident::alerts::{AlertKind, AlertRule};
use crate::store::{Role, StoreError};

const OPERATION: &str = "告警规则 / alert rules";
/// Longest id.
const LONGEST_ID: usize = 64;
/// Minutes an alert may wait for somebody: a week at most.
const PATIENCE_MIN: std::ops::RangeInclusive<u32> = 1..=10_080;
/// Days looked back on: a course of fewer is none.
const DAYS: std::ops::RangeInclusive<u32> = 8..=366;
/// Coarsest and finest cells of a round over the whole store.
const RESOLUTIONS: std::ops::RangeInclusive<u8> = 5..=10;

fn shown(rule: &AlertRule, version: u64) -> Value {
    json!({
        "id": rule.id, "kind": rule.kind.word(), "region": rule.region, "escalate_after_min": rule.escalate_after_min,
        "days": rule.days, "resolution": rule.resolution, "enabled": rule.enabled,
        "ships": AlertRule::shipped().iter().any(|r| r.id == rule.id), "version": version,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Wish {
    kind: String,
    #[serde(default)]
    region: String,
    escalate_after_min: u32,
    days: Option<u32>,
    resolution: Option<u8>,
    enabled: bool,
}

fn wrong(field: &str, what: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_field", what).field(field)
}

fn within<T: PartialOrd + std::fmt::Display>(field: &str, value: T, range: &std::ops::RangeInclusive<T>) -> Answer<T> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(wrong(field, format!("应为 {0}–{1} / from {0} to {1}", range.start(), range.end())))
}

impl Wish {
    fn rule(self, id: &str) -> Answer<AlertRule> {
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_plain) {
            return Err(wrong(
                "id",
                format!("小写字母、数字、_、-，最多 {LONGEST_ID} 个 / a-z, 0-9, _ and -, at most {LONGEST_ID}"),
            ));
        }
        let known = || AlertKind::ALL.map(AlertKind::word).join(", ");
        let kind = AlertKind::find(&self.kind).ok_or_else(|| wrong("kind", format!("应为 / one of: {}", known())))?;
        let like = AlertRule::shipped().into_iter().find(|r| r.kind == kind);
        let like = like.ok_or_else(|| Problem::internal("a kind without a rule"))?;
        if AlertRule::shipped().iter().any(|r| r.id == id && r.kind != kind) {
            return Err(wrong("kind", format!("{id} 只能是这一类 / {id} is of its own kind")));
        }
        let digits = self.region.bytes().all(|b| b.is_ascii_digit());
        if !digits || ![0, 2, 4, 6, 9, 12].contains(&self.region.len()) {
            return Err(wrong("region", "应为 0、2、4、6、9 或 12 位数字 / 0, 2, 4, 6, 9 or 12 digits"));
        }
        Ok(AlertRule {
            id: id.to_owned(),
            kind,
            region: self.region,
            escalate_after_min: within("escalate_after_min", self.escalate_after_min, &PATIENCE_MIN)?,
            days: within("days", self.days.unwrap_or(like.days), &DAYS)?,
            resolution: within("resolution", self.resolution.unwrap_or(like.resolution), &RESOLUTIONS)?,
            enabled: self.enabled,
        })
    }
}

/// A version that somebody else wrote meanwhile.
fn problem_of(e: StoreError) -> Problem {
    match e {
        StoreError::Conflict { current_version, .. } => stale(current_version),
        e => e.into(),
    }
}

/// The version that stands: 0 for a rule as it ships; `None` for one that is not there.
async fn version_of(app: &App, principal: &Principal, id: &str) -> Answer<Option<u64>> {
    let all = app.store.kept_alert_rules(&principal.scope).await?;
    Ok(all.iter().find(|r| r.0.id == id).map(|r| r.1))
}

pub(in crate::api) async fn list_rules(
    State(app): State<Arc<App>>,
    principal: Principal,
    params: Params,
) -> Answer<axum::Json<Value>> {
    principal.need(&[Role::Admin], OPERATION)?;
    params.only(&[])?;
    let all = app.store.kept_alert_rules(&principal.scope).await?;
    Ok(axum::Json(json!({"rules": all.iter().map(|(rule, version)| shown(rule, *version)).collect::<Vec<_>>()})))
}

pub(in crate::api) async fn put_rule(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Answer<impl IntoResponse> {
    principal.need(&[Role::Admin], OPERATION)?;
    let versions = Versions::of(&headers)?;
    let rule = wish.rule(&id)?;
    let version = versions.check(version_of(&app, &principal, &id).await?.unwrap_or(0))?;
    let put = app.store.put_alert_rule(&principal.scope, &principal.actor, &rule, version).await;
    let version = put.map_err(problem_of)?;
    Ok(([(header::ETAG, etag(version))], axum::Json(json!({"rule": shown(&rule, version)}))))
}

pub(in crate::api) async fn remove_rule(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    principal.need(&[Role::Admin], OPERATION)?;
    let versions = Versions::of(&headers)?;
    let version = versions.check(version_of(&app, &principal, &id).await?.ok_or_else(Problem::missing)?)?;
    app.store.remove_alert_rule(&principal.scope, &principal.actor, &id, version).await.map_err(problem_of)?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str, wish: Value) -> Result<AlertRule, String> {
        let wish: Wish = serde_json::from_value(wish).map_err(|e| e.to_string())?;
        wish.rule(id).map_err(|p| p.detail().to_owned())
    }

    #[test]
    fn rule_is_read_with_what_its_kind_brings_and_nothing_else() {
        let good = json!({"kind": "hot_and_growing", "region": "520423", "escalate_after_min": 60, "enabled": true});
        let rule = read("town", good.clone()).expect("a rule");
        assert_eq!((rule.days, rule.resolution, rule.region.as_str()), (30, 8, "520423"));
        assert!(read("hot_and_growing", good.clone()).is_ok());
        let with = |field: &str, value: Value| {
            let mut wish = good.clone();
            wish[field] = value;
            wish
        };
        for (id, wish) in [
            ("", good.clone()),
            ("A b", good.clone()),
            ("overdue", good.clone()),
            ("x", with("kind", json!("flood"))),
            ("x", with("region", json!("52042"))),
            ("x", with("region", json!("52042x"))),
            ("x", with("escalate_after_min", json!(0))),
            ("x", with("escalate_after_min", json!(20_000))),
            ("x", with("days", json!(7))),
            ("x", with("resolution", json!(15))),
            ("x", with("colour", json!("red"))),
            ("x", with("enabled", json!("yes"))),
        ] {
            assert!(read(id, wish.clone()).is_err(), "{id} {wish}");
        }
    }
}
