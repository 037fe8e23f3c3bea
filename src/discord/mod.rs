//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.

#[macro_use]
mod words;

mod answer;
mod commands;
mod markup;
mod message;
mod outbox;
mod permissions;
mod setup;
mod telling;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use commands::framework;
#[cfg(test)]
pub(crate) use commands::keys;
pub use message::{Credit, ScoreMessage, Told, ToldFace, compose, pick_line};
pub use outbox::Outbox;
pub use telling::{Telling, score_message};
pub use words::Lang;

use crate::domain::RatingSource;
use crate::pipeline::Pipeline;

pub type Error = anyhow::Error;

/// How the bot behaves on Discord.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Before the everyday commands in messages.
    pub prefix: String,
    /// Where the page is reached from outside; no slash at the end.
    pub public_url: Option<String>,
    /// How long face crops and previews are kept, in days.
    pub crops_days: u32,
    /// What may be trained on.
    pub learn_from: Vec<RatingSource>,
}

/// What events and commands work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub pipeline: Arc<Pipeline>,
    pub settings: Arc<Settings>,
    /// Discord shows the bot what messages hold.
    pub message_content: Arc<AtomicBool>,
}
