//! Whether a message is looked at, and why not.

use time::{Duration, OffsetDateTime};

use super::pictures;
use super::raw::RawMessage;
use crate::pipeline::MessagePicture;

/// Older messages that change without having been known are history: a link's preview made anew, a pin.
const FRESH: Duration = Duration::HOUR;

/// What the operator settled about who is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Other bots' messages.
    pub bots: bool,
    pub webhooks: bool,
}

/// Where the message was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts, independent of each other")]
pub(super) struct Post {
    /// The watched channel: its own, or the one its thread or forum post belongs to.
    pub watched: Option<u64>,
    /// The channel, what it lies in, or the whole guild is age-restricted.
    pub restricted: bool,
    /// So is the channel that the message was forwarded from, or nothing is known of that.
    pub forward_restricted: bool,
    /// Something of the message is kept already.
    pub known: bool,
    /// It has just been posted or looked up, rather than edited.
    pub is_new: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Look(Look),
    Leave(Leave),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub watched: u64,
    pub marked_restricted: bool,
    /// Empty: what was there is there no longer.
    pub pictures: Vec<MessagePicture>,
}

/// Why a message is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    NotWatched,
    /// This bot wrote it.
    Own,
    OtherBot,
    Webhook,
    NoAuthor,
    NoPicture,
    /// It changed without saying what it shows.
    Unsaid,
    OldEdit,
}

/// `me`: this bot's own id.
pub(super) fn decide(message: &RawMessage, post: &Post, me: u64, policy: Policy, now: OffsetDateTime) -> Decision {
    match look(message, post, me, policy, now) {
        Ok(look) => Decision::Look(look),
        Err(why) => Decision::Leave(why),
    }
}

fn look(message: &RawMessage, post: &Post, me: u64, policy: Policy, now: OffsetDateTime) -> Result<Look, Leave> {
    let watched = post.watched.ok_or(Leave::NotWatched)?;
    let author = message.author.as_ref().ok_or(Leave::NoAuthor)?;
    if author.id == me {
        return Err(Leave::Own);
    }
    // A webhook's messages come from a bot, too.
    if message.webhook.is_some() {
        if !policy.webhooks {
            return Err(Leave::Webhook);
        }
    } else if author.bot && !policy.bots {
        return Err(Leave::OtherBot);
    }
    if !pictures::says_what_it_shows(message) {
        return Err(Leave::Unsaid);
    }
    let pictures = pictures::of(message);
    if !post.known {
        if pictures.is_empty() {
            return Err(Leave::NoPicture);
        }
        if !post.is_new && now - message.posted_at > FRESH {
            return Err(Leave::OldEdit);
        }
    }
    let forward = message.forward.is_some() && post.forward_restricted;
    Ok(Look { watched, marked_restricted: post.restricted || forward || pictures::is_explicit(message), pictures })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const POLICY: Policy = Policy { bots: false, webhooks: true };
    const POST: Post =
        Post { watched: Some(20), restricted: false, forward_restricted: true, known: false, is_new: true };
    const ME: u64 = 99;

    fn message(change: &Value) -> RawMessage {
        let mut message = json!({
            "id": "50", "channel_id": "21", "guild_id": "1", "timestamp": "2026-11-24T11:59:00Z", "embeds": [],
            "author": {"id": "10", "username": "ada"},
            "attachments": [{"id": "70", "filename": "a.png", "url": "https://cdn.discordapp.com/a.png"}]
        });
        for (name, value) in change.as_object().unwrap() {
            message[name] = value.clone();
        }
        RawMessage::read(&message).unwrap()
    }

    fn decided(change: &Value, post: Post, policy: Policy) -> Result<Look, Leave> {
        look(&message(change), &post, ME, policy, NOW)
    }

    fn left(change: &Value, post: Post, policy: Policy) -> Leave {
        decided(change, post, policy).unwrap_err()
    }

    #[test]
    fn a_picture_in_a_watched_place_is_looked_at() {
        let look = decided(&json!({}), POST, POLICY).unwrap();
        assert_eq!((look.watched, look.marked_restricted, look.pictures.len()), (20, false, 1));
    }

    #[test]
    fn each_reason_to_leave_it() {
        assert_eq!(left(&json!({}), Post { watched: None, ..POST }, POLICY), Leave::NotWatched);
        let own = json!({"author": {"id": "99", "username": "me", "bot": true}});
        assert_eq!(left(&own, POST, Policy { bots: true, webhooks: true }), Leave::Own, "whatever is set");
        let bot = json!({"author": {"id": "11", "username": "b", "bot": true}});
        assert_eq!(left(&bot, POST, POLICY), Leave::OtherBot);
        assert!(decided(&bot, POST, Policy { bots: true, ..POLICY }).is_ok());
        let hook = json!({"webhook_id": "90", "author": {"id": "90", "username": "h", "bot": true}});
        assert!(decided(&hook, POST, POLICY).is_ok());
        assert_eq!(left(&hook, POST, Policy { bots: true, webhooks: false }), Leave::Webhook);
        assert_eq!(left(&json!({"author": null}), POST, POLICY), Leave::NoAuthor);
        assert_eq!(left(&json!({"attachments": []}), POST, POLICY), Leave::NoPicture);
        assert_eq!(left(&json!({"attachments": null}), POST, POLICY), Leave::Unsaid);
    }

    #[test]
    fn an_old_message_that_changes_is_looked_at_only_where_it_is_known() {
        let old = json!({"timestamp": "2026-11-24T10:59:00Z"});
        let edit = Post { is_new: false, ..POST };
        assert_eq!(left(&old, edit, POLICY), Leave::OldEdit);
        assert!(decided(&json!({}), edit, POLICY).is_ok(), "a link whose preview comes a little later");
        assert!(decided(&old, Post { known: true, ..edit }, POLICY).is_ok());
        assert!(decided(&old, POST, POLICY).is_ok(), "missed while offline");
        let emptied = json!({"attachments": []});
        assert!(decided(&emptied, Post { known: true, ..edit }, POLICY).unwrap().pictures.is_empty());
    }

    #[test]
    fn restricted_by_place_by_forward_and_by_discords_own_word() {
        let marked = |change: &Value, post| decided(change, post, POLICY).unwrap().marked_restricted;
        assert!(marked(&json!({}), Post { restricted: true, ..POST }));
        let forward = json!({
            "message_reference": {"type": 1, "channel_id": "33"},
            "message_snapshots": [{"message": {"attachments": [], "embeds": []}}]
        });
        assert!(marked(&forward, POST), "from a place that is restricted or unknown");
        assert!(!marked(&forward, Post { forward_restricted: false, ..POST }));
        assert!(!marked(&json!({}), POST), "no forward: nothing to ask about it");
        assert!(marked(
            &json!({"attachments": [{"id": "7", "filename": "a.png", "url": "https://a.example", "flags": 16}]}),
            POST
        ));
    }
}
