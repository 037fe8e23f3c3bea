//! What goes out to Discord: the claim and the way of a send.
//!
//! Writes are guarded by the state they start from: a source may be deleted at any moment, also while its reply is being
//! sent; what follows then is in `following`.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

use super::codec::{millis, time};
use super::{Result, Store, parse};
use crate::domain::{Lang, MessageKey, PostId, Scope, SendFailure, SendId, SendKind, SendState};

/// What is to be sent. `(kind, source, post)` is claimed once, ever. Answers are sent by their commands: see
/// [`NewAnswer`](super::NewAnswer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSend {
    pub kind: SendKind,
    pub scope: Scope,
    /// The message it speaks of.
    pub source: MessageKey,
    /// Of a pick; `None`: all posts of the message.
    pub post: Option<PostId>,
    /// The channel it goes to.
    pub channel: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SendRow {
    pub id: SendId,
    pub kind: SendKind,
    pub scope: Scope,
    /// `None` for the pick of a picture that no message showed: one from a timeline.
    pub source: Option<MessageKey>,
    pub post: Option<PostId>,
    pub channel: u64,
    pub state: SendState,
    /// What was sent.
    pub message: Option<u64>,
    /// The forward that was sent after it.
    pub companion: Option<u64>,
    /// That forward has not been sent yet.
    pub owes_forward: bool,
    /// What it shows has changed since.
    pub changed: bool,
    /// Of an answer: who asked, until they are forgotten, and the language they were answered in.
    pub asker: Option<u64>,
    pub lang: Option<Lang>,
    /// Failed tries since the last that succeeded.
    pub tries: u32,
    pub error: Option<String>,
    /// Why it was given up.
    pub failure: Option<SendFailure>,
    pub claimed_at: OffsetDateTime,
    pub sent_at: Option<OffsetDateTime>,
}

impl SendRow {
    /// Where on Discord it is, once sent.
    pub fn key(&self) -> Option<MessageKey> {
        self.message.map(|message| MessageKey { channel: self.channel, message })
    }
}

/// How a failed try left things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Refused: nothing was sent.
    Refused,
    /// Nobody knows whether it went through.
    Unknown,
}

/// What is to be done once a send is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Follows {
    /// Publish it to those who follow the channel.
    pub announce: bool,
    /// Forward the source after it.
    pub forward: bool,
}

/// The posts that a reply or an answer shows and that have not come to their end.
const UNFINISHED: &str = "SELECT 1 FROM posts p WHERE p.message = s.source AND p.scope = s.scope AND \
                          (p.asked = 0 OR s.kind = 'answer') AND p.state NOT IN ('published', 'failed')";

impl Store {
    /// The oldest row of each channel for which there is something to do at `now`: to be sent, to be settled, to be
    /// changed, to be deleted.
    pub async fn due_sends(&self, now: OffsetDateTime) -> Result<Vec<SendRow>> {
        let sql = format!(
            "SELECT *, min(id) FROM ( \
             SELECT * FROM sends s WHERE state IN ('waiting', 'sending', 'deleting') AND retry_at <= ?1 AND \
             (state <> 'waiting' OR CASE kind WHEN 'reply' THEN NOT EXISTS ({UNFINISHED}) \
             WHEN 'pick' THEN NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = s.post AND p.state <> 'published') \
             ELSE true END) \
             UNION ALL SELECT * FROM sends s WHERE state = 'sent' AND changed = 1 AND retry_at <= ?1 AND \
             (kind NOT IN ('reply', 'answer') OR NOT EXISTS ({UNFINISHED})) \
             UNION ALL SELECT * FROM sends s WHERE companion = 0 AND state = 'sent' AND retry_at <= ?1 \
             ) GROUP BY channel ORDER BY id"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(millis(now))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(send_row)
            .collect()
    }

    /// When the next row becomes due that waits for its time alone.
    pub async fn next_send_due(&self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT min(at) FROM ( \
             SELECT min(retry_at) AS at FROM sends WHERE state IN ('waiting', 'sending', 'deleting') AND retry_at > ?1 \
             UNION ALL SELECT min(retry_at) FROM sends WHERE state = 'sent' AND changed = 1 AND retry_at > ?1 \
             UNION ALL SELECT min(retry_at) FROM sends WHERE companion = 0 AND state = 'sent' AND retry_at > ?1)",
        )
        .bind(millis(now))
        .fetch_one(&self.pool)
        .await?;
        at.map(time).transpose()
    }

