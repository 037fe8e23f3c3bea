//! Claim of what came in a Discord message: all its pictures at once, or those that a command asks about.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Pipeline, SubmitError, WAITING_POSTS};
use crate::domain::{Author, MessageKey, NewPost, Origin, Place, PostId, PostSource, Rater, Scope};
use crate::store::{BlobKind, Claim, Cursor, MessageClaim, PostRow, StoreError};

/// How long what is kept of a guild stays after the bot was removed from it.
const LEFT: time::Duration = time::Duration::days(30);

/// A picture that a message shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePicture {
    /// Names it within its message for good.
    pub key: String,
    /// May age.
    pub url: String,
    pub title: Option<String>,
}

/// A message in a watched channel, with everything that is shown in it now.
#[derive(Debug, Clone, PartialEq)]
pub struct IncomingMessage {
    pub message: MessageKey,
    pub guild: u64,
    /// The watched channel: the message's own, or its thread's.
    pub watched: u64,
    pub author: Author,
    pub author_id: Rater,
    pub link: String,
    pub posted_at: OffsetDateTime,
    pub marked_restricted: bool,
    pub pictures: Vec<MessagePicture>,
    /// To be answered with a score card.
    pub reply: bool,
}

/// Pictures that somebody asks about. They are scored for the one who asks, and never picked.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// `ask:` and the id of the interaction or message that asks.
    pub external_id: String,
    /// Whose taste.
    pub scope: Scope,
    /// Where the pictures are: reactions on it count, its deletion deletes.
    pub message: MessageKey,
    /// Of the pictures, as far as known.
    pub author: Author,
    pub author_id: Rater,
    pub link: Option<String>,
    pub posted_at: OffsetDateTime,
    pub marked_restricted: bool,
    pub pictures: Vec<MessagePicture>,
}

impl Pipeline {
    /// Claims the message's pictures; answers their posts in order. Idempotent: what is known stays, what is shown no
    /// longer goes and takes its pick along, and the reply follows. A message that shows nothing any more goes whole.
    pub async fn claim_message(&self, m: &IncomingMessage) -> Result<Vec<PostId>, StoreError> {
        if m.pictures.is_empty() {
            self.source_deleted(m.message).await?;
            return Ok(Vec::new());
        }
        let posts: Vec<NewPost> = (0..).zip(&m.pictures).map(|(part, p)| m.post(part, p)).collect();
        let claim =
            MessageClaim { message: m.message, guild: m.guild, watched: m.watched, posts: &posts, reply: m.reply };
        let claimed = self.store().claim_message(&claim, self.parts.clock.now()).await?;
        for blob in claimed.orphans {
            self.blobs().remove(BlobKind::Crop, blob)?;
        }
        if claimed.added {
            self.work.notify_one();
        }
        if claimed.removed {
            self.ratings.anywhere();
        }
        if claimed.added || claimed.removed {
            self.post_ended();
        }
        Ok(claimed.posts)
    }

    /// Claims what a command asks about; answers the posts in order. Asked again under the same id, the same posts.
    pub async fn claim_asked(&self, ask: &Ask) -> Result<Vec<PostId>, SubmitError> {
        if self.store().pending_posts().await? >= WAITING_POSTS {
            return Err(SubmitError::Busy);
        }
        let mut posts = Vec::with_capacity(ask.pictures.len());
        for (part, picture) in (0..).zip(&ask.pictures) {
            let claim = self.store().claim(&ask.post(part, picture)).await?;
            if let Claim::Already(post) = claim {
                self.store().reclaim_post(post).await?;
            }
            posts.push(claim.post());
        }
        self.work.notify_one();
        Ok(posts)
    }

    /// Posts of a message that commands asked about, whoever did.
    pub async fn asked_posts(&self, message: MessageKey) -> Result<Vec<PostRow>, StoreError> {
        self.store().asked_posts(message).await
    }

    /// Whether a command asked about this message.
    pub async fn is_asked_about(&self, message: MessageKey) -> Result<bool, StoreError> {
        Ok(!self.store().asked_posts(message).await?.is_empty())
    }

    /// A message that commands asked about shows other pictures now: their answers follow.
    pub async fn change_asked(&self, message: MessageKey, new: &[NewPost], gone: &[PostId]) -> Result<(), StoreError> {
        for blob in self.store().change_asked(message, new, gone).await? {
            self.blobs().remove(BlobKind::Crop, blob)?;
        }
        self.work.notify_one();
        self.ratings.anywhere();
        self.post_ended();
        Ok(())
    }

    /// Messages of guilds that commands asked about since then, newest first, with their guilds.
    pub async fn asked_since(&self, since: OffsetDateTime, limit: u32) -> Result<Vec<(u64, MessageKey)>, StoreError> {
        self.store().answered_since(since, limit).await
    }

