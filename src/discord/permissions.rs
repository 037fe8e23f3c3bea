//! What the bot must be allowed to do, where, and what of it is missing. Pure: over a guild as Discord described it.

use serenity::all::{ChannelId, ChannelType, Guild, GuildChannel, Member, Permissions, RoleId};

use super::Lang;
use crate::domain::GuildSettings;

/// What an invitation asks for: everything that any setting needs.
pub(super) const INVITED_WITH: Permissions =
    WATCH.union(ANSWER).union(Permissions::SEND_MESSAGES_IN_THREADS).union(Permissions::MANAGE_ROLES);

/// Adds the bot to a server, with what it needs there.
pub(super) fn invite(application: u64) -> String {
    let permissions = INVITED_WITH.bits();
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={permissions}"
    )
}

/// To see pictures, and those posted while the bot was away.
const WATCH: Permissions = Permissions::VIEW_CHANNEL.union(Permissions::READ_MESSAGE_HISTORY);

/// To post a card. Publishing the bot's own message to followers needs no more than sending it.
const ANSWER: Permissions = Permissions::SEND_MESSAGES.union(Permissions::ATTACH_FILES).union(Permissions::EMBED_LINKS);

/// What a channel is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Watched { replies: bool },
    Curated,
}

/// Something that keeps the bot from doing what the settings ask of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// The channel is gone, or the bot was never shown it.
    NoChannel(ChannelId),
    InChannel {
        channel: ChannelId,
        missing: Permissions,
    },
    /// The subscribers' role was deleted.
    NoRole(RoleId),
    /// The bot may not give roles.
    ManageRoles,
    /// The subscribers' role is not below the bot's own.
    RoleTooHigh(RoleId),
}

/// What a channel of this kind must allow for a use.
pub(super) fn needed(kind: ChannelType, used: Use) -> Permissions {
    let mut needed = WATCH;
    match used {
        Use::Curated => needed |= ANSWER,
        Use::Watched { replies: false } => {}
        Use::Watched { replies: true } => {
            needed |= ANSWER;
            if !matches!(kind, ChannelType::Voice | ChannelType::Stage) {
                needed |= Permissions::SEND_MESSAGES_IN_THREADS;
            }
            // In a forum there are only threads.
            if kind == ChannelType::Forum || kind == MEDIA {
                needed -= Permissions::SEND_MESSAGES;
            }
        }
    }
    // The chat of a voice channel is closed to who may not join it.
    if matches!(kind, ChannelType::Voice | ChannelType::Stage) {
        needed |= Permissions::CONNECT;
    }
    needed
}

/// A forum of pictures; serenity has no name for it.
pub(super) const MEDIA: ChannelType = ChannelType::Unknown(16);

/// Everything that is missing, for the watched channels, the curated one and the subscribers' role.
pub(super) fn preflight(guild: &Guild, me: &Member, settings: &GuildSettings, watched: &[u64]) -> Vec<Lack> {
    let mut uses: Vec<(u64, Use)> =
        watched.iter().map(|id| (*id, Use::Watched { replies: settings.replies })).collect();
    uses.extend(settings.curated.map(|id| (id, Use::Curated)));
    let mut lacks = Vec::new();
    let mut seen: Vec<(ChannelId, Permissions)> = Vec::new();
    for (id, used) in uses {
        let id = ChannelId::new(id);
        let Some(channel) = guild.channels.get(&id) else {
            lacks.push(Lack::NoChannel(id));
            continue;
        };
        let missing = needed(channel.kind, used) - allowed(guild, channel, me);
        match seen.iter_mut().find(|(channel, _)| *channel == id) {
            Some((_, before)) => *before |= missing,
            None => seen.push((id, missing)),
        }
    }
    let missing = seen.into_iter().filter(|(_, missing)| !missing.is_empty());
    lacks.extend(missing.map(|(channel, missing)| Lack::InChannel { channel, missing }));
    if let Some(role) = settings.subscribers {
        lacks.extend(role_lacks(guild, me, RoleId::new(role)));
    }
    lacks
}

