//! What is known of channels: whose thread one is, and whether it is age-restricted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serenity::all::{Cache, Channel, ChannelId, ChannelType, Guild, GuildChannel, GuildId, NsfwLevel};

use super::App;
use super::breaker::{Act, CallError};

/// Channels remembered that the cache does not know: archived threads, other guilds'.
const REMEMBERED: usize = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) guild: u64,
    /// The channel whose thread, or forum whose post, this is.
    pub(super) parent: Option<u64>,
    /// It, its parent or its guild is age-restricted.
    pub(super) restricted: bool,
}

/// Looks in what the gateway told, then asks.
#[derive(Debug, Default)]
pub(super) struct Places {
    cache: Mutex<Option<Arc<Cache>>>,
    asked: Mutex<HashMap<u64, Place>>,
}

impl Places {
    /// A session began: its cache is the one that is kept up to date.
    pub(super) fn use_cache(&self, cache: Arc<Cache>) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cache);
    }

    /// Some channel changed: what was asked may be wrong.
    pub(super) fn forget(&self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// `None`: there is no such channel, or none that the bot may see.
    /// `guild`: where it is, as far as known.
    pub(super) async fn of(&self, app: &App, guild: Option<u64>, channel: u64) -> Result<Option<Place>, CallError> {
        if let Some(place) = self.cached(guild, channel) {
            return Ok(Some(place));
        }
        if let Some(place) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&channel) {
            return Ok(Some(*place));
        }
        let Some(found) = ask(app, channel).await? else { return Ok(None) };
        let mut place = place_of(&found);
        if let Some(parent) = place.parent {
            place.restricted |= match self.cached(Some(place.guild), parent) {
                Some(parent) => parent.restricted,
                None => ask(app, parent).await?.is_none_or(|c| c.nsfw),
            };
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= REMEMBERED {
            asked.clear();
        }
        asked.insert(channel, place);
        Ok(Some(place))
    }

    fn cached(&self, guild: Option<u64>, channel: u64) -> Option<Place> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        cached(&cache, guild, channel)
    }
}

/// What the gateway told of a channel.
pub(super) fn cached(cache: &Cache, guild: Option<u64>, channel: u64) -> Option<Place> {
    let guilds = guild.map_or_else(|| cache.guilds(), |id| vec![GuildId::new(id)]);
    guilds.into_iter().find_map(|id| in_guild(&*cache.guild(id)?, ChannelId::new(channel)))
}

fn in_guild(guild: &Guild, id: ChannelId) -> Option<Place> {
    let channel = match guild.channels.get(&id) {
        Some(channel) => channel,
        None => guild.threads.iter().find(|t| t.id == id)?,
    };
    let mut place = place_of(channel);
    place.guild = guild.id.get();
    if let Some(parent) = place.parent {
        // A thread in a channel that the bot may not see: nothing says that it is harmless.
        place.restricted |= guild.channels.get(&ChannelId::new(parent)).is_none_or(|c| c.nsfw);
    }
    place.restricted |= guild.nsfw_level == NsfwLevel::AgeRestricted;
    Some(place)
}

fn place_of(channel: &GuildChannel) -> Place {
    let is_thread =
        matches!(channel.kind, ChannelType::NewsThread | ChannelType::PublicThread | ChannelType::PrivateThread);
    Place {
        guild: channel.guild_id.get(),
        parent: channel.parent_id.map(ChannelId::get).filter(|_| is_thread),
        restricted: channel.nsfw,
    }
}

async fn ask(app: &App, channel: u64) -> Result<Option<GuildChannel>, CallError> {
    let http = app.rest.http();
    match app.calls.call(Some((channel, Act::Read)), http.get_channel(ChannelId::new(channel))).await {
        Ok(Channel::Guild(channel)) => Ok(Some(channel)),
        Ok(_) => Ok(None),
        Err(error) if error.is_gone() || error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guild(nsfw_level: u8) -> Guild {
        let mut guild = json!({
            "id": "1", "name": "g", "owner_id": "10", "joined_at": "2026-08-01T12:00:00Z", "large": false,
            "member_count": 2, "verification_level": 0, "default_message_notifications": 0,
            "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": nsfw_level, "premium_tier": 0,
            "premium_progress_bar_enabled": false, "preferred_locale": "en-US", "system_channel_flags": 0
        });
        let lists = [
            "members",
            "roles",
            "emojis",
            "stickers",
            "features",
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
        ];
        for list in lists {
            guild[list] = json!([]);
        }
        guild["channels"] = json!([
            {"id": "20", "type": 0, "name": "art", "guild_id": "1", "nsfw": false, "parent_id": "5"},
            {"id": "30", "type": 15, "name": "forum", "guild_id": "1", "nsfw": true},
            {"id": "40", "type": 2, "name": "voice", "guild_id": "1"}
        ]);
        guild["threads"] = json!([
            {"id": "21", "type": 11, "name": "t", "guild_id": "1", "parent_id": "20"},
            {"id": "31", "type": 11, "name": "post", "guild_id": "1", "parent_id": "30"},
            {"id": "51", "type": 12, "name": "hidden", "guild_id": "1", "parent_id": "50"}
        ]);
        serde_json::from_value(guild).unwrap()
    }

    fn place(guild: &Guild, id: u64) -> Option<(Option<u64>, bool)> {
        in_guild(guild, ChannelId::new(id)).map(|p| (p.parent, p.restricted))
    }

    #[test]
    fn threads_and_forum_posts_inherit_and_a_category_is_no_parent() {
        let guild = guild(0);
        assert_eq!(place(&guild, 20), Some((None, false)));
        assert_eq!(place(&guild, 21), Some((Some(20), false)));
        assert_eq!(place(&guild, 31), Some((Some(30), true)));
        assert_eq!(place(&guild, 40), Some((None, false)));
        assert_eq!(place(&guild, 51), Some((Some(50), true)), "its channel cannot be seen");
        assert_eq!(place(&guild, 99), None);
    }

    #[test]
    fn in_an_age_restricted_guild_everything_is() {
        let guild = guild(3);
        assert_eq!(place(&guild, 20), Some((None, true)));
        assert_eq!(place(&guild, 21), Some((Some(20), true)));
    }
}
