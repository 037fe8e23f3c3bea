//! An answer's JSON turned into posts. Read member by member: one that is missing or odd costs at most its own post.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::labels::Labels;
use crate::timelines::walk::Line;
use crate::timelines::{Account, TimelinePicture, TimelinePost};

/// One line of a feed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) line: Line,
    /// Is there where the line shows pictures of its post's own.
    pub(super) post: Option<TimelinePost>,
}

/// `None` for what cannot be read at all, and for kinds of lines that are not known.
pub(super) fn entry(item: &Value, reposts: bool, now: OffsetDateTime) -> Option<Entry> {
    let view = &item["post"];
    let uri = view["uri"].as_str()?;
    let reason = &item["reason"];
    let (key, at, by) = match reason["$type"].as_str() {
        None if reason.is_null() => (uri.to_owned(), posted_at(view), None),
        Some("app.bsky.feed.defs#reasonRepost") => {
            let by = account(&reason["by"], now)?;
            let key = reason["uri"].as_str().map_or_else(|| format!("{} {uri}", by.id), str::to_owned);
            (key, moment(&reason["indexedAt"]), Some(by))
        }
        // A pin stands at the head for good, whenever it was posted; its post comes by in its own place, too.
        _ => return None,
    };
    let line = Line { key, at: at.map(|at| at.min(now)) };
    let wanted = reposts || by.is_none();
    let post = post(view, now).filter(|post| wanted && !post.pictures.is_empty());
    let post = post.map(|post| TimelinePost { by: by.filter(|by| by.id != post.author.id), ..post });
    Some(Entry { line, post })
}

/// `app.bsky.feed.defs#postView`.
fn post(view: &Value, now: OffsetDateTime) -> Option<TimelinePost> {
    let id = view["uri"].as_str()?;
    let author = account(&view["author"], now)?;
    let labels = [
        Labels::of(&view["labels"], now),
        Labels::of(&view["author"]["labels"], now),
        Labels::own(&view["record"]["labels"], now),
    ];
    let labels = labels.into_iter().fold(Labels::default(), Labels::and);
    let held = match (labels.hidden, labels.unlisted) {
        (true, _) => Some("hidden"),
        (false, true) => Some("unlisted"),
        (false, false) => None,
    };
    Some(TimelinePost {
        id: id.to_owned(),
        by: None,
        link: format!("https://bsky.app/profile/{}/post/{}", author.id, id.rsplit('/').next()?),
        posted_at: posted_at(view)?.min(now),
        restricted: labels.restricted,
        held,
        pictures: pictures(&view["embed"]),
        author,
    })
}

/// Whether a post that is still there may no longer be shown.
pub(super) fn is_hidden(view: &Value, now: OffsetDateTime) -> bool {
    Labels::of(&view["labels"], now).and(Labels::of(&view["author"]["labels"], now)).hidden
}

/// `app.bsky.actor.defs#profileViewBasic` and its larger siblings.
pub(super) fn account(profile: &Value, now: OffsetDateTime) -> Option<Account> {
    let id = profile["did"].as_str().filter(|did| did.starts_with("did:"))?;
    let handle = profile["handle"].as_str().filter(|handle| *handle != "handle.invalid").unwrap_or(id);
    let labels = Labels::of(&profile["labels"], now);
    Some(Account {
        id: id.to_owned(),
        handle: handle.to_owned(),
        name: profile["displayName"].as_str().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
        link: format!("https://bsky.app/profile/{handle}"),
        bot: labels.bot,
        protected: false,
        unlisted: labels.unlisted,
    })
}

/// The poster's own pictures: not those of a quoted post, no video, no preview of a linked page.
fn pictures(embed: &Value) -> Vec<TimelinePicture> {
    let (items, kind) = match embed["$type"].as_str() {
        Some("app.bsky.embed.images#view") => (&embed["images"], None),
        Some("app.bsky.embed.gallery#view") => (&embed["items"], Some("app.bsky.embed.gallery#viewImage")),
        // The media of this one is never another of its kind.
        Some("app.bsky.embed.recordWithMedia#view") if embed["media"]["$type"] != embed["$type"] => {
            return pictures(&embed["media"]);
        }
        _ => return Vec::new(),
    };
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    let of_kind = |item: &Value| kind.is_none_or(|kind| item["$type"] == kind);
    let picture = |(at, item): (usize, &Value)| {
        Some(TimelinePicture {
            // A post is never changed: the place within it stays.
            key: at.to_string(),
            url: item["fullsize"].as_str()?.to_owned(),
            alt: item["alt"].as_str().map(str::trim).filter(|alt| !alt.is_empty()).map(str::to_owned),
        })
    };
    items.iter().enumerate().filter(|(_, item)| of_kind(item)).filter_map(picture).collect()
}