/// What the member may do in the channel; hidden, it allows nothing.
pub(super) fn allowed(guild: &Guild, channel: &GuildChannel, member: &Member) -> Permissions {
    let allowed = guild.user_permissions_in(channel, member);
    if allowed.view_channel() { allowed } else { Permissions::empty() }
}

fn role_lacks(guild: &Guild, me: &Member, id: RoleId) -> Option<Lack> {
    let Some(role) = guild.roles.get(&id) else { return Some(Lack::NoRole(id)) };
    let mine = || me.roles.iter().filter_map(|id| guild.roles.get(id));
    let owner = guild.owner_id == me.user.id;
    let may =
        |what: Permissions| owner || mine().any(|r| r.permissions.contains(what)) || everyone(guild).contains(what);
    if !may(Permissions::MANAGE_ROLES) && !may(Permissions::ADMINISTRATOR) {
        return Some(Lack::ManageRoles);
    }
    let highest = mine().map(|r| r.position).max().unwrap_or(0);
    (!owner && (role.managed || role.position >= highest)).then_some(Lack::RoleTooHigh(id))
}

/// What everybody may do where no channel says otherwise.
fn everyone(guild: &Guild) -> Permissions {
    guild.roles.get(&RoleId::new(guild.id.get())).map_or(Permissions::empty(), |role| role.permissions)
}

/// A line for each lack.
pub(super) fn words(lang: Lang, lack: &Lack) -> String {
    match lack {
        Lack::NoChannel(channel) => tr!(lang, "discord.lack.no_channel", channel = channel),
        Lack::InChannel { channel, missing } => {
            tr!(lang, "discord.lack.in_channel", channel = channel, missing = names(lang, *missing))
        }
        Lack::NoRole(_) => tr!(lang, "discord.lack.no_role"),
        Lack::ManageRoles => tr!(lang, "discord.lack.manage_roles"),
        Lack::RoleTooHigh(role) => tr!(lang, "discord.lack.role_too_high", role = role),
    }
    .into_owned()
}

