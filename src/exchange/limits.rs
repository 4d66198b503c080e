//! How much a file may hold before it is refused, and what is said then.

use super::error::ReadError;

/// Caps of the import gate; each is checked before the thing it caps is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Bytes of the file as it lies on disk.
    pub file_bytes: u64,
    /// Bytes of all entries of an archive (XLSX, zipped Shapefile) after decompression.
    pub decompressed_bytes: u64,
    /// Entries of an archive.
    pub entries: usize,
    /// Columns of a table.
    pub columns: usize,
    /// Cells of a whole table, empty ones between written ones included.
    pub cells: u64,
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Address space of the child process that parses hostile-prone formats.
    pub memory_bytes: u64,
    /// Seconds until that child is stopped.
    pub seconds: u64,
}

/// Bytes that any one record, row or XML event may take before it is complete.
pub(super) const RECORD_BYTES: u64 = 64 << 20;
/// An archive may always grow to this size; beyond it, it may not grow more than [`GROWTH`] times.
const GROWTH_FROM_BYTES: u64 = 64 << 20;
/// Excel's own sheets shrink by 10 to 30; a bomb by a thousand.
const GROWTH: u64 = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 4 << 30,
            decompressed_bytes: 4 << 30,
            entries: 2_000,
            columns: 1_000,
            cells: 100_000_000,
            text_bytes: 1 << 20,
            memory_bytes: 1 << 30,
            seconds: 1_800,
        }
    }
}

impl Limits {
    /// How far an archive of `packed_bytes` may unfold.
    pub(super) fn unfolded_bytes(&self, packed_bytes: u64) -> u64 {
        packed_bytes.saturating_mul(GROWTH).max(GROWTH_FROM_BYTES).min(self.decompressed_bytes)
    }

    /// The size of a file, when it is not too large.
    pub(super) fn checked_size(&self, file: &str) -> Result<u64, ReadError> {
        let unreadable = |e: std::io::Error| ReadError::unreadable(file, &e);
        let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
        if bytes > self.file_bytes {
            return Err(ReadError::limit(
                file,
                "too_large",
                format!("文件有 {bytes} 字节，上限 {0}", self.file_bytes),
                format!("the file has {bytes} bytes; {0} are the most", self.file_bytes),
            ));
        }
        Ok(bytes)
    }
}
