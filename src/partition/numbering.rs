//! The order in which grids and units are numbered: bands from north to south, west to east inside a band.

/// Centroids nearer than this in west–east direction are a tie (metres): sums of equal places differ in their last digits.
const TIE_M: f64 = 1e-3;

/// Orders parts by bands of `band_m` metres from the northernmost centroid southwards, inside a band from west to east; ties (to a
/// millimetre) by `smallest`, the rank of each part's smallest id, then by index. Returns the rank of each part. A band of zero height
/// or a non-finite one makes one band of all.
#[must_use]
pub fn band_ranks(centroids_m: &[[f64; 2]], band_m: f64, smallest: &[u32]) -> Vec<u32> {
    let north = centroids_m.iter().map(|c| c[1]).fold(f64::NEG_INFINITY, f64::max);
    let band = |c: &[f64; 2]| {
        if band_m.is_finite() && band_m > 0.0 { ((north - c[1]) / band_m).floor() as u64 } else { 0 }
    };
    let west = centroids_m.iter().map(|c| c[0]).fold(f64::INFINITY, f64::min);
    let east = |c: &[f64; 2]| ((c[0] - west) / TIE_M).round() as u64;
    let mut order: Vec<u32> = (0..centroids_m.len() as u32).collect();
    order.sort_by_key(|&a| {
        let c = &centroids_m[a as usize];
        (band(c), east(c), smallest.get(a as usize).copied().unwrap_or(u32::MAX), a)
    });
    let mut rank = vec![0; order.len()];
    for (r, &part) in order.iter().enumerate() {
        rank[part as usize] = r as u32;
    }
    rank
}

/// The rank of each member's id among all of them, by their text.
#[must_use]
pub fn id_ranks<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let ids: Vec<&str> = ids.collect();
    let mut order: Vec<u32> = (0..ids.len() as u32).collect();
    order.sort_by_key(|&i| (ids[i as usize], i));
    let mut rank = vec![0; ids.len()];
    for (r, &i) in order.iter().enumerate() {
        rank[i as usize] = r as u32;
    }
    rank
}

/// The smallest rank among the members of each part; `u32::MAX` for one without members.
#[must_use]
pub fn smallest_of_parts(rank: &[u32], part_of: &[u32], parts: u32) -> Vec<u32> {
    let mut smallest = vec![u32::MAX; parts as usize];
    for (&r, &part) in rank.iter().zip(part_of) {
        if let Some(s) = smallest.get_mut(part as usize) {
            *s = r.min(*s);
        }
    }
    smallest
}

/// Ranks of parts given by their members: centroid weighted by households, band of one mean part height (m), ties by the smallest
/// id (`id_rank`: see [`id_ranks`]).
#[must_use]
pub fn ranks_of_parts(xy: &[[f64; 2]], weight: &[u32], part_of: &[u32], parts: u32, id_rank: &[u32]) -> Vec<u32> {
    let k = parts as usize;
    let mut sum = vec![[0.0_f64; 3]; k];
    let mut plain = vec![[0.0_f64; 3]; k];
    let mut span = vec![(f64::INFINITY, f64::NEG_INFINITY); k];
    for ((p, &w), &part) in xy.iter().zip(weight).zip(part_of) {
        let Some(s) = sum.get_mut(part as usize) else { continue };
        let w = f64::from(w);
        *s = [s[0] + w * p[0], s[1] + w * p[1], s[2] + w];
        let q = &mut plain[part as usize];
        *q = [q[0] + p[0], q[1] + p[1], q[2] + 1.0];
        let e = &mut span[part as usize];
        *e = (e.0.min(p[1]), e.1.max(p[1]));
    }
    let centroids: Vec<[f64; 2]> = sum
        .iter()
        .zip(&plain)
        .map(|(s, q)| {
            let s = if s[2] > 0.0 { s } else { q };
            [s[0] / s[2].max(1.0), s[1] / s[2].max(1.0)]
        })
        .collect();
    let height = span.iter().map(|e| (e.1 - e.0).max(0.0)).sum::<f64>() / (k.max(1) as f64);
    band_ranks(&centroids, height, &smallest_of_parts(id_rank, part_of, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbering_runs_west_to_east_inside_bands_from_the_north() {
        let c = [[10.0, 0.0], [0.0, 1.0], [10.0, 95.0], [0.0, 100.0]];
        assert_eq!(band_ranks(&c, 50.0, &[]), [3, 2, 1, 0]);
    }

    #[test]
    fn in_one_point_the_smallest_id_comes_first() {
        let ids = id_ranks(["d", "a", "c", "b"].into_iter());
        assert_eq!(ids, [3, 0, 2, 1]);
        // A third of a metre has no end in binary, so that the means differ in their last digits.
        let at = [[1.0 / 3.0, 1.0]; 4];
        assert_eq!(ranks_of_parts(&at, &[1; 4], &[0, 1, 1, 2], 3, &ids), [2, 0, 1]);
        assert_eq!(ranks_of_parts(&at, &[1, 7, 3, 1], &[2, 0, 2, 1], 3, &ids), [0, 1, 2]);
    }
}
