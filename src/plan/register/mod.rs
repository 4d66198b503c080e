//! The register as people use it: files in, files out, plans made from it. Joins the store with the import gate, the writers and the
//! core; knows no SQL and no file format.

mod absorbing;
mod again;
mod bring_in;
mod cautions;
mod comparing;
mod county_rows;
mod derived;
mod editor;
mod file_rows;
mod hand_out;
mod hand_out_plans;
mod input;
mod judging;
mod ledgers;
mod named_buildings;
mod names;
mod old_nets;
mod planning;
mod profiles;
mod renumber;
mod rows;
mod seal;
mod shapes;

pub use absorbing::{AbsorbWish, AbsorbedVillage, absorb_register};
pub use bring_in::{ImportOutcome, ImportWish, Pass, SampleRow, import_files};
pub use comparing::{ComparedVillage, compare_plans};
pub use editor::{EditWish, Edited, Editor};
pub use hand_out::{ExportWish, LAYERS_OUT, export_layer};
pub(in crate::plan) use hand_out_plans::chosen_plans;
pub use judging::{Judgement, PublishWish, judge_plan, publish_plan};
pub use ledgers::{LedgerImport, LedgerOutcome, LedgerWish, export_ledger, import_ledger};
pub use old_nets::NetsWish;
pub use planning::{PlanWish, Planned, plan_region};
pub use profiles::{known_profiles, profile_named};
pub use seal::{KEY_BYTES, SealError, Sealer};
pub(crate) use shapes::{polygons_to_file, to_file};

use crate::exchange::ReadError;
use crate::exchange::WriteError;
use crate::exchange::gate::GateError;
use crate::store::{StoreError, TransactError};

use super::job::PlanError;
use crate::partition::check::Breach;

/// What can go wrong between the register and the rest.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file's content or the way it was asked for.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// A file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file being written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The solver's side.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A refused edit.
    #[error(transparent)]
    Transact(#[from] TransactError),
    /// Rows that do not fit the register.
    #[error("{0}")]
    State(String),
    /// A plan that breaks hard rules is not put in force.
    #[error(
        "方案 {plan} 有 {} 处违反硬性规则，不能发布：{}\nplan {plan} breaks hard rules in {} places and is not published: {}",
        .breaches.len(), first(.breaches), .breaches.len(), first(.breaches)
    )]
    NotLegal {
        /// The plan.
        plan: String,
        /// Every breach.
        breaches: Vec<Breach>,
    },
    /// An old net that is not in the register.
    #[error("名册中没有旧网“{name}”；有：{known}\nthe register has no old net \"{name}\"; it has: {known}")]
    NoNet {
        /// Its name.
        name: String,
        /// Nets there are.
        known: String,
    },
    /// Telephones, and the key they are sealed with.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A layer that is not exchanged.
    #[error("没有图层“{name}”；可用：{known}\nno layer \"{name}\"; there are: {known}")]
    NoLayer {
        /// Its name.
        name: String,
        /// Layers there are.
        known: String,
    },
    /// Nothing to plan.
    #[error("区划 {region} 内没有住户，请先导入 / there is no household in region {region}: import some first")]
    NoHousehold {
        /// The region.
        region: String,
    },
}

/// The first breach, for one-line messages.
fn first(breaches: &[Breach]) -> String {
    breaches.first().map(ToString::to_string).unwrap_or_default()
}

/// The day in China, `YYYY-MM-DD`: for grids that end today.
#[must_use]
pub fn china_today() -> String {
    time::OffsetDateTime::now_utc().to_offset(time::macros::offset!(+8)).date().to_string()
}
