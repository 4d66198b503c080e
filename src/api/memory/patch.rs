//! What became of a [`Base`] since it was packed: features that came, and rows that are no more. A changed feature is both. Rows are
//! counted over all that is there now, in the order of keys, so that nobody else need know of it.

use std::sync::Arc;

use super::base::Base;
use super::fragment::{Feature, Part};
use super::shape::{Shape, overlap};

/// A feature that came.
#[derive(Clone)]
struct Added {
    /// The row of the base before which it stands.
    before: u32,
    bounds: Option<[f64; 4]>,
    feature: Arc<Feature>,
}

/// Changes to a base.
#[derive(Clone, Default)]
pub(super) struct Patch {
    /// Rows of the base that are no more, ascending.
    gone: Vec<u32>,
    /// By key.
    added: Vec<Added>,
    /// Row of each that was added.
    rows: Vec<u32>,
    /// How many rows of the base before each that is gone are still there.
    left_before: Vec<u32>,
}

/// What stands at some rows: rows of the base, perhaps none, or one that was added.
pub(super) enum Run<'a> {
    Base(&'a [u32]),
    Added(Part<'a>),
}

/// What stands at a row.
enum Found<'a> {
    Base(u32),
    Added(&'a Feature),
}

impl Patch {
    /// How many changes it holds.
    pub(super) fn size(&self) -> usize {
        self.gone.len() + self.added.len()
    }

    /// How many features there are with it.
    pub(super) fn len(&self, base: &Base) -> u32 {
        base.len() - self.gone.len() as u32 + self.added.len() as u32
    }

    fn find(&self, row: u32) -> Found<'_> {
        let before = match self.rows.binary_search(&row) {
            Ok(at) => match self.added.get(at) {
                Some(added) => return Found::Added(&added.feature),
                None => at,
            },
            Err(at) => at,
        };
        let left = row - before as u32;
        Found::Base(left + self.left_before.partition_point(|n| *n <= left) as u32)
    }

    /// Goes through rows: those of the base in runs, those that were added one by one.
    pub(super) fn runs(&self, rows: &[u32], mut step: impl FnMut(Run<'_>)) {
        if self.size() == 0 {
            return step(Run::Base(rows));
        }
        let mut run = Vec::new();
        for row in rows {
            match self.find(*row) {
                Found::Base(row) => run.push(row),
                Found::Added(feature) => {
                    step(Run::Base(&run));
                    run.clear();
                    step(Run::Added(feature.part()));
                }
            }
        }
        step(Run::Base(&run));
    }

    pub(super) fn part<'a>(&'a self, base: &'a Base, row: u32) -> Part<'a> {
        match self.find(row) {
            Found::Base(row) => base.part(row),
            Found::Added(feature) => feature.part(),
        }
    }

    pub(super) fn id<'a>(&'a self, base: &'a Base, row: u32) -> &'a str {
        match self.find(row) {
            Found::Base(row) => base.id(row),
            Found::Added(feature) => feature.part().id,
        }
    }

    /// The row of what stands at a row of the base; `None` where it is gone.
    pub(super) fn row_of_base(&self, row: u32) -> Option<u32> {
        let gone = self.gone.binary_search(&row).err()? as u32;
        Some(row - gone + self.added.partition_point(|a| a.before <= row) as u32)
    }

    /// Rows of those added that meet a box.
    pub(super) fn added_in(&self, b: [f64; 4]) -> impl Iterator<Item = u32> {
        let meets = move |a: &Added| {
            a.bounds.is_some_and(|bounds| overlap(bounds, b)) && a.feature.part().shape.is_some_and(|s| s.meets(b))
        };
        self.rows.iter().zip(&self.added).filter(move |(_, a)| meets(a)).map(|(row, _)| *row)
    }

    /// Bounds of those added.
    pub(super) fn added_bounds(&self) -> impl Iterator<Item = [f64; 4]> {
        self.added.iter().filter_map(|a| a.bounds)
    }

    /// Those of the base that are gone.
    pub(super) fn gone(&self) -> impl Iterator<Item = u32> {
        self.gone.iter().copied()
    }

    /// First row whose key comes after a key.
    pub(super) fn after(&self, base: &Base, key: &str) -> u32 {
        let in_base = base.after(key);
        let gone = self.gone.partition_point(|g| *g < in_base) as u32;
        in_base - gone + self.added.partition_point(|a| a.feature.part().id <= key) as u32
    }

    /// Goes through all rows: stretches of the base, and what was added between them.
    pub(super) fn walk(&self, base: &Base, mut step: impl FnMut(Step<'_>)) {
        let (mut at, mut gone) = (0, self.gone.iter().copied().peekable());
        let ends = self.added.iter().map(|a| (a.before, Some(a.feature.part()))).chain([(base.len(), None)]);
        for (end, added) in ends {
            while let Some(hole) = gone.next_if(|g| *g < end) {
                step(Step::Base(at, hole));
                at = hole + 1;
            }
            step(Step::Base(at, end));
            at = end;
            if let Some(part) = added {
                step(Step::Added(part));
            }
        }
    }

    /// Makes a key's feature this one, or none; `None` when it is so already. To be followed by [`Patch::settle`].
    pub(super) fn set(&mut self, base: &Base, key: &str, feature: Option<Feature>) -> Option<Replaced> {
        let before = base.after(key);
        let own = before.checked_sub(1).filter(|row| base.id(*row) == key);
        let (gone, added) = (own.map(|row| self.gone.binary_search(&row)), self.place_of(key));
        let as_loaded = own.map(|row| base.part(row));
        let old = match (added, gone) {
            (Ok(at), _) => self.added.get(at).map(|a| a.feature.part()),
            (Err(_), Some(Err(_))) => as_loaded,
            _ => None,
        };
        let new = feature.as_ref().map(Feature::part);
        let is_same = |a: &Option<Part<'_>>, b: &Option<Part<'_>>| match (a, b) {
            (Some(a), Some(b)) => a.is_same(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if is_same(&old, &new) {
            return None;
        }
        let back = is_same(&as_loaded, &new);
        let replaced = Replaced { old: old.as_ref().map(Side::of), new: new.as_ref().map(Side::of) };
        if let Ok(at) = added {
            self.added.remove(at);
        }
        match (own, gone) {
            (Some(_), Some(Ok(at))) if back => {
                self.gone.remove(at);
            }
            (Some(row), Some(Err(at))) if !back => self.gone.insert(at, row),
            _ => {}
        }
        if let Some(feature) = feature.filter(|_| !back || own.is_none()) {
            let at = self.place_of(key).unwrap_or_else(|at| at);
            let bounds = replaced.new.and_then(|s| s.bounds);
            self.added.insert(at, Added { before, bounds, feature: Arc::new(feature) });
        }
        Some(replaced)
    }

    fn place_of(&self, key: &str) -> Result<usize, usize> {
        self.added.binary_search_by(|a| a.feature.part().id.cmp(key))
    }

    /// Counts the rows anew.
    pub(super) fn settle(&mut self) {
        self.left_before = (0..).zip(&self.gone).map(|(i, row)| row - i).collect();
        let mut gone = 0;
        self.rows.clear();
        for (i, added) in (0..).zip(&self.added) {
            while self.gone.get(gone).is_some_and(|row| *row < added.before) {
                gone += 1;
            }
            self.rows.push(added.before - gone as u32 + i);
        }
    }
}

/// A feature before or after a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) hash: u64,
    pub(super) bounds: Option<[f64; 4]>,
}

impl Side {
    fn of(part: &Part<'_>) -> Self {
        Self { hash: part.hash(), bounds: part.shape.and_then(Shape::bounds) }
    }
}

/// A change of one feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replaced {
    pub(super) old: Option<Side>,
    pub(super) new: Option<Side>,
}

/// A piece of the way through all rows.
pub(super) enum Step<'a> {
    /// Rows of the base, from one up to another.
    Base(u32, u32),
    /// A feature that was added.
    Added(Part<'a>),
}