/// What the service sorts by: the poster's own word, unless that is later than when the post was seen.
fn posted_at(view: &Value) -> Option<OffsetDateTime> {
    let (said, seen) = (moment(&view["record"]["createdAt"]), moment(&view["indexedAt"]));
    said.into_iter().chain(seen).min()
}

fn moment(text: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.as_str()?, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn line() -> Value {
        let image = |n: u8| json!({ "thumb": "t", "fullsize": format!("https://cdn.bsky.app/{n}"), "alt": " a face " });
        json!({
            "post": {
                "uri": "at://did:plc:ai/app.bsky.feed.post/3k2a",
                "cid": "bafyreia",
                "author": { "did": "did:plc:ai", "handle": "ai.example.com", "displayName": " Ai " },
                "record": { "$type": "app.bsky.feed.post", "text": "", "createdAt": "2026-11-24T11:00:00+00:00" },
                "embed": { "$type": "app.bsky.embed.images#view", "images": [image(0), image(1)] },
                "indexedAt": "2026-11-24T11:00:01.234Z",
            },
            "reason": {
                "$type": "app.bsky.feed.defs#reasonRepost",
                "by": { "did": "did:plc:friend", "handle": "handle.invalid" },
                "uri": "at://did:plc:friend/app.bsky.feed.repost/3k2b",
                "indexedAt": "2026-11-24T11:30:00Z",
            },
        })
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "app.bsky.embed.images#view",
                "app.bsky.embed.recordWithMedia#view",
                "app.bsky.feed.defs#reasonRepost",
                "did:plc:ai",
                "at://",
                "9999-12-31T23:59:59Z",
                "-9999-01-01T00:00:00Z",
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let name = prop::sample::select(vec![
                "post",
                "uri",
                "author",
                "did",
                "handle",
                "record",
                "labels",
                "values",
                "val",
                "embed",
                "$type",
                "images",
                "items",
                "media",
                "fullsize",
                "reason",
                "by",
                "indexedAt",
                "createdAt",
                "exp",
            ]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())),
            ]
        })
    }

    /// All places inside a value.
    fn places(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), into));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), into));
            }
            _ => {}
        }
    }

    #[test]
    fn a_repost_is_read() {
        let entry = entry(&line(), true, NOW).unwrap();
        assert_eq!(entry.line.key, "at://did:plc:friend/app.bsky.feed.repost/3k2b");
        assert_eq!(entry.line.at, Some(datetime!(2026-11-24 11:30 UTC)));
        let post = entry.post.unwrap();
        assert_eq!(post.posted_at, datetime!(2026-11-24 11:00 UTC));
        assert_eq!((post.author.name.as_deref(), post.pictures[1].key.as_str()), (Some("Ai"), "1"));
        assert_eq!(post.pictures[0].alt.as_deref(), Some("a face"));
        let by = post.by.unwrap();
        assert_eq!(
            (by.handle.as_str(), by.link.as_str()),
            ("did:plc:friend", "https://bsky.app/profile/did:plc:friend")
        );
    }

    #[test]
    fn a_pin_is_no_line_of_its_own() {
        let mut line = line();
        line["reason"] = json!({ "$type": "app.bsky.feed.defs#reasonPin" });
        assert!(entry(&line, true, NOW).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics_whatever_comes(value in json_value(), reposts: bool) {
            let _ = entry(&value, reposts, NOW);
            let _ = is_hidden(&value, NOW);
        }

        /// Any part may be anything: the line is read or skipped.
        #[test]
        fn any_part_may_be_anything(at: prop::sample::Index, value in json_value()) {
            let mut line = line();
            let mut all = Vec::new();
            places(&line, "", &mut all);
            *line.pointer_mut(at.get::<String>(&all)).unwrap() = value;
            let _ = entry(&line, true, NOW);
        }

        #[test]
        fn members_that_are_not_known_change_nothing(at: prop::sample::Index, value in json_value()) {
            let mut line = line();
            let before = entry(&line, true, NOW).unwrap();
            let mut all = Vec::new();
            places(&line, "", &mut all);
            let objects: Vec<&String> = all.iter().filter(|at| line.pointer(at).unwrap().is_object()).collect();
            let chosen = (*at.get(&objects)).clone();
            line.pointer_mut(&chosen).unwrap()["laterAddition"] = value;
            let after = entry(&line, true, NOW).unwrap();
            prop_assert_eq!((before.line, before.post), (after.line, after.post));
        }
    }
}
