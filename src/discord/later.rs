//! Messages that could not be dealt with when they were heard, since Discord did not answer about them: each is looked up
//! again with growing pauses, also after a restart.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::App;
use super::breaker::CallError;
use super::events::Heard;
use super::links::fetch_message;
use super::raw::RawMessage;
use crate::domain::MessageKey;
use crate::pipeline::{StoreError, Unheard};

/// Looked up so often; with the pauses, that is an hour and a half.
const TRIES: u32 = 24;
const LONGEST_PAUSE: time::Duration = time::Duration::minutes(5);
/// How often it is looked whether one's time has come.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Later {
    app: App,
    queue: UnboundedSender<Heard>,
    /// There is one more.
    kept: Arc<Notify>,
}

impl Later {
    pub(super) fn new(app: App, queue: UnboundedSender<Heard>, kept: Arc<Notify>) -> Self {
        Self { app, queue, kept }
    }

    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            let more = match self.look().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::error!(%error, "cannot read which messages are to be looked up again");
                    true
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.kept.notified() => {}
                () = tokio::time::sleep(LOOK), if more => {}
            }
        }
    }

    /// Looks up those whose time has come; answers whether any is left.
    async fn look(&self) -> Result<bool, StoreError> {
        let (pipeline, store) = (&self.app.pipeline, self.app.pipeline.store());
        for unheard in store.due_unheard(pipeline.now()).await? {
            let message = unheard.key.message;
            if unheard.tries >= TRIES {
                tracing::error!(message = %unheard.key, "a message was given up: Discord never answered about it");
                store.drop_unheard(message).await?;
                continue;
            }
            store.retry_unheard(message, pipeline.now() + pause(unheard.tries)).await?;
            let heard = match self.look_up(&unheard).await {
                Ok(heard) => heard,
                Err(error) if error.is_retryable() => continue,
                Err(error) => {
                    tracing::warn!(message = %unheard.key, %error, "a message was given up");
                    store.drop_unheard(message).await?;
                    continue;
                }
            };
            // Closed at a stop.
            heard.map(|heard| self.queue.send(heard));
        }
        store.has_unheard().await
    }

    /// `None`: what Discord answered cannot be read.
    async fn look_up(&self, unheard: &Unheard) -> Result<Option<Heard>, CallError> {
        let (as_of, key) = (Instant::now(), unheard.key);
        match fetch_message(&self.app.rest.http(), &self.app.calls, key).await {
            Ok(value) => Ok(RawMessage::read(&value).map(|message| {
                let message = Box::new(RawMessage { guild: Some(unheard.guild), ..message });
                Heard::Fetched { as_of, message, is_new: true }
            })),
            Err(error) if error.is_gone() => Ok(Some(Heard::Missing { as_of, message: key })),
            Err(error) => Err(error),
        }
    }
}

/// After so many tries.
pub(super) fn pause(tries: u32) -> time::Duration {
    time::Duration::seconds(1 << tries.min(10)).min(LONGEST_PAUSE)
}

/// The message and the guild to look up again, of what was heard.
pub(super) fn message_of(heard: &Heard) -> Option<(MessageKey, u64)> {
    match heard {
        Heard::Created(message) | Heard::Edited(message) | Heard::Fetched { message, .. } => {
            Some((message.key, message.guild?))
        }
        _ => None,
    }
}
