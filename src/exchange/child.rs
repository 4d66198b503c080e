//! Hostile-prone formats are parsed in a child process with its own bound on memory and time: whatever a file does to a parser, it
//! does it there. The child is this program again, run with a hidden first argument.

use std::ffi::OsString;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ReadError;
use super::frame::{FrameWriter, replay};
use super::limits::Limits;
use super::read::{Request, produce};
use super::source::Format;
use super::table::{Halt, RowSink};

/// The hidden first argument of the parsing process.
pub const PARSE_COMMAND: &str = "__parse";

/// The order a parent gives on standard input.
#[derive(Serialize, Deserialize)]
struct Order {
    file: String,
    layer: Option<String>,
    format: String,
    limits: Limits,
}

/// Runs as the parsing process when the arguments (after the program's name) say so; `None` where they do not. Rows go to standard
/// output; nothing is written anywhere else.
#[must_use]
pub fn parse_for_parent(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next().is_none_or(|a| a != PARSE_COMMAND) || arguments.next().is_some() {
        return None;
    }
    let order: Order = match serde_json::from_reader(std::io::stdin().lock()) {
        Ok(order) => order,
        Err(_) => return Some(ExitCode::from(2)),
    };
    let format = Format::parse(&order.format).unwrap_or(Format::Other);
    let request = Request { file: order.file, layer: order.layer, format, limits: order.limits };
    let mut writer = FrameWriter::new(BufWriter::with_capacity(1 << 16, std::io::stdout().lock()));
    let written = match produce(&request, &mut writer) {
        Ok(()) => writer.finish(Ok(())),
        Err(Halt::Error(e)) => writer.finish(Err(e)),
        Err(Halt::Stopped) => Ok(()),
    };
    Some(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The command of the child: where there is a shell, under its limits on address space and time.
fn command(program: &Path, limits: &Limits) -> Command {
    #[cfg(unix)]
    {
        let mut command = Command::new("/bin/sh");
        let script = r#"ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; shift 2; exec "$@""#;
        command.arg("-c").arg(format!("{{ {script}; }} 2>/dev/null")).arg("sh");
        command.arg((limits.memory_bytes >> 10).to_string()).arg(limits.seconds.to_string());
        command.arg(program).arg(PARSE_COMMAND);
        // address space is what is limited: the allocator gives it back
        command.env("_RJEM_MALLOC_CONF", "retain:false");
        command
    }
    #[cfg(not(unix))]
    {
        let _ = limits;
        let mut command = Command::new(program);
        command.arg(PARSE_COMMAND);
        command
    }
}

/// Has `program` read the file and gives its rows to `sink`.
///
/// # Errors
/// What the child found, or `corrupt_file` when it broke down or took too long.
pub(super) fn produce_apart(program: &Path, request: &Request, sink: &mut dyn RowSink) -> Result<(), Halt> {
    let unreadable = |e: std::io::Error| ReadError::unreadable(&request.file, &e);
    request.limits.checked_size(&request.file)?;
    let mut child = command(program, &request.limits)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(unreadable)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let child = Arc::new(Mutex::new(child));
    let kill = {
        let child = Arc::clone(&child);
        move || {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            // One that has ended already cannot be killed, which is as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    };
    let order = Order {
        file: request.file.clone(),
        layer: request.layer.clone(),
        format: request.format.name().to_owned(),
        limits: request.limits,
    };
    if let Some(mut input) = input {
        // A child that could not start closes its end; that shows when nothing comes back.
        let _ = input.write_all(serde_json::to_string(&order).unwrap_or_default().as_bytes());
    }
    let (done, ended) = channel::<()>();
    let watch = {
        let (kill, limit) = (kill.clone(), Duration::from_secs(request.limits.seconds));
        std::thread::spawn(move || {
            if matches!(ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout)) {
                kill();
            }
        })
    };
    let outcome = match output {
        Some(output) => replay(&request.file, BufReader::with_capacity(1 << 16, output), sink),
        None => Err(Halt::Error(ReadError::corrupt(&request.file, "no answer from the parser"))),
    };
    drop(done);
    let _ = watch.join();
    kill();
    outcome
}
