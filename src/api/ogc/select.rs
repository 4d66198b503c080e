//! Which rows a query means, and which of them make a page.

use std::sync::Arc;

use crate::api::memory::collection::Time;
use crate::api::memory::{Snapshot, View};

use super::cql::Filter;
use super::query::Query;
use super::time::{Span, span};

/// Rows of a query within a view.
pub(super) enum Rows {
    /// All that the view sees.
    All(Arc<View>, u32),
    /// These, ascending.
    Some(Arc<Vec<u32>>),
}

/// A page.
pub(super) struct Page {
    pub(super) rows: Vec<u32>,
    /// How many rows the query means in all.
    pub(super) matched: usize,
    pub(super) more: bool,
}

fn unquoted(json: Option<&str>) -> Option<&str> {
    json.and_then(|t| t.strip_prefix('"')).and_then(|t| t.strip_suffix('"'))
}

/// When a feature is; always, where it does not say.
fn span_of(snapshot: &Snapshot, row: u32) -> Span {
    let spec = snapshot.spec();
    let read = |name: &str| spec.position(name).and_then(|at| unquoted(snapshot.field(row, at))).and_then(span);
    match spec.time {
        Time::None => Span::ALWAYS,
        Time::Moment(at) => read(at).unwrap_or(Span::ALWAYS),
        Time::Since(from) => Span { from: read(from).map_or(i64::MIN, |s| s.from), to: i64::MAX },
        // the last day is the first on which it is no more
        Time::Days(from, to) => {
            Span { from: read(from).map_or(i64::MIN, |s| s.from), to: read(to).map_or(i64::MAX, |s| s.from) }
        }
    }
}

fn intersection(a: Vec<u32>, b: &[u32]) -> Vec<u32> {
    a.into_iter().filter(|x| b.binary_search(x).is_ok()).collect()
}

fn matching(snapshot: &Snapshot, view: &View, query: &Query) -> Vec<u32> {
    let mut rows: Option<Vec<u32>> = None;
    let mut narrow = |more: Vec<u32>| {
        rows = Some(match rows.take() {
            None => more,
            Some(before) => intersection(before, &more),
        });
    };
    if let Some(bbox) = query.bbox_deg {
        narrow(snapshot.in_box(bbox));
    }
    if let Some(ids) = &query.ids {
        let mut of_ids: Vec<u32> = ids.iter().filter_map(|id| snapshot.row_of(id)).collect();
        of_ids.sort_unstable();
        of_ids.dedup();
        narrow(of_ids);
    }
    if let Some(bbox) = query.filter.as_ref().and_then(Filter::box_deg) {
        narrow(snapshot.in_box(bbox));
    }
    let mut rows = rows.unwrap_or_else(|| (0..snapshot.len() as u32).collect());
    rows.retain(|row| view.sees(*row));
    if let Some(when) = &query.span {
        rows.retain(|row| span_of(snapshot, *row).meets(when));
    }
    if let Some(filter) = &query.filter {
        let mut fields = Vec::new();
        rows.retain(|row| filter.fits(snapshot, *row, &mut fields));
    }
    rows
}

/// Features through which a request thread may look by itself.
const FEW: usize = 20_000;
/// Features of a box that a request thread may go through by itself.
const FEW_IN_BOX: usize = 2_000;
/// Features of a page that a request thread may write by itself.
const SHORT: usize = 2_000;

/// Whether finding the rows, or writing them, takes long.
pub(super) fn is_heavy(query: &Query, snapshot: &Snapshot) -> bool {
    let walks = query.filter.is_some() || query.span.is_some();
    let crowded = || query.bbox_deg.is_some_and(|b| snapshot.is_crowded(b, FEW_IN_BOX));
    walks || query.limit > SHORT || (snapshot.len() > FEW && crowded())
}

/// The rows of a query; kept with the snapshot, so that the next page finds them there.
pub(super) fn rows(snapshot: &Snapshot, view: &Arc<View>, area: &str, query: &Query) -> Rows {
    if query.selects.is_empty() {
        return Rows::All(view.clone(), snapshot.len() as u32);
    }
    let key = format!("{area}\u{1f}{:x}\u{1f}{}", view.digest, query.selects);
    let made = snapshot.selection(&key, || Ok::<_, std::convert::Infallible>(matching(snapshot, view, query)));
    match made {
        Ok(rows) => Rows::Some(rows),
        Err(never) => match never {},
    }
}

impl Rows {
    pub(super) fn matched(&self) -> usize {
        match self {
            Self::All(view, _) => view.count,
            Self::Some(rows) => rows.len(),
        }
    }

    /// All rows, ascending.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = u32> + Send + '_> {
        match self {
            Self::All(view, end) => Box::new(view.rows(0, *end)),
            Self::Some(rows) => Box::new(rows.iter().copied()),
        }
    }

    /// The page after the cursor.
    pub(super) fn page(&self, snapshot: &Snapshot, query: &Query) -> Page {
        let cursor = query.cursor.as_deref();
        let want = query.limit + 1;
        let mut rows: Vec<u32> = match (self, query.descending) {
            (Self::All(view, end), false) => {
                let start = cursor.map_or(0, |key| snapshot.after(key));
                view.rows(start, *end).take(want).collect()
            }
            (Self::All(view, end), true) => view.rows_before(before(snapshot, cursor, *end)).take(want).collect(),
            (Self::Some(rows), false) => {
                let start = cursor.map_or(0, |key| snapshot.after(key));
                let at = rows.partition_point(|row| *row < start);
                rows.iter().skip(at).take(want).copied().collect()
            }
            (Self::Some(rows), true) => {
                let end = before(snapshot, cursor, u32::MAX);
                let at = rows.partition_point(|row| *row < end);
                rows.iter().take(at).rev().take(want).copied().collect()
            }
        };
        let more = rows.len() > query.limit;
        rows.truncate(query.limit);
        Page { rows, matched: self.matched(), more }
    }
}

/// First row that does not come before a key.
fn before(snapshot: &Snapshot, cursor: Option<&str>, end: u32) -> u32 {
    let Some(key) = cursor else { return end };
    let after = snapshot.after(key);
    if snapshot.row_of(key).is_some() { after.saturating_sub(1) } else { after }
}
