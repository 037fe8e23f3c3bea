//! `/setup`: a panel of three pages for moderators, with a live check of permissions. It keeps no state: what was clicked
//! says all.

mod panel;
#[cfg(test)]
mod tests;

use anyhow::Context as _;
use serenity::all::{
    ComponentInteraction, ComponentInteractionDataKind, Context as Serenity, CreateInteractionResponse, GuildId,
    Permissions,
};

use super::answer::Answer;
use super::commands::{Context, lang};
use super::permissions::{Lack, preflight};
use super::{App, Error, Lang};
use crate::domain::{GuildSettings, PickStyle, RatingSource, Scope, SendFailure, TopShare};
use crate::pipeline::SendRow;
use panel::{Failed, Notes, Page, Panel};
pub(super) use panel::{share_words, style_name, trimmed};

/// Channels that a select shows at most.
const SHOWN: usize = 25;

/// `/setup`, and the emoji that a panel has no room for.
#[poise::command(
    slash_command,
    ephemeral,
    guild_only,
    default_member_permissions = "MANAGE_GUILD",
    required_permissions = "MANAGE_GUILD"
)]
pub(super) async fn setup(
    ctx: Context<'_>,
    #[max_length = 100] up: Option<String>,
    #[max_length = 100] down: Option<String>,
) -> Result<(), Error> {
    let lang = lang(ctx);
    let guild = ctx.guild_id().context("a command for guilds came from none")?;
    let app = ctx.data();
    if up.is_some() || down.is_some() {
        let mut settings = app.pipeline.guild(guild.get()).await?;
        for (given, kept) in [(up, &mut settings.up), (down, &mut settings.down)] {
            let Some(given) = given else { continue };
            let Some(emoji) = emoji(&given) else {
                let words = tr!(lang, "discord.setup.no_emoji", given = given.replace('`', ""));
                ctx.send(Answer::text(words).into()).await?;
                return Ok(());
            };
            *kept = emoji;
        }
        if settings.up == settings.down {
            ctx.send(Answer::text(tr!(lang, "discord.setup.same_emoji")).into()).await?;
            return Ok(());
        }
        app.pipeline.set_guild(guild.get(), &settings).await?;
    }
    let answer = panel(ctx.serenity_context(), app, guild, Page::Channels, lang).await?;
    ctx.send(answer.into()).await?;
    Ok(())
}

/// The character, or `name:id` of a guild's own emoji, as reactions are told of.
fn emoji(given: &str) -> Option<String> {
    let given = given.trim();
    if let Some(own) = given.strip_prefix('<').and_then(|s| s.strip_suffix('>')) {
        let own = own.strip_prefix('a').unwrap_or(own).strip_prefix(':')?;
        let (name, id) = own.split_once(':')?;
        let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return (named && id.parse::<u64>().is_ok_and(|id| id > 0)).then(|| own.to_owned());
    }
    // Discord's own are one symbol, which can be several characters: skin tones, flags, joined ones.
    let symbol = |c: char| !c.is_ascii_alphabetic() && !c.is_whitespace() && !c.is_control();
    let plain = given.chars().all(|c| c.is_ascii() || c.is_alphanumeric());
    ((1..=12).contains(&given.chars().count()) && given.chars().all(symbol) && !plain).then(|| given.to_owned())
}

/// What a click asks for.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Show,
    Watched(Vec<u64>),
    Set(Change),
    /// Shows what a moderator has to agree to.
    AskToLearn,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    Curated(Option<u64>),
    Subscribers(Option<u64>),
    Threshold(f32),
    Limit(u32),
    Style(PickStyle),
    Share(Option<TopShare>),
    Learn(bool),
    AgeGate(bool),
    Replies(bool),
}

/// Reads `setup:PAGE:WHAT` or `setup:PAGE:WHAT:ON`, with the values of a select.
fn read(id: &str, values: &[String]) -> Option<(Page, Step)> {
    let mut parts = id.strip_prefix("setup:")?.split(':');
    let page = Page::of(parts.next()?)?;
    let what = parts.next()?;
    let on = parts.next().map(|on| on == "on");
    let ids = || -> Option<Vec<u64>> { values.iter().map(|v| v.parse().ok()).collect() };
    let value = values.first().map(String::as_str);
    let change = match what {
        "show" => return Some((page, Step::Show)),
        "watched" => return Some((page, Step::Watched(ids()?))),
        "ask" => return Some((page, Step::AskToLearn)),
        "curated" => Change::Curated(ids()?.first().copied()),
        "role" => Change::Subscribers(ids()?.first().copied()),
        "threshold" => Change::Threshold(value?.parse().ok().filter(|t| (1.0..=5.0).contains(t))?),
        "limit" => Change::Limit(value?.parse().ok()?),
        "style" => Change::Style(panel::STYLES.into_iter().find(|s| panel::style_value(*s) == value.unwrap_or(""))?),
        "share" => Change::Share(panel::share_of(value?)?),
        "learn" => Change::Learn(on?),
        "gate" => Change::AgeGate(on?),
        "replies" => Change::Replies(on?),
        _ => return None,
    };
    Some((page, Step::Set(change)))
}

