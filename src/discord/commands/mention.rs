//! Messages that speak to the bot without a command: a mention with a picture, a picture in a direct message.

use poise::serenity_prelude as serenity;
use serenity::Message;

use super::links::Link;
use super::score::{Asker, send};
use super::{Answer, App, Error};

type Framework<'a> = poise::FrameworkContext<'a, App, Error>;

/// Whether a message asks for a score itself, by prefix or mention: it is answered as a command.
pub(in crate::discord) fn is_asked(text: &str, prefix: &str, me: u64) -> bool {
    let text = text.trim_start();
    if text.starts_with(&format!("<@{me}>")) || text.starts_with(&format!("<@!{me}>")) {
        return true;
    }
    let Some(command) = text.strip_prefix(prefix) else { return false };
    command.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("score"))
}

/// A message without prefix or mention: in direct messages, a picture alone is enough.
pub(super) async fn without_command(framework: &Framework<'_>, message: &Message) -> Result<(), Error> {
    if message.author.bot || message.guild_id.is_some() {
        return Ok(());
    }
    answer(framework, message, "").await
}

/// A prefix or mention before something that is no command. After the prefix it is nobody's business: other bots have the
/// same.
pub(super) async fn without_known_command(
    framework: &Framework<'_>,
    message: &Message,
    start: usize,
) -> Result<(), Error> {
    let (prefix, rest) = message.content.split_at_checked(start).unwrap_or_default();
    if !prefix.trim_start().starts_with("<@") && message.guild_id.is_some() {
        return Ok(());
    }
    answer(framework, message, rest.trim()).await
}

/// Scores what the message shows, answers, or links to; else says what it could.
async fn answer(framework: &Framework<'_>, message: &Message, text: &str) -> Result<(), Error> {
    let ctx = framework.serenity_context;
    let asker = Asker::of_message(ctx, framework.user_data, message);
    let link = Some(text).filter(|text| Link::of(text).is_ok());
    let found = match asker.shown_in_or_before(message) {
        Some(ask) => Ok(ask),
        None if link.is_some() => asker.by_message(message, link).await?,
        None => {
            let prefix = &framework.user_data.settings.prefix;
            let hint = Answer::text(tr!(asker.lang, "discord.ask.hint", prefix = prefix));
            message.channel_id.send_message(ctx, hint.message().reference_message(message)).await?;
            return Ok(());
        }
    };
    message.channel_id.broadcast_typing(ctx).await?;
    send(&asker, message, found).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_told_from_what_does_not() {
        for text in ["!score", "!SCORE https://a.example", "  !score", "! score", "<@99> score", "<@!99>", "<@99>"] {
            assert!(is_asked(text, "!", 99), "{text}");
        }
        for text in ["", "!", "!scoreboard", "!rate", "look, !score", "<@98> score", "<@991>"] {
            assert!(!is_asked(text, "!", 99), "{text}");
        }
        assert!(is_asked("me.score", "me.", 99));
    }
}
