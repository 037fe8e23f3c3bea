//! What the gateway says, translated, in the order in which it was said.
//!
//! Serenity runs the handlers of each event in a task of their own: their order is not the events'. Its collectors are
//! called by the shard itself, one event after the other: they feed our queue. A raw handler registers one when a
//! session begins.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serenity::all::{Cache, Context, Event, RawEventHandler, Reaction, ReactionType, ReadyEvent};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::raw::RawMessage;
use super::shards::ShardRange;
use super::unread;
use crate::domain::{MessageKey, ReactionChange};

/// So long after a session's begin, messages are also taken from the raw handler: those between the begin and the
/// collector's registration. Twice does no harm.
const YOUNG: Duration = Duration::from_secs(5);

/// What is to be dealt with.
#[derive(Debug)]
pub(super) enum Heard {
    Session(Session),
    Resumed,
    /// A new message that may show pictures.
    Created(Box<RawMessage>),
    /// A message that shows none: only its place in the channel counts.
    Passed(MessageKey),
    Edited(Box<RawMessage>),
    /// Looked up: another than was kept, or, if it `is_new`, perhaps missed. `as_of`: when it was asked for.
    Fetched {
        as_of: Instant,
        message: Box<RawMessage>,
        is_new: bool,
    },
    Deleted(u64, Vec<u64>),
    /// Looked for and not found.
    Missing {
        as_of: Instant,
        message: MessageKey,
    },
    /// Looked up: (person, emoji) of all that stand on a message. Says whether they counted: nothing had happened to them since.
    ReactionsFetched {
        as_of: Instant,
        message: MessageKey,
        standing: Vec<(u64, String)>,
        taken: Arc<AtomicBool>,
    },
    ChannelDeleted {
        guild: u64,
        channel: u64,
        is_thread: bool,
    },
    /// Channels, roles or the bot's own membership changed; `Some`: this channel only.
    PermissionsChanged(Option<u64>),
    GuildJoined(u64),
    GuildLeft(u64),
    /// A bot's own are left out. An emoji is its character, or `name:id`.
    Reactions(Vec<ReactionChange>),
}

/// A new session of a shard.
#[derive(Debug)]
pub(super) struct Session {
    /// Of the shard it is on; all guilds of that are in `guilds`.
    pub(super) shard: ShardRange,
    pub(super) me: u64,
    pub(super) application: u64,
    /// Of this shard.
    pub(super) guilds: Vec<u64>,
    pub(super) cache: Arc<Cache>,
}

/// Events heard, by shard.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<HashMap<u32, Arc<AtomicU64>>>);

impl Counts {
    fn of(&self, shard: u32) -> Arc<AtomicU64> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(shard).or_default())
    }

    pub(super) fn heard(&self, shard: u32) -> u64 {
        self.of(shard).load(Ordering::Relaxed)
    }
}

/// Hears every event and queues what matters.
pub(super) struct Ear {
    queue: UnboundedSender<Heard>,
    counts: Arc<Counts>,
    sessions: Mutex<HashMap<u32, Listening>>,
}

/// Held as long as a shard's collector is to live.
struct Listening {
    since: Instant,
    _collector: Box<dyn Any + Send>,
}

impl Ear {
    pub(super) fn new(queue: UnboundedSender<Heard>, counts: Arc<Counts>) -> Self {
        Self { queue, counts, sessions: Mutex::default() }
    }

    fn begin(&self, ctx: &Context, ready: &ReadyEvent) {
        let shard = ctx.shard_id.0;
        let (queue, count) = (self.queue.clone(), self.counts.of(shard));
        let collector = serenity::collector::collect(&ctx.shard, move |event| {
            count.fetch_add(1, Ordering::Relaxed);
            if let Some(heard) = translate(event) {
                // Closed at a stop.
                let _ = queue.send(heard);
            }
            None::<()>
        });
        let listening = Listening { since: Instant::now(), _collector: Box::new(collector) };
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(shard, listening);
        let session = Session {
            shard: ShardRange { from: shard, to: shard + 1, total: ready.ready.shard.map_or(1, |s| s.total.max(1)) },
            me: ready.ready.user.id.get(),
            application: ready.ready.application.id.get(),
            guilds: ready.ready.guilds.iter().map(|g| g.id.get()).collect(),
            cache: Arc::clone(&ctx.cache),
        };
        let _ = self.queue.send(Heard::Session(session));
    }

    fn is_young(&self, shard: u32) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&shard).is_none_or(|s| s.since.elapsed() < YOUNG)
    }
}

#[serenity::async_trait]
impl RawEventHandler for Ear {
    async fn raw_event(&self, ctx: Context, event: Event) {
        if let Event::Ready(ready) = &event {
            self.begin(&ctx, ready);
        } else if self.is_young(ctx.shard_id.0)
            && let Some(heard @ (Heard::Created(_) | Heard::Edited(_) | Heard::Deleted(..))) = translate(&event)
        {
            let _ = self.queue.send(heard);
        }
    }
}

