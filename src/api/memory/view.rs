//! Which features a scope covers.

use std::sync::OnceLock;

use super::bits::Bits;

/// Which features of a snapshot a scope covers.
#[derive(Debug)]
pub(crate) struct View {
    /// `None` is all.
    bits: Option<Bits>,
    pub(crate) count: usize,
    /// Tells views of one snapshot and area at different times apart: 0 where they cannot differ.
    pub(crate) digest: u64,
    /// Around all of them, once somebody asked.
    pub(super) bounds: OnceLock<Option<[f64; 4]>>,
}

impl View {
    pub(crate) const fn of_all(count: usize) -> Self {
        Self { bits: None, count, digest: 0, bounds: OnceLock::new() }
    }

    pub(super) fn of_some(bits: Bits, digest: u64) -> Self {
        Self { count: bits.ones, bits: Some(bits), digest, bounds: OnceLock::new() }
    }

    pub(crate) fn sees(&self, row: u32) -> bool {
        self.bits.as_ref().is_none_or(|bits| bits.get(row as usize))
    }

    /// The rows it sees from one up to another, ascending; those it does not see are passed over 64 at a time.
    pub(crate) fn rows(&self, from: u32, end: u32) -> impl Iterator<Item = u32> + Send + '_ {
        let mut at = from;
        std::iter::from_fn(move || {
            let row = match &self.bits {
                None => at,
                Some(bits) => u32::try_from(bits.next(at as usize)?).ok()?,
            };
            at = row.saturating_add(1);
            (row < end).then_some(row)
        })
    }

    /// The same before a row, descending.
    pub(crate) fn rows_before(&self, end: u32) -> impl Iterator<Item = u32> + Send + '_ {
        let mut end = end;
        std::iter::from_fn(move || {
            end = match &self.bits {
                None => end.checked_sub(1)?,
                Some(bits) => u32::try_from(bits.last(end as usize)?).ok()?,
            };
            Some(end)
        })
    }

    pub(super) const fn is_all(&self) -> bool {
        self.bits.is_none()
    }
}
