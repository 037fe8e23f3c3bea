//! Answers to interactions: the first one within three seconds, then edits and more messages by the token.

use std::time::Duration;

use serde_json::{Value, json};

use super::messages::{compose, edit};
use super::{Answer, Call, Failure, failure, unknown};
use crate::discord::fake::world::{Interaction, Message, World};

/// How long Discord waits for the first answer.
const FIRST: Duration = Duration::from_secs(3);

/// Flags of messages.
const EPHEMERAL: u64 = 64;
const LOADING: u64 = 128;

mod callback {
    pub(super) const MESSAGE: u64 = 4;
    pub(super) const DEFERRED: u64 = 5;
    pub(super) const DEFERRED_UPDATE: u64 = 6;
    pub(super) const UPDATE: u64 = 7;
    pub(super) const AUTOCOMPLETE: u64 = 8;
    pub(super) const MODAL: u64 = 9;
}

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    match (call.method.as_str(), path) {
        ("POST", ["interactions", _, token, "callback"]) => first(world, call, token),
        ("POST", ["webhooks", _, token]) => {
            known(world, token)?;
            follow_up(world, call, token).map(Some)
        }
        (method, ["webhooks", _, token, "messages", which]) => {
            let Interaction { channel, original, .. } = known(world, token)?.clone();
            let message = match *which {
                "@original" => original.ok_or_else(|| unknown(10008, "Unknown Message"))?,
                id => id.parse().unwrap_or(0),
            };
            let found = world.message(channel, message).ok_or_else(|| unknown(10008, "Unknown Message"))?;
            match method {
                "PATCH" if is_loading(found) => {
                    let said = compose(world, channel, call.body(), call)?;
                    Ok(Some(publish(world, token, message, said)))
                }
                "GET" => Ok(Some(world.message_json(channel, message))),
                "PATCH" => edit(world, channel, message, call.body(), call),
                "DELETE" => {
                    world.remove(channel, &[message], false);
                    Ok(None)
                }
                _ => Err(unknown(0, "404: Not Found")),
            }
        }
        _ => Err(unknown(0, "404: Not Found")),
    }
}

fn known<'w>(world: &'w World, token: &str) -> Result<&'w Interaction, Failure> {
    world.interactions.get(token).ok_or_else(|| unknown(10015, "Unknown Webhook"))
}

fn first(world: &mut World, call: &Call, token: &str) -> Answer {
    let body = call.body();
    let found = world.interactions.get_mut(token).ok_or_else(|| unknown(10062, "Unknown interaction"))?;
    if found.callback.is_some() {
        return Err(failure(400, 40060, "Interaction has already been acknowledged."));
    }
    let took = found.asked.map(|at| at.elapsed()).unwrap_or_default();
    if took > FIRST {
        return Err(unknown(10062, "Unknown interaction"));
    }
    let kind = body["type"].as_u64().unwrap_or(0);
    let (channel, of) = (found.channel, found.message);
    let data = body["data"].clone();
    let said = match kind {
        callback::MESSAGE => Some(compose(world, channel, &data, call)?),
        callback::DEFERRED => {
            let text = json!({ "content": "thinking", "flags": data["flags"].as_u64().unwrap_or(0) | LOADING });
            Some(compose(world, channel, &text, call)?)
        }
        callback::DEFERRED_UPDATE | callback::AUTOCOMPLETE | callback::MODAL => None,
        callback::UPDATE => {
            let message = of.ok_or_else(|| failure(400, 50035, "Invalid Form Body: no message to update"))?;
            edit(world, channel, message, &data, call)?;
            None
        }
        _ => return Err(failure(400, 50035, "Invalid Form Body: type")),
    };
    let reserved = matches!(kind, callback::MESSAGE | callback::DEFERRED).then(|| world.ids.next());
    let found = world.interactions.get_mut(token).expect("it was looked up");
    (found.callback, found.took) = (Some((kind, data)), Some(took));
    found.original = reserved.or(of);
    match (reserved, said) {
        (Some(id), Some(mut said)) if is_loading(&said) => {
            said.said["content"] = json!("");
            said.ephemeral = said.said["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
            world.insert(channel, id, said);
        }
        (Some(id), Some(said)) => drop(publish(world, token, id, said)),
        _ => {}
    }
    Ok(None)
}

/// The first message after "the bot is thinking" takes its place; others come beside it.
fn follow_up(world: &mut World, call: &Call, token: &str) -> Result<Value, Failure> {
    let Interaction { channel, original, callback, .. } = known(world, token)?.clone();
    if callback.is_none() {
        return Err(unknown(10015, "Unknown Webhook"));
    }
    let said = compose(world, channel, call.body(), call)?;
    let waits = |id: &u64| world.message(channel, *id).is_some_and(is_loading);
    let id = original.filter(waits).unwrap_or_else(|| world.ids.next());
    Ok(publish(world, token, id, said))
}

/// The bot's word on an interaction: in the place of "thinking", or a message of its own.
fn publish(world: &mut World, token: &str, id: u64, mut said: Message) -> Value {
    let found = world.interactions.get_mut(token).expect("it was looked up");
    let channel = found.channel;
    found.messages.push(id);
    let flags = said.said["flags"].as_u64().unwrap_or(0);
    let before = world.message(channel, id);
    // What was deferred for one alone stays for one alone.
    said.ephemeral = flags & EPHEMERAL != 0 || before.is_some_and(|before| before.ephemeral);
    if said.ephemeral {
        said.said["flags"] = json!(flags | EPHEMERAL);
    }
    match world.message_mut(channel, id) {
        Some(before) => {
            *before = said;
            world.tell_changed(channel, id);
        }
        None => world.insert(channel, id, said),
    }
    world.message_json(channel, id)
}

fn is_loading(message: &Message) -> bool {
    message.said["flags"].as_u64().unwrap_or(0) & LOADING != 0
}
