//! What there is on the loopback Discord: guilds, channels, people, messages, files, interactions.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use serenity::all::{GatewayIntents, Permissions};

use super::gateway::Gateway;
use super::ids::Ids;
use super::shapes::{GONE, Shapes};

pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) bot: bool,
}

pub(crate) struct Role {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
}

pub(crate) struct Guild {
    pub(crate) name: String,
    pub(crate) owner: u64,
    pub(crate) locale: &'static str,
    /// The first is @everyone.
    pub(crate) roles: Vec<Role>,
    /// Roles of each.
    pub(crate) members: BTreeMap<u64, Vec<u64>>,
}

/// Numbers of Discord's channel types.
pub(crate) mod kind {
    pub(crate) const TEXT: u8 = 0;
    pub(crate) const DM: u8 = 1;
    pub(crate) const VOICE: u8 = 2;
    pub(crate) const ANNOUNCEMENT: u8 = 5;
    pub(crate) const PUBLIC_THREAD: u8 = 11;
    pub(crate) const FORUM: u8 = 15;
}

pub(crate) struct Overwrite {
    /// A role or a member.
    pub(crate) of: u64,
    pub(crate) member: bool,
    pub(crate) deny: Permissions,
}

pub(crate) struct Channel {
    pub(crate) id: u64,
    /// `None`: a direct message.
    pub(crate) guild: Option<u64>,
    pub(crate) kind: u8,
    pub(crate) name: String,
    pub(crate) parent: Option<u64>,
    pub(crate) nsfw: bool,
    pub(crate) overwrites: Vec<Overwrite>,
    /// The other one of a direct message.
    pub(crate) recipient: Option<u64>,
    pub(crate) messages: BTreeMap<u64, Message>,
    /// When messages were published to followers.
    pub(crate) crossposts: VecDeque<Instant>,
}

impl Channel {
    pub(crate) fn is_thread(&self) -> bool {
        (10..=12).contains(&self.kind)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reaction {
    pub(crate) user: u64,
    /// A character, or `name:id`.
    pub(crate) emoji: String,
    pub(crate) burst: bool,
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) author: u64,
    pub(crate) webhook: Option<u64>,
    /// What was said: content, embeds, components, flags, type, times, mentions, reference.
    pub(crate) said: Value,
    /// Ids of files, in order.
    pub(crate) files: Vec<u64>,
    /// Of a forward: what was said there, and its files.
    pub(crate) forwarded: Option<(Value, Vec<u64>)>,
    pub(crate) reactions: Vec<Reaction>,
    /// Only its addressee sees it.
    pub(crate) ephemeral: bool,
    /// People and roles that were really pinged.
    pub(crate) pings: Vec<u64>,
}

impl Message {
    pub(crate) fn content(&self) -> &str {
        self.said["content"].as_str().unwrap_or_default()
    }

    /// The message that it replies to.
    pub(crate) fn replies_to(&self) -> Option<u64> {
        (self.said["type"] == 19).then(|| id(&self.said["message_reference"]["message_id"]))
    }

    /// Every component in its rows, in order.
    pub(crate) fn components(&self) -> Vec<&Value> {
        let rows = self.said["components"].as_array().into_iter().flatten();
        rows.flat_map(|row| row["components"].as_array().into_iter().flatten()).collect()
    }

    /// The component whose `custom_id` starts so.
    pub(crate) fn component(&self, start: &str) -> Option<&Value> {
        self.components().into_iter().find(|c| c["custom_id"].as_str().is_some_and(|id| id.starts_with(start)))
    }

    /// All that is to be read in it: content, embeds, labels.
    pub(crate) fn text(&self) -> String {
        fn collect(value: &Value, into: &mut String) {
            match value {
                Value::String(text) => {
                    into.push_str(text);
                    into.push('\n');
                }
                Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
                Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
                _ => {}
            }
        }
        let mut text = String::new();
        for part in ["content", "embeds", "components"] {
            collect(&self.said[part], &mut text);
        }
        text
    }
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) channel: u64,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Arc<Vec<u8>>,
    /// Alternative text.
    pub(crate) description: Option<String>,
    /// Pixels, of a picture.
    pub(crate) size: Option<(u32, u32)>,
}

