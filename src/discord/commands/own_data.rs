//! `/privacy`, `/export me`, `/forget me`, `/optout`: what belongs to the person who asks.

use super::{Context, Error, Lang, lang, say};
use crate::domain::{ArtistLink, BadArtistLink, Person};

#[poise::command(
    slash_command,
    ephemeral,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn privacy(ctx: Context<'_>) -> Result<(), Error> {
    say(ctx, privacy_words(lang(ctx), ctx.data().settings.crops_days)).await
}

/// `days`: how long crops are kept.
pub(super) fn privacy_words(lang: Lang, days: u32) -> String {
    tr!(lang, "discord.privacy", days = days).into_owned()
}

#[poise::command(
    slash_command,
    subcommands("artist", "optout_me"),
    subcommand_required,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn optout(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral)]
async fn artist(ctx: Context<'_>, #[max_length = 300] url: String) -> Result<(), Error> {
    let lang = lang(ctx);
    let artist = match url.parse::<ArtistLink>() {
        Ok(artist) => artist,
        Err(BadArtistLink::NoLink) => return say(ctx, tr!(lang, "discord.optout.no_link")).await,
        Err(BadArtistLink::Shared) => return say(ctx, tr!(lang, "discord.optout.shared")).await,
    };
    let new = ctx.data().pipeline.opt_out_artist(&artist).await?;
    // In angle brackets, the link shows no preview.
    let shown = format!("<{}>", artist.as_str());
    let done = if new {
        tr!(lang, "discord.optout.artist", artist = shown)
    } else {
        tr!(lang, "discord.optout.artist_already", artist = shown)
    };
    say(ctx, done).await
}

#[poise::command(slash_command, ephemeral, rename = "me")]
async fn optout_me(ctx: Context<'_>) -> Result<(), Error> {
    let (lang, person) = (lang(ctx), ctx.author().id.get());
    let pipeline = &ctx.data().pipeline;
    let before = pipeline.person(person).await?;
    pipeline.set_person(person, &Person { opted_out: !before.opted_out, ..before }).await?;
    let done = if before.opted_out { tr!(lang, "discord.optout.off") } else { tr!(lang, "discord.optout.on") };
    say(ctx, done).await
}
