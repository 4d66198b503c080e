//! The `lianhu` program: see `lianhu --help`.

fn main() -> std::process::ExitCode {
    // Files of hostile-prone formats are parsed by this program again, in a process of its own.
    lianhu::exchange::parse_for_parent(std::env::args_os().skip(1)).unwrap_or_else(lianhu::cli::main)
}
