//! Subcommands of the `lianhu` program. Exit codes: 0 fine, 1 breach found, 2 usage, 3 bad input, 4 store busy or newer,
//! 130 cancelled.

#![deny(clippy::print_stderr, clippy::print_stdout)]

// first: its macros are for those after it
#[macro_use]
mod console;

mod args;
mod bring_in;
mod cell_files;
mod commands;
mod config;
mod demo;
mod demo_incidents;
mod density;
mod draw;
mod foreign;
mod grids;
mod hotspot_args;
mod hotspots;
mod key;
mod knox;
mod ledger;
mod outputs;
mod plan;
mod plans;
mod plans_args;
mod profiles;
mod register;
mod register_args;
mod replay;
mod serve;
mod serve_args;
mod surroundings;
mod synth;
#[cfg(feature = "otel")]
mod traces;
mod units;
mod upkeep;
mod usage;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

/// Runs the program with the process's own arguments and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let begun = Instant::now();
    let arguments = match args::Arguments::try_parse() {
        Ok(a) => a,
        Err(e) => {
            // Help and version are answers, everything else is a usage error.
            usage::tell(&e);
            return ExitCode::from(console::close(if e.use_stderr() { 2 } else { 0 }));
        }
    };
    let code = match commands::run(arguments.command, begun) {
        Ok(code) => code,
        Err(failure) => {
            errln!("{}", failure.message);
            failure.code
        }
    };
    ExitCode::from(console::close(code))
}
