//! What a stroke costs. Nothing is asserted about time; `cargo test --release -- --ignored --nocapture stroke` prints it.

use std::time::Instant;

use super::*;

/// 750 buildings, 3,000 households, ten grids, 250 units.
fn large(barriers: Vec<Barrier>) -> Lattice {
    Lattice { w: 30, h: 25, per: 4, columns: 3, size: 12, profile: profile(10, 15, 300, 0.05), barriers }
}

#[test]
#[ignore = "prints times"]
fn a_stroke_in_a_village_of_three_thousand_households() {
    for (what, barriers) in [("open", Vec::new()), ("river", vec![river(&[[290.0, -60.0], [290.0, 600.0]])])] {
        let begun = Instant::now();
        let state = large(barriers).state();
        let made = begun.elapsed();
        assert_eq!(state.problems(), []);
        let begun = Instant::now();
        let problems = state.problems();
        let full = begun.elapsed();
        assert_eq!(problems, []);
        let mut now = state.clone();
        let (mut strokes, mut spent) = (0_u32, std::time::Duration::ZERO);
        for round in 0..3 {
            for row in 0..25 {
                let op = transfer(&[b(2 - round, row)], 2);
                let begun = Instant::now();
                let applied = apply(&now, &[op], Policy::Refuse, TODAY);
                spent += begun.elapsed();
                strokes += 1;
                if let Ok(a) = applied {
                    now = a.state;
                }
            }
        }
        let begun = Instant::now();
        let rows = now.rows();
        let again = VillageState::new(now.shared_land(), &rows).expect("state");
        let from_rows = begun.elapsed();
        sound(&again);
        let begun = Instant::now();
        let balanced = done(&now, &[Operation::Rebalance { grids: Vec::new(), seed: 0, rounds: 4 }]);
        let rebalance = begun.elapsed();
        println!(
            "{what}: land and state {made:?}, full check {full:?}, a stroke {:?} (of {strokes}), state from rows {from_rows:?}, rebalance {rebalance:?} ({:?}, deviation {:.3} to {:.3})",
            spent / strokes,
            balanced.moved,
            balanced.before.deviation,
            balanced.after.deviation,
        );
    }
}
