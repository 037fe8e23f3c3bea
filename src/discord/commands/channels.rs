//! `/watch` and `/curate`: the settings panel's first two pages, by command.
#![expect(clippy::unused_async, reason = "a command that only holds others is one, too")]

use anyhow::Context as _;
use poise::serenity_prelude as serenity;
use serenity::{ChannelType, GuildId};

use super::{CURATABLE, Context, Error, Lang, WATCHABLE, lang, say};
use crate::discord::permissions::{self, Lack};
use crate::discord::setup::{lacks, see_curated, share_words, style_name, trimmed};
use crate::domain::{GuildSettings, PickStyle, TopShare};

#[poise::command(
    slash_command,
    subcommands("add", "remove", "list"),
    subcommand_required,
    guild_only,
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn watch(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn add(ctx: Context<'_>, channel: serenity::PartialChannel) -> Result<(), Error> {
    let (lang, guild) = (lang(ctx), guild(ctx)?);
    if !WATCHABLE.contains(&channel.kind) {
        return say(ctx, tr!(lang, "discord.watch.thread")).await;
    }
    let pipeline = &ctx.data().pipeline;
    let new = pipeline.watch(guild.get(), channel.id.get()).await?;
    let done = if new {
        tr!(lang, "discord.watch.added", channel = channel.id)
    } else {
        tr!(lang, "discord.watch.already", channel = channel.id)
    };
    let settings = pipeline.guild(guild.get()).await?;
    say(ctx, checked(ctx, lang, &done, &settings, &[channel.id.get()]).await?).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn remove(ctx: Context<'_>, channel: serenity::PartialChannel) -> Result<(), Error> {
    let lang = lang(ctx);
    let was = ctx.data().pipeline.unwatch(guild(ctx)?.get(), channel.id.get()).await?;
    let done = if was {
        tr!(lang, "discord.watch.removed", channel = channel.id)
    } else {
        tr!(lang, "discord.watch.not_watched", channel = channel.id)
    };
    say(ctx, done).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn list(ctx: Context<'_>) -> Result<(), Error> {
    let (lang, guild) = (lang(ctx), guild(ctx)?);
    let pipeline = &ctx.data().pipeline;
    let watched = pipeline.watched(guild.get()).await?;
    let settings = GuildSettings { curated: None, subscribers: None, ..pipeline.guild(guild.get()).await? };
    let lacks = lacks(ctx.serenity_context(), guild, &settings, &watched).await?;
    say(ctx, list_words(lang, &watched, &lacks)).await
}

pub(super) fn list_words(lang: Lang, watched: &[u64], lacks: &[Lack]) -> String {
    if watched.is_empty() {
        return tr!(lang, "discord.watch.none").into_owned();
    }
    let lacking = |channel: u64| {
        lacks.iter().find(
            |lack| matches!(lack, Lack::NoChannel(id) | Lack::InChannel { channel: id, .. } if id.get() == channel),
        )
    };
    let line = |channel: &u64| match lacking(*channel) {
        None => tr!(lang, "discord.watch.fine", channel = channel),
        Some(lack) => tr!(lang, "discord.watch.lacking", lack = permissions::words(lang, lack)),
    };
    let lines = watched.iter().map(|channel| line(channel).into_owned());
    std::iter::once(tr!(lang, "discord.watch.list").into_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

#[poise::command(
    slash_command,
    subcommands("channel", "threshold", "limit", "style", "off"),
    subcommand_required,
    guild_only,
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn curate(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn channel(ctx: Context<'_>, channel: serenity::PartialChannel) -> Result<(), Error> {
    let lang = lang(ctx);
    if !CURATABLE.contains(&channel.kind) {
        return say(ctx, tr!(lang, "discord.watch.thread")).await;
    }
    let settings = change(ctx, |settings| settings.curated = Some(channel.id.get())).await?;
    let done = if channel.kind == ChannelType::News {
        tr!(lang, "discord.curate.channel_announces", channel = channel.id)
    } else {
        tr!(lang, "discord.curate.channel", channel = channel.id)
    };
    say(ctx, checked(ctx, lang, &done, &settings, &[]).await?).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn threshold(
    ctx: Context<'_>,
    #[min = 1.0]
    #[max = 5.0]
    score: f32,
    #[min = 1]
    #[max = 100]
    share: Option<u8>,
    #[min = 1]
    #[max = 365]
    days: Option<u16>,
) -> Result<(), Error> {
    const WEEK: u16 = 7;
    let settings = change(ctx, |settings| {
        settings.threshold = score.clamp(1.0, 5.0);
        if let Some(percent) = share {
            let share = TopShare { share: f32::from(percent) / 100.0, days: days.unwrap_or(WEEK) };
            settings.top_share = (percent < 100).then_some(share);
        }
    })
    .await?;
    let lang = lang(ctx);
    let share = share_words(lang, settings.top_share);
    say(ctx, tr!(lang, "discord.curate.threshold", score = trimmed(settings.threshold), share = share)).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn limit(
    ctx: Context<'_>,
    #[min = 0]
    #[max = 100]
    an_hour: u32,
) -> Result<(), Error> {
    let settings = change(ctx, |settings| settings.picks_per_hour = an_hour).await?;
    say(ctx, tr!(lang(ctx), "discord.curate.limit", n = settings.picks_per_hour)).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn style(ctx: Context<'_>, style: Style) -> Result<(), Error> {
    let settings = change(ctx, |settings| settings.style = style.0).await?;
    let lang = lang(ctx);
    say(ctx, tr!(lang, "discord.curate.style", style = style_name(lang, settings.style))).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn off(ctx: Context<'_>) -> Result<(), Error> {
    change(ctx, |settings| settings.curated = None).await?;
    say(ctx, tr!(lang(ctx), "discord.curate.off")).await
}

/// A style as an option of a command.
pub(super) struct Style(PickStyle);

super::choices!(Style(PickStyle) {
    PickStyle::Crop => "discord.style.crop",
    PickStyle::Forward => "discord.style.forward",
    PickStyle::Picture => "discord.style.picture",
});

fn guild(ctx: Context<'_>) -> Result<GuildId, Error> {
    ctx.guild_id().context("a command for guilds came from none")
}

async fn change(ctx: Context<'_>, change: impl FnOnce(&mut GuildSettings)) -> Result<GuildSettings, Error> {
    let (guild, pipeline) = (guild(ctx)?, &ctx.data().pipeline);
    let mut settings = pipeline.guild(guild.get()).await?;
    change(&mut settings);
    see_curated(ctx.serenity_context(), guild, &mut settings);
    pipeline.set_guild(guild.get(), &settings).await?;
    Ok(settings)
}

/// What was done, and what the bot lacks for it.
async fn checked(
    ctx: Context<'_>,
    lang: Lang,
    done: &str,
    settings: &GuildSettings,
    watched: &[u64],
) -> Result<String, Error> {
    let curated = settings.curated.filter(|_| watched.is_empty());
    let here = GuildSettings { curated, subscribers: None, ..settings.clone() };
    let lacks = lacks(ctx.serenity_context(), guild(ctx)?, &here, watched).await?;
    let mut lines = vec![done.to_owned()];
    if !lacks.is_empty() {
        lines.push(tr!(lang, "discord.setup.missing").into_owned());
        lines.extend(lacks.iter().map(|lack| format!("- {}", permissions::words(lang, lack))));
    }
    Ok(lines.join("\n"))
}
