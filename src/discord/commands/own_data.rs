//! `/privacy`, `/export me`, `/forget me`, `/optout`: what belongs to the person who asks.
#![expect(clippy::unused_async, reason = "a command that only holds others is one, too")]

use poise::serenity_prelude as serenity;
use serenity::{
    ButtonStyle, ComponentInteraction, CreateActionRow, CreateAttachment, CreateButton, CreateInteractionResponse,
};

use super::{Answer, App, Context, Error, Lang, lang, say};
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
    // In angle brackets, the link shows no preview.
    let shown = format!("<{}>", artist.as_str());
    let done = if ctx.data().pipeline.opt_out_artist(&artist).await? {
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

#[poise::command(
    slash_command,
    subcommands("export_me"),
    subcommand_required,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn export(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, rename = "me")]
async fn export_me(ctx: Context<'_>) -> Result<(), Error> {
    /// Discord takes ten million bytes of anybody.
    const MOST: usize = 10_000_000;
    let lang = lang(ctx);
    let data = ctx.data().pipeline.export_person(ctx.author().id.get()).await?;
    let json = serde_json::to_vec_pretty(&data)?;
    if json.len() >= MOST {
        return say(ctx, tr!(lang, "discord.export.too_large")).await;
    }
    let file = CreateAttachment::bytes(json, "mekiki-me.json");
    say(ctx, Answer::text(tr!(lang, "discord.export.here")).with_files(vec![file])).await
}

#[poise::command(
    slash_command,
    subcommands("forget_me"),
    subcommand_required,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn forget(_: Context<'_>) -> Result<(), Error> {
    Ok(())
}

#[poise::command(slash_command, ephemeral, rename = "me")]
async fn forget_me(ctx: Context<'_>) -> Result<(), Error> {
    say(ctx, forget_question(lang(ctx))).await
}

pub(super) fn forget_question(lang: Lang) -> Answer {
    let yes = CreateButton::new("forget:yes").label(tr!(lang, "discord.forget.yes")).style(ButtonStyle::Danger);
    let no = CreateButton::new("forget:no").label(tr!(lang, "discord.forget.no")).style(ButtonStyle::Secondary);
    Answer::text(tr!(lang, "discord.forget.question")).with_rows(vec![CreateActionRow::Buttons(vec![yes, no])])
}

/// The second click; whoever clicks is the one who is forgotten.
pub(super) async fn forget_clicked(
    ctx: &serenity::Context,
    click: &ComponentInteraction,
    app: &App,
    what: &str,
    lang: Lang,
) -> Result<(), Error> {
    click.create_response(ctx, CreateInteractionResponse::Acknowledge).await?;
    let done = if what == "yes" {
        app.pipeline.forget_person(click.user.id.get()).await?;
        tr!(lang, "discord.forget.done")
    } else {
        tr!(lang, "discord.forget.kept")
    };
    click.edit_response(ctx, Answer::text(done).edit()).await?;
    Ok(())
}
