//! Many features, packed: their texts one after the other in the order of their keys, a packed R-tree over them. It never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use geo_index::rtree::sort::HilbertSort;
use geo_index::rtree::{Node, RTree, RTreeBuilder, RTreeIndex};

use crate::store::Scope;

use super::bits::Bits;
use super::collection::Collection;
use super::fragment::{Part, Value, compose};
use super::shape::{Shape, around};
use super::written;

/// Scopes whose rows are remembered.
const MOST_SCOPES: usize = 256;

/// The features of a collection as they were loaded.
pub(super) struct Base {
    pub(super) collection: Collection,
    pub(super) name: written::Name,
    text: String,
    starts: Vec<usize>,
    /// Versions of the register's rows; empty where none has one.
    versions: Vec<u32>,
    ids: String,
    id_ends: Vec<u32>,
    codes: Vec<u32>,
    code_names: Vec<String>,
    shapes: Vec<Option<Shape>>,
    tree: Option<RTree<f64>>,
    /// Rows of what stands in the tree; empty where that is all of them.
    tree_rows: Vec<u32>,
    pub(super) bounds: Option<[f64; 4]>,
    /// Sum of the features' hashes.
    pub(super) digest: u64,
    scopes: Mutex<HashMap<String, Arc<Bits>>>,
}

impl Base {
    pub(super) fn len(&self) -> u32 {
        self.starts.len() as u32
    }

    pub(super) fn id(&self, row: u32) -> &str {
        let row = row as usize;
        let end = self.id_ends.get(row).copied().unwrap_or_default() as usize;
        let start = row.checked_sub(1).and_then(|r| self.id_ends.get(r)).copied().unwrap_or_default() as usize;
        self.ids.get(start..end).unwrap_or_default()
    }

    pub(super) fn shape(&self, row: u32) -> Option<&Shape> {
        self.shapes.get(row as usize)?.as_ref()
    }

