//! Without nightly: mutates kept inputs with a seeded stream and runs them through the gate of one format. What panics, or takes longer
//! than a second, is written to FOLDER/found. Usage: mutate ENDING SECONDS SEED FOLDER INPUT…

mod import;

use std::io::{Cursor, Read as _, Write as _};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer inputs are cut: the parsers' caps are tested elsewhere.
const LONGEST: usize = 256 * 1024;
/// An import of so few bytes that takes longer is a fault too.
const SLOW: Duration = Duration::from_secs(1);
const TOKENS: [&[u8]; 24] = [
    b"NaN",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    b"\xEF\xBB\xBF",
    b"\0",
    b"\"",
    b"\r\n",
    b",,",
    b"[[",
    b"]",
    b"{}",
    b"null",
    b"\\u0000",
    b"Polygon",
    b"GeometryCollection",
    b"EMPTY",
    b"<Placemark>",
    b"<!DOCTYPE a>",
    b"&a;",
    b"520423102001",
    b"\xFF\xFF\xFF\x7F",
    b"\x80\x00\x00\x00",
    b"\xF0\x9F\x98\x80",
];

/// Xorshift: the same seed, the same inputs.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], stream: &mut Stream) {
    for _ in 0..=stream.below(6) {
        let at = stream.below(bytes.len());
        let length = 1 + stream.below(64.min(bytes.len().saturating_sub(at).max(1)));
        let end = (at + length).min(bytes.len());
        match stream.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << stream.below(8),
            1 if !bytes.is_empty() => bytes[at] = stream.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].to_vec();
                for _ in 0..1 + stream.below(8) {
                    bytes.splice(at..at, part.iter().copied());
                }
            }
            4 => drop(bytes.splice(at..at, TOKENS[stream.below(TOKENS.len())].iter().copied())),
            5 if end - at >= 4 => {
                let values = [0, 1, u32::MAX, i32::MAX as u32, stream.next() as u32];
                let value = values[stream.below(values.len())];
                let wide = if stream.below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
                bytes[at..at + 4].copy_from_slice(&wide);
            }
            6 => bytes.truncate(at),
            7 if !other.is_empty() => {
                let from = stream.below(other.len());
                let to = (from + 1 + stream.below(256)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ if !bytes.is_empty() => {
                let to = stream.below(bytes.len());
                bytes.swap(at, to);
            }
            _ => bytes.extend_from_slice(b"{"),
        }
    }
    bytes.truncate(LONGEST);
}

/// Mutates within one entry of an archive, which is packed anew: what changes in the packed bytes alone is only a wrong check sum.
fn mutate_entry(bytes: &[u8], other: &[u8], stream: &mut Stream) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let chosen = stream.below(archive.len());
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).ok()?;
        let mut content = Vec::new();
        entry.by_ref().take(LONGEST as u64).read_to_end(&mut content).ok()?;
        let name = entry.name().ok()?.into_owned();
        drop(entry);
        if i == chosen {
            mutate(&mut content, other, stream);
        }
        out.start_file(name, zip::write::SimpleFileOptions::default()).ok()?;
        out.write_all(&content).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}

fn inputs(paths: &[String]) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths.iter().map(Path::new) {
        match std::fs::read_dir(path) {
            Ok(list) => files.extend(list.flatten().map(|e| e.path())),
            Err(_) => files.push(path.to_path_buf()),
        }
    }
    files.sort();
    files.iter().filter_map(|f| std::fs::read(f).ok()).filter(|b| !b.is_empty()).collect()
}

/// Processor time of this process so far, where Linux tells it in hundredths of a second: a busy machine is no fault of an input.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn tried(bytes: &[u8], ending: &str) -> (bool, Duration) {
    let begun = used();
    let survived = std::panic::catch_unwind(AssertUnwindSafe(|| import::try_all_layers(bytes, ending))).is_ok();
    (survived, used() - begun)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ending, seconds, seed, folder, paths @ ..] = arguments.as_slice() else {
        eprintln!("mutate ENDING SECONDS SEED FOLDER INPUT…");
        std::process::exit(2);
    };
    let (seconds, seed): (u64, u64) = (seconds.parse().unwrap_or(60), seed.parse().unwrap_or(1));
    let found = Path::new(folder).join("found");
    std::fs::create_dir_all(&found).expect("a folder to write to");
    let seeds = inputs(paths);
    assert!(!seeds.is_empty(), "no inputs among {paths:?}");
    let mut stream = Stream(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let last = Path::new(folder).join(format!("last.{ending}"));
    let (begun, mut rounds, mut faults, mut slowest) = (Instant::now(), 0_u64, 0_u64, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = seeds[stream.below(seeds.len())].clone();
        let other = seeds[stream.below(seeds.len())].clone();
        let packed = if bytes.starts_with(b"PK") && stream.below(4) > 0 {
            mutate_entry(&bytes, &other, &mut stream)
        } else {
            None
        };
        match packed {
            Some(p) => bytes = p,
            None => mutate(&mut bytes, &other, &mut stream),
        }
        // what ends the process is there to be looked at
        std::fs::write(&last, &bytes).expect("written");
        let (survived, took) = tried(&bytes, ending);
        slowest = slowest.max(took);
        if !survived || took > SLOW {
            let why = if survived { "slow" } else { "panic" };
            std::fs::write(found.join(format!("{why}_{seed}_{rounds}.{ending}")), &bytes).expect("written");
            faults += 1;
        }
        rounds += 1;
    }
    println!(
        "{ending}: {rounds} inputs in {seconds} s, seed {seed}, {faults} faults, slowest {} ms",
        slowest.as_millis()
    );
}
