//! The bot in the test's own process, so that the test owns its clock, its patience and its way to Discord. What it does
//! not have of the program are its page and its command line.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mekiki::app::{Around, LoadedModels, build_pipeline};
use mekiki::config::Config;
use mekiki::discord::{App, Fatal, FeedAddresses, MessageLinks, Patience, Policy, Rest, Settings, ShardRange, breaker};
use mekiki::pipeline::{Clock, Pipeline, SystemClock};
use mekiki::store::{Blobs, Store};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fake::Limits;
use super::stage::Stage;

/// The machine's clock, put forward by the test.
#[derive(Debug, Default)]
pub(super) struct Ahead(AtomicI64);

impl Ahead {
    pub(super) fn by(&self, time: Duration) {
        self.0.fetch_add(time.whole_milliseconds() as i64, Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + Duration::milliseconds(self.0.load(Ordering::SeqCst))
    }
}

/// What differs from the program as it is.
#[derive(Default)]
pub(super) struct Odds {
    pub(super) patience: Patience,
    pub(super) shards: Option<ShardRange>,
    /// Goes to `discord.com` over TLS, with serenity's limiter; Discord has these limits.
    pub(super) limits: Option<Limits>,
}

pub(super) struct Inside {
    pub(super) clock: Arc<Ahead>,
    stop: CancellationToken,
    working: [JoinHandle<()>; 2],
    connected: JoinHandle<Result<(), Fatal>>,
}

impl Inside {
    /// Starts it on the stage's Discord and data folder.
    pub(super) async fn start(stage: &Stage, odds: Odds) -> Self {
        let (discord, clock) = (&stage.discord, Arc::<Ahead>::default());
        let base: url::Url = discord.base.parse().unwrap();
        let token = discord.world(|world| world.token.clone());
        let settings = Settings {
            token: token.into(),
            base: odds.limits.is_none().then(|| base.clone()),
            prefix: "!".into(),
            policy: Policy { bots: false, webhooks: true },
            feeds: FeedAddresses::new(|_| None),
            contact: None,
            crops_days: 180,
            learn_from: Vec::new(),
            shards: odds.shards,
            patience: odds.patience,
        };
        let rest = Arc::new(match odds.limits {
            None => Rest::new(&settings),
            Some(limits) => Rest::with_client(&settings, discord.behind_tls(limits).await),
        });
        let calls = breaker(Arc::<Ahead>::clone(&clock));
        let links = MessageLinks { rest: Arc::clone(&rest), calls: Arc::clone(&calls) };
        let pipeline = pipeline(stage.data(), &base, links, Arc::<Ahead>::clone(&clock)).await;
        let stop = CancellationToken::new();
        let working = [
            tokio::spawn(Arc::clone(&pipeline).run(stop.clone())),
            tokio::spawn(Arc::clone(&pipeline).run_learning(stop.clone())),
        ];
        let app = App::new(pipeline, settings, rest, calls);
        let connected = tokio::spawn(mekiki::discord::run(app, stop.clone()));
        Self { clock, stop, working, connected }
    }

    /// Waits until it is on Discord.
    pub(super) async fn on_discord(stage: &Stage, odds: Odds) -> Self {
        let before = stage.discord.gateway(|gateway| gateway.identifies);
        let inside = Self::start(stage, odds).await;
        let is_there = |world: &mut super::fake::World| {
            (world.gateway.identifies > before && world.gateway.connected() > 0).then_some(())
        };
        stage.discord.wait("the bot on Discord", is_there).await;
        inside
    }

    /// How its connection ends by itself.
    pub(super) async fn ends(self) -> Result<(), Fatal> {
        let ended = tokio::time::timeout(crate::bot::PATIENCE, self.connected).await;
        self.stop.cancel();
        works_off(self.working).await;
        ended.expect("the connection never ended").unwrap()
    }

    /// Stops it, as SIGTERM does.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.connected.await.unwrap().unwrap();
        works_off(self.working).await;
    }
}

async fn works_off(working: [JoinHandle<()>; 2]) {
    for task in working {
        task.await.unwrap();
    }
}

async fn pipeline(data: &Path, base: &url::Url, links: MessageLinks, clock: Arc<Ahead>) -> Arc<Pipeline> {
    let variables =
        [("MEKIKI_DEVICE", "cpu"), ("DISCORD_TOKEN", "not-asked-for-here"), ("DISCORD_BASE", base.as_str())];
    let variables: HashMap<String, String> = variables.map(|(name, value)| (name.into(), value.into())).into();
    let config = Config::from_variables(&variables).unwrap();
    let models = tokio::task::block_in_place(|| LoadedModels::load(&config)).unwrap();
    let store = Store::open(&data.join("mekiki.db")).await.unwrap();
    let blobs = Blobs::open(data).unwrap();
    let around = Around { links: Some(Arc::new(links)), clock, ..Around::default() };
    build_pipeline(&config, models, (store, blobs), around).await.unwrap()
}
