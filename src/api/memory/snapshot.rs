//! A collection as it was at one version: features in the order of their keys, each with a row, found by key and by place; who sees
//! which. A few changed features make the next version out of this one in the time that they take, not the collection.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, OnceLock};

use crate::store::Scope;

use super::base::{Base, Builder};
use super::bits::Bits;
use super::collection::{Collection, Spec};
use super::fragment::{Feature, Read, Value};
use super::patch::{Patch, Run, Step};
use super::recent::Recent;
use super::shape::{Shape, around};
use super::stamps::{Place, Stamps};
use super::view::View;
use super::written::{self, BETWEEN};

/// Scopes whose views are kept.
const MOST_VIEWS: usize = 256;
/// Selections kept, and rows in them together: 8 MiB.
const MOST_SELECTIONS: usize = 32;
const MOST_SELECTED: usize = 2 << 20;
/// Changes beside a base: this share of it, within bounds. More are packed into a new base.
const SHARE_PATCHED: u32 = 32;
const FEWEST_PATCHED: u32 = 256;
const MOST_PATCHED: u32 = 4_096;
/// Features that a request thread may go through by itself.
pub(super) const FEW: usize = 20_000;
/// Features of a box that are hashed for its stamp.
const MOST_STAMPED: usize = 4_000;
/// Those that whoever asks may hash by itself: some 20 µs.
const FEW_STAMPED: usize = 64;

/// Features by key as they are now; `None` is one that is no more.
pub(super) type Changes = BTreeMap<String, Option<Feature>>;

/// Who sees what, by area.
#[derive(Default)]
struct Views {
    of: HashMap<String, Arc<View>>,
    /// How often all of them were forgotten.
    age: u64,
}

/// A collection at one version.
pub(crate) struct Snapshot {
    pub(crate) collection: Collection,
    base: Arc<Base>,
    patch: Patch,
    recent: Recent,
    /// Hash of all that is in it: what ETags are made of.
    pub(crate) digest: u64,
    /// Stamps by box and change; versions of a collection share them.
    stamps: Arc<Stamps<(Place, u64)>>,
    /// The same by box alone, for this version: asked again, not even its changes are gone through.
    own_stamps: Stamps<Place>,
    bounds: OnceLock<Option<[f64; 4]>>,
    views: Mutex<Views>,
    selections: Mutex<Vec<(String, Arc<Vec<u32>>)>>,
}

impl Snapshot {
    fn of(base: Arc<Base>, patch: Patch, (recent, stamps): (Recent, Arc<Stamps<(Place, u64)>>), digest: u64) -> Self {
        Self {
            collection: base.collection,
            base,
            patch,
            recent,
            digest,
            stamps,
            own_stamps: Stamps::default(),
            bounds: OnceLock::new(),
            views: Mutex::default(),
            selections: Mutex::default(),
        }
    }

    /// All that was loaded.
    pub(super) fn loaded(base: Base) -> Self {
        let digest = base.digest;
        Self::of(Arc::new(base), Patch::default(), (Recent::since(digest), Arc::default()), digest)
    }

