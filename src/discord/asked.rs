//! A message that a command asked about has changed: which of its pictures come, and which go.

use std::collections::BTreeMap;

use super::App;
use super::commands::linked_pictures;
use super::pictures;
use super::raw::RawMessage;
use crate::domain::{NewPost, Origin, Place, PostId, PostSource};
use crate::pipeline::{MessagePicture, PostRow, StoreError};

/// Answers about the message follow what it shows now.
pub(super) async fn follow(app: &App, message: &RawMessage) -> Result<(), StoreError> {
    // What was brought with a command lies in the bot's own answer, which it changes itself.
    if message.author.as_ref().is_some_and(|author| Some(author.id) == app.status.me()) {
        return Ok(());
    }
    let changes = changes(&app.pipeline.asked_posts(message.key).await?, message);
    if changes != Changes::default() {
        app.pipeline.change_asked(message.key, &changes.new, &changes.gone).await?;
    }
    Ok(())
}

/// What of a message's asked-about posts is no longer so.
#[derive(Debug, PartialEq, Default)]
struct Changes {
    new: Vec<NewPost>,
    gone: Vec<PostId>,
}

/// `posts`: those that commands asked about in this message, each under `ask:…/KEY`. Pictures that were asked about by
/// their links stay while the text names them; those of the message itself while it shows them.
fn changes(posts: &[PostRow], message: &RawMessage) -> Changes {
    let mut changes = Changes::default();
    // Without the Message Content intent, a message that the bot may not read looks like one that says nothing.
    let shown = pictures::of(message);
    if !pictures::says_what_it_shows(message) || (message.text.is_empty() && shown.is_empty()) {
        return changes;
    }
    let linked = linked_pictures(&message.text);
    let mut asks: BTreeMap<&str, Vec<(&str, &PostRow)>> = BTreeMap::new();
    for post in posts {
        if let Some((ask, key)) = post.external_id.rsplit_once('/') {
            asks.entry(ask).or_default().push((key, post));
        }
    }
    for (ask, posts) in asks {
        let has = |key: &str| posts.iter().any(|(known, _)| *known == key);
        let by_link = posts.iter().all(|(key, _)| key.starts_with('l'));
        let now: &[MessagePicture] = if by_link { &linked } else { &shown };
        changes.gone.extend(posts.iter().filter(|(key, _)| !now.iter().any(|p| p.key == *key)).map(|(_, p)| p.id));
        let sibling = posts[0].1;
        let new = (0..).zip(now).filter(|(_, picture)| !has(&picture.key));
        changes.new.extend(new.filter_map(|(part, picture)| beside(sibling, ask, part, picture, message)));
    }
    changes
}

/// A post of the same ask for another picture.
fn beside(post: &PostRow, ask: &str, part: u32, picture: &MessagePicture, message: &RawMessage) -> Option<NewPost> {
    let place = post.place.as_ref()?;
    Some(NewPost {
        source: PostSource::Discord,
        external_id: format!("{ask}/{}", picture.key),
        origin: Origin::Link { url: picture.url.clone() },
        title: picture.title.clone(),
        author: post.author.clone(),
        // Of a picture that was asked about by its link, the link is the picture's own.
        link: if picture.key.starts_with('l') { Some(picture.url.clone()) } else { post.link.clone() },
        posted_at: post.posted_at,
        marked_restricted: post.marked_restricted || pictures::is_explicit(message),
        scope: post.scope,
        place: Some(Place { part, ..place.clone() }),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::OffsetDateTime;

    use super::*;
    use crate::domain::{Author, MessageKey, PostState, Rater, Scope};

    const KEY: MessageKey = MessageKey { channel: 20, message: 50 };

    fn post(id: i64, external_id: &str) -> PostRow {
        PostRow {
            id: PostId(id),
            source: PostSource::Discord,
            external_id: external_id.into(),
            title: None,
            author: Author::default(),
            link: Some("https://discord.com/channels/1/20/50".into()),
            posted_at: OffsetDateTime::UNIX_EPOCH,
            marked_restricted: true,
            state: PostState::Published,
            error: None,
            error_code: None,
            picture: None,
            scope: Scope::Guild(1),
            place: Some(Place { message: KEY, part: 0, author: Rater::discord(5), asked: true }),
        }
    }

    fn message(text: &str, files: &[u64]) -> RawMessage {
        let files: Vec<Value> = files
            .iter()
            .map(|id| json!({"id": id.to_string(), "filename": "a.png", "url": format!("https://cdn.example/{id}")}))
            .collect();
        let whole = json!({"id": "50", "channel_id": "20", "content": text, "attachments": files, "embeds": []});
        RawMessage::read(&whole).unwrap()
    }

    fn told(posts: &[PostRow], message: &RawMessage) -> (Vec<String>, Vec<i64>) {
        let changes = changes(posts, message);
        let new = changes.new.into_iter().map(|post| post.external_id).collect();
        (new, changes.gone.iter().map(|post| post.0).collect())
    }

    #[test]
    fn a_swapped_picture_comes_and_goes_for_each_who_asked() {
        let posts = [post(1, "ask:50:8/70"), post(2, "ask:50:9/70"), post(3, "ask:50:9/71")];
        let found = told(&posts, &message("", &[71, 72]));
        let new = ["ask:50:8/71", "ask:50:8/72", "ask:50:9/72"].map(String::from).to_vec();
        assert_eq!(found, (new, vec![1, 2]));
        let new = &changes(&posts, &message("", &[72])).new[0];
        assert_eq!(new.origin, Origin::Link { url: "https://cdn.example/72".into() });
        assert!(new.marked_restricted && new.place.as_ref().is_some_and(|place| place.asked));
        assert_eq!(told(&posts[..1], &message("only words now", &[])), (vec![], vec![1]));
        assert_eq!(told(&posts[..1], &message("other words", &[70])), (vec![], vec![]));
    }

    #[test]
    fn a_link_goes_by_the_text_and_not_by_its_preview() {
        let link = "https://a.example/b.png";
        let key = &linked_pictures(link)[0].key;
        let posts = [post(1, &format!("ask:50/{key}"))];
        assert_eq!(told(&posts, &message(&format!("!score <{link}>"), &[70])), (vec![], vec![]));
        let other = "https://a.example/c.png";
        let new = vec![format!("ask:50/{}", linked_pictures(other)[0].key)];
        assert_eq!(told(&posts, &message(&format!("!score {other}"), &[])), (new, vec![1]));
    }

    #[test]
    fn what_the_bot_may_not_read_tells_nothing() {
        let posts = [post(1, "ask:50/70")];
        assert_eq!(told(&posts, &message("", &[])), (vec![], vec![]));
        let unsaid = RawMessage { shown: None, ..message("words", &[]) };
        assert_eq!(told(&posts, &unsaid), (vec![], vec![]));
    }
}
