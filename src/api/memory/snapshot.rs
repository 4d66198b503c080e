//! A collection as it was at one version: finished fragments in the order of their keys, a packed R-tree over them, and who sees which.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex};

use geo::{BoundingRect, Geometry, Intersects, Rect, coord};
use geo_index::rtree::sort::HilbertSort;
use geo_index::rtree::{RTree, RTreeBuilder, RTreeIndex};

use crate::store::Scope;

use super::collection::{Collection, Spec};
use super::fragment::{DEGREES, Read, Value, quote, write_value};

/// Scopes whose views are kept.
const MOST_VIEWS: usize = 256;
/// Selections kept.
const MOST_SELECTIONS: usize = 32;

/// Where a feature lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Point([f64; 2]),
    Other(Box<Geometry<f64>>),
}

impl Shape {
    pub(crate) fn bounds(&self) -> Option<[f64; 4]> {
        match self {
            Self::Point([x, y]) => (x.is_finite() && y.is_finite()).then_some([*x, *y, *x, *y]),
            Self::Other(g) => {
                let r = g.bounding_rect()?;
                let b = [r.min().x, r.min().y, r.max().x, r.max().y];
                b.iter().all(|v| v.is_finite()).then_some(b)
            }
        }
    }

    pub(crate) fn to_geometry(&self) -> Geometry<f64> {
        match self {
            Self::Point([x, y]) => geo::Point::new(*x, *y).into(),
            Self::Other(g) => (**g).clone(),
        }
    }

    fn meets(&self, [min_x, min_y, max_x, max_y]: [f64; 4]) -> bool {
        match self {
            Self::Point(_) => true,
            Self::Other(g) => {
                let rect = Rect::new(coord! { x: min_x, y: min_y }, coord! { x: max_x, y: max_y });
                g.intersects(&rect)
            }
        }
    }
}

/// Where a fragment's parts begin.
#[derive(Clone, Copy, Debug)]
struct Marks {
    start: usize,
    /// After the opening brace of the properties, from the start.
    properties: u32,
    /// Before the first personal field, from the start.
    personal: u32,
}

/// Which features a scope covers.
#[derive(Debug)]
pub(crate) struct View {
    /// One bit a feature; `None` is all.
    bits: Option<Vec<u64>>,
    pub(crate) count: usize,
    /// Hash of the bits: tells views of one area at different times apart.
    pub(crate) digest: u64,
}

impl View {
    pub(crate) fn sees(&self, row: u32) -> bool {
        match &self.bits {
            None => true,
            Some(bits) => bits.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1),
        }
    }
}

/// A collection at one version.
pub(crate) struct Snapshot {
    pub(crate) collection: Collection,
    text: String,
    marks: Vec<Marks>,
    ids: String,
    id_ends: Vec<u32>,
    codes: Vec<u32>,
    code_names: Vec<String>,
    /// Versions of the register's rows, where there are any.
    versions: Vec<u32>,
    shapes: Vec<Option<Shape>>,
    tree: Option<RTree<f64>>,
    tree_rows: Vec<u32>,
    bounds: Option<[f64; 4]>,
    /// Hash of all that is in it: what ETags are made of.
    pub(crate) digest: u64,
    /// When it was loaded.
    pub(crate) loaded_at: String,
    views: Mutex<HashMap<String, Arc<View>>>,
    selections: Mutex<Vec<(String, Arc<Vec<u32>>)>>,
}

