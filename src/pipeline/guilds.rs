//! What guilds have settled, and the channels they have watched.

use std::collections::HashMap;

use super::Pipeline;
use crate::domain::{GuildSettings, Scope};
use crate::store::StoreError;

impl Pipeline {
    /// What the guild has settled; the defaults where it never did.
    pub async fn guild(&self, id: u64) -> Result<GuildSettings, StoreError> {
        self.store().guild(id).await
    }

    /// Holds from the next decision on. When the guild's word on reactions changes, its taste is fitted anew.
    pub async fn set_guild(&self, id: u64, settings: &GuildSettings) -> Result<(), StoreError> {
        self.store().set_guild(id, settings).await?;
        self.ratings.anywhere();
        Ok(())
    }

    /// The bot was removed from the guild.
    pub async fn guild_left(&self, id: u64) -> Result<(), StoreError> {
        self.store().guild_left(id, self.parts.clock.now()).await
    }

    /// The bot is in the guild, for the first time or again.
    pub async fn guild_joined(&self, id: u64) -> Result<(), StoreError> {
        self.store().guild_joined(id).await
    }

    /// Guilds that the bot was not removed from.
    pub async fn guilds(&self) -> Result<Vec<u64>, StoreError> {
        self.store().guilds().await
    }

    /// Watches a channel; false when it was watched before.
    pub async fn watch(&self, guild: u64, channel: u64) -> Result<bool, StoreError> {
        self.store().watch(guild, channel).await
    }

    /// Watches a channel no more; false when it was not watched.
    pub async fn unwatch(&self, guild: u64, channel: u64) -> Result<bool, StoreError> {
        self.store().unwatch(guild, channel).await
    }

    /// The guild's watched channels.
    pub async fn watched(&self, guild: u64) -> Result<Vec<u64>, StoreError> {
        self.store().watched(guild).await
    }

    /// Every watched channel with its guild.
    pub async fn watched_all(&self) -> Result<HashMap<u64, u64>, StoreError> {
        self.store().watched_all().await
    }

    /// Whose taste a message in this guild, or outside of any, is judged by.
    pub fn scope_of(guild: Option<u64>, person: u64) -> Scope {
        guild.map_or(Scope::User(person), Scope::Guild)
    }
}
