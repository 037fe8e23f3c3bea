//! Reactions: put, taken away, listed page by page.

use serde_json::Value;
use serenity::all::Permissions;

use super::messages::visible;
use super::{Answer, Call, allow, unknown};
use crate::discord::fake::world::{Reaction, World};

pub(super) fn answer(world: &mut World, call: &Call, (channel, message): (u64, u64), path: &[&str]) -> Answer {
    visible(world, channel, message)?;
    let bot = world.bot;
    // The id tells emoji of the same name apart; Discord knows both by `name:id`.
    let own = |emoji: &str| Reaction { user: bot, emoji: emoji.to_owned(), burst: false };
    match (call.method.as_str(), path) {
        ("PUT", [emoji, "@me"]) => {
            allow(world, channel, Permissions::ADD_REACTIONS | Permissions::READ_MESSAGE_HISTORY)?;
            world.set_reaction(channel, message, &own(emoji), true);
            Ok(None)
        }
        ("DELETE", [emoji, "@me"]) => {
            world.set_reaction(channel, message, &own(emoji), false);
            Ok(None)
        }
        ("DELETE", [emoji, user]) => {
            allow(world, channel, Permissions::MANAGE_MESSAGES)?;
            let user = user.parse().unwrap_or(0);
            world.set_reaction(channel, message, &Reaction { user, ..own(emoji) }, false);
            Ok(None)
        }
        ("DELETE", [emoji]) => {
            allow(world, channel, Permissions::MANAGE_MESSAGES)?;
            world.clear_reactions(channel, message, Some(emoji));
            Ok(None)
        }
        ("DELETE", []) => {
            allow(world, channel, Permissions::MANAGE_MESSAGES)?;
            world.clear_reactions(channel, message, None);
            Ok(None)
        }
        ("GET", [emoji]) => {
            allow(world, channel, Permissions::READ_MESSAGE_HISTORY)?;
            Ok(Some(list(world, call, (channel, message), emoji)))
        }
        _ => Err(unknown(0, "404: Not Found")),
    }
}

/// People who reacted so, by id. `type` 1 lists the super reactions, else the others.
fn list(world: &World, call: &Call, (channel, message): (u64, u64), emoji: &str) -> Value {
    let burst = call.number("type") == Some(1);
    let (after, limit) = (call.number("after").unwrap_or(0), call.number("limit").unwrap_or(25).min(100) as usize);
    let reactions = &world.channel(channel).messages[&message].reactions;
    let fits = |r: &&Reaction| r.emoji == emoji && r.burst == burst && r.user > after;
    let mut users: Vec<u64> = reactions.iter().filter(fits).map(|r| r.user).collect();
    users.sort_unstable();
    users.into_iter().take(limit).map(|user| world.user_json(user)).collect()
}
