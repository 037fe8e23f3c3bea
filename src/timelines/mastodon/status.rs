//! An answer's JSON turned into posts. Servers of other makes leave members out, add some, and write numbers where Mastodon has
//! text: what is odd costs at most its own post.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::timelines::walk::Line;
use crate::timelines::{Account, TimelinePicture, TimelinePost};

/// Kinds of files that are taken for pictures where the server does not say.
const ENDINGS: [&str; 6] = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"];

/// One line of a timeline.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its key is the status's own id on the server: of a boost, that of the boost.
    pub(super) line: Line,
    /// Is there where the line shows pictures of its post's own.
    pub(super) post: Option<TimelinePost>,
    /// The server does not have all of the pictures yet.
    pub(super) waits: bool,
}

/// `None` for what cannot be read at all.
pub(super) fn entry(status: &Value, host: &str, boosts: bool, now: OffsetDateTime) -> Option<Entry> {
    let key = text(&status["id"])?;
    let line = Line { key, at: moment(&status["created_at"]).map(|at| at.min(now)) };
    let boosted = &status["reblog"];
    let (original, by) =
        if boosted.is_object() { (boosted, Some(account(&status["account"], host)?)) } else { (status, None) };
    let wanted = boosts || by.is_none();
    let (post, waits) = post(original, host, now).filter(|_| wanted).map_or((None, false), |(post, waits)| {
        let by = by.filter(|by| by.id != post.author.id);
        (Some(TimelinePost { by, ..post }), waits)
    });
    let post = post.filter(|post| !post.pictures.is_empty());
    Some(Entry { line, post, waits })
}

fn post(status: &Value, host: &str, now: OffsetDateTime) -> Option<(TimelinePost, bool)> {
    let id = text(&status["id"])?;
    let author = account(&status["account"], host)?;
    let attachments = status["media_attachments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let media: Vec<Media> = attachments.iter().map(media).collect();
    let waits = media.contains(&Media::Waits);
    let pictures = media.into_iter().filter_map(|media| match media {
        Media::Picture(picture) => Some(picture),
        Media::Other | Media::Waits => None,
    });
    let page = ["url", "uri"].iter().find_map(|name| web(&status[name]));
    let post = TimelinePost {
        id: format!("{host}/{id}"),
        by: None,
        link: page.unwrap_or_else(|| format!("{}/{id}", author.link)),
        posted_at: moment(&status["created_at"])?.min(now),
        restricted: is_restricted(status),
        held: held(status, &author),
        pictures: pictures.collect(),
        author,
    };
    Some((post, waits))
}

fn is_restricted(status: &Value) -> bool {
    let sensitive = match &status["sensitive"] {
        Value::Null => false,
        // What cannot be read is better taken for a warning.
        other => !is_false(other),
    };
    let warned = match &status["spoiler_text"] {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    };
    sensitive || warned
}

/// Why a post is shown nowhere else, the gravest reason first.
fn held(status: &Value, author: &Account) -> Option<&'static str> {
    let visibility = status["visibility"].as_str().unwrap_or_default();
    // `private`, `direct`, and what servers of other makes have thought of.
    let to_some_only = !matches!(visibility, "public" | "unlisted") || is_true(&status["local_only"]);
    let filters = status["filtered"].as_array().map(Vec::as_slice).unwrap_or_default();
    let filtered = filters.iter().any(|result| result["filter"]["filter_action"] == "hide");
    let moderated = is_true(&status["account"]["limited"]) || is_true(&status["account"]["suspended"]);
    if to_some_only || author.protected {
        Some("protected")
    } else if filtered || moderated {
        Some("hidden")
    } else if visibility == "unlisted" || author.unlisted {
        Some("unlisted")
    } else {
        None
    }
}

