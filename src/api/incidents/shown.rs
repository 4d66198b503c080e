//! An incident as answers have it.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::App;
use crate::api::auth::Principal;
use crate::api::error::Answer;
use crate::api::memory::{Collection, Snapshot};
use crate::domain::incident::dictionary::EMERGENCY;
use crate::domain::incident::{Dictionaries, State};
use crate::domain::register::{IncidentRow, IncidentTransition};
use crate::plan::room::{self, moments};

use super::HANDLERS;

/// Names of regions and grids, categories, and what the reader may see: read once for an answer.
pub(in crate::api) struct Names {
    pub(in crate::api) lists: Dictionaries,
    regions: Arc<Snapshot>,
    grids: Arc<Snapshot>,
    /// Words of an incident are for those who handle it.
    words: bool,
    now_ms: i64,
}

impl Names {
    pub(in crate::api) async fn read(app: &App, principal: &Principal) -> Answer<Self> {
        Ok(Self {
            lists: room::dictionaries(app.store(), &principal.scope).await?,
            regions: app.memory.get(Collection::Regions).await?,
            grids: app.memory.get(Collection::Grids).await?,
            words: HANDLERS.contains(&principal.scope.role()),
            now_ms: moments::ms(time::OffsetDateTime::now_utc()),
        })
    }

    /// The name a collection has for a code.
    fn of(snapshot: &Snapshot, code: &str) -> Option<String> {
        let position = snapshot.spec().position("name")?;
        let text = snapshot.field(snapshot.row_of(code)?, position)?;
        serde_json::from_str(text).ok()
    }

    pub(in crate::api) fn region(&self, code: &str) -> String {
        Self::of(&self.regions, code).unwrap_or_else(|| code.to_owned())
    }

    pub(in crate::api) fn grid(&self, code: &str) -> Option<String> {
        Self::of(&self.grids, code)
    }

    /// An incident.
    pub(in crate::api) fn incident(&self, i: &IncidentRow) -> Value {
        let state = State::find(&i.state).unwrap_or(State::Reported);
        let due_ms = i.due_at.as_deref().and_then(moments::parse).map(moments::ms);
        let key = self.lists.category_key(&i.category);
        json!({
            "id": i.id,
            "region": i.region,
            "region_name": self.region(&i.region),
            "grid": i.grid,
            "grid_name": i.grid.as_deref().and_then(|g| self.grid(g)),
            "unit": i.unit,
            "category": key,
            "category_name": self.lists.category_name(&i.category),
            "dispute": i.dispute,
            "level": i.level,
            "state": state.word(),
            "occurred_at": moments::shown(&i.occurred_at),
            "due_at": i.due_at.as_deref().map(moments::shown),
            "overdue": state.is_overdue(due_ms, self.now_ms),
            "summary": i.summary.as_ref().filter(|_| self.words),
            "at": i.place.map(|p| [p.lon_deg, p.lat_deg]),
            "source": i.source,
            "version": i.row_version,
            "emergency": key == EMERGENCY,
        })
    }

    /// A step.
    pub(super) fn step(&self, t: &IncidentTransition) -> Value {
        json!({
            "from_state": t.from_state, "to_state": t.to_state, "from_level": t.from_level, "to_level": t.to_level,
            "role": t.role, "at": moments::shown(&t.at), "due_at": t.due_at.as_deref().map(moments::shown),
            "reason": t.reason.as_ref().filter(|_| self.words),
        })
    }
}
