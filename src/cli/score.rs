//! `mekiki score`: pictures and folders, without the bot.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::task::JoinHandle;

use super::annotate::annotate;
use super::report::Report;
use super::{ScoreArgs, files};
use crate::app::{self, LoadedModels};
use crate::config::Config;
use crate::domain::{PictureBox, Scope, Score};
use crate::store::Store;
use crate::taste::Taste;
use crate::vision::decode::{DecodeLimits, decode};
use crate::vision::{DEFAULT_SIDE, Engine, EngineOptions, Prepared};

/// One picture's line.
#[derive(Debug, Serialize)]
pub(super) struct Scored {
    pub(super) path: PathBuf,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) faces: Vec<ScoredFace>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ScoredFace {
    #[serde(rename = "box")]
    pub(super) bounds: PictureBox,
    pub(super) confidence: f32,
    /// 1.0–5.0; null while there is no taste.
    pub(super) score: Option<f32>,
    pub(super) spread: Option<f32>,
    #[serde(skip)]
    pub(super) full_score: Option<Score>,
    #[serde(skip)]
    pub(super) crop: RgbImage,
}

struct Scorer {
    engine: Engine,
    taste: Option<Taste>,
    keep_picture: bool,
}

type Answer = (Scored, Option<RgbImage>);

pub(super) async fn run(config: &Config, args: ScoreArgs) -> anyhow::Result<ExitCode> {
    let files = files::pictures(&args.paths)?;
    if let Some(dir) = &args.annotate {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    let models = tokio::task::block_in_place(|| LoadedModels::load(config))?;
    let options =
        EngineOptions { floor: app::floor(config, args.min_confidence), runs: models.runs, ..EngineOptions::default() };
    // Never more than the engine lets wait.
    let ahead = config.threads.get().clamp(2, options.queue.max(2));
    let scorer = Arc::new(Scorer {
        engine: Engine::start(models.models, options).context("cannot start the analysis engine")?,
        taste: taste(config).await?,
        keep_picture: args.html.is_some() || args.annotate.is_some(),
    });
    if scorer.taste.is_none() && !args.json {
        eprintln!("There is no taste yet, so there are no scores: run `mekiki serve` and rate some faces.");
    }
    let bar = progress(files.len() as u64);
    let mut report = args.html.as_deref().map(Report::create).transpose()?;
    let mut outlet = Outlet { args: &args, report: report.as_mut(), bar: bar.clone(), failed: 0, written: Vec::new() };
    let mut running: VecDeque<JoinHandle<Answer>> = VecDeque::new();
    for file in files {
        if running.len() == ahead
            && let Some(first) = running.pop_front()
        {
            outlet.show(first.await?)?;
        }
        running.push_back(tokio::spawn(Arc::clone(&scorer).score(file)));
    }
    for rest in running {
        outlet.show(rest.await?)?;
    }
    let failed = outlet.failed;
    bar.finish_and_clear();
    if let Some(report) = report {
        let path = report.finish()?;
        eprintln!("Wrote {}.", path.display());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a scored picture is shown.
struct Outlet<'a> {
    args: &'a ScoreArgs,
    report: Option<&'a mut Report>,
    bar: ProgressBar,
    failed: usize,
    /// Names of annotated copies so far: two folders may hold pictures of the same name.
    written: Vec<PathBuf>,
}

impl Outlet<'_> {
    fn show(&mut self, (scored, picture): Answer) -> anyhow::Result<()> {
        self.failed += usize::from(scored.error.is_some());
        if self.args.json {
            let line = serde_json::to_string(&scored)?;
            self.bar.suspend(|| println!("{line}"));
        } else if self.args.html.is_none() && self.args.annotate.is_none() || scored.error.is_some() {
            self.bar.suspend(|| println!("{}", in_words(&scored)));
        }
        if let (Some(dir), Some(picture)) = (&self.args.annotate, &picture) {
            let path = self.free_name(dir, &scored.path);
            annotate(picture, &scored.faces).save(&path).with_context(|| format!("cannot write {}", path.display()))?;
            self.written.push(path);
        }
        if let Some(report) = &mut self.report {
            report.add(&scored, picture.as_ref())?;
        }
        self.bar.inc(1);
        Ok(())
    }

    fn free_name(&self, dir: &Path, source: &Path) -> PathBuf {
        let stem = source.file_stem().map_or_else(|| "picture".into(), |s| s.to_string_lossy());
        (1..=u32::MAX)
            .map(|n| if n == 1 { dir.join(format!("{stem}.png")) } else { dir.join(format!("{stem}-{n}.png")) })
            .find(|path| !self.written.contains(path))
            .expect("fewer copies than numbers")
    }
}

impl Scorer {
    async fn score(self: Arc<Self>, path: PathBuf) -> Answer {
        match self.try_score(&path).await {
            Ok((faces, picture, (width, height))) => {
                (Scored { path, width: Some(width), height: Some(height), faces, error: None }, picture)
            }
            Err(error) => {
                let error = Some(format!("{error:#}"));
                (Scored { path, width: None, height: None, faces: Vec::new(), error }, None)
            }
        }
    }

    async fn try_score(&self, path: &Path) -> anyhow::Result<(Vec<ScoredFace>, Option<RgbImage>, (u32, u32))> {
        let (owned, keep) = (path.to_owned(), self.keep_picture);
        let (prepared, picture, size) = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let limits = DecodeLimits::default();
            let image = decode(&read(&owned, limits.max_bytes)?, &limits)?.image;
            let (size, picture) = (image.dimensions(), keep.then(|| image.clone()));
            Ok((Prepared::new(image, DEFAULT_SIDE), picture, size))
        })
        .await??;
        let analysis = self.engine.analyse(prepared).await?;
        let mut faces: Vec<ScoredFace> = analysis
            .faces
            .into_iter()
            .zip(analysis.crops)
            .map(|(face, crop)| {
                let score = self.taste.as_ref().map(|t| t.score(&face.features));
                ScoredFace {
                    bounds: face.bounds,
                    confidence: face.confidence.0,
                    score: score.map(|s| s.mean()),
                    spread: score.map(|s| s.spread()),
                    full_score: score,
                    crop,
                }
            })
            .collect();
        faces.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
        Ok((faces, picture, size))
    }
}

