//! The fake's world as the lexicons have it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fake::{Embed, Item, Post, Profile, World};

/// Letters that stand for a text, as DIDs and CIDs have them.
pub(super) fn name(of: &str, letters: usize) -> String {
    let bytes: Vec<u8> = [Sha256::digest(of), Sha256::digest(format!("{of}/"))].concat();
    bytes
        .iter()
        .take(letters)
        .map(|byte| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(byte % 32)]))
        .collect()
}

pub(super) fn ms(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap()
}

pub(super) fn from_ms(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap()
}

fn text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

fn labels(values: &[String], of: &str) -> Value {
    let label = |value: &String| json!({ "src": "did:plc:ar7c4by46qjdydhdevvrndac", "uri": of, "val": value, "cts": "2026-01-01T00:00:00.000Z" });
    values.iter().map(label).collect()
}

pub(super) fn profile(profile: &Profile, detailed: bool) -> Value {
    let mut view = json!({
        "did": profile.did,
        "handle": profile.handle,
        "displayName": format!("Name of {}", profile.handle),
        "avatar": "https://cdn.bsky.app/img/avatar/plain/a/b@jpeg",
        "labels": labels(&profile.labels, &profile.did),
        "createdAt": "2024-01-01T00:00:00.000Z",
        "viewer": { "muted": false, "blockedBy": false },
    });
    if detailed {
        view["followersCount"] = json!(1);
    }
    view
}

pub(super) fn post(world: &World, post: &Post) -> Value {
    let mut record = json!({
        "$type": "app.bsky.feed.post",
        "text": "drawn today",
        "createdAt": text(post.created),
    });
    if !post.own_labels.is_empty() {
        let values: Vec<Value> = post.own_labels.iter().map(|value| json!({ "val": value })).collect();
        record["labels"] = json!({ "$type": "com.atproto.label.defs#selfLabels", "values": values });
    }
    let mut view = json!({
        "$type": "app.bsky.feed.defs#postView",
        "uri": post.uri,
        "cid": format!("bafyrei{}", name(&post.uri, 52)),
        "author": profile(&world.profiles[&post.author], false),
        "record": record,
        "likeCount": 3,
        "indexedAt": text(post.indexed),
        "labels": labels(&post.labels, &post.uri),
    });
    if let Some(embed) = embed(world, &post.author, &post.embed) {
        view["embed"] = embed;
    }
    view
}

pub(super) fn line(world: &World, item: &Item, at: OffsetDateTime) -> Value {
    let of = &world.posts[&item.post];
    let mut line = json!({ "post": post(world, of) });
    if let Some(repost) = &item.repost {
        line["reason"] = json!({
            "$type": "app.bsky.feed.defs#reasonRepost",
            "by": profile(&world.profiles[&item.by], false),
            "uri": repost,
            "indexedAt": text(at),
        });
    }
    if of.answers.is_some() {
        let missing = json!({
            "$type": "app.bsky.feed.defs#notFoundPost",
            "uri": "at://did:plc:a/app.bsky.feed.post/1",
            "notFound": true,
        });
        line["reply"] = json!({ "root": missing, "parent": missing });
    }
    line
}

fn embed(world: &World, author: &str, embed: &Embed) -> Option<Value> {
    let at = |size: &str, picture: &String| format!("{}/img/feed_{size}/plain/{author}/{picture}@jpeg", world.images);
    let image = |picture: &String| {
        json!({
            "$type": "app.bsky.embed.images#viewImage",
            "thumb": at("thumbnail", picture),
            "fullsize": at("fullsize", picture),
            "alt": "a face",
            "aspectRatio": { "width": 3, "height": 4 },
        })
    };
    let item = |picture: &String| {
        json!({
            "$type": "app.bsky.embed.gallery#viewImage",
            "thumbnail": at("thumbnail", picture),
            "fullsize": at("fullsize", picture),
            "alt": "",
            "aspectRatio": { "width": 3, "height": 4 },
        })
    };
    let images = |pictures: &[String]| {
        let images: Vec<Value> = pictures.iter().map(image).collect();
        json!({ "$type": "app.bsky.embed.images#view", "images": images })
    };
    let gallery = |items: Vec<Value>| json!({ "$type": "app.bsky.embed.gallery#view", "items": items });
    let video = json!({
        "$type": "app.bsky.embed.video#view",
        "cid": format!("bafkrei{}", name("video", 52)),
        "playlist": "https://video.bsky.app/watch/a/b/playlist.m3u8",
        "thumbnail": "https://video.bsky.app/watch/a/b/thumbnail.jpg",
    });
    let quote = |uri: &String| {
        let record = world.posts.get(uri).map_or_else(
            || json!({ "$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": true }),
            |quoted| {
                let view = post(world, quoted);
                let embeds: Vec<Value> = view.get("embed").cloned().into_iter().collect();
                json!({
                    "$type": "app.bsky.embed.record#viewRecord",
                    "uri": view["uri"],
                    "cid": view["cid"],
                    "author": view["author"],
                    "value": view["record"],
                    "indexedAt": view["indexedAt"],
                    "embeds": embeds,
                })
            },
        );
        json!({ "$type": "app.bsky.embed.record#view", "record": record })
    };
    let with_media = |uri: &String, media: Value| json!({ "$type": "app.bsky.embed.recordWithMedia#view", "record": quote(uri), "media": media });
    Some(match embed {
        Embed::None => return None,
        Embed::Images(pictures) => images(pictures),
        Embed::Gallery(pictures) => gallery(pictures.iter().map(item).collect()),
        Embed::OddGallery(pictures) => {
            let odd = || json!({ "$type": "app.bsky.embed.gallery#viewHologram", "url": "https://example.com/a" });
            gallery(pictures.iter().flat_map(|picture| [odd(), item(picture)]).collect())
        }
        Embed::Quote(uri) => quote(uri),
        Embed::QuoteWithImages(uri, pictures) => with_media(uri, images(pictures)),
        Embed::QuoteWithVideo(uri) => with_media(uri, video),
        Embed::Video => video,
        Embed::External => json!({
            "$type": "app.bsky.embed.external#view",
            "external": {
                "uri": "https://example.com/",
                "title": "A page",
                "description": "",
                "thumb": "https://cdn.bsky.app/img/feed_thumbnail/plain/a/b@jpeg",
            },
        }),
        Embed::Unknown => {
            json!({ "$type": "app.bsky.embed.hologram#view", "images": [{ "fullsize": "https://example.com/a.png" }] })
        }
    })
}

/// Members that nobody knows, in every object.
pub(super) fn with_odd_members(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: serde_json::Map<String, Value> =
                members.into_iter().map(|(name, member)| (name, with_odd_members(member))).collect();
            members.insert("laterAddition".into(), json!({ "level": 9, "of": [null, "x"] }));
            Value::Object(members)
        }
        Value::Array(items) => items.into_iter().map(with_odd_members).collect(),
        other => other,
    }
}
