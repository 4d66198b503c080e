//! How long a solver works: rounds, a wall-clock budget, cancellation.
//!
//! Solver states s₀, s₁, … depend only on input, options, seed and program version; the clock is read only between rounds
//! and can only stop. So the number of rounds a run did is all that a replay needs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use crate::domain::random::{Random, stream_seed};

/// What ends the work.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// Exactly this many rounds (fewer only on convergence): the same bytes at any thread count.
    Rounds(u32),
    /// Until this moment, read between rounds; a moment in the past means s₀.
    Until(Instant),
    /// A number of rounds chosen by the solver from the size of its input: deterministic.
    Auto,
}

/// Why the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stopped {
    /// A round could improve nothing any more.
    Converged,
    /// The asked or the automatic number of rounds was done.
    Rounds,
    /// The time was up.
    Budget,
    /// The user asked to stop.
    Cancelled,
}

/// What one round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The state changed or further rounds may still improve it.
    Working,
    /// No further round can improve the state.
    Converged,
}

/// A solver whose state after `n` rounds is a pure function of input, options, seed and `n`.
pub trait RoundSolver: Send {
    /// Does one round: a set of seeded, conflict-free subproblems, each capped by operations, merged in index order.
    /// A round must be short (tens of milliseconds), since the clock is read only between rounds.
    fn round(&mut self) -> Round;

    /// The number of rounds worth doing for an input of this size, for [`Effort::Auto`].
    fn automatic_rounds(&self) -> u32;

    /// Tried moves a household so far, where rounds of one solver may be much longer than those of another.
    fn tried(&self) -> f64 {
        0.0
    }
}

/// Up to how many tried moves a household one belongs to those whose turn it is, when the least tried has `least`: an eighth more
/// than that, and always the two shortest rounds of units.
#[must_use]
pub fn turn(least: f64) -> f64 {
    (least * 1.125).max(least + 50.0)
}

/// Runs every solver (one per village or component) as far as `effort` allows and says, for each, how many rounds it did and why
/// it stopped. Solvers advance in sweeps in which those that tried more than the others wait, so that a budget is shared fairly; the
/// result depends on rounds alone.
/// `replay` gives each solver its own number of rounds instead. `progress` is called between sweeps with the share done, 0…1.
pub fn drive<S: RoundSolver>(
    solvers: &mut [S],
    effort: Effort,
    replay: Option<&[u32]>,
    cancel: &AtomicBool,
    progress: &(dyn Fn(f64) + Sync),
) -> Vec<(u32, Stopped)> {
    let mut outcome: Vec<(u32, Option<Stopped>)> = vec![(0, None); solvers.len()];
    let begun = Instant::now();
    loop {
        let mut live: Vec<_> =
            solvers.iter_mut().zip(outcome.iter_mut()).enumerate().filter(|(_, (_, o))| o.1.is_none()).collect();
        if live.is_empty() {
            break;
        }
        let due = turn(live.iter().map(|(_, (s, _))| s.tried()).fold(f64::INFINITY, f64::min));
        live.retain(|(_, (s, _))| s.tried() <= due);
        live.par_iter_mut().with_max_len(1).for_each(|(index, (solver, out))| {
            if cancel.load(Ordering::Relaxed) {
                out.1 = Some(Stopped::Cancelled);
                return;
            }
            let own = replay.and_then(|r| r.get(*index)).map(|&n| Effort::Rounds(n));
            let limit = match own.unwrap_or(effort) {
                Effort::Rounds(n) => Some(n),
                Effort::Auto => Some(solver.automatic_rounds()),
                Effort::Until(end) => {
                    if Instant::now() >= end {
                        out.1 = Some(Stopped::Budget);
                        return;
                    }
                    None
                }
            };
            if limit.is_some_and(|n| out.0 >= n) {
                out.1 = Some(Stopped::Rounds);
                return;
            }
            let round = solver.round();
            out.0 += 1;
            if round == Round::Converged {
                out.1 = Some(Stopped::Converged);
            }
        });
        progress(match effort {
            Effort::Until(end) => {
                let whole = end.saturating_duration_since(begun).as_secs_f64().max(1e-9);
                (begun.elapsed().as_secs_f64() / whole).min(1.0)
            }
            Effort::Rounds(_) | Effort::Auto => {
                outcome.iter().filter(|o| o.1.is_some()).count() as f64 / outcome.len() as f64
            }
        });
    }
    outcome.into_iter().map(|(rounds, stopped)| (rounds, stopped.unwrap_or(Stopped::Rounds))).collect()
}
