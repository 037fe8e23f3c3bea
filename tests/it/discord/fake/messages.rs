//! Messages of the world: how they look, and what Discord tells of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serenity::all::GatewayIntents;

use super::gateway::bare;
use super::ids::{timestamp, written};
use super::shapes::GONE;
use super::world::{File, Message, Reaction, World, emoji};

const MESSAGES: (GatewayIntents, GatewayIntents) = (GatewayIntents::GUILD_MESSAGES, GatewayIntents::DIRECT_MESSAGES);
const REACTIONS: (GatewayIntents, GatewayIntents) =
    (GatewayIntents::GUILD_MESSAGE_REACTIONS, GatewayIntents::DIRECT_MESSAGE_REACTIONS);
/// How long a nonce is remembered.
const NONCE: Duration = Duration::from_mins(5);
/// How long a link to a file lives.
const LINK: Duration = Duration::from_hours(24);

impl World {
    /// The message as the API and the gateway give it, links signed anew.
    pub(crate) fn message_json(&self, channel: u64, id: u64) -> Value {
        let message = self.message(channel, id).unwrap_or_else(|| panic!("no message {channel}/{id}"));
        let mut with = message.said.clone();
        with["id"] = json!(id.to_string());
        with["channel_id"] = json!(channel.to_string());
        with["timestamp"] = json!(timestamp(id));
        with["author"] = self.user_json(message.author);
        if let Some(webhook) = message.webhook {
            with["webhook_id"] = json!(webhook.to_string());
            with["author"]["id"] = json!(webhook.to_string());
        }
        with["attachments"] = self.attachments_json(&message.said, &message.files);
        with["embeds"] = self.embeds_json(&message.said["embeds"], &message.files);
        with["reactions"] = self.reactions_json(&message.reactions);
        if let Some((said, files)) = &message.forwarded {
            let mut snapshot = said.clone();
            snapshot["attachments"] = self.attachments_json(said, files);
            with["message_snapshots"] = json!([{ "message": snapshot }]);
        }
        if message.said["type"] == 19 {
            let source = message.replies_to().filter(|source| self.message(channel, *source).is_some());
            with["referenced_message"] = source.map_or(Value::Null, |source| {
                let mut source = self.message_json(channel, source);
                source.as_object_mut().expect("a message").remove("referenced_message");
                source
            });
        }
        for (field, wanted) in
            [("webhook_id", message.webhook.is_some()), ("referenced_message", message.said["type"] == 19)]
        {
            if !wanted {
                with[field] = json!(GONE);
            }
        }
        for field in ["guild_id", "member", "application_id", "position", "message_reference", "nonce"] {
            if with.get(field).is_none() {
                with[field] = json!(GONE);
            }
        }
        let whole = self.shapes.make("MESSAGE_CREATE", with);
        let readable = self.message_content || self.channel(channel).guild.is_none();
        if readable { whole } else { bare(&whole, self.bot) }
    }

    /// The same with what only the gateway adds.
    fn message_event(&self, channel: u64, id: u64) -> Value {
        let mut event = self.message_json(channel, id);
        if let Some(guild) = self.channel(channel).guild {
            event["guild_id"] = json!(guild.to_string());
            let message = &self.channel(channel).messages[&id];
            if message.webhook.is_none() && self.guilds[&guild].members.contains_key(&message.author) {
                let mut member = self.member_json(guild, message.author);
                member.as_object_mut().expect("a member").remove("user");
                event["member"] = member;
            }
        }
        event
    }

    /// A link that lives a day, or until links are made to expire.
    fn signed(&self, file: u64) -> String {
        let File { channel, name, .. } = &self.files[&file];
        let now = self.ids.now();
        let expires = now / 1000 + LINK.as_secs();
        format!("{}/attachments/{channel}/{file}/{name}?ex={expires:x}&is={now:x}&hm={:x}&", self.base, self.signature)
    }

    /// What a link to a file leads to.
    pub(crate) fn signed_file(&self, file: u64, expires: &str, signature: &str) -> Option<&File> {
        let in_time = u64::from_str_radix(expires, 16).is_ok_and(|at| at > self.ids.now() / 1000);
        let right = u64::from_str_radix(signature, 16).is_ok_and(|signature| signature == self.signature);
        self.files.get(&file).filter(|_| in_time && right)
    }

