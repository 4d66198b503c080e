//! Times of the statistics by themselves, on one thread, as `name milliseconds` of its own work: what `table.py` puts beside its peers. `cargo bench --bench hotspots`.

use std::hint::black_box;
use std::time::Instant;

use h3o::{LatLng, Resolution};
use lianhu::domain::Point;
use lianhu::domain::random::Random;
use lianhu::hotspot::density::{DensityOptions, density};
use lianhu::hotspot::gi::gi_star;
use lianhu::hotspot::permutation::conditional_p;
use lianhu::hotspot::running::Running;
use lianhu::hotspot::{CellSet, Neighbourhood, Weights};

/// Milliseconds this thread has worked, where the system tells (Linux); else since the start.
fn worked_ms(begun: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let worked_ns = told.as_deref().and_then(|t| t.split(' ').next()).and_then(|t| t.parse::<f64>().ok());
    worked_ns.map_or_else(|| begun.elapsed().as_secs_f64() * 1e3, |ns| ns / 1e6)
}

/// Best of some runs: what the machine can do when nobody else asks for it. Short work is done `times` times over, as the system's account
/// goes by ticks.
fn best_ms<T>(runs: u32, times: u32, mut work: impl FnMut() -> T) -> f64 {
    let begun = Instant::now();
    let once = |work: &mut dyn FnMut() -> T| {
        let before = worked_ms(begun);
        for _ in 0..times {
            black_box(work());
        }
        (worked_ms(begun) - before) / f64::from(times)
    };
    (0..runs).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

fn measure() {
    // The disk of 99,919 cells around Anshun that cells.py makes.
    let Ok(middle) = LatLng::new(26.2456, 105.932).map(|p| p.to_cell(Resolution::Ten)) else { return };
    let Ok(cells) = CellSet::new(middle.grid_disk(182)) else { return };
    let mut r = Random::new(1);
    let values: Vec<f64> = (0..cells.len()).map(|_| (r.unit() * r.unit() * 6.0).floor()).collect();
    println!("cells {}", cells.len());
    println!("ring1_ms {:.3}", best_ms(5, 3, || Weights::ring1(&cells)));
    let weights = Weights::ring1(&cells);
    println!("kernel_ms {:.3}", best_ms(9, 200, || gi_star(&weights, &values)));
    if let Some(gi) = gi_star(&weights, &values) {
        println!("permutations_ms {:.1}", best_ms(3, 1, || conditional_p(&weights, &values, &gi.z, 999, 1)));
    }
    let points: Vec<Point> =
        (0..80_000).map(|_| Point::new(40_000.0 * r.unit(), 30_000.0 * r.unit().powi(2))).collect();
    let options = DensityOptions { bandwidth_m: 300.0, spacing_m: 50.0 };
    println!("density_ms {:.2}", best_ms(7, 5, || density(&points, &options)));
    if let Ok(d) = density(&points, &options) {
        println!("density_nodes {}", d.per_km2.len());
    }
    if let Ok(mut running) = Running::new(cells, Neighbourhood::Ring1) {
        let incidents: Vec<_> = (0..100_000).map(|_| r.below(running.cells().len() as u32) as usize).collect();
        let all = best_ms(3, 1, || {
            for i in &incidents {
                let cell = running.cells().cells()[*i];
                black_box(running.add(cell));
            }
        });
        println!("update_us {:.3}", all * 1e3 / incidents.len() as f64);
    }
}

fn main() {
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(measure),
        Err(e) => eprintln!("{e}"),
    }
}
