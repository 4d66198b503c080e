//! Old nets (police, city management, tourism, poverty relief) out of the register, for one all-purpose net (全科网格).

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::register::OldNetRow;
use crate::domain::{Households, Positions, Region};
use crate::plan::edit::nets::{NetReport, OldNet};
use crate::space::outlines::Outlines;
use crate::store::{Layer, RegisterRow, Scope, Store};

use super::RegisterError;
use super::input::gather;

/// Which old nets a new plan follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetsWish {
    /// None.
    #[default]
    None,
    /// Every net of the register.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

/// The wanted nets with the old grid of each building; a building belongs to the area it stands in.
///
/// # Errors
/// A net that the register does not have, with those it has.
pub(super) async fn read_nets(
    store: &dyn Store,
    scope: &Scope,
    region: &str,
    table: &Households,
    wish: &NetsWish,
) -> Result<Vec<OldNet>, RegisterError> {
    if *wish == NetsWish::None {
        return Ok(Vec::new());
    }
    let rows: Vec<OldNetRow> = gather(store, scope, Layer::OldNets, None, |r| match r {
        RegisterRow::OldNets(r) if r.valid_to.is_none() => Some(r),
        _ => None,
    })
    .await?;
    let concerns = |r: &OldNetRow| r.region.starts_with(region) || region.starts_with(&r.region);
    let mut areas: BTreeMap<String, Vec<Region>> = BTreeMap::new();
    for r in rows.into_iter().filter(concerns) {
        let area = Region { code: Some(r.id), name: r.name, level: String::new(), polygons: r.shape };
        areas.entry(r.net).or_default().push(area);
    }
    if let NetsWish::Named(names) = wish {
        if let Some(name) = names.iter().find(|n| !areas.contains_key(*n)) {
            let known = areas.keys().cloned().collect::<Vec<_>>().join("、");
            return Err(RegisterError::NoNet { name: name.clone(), known });
        }
        let names: BTreeSet<&String> = names.iter().collect();
        areas.retain(|name, _| names.contains(name));
    }
    let places = places_of_buildings(table);
    let net = |(name, areas): (String, Vec<Region>)| {
        let outlines = Outlines::new(&areas);
        let old = |(b, at): (&&str, &[f64; 2])| Some(((*b).to_owned(), outlines.code_at(*at)?.to_owned()));
        OldNet { name, grid_of_building: places.iter().filter_map(old).collect() }
    };
    Ok(areas.into_iter().map(net).collect())
}

/// Where each building stands.
fn places_of_buildings(table: &Households) -> BTreeMap<&str, [f64; 2]> {
    let mut at = BTreeMap::new();
    if let Positions::Geographic(places) = &table.positions {
        for (row, p) in places.iter().enumerate() {
            if let Some(b) = table.building.get(row) {
                at.entry(b).or_insert([p.lon_deg, p.lat_deg]);
            }
        }
    }
    at
}

/// The villages' reports as one for each net.
pub(super) fn sum_up<'a>(reports: impl Iterator<Item = &'a NetReport>) -> Vec<NetReport> {
    let mut of: BTreeMap<&str, NetReport> = BTreeMap::new();
    for r in reports {
        let sum = of.entry(&r.net).or_insert_with(|| NetReport { net: r.net.clone(), ..NetReport::default() });
        sum.old_border_m += r.old_border_m;
        sum.kept_m += r.kept_m;
        sum.households += r.households;
        sum.households_changed += r.households_changed;
    }
    for r in of.values_mut() {
        r.kept_share = if r.old_border_m > 0.0 { r.kept_m / r.old_border_m } else { 1.0 };
    }
    of.into_values().collect()
}
