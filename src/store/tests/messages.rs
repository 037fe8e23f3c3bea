//! Messages: claimed whole, once, and followed when they change.

use super::*;
use crate::domain::{MessageKey, Place, SendKind, SendState};
use crate::store::{Cursor, Follows, MessageClaim};

const GUILD: u64 = 1;
const KEY: MessageKey = MessageKey { channel: 21, message: 500 };

fn posts(keys: &[&str]) -> Vec<NewPost> {
    (0..)
        .zip(keys)
        .map(|(part, key)| NewPost {
            external_id: format!("{KEY}/{key}"),
            origin: Origin::Link { url: format!("https://cdn.example/{key}") },
            scope: Scope::Guild(GUILD),
            place: Some(Place { message: KEY, part, author: Rater::discord(10), asked: false }),
            ..new_post(PostSource::Discord, PictureId([0; 32]))
        })
        .collect()
}

impl Home {
    async fn claim_message(&self, keys: &[&str]) -> crate::store::ClaimedMessage {
        let posts = posts(keys);
        let claim = MessageClaim { message: KEY, guild: GUILD, watched: 20, posts: &posts, reply: true };
        self.store.claim_message(&claim, NOW).await.expect("claims")
    }

    async fn reply(&self) -> Option<(SendState, bool)> {
        let sends = self.store.sends_of(KEY).await.expect("reads");
        assert!(sends.len() <= 1, "one reply a message");
        sends.first().map(|send| {
            assert_eq!((send.kind, send.channel), (SendKind::Reply, KEY.channel));
            (send.state, send.changed)
        })
    }

    async fn shown(&self) -> Vec<String> {
        let posts = self.store.message_posts(KEY, false).await.expect("reads");
        let mut keys = Vec::new();
        for post in posts {
            let (message, key) = self.store.picture_in_message(post).await.expect("reads").expect("is in a message");
            assert_eq!(message, KEY);
            keys.push(key);
        }
        keys
    }

    async fn publish_all(&self) {
        for post in self.store.message_posts(KEY, false).await.expect("reads") {
            self.store.fail_post(post, "test", "done").await.expect("writes");
        }
    }
}

#[tokio::test]
async fn a_message_that_comes_again_is_the_same() {
    let home = Home::new().await;
    let first = home.claim_message(&["a", "b"]).await;
    assert_eq!((first.posts.len(), first.added, first.removed), (2, true, false));
    let again = home.claim_message(&["a", "b"]).await;
    assert_eq!((again.posts, again.added, again.removed), (first.posts, false, false));
    assert_eq!(home.reply().await, Some((SendState::Waiting, false)));
    assert_eq!(home.shown().await, ["a", "b"]);
}

#[tokio::test]
async fn an_edit_takes_pictures_away_and_adds_some_and_the_reply_changes() {
    let home = Home::new().await;
    let first = home.claim_message(&["a", "b", "c"]).await;
    let reply = home.store.sends_of(KEY).await.unwrap()[0].id;
    assert!(home.store.begin_send(reply).await.unwrap());
    home.store.set_sent(reply, 900, Follows::default(), NOW).await.unwrap();
    let edited = home.claim_message(&["c", "d", "a"]).await;
    assert_eq!((edited.added, edited.removed), (true, true));
    assert_eq!(home.shown().await, ["c", "d", "a"], "in the order they have now");
    assert_eq!(edited.posts[2], first.posts[0], "what stays is the same post");
    assert_eq!(home.reply().await, Some((SendState::Sent, true)));
}

#[tokio::test]
async fn a_link_gets_younger_until_its_picture_is_fetched() {
    let home = Home::new().await;
    let post = home.claim_message(&["a"]).await.posts[0];
    let mut posts = posts(&["a"]);
    posts[0].origin = Origin::Link { url: "https://cdn.example/a?new".into() };
    let claim = MessageClaim { message: KEY, guild: GUILD, watched: 20, posts: &posts, reply: true };
    home.store.claim_message(&claim, NOW).await.unwrap();
    let origin = home.store.work_item(post).await.unwrap().unwrap().origin;
    assert_eq!(origin, Origin::Link { url: "https://cdn.example/a?new".into() });
    home.store.set_link(post, "https://cdn.example/a?newer").await.unwrap();
    let origin = home.store.work_item(post).await.unwrap().unwrap().origin;
    assert_eq!(origin, Origin::Link { url: "https://cdn.example/a?newer".into() });
}

