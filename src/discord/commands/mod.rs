//! What people can say to the bot: slash commands, the same by prefix or mention for the everyday ones, a context menu;
//! and the buttons of the commands' own answers.

mod about;
mod channels;
mod choices;
mod failure;
mod follow;
mod links;
mod look;
mod mention;
mod naming;
mod own_data;
mod rate;
mod score;
pub(super) mod sight;
mod taste;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use poise::serenity_prelude as serenity;
use serenity::{ChannelType, ComponentInteraction, CreateCommand, FullEvent, Http, Interaction};

use super::answer::Answer;
use super::{App, Error, Lang, buttons, permissions, setup};

use choices::choices;
pub(super) use links::linked_pictures;
pub(super) use mention::is_asked;
#[cfg(test)]
pub(crate) use naming::keys;

pub(super) type Context<'a> = poise::Context<'a, App, Error>;
type Command = poise::Command<App, Error>;

/// Kinds of channels whose pictures can be watched; threads come with them.
pub(super) const WATCHABLE: [ChannelType; 5] =
    [ChannelType::Text, ChannelType::News, ChannelType::Forum, ChannelType::Voice, ChannelType::Stage];

/// Kinds of channels that picks can be shown in.
pub(super) const CURATABLE: [ChannelType; 2] = [ChannelType::Text, ChannelType::News];

/// Answers commands, and the buttons of their answers, once it is ready; registers the commands then.
pub fn framework(app: App) -> poise::Framework<App, Error> {
    let prefix_options = poise::PrefixFrameworkOptions {
        prefix: Some(Cow::Owned(app.settings.prefix.clone())),
        mention_as_prefix: true,
        non_command_message: Some(|framework, message| Box::pin(mention::without_command(framework, message))),
        ..Default::default()
    };
    let options = poise::FrameworkOptions {
        commands: all(),
        prefix_options,
        allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
        pre_command: |ctx| Box::pin(defer(ctx)),
        on_error: |error| Box::pin(failure::tell(error)),
        event_handler: |framework, event| Box::pin(on_event(framework, event)),
        // Nothing here is for the bot's owner alone: no need to ask Discord who that is.
        initialize_owners: false,
        ..Default::default()
    };
    poise::Framework::builder()
        .options(options)
        .setup(|ctx, ready, framework| {
            tracing::info!(
                invite = permissions::invite(ready.application.id.get()),
                "on Discord as {}",
                ready.user.name
            );
            let commands = registration(&framework.options().commands);
            tokio::spawn(register(ctx.http.clone(), commands));
            Box::pin(async move { Ok(app) })
        })
        .build()
}

/// Every command, with its words.
fn all() -> Vec<Command> {
    let mut commands = vec![
        score::score(),
        score::score_menu(),
        rate::rate(),
        look::top(),
        taste::taste(),
        look::stats(),
        about::help(),
        about::ping(),
        setup::setup(),
        channels::watch(),
        channels::curate(),
        follow::follow(),
        follow::unfollow(),
        follow::following(),
        follow::account(),
        look::subscribe(),
        own_data::privacy(),
        own_data::export(),
        own_data::forget(),
        own_data::optout(),
    ];
    for command in &mut commands {
        let kinds: &'static [ChannelType] = if command.name == "curate" { &CURATABLE } else { &WATCHABLE };
        for subcommand in &mut command.subcommands {
            for option in subcommand.parameters.iter_mut().filter(|option| option.name == "channel") {
                option.channel_types = Some(Cow::Borrowed(kinds));
            }
        }
    }
    naming::localise(&mut commands);
    commands
}

/// The commands as Discord is told of them.
fn registration(commands: &[Command]) -> Vec<CreateCommand> {
    let menu = |command: &Command| {
        let menu = command.create_as_context_menu_command()?;
        Some(menu.name_localized("ja", tr!(Lang::Ja, "discord.menu.score")))
    };
    commands.iter().flat_map(|command| [command.create_as_slash_command(), menu(command)]).flatten().collect()
}

/// Tells Discord of the commands. The bot answers meanwhile: those of the last start are still there.
async fn register(http: std::sync::Arc<Http>, commands: Vec<CreateCommand>) {
    const TRIES: u32 = 5;
    for tried in 1..=TRIES {
        match serenity::Command::set_global_commands(&http, commands.clone()).await {
            Ok(_) => return,
            Err(error) if tried < TRIES && may_pass(&error) => {
                tracing::warn!(%error, "Discord was not told of the commands; trying again");
                tokio::time::sleep(std::time::Duration::from_secs(5 << tried)).await;
            }
            Err(error) => tracing::error!(%error, "Discord was not told of the commands; those of the last start stay"),
        }
    }
}

