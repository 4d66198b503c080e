//! The rules that shapes and barriers tell: H1, H2, H3, H4 (a household stands inside its grid), H11.

use std::collections::BTreeMap;

use geo::{
    Area, BooleanOps, BoundingRect, Contains, Coord, Distance, Euclidean, Intersects, LineString, MultiPolygon, Point,
    Polygon,
};
use rayon::prelude::*;

use crate::domain;
use crate::graph::Csr;
use crate::space::mesh::Mesh;
use crate::space::validity::fault_of_polygon;

use super::{Breaches, GridFacts, HouseholdFacts, PlanFacts, Polygons, Rule, VillageFacts};

/// Area that written coordinates (nine decimals of a degree) may lose, relative to the village.
const AREA_SHARE: f64 = 1e-6;
/// What two grids may overlap by rounding alone: their common border times a millimetre, but at least this (m²).
const SLIVER_M2: f64 = 0.05;
/// A household may lie this far outside its grid's polygon (a border runs exactly through a site at a barrier), in metres.
const NEAR_M: f64 = 0.01;

type Found = Vec<(Rule, Vec<String>, String)>;

pub(super) fn check(plan: &PlanFacts, out: &mut Breaches) {
    let mut grids: Vec<Vec<&GridFacts>> = vec![Vec::new(); plan.villages.len()];
    for g in &plan.grids {
        if let Some(list) = grids.get_mut(g.village as usize) {
            list.push(g);
        }
    }
    let mut households: Vec<Vec<&HouseholdFacts>> = vec![Vec::new(); plan.villages.len()];
    for h in &plan.households {
        if let Some(list) = households.get_mut(h.village as usize) {
            list.push(h);
        }
    }
    let found: Vec<Found> = plan
        .villages
        .par_iter()
        .zip(&grids)
        .zip(&households)
        .map(|((v, g), h)| {
            let mut found = Vec::new();
            village(v, g, h, &mut found);
            found
        })
        .collect();
    for (rule, ids, message) in found.into_iter().flatten() {
        out.push(rule, ids, message);
    }
}

fn multi(polygons: &Polygons) -> MultiPolygon<f64> {
    let ring = |r: &Vec<[f64; 2]>| LineString::from(r.iter().map(|c| Coord { x: c[0], y: c[1] }).collect::<Vec<_>>());
    MultiPolygon::new(
        polygons
            .iter()
            .filter_map(|p| Some(Polygon::new(ring(p.first()?), p[1..].iter().map(ring).collect())))
            .collect(),
    )
}

fn village(v: &VillageFacts, grids: &[&GridFacts], households: &[&HouseholdFacts], found: &mut Found) {
    let outline = multi(&v.outline);
    let shaped: Vec<(&GridFacts, MultiPolygon<f64>)> = grids
        .iter()
        .filter(|g| g.kind != "level1" && !g.polygons.is_empty())
        .map(|g| (*g, multi(&g.polygons)))
        .collect();
    for (g, shape) in &shaped {
        if let Some(fault) = shape.iter().find_map(fault_of_polygon) {
            found.push((Rule::H3, vec![g.code.clone()], format!("图形无效 / not a valid polygon: {fault}")));
            return;
        }
        one_piece(v, g, shape, &outline, found);
    }
    covered(v, &shaped, &outline, found);
    placed(&shaped, households, found);
    barriers(v, &shaped, households, found);
}

/// H3: one polygon, or one a part of the village's outline.
fn one_piece(
    v: &VillageFacts,
    g: &GridFacts,
    shape: &MultiPolygon<f64>,
    outline: &MultiPolygon<f64>,
    found: &mut Found,
) {
    if shape.0.len() < 2 {
        return;
    }
    let mut of_part: BTreeMap<usize, u32> = BTreeMap::new();
    for p in shape {
        let Some(inside) = geo::InteriorPoint::interior_point(p) else { continue };
        match outline.iter().position(|o| o.contains(&inside)) {
            Some(part) => *of_part.entry(part).or_default() += 1,
            None => *of_part.entry(usize::MAX).or_default() += 1,
        }
    }
    if of_part.values().any(|n| *n > 1) || v.outline.is_empty() {
        let n = shape.0.len();
        found.push((Rule::H3, vec![g.code.clone()], format!("分成 {n} 片，不连片 / in {n} separate pieces")));
    }
}

