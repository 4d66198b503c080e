//! Splitting a village's households into pools that are solved independently.

use std::collections::BTreeMap;

use crate::graph::Csr;
use crate::space::delaunay;

use super::{UnitsInput, representable};

/// The pools: lists of households, each ascending, ordered by smallest member.
///
/// Law zones (and pieces farther apart than `max_reach_m`) never mix. Inside one, a preferred container that can legally be
/// divided by itself is a pool; what cannot is pooled with its siblings inside the next coarser container, and joins the nearest
/// pool of the zone while it still cannot be divided.
#[must_use]
pub fn pools(input: &UnitsInput<'_>, min: u32, max: u32, max_reach_m: Option<f64>) -> Vec<Vec<u32>> {
    let mut zones: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
    let piece = max_reach_m.map(|m| reach_pieces(input, m)).unwrap_or_default();
    for h in 0..input.xy.len() as u32 {
        let law = input.law.get(h as usize).copied().unwrap_or(0);
        zones.entry((law, piece.get(h as usize).copied().unwrap_or(0))).or_default().push(h);
    }
    let mut all: Vec<Vec<u32>> = Vec::new();
    for zone in zones.into_values() {
        if input.prefer.is_empty() {
            all.push(zone);
        } else {
            all.extend(prefer(input, zone, min, max));
        }
    }
    for p in &mut all {
        p.sort_unstable();
    }
    all.sort_by_key(|p| p.first().copied());
    all
}

fn reach_pieces(input: &UnitsInput<'_>, max_reach_m: f64) -> Vec<u32> {
    // The Euclidean minimum spanning tree lies in the Delaunay graph, so dropping its long edges gives single-linkage pieces.
    let (at, of) = distinct(input.xy);
    let far = |a: u32, b: u32| {
        let (p, q) = (at[a as usize], at[b as usize]);
        (p[0] - q[0]).hypot(p[1] - q[1]) > max_reach_m
    };
    let edges: Vec<(u32, u32, ())> =
        delaunay::edges(&at).into_iter().filter(|e| !far(e.0, e.1)).map(|(a, b)| (a, b, ())).collect();
    let (component, _) = Csr::from_edges(at.len(), &edges).0.components();
    of.iter().map(|&l| component[l as usize]).collect()
}

/// Distinct positions in order of first appearance, and the one of each household.
#[must_use]
pub fn distinct(xy: &[[f64; 2]]) -> (Vec<[f64; 2]>, Vec<u32>) {
    let mut seen: std::collections::HashMap<(i64, i64), u32> = std::collections::HashMap::new();
    let mut at = Vec::new();
    let of = xy
        .iter()
        .map(|p| {
            // Centimetre cells: what is nearer is one building to a planner.
            let key = ((p[0] * 100.0).round() as i64, (p[1] * 100.0).round() as i64);
            *seen.entry(key).or_insert_with(|| {
                at.push(*p);
                at.len() as u32 - 1
            })
        })
        .collect();
    (at, of)
}

fn prefer(input: &UnitsInput<'_>, zone: Vec<u32>, min: u32, max: u32) -> Vec<Vec<u32>> {
    let fits = |p: &[u32]| representable(p.len() as u32, min, max);
    let levels = input.prefer.len();
    let value = |level: usize, h: u32| input.prefer[level].get(h as usize).copied().unwrap_or(0);
    let mut done: Vec<Vec<u32>> = Vec::new();
    let mut open = zone;
    for level in 0..levels {
        let mut groups: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
        for &h in &open {
            // A container is that of all coarser ones around it.
            groups.entry((level..levels).map(|l| value(l, h)).collect()).or_default().push(h);
        }
        open = Vec::new();
        for g in groups.into_values() {
            if fits(&g) {
                done.push(g);
            } else {
                open.extend(g);
            }
        }
    }
    while !open.is_empty() {
        if fits(&open) || done.is_empty() {
            done.push(open);
            break;
        }
        let c = centre(input, &open);
        let nearest = (0..done.len()).min_by(|&a, &b| {
            gap2(c, centre(input, &done[a])).total_cmp(&gap2(c, centre(input, &done[b]))).then(a.cmp(&b))
        });
        match nearest {
            Some(i) => open.extend(done.swap_remove(i)),
            None => break,
        }
    }
    done
}

fn centre(input: &UnitsInput<'_>, households: &[u32]) -> [f64; 2] {
    let n = households.len().max(1) as f64;
    households.iter().fold([0.0; 2], |a, &h| {
        let p = input.xy[h as usize];
        [a[0] + p[0] / n, a[1] + p[1] / n]
    })
}

fn gap2(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}
