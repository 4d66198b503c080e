//! Seeded random streams that depend on nothing but their seed, for every layer of the core.

/// A random stream for one subproblem: hash(seed, village, round, subproblem), so that no stream depends on the order of work.
#[must_use]
pub fn stream_seed(seed: u64, village: u64, round: u64, subproblem: u64) -> u64 {
    let mut h = seed ^ 0x9E37_79B9_7F4A_7C15;
    for part in [village, round, subproblem] {
        h = mix(h ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    }
    h
}

/// A small, fast generator (SplitMix64, Steele, Lea & Flood 2014) for the solvers' own random choices.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream that depends only on `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `n` (0 when `n` is 0); the bias is below 2⁻³² for n < 2³².
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u32
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
