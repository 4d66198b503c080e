//! A collection kept up change by change answers as one that was loaded as it is now.

use std::collections::BTreeMap;

use super::base::Builder;
use super::collection::Collection;
use super::fragment::{Feature, Value};
use super::snapshot::{Changes, FEW, Snapshot};
use super::written::BETWEEN;
use super::{Shape, View};
use crate::domain::random::Random;
use crate::store::{Role, Scope};

/// What a model knows of a feature: its code, its place, its words.
type Known = (String, Option<Shape>, String);

fn with_values<T>(id: &str, (code, _, words): &Known, with: impl FnOnce(&[Value<'_>]) -> T) -> T {
    let none = Value::None;
    let at = Value::Text("2026-01-01T00:00:00.000Z");
    with(&[
        id.into(),
        code.as_str().into(),
        none,
        none,
        "other".into(),
        none,
        none,
        none,
        at,
        none,
        words.as_str().into(),
    ])
}

fn feature(id: &str, known: &Known) -> Feature {
    let spec = Collection::Incidents.spec();
    with_values(id, known, |values| Feature::new(spec, id, &known.0, known.1.clone(), values))
}

fn loaded(model: &BTreeMap<String, Known>) -> Snapshot {
    let mut builder = Builder::new(Collection::Incidents);
    for (id, known) in model {
        assert!(with_values(id, known, |values| builder.push(id, &known.0, known.1.clone(), values)));
    }
    Snapshot::loaded(builder.finish())
}

fn below(random: &mut Random, n: usize) -> usize {
    random.below(n as u32) as usize
}

fn known(random: &mut Random) -> Known {
    let code = format!("52042310200{}", 1 + below(random, 3));
    let at = [105.0 + below(random, 40) as f64 * 0.01, 26.0 + below(random, 40) as f64 * 0.01];
    let shape = match below(random, 8) {
        0 => None,
        1 => {
            let rect =
                geo::Rect::new(geo::coord! { x: at[0], y: at[1] }, geo::coord! { x: at[0] + 0.05, y: at[1] + 0.05 });
            Some(Shape::Other(Box::new(rect.to_polygon().into())))
        }
        _ => Some(Shape::Point(at)),
    };
    (code, shape, ["", "甲", "乙 \"b\""][below(random, 3)].to_owned())
}

fn seen(snapshot: &Snapshot, view: &View) -> Vec<u32> {
    (0..snapshot.len() as u32).filter(|row| view.sees(*row)).collect()
}

/// All that anybody can ask of a collection.
fn assert_same(kept: &Snapshot, fresh: &Snapshot, random: &mut Random) {
    assert_eq!((kept.len(), kept.digest), (fresh.len(), fresh.digest));
    for row in 0..fresh.len() as u32 {
        for personal in [true, false] {
            let [mut a, mut b] = [String::new(), String::new()];
            kept.append(&mut a, row, personal);
            fresh.append(&mut b, row, personal);
            assert_eq!(a, b);
        }
        assert_eq!((kept.id(row), kept.shape(row)), (fresh.id(row), fresh.shape(row)));
        assert!(kept.fields(row).eq(fresh.fields(row)));
        assert_eq!(kept.row_of(fresh.id(row)), Some(row));
    }
    for personal in [true, false] {
        for (from, step) in [(0, 1), (3, 1), (0, 2), (1, 7)] {
            let mut rows: Vec<u32> = (from..fresh.len() as u32).step_by(step).collect();
            for _ in 0..2 {
                let mut all = String::new();
                kept.append_all(&mut all, &rows, personal);
                let one = |row: &u32| {
                    let mut out = String::new();
                    fresh.append(&mut out, *row, personal);
                    out
                };
                assert_eq!(all, rows.iter().map(one).collect::<Vec<_>>().join(BETWEEN));
                rows.reverse();
            }
        }
    }
    for n in 0..130 {
        let key = format!("i{n:03}");
        assert_eq!((kept.after(&key), kept.row_of(&key)), (fresh.after(&key), fresh.row_of(&key)), "{key}");
    }
    for _ in 0..10 {
        let (x, y) = (104.9 + below(random, 50) as f64 * 0.01, 25.9 + below(random, 50) as f64 * 0.01);
        let b = [x, y, x + below(random, 20) as f64 * 0.01, y + below(random, 20) as f64 * 0.01];
        assert_eq!(kept.in_box(b), fresh.in_box(b), "{b:?}");
        let found = fresh.in_box(b).len();
        for most in 0..found {
            assert!(fresh.is_crowded(b, most), "{most} of {found}");
        }
        assert!(!fresh.is_crowded(b, fresh.len()));
    }
    assert_eq!(
        kept.in_box([105.3, 25.0, 105.1, 27.0]),
        fresh.in_box([105.3, 25.0, 105.1, 27.0]),
        "across the date line"
    );
    let scopes = ["520423102001", "520423102002", "520424"].map(|c| Scope::region(Role::Viewer, c).expect("a code"));
    for scope in scopes.iter().chain([&Scope::whole_store(Role::Viewer)]) {
        let [a, b] = [kept, fresh].map(|s| s.view(scope, None));
        assert_eq!((seen(kept, &a), a.count, a.digest), (seen(fresh, &b), b.count, b.digest));
        assert_eq!(kept.bounds(&a), fresh.bounds(&b));
        let (rows, end) = (seen(kept, &a), kept.len() as u32);
        for from in [0, 3, 64, end] {
            let (ahead, behind): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| **row >= from);
            assert!(a.rows(from, end).eq(ahead) && a.rows_before(from.min(end)).eq(behind.into_iter().rev()));
        }
    }
    let keys = ["i001", "i050", "i050", "none"].map(str::to_owned);
    let grid = Scope::region(Role::Viewer, "520423102001001").expect("a code");
    let [a, b] = [kept, fresh].map(|s| s.view(&grid, Some((&keys[..], s.age_of_views()))));
    assert_eq!((seen(kept, &a), a.count, a.digest), (seen(fresh, &b), b.count, b.digest));
}

#[test]
fn collection_kept_up_change_by_change_is_what_a_fresh_load_is() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut model: BTreeMap<String, Known> = BTreeMap::new();
        for n in (0..below(&mut random, 120)).step_by(1 + below(&mut random, 3)) {
            model.insert(format!("i{n:03}"), known(&mut random));
        }
        let mut kept = loaded(&model);
        let first = model.clone();
        for round in 0..25 {
            let mut changes = Changes::new();
            for _ in 0..=below(&mut random, 12) {
                let id = format!("i{:03}", below(&mut random, 125));
                let now = match below(&mut random, 4) {
                    0 => None,
                    // back to how it was loaded
                    1 => first.get(&id).cloned(),
                    _ => Some(known(&mut random)),
                };
                changes.insert(id.clone(), now.as_ref().map(|k| feature(&id, k)));
                match now {
                    Some(now) => model.insert(id, now),
                    None => model.remove(&id),
                };
            }
            let fresh = loaded(&model);
            let before = (kept.digest, kept.len());
            match kept.changed(changes) {
                Some(next) => kept = next,
                None => assert_eq!(before, (fresh.digest, fresh.len()), "nothing changed"),
            }
            assert_same(&kept, &fresh, &mut random);
            if round % 10 == 9 {
                kept = kept.packed();
                assert_same(&kept, &fresh, &mut random);
            }
        }
        // and all of it is taken back
        let mut changes: Changes = model.keys().map(|id| (id.clone(), None)).collect();
        changes.extend(first.iter().map(|(id, k)| (id.clone(), Some(feature(id, k)))));
        let fresh = loaded(&first);
        assert_same(&kept.changed(changes).unwrap_or(kept), &fresh, &mut random);
    }
}