    /// Features that are made, not stored: key, place, values in the order of the fields; keys ascend.
    pub(crate) fn of_features<'a>(
        collection: Collection,
        features: impl Iterator<Item = (&'a str, Shape, Vec<Value<'a>>)>,
    ) -> Self {
        let mut builder = Builder::new(collection);
        for (key, shape, values) in features {
            builder.push(key, "", Some(shape), &values);
        }
        Self::loaded(builder.finish())
    }

    /// With some features changed; `None` when they are so already.
    pub(super) fn changed(&self, changes: Changes) -> Option<Self> {
        let (mut patch, mut digest, mut places) = (self.patch.clone(), self.digest, Vec::new());
        let mut any = false;
        for (key, feature) in changes {
            let Some(replaced) = patch.set(&self.base, &key, feature) else { continue };
            any = true;
            for side in [replaced.old, replaced.new].into_iter().flatten() {
                places.extend(side.bounds);
            }
            let hash = |side: Option<super::patch::Side>| side.map_or(0, |s| s.hash);
            digest = digest.wrapping_sub(hash(replaced.old)).wrapping_add(hash(replaced.new));
        }
        if !any {
            return None;
        }
        patch.settle();
        let mut recent = self.recent.clone();
        places.into_iter().for_each(|place| recent.note(place, digest));
        Some(Self::of(self.base.clone(), patch, (recent, self.stamps.clone()), digest))
    }

    /// The same, for all features whose keys begin with a code: those that are not named are no more.
    pub(super) fn replaced(&self, prefix: &str, features: Vec<Feature>) -> Option<Self> {
        // ':' follows '9'
        let there = self.after(prefix)..self.after(&format!("{prefix}:"));
        let mut changes: Changes = there.map(|row| (self.id(row).to_owned(), None)).collect();
        changes.extend(features.into_iter().map(|f| (f.part().id.to_owned(), Some(f))));
        self.changed(changes)
    }

    /// Whether it says what another one does, under the same versions of rows: a row that was changed and changed back has another.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest && self.versions() == other.versions()
    }

    /// Hash of the versions of all rows, in their order.
    fn versions(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.patch.walk(&self.base, |step| match step {
            Step::Base(from, to) => (from..to).for_each(|row| hash.write_u64(self.base.version(row))),
            Step::Added(part) => hash.write_u64(part.version),
        });
        hash.finish()
    }

    /// Whether so much changed that it is to be packed.
    pub(super) fn is_ragged(&self) -> bool {
        self.patch.size() as u32 > (self.base.len() / SHARE_PATCHED).clamp(FEWEST_PATCHED, MOST_PATCHED)
    }

    /// The same features, packed.
    pub(super) fn packed(&self) -> Self {
        let mut builder = Builder::new(self.collection);
        self.patch.walk(&self.base, |step| match step {
            Step::Base(from, to) => (from..to).for_each(|row| {
                builder.push_part(&self.base.part(row));
            }),
            Step::Added(part) => {
                builder.push_part(&part);
            }
        });
        let base = Arc::new(builder.finish());
        Self::of(base, Patch::default(), (self.recent.clone(), self.stamps.clone()), self.digest)
    }

    pub(crate) const fn spec(&self) -> &'static Spec {
        self.collection.spec()
    }

    pub(crate) fn len(&self) -> usize {
        self.patch.len(&self.base) as usize
    }

    pub(crate) fn id(&self, row: u32) -> &str {
        self.patch.id(&self.base, row)
    }

    /// The version of the register's row that a feature shows.
    pub(crate) fn version(&self, row: u32) -> Option<u64> {
        Some(self.patch.part(&self.base, row).version).filter(|v| *v > 0)
    }

    /// First row whose key comes after a key.
    pub(crate) fn after(&self, key: &str) -> u32 {
        self.patch.after(&self.base, key)
    }

    pub(crate) fn row_of(&self, id: &str) -> Option<u32> {
        let row = self.after(id).checked_sub(1)?;
        (self.id(row) == id).then_some(row)
    }

    pub(crate) fn shape(&self, row: u32) -> Option<&Shape> {
        self.patch.part(&self.base, row).shape
    }

    /// Appends a feature as it stands, with or without its personal fields.
    pub(crate) fn append(&self, out: &mut String, row: u32, personal: bool) {
        self.patch.part(&self.base, row).append(out, self.spec(), personal);
    }

    /// Appends features as they stand, [`BETWEEN`] between them.
    pub(crate) fn append_all(&self, out: &mut String, rows: &[u32], personal: bool) {
        let mut first = true;
        self.patch.runs(rows, |run| {
            if matches!(run, Run::Base([])) {
                return;
            }
            if !std::mem::take(&mut first) {
                out.push_str(BETWEEN);
            }
            match run {
                Run::Base(rows) => written::append(out, &self.base, rows, personal),
                Run::Added(part) => part.append(out, self.spec(), personal),
            }
        });
    }

    /// Whether more features than so many may lie in a box.
    pub(crate) fn is_crowded(&self, bbox: [f64; 4], most: usize) -> bool {
        // across the date line: that is half the world
        bbox[0] > bbox[2] || self.patch.size() > most || self.base.is_crowded(bbox, most)
    }

    /// A feature's fields in the collection's order, as JSON text.
    pub(crate) fn fields(&self, row: u32) -> Read<'_> {
        self.patch.part(&self.base, row).fields(self.spec())
    }

    /// One field as JSON text.
    pub(crate) fn field(&self, row: u32, position: usize) -> Option<&str> {
        self.fields(row).nth(position).map(|(_, v)| v)
    }

    /// Rows whose shape meets a box in degrees, in the order of keys.
    pub(crate) fn in_box(&self, bbox: [f64; 4]) -> Vec<u32> {
        let mut boxes = vec![bbox];
        if let [min_x, min_y, max_x, max_y] = bbox
            && min_x > max_x
        {
            // across the date line
            boxes = vec![[min_x, min_y, 180.0, max_y], [-180.0, min_y, max_x, max_y]];
        }
        let mut rows = Vec::new();
        for b in boxes {
            let found = self.base.in_box(b).filter(|row| self.base.shape(*row).is_some_and(|s| s.meets(b)));
            rows.extend(found.filter_map(|row| self.patch.row_of_base(row)));
            rows.extend(self.patch.added_in(b));
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// As long as it is the same, so is all in a box: the hash of its features or, where these are many, that of the collection when one
    /// of them last came, changed or left, as far as this process knows. Some thousand features may be hashed for it: see
    /// [`Snapshot::stamp_at_hand`].
    pub(crate) fn stamp(&self, bbox: [f64; 4]) -> u64 {
        self.known_stamp(bbox).unwrap_or_else(|| self.made_stamp(bbox))
    }

    /// The same where it costs next to nothing: known, or of few features; `None` is to be asked for off the request threads.
    pub(crate) fn stamp_at_hand(&self, bbox: [f64; 4]) -> Option<u64> {
        self.known_stamp(bbox).or_else(|| (!self.is_crowded(bbox, FEW_STAMPED)).then(|| self.made_stamp(bbox)))
    }

    fn known_stamp(&self, bbox: [f64; 4]) -> Option<u64> {
        let place = bbox.map(f64::to_bits);
        if self.recent.is_empty() {
            return self.stamps.get(&(place, self.recent.stamp(bbox)));
        }
        if let Some(known) = self.own_stamps.get(&place) {
            return Some(known);
        }
        let known = self.stamps.get(&(place, self.recent.stamp(bbox)))?;
        self.own_stamps.keep(place, known);
        Some(known)
    }

    /// What this version remembers by itself.
    #[cfg(test)]
    pub(super) fn own_stamp(&self, bbox: [f64; 4]) -> Option<u64> {
        self.own_stamps.get(&bbox.map(f64::to_bits))
    }

    fn made_stamp(&self, bbox: [f64; 4]) -> u64 {
        let (place, changed) = (bbox.map(f64::to_bits), self.recent.stamp(bbox));
        let stamp = if self.is_crowded(bbox, MOST_STAMPED) {
            changed
        } else {
            self.in_box(bbox).into_iter().map(|row| self.content(row)).fold(0, u64::wrapping_add)
        };
        self.stamps.keep((place, changed), stamp);
        if !self.recent.is_empty() {
            self.own_stamps.keep(place, stamp);
        }
        stamp
    }

    /// Hash of all that a feature says and by whom it is seen.
    pub(crate) fn content(&self, row: u32) -> u64 {
        self.patch.part(&self.base, row).hash()
    }

    /// What a scope sees, by the codes of features; scopes below the village bring the keys they see, and how old views were when these
    /// were asked for: what was forgotten meanwhile is not remembered.
    pub(crate) fn view(&self, scope: &Scope, keys: Option<(&[String], u64)>) -> Arc<View> {
        if scope.prefixes().iter().any(String::is_empty) {
            return Arc::new(View::of_all(self.len()));
        }
        let area = scope.area();
        if let Some(view) = self.known_view(&area) {
            return view;
        }
        let view = Arc::new(match keys {
            Some((keys, _)) => self.view_of_keys(keys),
            None => {
                let covered = self.base.covered(scope);
                let mut bits = Bits::default();
                self.patch.walk(&self.base, |step| match step {
                    Step::Base(from, to) => bits.extend(&covered, from as usize, to as usize),
                    Step::Added(part) => bits.push(scope.covers(part.code)),
                });
                View::of_some(bits, 0)
            }
        });
        if let Ok(mut views) = self.views.lock()
            && keys.is_none_or(|(_, age)| age == views.age)
        {
            if views.of.len() >= MOST_VIEWS {
                views.of.clear();
            }
            views.of.insert(area, view.clone());
        }
        view
    }

    /// How old views are.
    pub(crate) fn age_of_views(&self) -> u64 {
        self.views.lock().map_or(0, |views| views.age)
    }

    fn view_of_keys(&self, keys: &[String]) -> View {
        let (mut bits, mut digest) = (Bits::none(self.len()), 0_u64);
        for key in keys {
            let Some(row) = self.row_of(key).filter(|row| !bits.get(*row as usize)) else { continue };
            bits.set(row as usize);
            let mut hash = DefaultHasher::new();
            hash.write(key.as_bytes());
            digest = digest.wrapping_add(hash.finish());
        }
        View::of_some(bits, digest)
    }

    /// What a scope sees, if it was asked before.
    pub(crate) fn known_view(&self, area: &str) -> Option<Arc<View>> {
        self.views.lock().ok()?.of.get(area).cloned()
    }

    /// Around all that a view sees; kept with it.
    pub(crate) fn bounds(&self, view: &View) -> Option<[f64; 4]> {
        if view.is_all() {
            return *self.bounds.get_or_init(|| self.all_bounds());
        }
        let seen = || view.rows(0, self.len() as u32);
        *view.bounds.get_or_init(|| seen().filter_map(|row| self.shape(row)?.bounds()).reduce(around))
    }

    /// The same where nobody has to go through many features for it; `None` is to be asked for off the request threads.
    pub(crate) fn bounds_at_hand(&self, view: &View) -> Option<Option<[f64; 4]>> {
        let known = if view.is_all() { self.bounds.get() } else { view.bounds.get() };
        known.copied().or_else(|| (self.len() <= FEW).then(|| self.bounds(view)))
    }

    fn all_bounds(&self) -> Option<[f64; 4]> {
        // only what stood at the edge leaves less behind it
        let edge = |b: [f64; 4], all: [f64; 4]| b.iter().zip(&all).any(|(b, all)| b == all);
        let held = |row: u32| self.base.bounds.zip(self.base.shape(row)?.bounds()).filter(|(all, b)| edge(*b, *all));
        if self.patch.gone().any(|row| held(row).is_some()) {
            return (0..self.len() as u32).filter_map(|row| self.shape(row)?.bounds()).reduce(around);
        }
        self.base.bounds.into_iter().chain(self.patch.added_bounds()).reduce(around)
    }

    /// Who sees what is asked anew from here on.
    pub(crate) fn forget_views(&self) {
        if let Ok(mut views) = self.views.lock() {
            views.of.clear();
            views.age += 1;
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
            let mut all: usize = kept.iter().map(|(_, rows)| rows.len()).sum::<usize>() + rows.len();
            while !kept.is_empty() && (kept.len() >= MOST_SELECTIONS || all > MOST_SELECTED) {
                all -= kept.remove(0).1.len();
            }
            kept.push((key.to_owned(), rows.clone()));
        }
        Ok(rows)
    }
}
