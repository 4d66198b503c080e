//! The start: recursive bisection by households, then one piece for every part.

use super::AtomGraph;

/// How many grids each component gets: by households, largest remainder, at least one each, at most one an atom with households.
#[must_use]
pub fn counts(component: &[u32], components: u32, households: &[u32], count: u32) -> Vec<u32> {
    let k = components as usize;
    let mut held = vec![0_u64; k];
    let mut atoms = vec![0_u32; k];
    for (v, &c) in component.iter().enumerate() {
        held[c as usize] += u64::from(households[v]);
        atoms[c as usize] += u32::from(households[v] > 0);
    }
    let total: u64 = held.iter().sum();
    let wish = |c: usize| if total > 0 { held[c] as f64 * f64::from(count) / total as f64 } else { 0.0 };
    let mut given: Vec<u32> = (0..k).map(|c| (wish(c).floor() as u32).clamp(1, atoms[c].max(1))).collect();
    while given.iter().sum::<u32>() < count {
        let next = (0..k).filter(|&c| given[c] < atoms[c]).max_by(|&a, &b| {
            (wish(a) - f64::from(given[a])).total_cmp(&(wish(b) - f64::from(given[b]))).then(b.cmp(&a))
        });
        match next {
            Some(c) => given[c] += 1,
            None => break,
        }
    }
    given
}

/// Divides the atoms of one component (ascending list) into `count` parts: the part of each, in the list's order.
#[must_use]
pub fn divide(graph: &AtomGraph, atoms: &[u32], count: u32) -> Vec<u32> {
    let mut part = vec![0; atoms.len()];
    bisect(graph, atoms, &mut (0..atoms.len() as u32).collect::<Vec<_>>(), count, 0, &mut part);
    part
}

/// Weight in the balance: households, with a grain for empty buildings so that every part gets an atom.
fn weight(graph: &AtomGraph, v: u32) -> f64 {
    f64::from(graph.households[v as usize]) + 1e-6
}

fn bisect(graph: &AtomGraph, atoms: &[u32], some: &mut [u32], count: u32, first: u32, part: &mut [u32]) {
    if count <= 1 || some.len() <= 1 {
        for &i in some.iter() {
            part[i as usize] = first;
        }
        return;
    }
    let (mut lo, mut hi) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for &i in some.iter() {
        let p = graph.xy[atoms[i as usize] as usize];
        for a in 0..2 {
            lo[a] = lo[a].min(p[a]);
            hi[a] = hi[a].max(p[a]);
        }
    }
    let axis = usize::from(hi[1] - lo[1] > hi[0] - lo[0]);
    some.sort_by(|&a, &b| {
        graph.xy[atoms[a as usize] as usize][axis]
            .total_cmp(&graph.xy[atoms[b as usize] as usize][axis])
            .then(a.cmp(&b))
    });
    let left = count / 2;
    let total: f64 = some.iter().map(|&i| weight(graph, atoms[i as usize])).sum();
    let wanted = total * f64::from(left) / f64::from(count);
    let mut sum = 0.0;
    let mut cut = 0;
    for (i, &a) in some.iter().enumerate() {
        let w = weight(graph, atoms[a as usize]);
        if sum + w / 2.0 > wanted && i >= left as usize {
            break;
        }
        sum += w;
        cut = i + 1;
    }
    let cut = cut.clamp((left as usize).min(some.len() - 1), some.len().saturating_sub((count - left) as usize).max(1));
    let (a, b) = some.split_at_mut(cut);
    bisect(graph, atoms, a, left, first, part);
    bisect(graph, atoms, b, count - left, first + left, part);
}

/// Gives parts that lost all their atoms one back, and every part one piece.
pub fn repair(graph: &AtomGraph, part: &mut [u32], count: u32) {
    loop {
        join_strays(graph, part);
        let mut size = vec![0_u32; count as usize];
        let mut households = vec![0_u64; count as usize];
        for (v, &p) in part.iter().enumerate() {
            size[p as usize] += 1;
            households[p as usize] += u64::from(graph.households[v]);
        }
        let Some(empty) = size.iter().position(|s| *s == 0) else { return };
        // The heaviest part with two atoms gives up a connected half.
        let Some(giver) =
            (0..count as usize).filter(|&g| size[g] > 1).max_by_key(|&g| (households[g], std::cmp::Reverse(g)))
        else {
            return;
        };
        split_off(graph, part, giver as u32, empty as u32, households[giver] / 2);
    }
}

/// Breadth-first from a far atom until half the households are taken: the taken half is connected, what is left may not be and is
/// repaired by the caller.
fn split_off(graph: &AtomGraph, part: &mut [u32], giver: u32, taker: u32, half: u64) {
    let Some(any) = part.iter().position(|p| *p == giver) else { return };
    let far = *bfs(graph, part, giver, any as u32).last().unwrap_or(&(any as u32));
    let order = bfs(graph, part, giver, far);
    let mut taken = 0;
    for (i, &v) in order.iter().enumerate() {
        if i > 0 && (taken >= half || i + 1 == order.len()) {
            break;
        }
        taken += u64::from(graph.households[v as usize]);
        part[v as usize] = taker;
    }
}

fn bfs(graph: &AtomGraph, part: &[u32], of: u32, from: u32) -> Vec<u32> {
    let mut seen = std::collections::HashSet::from([from]);
    let mut order = vec![from];
    let mut at = 0;
    while at < order.len() {
        for &u in graph.adjacency.neighbours_of(order[at]) {
            if part[u as usize] == of && seen.insert(u) {
                order.push(u);
            }
        }
        at += 1;
    }
    order
}

/// Of each part the heaviest piece stays; other pieces join the neighbouring part with the longest shared border.
fn join_strays(graph: &AtomGraph, part: &mut [u32]) {
    for _ in 0..64 {
        let (piece, pieces) = graph.adjacency.components_where(|a, b| part[a as usize] == part[b as usize]);
        let mut weight = vec![0_u64; pieces as usize];
        let mut owner = vec![0_u32; pieces as usize];
        for (v, &c) in piece.iter().enumerate() {
            weight[c as usize] += (u64::from(graph.households[v]) << 24) + 1;
            owner[c as usize] = part[v];
        }
        let mut main = std::collections::BTreeMap::new();
        for c in 0..pieces {
            let m = main.entry(owner[c as usize]).or_insert(c);
            if weight[c as usize] > weight[*m as usize] {
                *m = c;
            }
        }
        let stray = |c: u32| main.get(&owner[c as usize]) != Some(&c);
        let mut shared: std::collections::BTreeMap<u32, std::collections::BTreeMap<u32, f64>> =
            std::collections::BTreeMap::new();
        for v in 0..part.len() as u32 {
            let c = piece[v as usize];
            if !stray(c) {
                continue;
            }
            for e in graph.adjacency.row(v) {
                let other = piece[graph.adjacency.neighbours[e] as usize];
                if other != c && !stray(other) {
                    *shared.entry(c).or_default().entry(owner[other as usize]).or_default() += graph.border_m[e];
                }
            }
        }
        if shared.is_empty() {
            return;
        }
        let target: std::collections::BTreeMap<u32, u32> = shared
            .into_iter()
            .filter_map(|(c, s)| {
                s.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(p, _)| (c, p))
            })
            .collect();
        for (p, c) in part.iter_mut().zip(&piece) {
            if let Some(&t) = target.get(c) {
                *p = t;
            }
        }
    }
}
