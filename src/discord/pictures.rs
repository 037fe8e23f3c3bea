//! Which still pictures a message shows, in order: its files, its links' embeds, then what it forwards.

use sha2::{Digest, Sha256};
use url::Url;

use super::raw::{Embed, File, RawMessage, Shown};
use crate::pipeline::MessagePicture;

/// Pictures looked at in one message: Discord allows ten files and ten embeds.
const MOST: usize = 20;
/// A file longer than this is no picture that could be decoded.
const MOST_BYTES: u64 = 64 << 20;
/// A thumbnail smaller than this on a side is an icon beside a text.
const THUMBNAIL: u64 = 160;
/// Names that pictures have when nobody says what they are.
const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "jfif", "webp", "gif", "bmp", "avif"];
/// Pictures by name that are drawings of another kind, or long films in a coat.
const NOT_STILL: [&str; 3] = ["image/svg+xml", "image/vnd.adobe.photoshop", "image/vnd.djvu"];

/// Every still picture of the message; the same one shown twice is one. An update that does not say gives none: see
/// [`says_what_it_shows`].
pub(super) fn of(message: &RawMessage) -> Vec<MessagePicture> {
    let forwarded = message.forward.iter().filter_map(|f| f.shown.as_ref());
    let mut pictures: Vec<MessagePicture> = Vec::new();
    for picture in message.shown.iter().chain(forwarded).flat_map(of_shown) {
        let place = address(&picture.url);
        if pictures.len() < MOST && !pictures.iter().any(|p| p.key == picture.key || address(&p.url) == place) {
            pictures.push(picture);
        }
    }
    pictures
}

/// As [`of`], of a message that serenity read.
pub fn of_message(message: &serenity::all::Message) -> Vec<MessagePicture> {
    let value = serde_json::to_value(message).unwrap_or_default();
    RawMessage::read(&value).map(|m| of(&m)).unwrap_or_default()
}

/// Whether pictures that are not listed are really not there.
pub(super) fn says_what_it_shows(message: &RawMessage) -> bool {
    message.shown.is_some() && message.forward.as_ref().is_none_or(|f| f.shown.is_some())
}

/// Pages that the message's embeds stand for: they tell whose the pictures are.
pub(super) fn links(message: &RawMessage) -> Vec<&str> {
    let forwarded = message.forward.iter().filter_map(|f| f.shown.as_ref());
    let embeds = message.shown.iter().chain(forwarded).flat_map(|s| &s.embeds);
    embeds.flat_map(|e| e.links.iter().map(String::as_str)).collect()
}

/// Whether Discord found something in it explicit.
pub(super) fn is_explicit(message: &RawMessage) -> bool {
    let forwarded = message.forward.iter().filter_map(|f| f.shown.as_ref());
    message
        .shown
        .iter()
        .chain(forwarded)
        .any(|s| s.files.iter().any(|f| f.explicit) || s.embeds.iter().any(|e| e.explicit))
}

fn of_shown(shown: &Shown) -> impl Iterator<Item = MessagePicture> + '_ {
    shown.files.iter().filter(|f| is_still(f)).map(of_file).chain(shown.embeds.iter().filter_map(of_embed))
}

fn is_still(file: &File) -> bool {
    let kind = file.content_type.as_deref().map(|t| t.split(';').next().unwrap_or_default().trim().to_lowercase());
    let by_kind = match kind.as_deref() {
        Some(kind) if NOT_STILL.contains(&kind) => false,
        Some(kind) if kind.starts_with("image/") => true,
        // A server that did not know.
        None | Some("application/octet-stream") => has_extension(&file.name),
        Some(_) => false,
    };
    by_kind && file.bytes <= MOST_BYTES
}

fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| EXTENSIONS.contains(&end.to_lowercase().as_str()))
}

fn of_file(file: &File) -> MessagePicture {
    MessagePicture { key: file.id.to_string(), url: file.url.clone(), title: file.title.clone() }
}

/// The picture that a link's embed stands for; not the icon beside a text, not the still of a film.
fn of_embed(embed: &Embed) -> Option<MessagePicture> {
    if embed.has_video || matches!(embed.kind.as_deref(), Some("video" | "gifv")) {
        return None;
    }
    let large = |p: &&_| is_large(p);
    let picture = embed.image.as_ref().or_else(|| match embed.kind.as_deref() {
        // The link is the picture.
        Some("image" | "photo") => embed.thumbnail.as_ref(),
        Some("article" | "link") => embed.thumbnail.as_ref().filter(large),
        _ => None,
    })?;
    Some(MessagePicture {
        key: key_of(&picture.url),
        // Discord's copy: its place learns nothing of this bot, and it is as public as Discord is.
        url: picture.proxy_url.clone().unwrap_or_else(|| picture.url.clone()),
        title: embed.title.clone(),
    })
}

fn is_large(picture: &super::raw::EmbedPicture) -> bool {
    picture.size.is_none_or(|(width, height)| width.min(height) >= THUMBNAIL)
}

/// Names a linked picture for good: the signature of a link on Discord's own hosts ages, its path does not.
fn key_of(url: &str) -> String {
    let digest = Sha256::digest(address(url).as_bytes());
    format!("e{}", hex::encode(&digest[..8]))
}

