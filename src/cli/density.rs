//! `lianhu density`.

use geo::{Geometry, LineString, Polygon};

use crate::domain::{LonLat, Point};
use crate::exchange::{Cell, FieldType};
use crate::hotspot::density::{Density, DensityOptions, density, scott_bandwidth_m};
use crate::space::projection::LocalProjection;

use super::cell_files::{Sheet, write};
use super::commands::{Failure, Outcome};
use super::hotspot_args::DensityArgs;
use super::hotspots::{bad, in_window, incidents, whole};
use super::outputs;

/// Nodes below this share of the greatest density are not written.
const LEAST_SHARE: f64 = 1e-3;
/// Incidents farther from their middle than this have no plane in common, degrees.
const FARTHEST_DEG: f64 = 5.0;
const FIELDS: &[(&str, FieldType)] = &[
    ("column", FieldType::Whole),
    ("row", FieldType::Whole),
    ("lon", FieldType::Real),
    ("lat", FieldType::Real),
    ("per_km2", FieldType::Real),
];

/// A plane for places that are not too far apart.
fn plane_of(places: &[LonLat]) -> Result<LocalProjection, Failure> {
    let low = places.iter().fold([f64::INFINITY; 2], |a, p| [a[0].min(p.lon_deg), a[1].min(p.lat_deg)]);
    let high = places.iter().fold([f64::NEG_INFINITY; 2], |a, p| [a[0].max(p.lon_deg), a[1].max(p.lat_deg)]);
    if (0..2).any(|i| high[i] - low[i] > 2.0 * FARTHEST_DEG) {
        let most = 2.0 * FARTHEST_DEG;
        return Err(bad(format!(
            "事件相距超过 {most} 度，没有共同的平面：请检查坐标，或分区计算\n\
             the incidents are more than {most} degrees apart and have no plane in common: look for wrong places, or take one region at a time"
        )));
    }
    let middle = |i: usize| f64::midpoint(low[i], high[i]);
    Ok(LocalProjection::centred_on(LonLat { lon_deg: middle(0), lat_deg: middle(1) }))
}

/// A node that is written.
struct Node {
    column: usize,
    row: usize,
    per_km2: f64,
}

fn place(surface: &Density, plane: &LocalProjection, column: f64, row: f64) -> LonLat {
    let (x, y) = (surface.origin.x + column * surface.spacing_m, surface.origin.y + row * surface.spacing_m);
    plane.inverse(Point::new(x, y))
}

/// The square around a node.
fn square(surface: &Density, plane: &LocalProjection, node: &Node) -> Geometry<f64> {
    let corner = |(dx, dy): (f64, f64)| {
        let p = place(surface, plane, node.column as f64 + dx, node.row as f64 + dy);
        [p.lon_deg, p.lat_deg]
    };
    let ring = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)].map(corner);
    Geometry::Polygon(Polygon::new(LineString::from(ring.to_vec()), Vec::new()))
}

/// Smooths incidents to a surface.
pub(super) fn run(a: &DensityArgs) -> Outcome {
    outputs::check("--out", &a.out, outputs::MAPS)?;
    let read = incidents(&a.input)?;
    let places: Vec<LonLat> = in_window(&read, a.window, a.as_of)?.into_iter().map(|i| i.0).collect();
    let plane = plane_of(&places)?;
    let points: Vec<Point> = places.iter().map(|p| plane.forward(*p)).collect();
    let bandwidth_m = match a.bandwidth.or_else(|| scott_bandwidth_m(&points)) {
        Some(h) => h,
        // an empty window is told of by the surface itself
        None if points.is_empty() => 1.0,
        None => {
            let what = "所有事件在同一地点，带宽无从取值：请给出 --bandwidth，如 300m\n\
                        all incidents are at one place, which says nothing of a bandwidth: give --bandwidth, such as 300m";
            return Err(bad(what));
        }
    };
    let options = DensityOptions { bandwidth_m, spacing_m: a.cell.unwrap_or(bandwidth_m / 3.0) };
    let surface = density(&points, &options).map_err(bad)?;
    let most = surface.per_km2.iter().copied().fold(0.0, f64::max);
    let nodes: Vec<Node> = surface
        .per_km2
        .iter()
        .enumerate()
        .filter(|(_, d)| **d > 0.0 && **d >= LEAST_SHARE * most)
        .map(|(i, d)| Node { column: i % surface.columns, row: i / surface.columns, per_km2: *d })
        .collect();
    let row = |_: usize, node: &Node| {
        let p = place(&surface, &plane, node.column as f64, node.row as f64);
        vec![
            whole(node.column),
            whole(node.row),
            Cell::Real(p.lon_deg),
            Cell::Real(p.lat_deg),
            Cell::Real(node.per_km2),
        ]
    };
    let sheet = Sheet { layer: "density", fields: FIELDS };
    write(&a.out, &sheet, &nodes, row, |node| square(&surface, &plane, node))?;
    if options.spacing_m > bandwidth_m / 2.0 {
        outln!("格距超过带宽的一半，曲面较粗\nnodes are farther apart than half the bandwidth: the surface is coarse");
    }
    if let Some(top) = nodes.iter().max_by(|a, b| a.per_km2.total_cmp(&b.per_km2)) {
        let p = place(&surface, &plane, top.column as f64, top.row as f64);
        outln!(
            "最高 {0:.2} 件/平方公里，在 ({1:.4}, {2:.4})\ngreatest: {0:.2} incidents per km² at ({1:.4}, {2:.4})",
            top.per_km2,
            p.lon_deg,
            p.lat_deg
        );
    }
    outln!(
        "带宽 {bandwidth_m:.1} 米，格距 {0:.1} 米：{1} 个节点（共 {2}，低于最高值千分之一的不写） → {3}\n\
         bandwidth {bandwidth_m:.1} m, nodes every {0:.1} m: {1} of {2} nodes (those below a thousandth of the greatest are left out) → {3}",
        options.spacing_m,
        nodes.len(),
        surface.per_km2.len(),
        a.out.display()
    );
    Ok(0)
}
