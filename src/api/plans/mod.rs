//! `/api/plans`: plans listed, made, edited, taken back, compared, judged, published.

mod absorbing;
mod edits;
mod heads;
mod making;
mod village;
mod wall_map;

pub(super) use absorbing::follow;
pub(super) use edits::{edit, preview, redo, undo};
pub(super) use heads::{check, compare, fork, history, list, one, profiles, publish};
pub(super) use making::create;
pub(super) use village::village;
pub(super) use wall_map::wall_map;

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domain::Profile;
use crate::domain::plan::PlanHead;

use super::error::{Answer, Problem};

/// A plan's head as answers have it.
pub(super) fn shown(head: &PlanHead) -> Value {
    shown_by(head, &profile_name(&head.profile))
}

/// The same of many: plans of a county share few profiles, and each text is read once.
fn all_shown<'a>(heads: impl Iterator<Item = &'a PlanHead>, name: impl Fn(&str) -> String) -> Vec<Value> {
    let mut names: HashMap<&str, String> = HashMap::new();
    let one = |head: &'a PlanHead| {
        let text = head.profile.as_str();
        shown_by(head, names.entry(text).or_insert_with(|| name(text)))
    };
    heads.map(one).collect()
}

fn profile_name(text: &str) -> String {
    Profile::parse(text).map(|p| p.name).unwrap_or_default()
}

fn shown_by(head: &PlanHead, profile: &str) -> Value {
    json!({
        "id": head.id, "name": head.name, "region": head.region, "status": head.status, "version": head.version, "seed": head.seed,
        "valid_from": head.valid_from, "valid_to": head.valid_to, "profile": profile, "input_version": head.input_version,
    })
}

/// A code of a region from a client.
fn region_code(field: &str, code: &str) -> Answer<()> {
    let fits = [2, 4, 6, 9, 12].contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    if fits {
        return Ok(());
    }
    Err(Problem::bad(field, "应为 2、4、6、9 或 12 位数字 / 2, 4, 6, 9 or 12 digits"))
}

/// A village's code from a client.
fn village_code(field: &str, code: &str) -> Answer<()> {
    if code.len() == 12 && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::bad(field, "应为 12 位村编码 / the twelve digits of a village"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::domain::plan::PlanStatus;

    #[test]
    fn profile_of_many_plans_is_read_once() {
        let head = |id: &str, profile: &str| PlanHead {
            id: id.to_owned(),
            name: String::new(),
            region: "520423".to_owned(),
            status: PlanStatus::Retired,
            version: 1,
            seed: 1,
            parameters: json!({}),
            profile: Profile::named(profile).expect("shipped").to_toml(),
            input_version: 1,
            valid_from: None,
            valid_to: None,
        };
        let heads = [head("a", "xixiu"), head("b", "ziyun"), head("c", "xixiu")];
        let read = RefCell::new(Vec::new());
        let name = |text: &str| {
            let name = profile_name(text);
            read.borrow_mut().push(name.clone());
            name
        };
        let told = all_shown(heads.iter(), name);
        assert_eq!(read.into_inner(), ["xixiu", "ziyun"]);
        assert_eq!(told, heads.iter().map(shown).collect::<Vec<_>>());
        assert_eq!((&told[1]["id"], &told[1]["profile"]), (&json!("b"), &json!("ziyun")));
    }
}
