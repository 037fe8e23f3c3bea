//! What a failed request to Discord means for the row it was for.

use serenity::http::{ErrorResponse, HttpError};

use crate::domain::SendFailure;
use crate::pipeline::{Attempt, StoreError};

/// Why a send did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{why}")]
    Later { attempt: Attempt, why: String },
    #[error("{0}")]
    Refused(Refused),
    /// The channel or the message is no more.
    #[error("the channel or message is gone")]
    Missing,
    /// The message that a reply or a forward is about is no more.
    #[error("the message it is about is gone")]
    SourceGone,
    #[error("it is age-restricted or looks so, and the channel is not age-restricted")]
    AgeGate,
    /// Discord does not take what we send: our mistake.
    #[error("Discord does not take it: {0}")]
    Bad(String),
    #[error(transparent)]
    Internal(anyhow::Error),
}

/// A permission is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(super) struct Refused {
    pub(super) failure: SendFailure,
    /// Names it and the channel.
    pub(super) words: String,
}

impl Trouble {
    /// What an answer about a channel means.
    pub(super) fn of(error: serenity::Error, channel: u64) -> Self {
        match error {
            serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) => refused(&answer, channel),
            serenity::Error::Http(HttpError::Request(error)) => {
                let attempt = if error.is_connect() { Attempt::Refused } else { Attempt::Unknown };
                Self::Later { attempt, why: format!("Discord cannot be reached: {}", error.without_url()) }
            }
            serenity::Error::Model(error) => Self::Bad(error.to_string()),
            // An answer that cannot be read is an answer: what was asked for may have been done.
            error => Self::Later { attempt: Attempt::Unknown, why: format!("Discord's answer was odd: {error}") },
        }
    }

    /// Looking failed: whether the send arrived is as unknown as before.
    pub(super) fn unsure(self) -> Self {
        match self {
            Self::Later { why, .. } => Self::Later { attempt: Attempt::Unknown, why },
            other => other,
        }
    }

    pub(super) fn timed_out() -> Self {
        Self::Later { attempt: Attempt::Unknown, why: "Discord did not answer in time".into() }
    }

    /// What it is to be called when the row is given up for it.
    pub(super) fn failure(&self) -> SendFailure {
        match self {
            Self::Refused(refused) => refused.failure,
            Self::AgeGate => SendFailure::AgeGate,
            Self::Bad(_) => SendFailure::NotTaken,
            Self::Later { .. } | Self::Missing | Self::SourceGone | Self::Internal(_) => SendFailure::GivenUp,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Later { .. } => "later",
            Self::Refused(_) => "permission",
            Self::Missing => "missing",
            Self::SourceGone => "source_gone",
            Self::AgeGate => "age_gate",
            Self::Bad(_) => "bad",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

fn refused(answer: &ErrorResponse, channel: u64) -> Trouble {
    let (status, code) = (answer.status_code.as_u16(), answer.error.code);
    let said = format!("{} ({code})", answer.error.message);
    let missing = |failure, words| Trouble::Refused(Refused { failure, words });
    let about_source = answer.error.errors.iter().any(|e| e.path.starts_with("message_reference"));
    match (status, code) {
        (429, _) => Trouble::Later { attempt: Attempt::Refused, why: "Discord asks to go slower".into() },
        // The token is no longer good: the gateway will say so, and nothing was sent.
        (401, _) => Trouble::Later { attempt: Attempt::Refused, why: "Discord does not know the token".into() },
        (500.., _) => Trouble::Later { attempt: Attempt::Unknown, why: format!("Discord has trouble: HTTP {status}") },
        (_, 50001) => missing(
            SendFailure::CannotSee,
            format!("the bot cannot see <#{channel}>: it needs View Channel there (50001)"),
        ),
        (_, 50013) => missing(
            SendFailure::Permission,
            format!(
                "a permission is missing in <#{channel}>: the bot needs Send Messages (in threads: Send Messages in \
                 Threads), Attach Files and Read Message History there (50013)"
            ),
        ),
        (403, _) => missing(SendFailure::Permission, format!("Discord refuses in <#{channel}>: {said}")),
        (404, 10008) if about_source => Trouble::SourceGone,
        (404, _) => Trouble::Missing,
        _ if about_source => Trouble::SourceGone,
        _ => Trouble::Bad(said),
    }
}
