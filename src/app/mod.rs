//! The composition root: builds every part, owns every task, stops them in a written order.

mod discord;
mod models;
mod page;
mod serve;
mod timelines;
pub mod x;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::config::Config;
use crate::domain::{Confidence, DeskRules};
use crate::fetch::{FetchRules, Fetcher};
use crate::pipeline::{Clock, FreshLinks, Parts, Pipeline, SystemClock};
use crate::store::{Blobs, Store};
use crate::timelines::Timelines;
use crate::vision::decode::DecodeLimits;
use crate::vision::{Engine, EngineOptions};

pub use crate::discord::ShardRange;
pub use models::{LoadedModels, detector_name};
pub use serve::serve;
pub use timelines::{safe, timelines, trouble, x as x_timeline};

/// The data folder, locked: two processes on one folder would do everything twice.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    pub fn lock(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot make the data folder {} (MEKIKI_DATA_DIR)", path.display()))?;
        let file = File::create(path.join("lock"))
            .with_context(|| format!("cannot write into the data folder {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another mekiki is at work on the data folder {}; stop it first, or set MEKIKI_DATA_DIR",
                path.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
        }
    }

    pub fn blobs(&self) -> anyhow::Result<Blobs> {
        Blobs::open(&self.path).with_context(|| format!("cannot use the data folder {}", self.path.display()))
    }
}

/// The database named by the settings.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let path = database_path(config);
    Store::open(&path).await.with_context(|| {
        format!("cannot open the database {}; if it is damaged, put it aside and restore a copy", path.display())
    })
}

/// The file that `DATABASE_URL` names: `sqlite:PATH` or `sqlite://PATH`.
pub fn database_path(config: &Config) -> PathBuf {
    let url = &config.database_url;
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    PathBuf::from(path)
}

/// What a pipeline asks of the world around it; by default the machine's time, and nobody.
#[derive(Debug)]
pub struct Around {
    pub links: Option<Arc<dyn FreshLinks>>,
    pub services: Arc<Timelines>,
    pub clock: Arc<dyn Clock>,
}

impl Default for Around {
    fn default() -> Self {
        Self { links: None, services: Arc::default(), clock: Arc::new(SystemClock) }
    }
}

/// Builds the pipeline over loaded models and loads the taste in use.
pub async fn build_pipeline(
    config: &Config,
    models: LoadedModels,
    (store, blobs): (Store, Blobs),
    around: Around,
) -> anyhow::Result<Arc<Pipeline>> {
    let options = EngineOptions { floor: config.min_confidence, runs: models.runs, ..EngineOptions::default() };
    // With no more workers than places in its queue, the engine always has room for them.
    let workers = config.threads.get().clamp(2, options.queue);
    let engine = Engine::start(models.models, options).context("cannot start the analysis engine")?;
    let pipeline = Pipeline::new(Parts {
        store,
        blobs,
        engine,
        fetcher: fetcher(config)?,
        links: around.links,
        clock: around.clock,
        limits: DecodeLimits::default(),
        rules: DeskRules {
            threshold: config.threshold,
            picks_per_hour: config.picks_per_hour,
            exploration: config.exploration,
            ..DeskRules::default()
        },
        learn_from: config.learn_from.clone(),
        models: models.names,
        workers,
    })
    .with_services(around.services);
    pipeline.load_tastes().await.context("cannot read the tastes")?;
    Ok(Arc::new(pipeline))
}

/// The client that follows links. A service on this machine serves its pictures there, too.
fn fetcher(config: &Config) -> anyhow::Result<Fetcher> {
    let discord = config.discord.iter().filter_map(|d| d.base.clone());
    let also = discord.chain(config.timelines.bases.iter().cloned()).collect();
    Fetcher::new(FetchRules { also }).context("cannot build the download client")
}

/// The floor the command line may lower.
pub fn floor(config: &Config, asked: Option<f32>) -> Confidence {
    asked.map_or(config.min_confidence, Confidence)
}
