//! One line a subcommand; the work is in the library.

use std::process::ExitCode;

use clap::Parser;
use mekiki::cli::Cli;

fn main() -> ExitCode {
    // Reads FAILPOINTS in builds for the crash tests; nothing otherwise.
    let _scenario = fail::FailScenario::setup();
    mekiki::cli::run(Cli::parse())
}
