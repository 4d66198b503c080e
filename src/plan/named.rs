//! Grids that the rows name: the village as a whole, its hamlets, groups or large buildings.

use crate::domain::{Divide, Households, NO_VALUE};
use crate::partition::grids::AtomGraph;

use super::grids::GridRules;
use super::ground::Ground;

/// What the rows say of each free atom ([`NO_VALUE`] where nothing), and the names; `None` when they name nothing of the kind, or for
/// what is balanced.
pub(super) fn find_labels(
    table: &Households,
    ground: &Ground,
    free: &[u32],
    divide: Divide,
    building_min: u32,
) -> Option<(Vec<u32>, Vec<String>)> {
    let (part, names) = match divide {
        Divide::Balance => return None,
        Divide::Village => (vec![0; free.len()], Vec::new()),
        Divide::Hamlet | Divide::Group => {
            let column = if divide == Divide::Hamlet { table.hamlet.as_ref() } else { table.group.as_ref() }?;
            let all = ground.labels(column);
            (free.iter().map(|&v| all[v as usize]).collect::<Vec<u32>>(), column.names.clone())
        }
        Divide::Building => {
            let all = ground.labels(&table.building);
            let large = |v: u32| ground.graph.households[v as usize] >= building_min.max(2);
            let of = free.iter().map(|&v| if large(v) { all[v as usize] } else { NO_VALUE }).collect();
            (of, table.building.names.clone())
        }
    };
    part.iter().any(|&p| p != NO_VALUE).then_some((part, names))
}

/// Parts that are named by the rows instead of being balanced: the whole village, its hamlets, groups or large buildings. `None`
/// when the rows name nothing of the kind.
pub(super) fn named_parts(
    table: &Households,
    ground: &Ground,
    graph: &AtomGraph,
    free: &[u32],
    divide: Divide,
    rules: &GridRules,
) -> Option<(Vec<u32>, Vec<Option<String>>)> {
    let (mut part, names) = find_labels(table, ground, free, divide, rules.building_min)?;
    spread(graph, &mut part);
    // Names before reconnecting: afterwards a part keeps the name most of its households had.
    let before = part.clone();
    graph.reconnect(&mut part);
    let parts = part.iter().max().map_or(0, |m| m + 1);
    let mut votes = vec![std::collections::BTreeMap::<u32, u64>::new(); parts as usize];
    for (v, (&p, &b)) in part.iter().zip(&before).enumerate() {
        *votes[p as usize].entry(b).or_default() += u64::from(graph.households[v]) + 1;
    }
    let name = |v: &std::collections::BTreeMap<u32, u64>| {
        let most = v.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
        names.get(*most.0 as usize).cloned()
    };
    Some((part, votes.iter().map(name).collect()))
}

/// Gives atoms without a label the label of the nearest labelled ones along the adjacency; a component without any becomes one
/// part with a label of its own.
fn spread(graph: &AtomGraph, part: &mut [u32]) {
    let mut queue: std::collections::VecDeque<u32> =
        (0..part.len() as u32).filter(|&v| part[v as usize] != NO_VALUE).collect();
    let mut fresh = part.iter().filter(|p| **p != NO_VALUE).max().map_or(0, |m| m + 1);
    loop {
        while let Some(v) = queue.pop_front() {
            for &u in graph.adjacency.neighbours_of(v) {
                if part[u as usize] == NO_VALUE {
                    part[u as usize] = part[v as usize];
                    queue.push_back(u);
                }
            }
        }
        let Some(next) = part.iter().position(|p| *p == NO_VALUE) else { return };
        part[next] = fresh;
        fresh += 1;
        queue.push_back(next as u32);
    }
}