/// What became of an interaction.
#[derive(Clone, Default)]
pub(crate) struct Interaction {
    pub(crate) channel: u64,
    /// The message of the button.
    pub(crate) message: Option<u64>,
    pub(crate) asked: Option<Instant>,
    /// The first answers's type and data.
    pub(crate) callback: Option<(u64, Value)>,
    /// How long the first answer took.
    pub(crate) took: Option<std::time::Duration>,
    /// The message that is `@original`.
    pub(crate) original: Option<u64>,
    /// Messages that followed, `@original` too, once it says something.
    pub(crate) messages: Vec<u64>,
}

pub(crate) struct World {
    pub(crate) shapes: Shapes,
    pub(crate) ids: Ids,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    pub(crate) token: String,
    /// User and application.
    pub(crate) bot: u64,
    /// Whether the portal's switch for message content is on.
    pub(crate) message_content: bool,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) guilds: BTreeMap<u64, Guild>,
    pub(crate) channels: BTreeMap<u64, Channel>,
    pub(crate) files: HashMap<u64, File>,
    /// Pictures elsewhere, by the path of their link.
    pub(crate) elsewhere: HashMap<String, Arc<Vec<u8>>>,
    /// Links signed before are dead.
    pub(crate) signature: u64,
    pub(crate) commands: Vec<Value>,
    /// By token.
    pub(crate) interactions: HashMap<String, Interaction>,
    /// Messages by author's nonce, with the time.
    pub(crate) nonces: HashMap<String, (u64, u64, Instant)>,
    /// How often the bot ever replied to a message.
    pub(crate) replied: HashMap<(u64, u64), u32>,
    pub(crate) gateway: Gateway,
}

/// A snowflake in JSON.
pub(crate) fn id(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_u64().unwrap_or(0),
    }
}

pub(crate) fn emoji(name: &str) -> Value {
    match name.rsplit_once(':') {
        Some((name, id)) => json!({ "id": id, "name": name }),
        None => json!({ "id": null, "name": name }),
    }
}

impl World {
    pub(crate) fn new(shapes: Shapes, base: String, token: String) -> Self {
        let mut ids = Ids::new();
        let bot = ids.next();
        let users = BTreeMap::from([(bot, User { name: "mekiki".into(), bot: true })]);
        Self {
            shapes,
            ids,
            base,
            token,
            bot,
            message_content: true,
            users,
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            files: HashMap::new(),
            elsewhere: HashMap::new(),
            signature: 1,
            commands: Vec::new(),
            interactions: HashMap::new(),
            nonces: HashMap::new(),
            replied: HashMap::new(),
            gateway: Gateway::of(bot),
        }
    }

    pub(crate) fn channel(&self, id: u64) -> &Channel {
        self.channels.get(&id).unwrap_or_else(|| panic!("no channel {id}"))
    }

    pub(crate) fn message(&self, channel: u64, message: u64) -> Option<&Message> {
        self.channels.get(&channel)?.messages.get(&message)
    }

    pub(crate) fn message_mut(&mut self, channel: u64, message: u64) -> Option<&mut Message> {
        self.channels.get_mut(&channel)?.messages.get_mut(&message)
    }

    /// Whether a channel is age-restricted; threads inherit it.
    pub(crate) fn is_restricted(&self, channel: u64) -> bool {
        let channel = self.channel(channel);
        match channel.parent {
            Some(parent) if channel.is_thread() => self.is_restricted(parent),
            _ => channel.nsfw,
        }
    }

    /// What somebody may do in a channel.
    pub(crate) fn permissions(&self, user: u64, channel: u64) -> Permissions {
        let mut channel = self.channel(channel);
        let Some(guild) = channel.guild.map(|guild| &self.guilds[&guild]) else {
            return if channel.recipient == Some(user) || user == self.bot {
                Permissions::all()
            } else {
                Permissions::empty()
            };
        };
        if guild.owner == user {
            return Permissions::all();
        }
        let Some(own) = guild.members.get(&user) else { return Permissions::empty() };
        let everyone = guild.roles[0].id;
        let has = |role: u64| role == everyone || own.contains(&role);
        let mut may: Permissions =
            guild.roles.iter().filter(|r| has(r.id)).fold(Permissions::empty(), |all, r| all | r.permissions);
        if may.administrator() {
            return Permissions::all();
        }
        if let (true, Some(parent)) = (channel.is_thread(), channel.parent) {
            channel = self.channel(parent);
        }
        for overwrite in &channel.overwrites {
            if if overwrite.member { overwrite.of == user } else { has(overwrite.of) } {
                may -= overwrite.deny;
            }
        }
        if may.view_channel() { may } else { Permissions::empty() }
    }

