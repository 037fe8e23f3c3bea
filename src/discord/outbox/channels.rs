//! What is known of channels and guilds: from the cache where it has them, else asked for.

use std::sync::Arc;

use serenity::cache::Cache;
use serenity::http::Http;
use serenity::model::channel::{Channel, ChannelType, GuildChannel};
use serenity::model::id::{ChannelId, GuildId};

use super::in_time;
use super::trouble::Trouble;
use crate::discord::Lang;
use crate::domain::Scope;

/// A channel that something is to be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelInfo {
    /// Age-restricted; a thread is so as its channel is.
    pub(super) restricted: bool,
    /// An announcement channel: what is sent there can be published.
    pub(super) announces: bool,
}

#[derive(Debug)]
pub(super) struct Channels {
    http: Arc<Http>,
    cache: Arc<Cache>,
}

impl Channels {
    pub(super) fn new(http: Arc<Http>, cache: Arc<Cache>) -> Self {
        Self { http, cache }
    }

    pub(super) async fn info(&self, scope: Scope, channel: u64) -> Result<ChannelInfo, Trouble> {
        if let Some(info) = self.cached(scope, channel) {
            return Ok(info);
        }
        let asked = self.ask(channel).await?;
        let Some(parent) = asked.parent_id.filter(|_| is_thread(&asked)) else { return Ok(info(&asked)) };
        Ok(match self.cached(scope, parent.get()) {
            Some(parent) => ChannelInfo { announces: false, ..parent },
            None => ChannelInfo { announces: false, ..info(&self.ask(parent.get()).await?) },
        })
    }

    fn cached(&self, scope: Scope, channel: u64) -> Option<ChannelInfo> {
        let Scope::Guild(guild) = scope else { return None };
        let (guild, id) = (self.cache.guild(GuildId::new(guild))?, ChannelId::new(channel));
        if let Some(channel) = guild.channels.get(&id) {
            return Some(info(channel));
        }
        let parent = guild.threads.iter().find(|thread| thread.id == id)?.parent_id?;
        Some(ChannelInfo { announces: false, ..info(guild.channels.get(&parent)?) })
    }

    async fn ask(&self, channel: u64) -> Result<GuildChannel, Trouble> {
        match in_time(self.http.get_channel(ChannelId::new(channel)), channel).await? {
            Channel::Guild(channel) => Ok(channel),
            _ => Err(Trouble::Bad(format!("<#{channel}> is no channel of a server"))),
        }
    }

    /// The language of the guild's own settings.
    pub(super) fn lang(&self, guild: u64) -> Lang {
        let guild = self.cache.guild(GuildId::new(guild));
        Lang::of_person(None, guild.as_ref().map(|guild| guild.preferred_locale.as_str()))
    }
}

fn info(channel: &GuildChannel) -> ChannelInfo {
    ChannelInfo { restricted: channel.nsfw, announces: channel.kind == ChannelType::News }
}

fn is_thread(channel: &GuildChannel) -> bool {
    matches!(channel.kind, ChannelType::PublicThread | ChannelType::PrivateThread | ChannelType::NewsThread)
}