/// Whether the same request may succeed later: the network or Discord was at fault, not the request.
fn may_pass(error: &serenity::Error) -> bool {
    match error {
        serenity::Error::Http(error) => error.status_code().is_none_or(|status| status.as_u16() >= 500),
        _ => false,
    }
}

/// Takes a command at once, so that there are 15 minutes to answer it instead of 3 seconds; shows typing for a message.
async fn defer(ctx: Context<'_>) {
    // Held as long as the command runs: a stop waits for it.
    ctx.set_invocation_data(ctx.data().in_flight.token()).await;
    let taken = match ctx {
        poise::Context::Application(slash) => slash.defer_response(ctx.command().ephemeral).await,
        poise::Context::Prefix(_) => ctx.defer_or_broadcast().await.map(|_| ()),
    };
    if let Err(error) = taken {
        tracing::warn!(%error, command = %ctx.command().qualified_name, "a command could not be taken");
    }
}

async fn on_event(framework: poise::FrameworkContext<'_, App, Error>, event: &FullEvent) -> Result<(), Error> {
    if let FullEvent::InteractionCreate { interaction: Interaction::Component(click) } = event {
        component(framework.serenity_context, click, framework.user_data).await?;
    }
    Ok(())
}

/// Buttons and selects of the commands' own answers, told by their id.
async fn component(ctx: &serenity::Context, click: &ComponentInteraction, app: &App) -> Result<(), Error> {
    let _in_flight = app.in_flight.token();
    let lang = Lang::of_person(Some(&click.locale), click.guild_locale.as_deref());
    let id = click.data.custom_id.as_str();
    let Some((kind, rest)) = id.split_once(':') else { return Ok(()) };
    let done = match kind {
        "setup" => setup::clicked(ctx, click, app, lang).await,
        "up" | "down" | "rate" | "why" | "notface" | "remove" => buttons::clicked(ctx, click, app, lang).await,
        "ask" => rate::clicked(ctx, click, app, rest, lang).await,
        "following" => follow::following_clicked(ctx, click, app, rest, lang).await,
        "reset" => taste::reset_clicked(ctx, click, app, rest, lang).await,
        "forget" => own_data::forget_clicked(ctx, click, app, rest, lang).await,
        _ => return Ok(()),
    };
    if let Err(error) = done {
        tracing::error!(error = format!("{error:#}"), id, "a click came to nothing");
        let sorry = Answer::text(tr!(lang, "discord.failure.internal"));
        // Whether it was taken before it failed is not known here: one of the two goes through.
        if click.create_followup(ctx, sorry.clone().followup()).await.is_err() {
            let whisper = serenity::CreateInteractionResponse::Message(sorry.whisper());
            click.create_response(ctx, whisper).await?;
        }
    }
    Ok(())
}

/// The language of whoever sent the command.
pub(super) fn lang(ctx: Context<'_>) -> Lang {
    match ctx {
        poise::Context::Application(slash) => {
            Lang::of_person(Some(&slash.interaction.locale), slash.interaction.guild_locale.as_deref())
        }
        poise::Context::Prefix(_) => {
            let guild = ctx.guild().map(|guild| guild.preferred_locale.clone());
            Lang::of_person(None, guild.as_deref())
        }
    }
}

/// The guild, if the bot is in it: a command can also come from where only the person has installed it.
pub(super) fn joined_guild(ctx: Context<'_>) -> Option<serenity::GuildId> {
    ctx.guild_id().filter(|id| ctx.cache().guild(*id).is_some())
}

/// Discord does not let the bot do or see it, or it is not there.
fn is_refusal(error: &serenity::Error) -> bool {
    let serenity::Error::Http(error) = error else { return false };
    matches!(error.status_code(), Some(serenity::StatusCode::FORBIDDEN | serenity::StatusCode::NOT_FOUND))
}

async fn say(ctx: Context<'_>, answer: impl Into<Answer>) -> Result<(), Error> {
    ctx.send(answer.into().into()).await?;
    Ok(())
}

impl<T: AsRef<str>> From<T> for Answer {
    fn from(text: T) -> Self {
        Self::text(text.as_ref())
    }
}
