//! Guilds: what their moderators settled, and the channels that are watched.

use std::collections::HashMap;

use sqlx::Row;
use time::OffsetDateTime;

use super::codec::millis;
use super::{Result, Store, StoreError};
use crate::domain::GuildSettings;

impl Store {
    /// What the guild has settled; the defaults where it never did.
    pub async fn guild(&self, id: u64) -> Result<GuildSettings> {
        let mut connection = self.pool.acquire().await?;
        guild_settings(&mut connection, id).await
    }

    pub async fn set_guild(&self, id: u64, settings: &GuildSettings) -> Result<()> {
        sqlx::query(
            "INSERT INTO guilds (id, settings) VALUES (?, ?) \
             ON CONFLICT (id) DO UPDATE SET settings = excluded.settings",
        )
        .bind(id.cast_signed())
        .bind(json(settings)?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The bot was removed from the guild: what is kept of it stays, nothing of it is watched.
    pub async fn guild_left(&self, id: u64, at: OffsetDateTime) -> Result<()> {
        sqlx::query("UPDATE guilds SET left_at = ? WHERE id = ?")
            .bind(millis(at))
            .bind(id.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The bot is in the guild, for the first time or again.
    pub async fn guild_joined(&self, id: u64) -> Result<()> {
        sqlx::query("INSERT INTO guilds (id, settings) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET left_at = NULL")
            .bind(id.cast_signed())
            .bind(json(&GuildSettings::default())?)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Guilds that the bot was not removed from.
    pub async fn guilds(&self) -> Result<Vec<u64>> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM guilds WHERE left_at IS NULL ORDER BY id").fetch_all(&self.pool).await?;
        Ok(ids.into_iter().map(i64::cast_unsigned).collect())
    }

    /// Watches a channel; false when it was watched before.
    pub async fn watch(&self, guild: u64, channel: u64) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO guilds (id, settings) VALUES (?, ?) ON CONFLICT (id) DO NOTHING")
            .bind(guild.cast_signed())
            .bind(json(&GuildSettings::default())?)
            .execute(&mut *tx)
            .await?;
        let added = sqlx::query("INSERT INTO watched_channels (channel, guild) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(channel.cast_signed())
            .bind(guild.cast_signed())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        tx.commit().await?;
        Ok(added == 1)
    }

    /// Watches a channel no more; false when it was not watched. Where looking back began is forgotten: what is posted
    /// until it is watched again is nobody's business.
    pub async fn unwatch(&self, guild: u64, channel: u64) -> Result<bool> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query("DELETE FROM watched_channels WHERE channel = ? AND guild = ?")
            .bind(channel.cast_signed())
            .bind(guild.cast_signed())
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed == 1 {
            sqlx::query("DELETE FROM cursors WHERE parent = ? AND guild = ?")
                .bind(channel.cast_signed())
                .bind(guild.cast_signed())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(removed == 1)
    }

    /// The guild's watched channels.
    pub async fn watched(&self, guild: u64) -> Result<Vec<u64>> {
        let channels: Vec<i64> =
            sqlx::query_scalar("SELECT channel FROM watched_channels WHERE guild = ? ORDER BY channel")
                .bind(guild.cast_signed())
                .fetch_all(&self.pool)
                .await?;
        Ok(channels.into_iter().map(i64::cast_unsigned).collect())
    }

    /// Every watched channel with its guild, but of guilds that the bot was removed from.
    pub async fn watched_all(&self) -> Result<HashMap<u64, u64>> {
        sqlx::query(
            "SELECT w.channel, w.guild FROM watched_channels w JOIN guilds g ON g.id = w.guild WHERE g.left_at IS NULL",
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|row| {
            let (channel, guild): (i64, i64) = (row.try_get("channel")?, row.try_get("guild")?);
            Ok((channel.cast_unsigned(), guild.cast_unsigned()))
        })
        .collect()
    }
}

pub(super) async fn guild_settings(connection: &mut sqlx::SqliteConnection, id: u64) -> Result<GuildSettings> {
    let settings: Option<String> = sqlx::query_scalar("SELECT settings FROM guilds WHERE id = ?")
        .bind(id.cast_signed())
        .fetch_optional(connection)
        .await?;
    settings.map_or_else(
        || Ok(GuildSettings::default()),
        |json| serde_json::from_str(&json).map_err(|e| StoreError::Unreadable(format!("settings of guild {id}: {e}"))),
    )
}

fn json(settings: &GuildSettings) -> Result<String> {
    serde_json::to_string(settings).map_err(|e| StoreError::Unreadable(e.to_string()))
}