    pub(crate) fn attachment_json(&self, id: u64) -> Value {
        let file = &self.files[&id];
        let url = self.signed(id);
        let mut with = json!({
            "id": id.to_string(), "filename": file.name, "content_type": file.content_type, "size": file.bytes.len(),
            "url": url, "proxy_url": url, "title": GONE, "ephemeral": GONE, "placeholder": GONE,
            "placeholder_version": GONE,
        });
        with["description"] = file.description.as_ref().map_or(json!(GONE), |text| json!(text));
        let pixels = |pixels: Option<u32>| pixels.map_or(json!(GONE), |pixels| json!(pixels));
        with["width"] = pixels(file.size.map(|size| size.0));
        with["height"] = pixels(file.size.map(|size| size.1));
        self.shapes.part("MESSAGE_CREATE", "/attachments/0", with)
    }

    /// Files that an embed shows are not listed beside it.
    fn attachments_json(&self, said: &Value, files: &[u64]) -> Value {
        let embeds = said["embeds"].to_string();
        let shown = |id: &&u64| embeds.contains(&format!("attachment://{}\"", self.files[id].name));
        files.iter().filter(|id| !shown(id)).map(|&id| self.attachment_json(id)).collect()
    }

    fn embeds_json(&self, embeds: &Value, files: &[u64]) -> Value {
        let mut embeds = embeds.clone();
        for embed in embeds.as_array_mut().into_iter().flatten() {
            for place in ["image", "thumbnail"] {
                let Some(name) = embed[place]["url"].as_str().and_then(|url| url.strip_prefix("attachment://")) else {
                    continue;
                };
                if let Some(&id) = files.iter().find(|id| self.files[id].name == name) {
                    embed[place]["url"] = json!(self.signed(id));
                }
            }
        }
        embeds
    }

    fn reactions_json(&self, reactions: &[Reaction]) -> Value {
        let mut counted: Vec<(&str, u64, u64, bool)> = Vec::new();
        for reaction in reactions {
            let at = counted.iter().position(|c| c.0 == reaction.emoji).unwrap_or_else(|| {
                counted.push((&reaction.emoji, 0, 0, false));
                counted.len() - 1
            });
            let entry = &mut counted[at];
            *(if reaction.burst { &mut entry.1 } else { &mut entry.2 }) += 1;
            entry.3 |= reaction.user == self.bot;
        }
        let json = |(name, burst, normal, me): (&str, u64, u64, bool)| {
            json!({
                "count": burst + normal, "count_details": { "burst": burst, "normal": normal }, "me": me,
                "me_burst": false, "emoji": emoji(name), "burst_colors": [],
            })
        };
        if counted.is_empty() { json!(GONE) } else { counted.into_iter().map(json).collect() }
    }

    /// Takes a message in and tells of it. The same author's nonce within minutes gives the first message again.
    pub(crate) fn publish(&mut self, channel: u64, message: Message, unique: Option<&str>) -> u64 {
        let key = unique.map(|nonce| format!("{}/{nonce}", message.author));
        if let Some((_, first, at)) = key.as_ref().and_then(|key| self.nonces.get(key))
            && at.elapsed() < NONCE
        {
            return *first;
        }
        let id = self.ids.next();
        if let Some(key) = key {
            self.nonces.insert(key, (channel, id, Instant::now()));
        }
        self.insert(channel, id, message);
        id
    }

    /// Takes a message in under this id and tells of it.
    pub(crate) fn insert(&mut self, channel: u64, id: u64, message: Message) {
        let ephemeral = message.ephemeral;
        if let (Some(source), true) = (message.replies_to(), message.author == self.bot) {
            *self.replied.entry((channel, source)).or_default() += 1;
        }
        self.channels.get_mut(&channel).expect("the channel was looked up").messages.insert(id, message);
        if !ephemeral {
            let event = self.message_event(channel, id);
            self.emit(channel, MESSAGES, "MESSAGE_CREATE", &event);
        }
    }

    /// Tells that a message is different now.
    pub(crate) fn tell_changed(&mut self, channel: u64, id: u64) {
        if self.message(channel, id).is_some_and(|message| !message.ephemeral) {
            let event = self.message_event(channel, id);
            self.emit(channel, MESSAGES, "MESSAGE_UPDATE", &event);
        }
    }

    /// Marks a message as edited now.
    pub(crate) fn edited(&mut self, channel: u64, id: u64) {
        let at = written(self.ids.now());
        if let Some(message) = self.message_mut(channel, id) {
            message.said["edited_timestamp"] = json!(at);
        }
        self.tell_changed(channel, id);
    }