    /// Claims a row on its own, such as a digest. `None` when it was claimed before.
    pub async fn claim_send(&self, send: &NewSend, now: OffsetDateTime) -> Result<Option<SendId>> {
        let mut connection = self.pool.acquire().await?;
        claim(&mut connection, send, now).await
    }

    pub async fn send(&self, id: SendId) -> Result<Option<SendRow>> {
        sqlx::query("SELECT * FROM sends WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(send_row)
            .transpose()
    }

    /// What was sent as this message, if the bot sent it.
    pub async fn send_by_message(&self, message: u64) -> Result<Option<SendRow>> {
        sqlx::query("SELECT * FROM sends WHERE message = ?1 OR companion = ?1 ORDER BY id DESC LIMIT 1")
            .bind(message.cast_signed())
            .fetch_optional(&self.pool)
            .await?
            .as_ref()
            .map(send_row)
            .transpose()
    }

    /// All that speaks of this message, oldest first.
    pub async fn sends_of(&self, source: MessageKey) -> Result<Vec<SendRow>> {
        sqlx::query("SELECT * FROM sends WHERE source = ? ORDER BY id")
            .bind(source.to_string())
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(send_row)
            .collect()
    }

    /// Posts of a message in the order of its pictures; `asked`: those that a command asked for.
    pub async fn message_posts(&self, message: MessageKey, asked: bool) -> Result<Vec<PostId>> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM posts WHERE message = ? AND asked = ? ORDER BY part, id")
                .bind(message.to_string())
                .bind(asked)
                .fetch_all(&self.pool)
                .await?;
        Ok(ids.into_iter().map(PostId).collect())
    }

    /// Given up lately, newest first: what a health page or a permission check shows.
    pub async fn failed_sends(&self, scope: Option<Scope>, since: OffsetDateTime, limit: u32) -> Result<Vec<SendRow>> {
        sqlx::query(
            "SELECT * FROM sends WHERE state = 'failed' AND claimed_at >= ?1 AND (?2 IS NULL OR scope = ?2) \
             ORDER BY id DESC LIMIT ?3",
        )
        .bind(millis(since))
        .bind(scope.map(|s| s.to_string()))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(send_row)
        .collect()
    }

