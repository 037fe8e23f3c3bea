//! `/follow`, `/unfollow`, `/following`, `/account`: whose new pictures the guild's taste looks at.
#![expect(clippy::unused_async, reason = "a command that only holds others is one, too")]

use anyhow::Context as _;
use poise::serenity_prelude as serenity;
use serenity::{
    AutocompleteChoice, ButtonStyle, ComponentInteraction, CreateActionRow, CreateAutocompleteResponse, CreateButton,
};

use super::{Answer, App, Context, Error, Lang, lang, say};
use crate::discord::follow_words::{Listing, ask_failed, followed, listing, rules_words, source_name};
use crate::domain::{Account, AccountRules, Feed, PostSource, Rater, Scope};
use crate::pipeline::{FollowRow, NewFollow};

/// Options that Discord shows while something is typed, and characters of each.
const MOST_CHOICES: usize = 25;
const LONGEST_CHOICE: usize = 100;
/// Follows on one page.
pub(super) const ON_A_PAGE: usize = 8;

/// What of a service is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedKind {
    Author,
    Home,
    List,
}

/// A kind as an option of a command.
pub(super) struct Kind(FeedKind);

super::choices!(Kind(FeedKind) {
    FeedKind::Author => "discord.feed.author",
    FeedKind::Home => "discord.feed.home",
    FeedKind::List => "discord.feed.list",
});

/// A service with an account of the bot's own.
pub(super) struct Source(PostSource);

super::choices!(Source(PostSource) {
    PostSource::X => "discord.source.x",
    PostSource::Bluesky => "discord.source.bluesky",
    PostSource::Mastodon => "discord.source.mastodon",
});

