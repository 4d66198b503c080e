//! What the command tests share: running the program, making small villages.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Runs `lianhu` in a folder with arguments separated by blanks.
pub(crate) fn lianhu(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lianhu"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .output()
        .expect("the program starts")
}

/// Standard output and error together, for messages of failed assertions.
pub(crate) fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Runs the program and expects success.
pub(crate) fn done(folder: &Path, line: &str) -> String {
    let out = lianhu(folder, line);
    assert!(out.status.success(), "lianhu {line}: {}", said(&out));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A small generator (SplitMix64), so that tests need none of the program's.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// CSV of `houses` houses of one to three households, scattered over `side_m` metres from a corner.
pub(crate) fn scattered(houses: usize, side_m: f64, seed: u64) -> String {
    let mut r = Numbers(seed);
    let mut text = String::from("id,x,y,building\n");
    for b in 0..houses {
        let (x, y) = (r.unit() * side_m, r.unit() * side_m);
        for h in 0..1 + (r.unit() * 3.0) as u32 {
            text.push_str(&format!("h{b}-{h},{x:.2},{y:.2},b{b}\n"));
        }
    }
    text
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("file")).expect("JSON")
}

pub(crate) fn labels(path: &Path) -> Vec<i64> {
    std::fs::read_to_string(path).expect("labels").lines().map(|l| l.parse().expect("integer")).collect()
}
