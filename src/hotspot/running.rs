//! Counts that change by the minute: an incident more or less touches its own neighbourhood and two totals, nothing else.

use super::cells::{CellSet, HexCell};
use super::error::HotspotError;
use super::gi::Moments;
use super::normal::{binomial_tails, doubled};
use super::weights::{Neighbourhood, Weights};

/// Counts and neighbourhood sums of a study, kept up to date.
///
/// Sums and totals are whole numbers, so what was added and taken away again leaves no trace of rounding.
#[derive(Clone, Debug)]
pub struct Running {
    cells: CellSet,
    weights: Weights,
    counts: Vec<u32>,
    sums: Vec<u64>,
    total: u64,
    squares: u128,
}

impl Running {
    /// A study without incidents.
    ///
    /// # Errors
    /// A neighbourhood that cannot be built.
    pub fn new(cells: CellSet, neighbourhood: Neighbourhood) -> Result<Self, HotspotError> {
        let weights = Weights::of(&cells, neighbourhood)?;
        let n = cells.len();
        Ok(Self { cells, weights, counts: vec![0; n], sums: vec![0; n], total: 0, squares: 0 })
    }

    /// The cells.
    #[must_use]
    pub fn cells(&self) -> &CellSet {
        &self.cells
    }

    /// Their counts.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Adds an incident; gives its place and those whose neighbourhood it entered, `None` where the cell is none of the study's.
    pub fn add(&mut self, cell: HexCell) -> Option<(u32, &[u32])> {
        self.change(cell, true)
    }

    /// Takes an incident away; `None` where there is none in that cell.
    pub fn remove(&mut self, cell: HexCell) -> Option<(u32, &[u32])> {
        self.change(cell, false)
    }

    fn change(&mut self, cell: HexCell, up: bool) -> Option<(u32, &[u32])> {
        let i = self.cells.find(cell)?;
        let count = self.counts.get_mut(i as usize)?;
        let (old, new) = (*count, if up { count.checked_add(1)? } else { count.checked_sub(1)? });
        *count = new;
        self.total = if up { self.total + 1 } else { self.total - 1 };
        self.squares = self.squares + u128::from(new).pow(2) - u128::from(old).pow(2);
        let row = self.weights.of_place(i as usize);
        for j in row.iter().chain([&i]) {
            if let Some(s) = self.sums.get_mut(*j as usize) {
                *s = if up { *s + 1 } else { *s - 1 };
            }
        }
        Some((i, row))
    }

    /// Mean and spread of all counts, from the totals; `None` while all are equal.
    #[must_use]
    pub fn moments(&self) -> Option<Moments> {
        let n = self.cells.len();
        // n·Σx² − (Σx)² is exact, and zero just where all counts are equal.
        let spread = (n as u128) * self.squares - u128::from(self.total).pow(2);
        let (nf, mean) = (n as f64, self.total as f64 / n as f64);
        (spread > 0).then(|| Moments { n, mean, sd: (spread as f64).sqrt() / nf })
    }

    /// Gi* of place `i` as things stand.
    #[must_use]
    pub fn z(&self, i: usize) -> Option<f64> {
        let (moments, sum) = (self.moments()?, *self.sums.get(i)?);
        let w = self.weights.degree(i) + 1;
        Some((sum as f64 - moments.mean * w as f64) * moments.scale(w))
    }

    /// Incidents in the neighbourhood of place `i`, and how many places it has.
    #[must_use]
    pub fn neighbourhood(&self, i: usize) -> Option<(u64, usize)> {
        Some((*self.sums.get(i)?, self.weights.degree(i) + 1))
    }

    /// The two-sided exact p by which place `i` is classed, as things stand: incidents fall on cells at random.
    #[must_use]
    pub fn p(&self, i: usize) -> Option<f64> {
        let (sum, w) = self.neighbourhood(i)?;
        let (upper, lower) = binomial_tails(self.total, w as f64 / self.cells.len() as f64, sum);
        Some(doubled(upper, lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;
    use crate::hotspot::gi::gi_star;
    use crate::hotspot::{HotspotOptions, Study, hotspots};
    use h3o::{LatLng, Resolution};

    #[test]
    fn a_thousand_changes_equal_the_study_computed_anew() {
        let middle = LatLng::new(26.2456, 105.932).expect("place").to_cell(Resolution::Nine);
        let cells = CellSet::new(middle.grid_disk(7)).expect("cells");
        let mut running = Running::new(cells.clone(), Neighbourhood::Ring1).expect("ring");
        assert_eq!(running.moments(), None);
        let weights = Weights::ring1(&cells);
        let mut r = Random::new(6);
        for step in 0..1_000 {
            let i = r.below(cells.len() as u32);
            let cell = cells.cells()[i as usize];
            let touched = if r.unit() < 0.7 { running.add(cell) } else { running.remove(cell) };
            if let Some((at, around)) = touched {
                assert_eq!((at, around), (i, weights.of_place(i as usize)));
            }
            if step % 100 == 99 {
                let values: Vec<f64> = running.counts().iter().map(|c| f64::from(*c)).collect();
                let anew = gi_star(&weights, &values).expect("not constant");
                let counts = running.counts();
                let study = Study { cells: &cells, counts, households: None, inside: None };
                let study = hotspots(&study, &HotspotOptions { permutations: 0, ..HotspotOptions::default() })
                    .expect("a study");
                for (i, z) in anew.z.iter().enumerate() {
                    assert!((running.z(i).expect("z") - z).abs() < 1e-11);
                    let p = study.cells.get(i).and_then(|c| c.p_class);
                    assert!(running.p(i).zip(p).is_some_and(|(a, b)| (a - b).abs() < 1e-12));
                    let (sum, w) = running.neighbourhood(i).expect("cell");
                    assert_eq!((sum as f64, w), (anew.sums[i], weights.degree(i) + 1));
                }
            }
        }
        let far = LatLng::new(40.0, 116.0).expect("place").to_cell(Resolution::Nine);
        assert!(running.add(far).is_none());
    }
}
