//! Plans in the store: heads and rows, checked transactions with history, undo, publication, what is derived for maps.

pub(super) mod codes;
pub(super) mod derived;
pub(super) mod edit;
pub(super) mod heads;
pub(super) mod history;
pub(super) mod on_map;
pub(super) mod publish;
pub(super) mod rows;
