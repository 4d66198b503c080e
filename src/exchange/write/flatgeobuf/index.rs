//! The packed R-tree over boxes that come in Hilbert order: each level is written as it grows, at its own place in the file.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// Smallest and greatest x and y.
pub(super) type Bounds = [f64; 4];
/// Around nothing.
pub(super) const NOTHING: Bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];

/// Children of a node.
pub(super) const NODE_SIZE: u16 = 16;
const NODE_BYTES: u64 = 40;
/// Cells of the Hilbert curve along an axis, less one.
const LAST_CELL: f64 = 65_535.0;
/// Bytes written at once.
const PIECE: usize = 1 << 16;

/// How far along the Hilbert curve of order 16 a cell lies.
fn hilbert(mut x: u16, mut y: u16) -> u32 {
    let mut along = 0;
    for bit in (0..16).rev() {
        let (right, up) = ((x >> bit) & 1, (y >> bit) & 1);
        along = along << 2 | u32::from((3 * right) ^ up);
        if up == 0 {
            // the lower quarters are turned
            if right == 1 {
                (x, y) = (!x, !y);
            }
            (x, y) = (y, x);
        }
    }
    along
}

/// The place of a box's middle along the curve over an extent; nothing has the first.
pub(super) fn place(around: &Bounds, extent: &Bounds) -> u32 {
    let [min_x, min_y, max_x, max_y] = *extent;
    // an extent without width has one cell: what is no number becomes 0
    let cell = |low: f64, high: f64, from: f64, to: f64| (LAST_CELL * ((low + high) / 2.0 - from) / (to - from)) as u16;
    hilbert(cell(around[0], around[2], min_x, max_x), cell(around[1], around[3], min_y, max_y))
}

/// Bounds that hold both.
pub(super) fn joined(a: &Bounds, b: &Bounds) -> Bounds {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// Bytes that follow one another in a file in which others are written as well.
pub(super) struct Stretch {
    at: u64,
    held: Vec<u8>,
}

impl Stretch {
    pub(super) fn at(at: u64) -> Self {
        Self { at, held: Vec::new() }
    }

    pub(super) fn put(&mut self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        if self.held.len() < PIECE { Ok(()) } else { self.flush(file) }
    }

    pub(super) fn flush(&mut self, mut file: &File) -> io::Result<()> {
        file.seek(SeekFrom::Start(self.at))?;
        file.write_all(&self.held)?;
        self.at += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }
}

/// A level, and the node of it that still takes children.
struct Level {
    /// Number of the node that is written next; the root is 0.
    next: u64,
    out: Stretch,
    around: Bounds,
    first_child: u64,
    children: u16,
}

/// The tree while it is written; leaves are the first level.
pub(super) struct Tree {
    levels: Vec<Level>,
    /// Bytes of the whole of it.
    pub(super) bytes: u64,
}

impl Tree {
    /// Over so many leaves, from that byte of the file on.
    pub(super) fn new(leaves: u64, at: u64) -> Self {
        let mut sizes = Vec::new();
        if leaves > 0 {
            sizes.push(leaves);
            let mut n = leaves;
            // one leaf has a root above it as well
            loop {
                n = n.div_ceil(u64::from(NODE_SIZE));
                sizes.push(n);
                if n == 1 {
                    break;
                }
            }
        }
        let nodes: u64 = sizes.iter().sum();
        let mut first = nodes;
        let levels = sizes.iter().map(|size| {
            first -= size;
            let out = Stretch::at(at + first * NODE_BYTES);
            Level { next: first, out, around: NOTHING, first_child: 0, children: 0 }
        });
        Self { levels: levels.collect(), bytes: nodes * NODE_BYTES }
    }

    /// The next leaf: its box and where its feature begins.
    pub(super) fn leaf(&mut self, file: &File, around: Bounds, offset: u64) -> io::Result<()> {
        self.node(file, 0, around, offset)
    }

    /// Writes a node, and those above it that are full by it.
    fn node(&mut self, file: &File, mut level: usize, mut around: Bounds, mut offset: u64) -> io::Result<()> {
        loop {
            let Some(own) = self.levels.get_mut(level) else { return Ok(()) };
            let number = own.next;
            own.next += 1;
            for v in around {
                own.out.put(file, &v.to_le_bytes())?;
            }
            own.out.put(file, &offset.to_le_bytes())?;
            level += 1;
            let Some(parent) = self.levels.get_mut(level) else { return Ok(()) };
            if parent.children == 0 {
                (parent.around, parent.first_child) = (NOTHING, number);
            }
            parent.around = joined(&parent.around, &around);
            parent.children += 1;
            if parent.children < NODE_SIZE {
                return Ok(());
            }
            parent.children = 0;
            (around, offset) = (parent.around, parent.first_child);
        }
    }

    /// Writes the nodes that have room left.
    pub(super) fn finish(mut self, file: &File) -> io::Result<()> {
        for level in 1..self.levels.len() {
            if let Some(open) = self.levels.get_mut(level)
                && open.children > 0
            {
                open.children = 0;
                let (around, offset) = (open.around, open.first_child);
                self.node(file, level, around, offset)?;
            }
        }
        self.levels.iter_mut().try_for_each(|level| level.out.flush(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flatgeobuf::packed_r_tree::{NodeItem, calc_extent, hilbert_sort};

    #[test]
    fn the_curve_is_the_one_the_format_s_own_library_sorts_by() {
        let mut boxes: Vec<NodeItem> = (0..2_000_u64)
            .map(|i| {
                let (x, y) = ((i * 7_919 % 1_013) as f64, (i * 104_729 % 997) as f64);
                NodeItem { offset: i, ..NodeItem::bounds(x, y, x + (i % 3) as f64, y) }
            })
            .collect();
        let around = |n: &NodeItem| [n.min_x, n.min_y, n.max_x, n.max_y];
        let extent = calc_extent(&boxes);
        let mut ours: Vec<(u32, u64)> =
            boxes.iter().map(|b| (!place(&around(b), &around(&extent)), b.offset)).collect();
        ours.sort_unstable();
        hilbert_sort(&mut boxes, &extent);
        let theirs: Vec<u64> = boxes.iter().map(|b| b.offset).collect();
        assert_eq!(ours.iter().map(|o| o.1).collect::<Vec<_>>(), theirs);
        assert_eq!(place(&NOTHING, &around(&extent)), 0);
        assert_eq!(place(&[1.0; 4], &[1.0; 4]), 0);
    }
}
