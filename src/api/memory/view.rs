//! Which features a scope covers.

use super::bits::Bits;

/// Which features of a snapshot a scope covers.
#[derive(Debug)]
pub(crate) struct View {
    /// `None` is all.
    bits: Option<Bits>,
    pub(crate) count: usize,
    /// Tells views of one snapshot and area at different times apart: 0 where they cannot differ.
    pub(crate) digest: u64,
}

impl View {
    pub(crate) const fn of_all(count: usize) -> Self {
        Self { bits: None, count, digest: 0 }
    }

    pub(super) fn of_some(bits: Bits, digest: u64) -> Self {
        Self { count: bits.ones, bits: Some(bits), digest }
    }

    pub(crate) fn sees(&self, row: u32) -> bool {
        self.bits.as_ref().is_none_or(|bits| bits.get(row as usize))
    }

    pub(super) const fn is_all(&self) -> bool {
        self.bits.is_none()
    }
}
