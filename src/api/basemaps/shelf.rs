//! Tiles kept in memory as long as there is room.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};

use super::Place;
use crate::domain::hex;
use crate::exchange::PhotoKind;

/// Bytes kept in all, what keeping them takes among it: some 1,500 tiles, a county town at the levels planners look at.
const ROOM_BYTES: usize = 32 << 20;
/// About what a tile takes beside its picture.
const ENTRY_BYTES: usize = 320;

/// A picture as it came.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) bytes: Bytes,
    pub(super) kind: PhotoKind,
    pub(super) etag: String,
    /// When it came.
    pub(super) at: Instant,
}

impl Tile {
    /// A tile of what came; `None` where it is no picture.
    pub(super) fn of(bytes: Vec<u8>, at: Instant) -> Option<Self> {
        let kind = PhotoKind::sniff(&bytes)?;
        let etag = format!("\"{}\"", hex(Sha256::digest(&bytes).get(..12).unwrap_or_default()));
        Some(Self { bytes: bytes.into(), kind, etag, at })
    }

    fn weight(&self) -> usize {
        self.bytes.len() + ENTRY_BYTES
    }
}

#[derive(Default)]
struct Kept {
    of: HashMap<Place, Arc<Tile>>,
    /// The oldest first.
    order: VecDeque<Place>,
    bytes: usize,
}

/// The tiles.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Kept>);

impl Shelf {
    pub(super) fn get(&self, place: Place) -> Option<Arc<Tile>> {
        self.0.lock().ok()?.of.get(&place).cloned()
    }

    pub(super) fn keep(&self, place: Place, tile: &Arc<Tile>) {
        let Ok(mut kept) = self.0.lock() else { return };
        match kept.of.insert(place, tile.clone()) {
            Some(before) => kept.bytes -= before.weight(),
            None => kept.order.push_back(place),
        }
        kept.bytes += tile.weight();
        while kept.bytes > ROOM_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(gone) = kept.of.remove(&oldest) {
                kept.bytes -= gone.weight();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(bytes: usize) -> Arc<Tile> {
        let mut picture = vec![0; bytes];
        picture[..3].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
        Arc::new(Tile::of(picture, Instant::now()).expect("a picture"))
    }

    #[test]
    fn room_is_never_exceeded_and_the_oldest_goes_first() {
        let shelf = Shelf::default();
        let place = |x: u32| Place { layer: "vec", z: 18, y: 0, x };
        let measured = || {
            let kept = shelf.0.lock().expect("lock");
            assert_eq!(kept.bytes, kept.of.values().map(|t| t.weight()).sum::<usize>());
            assert!(kept.bytes <= ROOM_BYTES && kept.order.len() == kept.of.len());
            kept.of.len()
        };
        let large = tile(1 << 20);
        for x in 0..40 {
            shelf.keep(place(x), &large);
            measured();
        }
        assert_eq!(measured(), 31, "a megabyte each and what keeping takes");
        assert!(shelf.get(place(39)).is_some() && shelf.get(place(8)).is_none());
        // another in the place of one is counted as what it is
        shelf.keep(place(39), &tile(100));
        assert_eq!(measured(), 31);
        assert_eq!(shelf.get(place(39)).map(|t| t.bytes.len()), Some(100));
        assert!(shelf.get(Place { layer: "img", ..place(39) }).is_none(), "each layer has its own");
    }

    #[test]
    fn what_is_no_picture_is_no_tile() {
        for bad in [&b""[..], b"<html>", b"GIF89a", b"{\"msg\":\"x\"}", b"\x89PN"] {
            assert!(Tile::of(bad.to_vec(), Instant::now()).is_none());
        }
        let of = |bytes: &[u8]| Tile::of(bytes.to_vec(), Instant::now()).expect("a picture");
        let (one, other) = (of(b"\x89PNG\r\n\x1a\n1"), of(b"\x89PNG\r\n\x1a\n2"));
        assert_eq!(one.kind.media_type(), "image/png");
        assert!(one.etag != other.etag && one.etag == of(b"\x89PNG\r\n\x1a\n1").etag);
    }
}
