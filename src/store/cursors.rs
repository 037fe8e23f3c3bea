//! Where looking back begins in each channel that is watched.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Result, Store};

/// The newest message seen of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// A watched channel, or a thread in one.
    pub channel: u64,
    pub guild: u64,
    /// The watched channel.
    pub parent: u64,
    pub message: u64,
}

impl Store {
    pub async fn cursors(&self) -> Result<Vec<Cursor>> {
        sqlx::query("SELECT channel, guild, parent, message FROM cursors ORDER BY channel")
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(cursor)
            .collect()
    }

    /// Sets the channel's cursor; one that is further on stays.
    pub async fn advance_cursor(&self, cursor: &Cursor) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        advance(&mut connection, cursor).await
    }

    /// Moves the cursors of those of these (channel, message) that have one, in one transaction.
    pub async fn advance_known_cursors(&self, heard: &[(u64, u64)]) -> Result<()> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (channel, message) in heard {
            sqlx::query("UPDATE cursors SET message = max(message, ?) WHERE channel = ?")
                .bind(message.cast_signed())
                .bind(channel.cast_signed())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The channel is gone.
    pub async fn drop_cursor(&self, channel: u64) -> Result<()> {
        sqlx::query("DELETE FROM cursors WHERE channel = ?").bind(channel.cast_signed()).execute(&self.pool).await?;
        Ok(())
    }
}

/// In the caller's transaction.
pub(super) async fn advance(connection: &mut SqliteConnection, cursor: &Cursor) -> Result<()> {
    sqlx::query(
        "INSERT INTO cursors (channel, guild, parent, message) VALUES (?, ?, ?, ?) \
         ON CONFLICT (channel) DO UPDATE SET message = max(message, excluded.message), parent = excluded.parent",
    )
    .bind(cursor.channel.cast_signed())
    .bind(cursor.guild.cast_signed())
    .bind(cursor.parent.cast_signed())
    .bind(cursor.message.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

fn cursor(row: &SqliteRow) -> Result<Cursor> {
    let number = |name| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
    Ok(Cursor {
        channel: number("channel")?,
        guild: number("guild")?,
        parent: number("parent")?,
        message: number("message")?,
    })
}
