//! A photo as it is kept: the picture and nothing about it. What cameras write beside it (place, time, device, comments, previews, a second picture)
//! is left behind: only parts that are known to make the picture go on.

use img_parts::Bytes;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{CHUNK_ALPH, CHUNK_ANIM, CHUNK_ANMF, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X, WebP};

/// Longest side in pixels: whoever opens it must have the memory for it.
const LONGEST_SIDE_PX: u32 = 4_096;
/// `JFIF`, its version, its density, no preview.
const JFIF_BYTES: usize = 14;
/// `Adobe`, its version and flags, the colours' transform.
const ADOBE_BYTES: usize = 12;
/// Of the flags of an extended WebP: that there is transparency.
const WEBP_ALPHA: u8 = 0b0001_0000;

/// What kinds of pictures are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, one picture.
    WebP,
}

impl PhotoKind {
    /// The kind that its first bytes say, whatever its sender calls it.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Some(Self::Jpeg);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")).then_some(Self::WebP)
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// A picture without anything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// Its kind.
    pub kind: PhotoKind,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why a file is no photo that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// Another kind of file.
    #[error("只收 JPEG、PNG 或 WebP 照片 / a photo is a JPEG, PNG or WebP")]
    Kind,
    /// Its end is missing, or its parts do not fit.
    #[error("照片不完整或已损坏，请重拍 / the photo is damaged or not whole: take it again")]
    Broken,
    /// Moving pictures.
    #[error("只收静止的照片 / moving pictures are not taken")]
    Moving,
    /// More pixels than a page should have to hold.
    #[error(
        "照片 {width} × {height} 像素，每边最多 {LONGEST_SIDE_PX}，请缩小 / the photo has {width} × {height} pixels; at most {LONGEST_SIDE_PX} a side: make it smaller"
    )]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Keeps of a file what makes the picture.
///
/// # Errors
/// What it is not, or that it is broken, moves or is too large.
pub fn bare_photo(file: Bytes) -> Result<Photo, PhotoError> {
    let kind = PhotoKind::sniff(&file).ok_or(PhotoError::Kind)?;
    let ((width, height), bytes) = match kind {
        PhotoKind::Jpeg => jpeg(file)?,
        PhotoKind::Png => png(file)?,
        PhotoKind::WebP => webp(file)?,
    };
    if width.max(height) > LONGEST_SIDE_PX {
        return Err(PhotoError::TooLarge { width, height });
    }
    Ok(Photo { kind, width, height, bytes: bytes.to_vec() })
}

type Bare = ((u32, u32), Bytes);

fn broken<E>(_: E) -> PhotoError {
    PhotoError::Broken
}

fn jpeg(file: Bytes) -> Result<Bare, PhotoError> {
    let mut picture = Jpeg::from_bytes(file).map_err(broken)?;
    let (width, height) = picture.dimensions().ok_or(PhotoError::Broken)?;
    let mut scans = 0;
    let mut parts = Vec::new();
    for segment in picture.segments_mut().drain(..) {
        let (marker, contents) = (segment.marker(), segment.contents().clone());
        match marker {
            markers::SOS => {
                scans += 1;
                let entropy = entropy_of(segment)?;
                parts.push(JpegSegment::new_with_entropy(marker, contents, scan(&entropy)?.into()));
            }
            markers::SOF0 | markers::SOF1 | markers::SOF2 | markers::DHT | markers::DQT | markers::DRI => {
                parts.push(JpegSegment::new_with_contents(marker, contents));
            }
            markers::APP0 if contents.starts_with(b"JFIF\0") && contents.len() >= JFIF_BYTES => {
                let mut jfif = contents.slice(..JFIF_BYTES).to_vec();
                // no preview: its width and height are the last two bytes
                jfif.truncate(JFIF_BYTES - 2);
                jfif.extend([0, 0]);
                parts.push(JpegSegment::new_with_contents(marker, jfif.into()));
            }
            markers::APP14 if contents.starts_with(b"Adobe") && contents.len() >= ADOBE_BYTES => {
                parts.push(JpegSegment::new_with_contents(marker, contents.slice(..ADOBE_BYTES)));
            }
            // notes of all kinds
            markers::APP0..=markers::APP15 | markers::COM => {}
            _ => return Err(PhotoError::Broken),
        }
    }
    if scans != 1 {
        return Err(PhotoError::Broken);
    }
    *picture.segments_mut() = parts;
    Ok(((u32::from(width), u32::from(height)), picture.encoder().bytes()))
}