#[poise::command(
    slash_command,
    subcommands("x", "bluesky", "mastodon", "rss", "import"),
    subcommand_required,
    guild_only,
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn follow(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn x(
    ctx: Context<'_>,
    #[autocomplete = "known_of_x"]
    #[max_length = 200]
    name: Option<String>,
    feed: Option<Kind>,
) -> Result<(), Error> {
    begin(ctx, PostSource::X, name, feed).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn bluesky(
    ctx: Context<'_>,
    #[autocomplete = "known_of_bluesky"]
    #[max_length = 200]
    name: Option<String>,
    feed: Option<Kind>,
) -> Result<(), Error> {
    begin(ctx, PostSource::Bluesky, name, feed).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn mastodon(
    ctx: Context<'_>,
    #[autocomplete = "known_of_mastodon"]
    #[max_length = 200]
    name: Option<String>,
    feed: Option<Kind>,
) -> Result<(), Error> {
    begin(ctx, PostSource::Mastodon, name, feed).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn rss(ctx: Context<'_>, #[max_length = 500] name: String) -> Result<(), Error> {
    begin(ctx, PostSource::Rss, Some(name), None).await
}

/// Follows all whom the bot's own account there follows.
#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn import(ctx: Context<'_>, source: Source) -> Result<(), Error> {
    let (lang, pipeline, source) = (lang(ctx), &ctx.data().pipeline, source.0);
    let accounts = match pipeline.own_follows(source).await {
        Ok(accounts) => accounts,
        Err(error) => return say(ctx, ask_failed(lang, source, &error)).await,
    };
    let (scope, by) = (scope(ctx)?, Rater::discord(ctx.author().id.get()));
    let mut added = 0;
    for account in &accounts {
        if !pipeline.is_opted_out(None, &[&account.link]).await? {
            let feed = Feed::Author(account.id.clone());
            let new = NewFollow { scope, source, feed: &feed, account: Some(account), added_by: &by.0 };
            added += usize::from(pipeline.follow(&new).await?);
        }
    }
    let source = source_name(source);
    say(ctx, tr!(lang, "discord.follow.imported", n = added, of = accounts.len(), source = source)).await
}

async fn begin(ctx: Context<'_>, source: PostSource, name: Option<String>, kind: Option<Kind>) -> Result<(), Error> {
    let (lang, pipeline, scope) = (lang(ctx), &ctx.data().pipeline, scope(ctx)?);
    if !pipeline.followable().contains(&source) {
        return say(ctx, tr!(lang, "discord.follow.not_set_up", source = source_name(source))).await;
    }
    let (feed, account) = match (kind.map_or(FeedKind::Author, |kind| kind.0), name.as_deref()) {
        (FeedKind::Home, _) => (Feed::Home, None),
        (_, None) => return say(ctx, tr!(lang, "discord.follow.no_name")).await,
        (FeedKind::List, Some(name)) => match pipeline.find_list(source, name).await {
            Ok(feed) => (feed, None),
            Err(error) => return say(ctx, ask_failed(lang, source, &error)).await,
        },
        (FeedKind::Author, Some(name)) => match pipeline.find_account(source, name).await {
            Ok(account) => (Feed::Author(account.id.clone()), Some(account)),
            Err(error) => return say(ctx, ask_failed(lang, source, &error)).await,
        },
    };
    if let Some(account) = &account
        && pipeline.is_opted_out(None, &[&account.link]).await?
    {
        return say(ctx, tr!(lang, "discord.follow.opted_out")).await;
    }
    let by = Rater::discord(ctx.author().id.get());
    let new = NewFollow { scope, source, feed: &feed, account: account.as_ref(), added_by: &by.0 };
    let new = pipeline.follow(&new).await?;
    let curated = pipeline.desk_rules(scope).await?.outlet.is_some();
    say(ctx, followed(lang, source, (&feed, account.as_ref()), new, curated)).await
}

#[poise::command(
    slash_command,
    ephemeral,
    guild_only,
    required_permissions = "MANAGE_GUILD",
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn unfollow(
    ctx: Context<'_>,
    #[autocomplete = "followed_here"]
    #[max_length = 500]
    name: String,
) -> Result<(), Error> {
    let (lang, pipeline, scope) = (lang(ctx), &ctx.data().pipeline, scope(ctx)?);
    let follows = pipeline.follows(scope).await?;
    let Some(row) = follows.iter().find(|row| is_meant(row, &name)) else {
        return say(ctx, tr!(lang, "discord.unfollow.unknown")).await;
    };
    pipeline.unfollow(scope, row.feed.source, &row.feed.feed).await?;
    let name = crate::discord::follow_words::name(lang, row);
    say(ctx, tr!(lang, "discord.unfollow.done", name = name)).await
}

/// The choice of a list, or what somebody typed.
fn is_meant(row: &FollowRow, typed: &str) -> bool {
    let typed = typed.trim();
    if typed.strip_prefix('#').and_then(|id| id.parse().ok()) == Some(row.feed.id.0) {
        return true;
    }
    let plain = typed.trim_start_matches('@');
    let is_named = |account: &Account| {
        account.handle.eq_ignore_ascii_case(plain) || account.link.eq_ignore_ascii_case(typed) || account.id == typed
    };
    row.account.as_ref().is_some_and(is_named)
}

#[poise::command(
    slash_command,
    ephemeral,
    guild_only,
    required_permissions = "MANAGE_GUILD",
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn following(ctx: Context<'_>) -> Result<(), Error> {
    let answer = page(ctx.data(), lang(ctx), scope(ctx)?, 0).await?;
    say(ctx, answer).await
}

/// Turns a page of `/following`, which only the one who asked sees.
pub(super) async fn following_clicked(
    ctx: &serenity::Context,
    click: &ComponentInteraction,
    app: &App,
    rest: &str,
    lang: Lang,
) -> Result<(), Error> {
    click.create_response(ctx, serenity::CreateInteractionResponse::Acknowledge).await?;
    let guild = click.guild_id.context("a page of follows was turned outside of a guild")?;
    let answer = page(app, lang, Scope::Guild(guild.get()), rest.parse().unwrap_or(0)).await?;
    click.edit_response(ctx, answer.edit()).await?;
    Ok(())
}

async fn page(app: &App, lang: Lang, scope: Scope, page: usize) -> Result<Answer, Error> {
    let pipeline = &app.pipeline;
    let follows = pipeline.follows(scope).await?;
    let mut money = Vec::new();
    for source in pipeline.followable() {
        money.extend(pipeline.money(source).await.map(|money| (source, money)));
    }
    let states = pipeline.source_states().await?;
    Ok(paged(lang, &Listing { follows: &follows, states: &states, money: &money }, page))
}

pub(super) fn paged(lang: Lang, all: &Listing<'_>, page: usize) -> Answer {
    let pages = all.follows.len().div_ceil(ON_A_PAGE).max(1);
    let page = page.min(pages - 1);
    let shown = all.follows.iter().skip(page * ON_A_PAGE).take(ON_A_PAGE);
    let text = listing(lang, all, &shown.collect::<Vec<_>>(), (page + 1, pages));
    if pages == 1 {
        return Answer::text(text);
    }
    let button = |to: Option<usize>, label| {
        CreateButton::new(format!("following:{}", to.map_or("-".into(), |to| to.to_string())))
            .label(label)
            .style(ButtonStyle::Secondary)
            .disabled(to.is_none())
    };
    let back = button(page.checked_sub(1), tr!(lang, "discord.following.back"));
    let on = button(Some(page + 1).filter(|to| *to < pages), tr!(lang, "discord.following.forward"));
    // Two buttons of one message need two ids.
    let on = if page + 1 < pages { on } else { on.custom_id("following:end") };
    Answer::text(text).with_rows(vec![CreateActionRow::Buttons(vec![back, on])])
}

#[poise::command(
    slash_command,
    subcommands("mute", "share", "whole"),
    subcommand_required,
    guild_only,
    default_member_permissions = "MANAGE_GUILD"
)]
pub(super) async fn account(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn mute(
    ctx: Context<'_>,
    #[autocomplete = "known_anywhere"]
    #[max_length = 200]
    name: String,
    muted: bool,
) -> Result<(), Error> {
    change(ctx, &name, |rules| rules.muted = muted).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn share(
    ctx: Context<'_>,
    #[autocomplete = "known_anywhere"]
    #[max_length = 200]
    name: String,
    #[min = 1]
    #[max = 100]
    percent: u8,
) -> Result<(), Error> {
    let share = (percent < 100).then(|| f32::from(percent.max(1)) / 100.0);
    change(ctx, &name, |rules| rules.share = share).await
}

#[poise::command(slash_command, ephemeral, guild_only, required_permissions = "MANAGE_GUILD")]
async fn whole(
    ctx: Context<'_>,
    #[autocomplete = "known_anywhere"]
    #[max_length = 200]
    name: String,
    agreed: bool,
) -> Result<(), Error> {
    change(ctx, &name, |rules| rules.whole = agreed).await
}

async fn change(ctx: Context<'_>, name: &str, change: impl FnOnce(&mut AccountRules)) -> Result<(), Error> {
    let (lang, pipeline) = (lang(ctx), &ctx.data().pipeline);
    let (source, name) = sourced(name);
    let Some((source, account)) = pipeline.known_account(source, name).await? else {
        return say(ctx, tr!(lang, "discord.account.unknown")).await;
    };
    let rules = pipeline.change_account_rules(scope(ctx)?, (source, &account.id), change).await?;
    say(ctx, rules_words(lang, source, &account, &rules)).await
}

/// `bluesky:name`, as a choice says it, or a name alone.
fn sourced(name: &str) -> (Option<PostSource>, &str) {
    match name.split_once(':').map(|(source, name)| (source.parse::<PostSource>(), name)) {
        Some((Ok(source), name)) if source.is_timeline() => (Some(source), name),
        _ => (None, name),
    }
}

fn scope(ctx: Context<'_>) -> Result<Scope, Error> {
    Ok(Scope::Guild(ctx.guild_id().context("a command for guilds came from none")?.get()))
}

async fn known_of_x(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    known(ctx, Some(PostSource::X), typed).await
}

async fn known_of_bluesky(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    known(ctx, Some(PostSource::Bluesky), typed).await
}

async fn known_of_mastodon(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    known(ctx, Some(PostSource::Mastodon), typed).await
}

async fn known_anywhere(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    known(ctx, None, typed).await
}

/// Accounts that were seen: the names are public, and only who may follow is asked.
async fn known(ctx: Context<'_>, source: Option<PostSource>, typed: &str) -> CreateAutocompleteResponse {
    let found = ctx.data().pipeline.accounts_like(source, typed).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "names could not be completed");
        Vec::new()
    });
    let choice = |(of, account): (PostSource, Account)| {
        let value =
            if source.is_some() { account.handle.clone() } else { format!("{}:{}", of.as_str(), account.handle) };
        let shown = match account.name.as_deref().filter(|name| !name.trim().is_empty()) {
            Some(name) => format!("{name} · {}", account.handle),
            None => account.handle.clone(),
        };
        let shown = if source.is_some() { shown } else { format!("{shown} · {}", source_name(of)) };
        (value.chars().count() <= LONGEST_CHOICE).then(|| AutocompleteChoice::new(short(&shown), value))
    };
    let choices = found.into_iter().filter_map(choice).take(MOST_CHOICES).collect();
    CreateAutocompleteResponse::new().set_choices(choices)
}

async fn followed_here(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let Ok(scope) = scope(ctx) else { return CreateAutocompleteResponse::new() };
    let follows = ctx.data().pipeline.follows(scope).await.unwrap_or_default();
    let lang = lang(ctx);
    let named = follows.iter().map(|row| {
        let name = crate::discord::follow_words::plain_name(lang, row);
        (format!("{name} · {}", source_name(row.feed.source)), format!("#{}", row.feed.id.0))
    });
    let typed = typed.trim().trim_start_matches('@').to_lowercase();
    let found = named.filter(|(name, _)| name.to_lowercase().contains(&typed));
    let choices = found.map(|(name, value)| AutocompleteChoice::new(short(&name), value)).take(MOST_CHOICES);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_CHOICE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_its_service_and_a_handle_does_not() {
        assert_eq!(sourced("bluesky:ada.example"), (Some(PostSource::Bluesky), "ada.example"));
        assert_eq!(sourced("ada.example"), (None, "ada.example"));
        assert_eq!(sourced("https://a.example/rss"), (None, "https://a.example/rss"));
        assert_eq!(sourced("discord:5"), (None, "discord:5"));
    }
}
