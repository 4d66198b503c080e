//! `/api/imports`: files from offices. One is taken in as a temporary file, judged row by row as often as the client likes (other
//! columns, another reference system), and brought in, all or nothing; judging and bringing in are jobs. What a ledger brings comes the
//! same way. A file goes with DELETE, an hour after it was last touched, and when the service starts.

mod errors;
mod judged;
mod reading;
mod receive;
mod routes;
mod stored;

pub(super) use errors::errors;
pub(super) use routes::{commit, forget, preview, upload, upload_ledger};

use crate::store::Scope;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::exchange::gate::FaultList;
use crate::exchange::gate::schema::LayerSchema;
use crate::exchange::ledger::Ledger;
use crate::exchange::{Format, Isolation, Limits};

use super::auth::Principal;
use super::error::{Answer, Problem};
use super::idempotency::Keys;
use super::scratch::{Scratch, empty, fresh_id};
use reading::Reading;

/// A file nobody touched for so long goes.
const KEPT: Duration = Duration::from_secs(3_600);
/// Between two looks for such files.
const SWEEP: Duration = Duration::from_secs(60);
/// Files of one user at once.
const MOST_OF_ONE: usize = 100;
/// Longest files that one user's files together are as long as, about.
const ROOM_OF_ONE: u64 = 4;
/// Files at once.
const MOST: usize = 1_000;
/// Seconds a parser works on one file.
const PARSE_S: u64 = 600;
/// Bytes a packed file may unfold to.
const UNFOLDED_BYTES: u64 = 2 << 30;

/// Where uploads go and how long they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSettings {
    /// A folder of the service's own: what is in it goes when the service starts.
    pub folder: PathBuf,
    /// Bytes of one file.
    pub most_bytes: u64,
}

/// What a file is to become.
#[derive(Clone, Debug)]
enum Subject {
    Layer(&'static LayerSchema),
    Ledger { ledger: Ledger, plan: Option<String> },
}

impl Subject {
    const fn name(&self) -> &'static str {
        match self {
            Self::Layer(schema) => schema.name,
            Self::Ledger { ledger, .. } => ledger.name(),
        }
    }
}

/// A file that was taken in.
struct Upload {
    id: String,
    owner: String,
    /// As who the owner brought it: whoever was moved meanwhile does not see it any more.
    scope: Scope,
    subject: Subject,
    /// As its owner calls it; the only name that is ever told.
    file_name: String,
    format: Format,
    scratch: Scratch,
    bytes: u64,
    /// About how many rows it has, for the progress.
    rows_guessed: u64,
    sha256: String,
    state: Mutex<State>,
}

struct State {
    touched: Instant,
    /// A job works on it.
    busy: bool,
    reading: Reading,
    faults: Option<FaultList>,
}

impl Upload {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self) -> String {
        self.scratch.0.to_string_lossy().into_owned()
    }

    /// A text that may name the temporary file, naming the client's instead.
    fn told(&self, text: &str) -> String {
        text.replace(&self.path(), &self.file_name).replace("--map", "map").replace("--layer", "layer_name")
    }

    /// Takes the file for one job.
    fn turn(self: &Arc<Self>) -> Answer<Turn> {
        let mut state = self.state();
        if std::mem::replace(&mut state.busy, true) {
            let what = "此文件正在处理 / a job is working on this file";
            return Err(Problem::new(StatusCode::CONFLICT, "busy", what));
        }
        state.touched = Instant::now();
        drop(state);
        Ok(Turn(self.clone()))
    }
}

/// While it lives, no other job has the file.
struct Turn(Arc<Upload>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy = false;
        state.touched = Instant::now();
    }
}

/// All files that wait.
pub(crate) struct Imports {
    list: Mutex<BTreeMap<String, Arc<Upload>>>,
    folder: PathBuf,
    limits: Limits,
    isolation: Isolation,
    keys: Keys,
}

impl Imports {
    /// Empties the folder, or makes it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(settings: &UploadSettings) -> std::io::Result<Self> {
        empty(&settings.folder)?;
        let limits = Limits {
            file_bytes: settings.most_bytes,
            decompressed_bytes: UNFOLDED_BYTES,
            seconds: PARSE_S,
            ..Limits::default()
        };
        Ok(Self {
            list: Mutex::default(),
            folder: settings.folder.clone(),
            limits,
            isolation: Isolation::apart(),
            keys: Keys::default(),
        })
    }

    /// Caps of what is read.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// A name for a small file of the service's own, and the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn scratch(&self, ending: &str, bytes: &[u8]) -> Answer<Scratch> {
        let file = Scratch(self.folder.join(format!("own-{}.{ending}", fresh_id()?)));
        std::fs::write(&file.0, bytes).map_err(|e| receive::failed(&e))?;
        Ok(file)
    }

    fn list(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Upload>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more file: the owner's own that were not touched for longest go.
    ///
    /// # Errors
    /// 429 where jobs work on all of them, or the service has too many.
    fn make_room(&self, owner: &str) -> Answer<()> {
        let mut list = self.list();
        let mut own: Vec<(Instant, bool, u64, String)> = list
            .values()
            .filter(|u| u.owner == owner)
            .map(|u| {
                let state = u.state();
                (state.touched, state.busy, u.bytes, u.id.clone())
            })
            .collect();
        own.sort();
        let (mut files, mut bytes) = (own.len(), own.iter().map(|o| o.2).sum::<u64>());
        let room = self.limits.file_bytes.saturating_mul(ROOM_OF_ONE);
        for (_, _, n, id) in own.iter().filter(|o| !o.1) {
            if files < MOST_OF_ONE && bytes < room {
                break;
            }
            list.remove(id);
            (files, bytes) = (files - 1, bytes - n);
        }
        if list.len() < MOST && files < MOST_OF_ONE && bytes < room {
            return Ok(());
        }
        let what = "待导入的文件过多，请先导入或删除 / too many files are waiting: bring them in or delete some";
        let p = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_files", what);
        Err(p.hint("DELETE /api/imports/{id}").retry_after_s(60))
    }

    fn keep(&self, upload: Arc<Upload>) {
        self.list().insert(upload.id.clone(), upload);
    }

    /// A file of one's own.
    fn find(&self, principal: &Principal, id: &str) -> Answer<Arc<Upload>> {
        let own = |u: &&Arc<Upload>| u.owner == principal.actor && u.scope == principal.scope;
        self.list().get(id).filter(own).cloned().ok_or_else(Problem::missing)
    }

    fn remove(&self, id: &str) {
        self.list().remove(id);
    }

    /// Lets files go that nobody came back for, for ever.
    pub(super) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.list().retain(|_, u| {
                let state = u.state();
                state.busy || state.touched.elapsed() < KEPT
            });
        }
    }

    /// Lets all files go: the service ends.
    pub(super) fn close(&self) {
        self.list().clear();
        // one that a job still has goes with it; the folder then stays, and is emptied at the next start
        let _ = std::fs::remove_dir(&self.folder);
    }
}
