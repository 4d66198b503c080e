//! What the terminal shows: progress while it is a terminal, Ctrl-C as a wish to stop, the date for reports.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two words on a terminal, and on whatever keeps lines.
const PACE: Duration = Duration::from_millis(500);
const SLOW_PACE: Duration = Duration::from_secs(10);

static CANCELLED: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();

/// The flag that Ctrl-C raises; a second Ctrl-C ends the process at once.
pub(crate) fn cancel_flag() -> &'static AtomicBool {
    HANDLER.get_or_init(|| {
        // Without a handler (a restricted environment) Ctrl-C simply ends the process, which is safe: files are written whole.
        let _ = ctrlc::set_handler(|| {
            if CANCELLED.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        });
    });
    &CANCELLED
}

/// Draws one line of progress on standard error when it is a terminal.
pub(crate) fn progress(stage: &str, share: f64) {
    static LAST: AtomicU32 = AtomicU32::new(u32::MAX);
    if !std::io::stderr().is_terminal() {
        return;
    }
    let percent = (share.clamp(0.0, 1.0) * 100.0) as u32;
    if LAST.swap(percent, Ordering::Relaxed) != percent {
        let name = match stage {
            "grids" => "网格 grids",
            "units" => "十联户 units",
            "certify" => "认证 certify",
            other => other,
        };
        let end = if percent >= 100 { "\n" } else { "" };
        let _ = write!(std::io::stderr(), "\r{name} {percent:3} %{end}");
    }
}

/// Says on standard error how far work of unknown length is, whether or not there is news: with the seconds it took so far, twice a second
/// on a terminal, else every ten seconds a line. Ends when dropped.
pub(crate) struct Ticker {
    said: Arc<Mutex<String>>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start() -> Self {
        let said = Arc::new(Mutex::new("开始 starting".to_owned()));
        let (end, ended) = channel::<()>();
        let (begun, told) = (Instant::now(), said.clone());
        let terminal = std::io::stderr().is_terminal();
        let thread = std::thread::spawn(move || {
            let mut drawn = false;
            while matches!(ended.recv_timeout(if terminal { PACE } else { SLOW_PACE }), Err(RecvTimeoutError::Timeout))
            {
                let text = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let seconds = begun.elapsed().as_secs();
                let mut out = std::io::stderr();
                // nobody may be reading any more
                let _ = match terminal {
                    true => write!(out, "\r{text}，{seconds} s\u{1b}[K"),
                    false => writeln!(out, "{text}，{seconds} s"),
                };
                drawn |= terminal;
            }
            if drawn {
                let _ = writeln!(std::io::stderr());
            }
        });
        Self { said, end: Some(end), thread: Some(thread) }
    }

    /// What is said from now on.
    pub(crate) fn tell(&self, text: String) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The present moment in UTC (RFC 3339).
pub(crate) fn now_utc() -> String {
    time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