#[test]
fn features_of_one_prefix_are_replaced_and_no_others() {
    let mut random = Random::new(3);
    let model: BTreeMap<String, Known> =
        ["520423102001001", "520423102001002", "520423102002001"].map(|id| (id.to_owned(), known(&mut random))).into();
    let kept = loaded(&model);
    let mut now = model.clone();
    now.remove("520423102001001");
    now.insert("520423102001003".to_owned(), known(&mut random));
    let own = now.iter().filter(|(id, _)| id.starts_with("520423102001")).map(|(id, k)| feature(id, k)).collect();
    let next = kept.replaced("520423102001", own).expect("changed");
    assert_same(&next, &loaded(&now), &mut random);
    assert!(next.replaced("520423102009", Vec::new()).is_none());
}

#[test]
fn place_keeps_its_stamp_while_nothing_changes_there() {
    let at = |x: f64| ("520423102001".to_owned(), Some(Shape::Point([x, 26.0])), String::new());
    let model: BTreeMap<String, Known> = [("a".to_owned(), at(105.0)), ("b".to_owned(), at(106.0))].into();
    let kept = loaded(&model);
    let (here, there) = ([104.9, 25.9, 105.1, 26.1], [105.9, 25.9, 106.1, 26.1]);
    let moved: Changes = [("a".to_owned(), Some(feature("a", &at(105.05))))].into();
    let next = kept.changed(moved).expect("changed");
    assert_ne!(next.digest, kept.digest);
    assert_ne!(next.stamp(here), kept.stamp(here));
    assert_eq!(next.stamp(there), kept.stamp(there));
    let gone: Changes = [("b".to_owned(), None)].into();
    let last = next.changed(gone).expect("changed").packed();
    assert_eq!((last.stamp(here), last.in_box(there).len()), (next.stamp(here), 0));
    assert_ne!(last.stamp(there), next.stamp(there));
}

