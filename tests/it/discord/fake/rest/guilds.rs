//! Everything beside messages: the gateway's address, the application, guilds, channels, members, roles.

use serde_json::{Value, json};
use serenity::all::Permissions;

use super::{Answer, Call, allow, failure, unknown};
use crate::discord::fake::world::{Channel, Guild, Role, World, id, kind};

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    let number = |text: &&str| text.parse::<u64>().unwrap_or(0);
    match (call.method.as_str(), path) {
        (_, ["gateway" | "oauth2" | "applications", ..]) => application(world, call, path),
        ("GET", ["users", "@me"]) => Ok(Some(world.user_json(world.bot))),
        ("GET", ["users", user]) if world.users.contains_key(&number(user)) => Ok(Some(world.user_json(number(user)))),
        ("GET", ["users", _]) => Err(unknown(10013, "Unknown User")),
        ("POST", ["users", "@me", "channels"]) => {
            let recipient = id(&call.body()["recipient_id"]);
            let channel = world.direct_channel(recipient);
            Ok(Some(world.channel_json(world.channel(channel))))
        }
        ("GET", ["channels", channel]) => {
            allow(world, number(channel), Permissions::VIEW_CHANNEL)?;
            Ok(Some(world.channel_json(world.channel(number(channel)))))
        }
        ("POST", ["channels", channel, "typing"]) => {
            allow(world, number(channel), Permissions::SEND_MESSAGES)?;
            Ok(None)
        }
        ("GET", ["channels", channel, "threads", "archived", "public"]) => {
            allow(world, number(channel), Permissions::READ_MESSAGE_HISTORY)?;
            Ok(Some(json!({ "threads": [], "members": [], "has_more": false })))
        }
        (_, ["guilds", guild, ..]) => {
            if !world.guilds.contains_key(&number(guild)) {
                return Err(unknown(10004, "Unknown Guild"));
            }
            in_guild(world, call, number(guild), &path[2..])
        }
        _ => Err(unknown(0, "404: Not Found")),
    }
}