    /// Removes messages, one event for each, or one for all.
    pub(crate) fn remove(&mut self, channel: u64, ids: &[u64], bulk: bool) {
        let place = self.channels.get_mut(&channel).expect("the channel was looked up");
        let guild = place.guild;
        let mut told = Vec::new();
        for id in ids {
            if let Some(message) = place.messages.remove(id) {
                for file in message.files {
                    self.files.remove(&file);
                }
                if !message.ephemeral {
                    told.push(id.to_string());
                }
            }
        }
        let guild = guild.map_or(json!(GONE), |guild| json!(guild.to_string()));
        let mut with = json!({ "channel_id": channel.to_string(), "guild_id": guild });
        if bulk {
            with["ids"] = json!(told);
            let event = self.shapes.make("MESSAGE_DELETE_BULK", with);
            self.emit(channel, MESSAGES, "MESSAGE_DELETE_BULK", &event);
            return;
        }
        for id in told {
            with["id"] = json!(id);
            let event = self.shapes.make("MESSAGE_DELETE", with.clone());
            self.emit(channel, MESSAGES, "MESSAGE_DELETE", &event);
        }
    }

    /// A reaction comes or goes; `false` when it changes nothing.
    pub(crate) fn set_reaction(&mut self, channel: u64, message: u64, reaction: &Reaction, stands: bool) -> bool {
        let Some(found) = self.message_mut(channel, message) else { return false };
        let same = |r: &Reaction| r.user == reaction.user && r.emoji == reaction.emoji;
        let before = found.reactions.iter().position(same);
        match (before, stands) {
            (None, true) => found.reactions.push(reaction.clone()),
            (Some(at), false) => drop(found.reactions.remove(at)),
            _ => return false,
        }
        self.tell_reaction(channel, message, reaction, stands);
        true
    }

    /// The event alone.
    pub(crate) fn tell_reaction(&mut self, channel: u64, message: u64, reaction: &Reaction, stands: bool) {
        let guild = self.channel(channel).guild;
        let mut with = json!({
            "user_id": reaction.user.to_string(), "channel_id": channel.to_string(),
            "message_id": message.to_string(), "emoji": emoji(&reaction.emoji), "burst": reaction.burst,
            "type": u8::from(reaction.burst),
            "guild_id": guild.map_or(json!(GONE), |guild| json!(guild.to_string())),
        });
        let event = if stands {
            let author = self.message(channel, message).map_or(0, |found| found.webhook.unwrap_or(found.author));
            with["message_author_id"] = json!(author.to_string());
            with["member"] = guild
                .filter(|guild| self.guilds[guild].members.contains_key(&reaction.user))
                .map_or(json!(GONE), |guild| self.member_json(guild, reaction.user));
            if reaction.burst { "MESSAGE_REACTION_ADD#super" } else { "MESSAGE_REACTION_ADD" }
        } else {
            "MESSAGE_REACTION_REMOVE"
        };
        let data = self.shapes.make(event, with);
        self.emit(channel, REACTIONS, event.trim_end_matches("#super"), &data);
    }

    /// All reactions of a message go, or all of one emoji.
    pub(crate) fn clear_reactions(&mut self, channel: u64, message: u64, only: Option<&str>) {
        let guild = self.channel(channel).guild;
        let Some(found) = self.message_mut(channel, message) else { return };
        found.reactions.retain(|reaction| only.is_some_and(|only| reaction.emoji != only));
        let mut with = json!({
            "channel_id": channel.to_string(), "message_id": message.to_string(),
            "guild_id": guild.map_or(json!(GONE), |guild| json!(guild.to_string())),
        });
        let event = match only {
            Some(only) => {
                with["emoji"] = emoji(only);
                "MESSAGE_REACTION_REMOVE_EMOJI"
            }
            None => "MESSAGE_REACTION_REMOVE_ALL",
        };
        let data = self.shapes.make(event, with);
        self.emit(channel, REACTIONS, event, &data);
    }

    /// A file to hang on a message in this channel.
    pub(crate) fn add_file(
        &mut self,
        channel: u64,
        name: &str,
        bytes: Arc<Vec<u8>>,
        description: Option<String>,
    ) -> u64 {
        let id = self.ids.next();
        let kind = image::guess_format(&bytes).ok();
        let size = kind.and_then(|kind| {
            image::ImageReader::with_format(std::io::Cursor::new(&bytes[..]), kind).into_dimensions().ok()
        });
        let content_type = kind.map_or("application/octet-stream", |kind| kind.to_mime_type()).to_owned();
        self.files.insert(id, File { channel, name: name.into(), content_type, bytes, description, size });
        id
    }
}
