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

use serde_json::{Value, json};

use crate::domain::Profile;
use crate::domain::plan::PlanHead;

use super::error::{Answer, Problem};

/// A plan's head as answers have it.
pub(super) fn shown(head: &PlanHead) -> Value {
    let profile = Profile::parse(&head.profile).map(|p| p.name).unwrap_or_default();
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
