//! Which rules there are: a county's own, kept in the register, and those that ship.

use std::ops::ControlFlow;

use crate::domain::Profile;
use crate::domain::register::ProfileRow;
use crate::plan::job::PlanError;
use crate::store::{Filter, Layer, RegisterRow, Scope, Store, StoreError};

use super::RegisterError;

/// The register's own profiles as rows, in the order of their names.
pub(super) async fn profile_rows(store: &dyn Store, scope: &Scope) -> Result<Vec<ProfileRow>, StoreError> {
    let mut rows = Vec::new();
    let mut gather = |page: Vec<RegisterRow>| {
        rows.extend(page.into_iter().filter_map(|r| match r {
            RegisterRow::Profiles(row) => Some(row),
            _ => None,
        }));
        ControlFlow::Continue(())
    };
    store.stream(scope, Layer::Profiles, &Filter::default(), &mut gather).await?;
    Ok(rows)
}

fn read(row: &ProfileRow) -> Result<Profile, RegisterError> {
    let wrong = |message: String| PlanError::Profile { name: row.name.clone(), message };
    Ok(Profile::parse(&row.toml).map_err(wrong)?)
}

/// All profiles, the register's own first, each with whether it is the register's; one that ships and has the name of one of them is
/// not among them.
///
/// # Errors
/// What the store says; a profile of the register that cannot be read.
pub async fn known_profiles(store: &dyn Store, scope: &Scope) -> Result<Vec<(Profile, bool)>, RegisterError> {
    let rows = profile_rows(store, scope).await?;
    let mut all = rows.iter().map(|r| read(r).map(|p| (p, true))).collect::<Result<Vec<_>, _>>()?;
    let own = |name: &str| rows.iter().any(|r| r.name == name);
    all.extend(Profile::shipped().into_iter().filter(|p| !own(&p.name)).map(|p| (p, false)));
    Ok(all)
}

/// The profile of a name: the register's own, else the one that ships; `None` where there is neither.
///
/// # Errors
/// What the store says; a profile of the register that cannot be read.
pub async fn profile_named(store: &dyn Store, scope: &Scope, name: &str) -> Result<Option<Profile>, RegisterError> {
    let filter = Filter { ids: Some(vec![name.to_owned()]), limit: Some(1), ..Filter::default() };
    match store.list(scope, Layer::Profiles, &filter).await?.rows.pop() {
        Some(RegisterRow::Profiles(row)) => read(&row).map(Some),
        _ => Ok(Profile::named(name)),
    }
}