    pub(crate) fn user_json(&self, user: u64) -> Value {
        let known = self.users.get(&user).unwrap_or_else(|| panic!("no user {user}"));
        let with =
            json!({ "id": user.to_string(), "username": known.name, "global_name": known.name, "bot": known.bot });
        self.shapes.part("MESSAGE_CREATE", "/author", with)
    }

    pub(crate) fn member_json(&self, guild: u64, user: u64) -> Value {
        let roles: Vec<String> = self.guilds[&guild].members[&user].iter().map(u64::to_string).collect();
        let with = json!({ "roles": roles, "user": self.user_json(user), "guild_id": GONE });
        self.shapes.make("GUILD_MEMBER_ADD", with)
    }

    pub(crate) fn role_json(&self, guild: u64, role: &Role) -> Value {
        let position = self.guilds[&guild].roles.iter().position(|r| r.id == role.id);
        let with = json!({
            "id": role.id.to_string(), "name": role.name, "permissions": role.permissions.bits().to_string(),
            "position": position,
        });
        self.shapes.part("GUILD_ROLE_CREATE", "/role", with)
    }

    pub(crate) fn channel_json(&self, channel: &Channel) -> Value {
        let Some(guild) = channel.guild else {
            let recipients: Vec<Value> = channel.recipient.iter().map(|&user| self.user_json(user)).collect();
            return json!({
                "id": channel.id.to_string(), "type": channel.kind, "flags": 0, "last_message_id": null,
                "recipients": recipients,
            });
        };
        let last = channel.messages.keys().next_back().map(u64::to_string);
        let mut with = json!({
            "id": channel.id.to_string(), "type": channel.kind, "guild_id": guild.to_string(), "name": channel.name,
            "parent_id": channel.parent.map(|p| p.to_string()), "last_message_id": last,
        });
        if channel.is_thread() {
            with["owner_id"] = json!(self.guilds[&guild].owner.to_string());
            return self.shapes.make("THREAD_CREATE", with);
        }
        with["nsfw"] = json!(channel.nsfw);
        with["permission_overwrites"] = channel
            .overwrites
            .iter()
            .map(|o| {
                let kind = u8::from(o.member);
                json!({ "id": o.of.to_string(), "type": kind, "allow": "0", "deny": o.deny.bits().to_string() })
            })
            .collect();
        self.shapes.make("CHANNEL_CREATE", with)
    }

    pub(crate) fn guild_json(&self, id: u64) -> Value {
        let guild = &self.guilds[&id];
        let seen = |c: &&Channel| c.guild == Some(id) && self.permissions(self.bot, c.id).view_channel();
        let (threads, channels): (Vec<_>, Vec<_>) =
            self.channels.values().filter(seen).partition(|channel| channel.is_thread());
        let json = |channels: Vec<&Channel>| channels.into_iter().map(|c| self.channel_json(c)).collect::<Vec<_>>();
        self.shapes.make(
            "GUILD_CREATE",
            json!({
                "id": id.to_string(), "name": guild.name, "owner_id": guild.owner.to_string(),
                "preferred_locale": guild.locale,
                "roles": guild.roles.iter().map(|r| self.role_json(id, r)).collect::<Vec<_>>(),
                "members": guild.members.keys().map(|&u| self.member_json(id, u)).collect::<Vec<_>>(),
                "member_count": guild.members.len(), "channels": json(channels), "threads": json(threads),
            }),
        )
    }

    /// Tells the bot, where it listens and may see the channel.
    pub(crate) fn emit(&mut self, channel: u64, intents: (GatewayIntents, GatewayIntents), event: &str, data: &Value) {
        let Channel { guild, .. } = *self.channel(channel);
        if !self.permissions(self.bot, channel).view_channel() {
            return;
        }
        let needed = if guild.is_some() { intents.0 } else { intents.1 };
        self.gateway.dispatch(guild, needed, event, data);
    }

    /// Tells the bot of its guild.
    pub(crate) fn emit_guild(&mut self, guild: u64, event: &str, data: &Value) {
        self.gateway.dispatch(Some(guild), GatewayIntents::GUILDS, event, data);
    }
}
