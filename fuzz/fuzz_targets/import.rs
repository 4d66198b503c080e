//! One way through the gate for every target: the bytes as a file of one ending, through every layer.

use lianhu::exchange::gate::schema::LAYERS;
use lianhu::exchange::gate::{GateOptions, typed_rows};
use lianhu::exchange::{Limits, OpenOptions, open};

/// Imports the bytes; whatever comes of it, nothing may panic or grow without end.
pub fn try_all_layers(bytes: &[u8], ending: &str) {
    let Ok(file) = tempfile::Builder::new().suffix(&format!(".{ending}")).tempfile() else { return };
    let Some(path) = file.path().to_str() else { return };
    if std::fs::write(path, bytes).is_err() {
        return;
    }
    let limits = Limits { decompressed_bytes: 32 << 20, cells: 1_000_000, ..Limits::default() };
    for layer in LAYERS {
        let Ok(source) = open(path, &OpenOptions { limits, ..OpenOptions::default() }) else { return };
        if let Ok(mut rows) = typed_rows(source, layer, GateOptions::default()) {
            rows.by_ref().for_each(drop);
            drop(rows.report());
        }
    }
}