impl Snapshot {
    pub(crate) const fn spec(&self) -> &'static Spec {
        self.collection.spec()
    }

    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn id(&self, row: u32) -> &str {
        let row = row as usize;
        let end = self.id_ends.get(row).copied().unwrap_or_default() as usize;
        let start = row.checked_sub(1).and_then(|r| self.id_ends.get(r)).copied().unwrap_or_default() as usize;
        self.ids.get(start..end).unwrap_or_default()
    }

    /// The version of the register's row that a feature shows.
    pub(crate) fn version(&self, row: u32) -> Option<u64> {
        self.versions.get(row as usize).copied().map(u64::from)
    }

    /// First row whose key comes after a key.
    pub(crate) fn after(&self, key: &str) -> u32 {
        let (mut low, mut high) = (0_u32, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.id(middle) <= key { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(crate) fn row_of(&self, id: &str) -> Option<u32> {
        let row = self.after(id).checked_sub(1)?;
        (self.id(row) == id).then_some(row)
    }

    pub(crate) fn shape(&self, row: u32) -> Option<&Shape> {
        self.shapes.get(row as usize)?.as_ref()
    }

    fn whole(&self, row: u32) -> (&str, Marks) {
        let row = row as usize;
        let Some(marks) = self.marks.get(row).copied() else {
            return ("", Marks { start: 0, properties: 0, personal: 0 });
        };
        let end = self.marks.get(row + 1).map_or(self.text.len(), |m| m.start);
        (self.text.get(marks.start..end).unwrap_or_default(), marks)
    }

    /// Appends a feature as it stands, with or without its personal fields.
    pub(crate) fn append(&self, out: &mut String, row: u32, personal: bool) {
        let (text, marks) = self.whole(row);
        if personal {
            out.push_str(text);
        } else {
            out.push_str(text.get(..marks.personal as usize).unwrap_or_default());
            out.push_str("}}");
        }
    }

    /// A feature's fields in the collection's order, as JSON text.
    pub(crate) fn fields(&self, row: u32) -> Read<'_> {
        let (text, marks) = self.whole(row);
        Read::new(self.spec().fields, text.get(marks.properties as usize..).unwrap_or_default())
    }

    /// One field as JSON text.
    pub(crate) fn field(&self, row: u32, position: usize) -> Option<&str> {
        self.fields(row).nth(position).map(|(_, v)| v)
    }

    /// Rows whose shape meets a box in degrees, in the order of keys.
    pub(crate) fn in_box(&self, bbox: [f64; 4]) -> Vec<u32> {
        let Some(tree) = &self.tree else { return Vec::new() };
        let mut boxes = vec![bbox];
        if let [min_x, min_y, max_x, max_y] = bbox
            && min_x > max_x
        {
            // across the date line
            boxes = vec![[min_x, min_y, 180.0, max_y], [-180.0, min_y, max_x, max_y]];
        }
        let mut rows = Vec::new();
        for b in boxes {
            let [min_x, min_y, max_x, max_y] = b;
            let found = tree.search(min_x, min_y, max_x, max_y);
            let found = found.into_iter().filter_map(|i| self.tree_rows.get(i as usize).copied());
            rows.extend(found.filter(|row| self.shape(*row).is_some_and(|s| s.meets(b))));
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// What a scope sees, by the codes of features; scopes below the village bring the keys they see.
    pub(crate) fn view(&self, scope: &Scope, keys: Option<&[String]>) -> Arc<View> {
        if scope.prefixes().iter().any(String::is_empty) {
            return Arc::new(View { bits: None, count: self.len(), digest: 0 });
        }
        let area = scope.area();
        if let Some(view) = self.known_view(&area) {
            return view;
        }
        let mut bits = vec![0_u64; self.len().div_ceil(64)];
        let mut count = 0;
        let mut see = |row: usize| {
            if let Some(word) = bits.get_mut(row / 64) {
                count += usize::from(*word >> (row % 64) & 1 == 0);
                *word |= 1 << (row % 64);
            }
        };
        match keys {
            Some(keys) => keys.iter().filter_map(|k| self.row_of(k)).for_each(|row| see(row as usize)),
            None => {
                let covered: Vec<bool> = self.code_names.iter().map(|c| scope.covers(c)).collect();
                for (row, code) in self.codes.iter().enumerate() {
                    if covered.get(*code as usize).copied().unwrap_or(false) {
                        see(row);
                    }
                }
            }
        }
        let mut hash = DefaultHasher::new();
        bits.iter().for_each(|word| hash.write_u64(*word));
        let view = Arc::new(View { bits: Some(bits), count, digest: hash.finish() });
        if let Ok(mut views) = self.views.lock() {
            if views.len() >= MOST_VIEWS {
                views.clear();
            }
            views.insert(area, view.clone());
        }
        view
    }

    /// What a scope sees, if it was asked before.
    pub(crate) fn known_view(&self, area: &str) -> Option<Arc<View>> {
        self.views.lock().ok()?.get(area).cloned()
    }

    /// Around all that a view sees.
    pub(crate) fn bounds(&self, view: &View) -> Option<[f64; 4]> {
        if view.bits.is_none() {
            return self.bounds;
        }
        let seen = (0_u32..).zip(&self.shapes).filter(|(row, _)| view.sees(*row));
        seen.filter_map(|(_, s)| s.as_ref()?.bounds())
            .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])])
    }

    /// Who sees what is asked anew from here on.
    pub(crate) fn forget_views(&self) {
        if let Ok(mut views) = self.views.lock() {
            views.clear();
        }
    }

    /// Rows that a query selects, made once for all its pages.
    pub(crate) fn selection<E>(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Vec<u32>, E>,
    ) -> Result<Arc<Vec<u32>>, E> {
        if let Ok(kept) = self.selections.lock()
            && let Some((_, rows)) = kept.iter().find(|(k, _)| k == key)
        {
            return Ok(rows.clone());
        }
        let rows = Arc::new(make()?);
        if let Ok(mut kept) = self.selections.lock() {
            if kept.len() >= MOST_SELECTIONS {
                kept.remove(0);
            }
            kept.push((key.to_owned(), rows.clone()));
        }
        Ok(rows)
    }
}

