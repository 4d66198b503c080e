//! Lianhu (联户): balanced, contiguous grids (网格) and ten-household units (十联户) for grassroots civil administration.
//!
//! The crate is a pure core (`domain`, `space`, `graph`, `partition`) that does no IO and takes its seed and its stop signal as
//! arguments, an import/export gate (`exchange`), the application (`plan`) and the command line (`cli`). Which layer may
//! import which stands in `ARCHITECTURE.md` and is guarded by `tests/layers.rs`.

pub mod api;
pub mod cli;
pub mod domain;
pub mod exchange;
pub mod graph;
pub mod partition;
pub mod plan;
pub mod space;
pub mod store;
