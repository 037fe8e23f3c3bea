//! What a test fills its Discord with.

use std::collections::{BTreeMap, VecDeque};

use serde_json::json;
use serenity::all::{GatewayIntents, Permissions};

use super::Discord;
use super::world::{Channel, Guild, Overwrite, Role, User, World, kind};

/// A channel to make.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) guild: u64,
    pub(crate) kind: u8,
    pub(crate) nsfw: bool,
    /// Of a thread.
    pub(crate) parent: Option<u64>,
}

impl Place {
    pub(crate) fn text(guild: u64) -> Self {
        Self { guild, kind: kind::TEXT, nsfw: false, parent: None }
    }

    pub(crate) fn nsfw(guild: u64) -> Self {
        Self { nsfw: true, ..Self::text(guild) }
    }

    pub(crate) fn of_kind(guild: u64, kind: u8) -> Self {
        Self { kind, ..Self::text(guild) }
    }
}

impl Discord {
    pub(crate) fn bot(&self) -> u64 {
        self.world(|world| world.bot)
    }

    pub(crate) fn user(&self, name: &str) -> u64 {
        self.add_user(name, false)
    }

    /// Another bot.
    pub(crate) fn other_bot(&self, name: &str) -> u64 {
        self.add_user(name, true)
    }

    fn add_user(&self, name: &str, bot: bool) -> u64 {
        self.world(|world| {
            let id = world.ids.next();
            world.users.insert(id, User { name: name.into(), bot });
            id
        })
    }

    /// A guild with the bot in it, all that the bot needs allowed, and these members; the first owns it.
    pub(crate) fn guild(&self, members: &[u64]) -> u64 {
        self.world(|world| {
            let id = world.ids.next();
            let bot_role = world.ids.next();
            let everyone = Permissions::VIEW_CHANNEL
                | Permissions::SEND_MESSAGES
                | Permissions::SEND_MESSAGES_IN_THREADS
                | Permissions::READ_MESSAGE_HISTORY
                | Permissions::ADD_REACTIONS
                | Permissions::ATTACH_FILES
                | Permissions::EMBED_LINKS
                | Permissions::USE_EXTERNAL_EMOJIS;
            let roles = vec![
                Role { id, name: "@everyone".into(), permissions: everyone },
                Role {
                    id: bot_role,
                    name: "mekiki".into(),
                    permissions: everyone | Permissions::MANAGE_MESSAGES | Permissions::MANAGE_ROLES,
                },
            ];
            let mut all: BTreeMap<u64, Vec<u64>> = members.iter().map(|&user| (user, Vec::new())).collect();
            all.insert(world.bot, vec![bot_role]);
            let guild = Guild { name: "drawn things".into(), owner: members[0], locale: "en-US", roles, members: all };
            world.guilds.insert(id, guild);
            if world.gateway.connected() > 0 {
                let event = world.guild_json(id);
                world.emit_guild(id, "GUILD_CREATE", &event);
            }
            id
        })
    }

    pub(crate) fn role(&self, guild: u64, name: &str, permissions: Permissions) -> u64 {
        self.world(|world| {
            let id = world.ids.next();
            world.guilds.get_mut(&guild).expect("the guild").roles.push(Role { id, name: name.into(), permissions });
            id
        })
    }

    pub(crate) fn join(&self, guild: u64, user: u64) {
        self.world(|world| {
            world.guilds.get_mut(&guild).expect("the guild").members.insert(user, Vec::new());
            let mut event = world.member_json(guild, user);
            event["guild_id"] = json!(guild.to_string());
            world.gateway.dispatch(Some(guild), GatewayIntents::GUILD_MEMBERS, "GUILD_MEMBER_ADD", &event);
        });
    }

    pub(crate) fn channel(&self, place: Place, name: &str) -> u64 {
        self.world(|world| {
            let id = world.ids.next();
            world.add_channel(Channel {
                id,
                guild: Some(place.guild),
                kind: place.kind,
                name: name.into(),
                parent: place.parent,
                nsfw: place.nsfw,
                overwrites: Vec::new(),
                recipient: None,
                messages: BTreeMap::new(),
                crossposts: VecDeque::new(),
            });
            tell(world, id, "CREATE");
            id
        })
    }

    /// A thread, also a post of a forum.
    pub(crate) fn thread(&self, parent: u64, name: &str) -> u64 {
        let guild = self.world(|world| world.channel(parent).guild.expect("a guild's channel"));
        self.channel(Place { parent: Some(parent), ..Place::of_kind(guild, kind::PUBLIC_THREAD) }, name)
    }

    /// A thread that the bot is not told of, as one that was archived.
    pub(crate) fn untold_thread(&self, parent: u64, name: &str) -> u64 {
        self.world(|world| {
            let (id, guild) = (world.ids.next(), world.channel(parent).guild);
            world.add_channel(Channel {
                id,
                guild,
                kind: kind::PUBLIC_THREAD,
                name: name.into(),
                parent: Some(parent),
                nsfw: false,
                overwrites: Vec::new(),
                recipient: None,
                messages: BTreeMap::new(),
                crossposts: VecDeque::new(),
            });
            id
        })
    }

    /// The direct messages between the bot and somebody.
    pub(crate) fn direct(&self, user: u64) -> u64 {
        self.world(|world| world.direct_channel(user))
    }

    /// Takes permissions from the bot in a channel.
    pub(crate) fn deny(&self, channel: u64, denied: Permissions) {
        self.world(|world| {
            let of = world.bot;
            let place = world.channels.get_mut(&channel).expect("the channel");
            place.overwrites = vec![Overwrite { of, member: true, deny: denied }];
            tell(world, channel, "UPDATE");
        });
    }

    /// Takes permissions from somebody in a channel.
    pub(crate) fn deny_to(&self, channel: u64, user: u64, denied: Permissions) {
        self.world(|world| {
            let place = world.channels.get_mut(&channel).expect("the channel");
            place.overwrites.push(Overwrite { of: user, member: true, deny: denied });
            tell(world, channel, "UPDATE");
        });
    }

    pub(crate) fn restrict(&self, channel: u64, nsfw: bool) {
        self.world(|world| {
            world.channels.get_mut(&channel).expect("the channel").nsfw = nsfw;
            tell(world, channel, "UPDATE");
        });
    }

    /// All signed links handed out so far are dead.
    pub(crate) fn expire_links(&self) {
        self.world(|world| world.signature += 1);
    }
}

fn tell(world: &mut World, channel: u64, what: &str) {
    let found = world.channel(channel);
    let (Some(guild), event) = (found.guild, world.channel_json(found)) else { return };
    let family = if found.is_thread() { "THREAD" } else { "CHANNEL" };
    if world.permissions(world.bot, channel).view_channel() {
        world.emit_guild(guild, &format!("{family}_{what}"), &event);
    }
}