/// Puts a snapshot together, feature by feature.
pub(super) struct Builder {
    made: Snapshot,
    known_codes: HashMap<String, u32>,
}

impl Builder {
    pub(super) fn new(collection: Collection, loaded_at: String) -> Self {
        let made = Snapshot {
            collection,
            text: String::new(),
            marks: Vec::new(),
            ids: String::new(),
            id_ends: Vec::new(),
            codes: Vec::new(),
            code_names: Vec::new(),
            versions: Vec::new(),
            shapes: Vec::new(),
            tree: None,
            tree_rows: Vec::new(),
            bounds: None,
            digest: 0,
            loaded_at,
            views: Mutex::default(),
            selections: Mutex::default(),
        };
        Self { made, known_codes: HashMap::new() }
    }

    /// Adds a feature; keys come in ascending order, values in the order of the fields. `false` when the key does not ascend: the
    /// feature is left out then.
    pub(super) fn push(&mut self, id: &str, code: &str, shape: Option<Shape>, values: &[Value<'_>]) -> bool {
        let s = &mut self.made;
        if s.len() > 0 && s.id(s.len() as u32 - 1) >= id {
            return false;
        }
        let start = s.text.len();
        let text = &mut s.text;
        text.push_str("{\"type\":\"Feature\",\"id\":");
        quote(text, id);
        text.push_str(",\"geometry\":");
        match &shape {
            None => text.push_str("null"),
            Some(Shape::Point(c)) => {
                text.push_str("{\"type\":\"Point\",\"coordinates\":");
                DEGREES.position(text, *c);
                text.push('}');
            }
            Some(Shape::Other(g)) => DEGREES.geometry(text, g),
        }
        text.push_str(",\"properties\":{");
        let properties = text.len() - start;
        let mut personal = None;
        for (i, (field, value)) in s.collection.spec().fields.iter().zip(values).enumerate() {
            if field.personal && personal.is_none() {
                personal = Some(text.len() - start);
            }
            if i > 0 {
                text.push(',');
            }
            text.push('"');
            text.push_str(field.name);
            text.push_str("\":");
            write_value(text, *value);
        }
        let personal = personal.unwrap_or(text.len() - start);
        text.push_str("}}");
        s.marks.push(Marks { start, properties: properties as u32, personal: personal as u32 });
        s.ids.push_str(id);
        s.id_ends.push(s.ids.len() as u32);
        let known = &mut self.known_codes;
        let code_index = match known.get(code) {
            Some(i) => *i,
            None => {
                let i = s.code_names.len() as u32;
                known.insert(code.to_owned(), i);
                s.code_names.push(code.to_owned());
                i
            }
        };
        s.codes.push(code_index);
        s.shapes.push(shape);
        true
    }

    /// The same for a row that has a version: all rows of a collection, or none.
    pub(super) fn push_version(
        &mut self,
        id: &str,
        code: &str,
        shape: Option<Shape>,
        values: &[Value<'_>],
        version: u64,
    ) {
        if self.push(id, code, shape, values) {
            self.made.versions.push(u32::try_from(version).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn finish(mut self) -> Snapshot {
        let s = &mut self.made;
        s.text.shrink_to_fit();
        let boxes: Vec<(u32, [f64; 4])> =
            (0_u32..).zip(&s.shapes).filter_map(|(row, shape)| Some((row, shape.as_ref()?.bounds()?))).collect();
        if !boxes.is_empty() {
            let mut builder = RTreeBuilder::<f64>::new(boxes.len() as u32);
            let mut all = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
            for (_, [a, b, c, d]) in &boxes {
                builder.add(*a, *b, *c, *d);
                all = [all[0].min(*a), all[1].min(*b), all[2].max(*c), all[3].max(*d)];
            }
            s.tree = Some(builder.finish::<HilbertSort>());
            s.tree_rows = boxes.iter().map(|(row, _)| *row).collect();
            s.bounds = Some(all);
        }
        let mut hash = DefaultHasher::new();
        hash.write(s.text.as_bytes());
        // a feature that came under another code is seen by others
        for code in &s.codes {
            hash.write(s.code_names.get(*code as usize).map_or(&[][..], |c| c.as_bytes()));
        }
        s.digest = hash.finish();
        self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    fn leaders(n: u32) -> Snapshot {
        let mut builder = Builder::new(Collection::Leaders, String::new());
        for i in 0..n {
            let unit = format!("52042310200{}00100{}", 1 + i % 3, i % 10);
            let id = format!("{i:05}");
            let at = Shape::Point([105.0 + f64::from(i) * 0.001, 26.0]);
            assert!(builder.push(
                &id,
                &unit,
                Some(at),
                &[unit.as_str().into(), "h\"1".into(), "leader".into(), "p".into()]
            ));
        }
        assert!(!builder.push("00000", "", None, &[]), "keys ascend");
        builder.finish()
    }

    #[test]
    fn every_fragment_is_json_and_its_fields_come_back() {
        let s = leaders(40);
        for row in 0..40 {
            let mut text = String::new();
            s.append(&mut text, row, row % 2 == 0);
            let v: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(v["id"].as_str(), Some(s.id(row)));
            assert_eq!(v["properties"]["household"], "h\"1");
            assert_eq!(s.field(row, 2), Some("\"leader\""));
            assert_eq!(s.row_of(s.id(row)), Some(row));
        }
        assert_eq!((s.row_of("x"), s.after("00004"), s.after(""), s.after("9")), (None, 5, 0, 40));
    }

    #[test]
    fn box_finds_what_a_walk_over_all_finds() {
        let s = leaders(200);
        for (a, b) in [(105.0, 105.05), (105.1, 105.1999), (90.0, 104.0), (105.199, 180.0)] {
            let walked: Vec<u32> =
                (0..200).filter(|r| matches!(s.shape(*r), Some(Shape::Point([x, _])) if (a..=b).contains(x))).collect();
            assert_eq!(s.in_box([a, 25.0, b, 27.0]), walked);
        }
        assert_eq!(s.in_box([170.0, 25.0, 105.01, 27.0]).len(), 11, "across the date line");
    }

    #[test]
    fn scope_sees_its_own_and_is_counted() {
        let s = leaders(30);
        let of = |code: &str| s.view(&Scope::region(Role::Viewer, code).expect("scope"), None);
        assert_eq!(of("520423102001").count, 10);
        assert_eq!((0..30).filter(|r| of("520423102001").sees(*r)).count(), 10);
        assert_eq!((of("520423").count, of("520424").count), (30, 0));
        assert_eq!(s.view(&Scope::whole_store(Role::Viewer), None).count, 30);
        let below = Scope::region(Role::Viewer, "520423102001001").expect("scope");
        assert_eq!(s.view(&below, Some(&["00001".to_owned(), "none".to_owned()])).count, 1);
    }
}