/// All that follows the head of the first scan, further scans among it: the reader of the container leaves it as one piece.
fn entropy_of(segment: JpegSegment) -> Result<Bytes, PhotoError> {
    let head = 4 + segment.contents().len();
    let all = segment.encoder().bytes();
    if head < all.len() { Ok(all.slice(head..)) } else { Err(PhotoError::Broken) }
}

/// Coded data up to the end of the picture: notes between scans and whatever follows the end stay behind.
fn scan(mut rest: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let mut kept = Vec::with_capacity(rest.len());
    loop {
        let at = rest.iter().position(|b| *b == 0xFF).ok_or(PhotoError::Broken)?;
        let (data, from_mark) = rest.split_at(at);
        kept.extend_from_slice(data);
        let fill = from_mark.iter().position(|b| *b != 0xFF).ok_or(PhotoError::Broken)?;
        let (marker, after) = from_mark.split_at(fill).1.split_first().ok_or(PhotoError::Broken)?;
        match *marker {
            // a byte of data that looks like a marker, and restarts
            0x00 | 0xD0..=0xD7 => {
                kept.extend([0xFF, *marker]);
                rest = after;
            }
            markers::EOI => {
                kept.extend([0xFF, markers::EOI]);
                return Ok(kept);
            }
            m @ (markers::DHT
            | markers::DQT
            | markers::DRI
            | markers::SOS
            | markers::APP0..=markers::APP15
            | markers::COM) => {
                let (Some(high), Some(low)) = (after.first(), after.get(1)) else { return Err(PhotoError::Broken) };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let (segment, next) = after.split_at_checked(length).ok_or(PhotoError::Broken)?;
                if length < 2 {
                    return Err(PhotoError::Broken);
                }
                if matches!(m, markers::DHT | markers::DQT | markers::DRI | markers::SOS) {
                    kept.extend([0xFF, m]);
                    kept.extend_from_slice(segment);
                }
                rest = next;
            }
            _ => return Err(PhotoError::Broken),
        }
    }
}

/// Chunks of a PNG that make the picture, and the longest each may be.
const PNG_CHUNKS: [([u8; 4], usize); 8] = [
    (*b"IHDR", 13),
    (*b"PLTE", 768),
    (*b"tRNS", 256),
    (*b"sRGB", 1),
    (*b"gAMA", 4),
    (*b"cHRM", 32),
    (*b"IDAT", usize::MAX),
    (*b"IEND", 0),
];

fn png(file: Bytes) -> Result<Bare, PhotoError> {
    let mut picture = Png::from_bytes(file).map_err(broken)?;
    let size = picture.dimensions().ok_or(PhotoError::Broken)?;
    let fits = |c: &PngChunk| PNG_CHUNKS.iter().any(|(kind, most)| *kind == c.kind() && c.contents().len() <= *most);
    picture.chunks_mut().retain(fits);
    let kinds: Vec<[u8; 4]> = picture.chunks().iter().map(PngChunk::kind).collect();
    let only = |kind: [u8; 4]| kinds.iter().filter(|k| **k == kind).count() == 1;
    let whole = kinds.first() == Some(b"IHDR") && kinds.last() == Some(b"IEND") && kinds.contains(b"IDAT");
    if !whole || !only(*b"IHDR") || !only(*b"IEND") {
        return Err(PhotoError::Broken);
    }
    Ok((size, picture.encoder().bytes()))
}