#[test]
fn stamp_depends_on_what_is_there_and_not_on_how_it_came() {
    let mut random = Random::new(8);
    let mut kept = loaded(&BTreeMap::new());
    let mut model = BTreeMap::new();
    for step in 0..600 {
        let id = format!("{:03}", below(&mut random, 200));
        let new = (below(&mut random, 4) > 0).then(|| known(&mut random));
        match &new {
            Some(k) => drop(model.insert(id.clone(), k.clone())),
            None => drop(model.remove(&id)),
        }
        let change: Changes = [(id.clone(), new.as_ref().map(|k| feature(&id, k)))].into();
        kept = kept.changed(change).unwrap_or(kept);
        if step % 50 == 49 {
            // another process loads what is there
            let fresh = loaded(&model);
            for _ in 0..20 {
                let [x, y] = [105.0, 26.0].map(|v| v + below(&mut random, 40) as f64 * 0.01);
                let there = [x, y, x + 0.1, y + 0.1];
                assert_eq!(kept.stamp(there), fresh.stamp(there), "{there:?}");
            }
            let row = |s: &Snapshot| s.row_of("007").map(|row| s.content(row));
            assert_eq!(row(&kept), row(&fresh));
        }
    }
}

#[test]
fn stamp_of_many_features_is_asked_for_elsewhere_once_and_is_at_hand_ever_after() {
    let at = |n: usize| ("520423102001".to_owned(), Some(Shape::Point([105.0 + n as f64 * 1e-4, 26.0])), String::new());
    let model: BTreeMap<String, Known> = (0..200).map(|n| (format!("i{n:03}"), at(n))).collect();
    let kept = loaded(&model);
    let (many, few) = ([105.0, 25.9, 105.015, 26.1], [105.0, 25.9, 105.002, 26.1]);
    assert_eq!(kept.stamp_at_hand(many), None);
    assert_eq!(kept.stamp_at_hand(few), Some(loaded(&model).stamp(few)), "few are hashed at once");
    let stamp = kept.stamp(many);
    assert_eq!((kept.stamp_at_hand(many), kept.stamp(many)), (Some(stamp), stamp));
    // a change elsewhere takes nothing from what is known, one inside does
    let change = |n: usize| -> Changes {
        let id = format!("i{n:03}");
        [(id.clone(), Some(feature(&id, &at(n + 1_000))))].into()
    };
    let next = kept.changed(change(199)).expect("changed");
    assert_eq!(next.stamp_at_hand(many), Some(stamp));
    assert!(next.own_stamp(many) == Some(stamp) && kept.own_stamp(many).is_none(), "each version has its own");
    let last = next.changed(change(0)).expect("changed");
    assert_eq!((last.own_stamp(many), last.stamp_at_hand(many)), (None, None));
    assert_ne!(last.stamp(many), stamp);
    assert_eq!(last.own_stamp(many), last.stamp_at_hand(many));
}

