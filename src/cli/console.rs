//! What the terminal shows: progress while it is a terminal, Ctrl-C as a wish to stop, the date for reports.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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

/// The present moment in UTC (RFC 3339).
pub(crate) fn now_utc() -> String {
    time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// The present day in China, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    let day = time::macros::format_description!("[year]-[month]-[day]");
    time::OffsetDateTime::now_utc().to_offset(time::macros::offset!(+8)).format(day).unwrap_or_default()
}
