//! The independent reference: the best of all connected partitions, by enumeration, for a few atoms.

use super::{AtomGraph, figures};

/// The least (deviation beyond `tolerance`, Σ P²/4πA) over all partitions of the atoms into `count` connected parts, and such a
/// partition; `None` when there is none. Time grows as the number of set partitions: for at most some 14 atoms.
#[must_use]
pub fn best_partition(graph: &AtomGraph, count: u32, tolerance: f64) -> Option<((f64, f64), Vec<u32>)> {
    let n = graph.xy.len();
    let mut best: Option<((f64, f64), Vec<u32>)> = None;
    let mut part = vec![0_u32; n];
    visit(graph, count, tolerance, 0, 0, &mut part, &mut best);
    best
}

/// Restricted growth strings: atom i joins an earlier part or opens the next.
fn visit(
    graph: &AtomGraph,
    count: u32,
    tolerance: f64,
    at: usize,
    open: u32,
    part: &mut Vec<u32>,
    best: &mut Option<((f64, f64), Vec<u32>)>,
) {
    if at == part.len() {
        if open == count {
            let f = figures(graph, part, count);
            if f.stray_pieces == 0 {
                let over = (f.deviation - tolerance).max(0.0);
                let value = (if over < 1e-12 { 0.0 } else { over }, f.compactness_sum);
                if best.as_ref().is_none_or(|b| value < b.0) {
                    *best = Some((value, part.clone()));
                }
            }
        }
        return;
    }
    if (part.len() - at) < (count - open) as usize {
        return;
    }
    for p in 0..(open + 1).min(count) {
        part[at] = p;
        visit(graph, count, tolerance, at + 1, open.max(p + 1), part, best);
    }
}
