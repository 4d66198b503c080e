//! Two stored plans side by side, village by village.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::plan::VillageRows;
use crate::plan::edit::{Comparison, compare_rows};
use crate::store::{Scope, Store};

use super::RegisterError;
use super::editor::Editor;

/// A village in two plans.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedVillage {
    /// Its code.
    pub village: String,
    /// What differs.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Compares two plans where they have villages in common or alone; figures stand beside it where both fit the register of today.
///
/// # Errors
/// What the store says.
pub async fn compare_plans(
    store: &dyn Store,
    scope: &Scope,
    editor: &Editor,
    (first, second): (&str, &str),
    region: Option<&str>,
) -> Result<Vec<ComparedVillage>, RegisterError> {
    let mut villages: BTreeSet<String> = store.plan_villages(scope, first).await?.into_iter().collect();
    villages.extend(store.plan_villages(scope, second).await?);
    villages.retain(|v| region.is_none_or(|r| v.starts_with(r)));
    let mut all = Vec::new();
    for village in villages {
        let one = std::slice::from_ref(&village);
        let (a, b) = (rows(store, scope, first, one).await?, rows(store, scope, second, one).await?);
        let mut comparison = compare_rows(&a, &b);
        if comparison != Comparison::default()
            && let Ok((_, a)) = editor.state(store, scope, first, &village).await
            && let Ok((_, b)) = editor.state(store, scope, second, &village).await
        {
            comparison.figures = Some((a.figures(), b.figures()));
        }
        all.push(ComparedVillage { village, comparison });
    }
    Ok(all)
}

async fn rows(store: &dyn Store, scope: &Scope, plan: &str, village: &[String]) -> Result<VillageRows, RegisterError> {
    Ok(store.plan_rows(scope, plan, village).await?.1.into_iter().next().unwrap_or_default())
}
