//! An incident (事件) and its way through the offices: states, levels, what may be done with it when, by when it must be done.
//!
//! Pure: no clock, no store. Times are milliseconds since 1970, UTC.

pub mod alerts;
pub mod dictionary;
pub mod flow;

pub use dictionary::{Category, Dictionaries, Dispute};
pub use flow::{Action, Case, Level, Moved, NotAllowed, State, Step, advance, allowed};
