//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.

#[macro_use]
mod words;

mod breaker;
mod client;
mod events;
mod links;
mod listener;
mod pictures;
mod places;
mod raw;
mod reconcile;
mod shards;
mod status;
mod watch;

use std::sync::Arc;

use secrecy::SecretString;
use serenity::http::Http;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::pipeline::{Clock, Pipeline};

pub use breaker::{Act, Breaker, CallError, Refusal};
pub use client::{Fatal, build_http, run};
pub use links::MessageLinks;
pub use pictures::of_message as pictures_of;
pub use raw::{id_at, time_of};
pub use shards::{BadShardRange, ShardRange};
pub use status::Status;
pub use watch::Policy;
pub use words::Lang;

/// How the bot is on Discord.
#[derive(Debug, Clone)]
pub struct Settings {
    pub token: SecretString,
    /// A Discord on this machine, for tests; `None`: the real one.
    pub base: Option<Url>,
    /// Before the everyday commands in messages.
    pub prefix: String,
    /// Whose messages are looked at.
    pub policy: Policy,
    /// Where the page is reached from outside; no slash at the end.
    pub public_url: Option<String>,
    /// This process's share; `None`: as many shards as Discord advises.
    pub shards: Option<ShardRange>,
}

/// What everything in this room works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub pipeline: Arc<Pipeline>,
    pub settings: Arc<Settings>,
    /// For what the bot does of its own accord; commands answer through their own context.
    pub http: Arc<Http>,
    /// Every such request goes through it: `app.calls.call(Some((channel, Act::Write)), app.http.…).await`.
    pub calls: Arc<Breaker>,
    pub status: Arc<Status>,
    /// Answers in the making: a stop waits for the tokens of it, some seconds.
    pub in_flight: TaskTracker,
}

impl App {
    pub fn new(pipeline: Arc<Pipeline>, settings: Settings, http: Arc<Http>, calls: Arc<Breaker>) -> Self {
        Self {
            pipeline,
            settings: Arc::new(settings),
            http,
            calls,
            status: Arc::default(),
            in_flight: TaskTracker::new(),
        }
    }
}

/// A breaker on this clock.
pub fn breaker(clock: Arc<dyn Clock>) -> Arc<Breaker> {
    Arc::new(Breaker::new(clock))
}