#[test]
fn what_lies_around_many_features_is_asked_for_elsewhere_once() {
    let of =
        |n: usize| (["520423102001", "520423102002"][n % 2].to_owned(), Some(Shape::Point([n as f64 * 1e-4, 26.0])));
    let model: BTreeMap<String, Known> =
        (0..FEW + 10).map(|n| (format!("i{n:06}"), (of(n).0, of(n).1, String::new()))).collect();
    let kept = loaded(&model);
    let village = kept.view(&Scope::region(Role::Viewer, "520423102002").expect("a code"), None);
    for view in [&*village, &View::of_all(kept.len())] {
        assert_eq!(kept.bounds_at_hand(view), None);
        let bounds = kept.bounds(view);
        assert!(bounds.is_some() && kept.bounds_at_hand(view) == Some(bounds));
    }
    assert_ne!(kept.bounds(&village), kept.bounds(&View::of_all(kept.len())));
    let few = loaded(&model.into_iter().take(9).collect());
    assert!(few.bounds_at_hand(&View::of_all(9)).is_some(), "nine are soon gone through");
}

#[test]
fn many_changes_are_packed() {
    let mut random = Random::new(5);
    let mut kept = loaded(&BTreeMap::new());
    let mut model = BTreeMap::new();
    for n in 0..300 {
        let (id, k) = (format!("i{n:03}"), known(&mut random));
        kept = kept.changed([(id.clone(), Some(feature(&id, &k)))].into()).expect("changed");
        model.insert(id, k);
        if kept.is_ragged() {
            kept = kept.packed();
            assert!(!kept.is_ragged());
        }
    }
    assert_same(&kept, &loaded(&model), &mut random);
}

#[test]
fn what_was_seen_before_plans_changed_is_not_remembered_after() {
    let at = |x: f64| ("520423102001".to_owned(), Some(Shape::Point([x, 26.0])), String::new());
    let kept = loaded(&[("a".to_owned(), at(105.0)), ("b".to_owned(), at(106.0))].into());
    let unit = Scope::region(Role::Viewer, "520423102001001001").expect("a code");
    let (before, after) = (["a".to_owned()], ["b".to_owned()]);
    // the store was asked, and plans changed before its answer was there
    let age = kept.age_of_views();
    kept.forget_views();
    assert_eq!(seen(&kept, &kept.view(&unit, Some((&before[..], age)))), [0]);
    assert!(kept.known_view(&unit.area()).is_none());
    let now = kept.view(&unit, Some((&after[..], kept.age_of_views())));
    assert_eq!(seen(&kept, &now), [1]);
    assert_eq!(kept.known_view(&unit.area()).map(|v| seen(&kept, &v)), Some(vec![1]));
}

#[test]
fn selections_are_kept_by_what_they_take() {
    let kept = loaded(&BTreeMap::new());
    let made = std::cell::Cell::new(0);
    let select = |key: &str, rows: u32| {
        let make = || {
            made.set(made.get() + 1);
            Ok::<_, std::convert::Infallible>((0..rows).collect())
        };
        kept.selection(key, make).expect("never")
    };
    for n in 0..40 {
        select(&n.to_string(), 10);
    }
    select("39", 10);
    select("0", 10);
    assert_eq!(made.get(), 41, "the last are at hand, the first are not");
    // three of a million rows each: the oldest makes room, with all before it
    for key in ["x", "y", "z"] {
        select(key, 1 << 20);
    }
    select("z", 1 << 20);
    select("y", 1 << 20);
    assert_eq!(made.get(), 44);
    select("x", 1 << 20);
    select("39", 10);
    assert_eq!(made.get(), 46);
}
