//! Answers to interactions: the first one within three seconds, then edits and more messages by the token.

use std::time::Duration;

use serde_json::{Value, json};

use super::messages::{compose, edit, visible};
use super::{Answer, Call, Failure, failure, unknown};
use crate::discord::fake::world::{Interaction, World};

/// How long Discord waits for the first answer.
const FIRST: Duration = Duration::from_secs(3);

const EPHEMERAL: u64 = 64;

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
            if world.message(channel, message).is_none() {
                return if method == "PATCH" && *which == "@original" {
                    // Deferred: the edit is its first word.
                    let said = compose(world, channel, call.body(), call)?;
                    Ok(Some(publish(world, token, message, said)))
                } else {
                    Err(unknown(10008, "Unknown Message"))
                };
            }
            match method {
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
        callback::DEFERRED | callback::DEFERRED_UPDATE | callback::AUTOCOMPLETE | callback::MODAL => None,
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
    if let (Some(id), Some(said)) = (reserved, said) {
        publish(world, token, id, said);
    }
    Ok(None)
}

/// The first message after "the bot is thinking" takes its place; others come beside it.
fn follow_up(world: &mut World, call: &Call, token: &str) -> Result<Value, Failure> {
    let Interaction { channel, original, callback, .. } = known(world, token)?.clone();
    let Some((kind, _)) = callback else { return Err(unknown(10015, "Unknown Webhook")) };
    let said = compose(world, channel, call.body(), call)?;
    let waits = kind == callback::DEFERRED && original.is_some_and(|id| world.message(channel, id).is_none());
    let id = original.filter(|_| waits).unwrap_or_else(|| world.ids.next());
    Ok(publish(world, token, id, said))
}

fn publish(world: &mut World, token: &str, id: u64, mut said: crate::discord::fake::world::Message) -> Value {
    let found = world.interactions.get_mut(token).expect("it was looked up");
    let (channel, deferred) = (found.channel, found.callback.clone());
    found.messages.push(id);
    let flags = said.said["flags"].as_u64().unwrap_or(0);
    // What was deferred for one alone stays for one alone.
    let inherited = found.original == Some(id)
        && deferred.is_some_and(|(kind, data)| {
            kind == callback::DEFERRED && data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0
        });
    said.ephemeral = flags & EPHEMERAL != 0 || inherited;
    if said.ephemeral {
        said.said["flags"] = json!(flags | EPHEMERAL);
    }
    world.insert(channel, id, said);
    debug_assert!(visible(world, channel, id).is_ok() || world.channel(channel).messages[&id].ephemeral);
    world.message_json(channel, id)
}
