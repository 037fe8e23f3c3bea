//! `mekiki export` and `import`: a whole backup, ratings with their crops, and boxes by hand.

mod backup;
mod labels;
mod lines;
mod ratings;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use indicatif::ProgressBar;

use crate::app::{DataFolder, open_store};
use crate::config::Config;
use crate::store::{Blobs, Store};
use lines::{Lines, read_lines};

/// What is exported, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Everything, to be imported again
    Backup,
    /// Your rated faces, sorted into folders 1, 2, 3, 4, 5, up and down
    Folder,
    /// Your rated faces, listed in ratings.csv
    Csv,
    /// Your rated faces, listed in ratings.jsonl
    Jsonl,
    /// Boxes saved in the box editor, a text file a picture, for YOLO
    Yolo,
    /// Boxes saved in the box editor as annotations.json, for COCO tools
    Coco,
    /// Boxes saved in the box editor as boxes.jsonl, for training/
    Boxes,
}

/// The data folder, for this command alone.
struct Home {
    data: DataFolder,
    store: Store,
    blobs: Blobs,
}

impl Home {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let data = DataFolder::lock(&config.data_dir)?;
        Ok(Self { store: open_store(config).await?, blobs: data.blobs()?, data })
    }

    async fn close(self) {
        self.store.close().await;
        drop(self.data);
    }
}

pub(super) async fn export(config: &Config, format: Format, out: &Path) -> anyhow::Result<ExitCode> {
    let home = Home::open(config).await?;
    if out.exists() {
        let mut entries = fs::read_dir(out).with_context(|| format!("cannot look into {}", out.display()))?;
        ensure!(entries.next().is_none(), "{} is not empty; name a new folder", out.display());
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    match format {
        Format::Backup => backup::export(&home, out).await?,
        Format::Folder | Format::Csv | Format::Jsonl => ratings::export(&home, format, out).await?,
        Format::Yolo | Format::Coco | Format::Boxes => labels::export(&home, format, out).await?,
    }
    home.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Reads a backup, a folder sorted by rating, or a list of rated pictures.
pub(super) async fn import(config: &Config, from: &Path) -> anyhow::Result<ExitCode> {
    let ending = from.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if from.join(backup::PICTURES).is_file() {
        let home = Home::open(config).await?;
        backup::import(&home, from).await?;
        home.close().await;
        return Ok(ExitCode::SUCCESS);
    }
    let found = if from.is_dir() {
        ratings::sorted(from)?
    } else if !from.exists() {
        bail!("{} is not there", from.display());
    } else if ending == "csv" {
        ratings::csv(from)?
    } else if ending == "jsonl" || ending == "ndjson" {
        ratings::jsonl(from)?
    } else {
        bail!("{} is neither a folder nor a list that ends in .csv or .jsonl", from.display());
    };
    ratings::import(config, found).await
}

/// On standard error, where that is a terminal.
fn progress(steps: usize) -> ProgressBar {
    ProgressBar::new(steps as u64)
}

/// A file's bytes, written.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
