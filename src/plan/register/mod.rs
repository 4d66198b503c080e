//! The register as people use it: files in, files out, plans made from it. Joins the store with the import gate, the writers and the
//! core; knows no SQL and no file format.

mod bring_in;
mod hand_out;
mod ledgers;
mod planning;
mod rows;
mod seal;
mod shapes;

pub use bring_in::{ImportOutcome, ImportWish, import_files};
pub(in crate::plan) use hand_out::chosen_plans;
pub use hand_out::{ExportWish, LAYERS_OUT, export_layer};
pub use ledgers::{LedgerImport, LedgerOutcome, LedgerWish, export_ledger, import_ledger};
pub use planning::{PlanWish, Planned, plan_region};
pub use seal::{KEY_BYTES, SealError, Sealer};

use crate::exchange::ReadError;
use crate::exchange::WriteError;
use crate::exchange::gate::GateError;
use crate::store::{StoreError, TransactError};

use super::job::PlanError;

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
