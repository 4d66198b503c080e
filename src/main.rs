//! The `lianhu` program: see `lianhu --help`.

fn main() -> std::process::ExitCode {
    lianhu::cli::main()
}
