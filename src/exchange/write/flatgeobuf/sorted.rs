//! Keys in order, however many there are: runs go to a temporary file and are merged, so that memory does not grow with them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

const KEY_BYTES: u64 = 16;
/// Keys of a run that are read at once.
const KEYS_AT_ONCE: u64 = 4_096;

/// Where a feature comes in the order, and where it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) place: u32,
    /// First byte in the file of those that wait.
    pub(super) at: u64,
    pub(super) bytes: u32,
}

impl Key {
    fn write(self, out: &mut impl io::Write) -> io::Result<()> {
        out.write_all(&self.place.to_le_bytes())?;
        out.write_all(&self.bytes.to_le_bytes())?;
        out.write_all(&self.at.to_le_bytes())
    }

    fn read(from: &mut impl io::Read) -> io::Result<Self> {
        let (mut place, mut bytes, mut at) = ([0; 4], [0; 4], [0; 8]);
        from.read_exact(&mut place)?;
        from.read_exact(&mut bytes)?;
        from.read_exact(&mut at)?;
        Ok(Self { place: u32::from_le_bytes(place), at: u64::from_le_bytes(at), bytes: u32::from_le_bytes(bytes) })
    }
}

/// Takes keys in any order.
pub(super) struct Sorter {
    held: Vec<Key>,
    /// Keys held at most.
    most: usize,
    spilled: BufWriter<File>,
    written: u64,
    runs: Vec<Run>,
}

/// A part that is in order.
struct Run {
    next: u64,
    end: u64,
    read: std::vec::IntoIter<Key>,
}

impl Run {
    fn key(&mut self, file: &mut File) -> io::Result<Option<Key>> {
        if let Some(key) = self.read.next() {
            return Ok(Some(key));
        }
        if self.next >= self.end {
            return Ok(None);
        }
        let bytes = (self.end - self.next).min(KEYS_AT_ONCE * KEY_BYTES);
        file.seek(SeekFrom::Start(self.next))?;
        let mut held = Vec::new();
        (&*file).take(bytes).read_to_end(&mut held)?;
        let mut rest = held.as_slice();
        let keys: Vec<Key> = (0..bytes / KEY_BYTES).map(|_| Key::read(&mut rest)).collect::<Result<_, _>>()?;
        self.next += bytes;
        self.read = keys.into_iter();
        Ok(self.read.next())
    }
}

impl Sorter {
    /// Sorts so many at once in memory, the rest in a folder.
    pub(super) fn new(most: usize, folder: &Path) -> io::Result<Self> {
        let spilled = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?);
        Ok(Self { held: Vec::new(), most, spilled, written: 0, runs: Vec::new() })
    }

    pub(super) fn push(&mut self, key: Key) -> io::Result<()> {
        if self.held.len() >= self.most {
            self.spill()?;
        }
        self.held.push(key);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let next = self.written;
        for key in self.held.drain(..) {
            key.write(&mut self.spilled)?;
            self.written += KEY_BYTES;
        }
        self.runs.push(Run { next, end: self.written, read: Vec::new().into_iter() });
        Ok(())
    }

    /// All keys, ascending.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        self.spill()?;
        self.spilled.flush()?;
        let file = self.spilled.into_inner().map_err(|e| e.into_error())?;
        let mut sorted = Sorted { file, runs: self.runs, heads: BinaryHeap::new() };
        for run in 0..sorted.runs.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// Keys in ascending order.
pub(super) struct Sorted {
    file: File,
    runs: Vec<Run>,
    /// The least key of each run that has one left.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
}

impl Sorted {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        if let Some(from) = self.runs.get_mut(run)
            && let Some(key) = from.key(&mut self.file)?
        {
            self.heads.push(Reverse((key, run)));
        }
        Ok(())
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((key, run)) = self.heads.pop()?;
        Some(self.advance(run).map(|()| key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_runs_come_out_as_one_order() {
        let keys: Vec<Key> = (0..10_000_u64)
            .map(|i| Key { place: (i.wrapping_mul(2_654_435_761) % 977) as u32, at: i, bytes: (i % 50) as u32 })
            .collect();
        let mut expected = keys.clone();
        expected.sort();
        for most in [1, 7, 977, 9_999, 10_000, 20_000] {
            // a run of one key each is one too many for a small test's time
            let taken = if most == 1 { 300 } else { keys.len() };
            let mut sorter = Sorter::new(most, &std::env::temp_dir()).expect("temporary file");
            keys.iter().take(taken).for_each(|k| sorter.push(*k).expect("pushed"));
            let found: Vec<Key> = sorter.sorted().expect("merged").map(|k| k.expect("read")).collect();
            let mut these = expected.clone();
            these.retain(|k| (k.at as usize) < taken);
            assert_eq!(found, these, "{most}");
        }
        assert_eq!(
            Sorter::new(5, &std::env::temp_dir()).expect("temporary file").sorted().expect("nothing").count(),
            0
        );
    }
}
