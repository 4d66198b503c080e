//! Is a plan legal as it stands in the store, on the register as it is now? And putting it in force, if it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::domain::Profile;
use crate::domain::plan::{PlanHead, PlanStatus, VillageRows};
use crate::partition::check::{Breach, Rule};
use crate::plan::edit::{Behind, StateError, VillageState};
use crate::plan::job::PlanError;
use crate::plan::village::by_village;
use crate::store::{PlanFilter, Publication, Refusal, Scope, Store};

use super::RegisterError;
use super::input::{Input, read_input};

/// A plan as judged.
pub struct Judgement {
    /// Its head, with the version that was judged.
    pub head: PlanHead,
    /// Every breach of H1–H11; a plan without any can be published.
    pub breaches: Vec<Breach>,
}

impl Judgement {
    /// For those who may not see households: of the ids the codes alone, and no words about single differences.
    #[must_use]
    pub fn without_households(mut self) -> Self {
        let is_code = |id: &String| matches!(id.len(), 12 | 15 | 18) && id.bytes().all(|b| b.is_ascii_digit());
        for breach in &mut self.breaches {
            breach.ids.retain(is_code);
            // what plan and register differ in is told line by line, a language each; a breach is one line
            if breach.message.contains('\n') {
                let what = "方案与名册不符，请先让方案跟随名册 / plan and register differ: let the plan follow the register first";
                what.clone_into(&mut breach.message);
            }
        }
        self
    }
}

/// Judges a plan by the one `check`, village by village, on what plan and register both know; what only one of them knows is a breach of
/// H4.
///
/// # Errors
/// What the store says; a village no cells can be made of.
pub async fn judge_plan(store: &dyn Store, scope: &Scope, plan: &str) -> Result<Judgement, RegisterError> {
    let villages = store.plan_villages(scope, plan).await?;
    let (head, rows) = store.plan_rows(scope, plan, &villages).await?;
    let input = read_input(store, scope, &head.region).await?;
    let profile = profile_of(&head)?;
    let rows: BTreeMap<&str, &VillageRows> = rows.iter().map(|r| (r.village.as_str(), r)).collect();
    let breaches = judge(&input, &profile, &rows)?;
    Ok(Judgement { head, breaches })
}

fn judge(input: &Input, profile: &Profile, rows: &BTreeMap<&str, &VillageRows>) -> Result<Vec<Breach>, RegisterError> {
    let h4 = |village: &str, message: String| Breach { rule: Rule::H4, ids: vec![village.to_owned()], message };
    let villages = by_village(&input.table);
    let mut breaches: Vec<Breach> = villages
        .par_iter()
        .map(|village| {
            let Some(rows) = rows.get(village.key.as_str()) else {
                let what = format!("村 {0} 不在方案中 / village {0} is not in the plan", village.key);
                return Ok(vec![h4(&village.key, what)]);
            };
            match VillageState::opened(Arc::new(input.land(village, profile)?), rows) {
                Ok((state, behind)) => Ok(behind.iter().flat_map(Behind::breaches).chain(state.problems()).collect()),
                Err(StateError::Plan(e)) => Err(e),
                Err(differs) => Ok(vec![h4(&village.key, differs.to_string())]),
            }
        })
        .collect::<Result<Vec<_>, PlanError>>()?
        .into_iter()
        .flatten()
        .collect();
    let known: std::collections::BTreeSet<&str> = villages.iter().map(|v| v.key.as_str()).collect();
    for village in rows.keys().filter(|v| !known.contains(*v)) {
        let what = format!("村 {village} 在名册中已无住户 / the register has no household in village {village}");
        breaches.push(h4(village, what));
    }
    Ok(breaches)
}

/// The profile a plan carries.
pub(super) fn profile_of(head: &PlanHead) -> Result<Profile, PlanError> {
    Profile::parse(&head.profile).map_err(|message| PlanError::Profile { name: head.id.clone(), message })
}

/// What is to be put in force.
#[derive(Clone, Debug)]
pub struct PublishWish<'a> {
    /// The draft.
    pub plan: &'a str,
    /// The version that was looked at; the newest where none is said.
    pub base_version: Option<u64>,
    /// First day in force, `YYYY-MM-DD`.
    pub date: &'a str,
}

/// Judges a draft and puts it in force.
///
/// # Errors
/// [`RegisterError::NotLegal`] with every breach; a conflict when the draft, or the plan in force, changed meanwhile.
pub async fn publish_plan(
    store: &dyn Store,
    scope: &Scope,
    actor: &str,
    wish: &PublishWish<'_>,
) -> Result<PlanHead, RegisterError> {
    let Judgement { head, breaches } = judge_plan(store, scope, wish.plan).await?;
    if !breaches.is_empty() {
        return Err(RegisterError::NotLegal { plan: head.id, breaches });
    }
    let live = PlanFilter { status: Some(PlanStatus::Live), region: Some(head.region.clone()) };
    let in_force = store.list_plans(scope, &live).await?;
    let request = Publication {
        plan: head.id.clone(),
        base_version: wish.base_version.unwrap_or(head.version),
        expected_live: in_force.into_iter().find(|p| p.region == head.region).map(|p| p.id),
        date: wish.date.to_owned(),
        actor: actor.to_owned(),
    };
    let judged = head.version;
    // The verdict stands for the version it was found on; the store lets nobody write between this look and the commit.
    let mut verdict = |now: &PlanHead, _: &[VillageRows]| {
        if now.version == judged {
            return Ok(());
        }
        Err(Refusal {
            message: format!(
                "检查之后方案又被修改（{judged} → {0}），请重新发布 / the plan changed after it was checked ({judged} → {0}): publish again",
                now.version
            ),
            detail: serde_json::json!({"kind": "changed", "judged": judged, "version": now.version}),
        })
    };
    Ok(store.publish(scope, &request, &mut verdict).await?)
}
