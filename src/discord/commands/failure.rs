//! What a person is told when a command came to nothing, in plain words; the log gets the cause.

use poise::FrameworkError;
use serenity::all::Permissions;

use super::{App, Context, Error, Lang, lang, mention, say};
use crate::discord::permissions;

pub(super) async fn tell(error: FrameworkError<'_, App, Error>) {
    if let FrameworkError::UnknownCommand { msg, content_start, framework, .. } = &error {
        let done = mention::without_known_command(framework, msg, usize::from(*content_start)).await;
        return done.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "a mention could not be answered");
        });
    }
    let Some(ctx) = error.ctx() else { return log(&error) };
    let words = words(lang(ctx), &error, ctx);
    log(&error);
    if let FrameworkError::Command { error, .. } = &error {
        note(ctx, error);
    }
    if let Err(error) = say(ctx, words).await {
        note(ctx, &error);
        tracing::warn!(%error, "a failure could not be told");
    }
}

/// What Discord refused counts, also where a command asked for it.
fn note(ctx: Context<'_>, error: &Error) {
    if let Some(error) = error.downcast_ref::<serenity::Error>() {
        ctx.data().calls.note(None, error);
    }
}

fn words(lang: Lang, error: &FrameworkError<'_, App, Error>, ctx: Context<'_>) -> String {
    match error {
        // An option that may be left out, and was not understood, is left over in the end.
        FrameworkError::ArgumentParse { error, ctx: poise::Context::Prefix(prefix), .. }
            if error.is::<poise::TooManyArguments>() =>
        {
            tr!(lang, "discord.failure.argument", input = short(prefix.args))
        }
        FrameworkError::ArgumentParse { input: Some(input), .. } => {
            tr!(lang, "discord.failure.argument", input = short(input))
        }
        FrameworkError::ArgumentParse { .. } => {
            tr!(lang, "discord.failure.argument_missing", command = ctx.command().qualified_name)
        }
        FrameworkError::CommandStructureMismatch { .. } => tr!(lang, "discord.failure.mismatch"),
        FrameworkError::MissingBotPermissions { missing_permissions, .. } => {
            tr!(lang, "discord.failure.bot_may_not", missing = permissions::names(lang, *missing_permissions))
        }
        FrameworkError::MissingUserPermissions { missing_permissions, .. } => {
            let missing = missing_permissions.unwrap_or(Permissions::MANAGE_GUILD);
            tr!(lang, "discord.failure.you_may_not", missing = permissions::names(lang, missing))
        }
        FrameworkError::GuildOnly { .. } => tr!(lang, "discord.failure.guild_only"),
        _ => tr!(lang, "discord.failure.internal"),
    }
    .into_owned()
}

/// What somebody wrote, harmless and short.
fn short(input: &str) -> String {
    input.chars().filter(|c| !c.is_control() && *c != '`').take(60).collect()
}

fn log(error: &FrameworkError<'_, App, Error>) {
    match error {
        FrameworkError::Command { error, ctx, .. } => {
            tracing::error!(error = format!("{error:#}"), command = %ctx.command().qualified_name, "a command failed");
        }
        FrameworkError::EventHandler { error, .. } => {
            tracing::error!(error = format!("{error:#}"), "a click could not be answered");
        }
        FrameworkError::CommandPanic { payload, ctx, .. } => {
            let what = payload.as_deref().unwrap_or_default();
            tracing::error!(what, command = %ctx.command().qualified_name, "a command panicked");
        }
        other => tracing::debug!(error = %other, "a command was not run"),
    }
}
