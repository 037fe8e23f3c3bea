//! `/help` and `/ping`.

use std::time::Duration;

use super::{Context, Error, Lang, lang, say};
use crate::discord::markup::escaped;

#[poise::command(
    slash_command,
    prefix_command,
    ephemeral,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn help(ctx: Context<'_>) -> Result<(), Error> {
    let settings = &ctx.data().settings;
    let contact = settings.contact.as_deref().map(|contact| contact_words(lang(ctx), contact));
    let help = help_words(lang(ctx), &settings.prefix);
    say(ctx, [Some(help), contact].into_iter().flatten().collect::<Vec<_>>().join("\n\n")).await
}

/// How artists reach the operator.
pub(super) fn contact_words(lang: Lang, contact: &str) -> String {
    tr!(lang, "discord.contact", contact = escaped(contact)).into_owned()
}

/// `prefix`: what stands before the everyday commands in messages.
pub(super) fn help_words(lang: Lang, prefix: &str) -> String {
    tr!(lang, "discord.help", prefix = prefix).into_owned()
}

#[poise::command(
    slash_command,
    prefix_command,
    ephemeral,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
pub(super) async fn ping(ctx: Context<'_>) -> Result<(), Error> {
    say(ctx, ping_words(lang(ctx), ctx.ping().await)).await
}

/// `beat`: from a heartbeat to its answer; zero before the first.
pub(super) fn ping_words(lang: Lang, beat: Duration) -> String {
    if beat.is_zero() {
        return tr!(lang, "discord.ping.first").into_owned();
    }
    tr!(lang, "discord.ping.beat", ms = beat.as_millis()).into_owned()
}
