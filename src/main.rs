//! The `lianhu` program: see `lianhu --help`.

/// An answer's body is made on one thread and let go on another: with the system's allocator threads wait for each other there
/// (docs/decisions/2026-11-27-an-allocator-for-threads.md).
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    // Files of hostile-prone formats are parsed by this program again, in a process of its own.
    lianhu::exchange::parse_for_parent(std::env::args_os().skip(1)).unwrap_or_else(lianhu::cli::main)
}
