//! The local length scale: temperatures follow it, so that a town and open land anneal side by side.

use rayon::prelude::*;

use crate::graph::Csr;

/// How far apart households are around each place: the mean squared distance (m²) from it to the `size` households nearest by
/// steps between neighbouring places, but no less than a sixteenth of the square to the nearest other place.
pub(super) fn scales_m2(at: &[[f64; 2]], at_location: &Csr, near: &Csr, size: u32) -> Vec<f64> {
    (0..at.len() as u32)
        .into_par_iter()
        .map_init(Vec::new, |border: &mut Vec<(f64, u32)>, l| {
            let gap2 = |p: u32| {
                let (a, b) = (at[l as usize], at[p as usize]);
                (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
            };
            border.clear();
            border.push((0.0, l));
            let (mut done, mut count, mut sum, mut nearest) = (0, 0, 0.0, f64::INFINITY);
            while done < border.len() && count < size {
                let Some(next) = (done..border.len()).min_by(|&a, &b| border[a].0.total_cmp(&border[b].0)) else {
                    break;
                };
                border.swap(done, next);
                let (d2, place) = border[done];
                done += 1;
                let here = (at_location.row(place).len() as u32).min(size - count);
                count += here;
                sum += f64::from(here) * d2;
                for &p in near.neighbours_of(place) {
                    if border.iter().all(|b| b.1 != p) {
                        let d2 = gap2(p);
                        nearest = nearest.min(d2);
                        border.push((d2, p));
                    }
                }
            }
            let least = if nearest.is_finite() { nearest / 16.0 } else { 0.0 };
            (sum / f64::from(count.max(1))).max(least)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_is_the_mean_square_to_the_nearest_households() {
        // A line of places 10 m apart, two households each: the four nearest of the first are 0, 0, 10, 10 m away.
        let at: Vec<[f64; 2]> = (0..5).map(|i| [f64::from(i) * 10.0, 0.0]).collect();
        let edges: Vec<(u32, u32, ())> = (0..4).map(|i| (i, i + 1, ())).collect();
        let near = Csr::from_edges(5, &edges).0;
        let of: Vec<u32> = (0..10).map(|h| h / 2).collect();
        let scale = scales_m2(&at, &Csr::inverse(5, &of), &near, 4);
        assert!((scale[0] - 50.0).abs() < 1e-9, "{scale:?}");
        // A tower that holds enough by itself still has the scale of the way to its neighbour.
        let tower = scales_m2(&at, &Csr::inverse(5, &[0; 12]), &near, 4);
        assert!((tower[0] - 100.0 / 16.0).abs() < 1e-9, "{tower:?}");
    }
}
