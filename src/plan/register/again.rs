//! An import's files once more: judged already, now as rows for the store.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, channel};

use crate::domain::incident::Dictionaries;
use crate::domain::register::BuildingRow;
use crate::exchange::gate::{GateOptions, OwnWord, typed_rows};
use crate::exchange::open;
use crate::space::outlines::Outlines;
use crate::store::{RegisterRow, RowSource, StoreError};

use super::bring_in::{CHUNK, ImportWish, Pass};
use super::rows::{Surroundings, register_row};

/// The rows for the store: buildings, made as they are asked for, then the layer's own.
pub(super) struct Good<'w, I> {
    pub(super) homes: Option<I>,
    pub(super) rows: Receiver<Result<Vec<RegisterRow>, StoreError>>,
    pub(super) wish: &'w ImportWish<'w>,
    pub(super) sent: u64,
}

#[async_trait::async_trait]
impl<I: Iterator<Item = BuildingRow> + Send> RowSource for Good<'_, I> {
    async fn next_chunk(&mut self) -> Result<Option<Vec<RegisterRow>>, StoreError> {
        if let Some(homes) = &mut self.homes {
            let chunk: Vec<RegisterRow> = homes.by_ref().take(CHUNK).map(RegisterRow::Buildings).collect();
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
            self.homes = None;
        }
        let chunk = self.rows.recv().await.transpose()?;
        self.sent += chunk.as_ref().map_or(0, |c| c.len() as u64);
        self.wish.step(Pass::Storing, self.sent)?;
        Ok(chunk)
    }
}

/// How rows are judged, in both readings alike.
pub(super) fn gate_options<'o>(
    overrides: &'o [String],
    outlines: &'o Outlines,
    words: &'o [OwnWord],
    faults_kept: usize,
) -> GateOptions<'o> {
    GateOptions {
        overrides,
        outlines: (!outlines.is_empty()).then_some(outlines),
        faults_kept,
        words,
        ..GateOptions::default()
    }
}

/// The files once more, in a thread of their own, as chunks for the store.
pub(super) fn second_reading(
    wish: &ImportWish<'_>,
    outlines: Arc<Outlines>,
    lists: Arc<Dictionaries>,
    words: Vec<OwnWord>,
    refused: Vec<HashSet<u64>>,
) -> Receiver<Result<Vec<RegisterRow>, StoreError>> {
    let (sender, receiver) = channel(4);
    let (schema, files, options) = (wish.schema, wish.files.to_vec(), wish.open.clone());
    let (overrides, region) = (wish.overrides.to_vec(), wish.region.map(str::to_owned));
    let sealer = wish.sealer.clone();
    std::thread::spawn(move || {
        let around =
            Surroundings { villages: &outlines, region: region.as_deref(), sealer: sealer.as_deref(), lists: &lists };
        for (file, refused) in files.iter().zip(refused) {
            // Read before without an error: what fails now is the file system's, or the file was changed meanwhile.
            let changed = |what: String| StoreError::File { path: file.clone(), what };
            let source = match open(file, &options) {
                Ok(source) => source,
                Err(e) => {
                    let _ = sender.blocking_send(Err(changed(e.to_string())));
                    return;
                }
            };
            let rows = match typed_rows(source, schema, gate_options(&overrides, &outlines, &words, 1)) {
                Ok(rows) => rows,
                Err(e) => {
                    let _ = sender.blocking_send(Err(changed(e.to_string())));
                    return;
                }
            };
            let mut chunk = Vec::with_capacity(CHUNK);
            for row in rows {
                match row {
                    // Rows with a fault are left out: there are none unless the import is partial.
                    Ok(row) if refused.contains(&row.number) => {}
                    Ok(row) => {
                        let made = register_row(schema, &row, &around).ok();
                        chunk.extend(made.filter(|r| r.layer().name() == schema.name));
                    }
                    Err(e) => {
                        let _ = sender.blocking_send(Err(changed(e.to_string())));
                        return;
                    }
                }
                if chunk.len() == CHUNK && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
                    return;
                }
            }
            if sender.blocking_send(Ok(chunk)).is_err() {
                return;
            }
        }
    });
    receiver
}