fn apply(settings: &mut GuildSettings, change: &Change) {
    match *change {
        Change::Curated(channel) => settings.curated = channel,
        Change::Subscribers(role) => settings.subscribers = role,
        Change::Threshold(threshold) => settings.threshold = threshold,
        Change::Limit(limit) => settings.picks_per_hour = limit,
        Change::Style(style) => settings.style = style,
        Change::Share(share) => settings.top_share = share,
        Change::Learn(on) => settings.learn_from_reactions = on,
        Change::AgeGate(on) => settings.age_gate = on,
        Change::Replies(on) => settings.replies = on,
    }
}

/// What to watch and what no more, when a select that showed `watched` (the first of them, if there are many) now has
/// `chosen`.
fn changes(watched: &[u64], chosen: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let shown = &watched[..watched.len().min(SHOWN)];
    let added = chosen.iter().filter(|id| !watched.contains(id)).copied().collect();
    let removed = shown.iter().filter(|id| !chosen.contains(id)).copied().collect();
    (added, removed)
}

/// A click on the panel.
pub(super) async fn clicked(ctx: &Serenity, click: &ComponentInteraction, app: &App, lang: Lang) -> Result<(), Error> {
    let guild = click.guild_id.context("the panel was clicked outside of a guild")?;
    let moderates = Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR;
    let member = click.member.as_ref().and_then(|member| member.permissions).unwrap_or(Permissions::empty());
    if !member.intersects(moderates) {
        let answer = Answer::text(tr!(lang, "discord.setup.moderators_only"));
        click.create_response(ctx, CreateInteractionResponse::Message(answer.whisper())).await?;
        return Ok(());
    }
    let (page, step) =
        read(&click.data.custom_id, &values(&click.data.kind)).context("the panel knows no such step")?;
    click.create_response(ctx, CreateInteractionResponse::Acknowledge).await?;
    let pipeline = &app.pipeline;
    let answer = match step {
        Step::AskToLearn => panel::agreement(lang, app.settings.learn_from.contains(&RatingSource::Channel)),
        Step::Show => panel(ctx, app, guild, page, lang).await?,
        Step::Watched(chosen) => {
            let (added, removed) = changes(&pipeline.watched(guild.get()).await?, &chosen);
            for channel in added {
                pipeline.watch(guild.get(), channel).await?;
            }
            for channel in removed {
                pipeline.unwatch(guild.get(), channel).await?;
            }
            panel(ctx, app, guild, page, lang).await?
        }
        Step::Set(change) => {
            let mut settings = pipeline.guild(guild.get()).await?;
            apply(&mut settings, &change);
            see_curated(ctx, guild, &mut settings);
            pipeline.set_guild(guild.get(), &settings).await?;
            panel(ctx, app, guild, page, lang).await?
        }
    };
    click.edit_response(ctx, answer.edit()).await?;
    Ok(())
}

fn values(kind: &ComponentInteractionDataKind) -> Vec<String> {
    match kind {
        ComponentInteractionDataKind::StringSelect { values } => values.clone(),
        ComponentInteractionDataKind::ChannelSelect { values } => values.iter().map(ToString::to_string).collect(),
        ComponentInteractionDataKind::RoleSelect { values } => values.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// Takes over what the curated channel is: age-restricted or not, one that others can follow or not.
pub(super) fn see_curated(ctx: &Serenity, guild: GuildId, settings: &mut GuildSettings) {
    let Some(id) = settings.curated else {
        (settings.curated_restricted, settings.curated_announces) = (false, false);
        return;
    };
    if let Some(guild) = ctx.cache.guild(guild)
        && let Some(channel) = guild.channels.get(&id.into())
    {
        settings.curated_restricted = channel.nsfw;
        settings.curated_announces = channel.kind == serenity::all::ChannelType::News;
    }
}

/// The page as things stand now.
async fn panel(ctx: &Serenity, app: &App, guild: GuildId, page: Page, lang: Lang) -> Result<Answer, Error> {
    let settings = app.pipeline.guild(guild.get()).await?;
    let watched = app.pipeline.watched(guild.get()).await?;
    let lacks = lacks(ctx, guild, &settings, &watched).await?;
    let notes = Notes {
        message_content: app.status.reads_messages(),
        operator_allows: app.settings.learn_from.contains(&RatingSource::Channel),
        failed: failed(app, guild).await?,
    };
    Ok(Panel { lang, page, settings: &settings, watched: &watched, lacks: &lacks, notes }.answer())
}

/// What of the last day Discord did not take in this guild.
async fn failed(app: &App, guild: GuildId) -> Result<Option<Failed>, Error> {
    let since = app.pipeline.now() - time::Duration::DAY;
    let failed = app.pipeline.failed_sends(Some(Scope::Guild(guild.get())), since).await?;
    let why = |newest: &SendRow| newest.failure.unwrap_or(SendFailure::GivenUp);
    Ok(failed.first().map(|newest| Failed { count: failed.len(), channel: newest.channel, why: why(newest) }))
}

/// What keeps the bot from doing what is settled.
pub(super) async fn lacks(
    ctx: &Serenity,
    guild: GuildId,
    settings: &GuildSettings,
    watched: &[u64],
) -> Result<Vec<Lack>, Error> {
    // From the cache where it is there; it may not be held over a request.
    let bot = ctx.cache.current_user().id;
    let me = guild.member(ctx, bot).await.context("the bot cannot see itself")?;
    let guild = ctx.cache.guild(guild).context("the bot is not in this guild")?;
    Ok(preflight(&guild, &me, settings, watched))
}
