//! Text files as UTF-8: found out by one pass over the bytes, which also hashes them, then decoded while they are read.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use encoding_rs::{CoderResult, Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};
use sha2::{Digest, Sha256};

use super::error::ReadError;
use super::limits::RECORD_BYTES;
use crate::domain::hex;

const BLOCK: usize = 1 << 16;

/// What a text file is written in, and its fingerprint.
pub(super) struct Sniffed {
    pub(super) encoding: &'static Encoding,
    pub(super) sha256_hex: String,
}

/// Reads the bytes once: a byte order mark decides, then UTF-8 throughout; the rest is taken for GB18030, and refused while it is
/// read where it is not.
pub(super) fn sniff(file: &str, mut bytes: impl Read) -> Result<Sniffed, ReadError> {
    let mut digest = Sha256::new();
    let mut utf8 = Validator::new();
    let mut mark = None;
    let mut block = vec![0; BLOCK];
    loop {
        let n = match bytes.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(ReadError::unreadable(file, &e)),
        };
        let read = block.get(..n).unwrap_or_default();
        digest.update(read);
        mark.get_or_insert_with(|| Encoding::for_bom(read).map(|(e, _)| e));
        if utf8.fits {
            utf8.push(read, false);
        }
    }
    utf8.push(&[], true);
    let sha256_hex = hex(&digest.finalize());
    let encoding = match mark.flatten() {
        Some(e) if e == UTF_16LE || e == UTF_16BE => e,
        _ if utf8.fits => UTF_8,
        _ => GB18030,
    };
    Ok(Sniffed { encoding, sha256_hex })
}

struct Validator {
    decoder: Decoder,
    scratch: String,
    fits: bool,
}

impl Validator {
    fn new() -> Self {
        let decoder = UTF_8.new_decoder_with_bom_removal();
        Self { decoder, scratch: String::with_capacity(BLOCK * 3), fits: true }
    }

    fn push(&mut self, mut bytes: &[u8], last: bool) {
        loop {
            self.scratch.clear();
            let (result, read, malformed) = self.decoder.decode_to_string(bytes, &mut self.scratch, last);
            if malformed {
                self.fits = false;
                return;
            }
            bytes = bytes.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// A reader that gives UTF-8 whatever the file is written in; bytes that do not fit end it with [`io::ErrorKind::InvalidData`].
pub(super) struct Transcoder<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: String,
    given: usize,
    ended: bool,
}

impl<R: Read> Transcoder<R> {
    pub(super) fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { inner, decoder, raw: vec![0; BLOCK], text: String::with_capacity(BLOCK * 3), given: 0, ended: false }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.text.len() && !self.ended {
            let n = self.inner.read(&mut self.raw)?;
            self.ended = n == 0;
            self.text.clear();
            self.given = 0;
            let mut rest = self.raw.get(..n).unwrap_or_default();
            loop {
                // A replacement character of the decoder's own marks bytes that do not fit.
                let (result, read, malformed) = self.decoder.decode_to_string(rest, &mut self.text, self.ended);
                if malformed {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "encoding"));
                }
                rest = rest.get(read..).unwrap_or_default();
                if result == CoderResult::InputEmpty {
                    break;
                }
                self.text.reserve(BLOCK);
            }
        }
        let left = self.text.as_bytes().get(self.given..).unwrap_or_default();
        let n = left.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), left.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}

/// Counts what has been read since the last complete record, and ends a record that would grow without end.
pub(super) struct Metered<R> {
    inner: R,
    since: Rc<Cell<u64>>,
}

impl<R: Read> Metered<R> {
    /// The reader, and the counter its user sets to zero after each record.
    pub(super) fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let since = Rc::new(Cell::new(0));
        (Self { inner, since: Rc::clone(&since) }, since)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.since.set(self.since.get() + n as u64);
        if self.since.get() > RECORD_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "record"));
        }
        Ok(n)
    }
}

/// A text file opened for reading as UTF-8.
pub(super) fn text_reader(file: &str, encoding: &'static Encoding) -> Result<Box<dyn Read>, ReadError> {
    let opened = File::open(file).map_err(|e| ReadError::unreadable(file, &e))?;
    Ok(if encoding == UTF_8 {
        Box::new(WithoutMark { inner: BufReader::with_capacity(BLOCK, opened), begun: false })
    } else {
        Box::new(Transcoder::new(opened, encoding))
    })
}

/// Leaves a UTF-8 byte order mark out.
struct WithoutMark<R> {
    inner: BufReader<R>,
    begun: bool,
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        use io::BufRead as _;
        if !self.begun {
            self.begun = true;
            if self.inner.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
                self.inner.consume(3);
            }
        }
        self.inner.read(into)
    }
}

/// The error of a file whose text does not fit its encoding, or whose record does not end, else of one that cannot be read.
pub(super) fn error_of(file: &str, e: &io::Error) -> ReadError {
    match e.kind() {
        io::ErrorKind::InvalidData => ReadError::Encoding { file: file.to_owned() },
        io::ErrorKind::FileTooLarge => ReadError::limit(
            file,
            "record_too_long",
            format!("一条记录超过 {} MiB（是否少了引号？）", RECORD_BYTES >> 20),
            format!("one record is longer than {} MiB (a missing quote?)", RECORD_BYTES >> 20),
        ),
        _ => ReadError::unreadable(file, e),
    }
}
