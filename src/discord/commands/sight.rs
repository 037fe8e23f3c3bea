//! Who may see what: pictures of a channel are shown only to those who may read it, and those behind the age gate only in
//! age-restricted channels.

use poise::serenity_prelude as serenity;
use serenity::{ChannelId, Guild, GuildId, Member, Permissions, UserId};

use super::links::{Link, Linked};
use super::{Context, Error, joined_guild};
use crate::discord::{permissions, places};
use crate::domain::{PostId, Rater};
use crate::pipeline::{Pipeline, PostView};

/// What somebody may see where they are.
pub(in crate::discord) struct Sight<'a> {
    ctx: &'a serenity::Context,
    person: UserId,
    guild: Option<(GuildId, Member)>,
    /// The channel they are in is age-restricted.
    pub(in crate::discord) restricted: bool,
}

impl<'a> Sight<'a> {
    pub(super) async fn of(ctx: Context<'a>) -> Result<Self, Error> {
        Self::at(ctx.serenity_context(), ctx.author().id, joined_guild(ctx), ctx.channel_id()).await
    }

    /// `guild`: the bot is in it.
    pub(in crate::discord) async fn at(
        ctx: &'a serenity::Context,
        person: UserId,
        guild: Option<GuildId>,
        channel: ChannelId,
    ) -> Result<Self, Error> {
        let restricted = is_restricted(ctx, guild, channel);
        let guild = match guild {
            Some(guild) => Some((guild, guild.member(ctx, person).await?)),
            None => None,
        };
        Ok(Self { ctx, person, guild, restricted })
    }

    /// Which of these channels they may not read.
    pub(super) fn hidden(&self, mut channels: Vec<u64>) -> Vec<u64> {
        let Some((id, member)) = &self.guild else { return Vec::new() };
        if let Some(guild) = self.ctx.cache.guild(*id) {
            channels.retain(|&channel| !may_see(&guild, ChannelId::new(channel), member));
        }
        channels
    }

    /// Whether they may see what came in this post.
    pub(in crate::discord) async fn sees(&self, pipeline: &Pipeline, post: PostId) -> Result<bool, Error> {
        let Some((guild, _)) = &self.guild else {
            // Outside of guilds everybody has only what is their own.
            return Ok(true);
        };
        let scope = crate::domain::Scope::Guild(guild.get());
        if pipeline.store().is_held(post).await? {
            return Ok(false);
        }
        let view = pipeline.post_view(scope, &Rater::discord(self.person.get()), post).await?;
        Ok(view.is_some_and(|view| self.sees_view(&view)))
    }

    pub(super) fn sees_view(&self, view: &PostView) -> bool {
        let Some((id, member)) = &self.guild else { return true };
        if view.source.is_timeline() {
            return true;
        }
        let channel = view.link.as_deref().and_then(|link| Link::of(link).ok()).and_then(|link| match link.to {
            Linked::Message { channel, .. } => Some(ChannelId::new(channel)),
            Linked::Picture(_) => None,
        });
        match (self.ctx.cache.guild(*id), channel) {
            (Some(guild), Some(channel)) => may_see(&guild, channel, member),
            _ => false,
        }
    }
}

/// It, its parent or its guild is age-restricted.
pub(super) fn is_restricted(ctx: &serenity::Context, guild: Option<GuildId>, channel: ChannelId) -> bool {
    places::cached(&ctx.cache, guild.map(GuildId::get), channel.get()).is_some_and(|place| place.restricted)
}

/// Whether a member may read a channel; a thread goes by its channel, a private one is closed.
pub(super) fn may_see(guild: &Guild, channel: ChannelId, member: &Member) -> bool {
    let thread = guild.threads.iter().find(|thread| thread.id == channel);
    if thread.is_some_and(|thread| thread.kind == serenity::ChannelType::PrivateThread) {
        return false;
    }
    let channel = thread.and_then(|thread| thread.parent_id).unwrap_or(channel);
    let Some(channel) = guild.channels.get(&channel) else { return false };
    permissions::allowed(guild, channel, member).contains(Permissions::VIEW_CHANNEL | Permissions::READ_MESSAGE_HISTORY)
}
