//! Messages: the pictures that were posted together are claimed together, with the reply that will speak of them.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::codec::millis;
use super::cursors::{Cursor, advance};
use super::feeds::drop_unfollowed;
use super::posts::{insert, remove};
use super::{BlobId, Result, Store, StoreError, following, parse, sends};
use crate::domain::{MessageKey, NewPost, Origin, PostId, PostSource, Scope, SendKind};

/// A message that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct MessageClaim<'a> {
    pub message: MessageKey,
    pub guild: u64,
    /// The watched channel.
    pub watched: u64,
    /// One a picture, in order; each with its place in this message.
    pub posts: &'a [NewPost],
    /// To be answered with a score card.
    pub reply: bool,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimedMessage {
    /// In the order of the pictures.
    pub posts: Vec<PostId>,
    /// Some of them are new.
    pub added: bool,
    /// Posts of the message that went, since their pictures did.
    pub removed: bool,
    /// Blobs that nobody refers to any more.
    pub orphans: Vec<BlobId>,
}

impl Store {
    /// Claims a message's pictures, its reply and its place as the newest seen, all or nothing. The same message may come
    /// again: what is known stays, what is shown no longer goes, what is new is added and the reply changes.
    pub async fn claim_message(&self, claim: &MessageClaim<'_>, now: OffsetDateTime) -> Result<ClaimedMessage> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known = known_posts(&mut tx, claim.message).await?;
        let mut claimed = ClaimedMessage::default();
        for post in claim.posts {
            let id = if let Some(&id) = known.get(&post.external_id) {
                keep(&mut tx, id, post).await?;
                id
            } else if let Some(id) = insert(&mut *tx, post).await? {
                claimed.added = true;
                id
            } else {
                return Err(StoreError::Unreadable(format!("post {} belongs to another message", post.external_id)));
            };
            claimed.posts.push(id);
        }
        let shown: HashSet<PostId> = claimed.posts.iter().copied().collect();
        for &id in known.values().filter(|id| !shown.contains(id)) {
            claimed.removed = true;
            claimed.orphans.extend(remove(&mut tx, id).await?.unwrap_or_default());
        }
        if claim.reply && claimed.added {
            claim_reply(&mut tx, claim, now).await?;
        }
        if claimed.added && !known.is_empty() {
            following::source_changed(&mut tx, claim.message).await?;
        }
        let MessageKey { channel, message } = claim.message;
        advance(&mut tx, &Cursor { channel, guild: claim.guild, parent: claim.watched, message }).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Messages of a channel that posts came in. `seen_since`: only those seen since then, without those that only a
    /// command asked about.
    pub async fn messages_in(&self, channel: u64, seen_since: Option<OffsetDateTime>) -> Result<Vec<MessageKey>> {
        let rows: Vec<String> = sqlx::query_scalar(
            // '0' follows '/': all keys of the channel, by the index.
            "SELECT DISTINCT message FROM posts WHERE message > ?1 || '/' AND message < ?1 || '0' \
             AND (?2 IS NULL OR (posted_at >= ?2 AND asked = 0))",
        )
        .bind(channel.to_string())
        .bind(seen_since.map(millis))
        .fetch_all(&self.pool)
        .await?;
        let mut keys: Vec<MessageKey> = rows.iter().map(|key| parse(key)).collect::<Result<_>>()?;
        keys.sort();
        Ok(keys)
    }

    /// Messages of guilds with posts since then, newest first: what reactions may have been missed on.
    pub async fn messages_since(&self, since: OffsetDateTime, limit: u32) -> Result<Vec<(u64, MessageKey)>> {
        let rows = sqlx::query(
            "SELECT message, scope, max(posted_at) AS newest FROM posts WHERE message NOT NULL AND posted_at >= ? \
             AND asked = 0 GROUP BY message, scope ORDER BY newest DESC LIMIT ?",
        )
        .bind(millis(since))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut messages = Vec::new();
        for row in &rows {
            if let Scope::Guild(guild) = parse(row.try_get("scope")?)? {
                messages.push((guild, parse(row.try_get("message")?)?));
            }
        }
        Ok(messages)
    }

    /// What stands in channels of guilds since then, newest first: reactions may have been missed on it.
    pub async fn sent_since(&self, since: OffsetDateTime, limit: u32) -> Result<Vec<(u64, MessageKey)>> {
        let rows = sqlx::query(
            "SELECT scope, channel, message FROM sends WHERE state = 'sent' AND message NOT NULL AND sent_at >= ? \
             ORDER BY id DESC LIMIT ?",
        )
        .bind(millis(since))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut messages = Vec::new();
        for row in &rows {
            if let Scope::Guild(guild) = parse(row.try_get("scope")?)? {
                let number = |name| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
                messages.push((guild, MessageKey { channel: number("channel")?, message: number("message")? }));
            }
        }
        Ok(messages)
    }

    /// Posts that a command asked for are in another message from now on.
    pub async fn move_posts(&self, from: MessageKey, to: MessageKey) -> Result<()> {
        sqlx::query("UPDATE posts SET message = ? WHERE message = ? AND asked = 1")
            .bind(to.to_string())
            .bind(from.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whether posts came in this message.
    pub async fn is_message_known(&self, message: MessageKey) -> Result<bool> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM posts WHERE message = ? AND asked = 0)")
            .bind(message.to_string())
            .fetch_one(&self.pool)
            .await?)
    }

