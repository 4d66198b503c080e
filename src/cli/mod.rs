//! Subcommands of the `lianhu` program.

use std::process::ExitCode;

/// Runs the program with the process's own arguments and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
