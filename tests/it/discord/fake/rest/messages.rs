//! Messages: listed, made, edited, deleted, published.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serenity::all::Permissions;

use super::{Answer, Call, Failure, allow, failure, reactions, unknown};
use crate::discord::fake::world::{Message, World, id, kind};

const UNKNOWN_MESSAGE: (u32, &str) = (10008, "Unknown Message");
/// Messages that an announcement channel publishes in an hour.
const CROSSPOSTS: usize = 10;
const HOUR: Duration = Duration::from_hours(1);

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let channel = number(path[1]);
    allow(world, channel, Permissions::VIEW_CHANNEL)?;
    match (call.method.as_str(), &path[3..]) {
        ("GET", []) => Ok(Some(list(world, call, channel))),
        ("POST", []) => {
            allow(world, channel, Permissions::SEND_MESSAGES)?;
            let message = compose(world, channel, call.body(), call)?;
            send(world, channel, message, call.body())
        }
        ("POST", ["bulk-delete"]) => {
            allow(world, channel, Permissions::MANAGE_MESSAGES)?;
            let ids: Vec<u64> = call.body()["messages"].as_array().into_iter().flatten().map(id).collect();
            world.remove(channel, &ids, true);
            Ok(None)
        }
        (_, [message, "reactions", ..]) => reactions::answer(world, call, (channel, number(message)), &path[5..]),
        ("POST", [message, "crosspost"]) => crosspost(world, channel, number(message)),
        ("GET", [message]) => {
            allow(world, channel, Permissions::READ_MESSAGE_HISTORY)?;
            visible(world, channel, number(message))?;
            Ok(Some(world.message_json(channel, number(message))))
        }
        ("PATCH", [message]) => {
            visible(world, channel, number(message))?;
            edit(world, channel, number(message), call.body(), call)
        }
        ("DELETE", [message]) => {
            let found = visible(world, channel, number(message))?;
            if found.author != world.bot || found.webhook.is_some() {
                allow(world, channel, Permissions::MANAGE_MESSAGES)?;
            }
            world.remove(channel, &[number(message)], false);
            Ok(None)
        }
        _ => Err(unknown(0, "404: Not Found")),
    }
}

pub(super) fn visible(world: &World, channel: u64, message: u64) -> Result<&Message, Failure> {
    let found = world.message(channel, message).filter(|message| !message.ephemeral);
    found.ok_or_else(|| unknown(UNKNOWN_MESSAGE.0, UNKNOWN_MESSAGE.1))
}

fn list(world: &World, call: &Call, channel: u64) -> Value {
    // Without it the list is empty, no error.
    if allow(world, channel, Permissions::READ_MESSAGE_HISTORY).is_err() {
        return json!([]);
    }
    let limit = call.number("limit").unwrap_or(50).min(100) as usize;
    let messages = &world.channel(channel).messages;
    let seen = || messages.iter().filter(|(_, message)| !message.ephemeral).map(|(id, _)| *id);
    let newest_first = |mut ids: Vec<u64>| {
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    };
    let ids = if let Some(after) = call.number("after") {
        newest_first(seen().filter(|id| *id > after).take(limit).collect())
    } else if let Some(around) = call.number("around") {
        let mut near: Vec<u64> = seen().collect();
        near.sort_by_key(|id| id.abs_diff(around));
        near.truncate(limit);
        newest_first(near)
    } else {
        let before = call.number("before").unwrap_or(u64::MAX);
        newest_first(seen().filter(|id| *id < before).collect()).into_iter().take(limit).collect()
    };
    ids.into_iter().map(|id| world.message_json(channel, id)).collect()
}