    /// Sends that have not come to their end.
    pub async fn pending_sends(&self) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM sends WHERE state IN ('waiting', 'sending', 'deleting')")
            .fetch_one(&self.pool)
            .await?)
    }

    /// The request is about to leave. False when the row no longer waits for it.
    pub async fn begin_send(&self, id: SendId) -> Result<bool> {
        let begun = sqlx::query("UPDATE sends SET state = 'sending' WHERE id = ? AND state IN ('waiting', 'sending')")
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(begun.rows_affected() == 1)
    }

    /// Discord has it. A row whose source went meanwhile stays to be deleted.
    pub async fn set_sent(&self, id: SendId, message: u64, follows: Follows, now: OffsetDateTime) -> Result<()> {
        sqlx::query(
            "UPDATE sends SET state = CASE WHEN state IN ('deleting', 'gone') THEN 'deleting' ELSE 'sent' END, \
             message = ?, announce = ?, companion = ?, sent_at = ?, tries = 0, retry_at = 0, error = NULL WHERE id = ?",
        )
        .bind(message.cast_signed())
        .bind(follows.announce)
        .bind(follows.forward.then_some(0))
        .bind(millis(now))
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The forward was sent; `None`: it cannot be.
    pub async fn set_companion(&self, id: SendId, message: Option<u64>) -> Result<()> {
        sqlx::query("UPDATE sends SET companion = ?, tries = 0, retry_at = 0 WHERE id = ?")
            .bind(message.map(u64::cast_signed))
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// There is nothing to say. What was said before is gone already.
    pub async fn set_silent(&self, id: SendId) -> Result<()> {
        sqlx::query(
            "UPDATE sends SET state = CASE state WHEN 'deleting' THEN 'gone' ELSE 'silent' END, message = NULL, \
             tries = 0, retry_at = 0, error = NULL WHERE id = ? AND state IN ('waiting', 'sending', 'sent', 'deleting')",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It failed for now; answers how often it did.
    pub async fn count_send_try(&self, id: SendId) -> Result<u32> {
        Ok(sqlx::query_scalar("UPDATE sends SET tries = tries + 1 WHERE id = ? RETURNING tries")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await?
            .unwrap_or(0))
    }

    /// It is tried again at `at`. What may have gone through stays to be settled.
    pub async fn retry_send(&self, id: SendId, attempt: Attempt, at: OffsetDateTime, error: &str) -> Result<()> {
        sqlx::query(
            "UPDATE sends SET state = CASE WHEN state = 'sending' AND ? THEN 'waiting' ELSE state END, \
             changed = CASE WHEN changed = 2 THEN 1 ELSE changed END, retry_at = ?, error = ? WHERE id = ?",
        )
        .bind(attempt == Attempt::Refused)
        .bind(millis(at))
        .bind(error)
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It failed for good. What was to be deleted and never came to be is gone.
    pub async fn fail_send(&self, id: SendId, failure: SendFailure, error: &str) -> Result<()> {
        sqlx::query(
            "UPDATE sends SET state = CASE WHEN state = 'deleting' AND message IS NULL THEN 'gone' ELSE 'failed' END, \
             changed = 0, failure = ?, error = ? WHERE id = ?",
        )
        .bind(failure.as_str())
        .bind(error)
        .bind(id.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It is on Discord no longer.
    pub async fn set_gone(&self, id: SendId) -> Result<()> {
        sqlx::query("UPDATE sends SET state = 'gone', changed = 0, error = NULL WHERE id = ?")
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// In the caller's transaction. `None` when it was claimed before.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    send: &NewSend,
    now: OffsetDateTime,
) -> Result<Option<SendId>> {
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO sends (kind, scope, source, post, channel, state, claimed_at) VALUES (?, ?, ?, ?, ?, 'waiting', ?) \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(send.kind.as_str())
    .bind(send.scope.to_string())
    .bind(send.source.to_string())
    .bind(send.post.map_or(0, |p| p.0))
    .bind(send.channel.cast_signed())
    .bind(millis(now))
    .fetch_optional(connection)
    .await?;
    Ok(id.map(SendId))
}

pub(super) fn send_row(row: &SqliteRow) -> Result<SendRow> {
    let number = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(i64::cast_unsigned));
    Ok(SendRow {
        id: SendId(row.try_get("id")?),
        kind: parse(row.try_get("kind")?)?,
        scope: parse(row.try_get("scope")?)?,
        source: Some(row.try_get::<&str, _>("source")?).filter(|key| !key.is_empty()).map(parse).transpose()?,
        post: Some(row.try_get("post")?).filter(|&id| id != 0).map(PostId),
        channel: row.try_get::<i64, _>("channel")?.cast_unsigned(),
        state: parse(row.try_get("state")?)?,
        message: number("message")?,
        companion: number("companion")?.filter(|&id| id != 0),
        owes_forward: number("companion")? == Some(0),
        changed: row.try_get::<i64, _>("changed")? != 0,
        asker: number("asker")?,
        lang: row.try_get::<Option<&str>, _>("lang")?.map(parse).transpose()?,
        tries: row.try_get("tries")?,
        error: row.try_get("error")?,
        failure: row.try_get::<Option<&str>, _>("failure")?.map(parse).transpose()?,
        claimed_at: time(row.try_get("claimed_at")?)?,
        sent_at: row.try_get::<Option<i64>, _>("sent_at")?.map(time).transpose()?,
    })
}
