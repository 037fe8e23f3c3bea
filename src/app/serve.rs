//! `mekiki serve`: everything, until a signal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::discord::Discord;
use super::page::Page;
use super::x::Books;
use super::{Around, DataFolder, LoadedModels, build_pipeline, open_store, timelines};
use crate::config::{Config, Language};
use crate::discord::{self, ShardRange};
use crate::pipeline::FreshLinks;
use crate::store::{BlobKind, Blobs};
use crate::timelines::{Runner, Timelines};
use crate::web::{Lang, ModelView, WebSettings, router};

/// How often the crops are brought back into their budget.
const SWEEP_EVERY: Duration = Duration::from_mins(10);
/// How long open connections may take to end at a stop.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the bot until SIGINT or SIGTERM. Stops in this order: the page takes no more, Discord is left and what was heard
/// there is claimed, the workers end the steps in flight, the learner ends its fit, the database is closed; what is left
/// goes on at the next start.
pub async fn serve(config: &Config, shards: Option<ShardRange>) -> anyhow::Result<()> {
    let folder = DataFolder::lock(&config.data_dir)?;
    let store = open_store(config).await?;
    let models = tokio::task::block_in_place(|| LoadedModels::load(config))?;
    let provider = models.providers[0].to_string();
    tracing::info!(%provider, library = %models.runtime.path().display(), "models loaded");
    let model_views = model_views(&models.names);
    let mut notes: Vec<String> = models.providers.iter().filter_map(|p| p.note.clone()).collect();
    notes.dedup();
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot install the metrics recorder")?;

    let blobs = folder.blobs()?;
    let discord = Discord::new(config, shards);
    let links = discord.as_ref().map(|d| d.links() as Arc<dyn FreshLinks>);
    let books = Books::open(store.clone()).await?;
    let timelines = timelines(config, Some(books))?;
    let around = Around { links, services: Arc::clone(&timelines), ..Around::default() };
    let pipeline = build_pipeline(config, models, (store.clone(), blobs.clone()), around).await?;
    let discord = discord.map(|d| d.app(Arc::clone(&pipeline)));
    let left = pipeline.tidy_spool().await?;
    if left > 0 {
        tracing::info!(files = left, "removed what an earlier stop had left in the spool");
    }
    if config.samples {
        pipeline.claim_samples().await?;
    }

    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {} (MEKIKI_LISTEN); is another mekiki running?", config.listen))?;
    let address = listener.local_addr()?;
    let page = Page {
        pipeline: Arc::clone(&pipeline),
        provider: provider.clone(),
        models: model_views,
        notes,
        discord: discord.as_ref().map(|app| Arc::clone(&app.status)),
        metrics,
    };
    let app = router(Arc::new(page), web_settings(config));

    let stop = CancellationToken::new();
    let mut tasks = Tasks::default();
    tasks.start("pipeline", Arc::clone(&pipeline).run(stop.clone()));
    tasks.start("learning", Arc::clone(&pipeline).run_learning(stop.clone()));
    if let Some(app) = discord {
        tasks.start("connection to Discord", stay_on_discord(app, stop.clone()));
    }
    let runner = Runner::new(Arc::clone(&pipeline), Timelines::clone(&timelines), config.bots);
    tasks.start("reading of timelines", Arc::new(runner).run(stop.clone()));
    tasks.start("sweeping", sweep_crops(blobs, config.crops_mb, config.crops_days, stop.clone()));
    let closing = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { closing.cancelled().await });
    let mut server = tokio::spawn(async move { server.await });
    announce(config, &address.to_string(), &provider);

    let why = tokio::select! {
        () = stop_signal() => Ok(()),
        ended = &mut server => Err(anyhow!("the page stopped: {ended:?}")),
        name = tasks.next() => Err(anyhow!("the bot stopped, since its {name} ended; the log says why")),
    };
    tracing::info!("stopping");
    stop.cancel();
    if !server.is_finished() && tokio::time::timeout(GRACE, &mut server).await.is_err() {
        server.abort();
    }
    tasks.end().await;
    store.close().await;
    drop(folder);
    why
}

/// The tasks beside the page, by name. None of them ends before it is told to.
#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.names.insert(self.running.spawn(task).id(), name);
    }

    /// Waits for the next one to end; never answers when there is none.
    async fn next(&mut self) -> &'static str {
        let id = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                tracing::error!(task = self.names.get(&error.id()), %error, "a task did not end well");
                error.id()
            }
            None => std::future::pending().await,
        };
        self.names.remove(&id).unwrap_or_default()
    }

    async fn end(mut self) {
        while !self.running.is_empty() {
            self.next().await;
        }
    }
}

async fn stay_on_discord(app: discord::App, stop: CancellationToken) {
    if let Err(error) = discord::run(app, stop).await {
        tracing::error!("{error}");
    }
}

async fn sweep_crops(blobs: Blobs, megabytes: u32, days: u32, stop: CancellationToken) {
    let budget = u64::from(megabytes) * 1024 * 1024;
    let age = Duration::from_secs(u64::from(days) * 24 * 3600);
    loop {
        let blobs = blobs.clone();
        let swept = tokio::task::spawn_blocking(move || blobs.sweep(BlobKind::Crop, budget, age, system_time())).await;
        match swept {
            Ok(Ok(0)) => {}
            Ok(Ok(files)) => tracing::info!(files, "removed old crops"),
            Ok(Err(error)) => tracing::error!(%error, "cannot sweep the crops"),
            Err(error) => tracing::error!(%error, "sweeping the crops panicked"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "file times are the machine's own")]
fn system_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

fn model_views(names: &str) -> Vec<ModelView> {
    names
        .split('+')
        .filter_map(|name| name.rsplit_once('-'))
        .map(|(name, version)| ModelView { name: name.into(), version: version.into() })
        .collect()
}

pub(super) fn web_settings(config: &Config) -> WebSettings {
    WebSettings {
        token: config.web_token.clone(),
        public_url: config.public_url.clone(),
        contact: config.contact.clone(),
        lang: match config.language {
            Language::Auto => None,
            Language::English => Some(Lang::En),
            Language::Japanese => Some(Lang::Ja),
        },
    }
}

/// Says where the page is: the one line a user waits for.
#[expect(clippy::print_stdout, reason = "the answer to the command, not a log line")]
fn announce(config: &Config, address: &str, provider: &str) {
    println!("Mekiki runs on {provider}.");
    println!("Open http://{address}/ in a browser; stop with Ctrl+C.");
    if config.web_token.is_some() {
        println!("The page asks for MEKIKI_WEB_TOKEN.");
    }
}

async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
                return;
            }
            Err(error) => tracing::warn!(%error, "cannot listen for SIGTERM"),
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "cannot listen for Ctrl+C; kill the process to stop it");
        std::future::pending::<()>().await;
    }
}
