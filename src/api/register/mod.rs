//! `/api/register/{layer}/{id}/changes`: who changed a row of the register, when and why; what `lianhu history` says, for auditors and
//! administrators of the row's area, with the name of the account that did it. What tells of a person is named and never shown, whoever
//! asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::auth::Principal;
use super::error::{Answer, Problem};
use super::extract::{Params, Segments};
use crate::exchange::gate::schema::LAYERS;
use crate::store::{Layer, Role, RowChange};

/// Changes of an answer where none is said, and at most.
const PAGE: u64 = 200;
const MOST: u64 = 1_000;

/// Why a column's values are not given: they tell of a person, or are shapes that may be as large as a map.
fn withheld(layer: Layer, column: &str) -> Option<&'static str> {
    match (layer, column) {
        (_, "geom") => Some("geometry"),
        (Layer::Households, "persons" | "tenure" | "eligible")
        | (Layer::Officers, "name" | "phone_sealed" | "household")
        | (Layer::Incidents, "summary") => Some("personal"),
        _ => None,
    }
}

fn shown(layer: Layer, (seq, change): (u64, &RowChange), names: &BTreeMap<String, String>) -> Value {
    let withheld = withheld(layer, &change.column);
    let value = |v: &Value| if withheld.is_some() { Value::Null } else { v.clone() };
    json!({
        "seq": seq, "at": change.at, "actor": change.actor, "actor_name": names.get(&change.actor),
        "operation": change.operation, "column": change.column,
        "before": value(&change.before), "after": value(&change.after), "withheld": withheld, "reason": change.reason,
    })
}

pub(super) async fn changes(
    State(app): State<Arc<App>>,
    principal: Principal,
    Segments((layer, id)): Segments<(String, String)>,
    params: Params,
) -> Answer<axum::Json<Value>> {
    principal.need(&[Role::Auditor, Role::Admin], "查看修改记录 / read the changes of a row")?;
    params.only(&["after", "limit"])?;
    let after = params.number("after", 0..=u64::from(u32::MAX))?.unwrap_or(0);
    let limit = params.number("limit", 1..=MOST)?.unwrap_or(PAGE);
    let layer =
        LAYERS.iter().find(|l| l.name == layer).and_then(|l| Layer::named(l.name)).ok_or_else(Problem::missing)?;
    let all = app.store.changes_of(&principal.scope, layer, &id).await?;
    let names = if all.is_empty() { BTreeMap::new() } else { app.actor_names().await? };
    let numbered = (1..).zip(&all).filter(|(seq, _)| *seq > after);
    let page: Vec<Value> = numbered.take(limit as usize).map(|c| shown(layer, c, &names)).collect();
    let last = after.saturating_add(page.len() as u64);
    let next = (!page.is_empty() && last < all.len() as u64).then_some(last);
    Ok(axum::Json(json!({"layer": layer.name(), "id": id, "changes": page, "next": next})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_a_person_is_named_and_not_shown() {
        let change = |column: &str| RowChange {
            at: "2025-03-01T16:00:00.000Z".to_owned(),
            actor: "u-1".to_owned(),
            operation: "register.change".to_owned(),
            column: column.to_owned(),
            before: json!("甲"),
            after: json!("乙"),
            reason: Some("入户核查".to_owned()),
        };
        for (layer, column, wanted) in [
            (Layer::Households, "persons", Some("personal")),
            (Layer::Households, "tenure", Some("personal")),
            (Layer::Households, "eligible", Some("personal")),
            (Layer::Households, "floor", None),
            (Layer::Households, "geom", Some("geometry")),
            (Layer::Officers, "name", Some("personal")),
            (Layer::Officers, "phone_sealed", Some("personal")),
            (Layer::Officers, "role", None),
            (Layer::Incidents, "summary", Some("personal")),
            (Layer::Regions, "name", None),
        ] {
            let names = BTreeMap::from([("u-1".to_owned(), "县管理员".to_owned())]);
            let told = shown(layer, (3, &change(column)), &names);
            assert_eq!(told["withheld"].as_str(), wanted, "{layer:?} {column}");
            assert_eq!(told.to_string().contains('甲') || told.to_string().contains('乙'), wanted.is_none());
            assert_eq!((&told["seq"], &told["column"], &told["actor"]), (&json!(3), &json!(column), &json!("u-1")));
            assert_eq!(told["actor_name"], "县管理员");
        }
    }
}
