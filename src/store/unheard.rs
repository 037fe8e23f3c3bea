//! Messages that were heard of and could not be dealt with yet.

use sqlx::Row;
use time::OffsetDateTime;

use super::codec::millis;
use super::{Result, Store};
use crate::domain::MessageKey;

/// A message to look up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unheard {
    pub key: MessageKey,
    pub guild: u64,
    pub tries: u32,
}

impl Store {
    /// Keeps a message for later; one that is kept already keeps its time.
    pub async fn keep_unheard(&self, key: MessageKey, guild: u64, retry_at: OffsetDateTime) -> Result<()> {
        sqlx::query(
            "INSERT INTO unheard (message, channel, guild, tries, retry_at) VALUES (?, ?, ?, 0, ?) \
             ON CONFLICT (message) DO NOTHING",
        )
        .bind(key.message.cast_signed())
        .bind(key.channel.cast_signed())
        .bind(guild.cast_signed())
        .bind(millis(retry_at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Those whose time has come, oldest first.
    pub async fn due_unheard(&self, now: OffsetDateTime) -> Result<Vec<Unheard>> {
        sqlx::query("SELECT * FROM unheard WHERE retry_at <= ? ORDER BY message LIMIT 50")
            .bind(millis(now))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(|row| {
                Ok(Unheard {
                    key: MessageKey {
                        channel: row.try_get::<i64, _>("channel")?.cast_unsigned(),
                        message: row.try_get::<i64, _>("message")?.cast_unsigned(),
                    },
                    guild: row.try_get::<i64, _>("guild")?.cast_unsigned(),
                    tries: row.try_get("tries")?,
                })
            })
            .collect()
    }

    /// Whether any is kept.
    pub async fn has_unheard(&self) -> Result<bool> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM unheard)").fetch_one(&self.pool).await?)
    }

    /// It is looked up now; if that comes to nothing, again then.
    pub async fn retry_unheard(&self, message: u64, retry_at: OffsetDateTime) -> Result<()> {
        sqlx::query("UPDATE unheard SET tries = tries + 1, retry_at = ? WHERE message = ?")
            .bind(millis(retry_at))
            .bind(message.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// It was dealt with, or never will be.
    pub async fn drop_unheard(&self, message: u64) -> Result<()> {
        sqlx::query("DELETE FROM unheard WHERE message = ?").bind(message.cast_signed()).execute(&self.pool).await?;
        Ok(())
    }
}
