//! A message as far as this bot looks at one, read leniently: a field that is odd or missing costs that field, not the
//! message with its pictures.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::MessageKey;

/// Milliseconds of 2015-01-01: where Discord's ids begin to count.
const EPOCH: i64 = 1_420_070_400_000;
/// A file or embed that Discord itself found explicit.
const EXPLICIT: u64 = 1 << 4;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawMessage {
    pub key: MessageKey,
    pub guild: Option<u64>,
    /// `None` in an update that does not say.
    pub author: Option<RawAuthor>,
    pub webhook: Option<u64>,
    /// What was written, as far as the bot may read it.
    pub text: String,
    pub posted_at: OffsetDateTime,
    pub edited_at: Option<OffsetDateTime>,
    /// What it shows itself; `None` in an update that does not say.
    pub shown: Option<Shown>,
    pub forward: Option<Forward>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawAuthor {
    pub id: u64,
    /// The name people see.
    pub name: String,
    pub bot: bool,
}

/// Files and embeds, in the message's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Shown {
    pub files: Vec<File>,
    pub embeds: Vec<Embed>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct File {
    pub id: u64,
    pub name: String,
    pub title: Option<String>,
    pub url: String,
    pub content_type: Option<String>,
    pub bytes: u64,
    pub explicit: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Embed {
    pub kind: Option<String>,
    pub title: Option<String>,
    /// The page it stands for, and its author's.
    pub links: Vec<String>,
    pub image: Option<EmbedPicture>,
    pub thumbnail: Option<EmbedPicture>,
    pub has_video: bool,
    pub explicit: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct EmbedPicture {
    /// At its own place: what names it.
    pub url: String,
    /// At Discord's.
    pub proxy_url: Option<String>,
    pub size: Option<(u64, u64)>,
}

/// Another message, shown in this one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Forward {
    pub channel: Option<u64>,
    /// `None` in an update: it does not repeat what was forwarded.
    pub shown: Option<Shown>,
}

impl RawMessage {
    /// `None` when it does not even say which message it is.
    pub(super) fn read(message: &Value) -> Option<Self> {
        let key = MessageKey { channel: id(message.get("channel_id")?)?, message: id(message.get("id")?)? };
        let field = |name: &str| message.get(name).filter(|v| !v.is_null());
        let reference = field("message_reference");
        let snapshots = field("message_snapshots").and_then(Value::as_array).filter(|s| !s.is_empty());
        let is_forward = reference.and_then(|r| r.get("type")).and_then(Value::as_u64) == Some(1);
        let forward = (is_forward || snapshots.is_some()).then(|| Forward {
            channel: reference.and_then(|r| r.get("channel_id")).and_then(id),
            shown: snapshots.map(|all| {
                // Bare where serenity wrote it.
                let inner = all.iter().map(|s| s.get("message").unwrap_or(s)).map(shown);
                inner.fold(Shown::default(), |mut sum, s| {
                    sum.files.extend(s.files);
                    sum.embeds.extend(s.embeds);
                    sum
                })
            }),
        });
        Some(Self {
            key,
            guild: field("guild_id").and_then(id),
            author: field("author").and_then(author),
            webhook: field("webhook_id").and_then(id),
            text: field("content").and_then(Value::as_str).unwrap_or_default().to_owned(),
            posted_at: field("timestamp").and_then(at).unwrap_or_else(|| time_of(key.message)),
            edited_at: field("edited_timestamp").and_then(at),
            shown: (field("attachments").is_some() && field("embeds").is_some()).then(|| shown(message)),
            forward,
        })
    }
}

/// When the thing with this id was made.
pub fn time_of(snowflake: u64) -> OffsetDateTime {
    let millis = (snowflake >> 22).cast_signed() + EPOCH;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The first id that something made at this time can have.
pub fn id_at(time: OffsetDateTime) -> u64 {
    let millis = (time.unix_timestamp_nanos() / 1_000_000) as i64 - EPOCH;
    millis.max(0).cast_unsigned() << 22
}

/// An id: a number, mostly written as text. There is no 0.
pub(super) fn id(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
    .filter(|&id| id != 0)
}

fn at(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned)
}

fn has(value: &Value, flag: u64) -> bool {
    value.get("flags").and_then(Value::as_u64).is_some_and(|flags| flags & flag != 0)
}

fn author(user: &Value) -> Option<RawAuthor> {
    Some(RawAuthor {
        id: id(user.get("id")?)?,
        name: text(user, "global_name").or_else(|| text(user, "username")).unwrap_or_default(),
        bot: user.get("bot").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn shown(message: &Value) -> Shown {
    let list = |name: &str| message.get(name).and_then(Value::as_array).into_iter().flatten();
    Shown { files: list("attachments").filter_map(file).collect(), embeds: list("embeds").map(embed).collect() }
}

fn file(file: &Value) -> Option<File> {
    Some(File {
        id: id(file.get("id")?)?,
        name: text(file, "filename").unwrap_or_default(),
        title: text(file, "title"),
        url: text(file, "url")?,
        content_type: text(file, "content_type"),
        bytes: file.get("size").and_then(Value::as_u64).unwrap_or_default(),
        explicit: has(file, EXPLICIT),
    })
}

fn embed(embed: &Value) -> Embed {
    Embed {
        kind: text(embed, "type"),
        title: text(embed, "title"),
        links: [Some(embed), embed.get("author")].into_iter().flatten().filter_map(|v| text(v, "url")).collect(),
        image: embed.get("image").and_then(embed_picture),
        thumbnail: embed.get("thumbnail").and_then(embed_picture),
        has_video: embed.get("video").is_some_and(Value::is_object),
        explicit: has(embed, EXPLICIT),
    }
}

fn embed_picture(picture: &Value) -> Option<EmbedPicture> {
    // Drawn with fractions now and then.
    let side = |name| picture.get(name).and_then(Value::as_f64).filter(|&n| n >= 1.0).map(|n| n as u64);
    Some(EmbedPicture {
        url: text(picture, "url")?,
        proxy_url: text(picture, "proxy_url"),
        size: side("width").zip(side("height")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn one_odd_deep_field_does_not_cost_the_pictures() {
        let message = json!({
            "id": "50", "channel_id": "20", "guild_id": "1", "type": 0, "content": 5, "timestamp": "no time",
            "author": {"id": "10", "username": "ada", "global_name": null, "bot": null},
            "mentions": [{"id": "0"}],
            "attachments": [
                {"id": "70", "filename": "a.png", "size": 9, "url": "https://cdn.invalid/a.png", "width": 1.5},
                {"id": "0", "url": "https://cdn.invalid/b.png"},
                {"id": 72, "url": "https://cdn.invalid/c.png", "flags": 16}
            ],
            "embeds": [{"type": "image", "thumbnail": {"url": "https://a.invalid/x.jpg", "width": 640.5, "height": "tall"}}],
            "components": [{"type": 1, "components": [{"type": 99}]}]
        });
        assert!(serde_json::from_value::<serenity::all::Message>(message.clone()).is_err(), "serenity drops it");
        let read = RawMessage::read(&message).unwrap();
        assert_eq!(read.key, MessageKey { channel: 20, message: 50 });
        let shown = read.shown.unwrap();
        assert_eq!(shown.files.iter().map(|f| (f.id, f.explicit)).collect::<Vec<_>>(), [(70, false), (72, true)]);
        assert_eq!(shown.embeds[0].thumbnail.as_ref().unwrap().size, None);
        assert_eq!(read.author.unwrap(), RawAuthor { id: 10, name: "ada".into(), bot: false });
        assert_eq!(read.posted_at, time_of(50));
    }

    #[test]
    fn what_names_no_message_is_none() {
        assert_eq!(RawMessage::read(&json!({"id": "50"})), None);
        assert_eq!(RawMessage::read(&json!({"id": "0", "channel_id": "1"})), None);
        assert_eq!(RawMessage::read(&json!(null)), None);
    }

    #[test]
    fn an_update_that_does_not_say_what_is_shown_is_not_an_empty_message() {
        let partial = RawMessage::read(&json!({"id": "50", "channel_id": "20", "embeds": []})).unwrap();
        assert_eq!((partial.shown, partial.author), (None, None));
    }

    #[test]
    fn a_forward_is_read_wrapped_and_bare() {
        let inner =
            json!({"content": "", "attachments": [{"id": "70", "url": "https://cdn.invalid/a.png"}], "embeds": []});
        for snapshot in [json!({"message": inner}), inner.clone()] {
            let message = json!({
                "id": "50", "channel_id": "20", "attachments": [], "embeds": [],
                "message_reference": {"type": 1, "channel_id": "33", "message_id": "49"},
                "message_snapshots": [snapshot]
            });
            let forward = RawMessage::read(&message).unwrap().forward.unwrap();
            assert_eq!((forward.channel, forward.shown.unwrap().files.len()), (Some(33), 1));
        }
    }

    #[test]
    fn ids_tell_the_time() {
        let at = datetime!(2026-11-24 12:00 UTC);
        assert_eq!(time_of(id_at(at)), at);
        assert_eq!(id_at(datetime!(2001-01-01 0:00 UTC)), 0);
        assert_eq!(time_of(175_928_847_299_117_063), datetime!(2016-04-30 11:18:25.796 UTC));
    }

    /// What serenity makes of a payload, written out and read again, shows the same.
    #[test]
    fn serenitys_own_message_reads_the_same() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/discord-events.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("SKIPPED: {} is not there", path.display());
            return;
        };
        let events: Value = serde_json::from_str(&text).unwrap();
        for name in ["MESSAGE_CREATE", "MESSAGE_CREATE#v2", "MESSAGE_CREATE#forward"] {
            let payload = events[name].get("d").unwrap_or(&events[name]);
            let typed: serenity::all::Message = serde_json::from_value(payload.clone()).unwrap();
            let mut read = RawMessage::read(payload).unwrap();
            let again = RawMessage::read(&serde_json::to_value(&typed).unwrap()).unwrap();
            // Serenity does not keep these.
            let forwarded = read.forward.as_mut().and_then(|f| f.shown.as_mut());
            for file in read.shown.iter_mut().chain(forwarded).flat_map(|s| &mut s.files) {
                file.title = None;
                file.explicit = false;
            }
            assert_eq!(again, read, "{name}");
            assert!(read.shown.is_some() && read.author.is_some(), "{name}");
        }
    }
}