/// The link without what ages in it.
fn address(link: &str) -> String {
    let Ok(mut url) = Url::parse(link) else { return link.to_owned() };
    url.set_fragment(None);
    if url.host_str().is_some_and(|h| h.ends_with(".discordapp.com") || h.ends_with(".discordapp.net")) {
        url.set_query(None);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pictures(message: &Value) -> Vec<(String, String)> {
        let mut whole = json!({"id": "50", "channel_id": "20", "attachments": [], "embeds": []});
        for (name, value) in message.as_object().unwrap() {
            whole[name] = value.clone();
        }
        of(&RawMessage::read(&whole).unwrap()).into_iter().map(|p| (p.key, p.url)).collect()
    }

    fn file(id: u32, name: &str, kind: Option<&str>) -> Value {
        let mut file = json!({"id": id.to_string(), "filename": name, "size": 9, "url": format!("https://cdn.discordapp.com/{id}/{name}?ex=1&hm=2")});
        if let Some(kind) = kind {
            file["content_type"] = kind.into();
        }
        file
    }

    #[test]
    fn still_files_by_content_type_and_else_by_name() {
        let files = [
            file(1, "a.png", Some("image/png")),
            file(2, "film.mp4", Some("video/mp4")),
            file(3, "b.JPG", None),
            file(4, "song.png", Some("audio/mpeg")),
            file(5, "odd", Some("image/webp; q=1")),
            file(6, "logo.svg", Some("image/svg+xml")),
            file(7, "notes.txt", None),
            file(8, "c.jpeg", Some("application/octet-stream")),
            json!({"id": "9", "filename": "huge.png", "size": 65 << 20, "url": "https://cdn.discordapp.com/9"}),
        ];
        let keys: Vec<String> = pictures(&json!({"attachments": files})).into_iter().map(|p| p.0).collect();
        assert_eq!(keys, ["1", "3", "5", "8"]);
    }

    #[test]
    fn embeds_of_links_but_not_films_nor_icons() {
        let embeds = json!([
            {"type": "image", "thumbnail": {"url": "https://a.example/x.png", "proxy_url": "https://images-ext-1.discordapp.net/x.png"}},
            {"type": "rich", "title": "A drawing", "image": {"url": "https://b.example/y.png"}, "thumbnail": {"url": "https://b.example/icon.png"}},
            {"type": "rich", "thumbnail": {"url": "https://c.example/avatar.png", "width": 900, "height": 900}},
            {"type": "gifv", "thumbnail": {"url": "https://d.example/still.png"}, "video": {"url": "https://d.example/v.mp4"}},
            {"type": "video", "thumbnail": {"url": "https://e.example/still.png"}},
            {"type": "article", "thumbnail": {"url": "https://f.example/icon.png", "width": 64, "height": 64}},
            {"type": "article", "thumbnail": {"url": "https://g.example/z.png", "width": 1200, "height": 630}},
        ]);
        let urls: Vec<String> = pictures(&json!({"embeds": embeds})).into_iter().map(|p| p.1).collect();
        assert_eq!(
            urls,
            ["https://images-ext-1.discordapp.net/x.png", "https://b.example/y.png", "https://g.example/z.png"]
        );
    }

    #[test]
    fn files_then_embeds_then_the_forward() {
        let found = pictures(&json!({
            "attachments": [file(1, "a.png", None)],
            "embeds": [{"type": "image", "thumbnail": {"url": "https://a.example/x.png"}}],
            "message_reference": {"type": 1, "channel_id": "33"},
            "message_snapshots": [{"message": {"attachments": [file(2, "b.png", None), file(1, "a.png", None)], "embeds": []}}]
        }));
        let keys: Vec<&str> = found.iter().map(|p| p.0.as_str()).collect();
        assert_eq!(keys, ["1", &key_of("https://a.example/x.png"), "2"]);
    }

    #[test]
    fn a_new_signature_is_not_a_new_picture() {
        let key = |url: &str| pictures(&json!({"embeds": [{"type": "image", "thumbnail": {"url": url}}]}))[0].0.clone();
        let discord = "https://cdn.discordapp.com/attachments/1/2/a.png";
        assert_eq!(key(&format!("{discord}?ex=1&is=2&hm=3")), key(&format!("{discord}?ex=9&is=8&hm=7")));
        assert_ne!(key("https://a.example/?picture=1"), key("https://a.example/?picture=2"));
        let twice = json!([
            {"type": "image", "thumbnail": {"url": "https://a.example/x.png"}},
            {"type": "image", "thumbnail": {"url": "https://a.example/x.png#top"}}
        ]);
        assert_eq!(pictures(&json!({"embeds": twice})).len(), 1);
    }

    #[test]
    fn an_edit_of_a_forward_does_not_say_what_it_shows() {
        let message = json!({
            "id": "50", "channel_id": "20", "attachments": [], "embeds": [],
            "message_reference": {"type": 1, "channel_id": "33"}
        });
        assert!(!says_what_it_shows(&RawMessage::read(&message).unwrap()));
    }
}
