//! Events that serenity hands over unread, for one odd field or since it knows their shape otherwise: what matters is taken
//! from their raw value.

use serde_json::Value;

use super::events::{Heard, one};
use super::raw::{self, RawMessage};
use crate::domain::{MessageKey, ReactionChange};

/// Events that serenity knows by name and still could not read, for one odd field; and the one that it never can.
pub(super) fn translate(kind: &str, value: &Value) -> Option<Heard> {
    const EXPECTED: [&str; 2] = ["MESSAGE_REACTION_REMOVE_EMOJI", "GUILD_CREATE"];
    let number = |name: &str| value.get(name).and_then(raw::id);
    let guild = number("guild_id");
    let is_outage = value.get("unavailable").and_then(Value::as_bool) == Some(true);
    if KNOWN.contains(&kind) && !(EXPECTED.contains(&kind) && (is_outage || kind != "GUILD_CREATE")) {
        metrics::counter!("mekiki_discord_unread_total", "event" => kind.to_owned()).increment(1);
        tracing::warn!(
            event = kind,
            "an event has a shape that the library does not read; what matters is taken from it"
        );
    }
    let message = || Some(MessageKey { channel: number("channel_id")?, message: number("message_id")? });
    let emoji = || emoji_name(value.get("emoji")?);
    Some(match kind {
        "MESSAGE_CREATE" => {
            guild?;
            Heard::Created(Box::new(RawMessage::read(value)?))
        }
        "MESSAGE_UPDATE" => {
            guild?;
            Heard::Edited(Box::new(RawMessage::read(value)?))
        }
        "MESSAGE_DELETE" => Heard::Deleted(number("channel_id")?, vec![number("id")?]),
        "MESSAGE_DELETE_BULK" => {
            Heard::Deleted(number("channel_id")?, value.get("ids")?.as_array()?.iter().filter_map(raw::id).collect())
        }
        "MESSAGE_REACTION_ADD" => {
            if value.pointer("/member/user/bot").and_then(Value::as_bool) == Some(true) {
                return None;
            }
            let (message, person, emoji) = (message()?, number("user_id")?, emoji()?);
            one(ReactionChange::Add { message, person, emoji })
        }
        "MESSAGE_REACTION_REMOVE" => {
            let (message, person, emoji) = (message()?, number("user_id")?, emoji()?);
            one(ReactionChange::Remove { message, person, emoji })
        }
        "MESSAGE_REACTION_REMOVE_ALL" => one(ReactionChange::Clear { message: message()? }),
        "MESSAGE_REACTION_REMOVE_EMOJI" => one(ReactionChange::ClearEmoji { message: message()?, emoji: emoji()? }),
        "CHANNEL_DELETE" => Heard::ChannelDeleted { guild: guild?, channel: number("id")?, is_thread: false },
        "THREAD_DELETE" => Heard::ChannelDeleted { guild: guild?, channel: number("id")?, is_thread: true },
        "GUILD_DELETE" if !is_outage => Heard::GuildLeft(number("id")?),
        "GUILD_CREATE" if !is_outage => Heard::GuildJoined(number("id")?),
        _ => return None,
    })
}

/// Kinds that this bot lives by.
const KNOWN: [&str; 17] = [
    "READY",
    "GUILD_CREATE",
    "GUILD_DELETE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "THREAD_CREATE",
    "THREAD_DELETE",
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
    "MESSAGE_REACTION_REMOVE_ALL",
    "MESSAGE_REACTION_REMOVE_EMOJI",
    "INTERACTION_CREATE",
];

pub(super) fn emoji_name(emoji: &Value) -> Option<String> {
    let name = emoji.get("name").and_then(Value::as_str);
    match emoji.get("id").and_then(raw::id) {
        Some(id) => Some(format!("{}:{id}", name.unwrap_or_default())),
        None => name.map(str::to_owned),
    }
}
