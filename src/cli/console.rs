//! What the terminal shows: answers on standard output, progress while it is a terminal, Ctrl-C as a wish to stop, the date for reports.
//!
//! A reader of standard output that goes away (`| head -1`) ends nothing but the talking: files are still written whole, and the exit code stays
//! that of the work. Any other failure of standard output is an error, for then somebody waits for an answer that is not there.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::io_words::words_of_writing;

/// A line of the answer, as `println!` takes it.
macro_rules! outln {
    ($($part:tt)*) => { $crate::cli::console::say(format_args!($($part)*), "\n") };
}

/// A part of the answer, as `print!` takes it.
macro_rules! out {
    ($($part:tt)*) => { $crate::cli::console::say(format_args!($($part)*), "") };
}

/// A line beside the answer, as `eprintln!` takes it.
macro_rules! errln {
    ($($part:tt)*) => { $crate::cli::console::remark(format_args!($($part)*), "\n") };
}

/// A part of a line beside the answer, as `eprint!` takes it.
macro_rules! err {
    ($($part:tt)*) => { $crate::cli::console::remark(format_args!($($part)*), "") };
}

/// Between two words on a terminal, and on whatever keeps lines.
const PACE: Duration = Duration::from_millis(500);
const SLOW_PACE: Duration = Duration::from_secs(10);

static CANCELLED: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();
/// Temporary files that an end at once would leave behind.
static PASSING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Why standard output takes nothing more: nothing to say where its reader has gone.
static ENDED: OnceLock<Option<String>> = OnceLock::new();
/// Whether standard output carries a result, so that words go beside it.
static CARRIES_DATA: AtomicBool = AtomicBool::new(false);

fn note(done: io::Result<()>) {
    if let Err(e) = done {
        let why = (e.kind() != ErrorKind::BrokenPipe).then(|| {
            let words = words_of_writing(&e);
            format!("标准输出：无法写入：{}\nstandard output: cannot be written: {}", words.chinese, words.english)
        });
        // What failed first counts.
        let _ = ENDED.set(why);
    }
}

/// Says a part of the answer; see `outln!`.
pub(crate) fn say(text: Arguments<'_>, end: &str) {
    if CARRIES_DATA.load(Ordering::Relaxed) {
        return remark(text, end);
    }
    if ENDED.get().is_none() {
        let mut out = io::stdout().lock();
        note(out.write_fmt(text).and_then(|()| out.write_all(end.as_bytes())));
    }
}

/// Says something beside the answer; see `errln!`. Nobody is left to tell where that fails.
pub(crate) fn remark(text: Arguments<'_>, end: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_fmt(text).and_then(|()| err.write_all(end.as_bytes()));
}

/// Keeps standard output for a result from now on; false when it was kept for one already.
pub(crate) fn keep_for_data() -> bool {
    !CARRIES_DATA.swap(true, Ordering::Relaxed)
}

/// Gives a result out on standard output, to its end.
pub(crate) fn give(result: &mut impl Read) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut block = vec![0; 1 << 16];
    loop {
        let n = match result.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if ENDED.get().is_some() {
            return Ok(());
        }
        note(out.write_all(block.get(..n).unwrap_or_default()));
    }
    note(out.flush());
    Ok(())
}

/// Prints what clap has to say: a fault, or the answer to `--help` and `--version`.
pub(crate) fn answer(e: &clap::Error) {
    let told = e.print();
    if !e.use_stderr() {
        note(told);
    }
}

/// The exit code once everything is said: that of the work, or 3 where standard output failed.
pub(crate) fn close(code: u8) -> u8 {
    if ENDED.get().is_none() {
        note(io::stdout().lock().flush());
    }
    match ENDED.get() {
        Some(Some(why)) => {
            errln!("{why}");
            if code == 0 { 3 } else { code }
        }
        _ => code,
    }
}

/// The flag that Ctrl-C raises; a second Ctrl-C ends the process at once.
pub(crate) fn cancel_flag() -> &'static AtomicBool {
    HANDLER.get_or_init(|| {
        // Without a handler (a restricted environment) Ctrl-C simply ends the process, which is safe: files are written whole.
        let _ = ctrlc::set_handler(|| {
            if CANCELLED.swap(true, Ordering::Relaxed) {
                remove_passing();
                std::process::exit(130);
            }
        });
    });
    &CANCELLED
}

/// Says that a temporary file is to go also when a second Ctrl-C ends the process, where nothing is dropped any more.
pub(crate) fn pass(file: &Path) {
    PASSING.lock().unwrap_or_else(PoisonError::into_inner).push(file.to_owned());
}

fn remove_passing() {
    // handlers have a thread of their own, so the lock is never waited for by whoever holds it
    for file in PASSING.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = std::fs::remove_file(file);
    }
}

/// Draws one line of progress on standard error when it is a terminal.
pub(crate) fn progress(stage: &str, share: f64) {
    static LAST: AtomicU32 = AtomicU32::new(u32::MAX);
    if !io::stderr().is_terminal() {
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
        err!("\r{name} {percent:3} %{end}");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_at_once_leaves_no_temporary_file() {
        let [first, second] = [(); 2].map(|()| tempfile::NamedTempFile::new().expect("a file"));
        pass(first.path());
        pass(second.path());
        // one that is gone already is no fault
        let path = second.path().to_owned();
        drop(second);
        remove_passing();
        assert!(!first.path().exists() && !path.exists());
        remove_passing();
    }
}
