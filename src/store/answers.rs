//! Answers to those who asked: each has a row of its own, and follows the message it speaks of.

use serde_json::json;
use time::OffsetDateTime;

use super::codec::millis;
use super::following::source_changed;
use super::posts::{insert, remove};
use super::{BlobId, PostRow, Result, Store, parse};
use crate::domain::{Lang, MessageKey, NewPost, PostId, Scope, SendId};

/// An answer that a command has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAnswer {
    pub scope: Scope,
    /// The message it speaks of.
    pub source: MessageKey,
    /// Where it is on Discord.
    pub sent: MessageKey,
    /// Who asked, and in which language they were answered.
    pub asker: u64,
    pub lang: Lang,
}

impl Store {
    /// Keeps an answer that was sent already, so that reactions and deletions find it. Its source may have changed or gone
    /// while it was made: of the `posts` that it shows, some may be there no longer.
    pub async fn record_answer(&self, answer: &NewAnswer, posts: &[PostId], now: OffsetDateTime) -> Result<SendId> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let (left, still): (u32, u32) = sqlx::query_as(
            "SELECT count(*), count(*) FILTER (WHERE id IN (SELECT value FROM json_each(?3))) FROM posts \
             WHERE message = ?1 AND scope = ?2",
        )
        .bind(answer.source.to_string())
        .bind(answer.scope.to_string())
        .bind(json!(posts).to_string())
        .fetch_one(&mut *tx)
        .await?;
        let id = sqlx::query_scalar(
            "INSERT INTO sends (kind, scope, source, channel, state, message, changed, claimed_at, sent_at, asker, lang) \
             VALUES ('answer', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9) RETURNING id",
        )
        .bind(answer.scope.to_string())
        .bind(answer.source.to_string())
        .bind(answer.sent.channel.cast_signed())
        .bind(if left == 0 { "deleting" } else { "sent" })
        .bind(answer.sent.message.cast_signed())
        .bind(left > 0 && (still as usize) < posts.len())
        .bind(millis(now))
        .bind(answer.asker.cast_signed())
        .bind(answer.lang.code())
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(SendId(id))
    }

    /// What an answer about this message shows, in the order of its pictures: what was asked about, else what was seen
    /// there anyway.
    pub async fn answer_posts(&self, source: MessageKey, scope: Scope) -> Result<Vec<PostId>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM posts p WHERE message = ?1 AND scope = ?2 AND asked = \
             (SELECT max(asked) FROM posts WHERE message = ?1 AND scope = ?2) ORDER BY part, id",
        )
        .bind(source.to_string())
        .bind(scope.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(PostId).collect())
    }

    /// Posts of a message that commands asked about, whoever did.
    pub async fn asked_posts(&self, message: MessageKey) -> Result<Vec<PostRow>> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM posts WHERE message = ? AND asked = 1 ORDER BY part, id")
                .bind(message.to_string())
                .fetch_all(&self.pool)
                .await?;
        let mut posts = Vec::with_capacity(ids.len());
        for id in ids {
            posts.extend(self.post(PostId(id)).await?);
        }
        Ok(posts)
    }

    /// A message that was asked about shows other pictures now: some posts come, some go, and its answers change. Returns
    /// the blobs nobody refers to any more.
    pub async fn change_asked(&self, message: MessageKey, new: &[NewPost], gone: &[PostId]) -> Result<Vec<BlobId>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut orphans = Vec::new();
        for &post in gone {
            orphans.extend(remove(&mut tx, post).await?.unwrap_or_default());
        }
        for post in new {
            insert(&mut *tx, post).await?;
        }
        source_changed(&mut tx, message).await?;
        tx.commit().await?;
        Ok(orphans)
    }

    /// Messages of guilds that answers were given about since then, newest first, with their guilds.
    pub async fn answered_since(&self, since: OffsetDateTime, limit: u32) -> Result<Vec<(u64, MessageKey)>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT scope, source FROM sends WHERE kind = 'answer' AND state = 'sent' AND sent_at >= ? \
             AND scope LIKE 'guild:%' GROUP BY source ORDER BY max(id) DESC LIMIT ?",
        )
        .bind(millis(since))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut messages = Vec::new();
        for (scope, source) in &rows {
            if let Scope::Guild(guild) = parse(scope)? {
                messages.push((guild, parse(source)?));
            }
        }
        Ok(messages)
    }
}
