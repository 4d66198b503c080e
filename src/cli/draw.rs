//! `lianhu draw`: the wall map of a village.

use std::path::Path;

use crate::plan::draw::{DrawError, draw, draw_store, to_pdf};
use crate::store::OpenMode;

use super::args::DrawArgs;
use super::commands::{Failure, Outcome};
use super::outputs;
use super::register::{everything, with_store};
use super::register_args::StoreArgs;

fn failed(e: DrawError) -> Failure {
    match e {
        DrawError::UnknownVillage { .. } => Failure::usage(e),
        DrawError::Store(s) => Failure { message: s.to_string(), code: s.exit_code() },
        _ => Failure::input(e),
    }
}

/// Draws and writes one SVG or PDF file, whole or not at all.
pub(super) fn run(a: &DrawArgs) -> Outcome {
    outputs::check("--out", &a.out, &[".svg", ".pdf"])?;
    let village = a.village.as_deref();
    let picture = if super::plan::is_store(&a.source) {
        let store = StoreArgs { store: a.source.clone() };
        with_store(&store, OpenMode::ReadOnly, async |store| {
            draw_store(store, &everything(), a.plan.as_deref(), village).await.map_err(failed)
        })?
    } else if a.plan.is_some() {
        let said =
            "--plan 只用于库，方案文件夹只有一个方案 / --plan goes with a store: a plan directory holds one plan";
        return Err(Failure::usage(said));
    } else {
        draw(Path::new(&a.source), village).map_err(failed)?
    };
    let is_pdf = a.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("pdf"));
    let bytes = if is_pdf {
        let pdf = to_pdf(&picture).map_err(failed)?;
        if !pdf.missing.is_empty() {
            let letters: String = pdf.missing.iter().collect();
            errln!("本机字体缺字 letters in no font of this computer: {letters}");
        }
        pdf.bytes
    } else {
        picture.into_bytes()
    };
    outputs::put(&a.out, &bytes)?;
    outln!("已绘制 drawn: {}", a.out.display());
    Ok(0)
}