fn application(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    let url = world.base.replace("http://", "ws://");
    Ok(Some(match (call.method.as_str(), path) {
        ("GET", ["gateway"]) => json!({ "url": url }),
        ("GET", ["gateway", "bot"]) => json!({
            "url": url, "shards": world.gateway.advised,
            "session_start_limit": { "total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1 },
        }),
        ("GET", ["oauth2", "applications", "@me"] | ["applications", "@me"]) => json!({
            "id": world.bot.to_string(), "name": "mekiki", "icon": null, "description": "", "bot_public": true,
            "bot_require_code_grant": false, "verify_key": "0", "team": null, "flags": 565_248, "type": null,
            "owner": world.user_json(world.bot), "explicit_content_filter": 0, "max_participants": null,
            "summary": "", "redirect_uris": [], "interactions_endpoint_url": null, "role_connections_verification_url": null,
            "approximate_guild_count": 1, "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
            "event_webhooks_status": 1, "is_discoverable": false, "is_monetized": false, "is_verified": false,
            "store_application_state": 1, "monetization_state": 1, "monetization_eligibility_flags": 0,
            "discovery_eligibility_flags": 0, "internal_guild_restriction": 1, "rpc_application_state": 0,
            "verification_state": 1, "creator_monetization_state": 1, "integration_public": true,
            "integration_require_code_grant": false, "hook": true, "storefront_available": false,
        }),
        ("PUT", ["applications", app, "commands"]) => register(world, app, call.body()),
        ("PUT", ["applications", _, "guilds", _, "commands"]) => json!([]),
        ("GET", ["applications", _, "commands"]) => Value::Array(world.commands.clone()),
        _ => return Err(unknown(0, "404: Not Found")),
    }))
}

/// All commands of the bot, as it wants them now.
fn register(world: &mut World, app: &str, wanted: &Value) -> Value {
    let mut commands = Vec::new();
    for wanted in wanted.as_array().into_iter().flatten() {
        let known = world.commands.iter().find(|c| c["name"] == wanted["name"] && c["type"] == wanted["type"]);
        let id = known.map_or_else(|| json!(world.ids.next().to_string()), |known| known["id"].clone());
        let mut command = json!({
            "type": 1, "description": "", "version": "1", "nsfw": false, "default_member_permissions": null,
            "dm_permission": true, "options": [],
        });
        for (name, value) in wanted.as_object().into_iter().flatten() {
            command[name] = value.clone();
        }
        tidy(&mut command["options"]);
        (command["id"], command["application_id"]) = (id, json!(app));
        commands.push(command);
    }
    world.commands.clone_from(&commands);
    Value::Array(commands)
}

/// Options as Discord gives them back: without what says nothing.
fn tidy(options: &mut Value) {
    for option in options.as_array_mut().into_iter().flatten() {
        let Some(fields) = option.as_object_mut() else { continue };
        fields.retain(|_, value| !value.is_null() && *value != json!([]));
        if let Some(inner) = fields.get_mut("options") {
            tidy(inner);
        }
    }
}

fn in_guild(world: &mut World, call: &Call, guild: u64, path: &[&str]) -> Answer {
    let number = |text: &&str| text.parse::<u64>().unwrap_or(0);
    let seen = |world: &World, threads: bool| -> Vec<Value> {
        let fits = |c: &&Channel| {
            c.guild == Some(guild) && c.is_thread() == threads && world.permissions(world.bot, c.id).view_channel()
        };
        world.channels.values().filter(fits).map(|c| world.channel_json(c)).collect()
    };
    let found = &world.guilds[&guild];
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(Some(partial(world, guild))),
        ("GET", ["channels"]) => Ok(Some(json!(seen(world, false)))),
        ("GET", ["threads", "active"]) => {
            Ok(Some(json!({ "threads": seen(world, true), "members": [], "has_more": false })))
        }
        ("GET", ["roles"]) => Ok(Some(found.roles.iter().map(|role| world.role_json(guild, role)).collect())),
        ("POST", ["roles"]) => {
            may(world, guild, Permissions::MANAGE_ROLES)?;
            let role = Role {
                id: world.ids.next(),
                name: call.body()["name"].as_str().unwrap_or("new role").to_owned(),
                permissions: Permissions::from_bits_truncate(id(&call.body()["permissions"])),
            };
            let id = role.id;
            world.guilds.get_mut(&guild).expect("it was looked up").roles.push(role);
            let made = world.guilds[&guild].roles.iter().find(|role| role.id == id).expect("just made");
            let json = world.role_json(guild, made);
            let event = world.shapes.make("GUILD_ROLE_CREATE", json!({ "guild_id": guild.to_string(), "role": json }));
            world.emit_guild(guild, "GUILD_ROLE_CREATE", &event);
            Ok(Some(json))
        }
        ("GET", ["members"]) => Ok(Some(found.members.keys().map(|&user| world.member_json(guild, user)).collect())),
        ("GET", ["members", user]) => match found.members.get(&number(user)) {
            Some(_) => Ok(Some(world.member_json(guild, number(user)))),
            None => Err(unknown(10007, "Unknown Member")),
        },
        ("PUT" | "DELETE", ["members", user, "roles", role]) => {
            may(world, guild, Permissions::MANAGE_ROLES)?;
            let role = number(role);
            if !world.guilds[&guild].roles.iter().any(|known| known.id == role) {
                return Err(unknown(10011, "Unknown Role"));
            }
            let members = &mut world.guilds.get_mut(&guild).expect("it was looked up").members;
            let roles = members.get_mut(&number(user)).ok_or_else(|| unknown(10007, "Unknown Member"))?;
            roles.retain(|known| *known != role);
            if call.method == "PUT" {
                roles.push(role);
            }
            Ok(None)
        }
        _ => Err(unknown(0, "404: Not Found")),
    }
}

/// A permission in the whole guild.
fn may(world: &World, guild: u64, needed: Permissions) -> Result<(), super::Failure> {
    let Guild { members, roles, .. } = &world.guilds[&guild];
    let own = members.get(&world.bot).cloned().unwrap_or_default();
    let all = roles.iter().enumerate().filter(|(i, role)| *i == 0 || own.contains(&role.id));
    let all = all.fold(Permissions::empty(), |all, (_, role)| all | role.permissions);
    if all.administrator() || all.contains(needed) {
        return Ok(());
    }
    Err(failure(403, 50013, "Missing Permissions"))
}

/// A guild as the API gives it: without what only the gateway knows.
fn partial(world: &World, guild: u64) -> Value {
    let mut json = world.guild_json(guild);
    let fields = json.as_object_mut().expect("a guild");
    for only in [
        "channels",
        "threads",
        "members",
        "member_count",
        "joined_at",
        "large",
        "unavailable",
        "voice_states",
        "presences",
        "stage_instances",
        "guild_scheduled_events",
        "soundboard_sounds",
    ] {
        fields.remove(only);
    }
    json["region"] = json!("deprecated");
    json["home_header"] = Value::Null;
    json
}

impl World {
    /// The direct messages with somebody.
    pub(crate) fn direct_channel(&mut self, with: u64) -> u64 {
        let known = self.channels.values().find(|c| c.recipient == Some(with)).map(|c| c.id);
        known.unwrap_or_else(|| {
            let id = self.ids.next();
            self.add_channel(Channel {
                id,
                guild: None,
                kind: kind::DM,
                name: String::new(),
                parent: None,
                nsfw: false,
                overwrites: Vec::new(),
                recipient: Some(with),
                messages: std::collections::BTreeMap::new(),
                crossposts: std::collections::VecDeque::new(),
            });
            id
        })
    }

    pub(crate) fn add_channel(&mut self, channel: Channel) {
        self.channels.insert(channel.id, channel);
    }
}
