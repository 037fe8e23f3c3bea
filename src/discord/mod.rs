//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.

mod words;

mod answer;
mod asked;
mod breaker;
mod buttons;
mod client;
mod commands;
mod events;
mod follow_words;
mod later;
mod links;
mod listener;
mod markup;
mod message;
mod outbox;
mod permissions;
mod pictures;
mod places;
mod raw;
mod recent;
mod reconcile;
mod rest;
mod setup;
mod shards;
mod status;
mod telling;
mod unread;
mod watch;
mod why;

use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::domain::RatingSource;
use crate::pipeline::{Clock, Pipeline};

pub use crate::domain::Lang;
pub use breaker::{Act, Breaker, CallError, Refusal};
pub use client::{Fatal, run};
pub use commands::framework;
#[cfg(test)]
pub(crate) use commands::keys;
pub use links::MessageLinks;
pub use message::{Credit, ScoreMessage, Told, ToldFace, compose, pick_line};
pub use outbox::Outbox;
pub use pictures::of_message as pictures_of;
pub use raw::{id_at, time_of};
pub use rest::Rest;
pub use shards::{BadShardRange, Patience, ShardRange};
pub use status::Status;
pub use telling::{Telling, score_message};
pub use watch::Policy;

pub type Error = anyhow::Error;

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
    /// Where a guild's picks are to be read as a feed.
    pub feeds: FeedAddresses,
    /// How long face crops and previews are kept, in days.
    pub crops_days: u32,
    /// How artists reach the operator.
    pub contact: Option<String>,
    /// What may be trained on.
    pub learn_from: Vec<RatingSource>,
    /// This process's share; `None`: as many shards as Discord advises.
    pub shards: Option<ShardRange>,
    pub patience: Patience,
}

/// Tells the address of a guild's feed, for a feed reader outside; `None` while the page has no public address.
#[derive(Clone)]
pub struct FeedAddresses(Arc<dyn Fn(u64) -> Option<String> + Send + Sync>);

impl FeedAddresses {
    pub fn new(of: impl Fn(u64) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(of))
    }

    fn of(&self, guild: u64) -> Option<String> {
        (self.0)(guild)
    }
}

impl std::fmt::Debug for FeedAddresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may hold a key.
        f.write_str("FeedAddresses")
    }
}

/// What everything in this room works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub pipeline: Arc<Pipeline>,
    pub settings: Arc<Settings>,
    /// For what the bot does of its own accord; commands answer through their own context.
    pub rest: Arc<Rest>,
    /// Every such request goes through it: `app.calls.call(Some((channel, Act::Write)), app.rest.http().…).await`.
    pub calls: Arc<Breaker>,
    pub status: Arc<Status>,
    /// Answers in the making: a stop waits for the tokens of it, some seconds.
    pub in_flight: TaskTracker,
}

impl App {
    pub fn new(pipeline: Arc<Pipeline>, settings: Settings, rest: Arc<Rest>, calls: Arc<Breaker>) -> Self {
        Self {
            pipeline,
            settings: Arc::new(settings),
            rest,
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