    /// Waits until all these posts came to their end; false when the time was up before.
    pub async fn wait_done(&self, posts: &[PostId], within: Duration) -> Result<bool, StoreError> {
        let all = async {
            loop {
                let ended = self.ended.notified();
                tokio::pin!(ended);
                // Before the look: one that ends after it wakes us.
                ended.as_mut().enable();
                if self.store().unfinished(posts).await? == 0 {
                    return Ok(());
                }
                ended.await;
            }
        };
        match tokio::time::timeout(within, all).await {
            Ok(done) => done.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// A post came to its end, or went: who waits for that looks again.
    pub(super) fn post_ended(&self) {
        self.sends.notify_one();
        self.ended.notify_waiters();
    }

    /// What was asked about by a command is shown in its answer from now on: reactions on that count, its deletion deletes.
    pub async fn move_posts(&self, from: MessageKey, to: MessageKey) -> Result<(), StoreError> {
        self.store().move_posts(from, to).await
    }

    /// Whether something that came in this message is kept.
    pub async fn is_message_known(&self, message: MessageKey) -> Result<bool, StoreError> {
        self.store().is_message_known(message).await
    }

    /// A channel or thread is gone: all that came in it went with it. Answers how many messages that was.
    pub async fn channel_deleted(&self, channel: u64) -> Result<usize, StoreError> {
        let messages = self.store().messages_in(channel, None).await?;
        for &message in &messages {
            self.source_deleted(message).await?;
        }
        self.store().drop_cursor(channel).await?;
        Ok(messages.len())
    }

    /// Forgets the guilds that the bot was removed from long ago. Until then, coming back finds everything as it was.
    pub async fn forget_left_guilds(&self) -> Result<(), StoreError> {
        for guild in self.store().guilds_left_before(self.now() - LEFT).await? {
            let scope = Scope::Guild(guild);
            for post in self.store().posts_in(scope).await? {
                self.remove(post).await?;
            }
            self.store().forget_guild(guild).await?;
            self.ratings.anywhere();
            tracing::info!(guild, "forgot a guild that the bot was removed from long ago");
        }
        Ok(())
    }

    /// Messages of this channel since then that something was kept of, oldest first.
    pub async fn messages_in(&self, channel: u64, since: OffsetDateTime) -> Result<Vec<MessageKey>, StoreError> {
        self.store().messages_in(channel, Some(since)).await
    }

    /// Messages since then that people may have reacted to, with their guilds: those that something was kept of, and what
    /// the bot sent; at most `limit` of each, newest first.
    pub async fn reactable_since(
        &self,
        since: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<(u64, MessageKey)>, StoreError> {
        let mut messages = self.store().messages_since(since, limit).await?;
        messages.extend(self.store().sent_since(since, limit).await?);
        Ok(messages)
    }

    /// The newest message seen of each channel that is watched, threads included.
    pub async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        self.store().cursors().await
    }

    /// Looking back begins after this message, or a later one.
    pub async fn advance_cursor(&self, cursor: &Cursor) -> Result<(), StoreError> {
        self.store().advance_cursor(cursor).await
    }

    /// (channel, message) that were heard: moves the cursors of those channels that have one.
    pub async fn advance_known_cursors(&self, heard: &[(u64, u64)]) -> Result<(), StoreError> {
        self.store().advance_known_cursors(heard).await
    }
}

impl IncomingMessage {
    fn post(&self, part: u32, picture: &MessagePicture) -> NewPost {
        NewPost {
            source: PostSource::Discord,
            external_id: format!("{}/{}", self.message, picture.key),
            origin: Origin::Link { url: picture.url.clone() },
            title: picture.title.clone(),
            author: self.author.clone(),
            link: Some(self.link.clone()),
            posted_at: self.posted_at,
            marked_restricted: self.marked_restricted,
            scope: Scope::Guild(self.guild),
            place: Some(Place { message: self.message, part, author: self.author_id.clone(), asked: false }),
        }
    }
}

impl Ask {
    fn post(&self, part: u32, picture: &MessagePicture) -> NewPost {
        NewPost {
            source: PostSource::Discord,
            external_id: format!("{}/{}", self.external_id, picture.key),
            origin: Origin::Link { url: picture.url.clone() },
            title: picture.title.clone(),
            author: self.author.clone(),
            link: self.link.clone(),
            posted_at: self.posted_at,
            marked_restricted: self.marked_restricted,
            scope: self.scope,
            place: Some(Place { message: self.message, part, author: self.author_id.clone(), asked: true }),
        }
    }
}