/// H1 and H2.
fn covered(
    v: &VillageFacts,
    shaped: &[(&GridFacts, MultiPolygon<f64>)],
    outline: &MultiPolygon<f64>,
    found: &mut Found,
) {
    let boxes: Vec<_> = shaped.iter().map(|(_, s)| s.bounding_rect()).collect();
    let mut overlap_m2 = 0.0;
    let mut order: Vec<usize> = (0..shaped.len()).filter(|&i| boxes[i].is_some()).collect();
    let low = |i: usize| boxes[i].map_or(0.0, |b| b.min().x);
    order.sort_by(|&a, &b| low(a).total_cmp(&low(b)));
    for (at, &i) in order.iter().enumerate() {
        let Some(own) = boxes[i] else { continue };
        for &j in &order[at + 1..] {
            let Some(other) = boxes[j] else { continue };
            if other.min().x > own.max().x {
                break;
            }
            if !own.intersects(&other) {
                continue;
            }
            let common = shaped[i].1.intersection(&shaped[j].1).unsigned_area();
            if common > SLIVER_M2 {
                overlap_m2 += common;
                let ids = vec![shaped[i].0.code.clone(), shaped[j].0.code.clone()];
                found.push((Rule::H2, ids, format!("重叠 {common:.1} 平方米 / they overlap by {common:.1} m²")));
            }
        }
    }
    if v.outline.is_empty() || shaped.is_empty() {
        return;
    }
    let whole = outline.unsigned_area();
    let limit = (whole * AREA_SHARE).max(SLIVER_M2);
    for (g, s) in shaped {
        let beyond = s.difference(outline).unsigned_area();
        if beyond > limit {
            found.push((
                Rule::H1,
                vec![g.code.clone(), v.code.clone()],
                format!("超出村界 {beyond:.1} 平方米 / reaches {beyond:.1} m² beyond the village"),
            ));
        }
    }
    let sum: f64 = shaped.iter().map(|(_, s)| s.unsigned_area()).sum::<f64>() - overlap_m2;
    if sum < whole - limit {
        let gap = whole - sum;
        found.push((
            Rule::H2,
            vec![v.code.clone()],
            format!("有 {gap:.1} 平方米未被网格覆盖 / {gap:.1} m² are in no grid"),
        ));
    }
}

/// H4: a household lies inside the polygon of its grid.
fn placed(shaped: &[(&GridFacts, MultiPolygon<f64>)], households: &[&HouseholdFacts], found: &mut Found) {
    let mut of_grid: BTreeMap<&str, Vec<&HouseholdFacts>> = BTreeMap::new();
    for h in households {
        of_grid.entry(h.grid.as_str()).or_default().push(h);
    }
    for (g, shape) in shaped {
        // Rays against every edge would be quadratic in a grid; an index over the edges' heights is not.
        let inside = Rays::new(shape);
        for h in of_grid.get(g.code.as_str()).into_iter().flatten() {
            let Some(at) = h.at else { continue };
            if inside.holds(at) || Euclidean.distance(&Point::new(at[0], at[1]), shape) <= NEAR_M {
                continue;
            }
            found.push((
                Rule::H4,
                vec![h.id.clone(), g.code.clone()],
                "位于所属网格图形之外 / lies outside its grid's polygon".to_owned(),
            ));
        }
    }
}

/// Edges of a shape by height, for even-odd tests.
struct Rays {
    low: f64,
    step: f64,
    rows: Vec<Vec<[[f64; 2]; 2]>>,
}

impl Rays {
    fn new(shape: &MultiPolygon<f64>) -> Self {
        let Some(b) = shape.bounding_rect() else { return Self { low: 0.0, step: 1.0, rows: Vec::new() } };
        let edges: Vec<[[f64; 2]; 2]> = shape
            .iter()
            .flat_map(|p| std::iter::once(p.exterior()).chain(p.interiors()))
            .flat_map(LineString::lines)
            .map(|l| [[l.start.x, l.start.y], [l.end.x, l.end.y]])
            .collect();
        let count = edges.len().clamp(1, 4096);
        let step = (b.height() / count as f64).max(1e-9);
        let mut rows = vec![Vec::new(); count];
        for e in edges {
            let at = |y: f64| (((y - b.min().y) / step).max(0.0) as usize).min(count - 1);
            for row in &mut rows[at(e[0][1].min(e[1][1]))..=at(e[0][1].max(e[1][1]))] {
                row.push(e);
            }
        }
        Self { low: b.min().y, step, rows }
    }