/// `None`: nothing to do.
pub(super) fn translate(event: &Event) -> Option<Heard> {
    Some(match event {
        Event::Resumed(_) => Heard::Resumed,
        Event::MessageCreate(e) => {
            e.message.guild_id?;
            let m = &e.message;
            let shows = !(m.attachments.is_empty() && m.embeds.is_empty() && m.message_snapshots.is_empty());
            if !shows {
                return Some(Heard::Passed(MessageKey { channel: m.channel_id.get(), message: m.id.get() }));
            }
            Heard::Created(Box::new(RawMessage::read(&serde_json::to_value(m).ok()?)?))
        }
        Event::MessageUpdate(e) => {
            e.guild_id?;
            Heard::Edited(Box::new(RawMessage::read(&serde_json::to_value(e).ok()?)?))
        }
        Event::MessageDelete(e) => Heard::Deleted(e.channel_id.get(), vec![e.message_id.get()]),
        Event::MessageDeleteBulk(e) => Heard::Deleted(e.channel_id.get(), e.ids.iter().map(|id| id.get()).collect()),
        Event::ChannelDelete(e) => {
            Heard::ChannelDeleted { guild: e.channel.guild_id.get(), channel: e.channel.id.get(), is_thread: false }
        }
        Event::ThreadDelete(e) => {
            Heard::ChannelDeleted { guild: e.thread.guild_id.get(), channel: e.thread.id.get(), is_thread: true }
        }
        Event::ChannelCreate(e) => Heard::PermissionsChanged(Some(e.channel.id.get())),
        Event::ChannelUpdate(e) => Heard::PermissionsChanged(Some(e.channel.id.get())),
        Event::ThreadUpdate(e) => Heard::PermissionsChanged(Some(e.thread.id.get())),
        Event::GuildRoleUpdate(_) | Event::GuildRoleDelete(_) | Event::GuildMemberUpdate(_) | Event::GuildUpdate(_) => {
            Heard::PermissionsChanged(None)
        }
        Event::GuildCreate(e) => Heard::GuildJoined(e.guild.id.get()),
        // An outage says unavailable; removed is what says nothing.
        Event::GuildDelete(e) if !e.guild.unavailable => Heard::GuildLeft(e.guild.id.get()),
        Event::ReactionAdd(e) => one(added(&e.reaction)?),
        Event::ReactionRemove(e) => one(removed(&e.reaction)?),
        Event::ReactionRemoveAll(e) => one(ReactionChange::Clear {
            message: MessageKey { channel: e.channel_id.get(), message: e.message_id.get() },
        }),
        Event::ReactionRemoveEmoji(e) => {
            one(ReactionChange::ClearEmoji { message: key(&e.reaction), emoji: emoji_name(&e.reaction.emoji) })
        }
        Event::Unknown(e) => return unread::translate(&e.kind, &e.value),
        _ => return None,
    })
}

pub(super) fn one(change: ReactionChange) -> Heard {
    Heard::Reactions(vec![change])
}

fn key(reaction: &Reaction) -> MessageKey {
    MessageKey { channel: reaction.channel_id.get(), message: reaction.message_id.get() }
}

fn added(reaction: &Reaction) -> Option<ReactionChange> {
    if reaction.member.as_ref().is_some_and(|m| m.user.bot) {
        return None;
    }
    let (message, emoji) = (key(reaction), emoji_name(&reaction.emoji));
    Some(ReactionChange::Add { message, person: reaction.user_id?.get(), emoji })
}

fn removed(reaction: &Reaction) -> Option<ReactionChange> {
    let (message, emoji) = (key(reaction), emoji_name(&reaction.emoji));
    Some(ReactionChange::Remove { message, person: reaction.user_id?.get(), emoji })
}

