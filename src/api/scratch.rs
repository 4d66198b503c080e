//! The folder of temporary files: uploads that wait, files to be fetched. What is in it goes when the service starts.

use std::path::{Path, PathBuf};

use super::error::{Answer, Problem};
use crate::domain::hex;

/// A file that goes with its last owner.
pub(super) struct Scratch(pub(super) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // one that is gone already is as well
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Empties the folder, or makes it: nobody else on this machine looks into it.
///
/// # Errors
/// What the system says.
pub(super) fn empty(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A new opaque id.
///
/// # Errors
/// When there are no random numbers.
pub(super) fn fresh_id() -> Answer<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|e| Problem::internal(e.to_string()))?;
    Ok(hex(&bytes))
}
