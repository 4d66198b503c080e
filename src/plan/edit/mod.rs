//! Editing a plan: operations as values, checked as a whole, with an inverse; pure, without IO and without a store.
//!
//! - [`Land`] is what does not change while borders move: one village's register, outline, barriers, profile. [`VillageState`] is a
//!   plan's rows on it. Equal rows make equal states.
//! - [`apply`] does a batch of [`Operation`]s or refuses it with what to do first; [`Applied::changes`] are the rows that change, and
//!   their inverse takes the batch back byte for byte ([`VillageState::with`]).
//! - [`absorb`] brings a plan onto a new register: the dynamic ledger. [`nets`] plans one net out of several old ones. [`compare`]
//!   sets two plans side by side. [`rows_of`] makes rows out of a fresh plan.
//!
//! Everything is the village's alone: no cost depends on the rest of the county.

mod apply;
mod behind;
mod borders;
mod compare;
mod empty_ground;
mod figures;
mod from_plan;
mod judge;
mod land;
mod layers;
mod ledger;
mod mend;
pub mod nets;
mod operation;
mod people;
mod rebalance;
mod reform;
mod settle;
mod shift;
mod split;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use apply::{Applied, apply};
pub use behind::{Behind, Unassigned};
pub use compare::{Comparison, compare, compare_rows, rows_difference};
pub(in crate::plan) use figures::matched;
pub use figures::{Figures, Moved};
pub use from_plan::rows_of;
pub use land::{Land, Outline, Terrain};
pub use layers::{GridLayer, UnitLayer};
pub use ledger::{Absorbed, LedgerCount, absorb, absorb_rows};
pub use operation::{LockTarget, Operation, Policy, Reason, ReasonKind, Refusal, SplitBy};
pub use state::{StateError, VillageState, apply_changes};
pub use view::{AtomView, BuildingView, GridView, UnitView, VillageView};
