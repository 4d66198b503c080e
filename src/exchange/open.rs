//! Opening a file of any format: its head, then its rows one by one, brought to WGS 84 degrees (or left in planar metres).

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::space::datum::Crs;

use super::child::produce_apart;
use super::error::{Fault, ReadError};
use super::layer::{System, convert_geometry, crs_of};
use super::limits::Limits;
use super::read::{Request, produce};
use super::source::{Format, Source};
use super::table::{Halt, Head, RawRow, RowSink};

/// Rows that cross to the reader's thread at once.
const BATCH: usize = 512;

/// Where hostile-prone formats are parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Isolation {
    /// In this process: for tests, and for files of one's own.
    #[default]
    InProcess,
    /// In a child process that runs this program (see [`super::parse_for_parent`]).
    Child(PathBuf),
}

impl Isolation {
    /// A child process of the program that runs now.
    #[must_use]
    pub fn apart() -> Self {
        std::env::current_exe().map_or(Self::InProcess, Self::Child)
    }

    /// Reads a file into a sink where it is to be parsed.
    pub(super) fn produce(&self, request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
        match self {
            Self::Child(program) if request.format.is_parsed_apart() => produce_apart(program, request, sink),
            _ => produce(request, sink),
        }
    }
}

/// How a file is to be opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The sheet or layer; the first sheet or the only layer otherwise.
    pub layer: Option<String>,
    /// The reference system, whatever the file says of itself.
    pub crs: Option<Crs>,
    /// The format; told from the ending otherwise.
    pub format: Option<Format>,
    /// Caps.
    pub limits: Limits,
    /// Where hostile-prone formats are parsed.
    pub isolation: Isolation,
}

/// The rows of a file, read in a thread of their own while the caller works on those before; at most a few thousand wait in memory.
///
/// Dropping it ends the reading.
#[derive(Debug)]
pub struct RowSource {
    head: Head,
    file: String,
    format: Format,
    crs: Option<Crs>,
    planar: bool,
    messages: Receiver<Message>,
    batch: std::vec::IntoIter<RawRow>,
    ended: bool,
}

#[derive(Debug)]
enum Message {
    Head(Head),
    Rows(Vec<RawRow>),
    Error(ReadError),
    End,
}

struct Channel {
    sender: SyncSender<Message>,
    batch: Vec<RawRow>,
}

impl Channel {
    fn send(&self, message: Message) -> Result<(), Halt> {
        self.sender.send(message).map_err(|_| Halt::Stopped)
    }
}

impl RowSink for Channel {
    fn head(&mut self, head: Head) -> Result<(), Halt> {
        self.send(Message::Head(head))
    }

    fn row(&mut self, row: RawRow) -> Result<(), Halt> {
        self.batch.push(row);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.send(Message::Rows(full))
    }
}

/// Opens a file (standard input when `path` is `-`; `file.gpkg|layername=NAME` as QGIS writes it) and reads its head.
///
/// # Errors
/// What makes the file unusable, as far as that shows before the first row.
pub fn open(path: &str, options: &OpenOptions) -> Result<RowSource, ReadError> {
    let source = Source::new(path, options.layer.as_deref());
    let format = options.format.unwrap_or(source.format);
    let request = Request {
        file: source.file.to_owned(),
        layer: source.layer.map(str::to_owned),
        format,
        limits: options.limits,
    };
    let isolation = options.isolation.clone();
    let (sender, messages) = sync_channel(8);
    std::thread::spawn(move || {
        let mut channel = Channel { sender, batch: Vec::with_capacity(BATCH) };
        let outcome = isolation.produce(&request, &mut channel);
        let rest = std::mem::take(&mut channel.batch);
        // Nobody may be listening any more.
        let _ = match outcome {
            Ok(()) => channel.send(Message::Rows(rest)).and_then(|()| channel.send(Message::End)),
            Err(Halt::Error(e)) => channel.send(Message::Error(e)),
            Err(Halt::Stopped) => Ok(()),
        };
    });
    let head = match messages.recv() {
        Ok(Message::Head(head)) => head,
        Ok(Message::Error(e)) => return Err(e),
        _ => return Err(ReadError::corrupt(source.file, "the reader stopped")),
    };
    let crs = match &options.crs {
        Some(crs) => Some(crs.clone()),
        None => crs_of(source.file, &head.system)?,
    };
    let planar = options.crs.is_none() && head.system == System::Metres;
    let (file, batch) = (source.file.to_owned(), Vec::new().into_iter());
    Ok(RowSource { head, file, format, crs, planar, messages, batch, ended: false })
}

impl RowSource {
    /// What was known before the first row.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The format that is read.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether geometries are metres in a plane; otherwise they are WGS 84 degrees.
    #[must_use]
    pub fn is_planar(&self) -> bool {
        self.planar
    }

    /// The system that positions in columns are to be converted from; geometries are converted already.
    #[must_use]
    pub fn crs(&self) -> Option<&Crs> {
        self.crs.as_ref()
    }

    fn placed(&self, mut row: RawRow) -> RawRow {
        if let (Some(crs), Some(geometry)) = (&self.crs, &mut row.geometry) {
            convert_geometry(geometry, &|c| {
                let p = crs.to_wgs84(c);
                [p.lon_deg, p.lat_deg]
            });
        }
        if self.head.features && row.geometry.is_none() {
            row.geometry = Some(Err(Fault::new("no_geometry", "没有几何 / there is no geometry")));
        }
        row
    }
}

impl Iterator for RowSource {
    type Item = Result<RawRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(Ok(self.placed(row)));
            }
            if self.ended {
                return None;
            }
            match self.messages.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::Head(_)) => {}
                Ok(Message::End) => self.ended = true,
                Ok(Message::Error(e)) => {
                    self.ended = true;
                    return Some(Err(e));
                }
                Err(_) => {
                    // A reader that stopped without a word has not read everything.
                    self.ended = true;
                    return Some(Err(ReadError::corrupt(&self.file, "the reader stopped")));
                }
            }
        }
    }
}
