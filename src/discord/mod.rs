//! Discord: events in, messages out, commands. Translates and enqueues; what is decided, is decided below.

#[macro_use]
mod words;

mod markup;
mod message;
mod outbox;
mod telling;

pub use message::{Credit, ScoreMessage, Told, ToldFace, compose, pick_line};
pub use outbox::Outbox;
pub use telling::{Telling, score_message};
pub use words::Lang;