fn send(world: &mut World, channel: u64, message: Message, body: &Value) -> Answer {
    let nonce = match &body["nonce"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let unique = nonce.as_deref().filter(|_| body["enforce_nonce"] == true);
    let made = world.publish(channel, message, unique);
    // The first message with this nonce may have been deleted since.
    visible(world, channel, made)?;
    Ok(Some(world.message_json(channel, made)))
}

/// A message of the bot from a request's body.
pub(super) fn compose(world: &mut World, channel: u64, body: &Value, call: &Call) -> Result<Message, Failure> {
    let mut said = json!({
        "content": body["content"].as_str().unwrap_or_default(), "type": 0, "tts": false, "pinned": false,
        "flags": body["flags"].as_u64().unwrap_or(0), "edited_timestamp": null, "mention_everyone": false,
        "components": with_ids(&body["components"]), "embeds": with_type(&body["embeds"]), "sticker_items": [],
        "mentions": [], "mention_roles": [], "application_id": world.bot.to_string(),
    });
    if !body["nonce"].is_null() {
        said["nonce"] = body["nonce"].clone();
    }
    let mut replied = None;
    let mut forwarded = None;
    let reference = &body["message_reference"];
    if reference.is_object() {
        let source = id(&reference["message_id"]);
        let from = if reference["channel_id"].is_null() { channel } else { id(&reference["channel_id"]) };
        let forward = reference["type"] == 1;
        let found = world.message(from, source).cloned();
        if found.is_none() && (forward || reference["fail_if_not_exists"] != false) {
            return Err(failure(400, 50035, "Invalid Form Body: message_reference: Unknown message"));
        }
        said["message_reference"] = json!({
            "type": u8::from(forward), "message_id": source.to_string(), "channel_id": from.to_string(),
            "guild_id": world.channel(from).guild.map(|guild| guild.to_string()),
        });
        match found {
            Some(found) if forward => forwarded = Some(snapshot(&found)),
            Some(found) => {
                said["type"] = json!(19);
                replied = Some(found.author);
            }
            None => {}
        }
    }
    let files = take_files(world, channel, body, call)?;
    let empty = said["content"] == "" && said["embeds"] == json!([]) && files.is_empty() && forwarded.is_none();
    if empty && said["components"] == json!([]) {
        return Err(failure(400, 50006, "Cannot send an empty message"));
    }
    if said["content"].as_str().is_some_and(|text| text.chars().count() > 2000) {
        return Err(failure(400, 50035, "Invalid Form Body: content: Must be 2000 or fewer in length."));
    }
    let pings = pings(world, &mut said, &body["allowed_mentions"], replied);
    let author = world.bot;
    Ok(Message { author, webhook: None, said, files, forwarded, reactions: Vec::new(), ephemeral: false, pings })
}

/// What a forward holds of a message.
pub(in crate::discord::fake) fn snapshot(of: &Message) -> (Value, Vec<u64>) {
    if let Some((said, files)) = &of.forwarded {
        return (said.clone(), files.clone());
    }
    let part = |name: &str| of.said[name].clone();
    let said = json!({
        "type": part("type"), "content": part("content"), "embeds": part("embeds"), "flags": part("flags"),
        "timestamp": "2026-08-01T12:00:00.000000+00:00", "edited_timestamp": null, "mentions": [],
        "mention_roles": [], "components": [],
    });
    (said, of.files.clone())
}

/// Who is pinged: as Discord does it without word on it, everybody named, and the author replied to.
fn pings(world: &World, said: &mut Value, allowed: &Value, replied: Option<u64>) -> Vec<u64> {
    let content = said["content"].as_str().unwrap_or_default().to_owned();
    let named = |mark: &str| -> Vec<u64> {
        let ids = content.split(mark).skip(1).filter_map(|rest| rest.split('>').next());
        ids.filter_map(|text| text.trim_start_matches('!').parse().ok()).collect()
    };
    let (users, roles) = (named("<@"), named("<@&"));
    let may = |kind: &str, who: u64| {
        allowed.is_null()
            || allowed["parse"].as_array().is_some_and(|parse| parse.contains(&json!(kind)))
            || allowed[kind].as_array().is_some_and(|list| list.iter().any(|one| id(one) == who))
    };
    said["mentions"] = users.iter().filter(|u| world.users.contains_key(u)).map(|&u| world.user_json(u)).collect();
    said["mention_roles"] = roles.iter().map(u64::to_string).collect();
    let mut pinged: Vec<u64> = users.into_iter().filter(|&user| may("users", user)).collect();
    pinged.extend(roles.into_iter().filter(|&role| may("roles", role)));
    pinged.extend(replied.filter(|_| if allowed.is_null() { true } else { allowed["replied_user"] == true }));
    pinged
}

/// New files of a form, in the order of their attachments.
fn take_files(world: &mut World, channel: u64, body: &Value, call: &Call) -> Result<Vec<u64>, Failure> {
    // Answers to interactions need no permission, and no place in the guild.
    if !call.files.is_empty() && call.path[0] == "channels" {
        allow(world, channel, Permissions::ATTACH_FILES)?;
    }
    if call.files.len() > 10 {
        return Err(failure(400, 50035, "Invalid Form Body: attachments: Must be 10 or fewer in length."));
    }
    let described = |index: &str| {
        let all = body["attachments"].as_array().into_iter().flatten();
        let one = all.into_iter().find(|a| id(&a["id"]).to_string() == index);
        one.and_then(|a| a["description"].as_str()).map(str::to_owned)
    };
    let mut files = Vec::new();
    for part in &call.files {
        let index = part.field.trim_start_matches("files[").trim_end_matches(']');
        let description = described(index);
        files.push(world.add_file(channel, &part.name, part.bytes.clone(), description));
    }
    Ok(files)
}

/// The bot's own message becomes another.
pub(super) fn edit(world: &mut World, channel: u64, message: u64, body: &Value, call: &Call) -> Answer {
    let bot = world.bot;
    let found = world.message(channel, message).ok_or_else(|| unknown(UNKNOWN_MESSAGE.0, UNKNOWN_MESSAGE.1))?;
    if found.author != bot || found.webhook.is_some() {
        return Err(failure(403, 50005, "Cannot edit a message authored by another user"));
    }
    let mut files = found.files.clone();
    if let Some(kept) = body["attachments"].as_array() {
        let kept: Vec<u64> = kept.iter().map(|a| id(&a["id"])).collect();
        files.retain(|file| kept.contains(file));
    }
    files.extend(take_files(world, channel, body, call)?);
    let found = world.message_mut(channel, message).expect("it was found");
    found.files = files;
    let fields = body.as_object().into_iter().flatten();
    for (name, value) in fields {
        match name.as_str() {
            "content" => found.said["content"] = json!(value.as_str().unwrap_or_default()),
            "embeds" => found.said["embeds"] = with_type(value),
            "components" => found.said["components"] = with_ids(value),
            "flags" if value.is_u64() => found.said["flags"] = value.clone(),
            _ => {}
        }
    }
    world.edited(channel, message);
    Ok(Some(world.message_json(channel, message)))
}

fn crosspost(world: &mut World, channel: u64, message: u64) -> Answer {
    let found = visible(world, channel, message)?;
    if found.author != world.bot {
        allow(world, channel, Permissions::MANAGE_MESSAGES)?;
    }
    if world.channel(channel).kind != kind::ANNOUNCEMENT {
        return Err(failure(400, 50024, "Cannot execute action on this channel type"));
    }
    if found.said["flags"].as_u64().unwrap_or(0) & 1 == 1 {
        return Err(failure(400, 40033, "This message has already been crossposted"));
    }
    let published = &mut world.channels.get_mut(&channel).expect("it was looked up").crossposts;
    while published.front().is_some_and(|at| at.elapsed() > HOUR) {
        published.pop_front();
    }
    if published.len() >= CROSSPOSTS {
        let wait = HOUR.saturating_sub(published[0].elapsed());
        return Err(Failure { retry_after: Some(wait), ..failure(429, 0, "You are being rate limited.") });
    }
    published.push_back(Instant::now());
    let found = world.message_mut(channel, message).expect("it was found");
    found.said["flags"] = json!(found.said["flags"].as_u64().unwrap_or(0) | 1);
    world.tell_changed(channel, message);
    Ok(Some(world.message_json(channel, message)))
}

/// Components get numbers.
fn with_ids(components: &Value) -> Value {
    let mut components = if components.is_array() { components.clone() } else { json!([]) };
    let mut next = 0;
    for row in components.as_array_mut().into_iter().flatten() {
        next += 1;
        row["id"] = json!(next);
        for component in row["components"].as_array_mut().into_iter().flatten() {
            next += 1;
            component["id"] = json!(next);
            if component["type"] == 3 {
                for bound in ["min_values", "max_values"] {
                    component[bound] = json!(component[bound].as_u64().unwrap_or(1));
                }
            }
        }
    }
    components
}

fn with_type(embeds: &Value) -> Value {
    let mut embeds = if embeds.is_array() { embeds.clone() } else { json!([]) };
    for embed in embeds.as_array_mut().into_iter().flatten() {
        embed["type"] = json!("rich");
    }
    embeds
}