/// The file's bytes, but no more of them than can be decoded.
fn read(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let file = std::fs::File::open(path).context("cannot be opened")?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).context("cannot be read")?;
    Ok(bytes)
}

/// The local taste, if the bot has been run here.
async fn taste(config: &Config) -> anyhow::Result<Option<Taste>> {
    if !app::database_path(config).exists() {
        return Ok(None);
    }
    let store: Store = app::open_store(config).await?;
    let row = store.current_taste(Scope::Local).await.context("cannot read the taste")?;
    store.close().await;
    row.map(|row| Taste::from_bytes(&row.fit.model).context("cannot read the taste; run `mekiki fit`")).transpose()
}

fn progress(pictures: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} pictures, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(pictures).with_style(style)
}

fn in_words(scored: &Scored) -> String {
    let path = scored.path.display();
    if let Some(error) = &scored.error {
        return format!("{path}: {error}");
    }
    if scored.faces.is_empty() {
        return format!("{path}: no face");
    }
    let faces: Vec<String> = scored.faces.iter().map(face_in_words).collect();
    format!("{path}: {}", faces.join(", "))
}

fn face_in_words(face: &ScoredFace) -> String {
    let [x1, y1, x2, y2] = <[f32; 4]>::from(face.bounds).map(f32::round);
    match face.full_score {
        Some(score) => {
            let mark = if score.calibration().is_calibrated() { "" } else { " uncalibrated" };
            format!("{:.1} ± {:.1}{mark} at {x1},{y1}–{x2},{y2}", score.mean(), score.spread())
        }
        None => format!("face (confidence {:.2}) at {x1},{y1}–{x2},{y2}", face.confidence),
    }
}
