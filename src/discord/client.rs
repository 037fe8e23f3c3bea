//! The connection: who we are, what we ask to be told, and what to do when it ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{BotGateway, Client, ClientBuilder, GatewayIntents};
use serenity::gateway::GatewayError;
use serenity::http::HttpError;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::events::{Counts, Ear, Heard};
use super::later::Later;
use super::listener::{Listener, Notices};
use super::reconcile::Reconciler;
use super::shards::{self, ShardRange};
use super::{App, Outbox, framework};

/// How long a stop waits for answers in the making, and for the shards to say goodbye.
const GRACE: Duration = Duration::from_secs(10);

/// Said once in the log, and on the health page as long as it is so.
pub(super) const NO_CONTENT: &str = "Discord does not tell this bot what messages say and show, so it sees no pictures in watched channels; slash \
     commands, \"Score\" in a message's menu, mentions and direct messages work. To switch it on: \
     https://discord.com/developers/applications, your application, Bot, Message Content Intent; then start again";

/// What no new try can mend.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    #[error(
        "Discord does not accept DISCORD_TOKEN; make a new one at https://discord.com/developers/applications, your \
         application, Bot, Reset Token"
    )]
    Token,
    #[error("Discord refused what this bot asks to be told (close code 4013): a newer version of mekiki may help")]
    Intents,
    #[error("--shards: Discord asks for at least {needed} shards in all, not {given}")]
    TooFewShards { given: u32, needed: u32 },
    #[error("shard {0} cannot be connected, however long and often it is tried; the log may say why")]
    Shard(u32),
    #[error("DISCORD_BASE: {0}")]
    Base(String),
}

/// Only what is needed. What messages say and show is a privilege that a bot may not have.
fn intents(reads_messages: bool) -> GatewayIntents {
    let needed = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::DIRECT_MESSAGE_REACTIONS;
    if reads_messages { needed | GatewayIntents::MESSAGE_CONTENT } else { needed }
}

/// The outbox of the connection that is; shares its limits.
pub(super) type CurrentOutbox = Arc<Mutex<Option<Arc<Outbox>>>>;

/// How a connection ended.
enum End {
    Stopped,
    /// Discord does not let this bot read messages: again without.
    NoContent,
    Fatal(Fatal),
    /// Worth another try.
    Lost(serenity::Error),
    /// A shard cannot be kept or made alive in this connection.
    Dead(u32),
}

/// Is on Discord until stopped: first the gateway is left, then what was heard is dealt with and answers in the making
/// are finished.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), Fatal> {
    let (queue, heard) = mpsc::unbounded_channel();
    let (missed, kept) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notices = Notices { missed: Arc::clone(&missed), kept: Arc::clone(&kept) };
    let deaf = CancellationToken::new();
    let outbox = CurrentOutbox::default();
    let listener = Listener::new(app.clone(), notices, Arc::clone(&outbox));
    let listener = tokio::spawn(listener.run(heard, deaf.clone()));
    let reconciler = Reconciler::new(app.clone(), queue.clone(), missed);
    let reconciler = tokio::spawn(reconciler.run(deaf.clone()));
    let later = tokio::spawn(Later::new(app.clone(), queue.clone(), kept).run(deaf.clone()));
    let ended = connect(&app, &queue, &outbox, &stop).await;
    app.status.set_connected(false);
    app.in_flight.close();
    if tokio::time::timeout(GRACE, app.in_flight.wait()).await.is_err() {
        tracing::warn!("stopped before all answers were given");
    }
    deaf.cancel();
    for task in [listener, reconciler, later] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the Discord connection did not end well");
        }
    }
    ended
}

