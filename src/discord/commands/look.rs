//! `/top`, `/stats`, `/subscribe`.

use anyhow::Context as _;
use poise::serenity_prelude as serenity;
use serenity::{GuildId, RoleId};

use super::sight::Sight;
use super::{Context, Error, Lang, joined_guild, lang, say};
use crate::discord::follow_words::{money_words, source_name};
use crate::discord::markup::{escaped, link};
use crate::domain::{GuildSettings, Rater, Scope};
use crate::pipeline::{Pipeline, ScopeStats, Since, TopPost};

/// Pictures of a list.
const SHOWN: usize = 10;
/// Candidates looked at: some are in channels that the asker cannot read.
const CANDIDATES: u32 = 60;

/// A span as an option of a command.
pub(super) struct Period(Since);

super::choices!(Period(Since) {
    Since::Day => "discord.period.day",
    Since::Week => "discord.period.week",
    Since::Month => "discord.period.month",
    Since::All => "discord.period.all",
});

#[poise::command(
    slash_command,
    prefix_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn top(ctx: Context<'_>, period: Option<Period>) -> Result<(), Error> {
    let (lang, since) = (lang(ctx), period.map_or(Since::Week, |period| period.0));
    let pipeline = &ctx.data().pipeline;
    let sight = Sight::of(ctx).await?;
    let viewer = Rater::discord(ctx.author().id.get());
    let mut top = pipeline.top_posts(scope(ctx), &viewer, since, sight.restricted, CANDIDATES).await?;
    top.retain(|top| sight.sees_view(&top.post));
    top.truncate(SHOWN);
    say(ctx, top_words(lang, since, &top)).await
}

/// A line a picture: place, best score, link, author.
pub(super) fn top_words(lang: Lang, since: Since, top: &[TopPost]) -> String {
    let title = match since {
        Since::Day => tr!(lang, "discord.top.day"),
        Since::Week => tr!(lang, "discord.top.week"),
        Since::Month => tr!(lang, "discord.top.month"),
        Since::All => tr!(lang, "discord.top.all"),
    };
    if top.is_empty() {
        return tr!(lang, "discord.top.nothing").into_owned();
    }
    let lines = (1..).zip(top).map(|(place, TopPost { post, best, picked }): (usize, &TopPost)| {
        let source = post.link.as_deref().and_then(|url| link(&tr!(lang, "discord.score.source"), url));
        let author = post.author.name.as_deref().map(escaped);
        let parts = [Some(format!("**{best:.1}**")), source, author, picked.then(|| "🏅".to_owned())];
        format!("{place}. {}", parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
    });
    std::iter::once(title.into_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

#[poise::command(
    slash_command,
    prefix_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn stats(ctx: Context<'_>) -> Result<(), Error> {
    let stats = ctx.data().pipeline.scope_stats(scope(ctx)).await?;
    let mut lines = vec![stats_words(lang(ctx), &stats)];
    for source in ctx.data().pipeline.followable() {
        if let Some(money) = ctx.data().pipeline.money(source).await {
            lines.push(format!("**{}:** {}", source_name(source), money_words(lang(ctx), &money)));
        }
    }
    say(ctx, lines.join("\n")).await
}

pub(super) fn stats_words(lang: Lang, stats: &ScopeStats) -> String {
    let lines = [
        tr!(lang, "discord.stats.title"),
        tr!(lang, "discord.stats.pictures", n = stats.posts, asked = stats.asked, faces = stats.faces),
        tr!(lang, "discord.stats.nothing", without = stats.without_face, failed = stats.failed),
        tr!(lang, "discord.stats.picks", n = stats.picks),
        tr!(lang, "discord.stats.ratings", n = stats.ratings, people = stats.raters),
    ];
    lines.join("\n")
}

#[poise::command(slash_command, ephemeral, guild_only)]
pub(super) async fn subscribe(ctx: Context<'_>) -> Result<(), Error> {
    let lang = lang(ctx);
    let Some(guild) = joined_guild(ctx) else { return say(ctx, tr!(lang, "discord.failure.guild_only")).await };
    let app = ctx.data();
    let settings = app.pipeline.guild(guild.get()).await?;
    let done = match settings.subscribers {
        None => None,
        Some(role) => Some(toggle(ctx, guild, RoleId::new(role)).await?),
    };
    let feed = match app.settings.feeds.of(guild.get()) {
        Some(address) => Feed::At(address),
        None if moderates(ctx) => Feed::NoAddress,
        None => Feed::Untold,
    };
    say(ctx, subscribe_words(lang, &settings, done, &feed)).await
}

fn moderates(ctx: Context<'_>) -> bool {
    match ctx {
        poise::Context::Application(slash) => super::taste::may_moderate(slash.interaction.member.as_deref()),
        poise::Context::Prefix(_) => false,
    }
}

/// What is said of the guild's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feed {
    At(String),
    /// Told to moderators: the operator has to give the page an address first.
    NoAddress,
    Untold,
}

/// What became of the subscribers' role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toggled {
    Given,
    Taken,
    /// The bot may not give it.
    Refused,
}

async fn toggle(ctx: Context<'_>, guild: GuildId, role: RoleId) -> Result<Toggled, Error> {
    let member = ctx.author_member().await.context("the member could not be fetched")?;
    let has = member.roles.contains(&role);
    let (http, reason) = (ctx.http(), Some("/subscribe"));
    let done = if has {
        http.remove_member_role(guild, ctx.author().id, role, reason).await
    } else {
        http.add_member_role(guild, ctx.author().id, role, reason).await
    };
    match done {
        Ok(()) => Ok(if has { Toggled::Taken } else { Toggled::Given }),
        Err(error) if super::is_refusal(&error) => Ok(Toggled::Refused),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn subscribe_words(lang: Lang, settings: &GuildSettings, done: Option<Toggled>, feed: &Feed) -> String {
    let Some(channel) = settings.curated else { return tr!(lang, "discord.subscribe.nothing").into_owned() };
    let mut lines = Vec::new();
    match done {
        Some(Toggled::Given) => lines.push(tr!(lang, "discord.subscribe.on", channel = channel)),
        Some(Toggled::Taken) => lines.push(tr!(lang, "discord.subscribe.off")),
        Some(Toggled::Refused) => lines.push(tr!(lang, "discord.subscribe.refused")),
        None => lines.push(tr!(lang, "discord.subscribe.no_role", channel = channel)),
    }
    if settings.curated_announces {
        lines.push(tr!(lang, "discord.subscribe.follow", channel = channel));
    }
    match feed {
        Feed::At(address) => lines.push(tr!(lang, "discord.subscribe.feed", address = address)),
        Feed::NoAddress => lines.push(tr!(lang, "discord.subscribe.no_feed")),
        Feed::Untold => {}
    }
    lines.join("\n")
}

fn scope(ctx: Context<'_>) -> Scope {
    Pipeline::scope_of(joined_guild(ctx).map(GuildId::get), ctx.author().id.get())
}
