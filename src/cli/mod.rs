//! The command line. Each subcommand is a function that answers an exit code.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line answers on standard output")]

mod annotate;
mod auth;
mod doctor;
mod eval;
mod eval_taste;
mod files;
mod fit;
mod follow;
mod report;
mod score;
mod taste;
mod transfer;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::{self, ShardRange};
use crate::config::Config;
use crate::domain::{PostSource, Scope};

/// Finds the drawn faces in pictures, scores them 1–5 by your taste, and learns from your ratings.
#[derive(Debug, Parser)]
#[command(name = "mekiki", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot and its page until Ctrl+C
    Serve(ServeArgs),
    /// Score the faces of pictures and folders
    Score(ScoreArgs),
    /// Fit a new taste on the ratings so far
    Fit,
    /// The versions of a taste, and going back to one
    Taste {
        #[command(subcommand)]
        what: TasteCommand,
    },
    /// Measure a model on labelled data
    Eval {
        #[command(subcommand)]
        what: EvalCommand,
    },
    /// Write a backup, your rated faces or your boxes into a new folder
    Export {
        #[arg(long, value_enum, default_value_t = transfer::Format::Backup)]
        format: transfer::Format,
        out: PathBuf,
    },
    /// Read a backup, pictures sorted into folders 1 to 5 (or up and down), or a .csv or .jsonl list of rated pictures
    Import {
        /// What `export` wrote, a sorted folder, or a list with a file (beside the list) and a rating (1–5, up, down) a line
        from: PathBuf,
    },
    /// Sign in to a service that wants a person to allow it in the browser
    Auth {
        /// x
        #[arg(value_parser = ["x"])]
        service: String,
    },
    /// Follow an account for the page: its new pictures are scored by your taste, and the best are picked
    Follow {
        /// x, bluesky, mastodon or rss
        #[arg(value_parser = follow::source)]
        source: PostSource,
        /// A handle or a link; for rss the address of a feed or of a page that names one; `home` for the home timeline
        name: String,
    },
    /// Follow it no more
    Unfollow {
        /// x, bluesky, mastodon or rss
        #[arg(value_parser = follow::source)]
        source: PostSource,
        /// As `mekiki following` shows it
        name: String,
    },
    /// Who is followed for the page, and what came of it
    Following,
    /// Check device, models, database and permissions; the exit code says if all is well
    Doctor,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// This process's shards of Discord, like 0..4/8 for the first four of eight; each process needs a data folder and an
    /// address of its own [default: all that Discord advises]
    #[arg(long, value_name = "FROM..TO/TOTAL")]
    shards: Option<ShardRange>,
}

#[derive(Debug, Args)]
struct ScoreArgs {
    /// Pictures, or folders to look through
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One JSON object a picture and line on standard output
    #[arg(long)]
    json: bool,
    /// Write a gallery page to this file
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
    /// Write a copy of each picture with its faces boxed into this folder
    #[arg(long, value_name = "DIR")]
    annotate: Option<PathBuf>,
    /// Confidence from which a box is a face, 0–1 [default: `MEKIKI_MIN_CONFIDENCE`]
    #[arg(long, value_parser = unit_interval)]
    min_confidence: Option<f32>,
}

#[derive(Debug, Subcommand)]
enum TasteCommand {
    /// List the versions, newest first; runs beside the bot
    List(TasteScope),
    /// Use this version until a later fit is clearly better; the bot must not be running
    Promote {
        version: i64,
        #[command(flatten)]
        scope: TasteScope,
    },
    /// Use the version that was in use before; the bot must not be running
    Rollback(TasteScope),
}

#[derive(Debug, Args)]
struct TasteScope {
    /// Whose taste: local, guild:ID or user:ID
    #[arg(long, default_value_t = Scope::Local)]
    scope: Scope,
}

#[derive(Debug, Subcommand)]
enum EvalCommand {
    /// The detector against boxes by hand
    Faces(EvalFacesArgs),
    /// A taste on ratings held out from it
    Taste(EvalTasteArgs),
}

#[derive(Debug, Args)]
struct EvalTasteArgs {
    /// One JSON object a line: rating (1-5), crop and picture (files relative to this list), box, group (near-duplicates
    /// share one), `no_face` (true: left out)
    ratings: PathBuf,
    /// The figures as one JSON object
    #[arg(long)]
    json: bool,
    /// Draw, for each true rating, where the scores fell, as an SVG file
    #[arg(long, value_name = "OUT")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct EvalFacesArgs {
    /// One JSON object a line: file (relative to this list), boxes [[x1,y1,x2,y2]…] in the picture's pixels, and boxes
    /// that do not count as `ignore`
    rows: PathBuf,
    /// Folder of the pictures, if it is not that of the list
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Confidence at which recall and precision are counted [default: `MEKIKI_MIN_CONFIDENCE`]
    #[arg(long, value_parser = unit_interval)]
    cut: Option<f32>,
    /// Long side of the detector's input
    #[arg(long, default_value_t = crate::vision::DEFAULT_SIDE, value_parser = clap::value_parser!(u32).range(32..=4096))]
    side: u32,
    /// Never look a second, larger time where faces are small
    #[arg(long)]
    once: bool,
    /// Write all boxes found (confidence ≥ 0.001) to this file: {"FILE": [[x1,y1,x2,y2,confidence]…]}
    #[arg(long, value_name = "OUT")]
    predictions: Option<PathBuf>,
    /// The figures as one JSON object
    #[arg(long)]
    json: bool,
}

fn unit_interval(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 1".into()),
    }
}

/// Runs the command; errors are printed with their causes, once, here.
pub fn run(cli: Cli) -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    for hint in &config.hints {
        eprintln!("{hint}");
    }
    let filter = EnvFilter::try_new(&config.log).unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // Each thread that ever decoded keeps memory of its own: with 512 of them a busy bot grows for nothing.
    let blocking = config.threads.get() * 2 + 8;
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.enable_all().max_blocking_threads(blocking).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mekiki: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(cli.command, &config)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mekiki: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => app::serve(config, args.shards).await.map(|()| ExitCode::SUCCESS),
        Command::Score(args) => score::run(config, args).await,
        Command::Fit => fit::run(config).await,
        Command::Taste { what } => taste::run(config, what).await,
        Command::Eval { what: EvalCommand::Faces(args) } => eval::faces(config, &args),
        Command::Eval { what: EvalCommand::Taste(args) } => eval_taste::taste(config, &args),
        Command::Export { format, out } => transfer::export(config, format, &out).await,
        Command::Import { from } => transfer::import(config, &from).await,
        Command::Auth { .. } => auth::x(config).await,
        Command::Follow { source, name } => follow::follow(config, source, &name).await,
        Command::Unfollow { source, name } => follow::unfollow(config, source, &name).await,
        Command::Following => follow::following(config).await,
        Command::Doctor => doctor::run(config).await,
    }
}
