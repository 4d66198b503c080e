//! Ledgers out of the register and back: lines of the plans in force, and the cells an office changed.

mod bring_back;
mod gather;
mod hand_over;
mod judge;
mod sides;

pub use bring_back::{LedgerImport, LedgerOutcome, import_ledger};
pub use hand_over::{LedgerWish, export_ledger};