    fn holds(&self, p: [f64; 2]) -> bool {
        let at = (p[1] - self.low) / self.step;
        if at < 0.0 {
            return false;
        }
        let Some(row) = self.rows.get((at as usize).min(self.rows.len().saturating_sub(1))) else { return false };
        row.iter().fold(false, |odd, [a, b]| {
            if (a[1] > p[1]) == (b[1] > p[1]) {
                return odd;
            }
            odd ^ (p[0] < a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        })
    }
}

/// H11: the buildings of a grid hang together without crossing a hard barrier: through their cells, or else through the grid's own
/// ground, which may reach around the end of a barrier, or to a bridge, where cells of buildings alone do not.
fn barriers(
    v: &VillageFacts,
    shaped: &[(&GridFacts, MultiPolygon<f64>)],
    households: &[&HouseholdFacts],
    found: &mut Found,
) {
    if !v.barriers.iter().any(|b| b.hard && !b.is_bridge()) {
        return;
    }
    let placed: Vec<(&HouseholdFacts, [f64; 2])> = households.iter().filter_map(|h| Some((*h, h.at?))).collect();
    let xy: Vec<[f64; 2]> = placed.iter().map(|p| p.1).collect();
    let (sites, site_of) = crate::space::sites::distinct_sites(&xy);
    let outline = (!v.outline.is_empty()).then_some(v.outline.as_slice());
    // A faulty outline or a household outside it is a breach of H2 or H4 and was said there.
    let Ok(mesh) = Mesh::build(&sites as &[domain::Point], outline, &v.barriers) else { return };
    let adjacency = Csr::from_edges(sites.len(), mesh.edges()).0;
    let mut grid: Vec<&str> = vec![""; sites.len()];
    for ((h, _), &s) in placed.iter().zip(&site_of) {
        grid[s as usize] = h.grid.as_str();
    }
    // Pieces of one grid that no chain of its own cells joins although cells without barriers would: they lie across a barrier.
    let open = Mesh::build(&sites, outline, &[]).map(|m| Csr::from_edges(sites.len(), m.edges()).0);
    let piece_of = |graph: &Csr| graph.components_where(|a, b| grid[a as usize] == grid[b as usize]).0;
    let cut = pieces(&grid, &piece_of(&adjacency));
    let free = open.map(|g| pieces(&grid, &piece_of(&g))).unwrap_or_default();
    for (code, n) in &cut {
        // Premises of an institution may part its neighbours' cells in both; only what the barriers add is a breach.
        if *n <= free.get(code).copied().unwrap_or(1) {
            continue;
        }
        let own: Vec<domain::Point> = sites.iter().zip(&grid).filter(|(_, g)| *g == code).map(|(p, _)| *p).collect();
        let shape = shaped.iter().find(|(g, _)| g.code == *code);
        if !shape.is_some_and(|(g, shape)| ground_hangs_together(g, shape, &own, &v.barriers)) {
            found.push((
                Rule::H11,
                vec![(*code).to_owned()],
                "网格跨越硬障碍（河流、铁路等） / the grid reaches across a hard barrier without a bridge".to_owned(),
            ));
        }
    }
}

/// Whether in each part of a grid its buildings reach one another over the grid's ground without crossing a hard barrier.
fn ground_hangs_together(
    g: &GridFacts,
    shape: &MultiPolygon<f64>,
    sites: &[domain::Point],
    barriers: &[domain::Barrier],
) -> bool {
    g.polygons.iter().zip(shape).all(|(rings, polygon)| {
        let inside: Vec<domain::Point> =
            sites.iter().filter(|p| polygon.contains(&Point::new(p.x, p.y))).copied().collect();
        inside.len() < 2
            || Mesh::build(&inside, Some(std::slice::from_ref(rings)), barriers)
                .is_ok_and(|mesh| Csr::from_edges(inside.len(), mesh.edges()).0.components().1 == 1)
    })
}

/// Number of pieces of each grid.
fn pieces<'a>(grid: &[&'a str], piece: &[u32]) -> BTreeMap<&'a str, usize> {
    let mut of: BTreeMap<&str, std::collections::BTreeSet<u32>> = BTreeMap::new();
    for (g, p) in grid.iter().zip(piece) {
        of.entry(g).or_default().insert(*p);
    }
    of.into_iter().map(|(g, p)| (g, p.len())).collect()
}