    pub(super) fn part(&self, row: u32) -> Part<'_> {
        let at = row as usize;
        let Some(start) = self.starts.get(at) else { return Part::NONE };
        let end = self.starts.get(at + 1).copied().unwrap_or(self.text.len());
        let code = self.codes.get(at).and_then(|c| self.code_names.get(*c as usize));
        Part {
            id: self.id(row),
            code: code.map_or("", String::as_str),
            text: self.text.get(*start..end).unwrap_or_default(),
            shape: self.shape(row),
            version: self.version(row),
        }
    }

    /// The version of the register's row; 0 where there is none.
    pub(super) fn version(&self, row: u32) -> u64 {
        self.versions.get(row as usize).copied().map_or(0, u64::from)
    }

    /// First row whose key comes after a key.
    pub(super) fn after(&self, key: &str) -> u32 {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.id(middle) <= key { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Rows whose bounds meet a box, in no order.
    pub(super) fn in_box(&self, [min_x, min_y, max_x, max_y]: [f64; 4]) -> impl Iterator<Item = u32> {
        let found = self.tree.as_ref().map(|tree| tree.search(min_x, min_y, max_x, max_y));
        let row = |i: u32| if self.tree_rows.is_empty() { Some(i) } else { self.tree_rows.get(i as usize).copied() };
        found.into_iter().flatten().filter_map(row)
    }

    /// Whether more rows than so many have bounds that meet a box; it is looked at no farther than that.
    pub(super) fn is_crowded(&self, b: [f64; 4], most: usize) -> bool {
        let exceeds = |by_row: bool| {
            let mut left = most + 1;
            self.tree.as_ref().is_some_and(|tree| count_down(&tree.root(), b, by_row, &mut left))
        };
        // most boxes have few neighbours even when whole nodes are counted, which are a sixteenth as many
        exceeds(false) && exceeds(true)
    }

    /// Which rows a scope covers, by their codes.
    pub(super) fn covered(&self, scope: &Scope) -> Arc<Bits> {
        let area = scope.area();
        if let Ok(known) = self.scopes.lock()
            && let Some(bits) = known.get(&area)
        {
            return bits.clone();
        }
        let covered: Vec<bool> = self.code_names.iter().map(|c| scope.covers(c)).collect();
        let mut bits = Bits::none(self.codes.len());
        for (row, code) in self.codes.iter().enumerate() {
            if covered.get(*code as usize).copied().unwrap_or(false) {
                bits.set(row);
            }
        }
        let bits = Arc::new(bits);
        if let Ok(mut known) = self.scopes.lock() {
            if known.len() >= MOST_SCOPES {
                known.clear();
            }
            known.insert(area, bits.clone());
        }
        bits
    }
}

/// Takes one off for each leaf that meets a box or, not going by row, all leaves of a node that does; whether nothing is left.
fn count_down(node: &Node<'_, f64, RTree<f64>>, b: [f64; 4], by_row: bool, left: &mut usize) -> bool {
    if node.min_x() > b[2] || node.max_x() < b[0] || node.min_y() > b[3] || node.max_y() < b[1] {
        return false;
    }
    if node.is_leaf() {
        *left = left.saturating_sub(1);
        return *left == 0;
    }
    if !by_row && node.children_unchecked().next().is_some_and(|child| child.is_leaf()) {
        *left = left.saturating_sub(node.children_unchecked().count());
        return *left == 0;
    }
    node.children_unchecked().any(|child| count_down(&child, b, by_row, left))
}

/// Puts a base together, feature by feature.
pub(super) struct Builder {
    made: Base,
    known_codes: HashMap<String, u32>,
}

impl Builder {
    pub(super) fn new(collection: Collection) -> Self {
        let made = Base {
            collection,
            name: written::Name::default(),
            text: String::new(),
            starts: Vec::new(),
            versions: Vec::new(),
            ids: String::new(),
            id_ends: Vec::new(),
            codes: Vec::new(),
            code_names: Vec::new(),
            shapes: Vec::new(),
            tree: None,
            tree_rows: Vec::new(),
            bounds: None,
            digest: 0,
            scopes: Mutex::default(),
        };
        Self { made, known_codes: HashMap::new() }
    }

    /// Adds a feature; keys come in ascending order, values in the order of the fields. `false` when the key does not ascend: the
    /// feature is left out then.
    pub(super) fn push(&mut self, id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>]) -> bool {
        let start = self.made.text.len();
        if !self.begin(id, code) {
            return false;
        }
        let s = &mut self.made;
        compose(&mut s.text, s.collection.spec(), values);
        s.starts.push(start);
        s.shapes.push(shape);
        true
    }

    /// [`Builder::push`] for whoever reads features; one whose key does not ascend is left out.
    pub(super) fn put(&mut self) -> impl FnMut(&str, &str, Option<Shape>, &[Value<'_>], u64) + Send {
        |id, code, shape, values, version| {
            if self.push(id, code, shape, values) {
                self.versioned(version);
            }
        }
    }

    /// Adds a feature that stands elsewhere.
    pub(super) fn push_part(&mut self, part: &Part<'_>) -> bool {
        let start = self.made.text.len();
        if !self.begin(part.id, part.code) {
            return false;
        }
        let s = &mut self.made;
        s.text.push_str(part.text);
        s.starts.push(start);
        s.shapes.push(part.shape.cloned());
        self.versioned(part.version);
        true
    }

    /// The version of the row that came last.
    pub(super) fn versioned(&mut self, version: u64) {
        let s = &mut self.made;
        if version > 0 || !s.versions.is_empty() {
            s.versions.resize(s.starts.len().saturating_sub(1), 0);
            s.versions.push(u32::try_from(version).unwrap_or(u32::MAX));
        }
    }

    fn begin(&mut self, id: &str, code: &str) -> bool {
        let s = &mut self.made;
        if s.len() > 0 && s.id(s.len() - 1) >= id {
            return false;
        }
        s.ids.push_str(id);
        s.id_ends.push(s.ids.len() as u32);
        // rows of one village mostly follow each other
        let last = s.codes.last().filter(|i| s.code_names.get(**i as usize).is_some_and(|known| known == code));
        let index = match last.or_else(|| self.known_codes.get(code)) {
            Some(i) => *i,
            None => {
                let i = s.code_names.len() as u32;
                self.known_codes.insert(code.to_owned(), i);
                s.code_names.push(code.to_owned());
                i
            }
        };
        s.codes.push(index);
        true
    }

    pub(super) fn finish(mut self) -> Base {
        let s = &mut self.made;
        s.text.shrink_to_fit();
        s.ids.shrink_to_fit();
        s.starts.shrink_to_fit();
        s.versions.shrink_to_fit();
        s.id_ends.shrink_to_fit();
        s.codes.shrink_to_fit();
        s.shapes.shrink_to_fit();
        let boxes = || (0_u32..).zip(&s.shapes).filter_map(|(row, shape)| Some((row, shape.as_ref()?.bounds()?)));
        let somewhere = boxes().count();
        if somewhere > 0 {
            let mut builder = RTreeBuilder::<f64>::new(somewhere as u32);
            for (_, [a, b, c, d]) in boxes() {
                builder.add(a, b, c, d);
            }
            s.bounds = boxes().map(|(_, b)| b).reduce(around);
            if somewhere < s.shapes.len() {
                s.tree_rows = boxes().map(|(row, _)| row).collect();
            }
            s.tree = Some(builder.finish::<HilbertSort>());
        }
        s.digest = (0..s.len()).map(|row| s.part(row).hash()).fold(0, u64::wrapping_add);
        self.made
    }
}