/// As Discord's own settings call them.
pub(super) fn names(lang: Lang, permissions: Permissions) -> String {
    let named = [
        (Permissions::VIEW_CHANNEL, tr!(lang, "discord.permission.view_channel")),
        (Permissions::CONNECT, tr!(lang, "discord.permission.connect")),
        (Permissions::READ_MESSAGE_HISTORY, tr!(lang, "discord.permission.read_history")),
        (Permissions::SEND_MESSAGES, tr!(lang, "discord.permission.send")),
        (Permissions::SEND_MESSAGES_IN_THREADS, tr!(lang, "discord.permission.send_in_threads")),
        (Permissions::ATTACH_FILES, tr!(lang, "discord.permission.attach")),
        (Permissions::EMBED_LINKS, tr!(lang, "discord.permission.embed")),
        (Permissions::MANAGE_ROLES, tr!(lang, "discord.permission.manage_roles")),
        (Permissions::MANAGE_GUILD, tr!(lang, "discord.permission.manage_guild")),
    ];
    let found: Vec<_> = named.iter().filter(|(p, _)| permissions.contains(*p)).map(|(_, name)| name.as_ref()).collect();
    found.join(&tr!(lang, "discord.list"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const GUILD: u64 = 10;
    const BOT: u64 = 99;
    const ROLE: u64 = 50;
    const SUBSCRIBERS: u64 = 51;

    fn channel(id: u64, kind: u8, overwrites: &Value) -> Value {
        json!({ "id": id.to_string(), "guild_id": GUILD.to_string(), "type": kind, "name": "c", "position": 0,
            "permission_overwrites": overwrites })
    }

    fn role(id: u64, position: u16, permissions: Permissions) -> Value {
        json!({ "id": id.to_string(), "name": "r", "color": 0, "colors": { "primary_color": 0 }, "hoist": false,
            "managed": false, "mentionable": false, "permissions": permissions.bits().to_string(),
            "position": position })
    }

    fn overwrite(id: u64, member: bool, allow: Permissions, deny: Permissions) -> Value {
        json!({ "id": id.to_string(), "type": u8::from(member), "allow": allow.bits().to_string(),
            "deny": deny.bits().to_string() })
    }

    fn guild(everyone: Permissions, bot: Permissions, channels: &[Value]) -> Guild {
        let guild = json!({
            "id": GUILD.to_string(), "name": "g", "owner_id": "1", "channels": channels, "threads": [], "members": [],
            "roles": [role(GUILD, 0, everyone), role(ROLE, 2, bot), role(SUBSCRIBERS, 1, Permissions::empty())],
            "emojis": [], "stickers": [], "features": [], "voice_states": [], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "joined_at": "2026-01-01T00:00:00Z", "large": false, "member_count": 1,
            "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
            "nsfw_level": 0, "premium_tier": 0, "premium_progress_bar_enabled": false, "preferred_locale": "en-US",
            "system_channel_flags": 0,
        });
        serde_json::from_value(guild).unwrap()
    }

    fn me(user: u64) -> Member {
        serde_json::from_value(json!({
            "user": { "id": user.to_string(), "username": "mekiki" }, "roles": [ROLE.to_string()], "deaf": false,
            "mute": false, "flags": 0, "guild_id": GUILD.to_string(), "joined_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    fn lacks(guild: &Guild, settings: &GuildSettings, watched: &[u64]) -> Vec<Lack> {
        preflight(guild, &me(BOT), settings, watched)
    }

    #[test]
    fn nothing_is_missing_where_the_bot_has_what_it_was_invited_with() {
        let settings = GuildSettings { curated: Some(21), subscribers: Some(SUBSCRIBERS), ..GuildSettings::default() };
        let guild =
            guild(Permissions::empty(), INVITED_WITH, &[channel(20, 0, &json!([])), channel(21, 5, &json!([]))]);
        assert_eq!(lacks(&guild, &settings, &[20]), []);
    }

    #[test]
    fn each_missing_permission_is_named_with_its_channel() {
        let deny = overwrite(GUILD, false, Permissions::empty(), Permissions::ATTACH_FILES);
        let guild = guild(
            Permissions::empty(),
            INVITED_WITH - Permissions::READ_MESSAGE_HISTORY,
            &[channel(20, 0, &json!([deny]))],
        );
        let found = lacks(&guild, &GuildSettings::default(), &[20, 77]);
        let missing = Permissions::READ_MESSAGE_HISTORY | Permissions::ATTACH_FILES;
        let here = Lack::InChannel { channel: ChannelId::new(20), missing };
        assert_eq!(found, [Lack::NoChannel(ChannelId::new(77)), here]);
        assert_eq!(words(Lang::En, &here), "<#20>: Read Message History, Attach Files");
    }

    #[test]
    fn the_bots_own_overwrite_wins_over_its_roles_and_a_roles_over_everyones() {
        let everyone = overwrite(GUILD, false, Permissions::empty(), Permissions::SEND_MESSAGES);
        let role = overwrite(ROLE, false, Permissions::SEND_MESSAGES, Permissions::empty());
        let mine = overwrite(BOT, true, Permissions::empty(), Permissions::SEND_MESSAGES);
        let of = |overwrites: Value| {
            let guild = guild(INVITED_WITH, Permissions::empty(), &[channel(20, 0, &overwrites)]);
            lacks(&guild, &GuildSettings::default(), &[20])
        };
        let sending = Lack::InChannel { channel: ChannelId::new(20), missing: Permissions::SEND_MESSAGES };
        assert_eq!(of(json!([everyone])), [sending]);
        assert_eq!(of(json!([everyone, role])), []);
        assert_eq!(of(json!([everyone, role, mine])), [sending]);
    }

    #[test]
    fn a_hidden_channel_allows_nothing() {
        let hidden = overwrite(GUILD, false, Permissions::empty(), Permissions::VIEW_CHANNEL);
        let guild = guild(INVITED_WITH, Permissions::empty(), &[channel(20, 0, &json!([hidden]))]);
        let missing = WATCH | ANSWER | Permissions::SEND_MESSAGES_IN_THREADS;
        let all = Lack::InChannel { channel: ChannelId::new(20), missing };
        assert_eq!(lacks(&guild, &GuildSettings::default(), &[20]), [all]);
    }

    #[test]
    fn an_administrator_and_the_owner_lack_nothing() {
        let hidden = overwrite(GUILD, false, Permissions::empty(), Permissions::all());
        let settings = GuildSettings { subscribers: Some(SUBSCRIBERS), ..GuildSettings::default() };
        let admin = guild(Permissions::empty(), Permissions::ADMINISTRATOR, &[channel(20, 0, &json!([hidden]))]);
        assert_eq!(lacks(&admin, &settings, &[20]), []);
        let guild = guild(Permissions::empty(), Permissions::empty(), &[channel(20, 0, &json!([hidden]))]);
        assert_eq!(preflight(&guild, &me(1), &settings, &[20]), []);
    }

    #[test]
    fn what_is_needed_follows_the_use_and_the_kind() {
        let watched = Use::Watched { replies: true };
        assert_eq!(needed(ChannelType::Text, Use::Watched { replies: false }), WATCH);
        assert!(needed(ChannelType::Text, watched).contains(Permissions::SEND_MESSAGES_IN_THREADS));
        assert!(!needed(ChannelType::Forum, watched).contains(Permissions::SEND_MESSAGES));
        assert!(!needed(MEDIA, watched).contains(Permissions::SEND_MESSAGES));
        assert!(needed(ChannelType::Voice, watched).contains(Permissions::CONNECT));
        assert!(!needed(ChannelType::Voice, watched).contains(Permissions::SEND_MESSAGES_IN_THREADS));
        assert!(!needed(ChannelType::News, Use::Curated).contains(Permissions::MANAGE_MESSAGES));
        for kind in [ChannelType::Text, ChannelType::News, ChannelType::Forum, MEDIA] {
            assert!(INVITED_WITH.contains(needed(kind, watched)), "{kind:?}");
        }
    }

    #[test]
    fn a_channel_that_is_watched_and_curated_is_named_once() {
        let guild = guild(Permissions::empty(), WATCH, &[channel(20, 0, &json!([]))]);
        let settings = GuildSettings { curated: Some(20), replies: false, ..GuildSettings::default() };
        assert_eq!(lacks(&guild, &settings, &[20]), [Lack::InChannel { channel: ChannelId::new(20), missing: ANSWER }]);
    }

    #[test]
    fn a_role_can_be_given_only_from_above() {
        let of = |bot: Permissions, role: u64| {
            let settings = GuildSettings { subscribers: Some(role), ..GuildSettings::default() };
            lacks(&guild(Permissions::empty(), bot, &[]), &settings, &[])
        };
        assert_eq!(of(INVITED_WITH, SUBSCRIBERS), []);
        assert_eq!(of(INVITED_WITH, ROLE), [Lack::RoleTooHigh(RoleId::new(ROLE))]);
        assert_eq!(of(INVITED_WITH, 77), [Lack::NoRole(RoleId::new(77))]);
        assert_eq!(of(WATCH, SUBSCRIBERS), [Lack::ManageRoles]);
    }

    #[test]
    fn the_readmes_invite_with_these_permissions() {
        for file in ["README.md", "README.ja.md"] {
            let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            let link = invite(0).replace("client_id=0", "client_id=APPLICATION_ID");
            assert!(text.contains(&link), "{file} should say {link}");
        }
    }

    #[test]
    fn every_permission_asked_for_has_a_name() {
        for lang in Lang::ALL {
            for permission in (INVITED_WITH | Permissions::CONNECT).iter() {
                assert!(!names(lang, permission).is_empty(), "{permission:?}");
            }
        }
    }
}