fn webp(file: Bytes) -> Result<Bare, PhotoError> {
    let mut picture = WebP::from_bytes(file).map_err(broken)?;
    if picture.has_chunk(CHUNK_ANIM) || picture.has_chunk(CHUNK_ANMF) {
        return Err(PhotoError::Moving);
    }
    let size = picture.dimensions().ok_or(PhotoError::Broken)?;
    let mut parts: Vec<RiffChunk> = Vec::new();
    for chunk in picture.chunks_mut().drain(..) {
        let id = chunk.id();
        let (CHUNK_VP8X | CHUNK_ALPH | CHUNK_VP8 | CHUNK_VP8L) = id else { continue };
        let RiffContent::Data(data) = chunk.content() else { return Err(PhotoError::Broken) };
        if parts.iter().any(|p| p.id() == id) {
            return Err(PhotoError::Broken);
        }
        let data = match (id, data.get(..10)) {
            (CHUNK_VP8X, Some([flags, _, _, _, size @ ..])) => {
                Bytes::from([&[flags & WEBP_ALPHA, 0, 0, 0][..], size].concat())
            }
            (CHUNK_VP8X, _) => return Err(PhotoError::Broken),
            _ => data.clone(),
        };
        parts.push(RiffChunk::new(id, RiffContent::Data(data)));
    }
    let pictures = parts.iter().filter(|p| matches!(p.id(), CHUNK_VP8 | CHUNK_VP8L)).count();
    if pictures != 1 {
        return Err(PhotoError::Broken);
    }
    *picture.chunks_mut() = parts;
    Ok((size, picture.encoder().bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    const NOTE: &[u8] = b"GPSLatitude 26.2456 N";

    fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
        let length = (contents.len() + 2) as u16;
        [&[0xFF, marker][..], &length.to_be_bytes(), contents].concat()
    }

    /// A grey square of 16 pixels with notes wherever a camera may put them, or without.
    fn jpeg_file(noted: bool) -> Vec<u8> {
        let note = |marker: u8, head: &[u8]| {
            if noted { segment(marker, &[head, NOTE].concat()) } else { Vec::new() }
        };
        let preview: &[u8] = if noted { &[1, 1, 7, 7, 7] } else { &[0, 0] };
        let jfif = [&b"JFIF\0\x01\x01\x01\0\x48\0\x48"[..], preview].concat();
        let codes = [&[0x00][..], &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0]].concat();
        let mut file = [
            vec![0xFF, 0xD8],
            segment(0xE0, &jfif),
            note(0xE1, b"Exif\0\0MM\0*"),
            note(0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
            note(0xE2, b"ICC_PROFILE\0\x01\x01"),
            note(0xED, b"Photoshop 3.0\0"),
            note(0xFE, b""),
            segment(0xDB, &[&[0][..], &[1; 64]].concat()),
            segment(0xC0, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]),
            segment(0xC4, &codes),
            segment(0xDA, &[1, 1, 0, 0, 63, 0]),
            vec![0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56],
            note(0xE5, b"between"),
            segment(0xC4, &codes),
            segment(0xDA, &[1, 1, 0, 0, 63, 0]),
            vec![0x78, 0xFF, 0xFF, 0xD9],
        ]
        .concat();
        if noted {
            file.extend_from_slice(NOTE);
        }
        file
    }

    fn png_file(noted: bool) -> Vec<u8> {
        let chunk = |kind: &[u8; 4], contents: &[u8]| {
            PngChunk::new(*kind, Bytes::copy_from_slice(contents)).encoder().bytes().to_vec()
        };
        let note = |kind: &[u8; 4]| if noted { chunk(kind, NOTE) } else { Vec::new() };
        let mut file = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]),
            note(b"eXIf"),
            note(b"tEXt"),
            note(b"sRGB"),
            chunk(b"sRGB", &[0]),
            chunk(b"IDAT", &[0x78, 0x9C, 1, 2]),
            note(b"iTXt"),
            note(b"zzZz"),
            chunk(b"IEND", &[]),
        ]
        .concat();
        if noted {
            file.extend_from_slice(NOTE);
        }
        file
    }

    fn webp_file(noted: bool) -> Vec<u8> {
        let chunk = |id: &[u8; 4], data: &[u8]| {
            let mut made = [&id[..], &(data.len() as u32).to_le_bytes(), data].concat();
            made.resize(made.len().next_multiple_of(2), 0);
            made
        };
        let note = |id: &[u8; 4]| if noted { chunk(id, NOTE) } else { Vec::new() };
        let flags = if noted { 0b0010_1100 } else { 0 };
        let inner = [
            b"WEBP".to_vec(),
            chunk(b"VP8X", &[flags, 0, 0, 0, 7, 0, 0, 5, 0, 0]),
            note(b"ICCP"),
            chunk(b"VP8 ", &[0x50, 0x5A, 0, 0x9D, 1, 0x2A, 8, 0, 6, 0, 9]),
            note(b"EXIF"),
            note(b"XMP "),
        ]
        .concat();
        let mut file = [&b"RIFF"[..], &(inner.len() as u32).to_le_bytes(), &inner].concat();
        if noted {
            file.extend_from_slice(NOTE);
        }
        file
    }

    fn bare(file: &[u8]) -> Result<Photo, PhotoError> {
        bare_photo(Bytes::copy_from_slice(file))
    }

    #[test]
    fn notes_stay_behind_and_the_picture_goes_on_byte_by_byte() {
        type Maker = fn(bool) -> Vec<u8>;
        let makers: [(PhotoKind, Maker, (u32, u32)); 3] = [
            (PhotoKind::Jpeg, jpeg_file, (16, 16)),
            (PhotoKind::Png, png_file, (3, 2)),
            (PhotoKind::WebP, webp_file, (8, 6)),
        ];
        for (kind, make, size) in makers {
            let noted = make(true);
            assert!(noted.windows(NOTE.len()).any(|w| w == NOTE));
            let kept = bare(&noted).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
            assert!(!kept.bytes.windows(3).any(|w| w == b"GPS"), "{kind:?}");
            assert!(!kept.bytes.windows(4).any(|w| w.eq_ignore_ascii_case(b"exif")), "{kind:?}");
            assert_eq!((kept.kind, (kept.width, kept.height)), (kind, size));
            let plain = bare(&make(false)).expect("a photo");
            assert_eq!(kept, plain, "{kind:?}: what goes on is the picture alone");
            assert_eq!(bare(&kept.bytes).as_ref(), Ok(&kept), "{kind:?}: once is enough");
        }
        // but for fill bytes, a file without notes is kept as it is
        let mut same = jpeg_file(false);
        same.remove(same.len() - 2);
        assert_eq!(bare(&jpeg_file(false)).expect("a photo").bytes, same);
        assert_eq!(bare(&png_file(false)).expect("a photo").bytes, png_file(false));
        assert_eq!(bare(&webp_file(false)).expect("a photo").bytes, webp_file(false));
    }

    #[test]
    fn cut_and_scrambled_files_are_refused_or_kept_whole_and_never_panic() {
        let mut r = Random::new(4);
        for make in [jpeg_file, png_file, webp_file] {
            let file = make(true);
            let whole = bare(&file).expect("a photo").bytes;
            for cut in 0..file.len() - NOTE.len() {
                if let Ok(kept) = bare(&file[..cut]) {
                    assert!(kept.bytes.len() <= whole.len());
                }
            }
            assert!(bare(&file[..file.len() - NOTE.len() - 2]).is_err(), "its end is missing");
            for _ in 0..20_000 {
                let mut other = file.clone();
                for _ in 0..=r.below(3) {
                    let at = r.below(other.len() as u32) as usize;
                    other[at] = r.below(256) as u8;
                }
                if let Ok(kept) = bare(&other) {
                    assert!(kept.width.max(kept.height) <= LONGEST_SIDE_PX && !kept.bytes.is_empty());
                    assert_eq!(bare(&kept.bytes), Ok(kept));
                }
            }
        }
    }

    #[test]
    fn what_is_no_photo_is_named() {
        for other in
            [&b""[..], b"GIF89a", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"RIFF\0\0\0\0WAVE"]
        {
            assert_eq!(bare(other), Err(PhotoError::Kind));
        }
        let mut wide = png_file(false);
        // the width is not part of what the reader sums, so that its sum is made anew
        wide.splice(
            8..33,
            PngChunk::new(*b"IHDR", Bytes::from_static(&[0, 0, 0x20, 0, 0, 0, 0, 2, 8, 0, 0, 0, 0])).encoder().bytes(),
        );
        assert_eq!(bare(&wide), Err(PhotoError::TooLarge { width: 8_192, height: 2 }));
        let mut moving = webp_file(false);
        let at = moving.len() - 20;
        moving.splice(at..at + 4, *b"ANMF");
        assert_eq!(bare(&moving), Err(PhotoError::Moving));
        let twice = [&jpeg_file(false)[..], &jpeg_file(false)].concat();
        assert_eq!(bare(&twice), bare(&jpeg_file(false)), "a second picture behind the first is left");
    }
}
