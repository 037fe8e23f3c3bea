//! `make soak-timelines`: a month of followed accounts by a simulated clock, with outages and kills. What must be zero is
//! counted, and fails the run.
//!
//! Reading, claiming, asking after and letting go are the program's own. Twenty thousand pictures would take the models
//! hours, so every hundredth picture goes the whole way with them; of the others, each claim is counted.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::extract::Path;
use axum::routing::get;
use mekiki::app::LoadedModels;
use mekiki::config::Config;
use mekiki::domain::{DeskRules, Feed, PostId, PostSource, PostState, Scope};
use mekiki::fetch::{FetchRules, Fetcher};
use mekiki::pipeline::{Clock, NewFollow, Parts, Pipeline, Services};
use mekiki::samples::Scene;
use mekiki::store::{Blobs, Store};
use mekiki::timelines::{Runner, Timeline, Timelines};
use mekiki::vision::decode::DecodeLimits;
use mekiki::vision::{Engine, EngineOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::simulated::{Plan, SimClock, Simulated, World};

const FROM: OffsetDateTime = datetime!(2026-11-01 00:00 UTC);
const GUILD: Scope = Scope::Guild(1);
/// Of so many pictures one is really looked at.
const SAMPLE: usize = 100;

/// What is counted; all but the first lines must be zero.
#[derive(Debug, Default)]
struct Counts {
    claimed: BTreeMap<String, u32>,
    looked_at: u32,
    kills: u32,
    rounds: u64,
}

struct Soak {
    clock: Arc<SimClock>,
    worlds: Vec<Arc<World>>,
    pipeline: Arc<Pipeline>,
    counts: Counts,
    rng: ChaCha8Rng,
    _folder: TempDir,
}

impl Soak {
    async fn new(days: i64, posts: usize, accounts: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(SimClock(Mutex::new(FROM)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let drawn = get(async |Path(n): Path<u64>| Scene::new(n % 40).png().unwrap());
        let app = axum::Router::new().route("/{n}", drawn);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let sources = [PostSource::Bluesky, PostSource::Mastodon, PostSource::Rss];
        let worlds = (0..).zip(sources).map(|(n, source)| {
            let plan = Plan { source, accounts: accounts / 3, posts: posts / 3, from: FROM, days, seed: 40 + n };
            Arc::new(World::new(plan, |picture| base.join(&picture.to_string()).unwrap().into()))
        });
        let config = Config::from_variables(&[("MEKIKI_DEVICE".to_owned(), "cpu".to_owned())].into()).unwrap();
        let models = tokio::task::block_in_place(|| LoadedModels::load(&config)).unwrap();
        let options = EngineOptions { runs: models.runs, ..EngineOptions::default() };
        let pipeline = Pipeline::new(Parts {
            store: Store::open(&folder.path().join("mekiki.db")).await.unwrap(),
            blobs: Blobs::open(folder.path()).unwrap(),
            engine: Engine::start(models.models, options).unwrap(),
            fetcher: Fetcher::new(FetchRules { also: vec![base.clone()] }).unwrap(),
            links: None,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            limits: DecodeLimits::default(),
            rules: DeskRules::default(),
            learn_from: Vec::new(),
            models: models.names,
            workers: 2,
        });
        Self {
            clock,
            worlds: worlds.collect(),
            pipeline: Arc::new(pipeline),
            counts: Counts::default(),
            rng: ChaCha8Rng::seed_from_u64(7),
            _folder: folder,
        }
    }

    /// The guild follows the home timelines, and so does the page; some accounts are followed by themselves, too.
    async fn follow(&self) {
        let store = self.pipeline.store();
        store.guild_joined(1).await.unwrap();
        for world in &self.worlds {
            let home = (Feed::Home, None);
            let own = world.accounts.iter().step_by(25).map(|a| (Feed::Author(a.id.clone()), Some(a)));
            for (feed, account) in std::iter::once(home).chain(own) {
                for scope in [GUILD, Scope::Local] {
                    let source = world.plan.source;
                    let new = NewFollow { scope, source, feed: &feed, account, added_by: "owner" };
                    assert!(store.follow(&new, FROM).await.unwrap());
                }
            }
        }
    }

    fn runner(&self) -> Arc<Runner> {
        let connect = |world: &Arc<World>| {
            let (world, clock) = (Arc::clone(world), Arc::clone(&self.clock));
            Arc::new(Simulated { world, clock }) as Arc<dyn Timeline>
        };
        let timelines = Timelines::new(self.worlds.iter().map(connect).collect());
        assert_eq!(timelines.sources().len(), self.worlds.len());
        Arc::new(Runner::new(Arc::clone(&self.pipeline), timelines, false))
    }

    /// Runs until this time.
    async fn run_until(&mut self, end: OffsetDateTime) {
        let mut runner = self.runner();
        while self.clock.now() < end {
            let next = if self.rng.random_bool(0.01) {
                let polls = self.rng.random_range(1..40);
                let next = killed_after(runner.round(), polls).await;
                self.counts.kills += u32::from(next.is_none());
                runner = self.runner();
                next
            } else {
                Some(runner.round().await)
            };
            self.counts.rounds += 1;
            self.finish().await;
            let now = self.clock.now();
            let next = next.and_then(Result::unwrap).unwrap_or(now).max(now + Duration::seconds(1));
            self.clock.set(next.min(now + Duration::minutes(5)));
        }
    }

    /// Takes what was claimed to its end: some of it with the models.
    async fn finish(&mut self) {
        let store = self.pipeline.store().clone();
        for item in store.due(self.clock.now(), 2_000).await.unwrap() {
            let row = store.post(item.post).await.unwrap().unwrap();
            *self.counts.claimed.entry(format!("{} {}", row.source.as_str(), row.external_id)).or_default() += 1;
            let number: usize = row.external_id.rsplit(['-', '/']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
            if number.is_multiple_of(SAMPLE) {
                self.look(item.post).await;
            } else {
                store.fail_post(item.post, "left_out", "not looked at in the soak").await.unwrap();
            }
        }
    }

    async fn look(&mut self, post: PostId) {
        self.pipeline.finish(post).await;
        self.counts.looked_at += 1;
        let row = self.pipeline.store().post(post).await.unwrap();
        let state = row.map(|row| (row.state, row.error));
        assert!(matches!(state, Some((PostState::Published, _))), "{state:?}");
    }

    /// Pictures that should have come and did not; came more than once; stand a day after they went at their source.
    async fn faults(&self, end: OffsetDateTime) -> [(&'static str, usize); 4] {
        let (mut missed, mut late) = (0, 0);
        let mut expected = HashSet::new();
        for world in &self.worlds {
            let source = world.plan.source;
            for original in &world.originals {
                let post = &original.post;
                for scope in [GUILD, Scope::Local] {
                    let names =
                        post.pictures.iter().map(|p| format!("{} {scope}/{}/{}", source.as_str(), post.id, p.key));
                    for name in names {
                        // One that its author took back may never have been seen.
                        missed += usize::from(original.deleted.is_none() && !self.counts.claimed.contains_key(&name));
                        expected.insert(name);
                    }
                }
                // Within a day, unless its service was not there to be asked.
                let slack = if world.plan.days < 6 { Duration::DAY } else { Duration::days(4) };
                if original.deleted.is_some_and(|gone| gone + slack < end) {
                    late += self.pipeline.store().posts_of_original(source, &post.id).await.unwrap().len();
                }
            }
        }
        let twice = self.counts.claimed.values().filter(|n| **n > 1).count();
        let strange = self.counts.claimed.keys().filter(|name| !expected.contains(*name)).count();
        [("missed", missed), ("taken twice", twice), ("from nowhere", strange), ("gone there and kept here", late)]
    }
}

/// Drops the work after it was woken so often: as good as a kill. `None`: it was cut off.
async fn killed_after<T>(work: impl Future<Output = T>, mut polls: u32) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|cx| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

async fn soak(days: i64, posts: usize, accounts: usize) {
    let mut soak = Soak::new(days, posts, accounts).await;
    soak.follow().await;
    let end = FROM + Duration::days(days) + Duration::HOUR;
    soak.run_until(end).await;
    let faults = soak.faults(end).await;
    let asked: Vec<(u64, u64)> = soak.worlds.iter().map(|world| *world.asked.lock().unwrap()).collect();
    println!("{days} days, {accounts} accounts, {posts} posts");
    println!("rounds {}, kills {}, asked (and too soon) {asked:?}", soak.counts.rounds, soak.counts.kills);
    println!("pictures claimed {}, of them looked at {}", soak.counts.claimed.len(), soak.counts.looked_at);
    for (what, n) in faults {
        println!("{what}: {n}");
    }
    assert!(soak.counts.kills > 0 && soak.counts.looked_at > 0, "nothing was tried");
    assert!(faults.iter().all(|(_, n)| *n == 0), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_days_of_followed_accounts_lose_and_double_nothing() {
    soak(2, 300, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; `make soak-timelines`"]
async fn a_month() {
    let days = crate::discord::bench::variable("DAYS").and_then(|days| days.parse().ok()).unwrap_or(30);
    soak(days, 20_000 * usize::try_from(days).unwrap() / 30, 300).await;
}
