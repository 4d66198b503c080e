//! `lianhu draw`: the wall map of a village.

use crate::exchange;
use crate::plan::draw::{DrawError, draw};

use super::args::DrawArgs;
use super::commands::{Failure, Outcome};

/// Draws and writes one SVG file, whole or not at all.
pub(super) fn run(a: &DrawArgs) -> Outcome {
    let picture = draw(&a.folder, a.village.as_deref()).map_err(|e| match e {
        DrawError::UnknownVillage { .. } => Failure::usage(e),
        _ => Failure::input(e),
    })?;
    exchange::write_whole(&a.out, picture.as_bytes())
        .map_err(|e| Failure::input(format!("{0}：{e}\n{0}: {e}", a.out.display())))?;
    println!("已绘制 drawn: {}", a.out.display());
    Ok(0)
}
