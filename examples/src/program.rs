use std::{env, fmt, io, process::ExitCode};

use tracing::level_filters::LevelFilter;

/// Runs a program: logs go to standard error, and an error becomes a line there and exit code 1.
pub fn run_program(program: impl FnOnce() -> io::Result<()>) -> ExitCode {
    start_logging();
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says of an error what it is about; its kind stays.
pub fn named(subject: impl fmt::Display, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{subject}: {error}"))
}

fn start_logging() {
    let level = env::var("RUST_LOG")
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_thread_names(true)
        .with_writer(io::stderr)
        .init();
}
