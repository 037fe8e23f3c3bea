//! Sends in announcement channels: which are still to be published to the followers, and digests of those that had to
//! wait.

use sqlx::Row;
use time::{Duration, OffsetDateTime};

use super::codec::{millis, time};
use super::sends::{claim, send_row};
use super::{NewSend, Result, SendRow, Store, parse};
use crate::domain::{MessageKey, Scope, SendId, SendKind};

/// A send that its channel's followers have not got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpublished {
    pub send: SendId,
    pub kind: SendKind,
    pub scope: Scope,
    /// Where it is on Discord.
    pub key: MessageKey,
    pub sent_at: OffsetDateTime,
}

impl Store {
    /// Sends to be published, oldest first; those that failed lately not before their time.
    pub async fn unpublished(&self, now: OffsetDateTime) -> Result<Vec<Unpublished>> {
        sqlx::query(
            "SELECT * FROM sends WHERE announce = 1 AND published_at IS NULL AND digest IS NULL AND state = 'sent' \
             AND message IS NOT NULL AND retry_at <= ? ORDER BY id",
        )
        .bind(millis(now))
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            Ok(Unpublished {
                send: SendId(row.try_get("id")?),
                kind: parse(row.try_get("kind")?)?,
                scope: parse(row.try_get("scope")?)?,
                key: MessageKey {
                    channel: row.try_get::<i64, _>("channel")?.cast_unsigned(),
                    message: row.try_get::<i64, _>("message")?.cast_unsigned(),
                },
                sent_at: time(row.try_get("sent_at")?)?,
            })
        })
        .collect()
    }

    /// How many sends of a channel were published in the hour before `now`, and when the first of them was.
    pub async fn published_lately(&self, channel: u64, now: OffsetDateTime) -> Result<u32> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM sends WHERE channel = ? AND published_at > ?")
            .bind(channel.cast_signed())
            .bind(millis(now - Duration::HOUR))
            .fetch_one(&self.pool)
            .await?)
    }

    pub async fn set_published(&self, id: SendId, now: OffsetDateTime) -> Result<()> {
        sqlx::query("UPDATE sends SET published_at = ?, tries = 0, retry_at = 0 WHERE id = ?")
            .bind(millis(now))
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// It cannot be published: the channel is no announcement channel, or the bot may not.
    pub async fn set_unpublishable(&self, id: SendId, error: &str) -> Result<()> {
        sqlx::query("UPDATE sends SET announce = 0, tries = 0, retry_at = 0, error = ? WHERE id = ?")
            .bind(error)
            .bind(id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Claims a digest of these picks of one channel, which are then published through it alone.
    pub async fn claim_digest(&self, picks: &[Unpublished], now: OffsetDateTime) -> Result<Option<SendId>> {
        let Some(last) = picks.last() else { return Ok(None) };
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // Named after the last pick: a digest of the same picks is claimed once.
        let digest = NewSend {
            kind: SendKind::Digest,
            scope: last.scope,
            source: last.key,
            post: None,
            channel: last.key.channel,
        };
        let Some(id) = claim(&mut tx, &digest, now).await? else { return Ok(None) };
        for pick in picks {
            sqlx::query("UPDATE sends SET digest = ? WHERE id = ?")
                .bind(id.0)
                .bind(pick.send.0)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(id))
    }

    /// The picks that a digest lists and that are still there, oldest first.
    pub async fn digest_picks(&self, digest: SendId) -> Result<Vec<SendRow>> {
        sqlx::query("SELECT * FROM sends WHERE digest = ? AND state = 'sent' ORDER BY id")
            .bind(digest.0)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(send_row)
            .collect()
    }
}
