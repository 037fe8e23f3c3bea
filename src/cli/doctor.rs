//! `mekiki doctor`: what works, what does not, and what to do.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::app::x::Books;
use crate::app::{self, LoadedModels};
use crate::config::Config;
use crate::domain::{LearntCut, PostSource, Scope, learnt_cut};
use crate::pipeline::Services as _;
use crate::store::Store;
use crate::vision::runtime;

/// Prints a line a check.
#[derive(Default)]
struct Sheet {
    ill: usize,
}

impl Sheet {
    fn line(&mut self, what: &str, result: anyhow::Result<String>) {
        match result {
            Ok(found) => println!("ok    {what:10} {found}"),
            Err(error) => {
                self.ill += 1;
                println!("FAIL  {what:10} {error:#}");
            }
        }
    }
}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut sheet = Sheet::default();
    sheet.line("version", Ok(env!("CARGO_PKG_VERSION").into()));
    sheet.line("settings", Ok("all valid".into()));
    sheet.line("models", tokio::task::block_in_place(models));
    sheet.line("device", tokio::task::block_in_place(|| device(config)));
    sheet.line("data", data(&config.data_dir));
    let database = database(config).await;
    let readable = database.is_ok();
    sheet.line("database", database);
    if readable {
        sheet.line("no faces", no_faces(config).await);
    }
    sheet.line("page", page(config).await);
    sheet.line("timelines", timelines(config).await);
    Ok(if sheet.ill == 0 {
        ExitCode::SUCCESS
    } else {
        println!("{} of the checks failed.", sheet.ill);
        ExitCode::FAILURE
    })
}

fn models() -> anyhow::Result<String> {
    let dir = runtime::models_dir()?;
    runtime::check_models(&dir)?;
    Ok(format!("checksums match in {}", dir.display()))
}

fn device(config: &Config) -> anyhow::Result<String> {
    let loaded = LoadedModels::load(config)?;
    let [detector, embedder] = &loaded.providers;
    let ran = if detector == embedder {
        format!("both models ran on {detector}")
    } else {
        format!("the detector ran on {detector}, the embedder on {embedder}")
    };
    Ok(format!("MEKIKI_DEVICE={}: {ran}, library {}", config.device.as_str(), loaded.runtime.path().display()))
}

fn data(folder: &Path) -> anyhow::Result<String> {
    if !folder.exists() {
        return Ok(format!("{} will be made at the first start", folder.display()));
    }
    tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write into {}; check its owner and permissions", folder.display()))?;
    Ok(format!("{} can be written", folder.display()))
}

async fn database(config: &Config) -> anyhow::Result<String> {
    let path = app::database_path(config);
    if !path.exists() {
        return Ok(format!("{} will be made at the first start", path.display()));
    }
    let store: Store = app::open_store(config).await?;
    store.check().await.with_context(|| format!("{} is damaged; restore a copy", path.display()))?;
    let ratings = store.rating_counts(Scope::Local).await?.total();
    let waiting = store.pending_posts().await?;
    let taste = store.current_taste(Scope::Local).await?;
    store.close().await;
    let taste = taste.map_or_else(|| "no taste yet".into(), |t| format!("taste version {}", t.id.0));
    Ok(format!("{}: {ratings} ratings, {taste}, {waiting} posts waiting", path.display()))
}

/// What is set up, how much is followed, and what is wrong with it.
async fn timelines(config: &Config) -> anyhow::Result<String> {
    let can = |books| -> anyhow::Result<String> {
        let sources = app::timelines(config, books)?.sources();
        Ok(format!("{} can be followed", sources.into_iter().map(PostSource::as_str).collect::<Vec<_>>().join(", ")))
    };
    if !app::database_path(config).exists() {
        return can(None);
    }
    // What is wrong with the database is said in its own line.
    let Ok(store) = app::open_store(config).await else { return can(None) };
    let found = can(Some(Books::beside(store.clone())))?;
    let (feeds, mut pauses) = (store.feeds().await?, store.pauses().await?);
    store.close().await;
    // A service that asks to go slower is well.
    pauses.retain(|pause| pause.code != "wait");
    if !pauses.is_empty() {
        bail!("{found}; {}", pauses.iter().map(app::trouble).collect::<Vec<_>>().join("; "));
    }
    let failing = feeds.iter().filter(|feed| feed.error.is_some()).count();
    Ok(format!("{found}; {} feeds are read, the last read of {failing} failed", feeds.len()))
}

/// What the reports of boxes that are no face say of the cut.
async fn no_faces(config: &Config) -> anyhow::Result<String> {
    let cut = config.min_confidence.0;
    if !app::database_path(config).exists() {
        return Ok(format!("boxes count from {cut} on; nobody has reported one yet"));
    }
    let store = app::open_store(config).await?;
    let judged = store.judged_boxes(app::detector_name()).await?;
    store.close().await;
    let (reported, rated) = (judged.reported.len(), judged.rated.len());
    Ok(match learnt_cut(&judged.reported, &judged.rated) {
        LearntCut::TooFew { reports, faces } => format!(
            "boxes count from {cut} on; {reported} reported and {rated} rated, {reports} reports and {faces} rated faces \
             short of a better cut"
        ),
        LearntCut::NoBetter => {
            format!("boxes count from {cut} on; {reported} reported ones are as sure as faces, so no cut is better")
        }
        LearntCut::Higher { cut: better, spared, lost } => format!(
            "boxes count from {cut} on; MEKIKI_MIN_CONFIDENCE={:.2} would spare {:.0} % of {reported} reported boxes and \
             lose {:.0} % of {rated} rated faces",
            // Rounded down: a face at the cut stays.
            (better.0 * 100.0).floor() / 100.0,
            spared * 100.0,
            lost * 100.0
        ),
    })
}

async fn page(config: &Config) -> anyhow::Result<String> {
    let protected = if config.web_token.is_some() { "asks for a token" } else { "asks for no token" };
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Ok(format!("{} is free; it {protected}", config.listen)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{} is in use: a mekiki is running, or MEKIKI_LISTEN needs another port", config.listen))
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {} (MEKIKI_LISTEN)", config.listen)),
    }
}