/// The character, or `name:id`.
pub(super) fn emoji_name(emoji: &ReactionType) -> String {
    match emoji {
        ReactionType::Custom { id, name, .. } => format!("{}:{id}", name.as_deref().unwrap_or_default()),
        ReactionType::Unicode(character) => character.clone(),
        // Non-exhaustive.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use serenity::model::event::GatewayEvent;

    use super::*;

    fn event(kind: &str, data: &Value) -> Event {
        match serde_json::from_value(json!({"op": 0, "s": 1, "t": kind, "d": data})).unwrap() {
            GatewayEvent::Dispatch(_, event) => event,
            other => panic!("{other:?}"),
        }
    }

    fn heard(kind: &str, data: &Value) -> Option<Heard> {
        translate(&event(kind, data))
    }

    const KEY: MessageKey = MessageKey { channel: 20, message: 50 };

    #[test]
    fn a_cleared_emoji_is_heard_in_the_shape_that_discord_documents() {
        let data =
            json!({"channel_id": "20", "message_id": "50", "guild_id": "1", "emoji": {"id": null, "name": "⭐"}});
        assert!(matches!(event("MESSAGE_REACTION_REMOVE_EMOJI", &data), Event::Unknown(_)));
        let Some(Heard::Reactions(changes)) = heard("MESSAGE_REACTION_REMOVE_EMOJI", &data) else { panic!() };
        assert_eq!(changes, [ReactionChange::ClearEmoji { message: KEY, emoji: "⭐".into() }]);
    }

    #[test]
    fn an_outage_is_no_removal() {
        assert!(heard("GUILD_DELETE", &json!({"id": "1", "unavailable": true})).is_none());
        assert!(matches!(heard("GUILD_DELETE", &json!({"id": "1"})), Some(Heard::GuildLeft(1))));
        assert!(heard("GUILD_CREATE", &json!({"id": "1", "unavailable": true})).is_none());
    }

    #[test]
    fn a_message_with_one_odd_field_is_heard_from_its_raw_value() {
        let data = json!({
            "id": "50", "channel_id": "20", "guild_id": "1", "content": "", "type": 0, "embeds": [],
            "author": {"id": "10", "username": "ada"}, "timestamp": "2026-08-01T12:00:00Z",
            "attachments": [{"id": "70", "filename": "a.png", "url": "https://a.invalid", "size": "large"}]
        });
        for kind in ["MESSAGE_CREATE", "MESSAGE_UPDATE"] {
            assert!(matches!(event(kind, &data), Event::Unknown(_)), "{kind}");
            let Some(Heard::Created(message) | Heard::Edited(message)) = heard(kind, &data) else { panic!("{kind}") };
            assert_eq!(message.shown.unwrap().files.len(), 1);
        }
    }

    #[test]
    fn emoji_are_named_alike_however_they_come() {
        let typed = |emoji: &Value| emoji_name(&serde_json::from_value(emoji.clone()).unwrap());
        for (emoji, name) in [
            (json!({"id": null, "name": "👍"}), "👍"),
            (json!({"id": "60", "name": "yes", "animated": true}), "yes:60"),
            (json!({"id": "60", "name": null, "animated": false}), ":60"),
        ] {
            assert_eq!(typed(&emoji), name);
            assert_eq!(unread::emoji_name(&emoji).as_deref(), Some(name));
        }
    }

    /// Each payload of the collection comes to what it means.
    #[test]
    fn documented_payloads() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/discord-events.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: {} is not there", path.display());
            return;
        };
        let events: Value = serde_json::from_str(&text).unwrap();
        let heard = |name: &str| {
            let kind = name.split('#').next().unwrap_or_default();
            heard(kind, events[name].get("d").unwrap_or(&events[name]))
        };
        assert!(matches!(heard("MESSAGE_CREATE"), Some(Heard::Created(m)) if m.key == KEY && m.guild == Some(1)));
        assert!(matches!(heard("MESSAGE_CREATE#forward"), Some(Heard::Created(m)) if m.forward.is_some()));
        assert!(matches!(heard("MESSAGE_UPDATE"), Some(Heard::Edited(_))));
        assert!(matches!(heard("MESSAGE_DELETE"), Some(Heard::Deleted(20, ids)) if ids == [50]));
        assert!(matches!(heard("MESSAGE_DELETE_BULK"), Some(Heard::Deleted(20, ids)) if !ids.is_empty()));
        assert!(matches!(heard("CHANNEL_DELETE"), Some(Heard::ChannelDeleted { guild: 1, is_thread: false, .. })));
        assert!(matches!(heard("THREAD_DELETE"), Some(Heard::ChannelDeleted { guild: 1, is_thread: true, .. })));
        let reaction = |name: &str| match heard(name) {
            Some(Heard::Reactions(changes)) => changes.into_iter().next(),
            _ => None,
        };
        for name in ["MESSAGE_REACTION_ADD", "MESSAGE_REACTION_ADD#super", "MESSAGE_REACTION_ADD#custom"] {
            assert!(matches!(reaction(name), Some(ReactionChange::Add { message: KEY, .. })), "{name}");
        }
        assert!(matches!(reaction("MESSAGE_REACTION_REMOVE"), Some(ReactionChange::Remove { person: 10, .. })));
        assert!(matches!(reaction("MESSAGE_REACTION_REMOVE_ALL"), Some(ReactionChange::Clear { message: KEY })));
        assert!(matches!(heard("GUILD_CREATE"), Some(Heard::GuildJoined(1))));
        assert!(matches!(heard("GUILD_DELETE#kicked"), Some(Heard::GuildLeft(1))));
        assert!(matches!(heard("RESUMED"), Some(Heard::Resumed)));
    }
}