    /// The key of the post's picture in its message, and the message; `None` where no message can be asked.
    pub async fn picture_in_message(&self, post: PostId) -> Result<Option<(MessageKey, String)>> {
        let row = sqlx::query("SELECT external_id, message FROM posts WHERE id = ? AND message NOT NULL AND asked = 0")
            .bind(post.0)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key: &str = row.try_get("external_id")?;
        let key = key.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Some((parse(row.try_get("message")?)?, key)))
    }

    /// A new link to a picture that is still to be fetched.
    pub async fn set_link(&self, post: PostId, url: &str) -> Result<()> {
        let origin = origin_json(&Origin::Link { url: url.to_owned() })?;
        sqlx::query("UPDATE posts SET origin = ? WHERE id = ? AND state = 'claimed'")
            .bind(origin)
            .bind(post.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How many of these posts are on their way still.
    pub async fn unfinished(&self, posts: &[PostId]) -> Result<u32> {
        let ids = serde_json::to_string(posts).map_err(|e| StoreError::Unreadable(e.to_string()))?;
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM posts WHERE id IN (SELECT value FROM json_each(?)) \
             AND state NOT IN ('published', 'failed')",
        )
        .bind(ids)
        .fetch_one(&self.pool)
        .await?)
    }
}

/// What is kept of guilds that the bot has left.
impl Store {
    /// Guilds left before then.
    pub async fn guilds_left_before(&self, then: OffsetDateTime) -> Result<Vec<u64>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM guilds WHERE left_at < ? ORDER BY id")
            .bind(millis(then))
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(i64::cast_unsigned).collect())
    }

    /// All posts that are decided by this taste.
    pub async fn posts_in(&self, scope: Scope) -> Result<Vec<PostId>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM posts WHERE scope = ? ORDER BY id")
            .bind(scope.to_string())
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(PostId).collect())
    }

    /// Forgets a guild whose posts are gone already: what was sent, said and learnt there, and what it settled.
    pub async fn forget_guild(&self, guild: u64) -> Result<()> {
        let scope = Scope::Guild(guild).to_string();
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for table in ["sends", "ratings", "tastes", "verdicts", "picks", "follows", "account_rules"] {
            sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE scope = ?")))
                .bind(&scope)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM tastes WHERE upon = ?").bind(&scope).execute(&mut *tx).await?;
        for (table, column) in [("cursors", "guild"), ("guilds", "id")] {
            sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE {column} = ?")))
                .bind(guild.cast_signed())
                .execute(&mut *tx)
                .await?;
        }
        drop_unfollowed(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn known_posts(connection: &mut SqliteConnection, message: MessageKey) -> Result<HashMap<String, PostId>> {
    sqlx::query("SELECT id, external_id FROM posts WHERE source = ? AND message = ? AND asked = 0")
        .bind(PostSource::Discord.as_str())
        .bind(message.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((row.try_get("external_id")?, PostId(row.try_get("id")?))))
        .collect()
}

/// A picture that is shown still: perhaps elsewhere among the others, and under a younger link.
async fn keep(connection: &mut SqliteConnection, id: PostId, post: &NewPost) -> Result<()> {
    sqlx::query(
        "UPDATE posts SET part = ?, origin = CASE state WHEN 'claimed' THEN ? ELSE origin END, \
         marked_restricted = max(marked_restricted, ?) WHERE id = ?",
    )
    .bind(post.place.as_ref().map_or(0, |p| p.part))
    .bind(origin_json(&post.origin)?)
    .bind(post.marked_restricted)
    .bind(id.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn claim_reply(connection: &mut SqliteConnection, claim: &MessageClaim<'_>, now: OffsetDateTime) -> Result<()> {
    // Once all pictures were taken out and the reply with them; now there are some again.
    sqlx::query("DELETE FROM sends WHERE kind = ? AND source = ? AND state = 'gone'")
        .bind(SendKind::Reply.as_str())
        .bind(claim.message.to_string())
        .execute(&mut *connection)
        .await?;
    let reply = sends::NewSend {
        kind: SendKind::Reply,
        scope: Scope::Guild(claim.guild),
        source: claim.message,
        post: None,
        channel: claim.message.channel,
    };
    sends::claim(connection, &reply, now).await?;
    Ok(())
}

fn origin_json(origin: &Origin) -> Result<String> {
    serde_json::to_string(origin).map_err(|e| StoreError::Unreadable(e.to_string()))
}
