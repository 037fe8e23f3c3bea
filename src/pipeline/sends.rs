//! What goes out to Discord, as the outbox sees it; and what follows when a source goes.

use time::OffsetDateTime;

use super::Pipeline;
use crate::domain::{MessageKey, PostId, Scope, SendId};
use crate::store::{BlobKind, StoreError};

pub use crate::store::{Attempt, Follows, NewAnswer, NewSend, SendRow, Unheard, Unpublished};

impl Pipeline {
    /// Waits until there may be something to send: a post came to its end, or a source changed or went.
    pub async fn sends_changed(&self) {
        self.sends.notified().await;
    }

    /// Keeps an answer that a command has sent about these posts, so that reactions, buttons, edits and deletions find it.
    pub async fn record_answer(&self, answer: &NewAnswer, posts: &[PostId]) -> Result<SendId, StoreError> {
        let id = self.store().record_answer(answer, posts, self.parts.clock.now()).await?;
        // Somebody may have been quicker to react than this was to write down what the message is.
        self.settle_reactions(answer.sent).await?;
        self.sends.notify_one();
        Ok(id)
    }

    /// What an answer about this message shows, in the order of its pictures.
    pub async fn answer_posts(&self, source: MessageKey, scope: Scope) -> Result<Vec<PostId>, StoreError> {
        self.store().answer_posts(source, scope).await
    }

    /// A message is gone from its channel: its posts go, with pictures, faces and ratings that no other post needs, and
    /// what was sent about it is deleted on Discord. False when nothing here knew it.
    pub async fn source_deleted(&self, message: MessageKey) -> Result<bool, StoreError> {
        let Some(orphans) = self.store().source_deleted(message).await? else { return Ok(false) };
        for blob in orphans {
            self.blobs().remove(BlobKind::Crop, blob)?;
        }
        // Ratings went with the posts, and there is something to delete.
        self.ratings.anywhere();
        self.post_ended();
        Ok(true)
    }

    /// Takes one of the bot's own messages away, whatever state it is in.
    pub async fn withdraw_send(&self, send: SendId) -> Result<(), StoreError> {
        self.store().withdraw_send(send).await?;
        self.sends.notify_one();
        Ok(())
    }

    /// What was sent as this message, if the bot sent it.
    pub async fn send_by_message(&self, message: u64) -> Result<Option<SendRow>, StoreError> {
        self.store().send_by_message(message).await
    }

    /// All that speaks of this message, oldest first.
    pub async fn sends_of(&self, source: MessageKey) -> Result<Vec<SendRow>, StoreError> {
        self.store().sends_of(source).await
    }

    /// Given up since then, newest first: for permission checks and health.
    pub async fn failed_sends(&self, scope: Option<Scope>, since: OffsetDateTime) -> Result<Vec<SendRow>, StoreError> {
        self.store().failed_sends(scope, since, 20).await
    }

    /// Posts of a message in the order of its pictures; `asked`: those that a command asked for.
    pub async fn message_posts(&self, message: MessageKey, asked: bool) -> Result<Vec<PostId>, StoreError> {
        self.store().message_posts(message, asked).await
    }

    /// Whether a post belongs behind the age gate: its source marked it, or the models find it explicit or suggestive.
    pub async fn is_age_restricted(&self, post: PostId) -> Result<bool, StoreError> {
        let Some(row) = self.store().post(post).await? else { return Ok(false) };
        if row.marked_restricted {
            return Ok(true);
        }
        let Some(picture) = row.picture else { return Ok(false) };
        Ok(self.store().picture(picture).await?.is_some_and(|p| p.safety.is_restricted()))
    }

    /// Whether the poster had covered the picture.
    pub async fn is_spoilered(&self, post: PostId) -> Result<bool, StoreError> {
        Ok(self.store().work_item(post).await?.is_some_and(|item| item.origin.is_spoilered()))
    }

    pub fn now(&self) -> OffsetDateTime {
        self.parts.clock.now()
    }
}