#[tokio::test]
async fn pictures_that_come_back_after_all_were_gone_are_answered_again() {
    let home = Home::new().await;
    home.claim_message(&["a"]).await;
    assert!(home.store.source_deleted(KEY).await.unwrap().is_some());
    assert_eq!(home.reply().await, Some((SendState::Gone, false)));
    let back = home.claim_message(&["a"]).await;
    assert!(back.added);
    assert_eq!(home.reply().await, Some((SendState::Waiting, false)));
}

#[tokio::test]
async fn a_cursor_only_goes_forward() {
    let home = Home::new().await;
    home.claim_message(&["a"]).await;
    let cursor = |message| Cursor { channel: KEY.channel, guild: GUILD, parent: 20, message };
    assert_eq!(home.store.cursors().await.unwrap(), [cursor(500)]);
    home.store.advance_cursor(&cursor(400)).await.unwrap();
    home.store.advance_known_cursors(&[(KEY.channel, 450), (99, 700)]).await.unwrap();
    assert_eq!(home.store.cursors().await.unwrap(), [cursor(500)], "nor is one made for a channel that has none");
    home.store.advance_known_cursors(&[(KEY.channel, 600)]).await.unwrap();
    assert_eq!(home.store.cursors().await.unwrap(), [cursor(600)]);
    home.store.drop_cursor(KEY.channel).await.unwrap();
    assert_eq!(home.store.cursors().await.unwrap(), []);
}

#[tokio::test]
async fn a_guild_that_was_left_is_forgotten_with_all_that_is_its_own() {
    let home = Home::new().await;
    for guild in [GUILD, 2] {
        assert!(home.store.watch(guild, guild + 19).await.unwrap());
    }
    home.claim_message(&["a"]).await;
    home.store.guild_left(GUILD, NOW).await.unwrap();
    assert_eq!(home.store.guilds_left_before(NOW).await.unwrap(), [0; 0]);
    assert_eq!(home.store.guilds_left_before(NOW + Duration::SECOND).await.unwrap(), [GUILD]);
    for post in home.store.posts_in(Scope::Guild(GUILD)).await.unwrap() {
        home.store.remove_post(post).await.unwrap();
    }
    home.store.forget_guild(GUILD).await.unwrap();
    assert_eq!(home.store.guilds_left_before(NOW + Duration::SECOND).await.unwrap(), [0; 0]);
    assert_eq!(home.reply().await, None);
    assert_eq!(home.store.cursors().await.unwrap(), []);
    assert_eq!(home.store.watched(GUILD).await.unwrap(), [0; 0]);
    assert_eq!(home.store.watched(2).await.unwrap(), [21]);
}

#[tokio::test]
async fn messages_are_found_by_channel_and_time() {
    let home = Home::new().await;
    let post = home.claim_message(&["a", "b"]).await.posts[0];
    for (channel, found) in [(21, vec![KEY]), (2, vec![]), (210, vec![])] {
        assert_eq!(home.store.messages_in(channel, None).await.unwrap(), found, "{channel}");
    }
    assert_eq!(home.store.messages_in(21, Some(NOW + Duration::SECOND)).await.unwrap(), []);
    assert_eq!(home.store.messages_since(NOW, 10).await.unwrap(), [(GUILD, KEY)]);
    assert!(home.store.is_message_known(KEY).await.unwrap());
    assert!(!home.store.is_message_known(MessageKey { channel: 21, message: 501 }).await.unwrap());
    assert_eq!(home.store.unfinished(&[post]).await.unwrap(), 1);
    home.publish_all().await;
    assert_eq!(home.store.unfinished(&[post, PostId(999)]).await.unwrap(), 0, "gone is done, too");
}

#[tokio::test]
async fn a_message_that_cannot_be_dealt_with_is_kept_until_it_can() {
    let home = Home::new().await;
    let store = &home.store;
    let later = NOW + time::Duration::SECOND;
    store.keep_unheard(KEY, GUILD, later).await.unwrap();
    store.keep_unheard(KEY, GUILD, later + time::Duration::HOUR).await.unwrap();
    assert_eq!(store.due_unheard(NOW).await.unwrap(), []);
    let kept = |tries| crate::store::Unheard { key: KEY, guild: GUILD, tries };
    assert_eq!(store.due_unheard(later).await.unwrap(), [kept(0)]);
    store.retry_unheard(KEY.message, later + time::Duration::MINUTE).await.unwrap();
    assert_eq!(store.due_unheard(later).await.unwrap(), []);
    assert_eq!(store.due_unheard(later + time::Duration::MINUTE).await.unwrap(), [kept(1)]);
    store.drop_unheard(KEY.message).await.unwrap();
    assert!(!store.has_unheard().await.unwrap());
}