pub(super) fn account(account: &Value, host: &str) -> Option<Account> {
    let id = text(&account["id"])?;
    let acct = text(&account["acct"]).or_else(|| text(&account["username"]))?;
    let page = ["url", "uri"].iter().find_map(|name| web(&account[name]));
    let name = account["display_name"].as_str().map(str::trim).filter(|name| !name.is_empty());
    Some(Account {
        id: format!("{host}/{id}"),
        link: page.unwrap_or_else(|| format!("https://{host}/@{acct}")),
        handle: if acct.contains('@') { acct } else { format!("{acct}@{host}") },
        name: name.map(str::to_owned),
        bot: is_true(&account["bot"]),
        protected: is_true(&account["locked"]),
        unlisted: is_true(&account["noindex"]) || is_false(&account["indexable"]) || is_false(&account["discoverable"]),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Media {
    Picture(TimelinePicture),
    /// A video, a sound, or what the server does not know.
    Other,
    /// Will be one or the other.
    Waits,
}

fn media(attachment: &Value) -> Media {
    let place = ["url", "remote_url"].iter().find_map(|name| web(&attachment[name]));
    let kind = attachment["type"].as_str().unwrap_or("unknown");
    match (kind, place) {
        // Known as a file elsewhere only: not fetched yet, or not to be kept by this server.
        ("unknown", Some(url)) if !is_picture_file(&url) => Media::Other,
        ("image" | "unknown", Some(url)) => {
            let Some(key) = text(&attachment["id"]) else { return Media::Other };
            let alt = attachment["description"].as_str().map(str::trim).filter(|alt| !alt.is_empty());
            Media::Picture(TimelinePicture { key, url, alt: alt.map(str::to_owned) })
        }
        ("image" | "unknown", None) => Media::Waits,
        _ => Media::Other,
    }
}

fn is_picture_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Text, or a number that another make of server writes instead.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || *value == "true" || *value == 1
}

fn is_false(value: &Value) -> bool {
    matches!(value, Value::Bool(false)) || *value == "false" || *value == 0
}

fn web(value: &Value) -> Option<String> {
    value.as_str().filter(|url| url.starts_with("https://") || url.starts_with("http://")).map(str::to_owned)
}

fn moment(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const HOST: &str = "own.example";

    fn status() -> Value {
        json!({
            "id": "115",
            "created_at": "2026-11-24T11:00:00.000Z",
            "account": {
                "id": "7", "acct": "ai@other.example", "display_name": " Ai ", "url": "https://other.example/@ai",
                "bot": false, "locked": false, "indexable": true, "discoverable": true,
            },
            "visibility": "public",
            "sensitive": false,
            "spoiler_text": "",
            "url": "https://other.example/@ai/115",
            "media_attachments": [
                { "id": "1", "type": "image", "url": "https://files.own.example/1.png", "description": " a face " },
                { "id": "2", "type": "gifv", "url": "https://files.own.example/2.mp4" },
            ],
            "reblog": null,
        })
    }

    fn read(status: &Value) -> Entry {
        entry(status, HOST, true, NOW).expect("it can be read")
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut status = status();
        let (holder, name) = pointer.rsplit_once('/').unwrap();
        status.pointer_mut(holder).unwrap()[name] = value;
        status
    }

    #[test]
    fn a_status_is_read() {
        let entry = read(&status());
        let post = entry.post.unwrap();
        assert_eq!((post.id.as_str(), entry.line.key.as_str()), ("own.example/115", "115"));
        assert_eq!(post.author.handle, "ai@other.example");
        assert_eq!((post.restricted, post.held, post.pictures.len()), (false, None, 1));
        assert_eq!(post.pictures[0].alt.as_deref(), Some("a face"));
        assert_eq!(post.link, "https://other.example/@ai/115");
    }

    #[test]
    fn what_restricts_and_what_holds() {
        for (pointer, value, restricted, held) in [
            ("/sensitive", json!(true), true, None),
            ("/sensitive", json!("true"), true, None),
            ("/sensitive", json!({}), true, None),
            ("/sensitive", Value::Null, false, None),
            ("/spoiler_text", json!("eye contact"), true, None),
            ("/spoiler_text", json!(" "), false, None),
            ("/visibility", json!("unlisted"), false, Some("unlisted")),
            ("/visibility", json!("private"), false, Some("protected")),
            ("/visibility", json!("direct"), false, Some("protected")),
            ("/visibility", json!("mutuals_only"), false, Some("protected")),
            ("/visibility", Value::Null, false, Some("protected")),
            ("/local_only", json!(true), false, Some("protected")),
            ("/account/locked", json!(true), false, Some("protected")),
            ("/account/noindex", json!(true), false, Some("unlisted")),
            ("/account/indexable", json!(false), false, Some("unlisted")),
            ("/account/indexable", Value::Null, false, None),
            ("/account/discoverable", json!(false), false, Some("unlisted")),
            ("/account/discoverable", Value::Null, false, None),
            ("/account/limited", json!(true), false, Some("hidden")),
            ("/filtered", json!([{ "filter": { "filter_action": "hide" } }]), false, Some("hidden")),
            ("/filtered", json!([{ "filter": { "filter_action": "warn" } }]), false, None),
        ] {
            let post = read(&with(pointer, value.clone())).post.unwrap();
            assert_eq!((post.restricted, post.held), (restricted, held), "{pointer} {value}");
        }
        assert!(read(&with("/account/bot", json!(true))).post.unwrap().author.bot);
    }

    #[test]
    fn pictures_that_are_elsewhere_or_not_there_yet() {
        let media = |attachment: Value| {
            let mut attachment = attachment;
            attachment["id"] = json!(3);
            let entry = read(&with("/media_attachments", json!([attachment])));
            (entry.post.map(|post| post.pictures[0].url.clone()), entry.waits)
        };
        let at = |url: &str| (Some(url.to_owned()), false);
        assert_eq!(
            media(json!({ "type": "image", "url": null, "remote_url": "https://other.example/a" })),
            at("https://other.example/a")
        );
        assert_eq!(
            media(json!({ "type": "unknown", "url": null, "remote_url": "https://other.example/A.PNG?x" })),
            at("https://other.example/A.PNG?x")
        );
        assert_eq!(media(json!({ "type": "unknown", "remote_url": "https://other.example/a.swf" })), (None, false));
        assert_eq!(media(json!({ "url": "https://other.example/a.webp" })), at("https://other.example/a.webp"));
        for waiting in [
            json!({ "type": "image", "url": null, "remote_url": null, "preview_url": "https://own.example/small.png" }),
            json!({ "type": "unknown", "url": null, "remote_url": "" }),
        ] {
            assert_eq!(media(waiting.clone()), (None, true), "{waiting}");
        }
        for other in ["video", "gifv", "audio", "hologram"] {
            assert_eq!(media(json!({ "type": other, "url": null })), (None, false), "{other}");
        }
    }

    #[test]
    fn other_makes_of_servers() {
        let misskey = json!({
            "id": 9007,
            "created_at": "2026-11-24T11:00:00+00:00",
            "account": { "id": 7, "username": "ai", "bot": "false", "locked": 0 },
            "visibility": "public",
            "uri": "https://own.example/notes/9007",
            "media_attachments": [{ "id": 1, "type": "image", "url": "https://own.example/1.webp" }],
            "sensitive": "false",
        });
        let post = read(&misskey).post.unwrap();
        assert_eq!(post.id, "own.example/9007");
        assert_eq!(
            (post.author.handle.as_str(), post.author.link.as_str()),
            ("ai@own.example", "https://own.example/@ai")
        );
        assert_eq!((post.restricted, post.held), (false, None));
        assert_eq!(post.link, "https://own.example/notes/9007");
    }

    /// The description's own examples.
    #[test]
    fn examples_of_the_description_are_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/specs/mastodon-openapi.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("!!! SKIPPED: {path} is not there !!!");
            return;
        };
        let components = &serde_json::from_str::<Value>(&text).unwrap()["components"];
        let mut example = components["schemas"]["Status"]["example"].clone();
        example["media_attachments"] = json!([components["examples"]["MediaAttachment200Example"]["value"]]);
        let post = read(&example).post.unwrap();
        assert_eq!(
            (post.id.as_str(), post.author.handle.as_str()),
            ("own.example/103270115826048975", "Gargron@own.example")
        );
        assert_eq!(post.link, "https://mastodon.social/@Gargron/103270115826048975");
        assert_eq!(post.posted_at, datetime!(2019-12-08 03:48:33.901 UTC));
        assert_eq!((post.restricted, post.held, post.pictures.len()), (false, None, 1));
        let account = account(&components["schemas"]["Account"]["example"], HOST).unwrap();
        assert_eq!((account.id.as_str(), account.handle.as_str()), ("own.example/23634", "noiob@awoo.space"));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "https://a.b/c.png",
                "image",
                "public",
                "9999-12-31T23:59:59Z",
                "-9999-01-01T00:00:00Z"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let name = prop::sample::select(vec![
                "id",
                "account",
                "acct",
                "reblog",
                "media_attachments",
                "type",
                "url",
                "created_at",
                "filtered",
                "filter",
            ]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_panics_whatever_comes(value in json_value(), boosts: bool) {
            let _ = entry(&value, HOST, boosts, NOW);
            let _ = account(&value, HOST);
        }

        #[test]
        fn any_part_may_be_anything(
            place in prop::sample::select(vec![
                "/id", "/created_at", "/account", "/account/id", "/account/acct", "/visibility", "/sensitive",
                "/media_attachments", "/reblog", "/url", "/filtered",
            ]),
            value in json_value(),
        ) {
            let _ = entry(&with(place, value), HOST, true, NOW);
        }

        #[test]
        fn members_that_are_not_known_change_nothing(
            holder in prop::sample::select(vec!["", "/account"]),
            value in json_value(),
        ) {
            let (before, after) = (read(&status()), read(&with(&format!("{holder}/later_addition"), value)));
            prop_assert_eq!((before.line, before.post), (after.line, after.post));
        }
    }
}
