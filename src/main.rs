//! One line a subcommand; the work is in the library.

use std::process::ExitCode;

use clap::Parser;
use mekiki::cli::Cli;

/// Gives back what a busy hour has taken: glibc keeps a heap a thread and what lies free in them, some 50 MB here.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Reads FAILPOINTS in builds for the crash tests; nothing otherwise.
    let _scenario = fail::FailScenario::setup();
    mekiki::cli::run(Cli::parse())
}