async fn connect(
    app: &App,
    queue: &mpsc::UnboundedSender<Heard>,
    outbox: &CurrentOutbox,
    stop: &CancellationToken,
) -> Result<(), Fatal> {
    let patience = app.settings.patience;
    let (mut pause, mut in_vain) = (patience.first_pause, 0);
    loop {
        let begun = tokio::time::Instant::now();
        match session(app, queue, outbox, stop).await {
            End::Stopped => return Ok(()),
            End::NoContent if app.status.reads_messages() => {
                app.status.set_without_content();
                tracing::warn!("{NO_CONTENT}");
                continue;
            }
            End::NoContent => return Err(Fatal::Intents),
            End::Fatal(why) => return Err(why),
            End::Lost(error) => tracing::warn!(%error, "no connection to Discord; trying again in {pause:?}"),
            End::Dead(shard) => {
                in_vain = if begun.elapsed() > patience.longest_pause { 1 } else { in_vain + 1 };
                if in_vain >= patience.connections {
                    return Err(Fatal::Shard(shard));
                }
                tracing::warn!(shard, in_vain, "Discord does not take a shard, or lost it; asking anew in {pause:?}");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        // What held for a while is a new trouble.
        let held = begun.elapsed() > patience.longest_pause;
        pause = if held { patience.first_pause } else { (pause * 2).min(patience.longest_pause) };
    }
}

/// One client, from its making to its end.
async fn session(
    app: &App,
    queue: &mpsc::UnboundedSender<Heard>,
    current: &CurrentOutbox,
    stop: &CancellationToken,
) -> End {
    let gateway = tokio::select! {
        () = stop.cancelled() => return End::Stopped,
        gateway = get_gateway(app) => match gateway {
            Ok(gateway) => gateway,
            Err(error) => return ended(error),
        },
    };
    if let Some(base) = &app.settings.base
        && !is_here(&gateway.url)
    {
        return End::Fatal(Fatal::Base(format!("the Discord at {base} names a gateway elsewhere: {}", gateway.url)));
    }
    let shards = app.settings.shards.unwrap_or(ShardRange { from: 0, to: gateway.shards, total: gateway.shards });
    if shards.total < gateway.shards {
        // Too few are refused (4011), and serenity would try for ever.
        return End::Fatal(Fatal::TooFewShards { given: shards.total, needed: gateway.shards });
    }
    let limit = &gateway.session_start_limit;
    if limit.remaining == 0 {
        let wait = Duration::from_millis(limit.reset_after);
        tracing::warn!(?wait, "the day's sessions with Discord are used up; waiting for the next ones");
        tokio::select! {
            () = stop.cancelled() => return End::Stopped,
            () = tokio::time::sleep(wait) => {}
        }
    }
    let counts = Arc::new(Counts::default());
    let mut client = match build(app, queue.clone(), Arc::clone(&counts)).await {
        Ok(client) => client,
        Err(error) => return ended(error),
    };
    // Serenity goes to the public gateway where its own question fails.
    client.ws_url.lock().await.clone_from(&gateway.url);
    tracing::info!(shards = %format_args!("{}..{}/{}", shards.from, shards.to, shards.total), "connecting to Discord");
    let manager = Arc::clone(&client.shard_manager);
    let (http, cache) = (Arc::clone(&client.http), Arc::clone(&client.cache));
    app.rest.use_http(Arc::clone(&http));
    let outbox = Arc::new(Outbox::new(Arc::clone(&app.pipeline), http, cache, Arc::clone(&app.calls)));
    *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&outbox));
    let sending = stop.child_token();
    let outbox = tokio::spawn(outbox.run(sending.clone()));
    let end = tokio::select! {
        () = stop.cancelled() => End::Stopped,
        // Serenity's range includes its end.
        end = client.start_shard_range(shards.from..shards.to - 1, shards.total) => match end {
            Ok(()) => End::Stopped,
            Err(error) => ended(error),
        },
        dead = shards::watch(&manager, &app.status, &app.settings.patience, |shard| counts.heard(shard)) => End::Dead(dead.0),
    };
    app.status.set_connected(false);
    sending.cancel();
    shards::release(&manager, None).await;
    if tokio::time::timeout(GRACE, manager.shutdown_all()).await.is_err() {
        tracing::warn!("a shard did not say goodbye in time");
    }
    if matches!(end, End::Dead(_)) {
        tokio::spawn(shards::abandon(manager, shards));
    }
    if let Err(error) = outbox.await {
        tracing::error!(%error, "the outbox did not end well");
    }
    end
}

async fn get_gateway(app: &App) -> serenity::Result<BotGateway> {
    app.rest.http().get_bot_gateway().await
}

async fn build(app: &App, queue: mpsc::UnboundedSender<Heard>, counts: Arc<Counts>) -> serenity::Result<Client> {
    ClientBuilder::new_with_http(app.rest.fresh(), intents(app.status.reads_messages()))
        .framework(framework(app.clone()))
        .raw_event_handler(Ear::new(queue, counts))
        .await
}

/// What an error means for the connection.
fn ended(error: serenity::Error) -> End {
    match &error {
        serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents) => End::NoContent,
        serenity::Error::Gateway(GatewayError::InvalidGatewayIntents) => End::Fatal(Fatal::Intents),
        serenity::Error::Gateway(GatewayError::InvalidAuthentication) => End::Fatal(Fatal::Token),
        serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) if answer.status_code.as_u16() == 401 => {
            End::Fatal(Fatal::Token)
        }
        _ => End::Lost(error),
    }
}

fn is_here(gateway: &str) -> bool {
    let Ok(url) = url::Url::parse(gateway) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_asked_for() {
        assert!(intents(true).contains(GatewayIntents::MESSAGE_CONTENT));
        let without = intents(false);
        assert!(!without.intersects(GatewayIntents::privileged()));
        assert!(without.contains(GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES));
        assert!(!intents(true).intersects(GatewayIntents::GUILD_MEMBERS | GatewayIntents::GUILD_PRESENCES));
    }

    #[test]
    fn close_codes_that_no_try_mends_are_told_from_the_others() {
        let gateway = |error| ended(serenity::Error::Gateway(error));
        assert!(matches!(gateway(GatewayError::DisallowedGatewayIntents), End::NoContent));
        assert!(matches!(gateway(GatewayError::InvalidAuthentication), End::Fatal(Fatal::Token)));
        assert!(matches!(gateway(GatewayError::InvalidGatewayIntents), End::Fatal(Fatal::Intents)));
        assert!(matches!(gateway(GatewayError::HeartbeatFailed), End::Lost(_)));
    }

    #[test]
    fn a_stand_in_must_not_send_the_token_elsewhere() {
        assert!(is_here("ws://127.0.0.1:4000") && is_here("ws://[::1]:4000"));
        assert!(!is_here("wss://gateway.discord.gg") && !is_here("ws://10.0.0.1") && !is_here("nonsense"));
    }
}
