//! The fake's world as Mastodon's API has it.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::fake::{File, Make, Person, Status, World};

/// As a server behind a proxy writes it that was not told of it.
pub(super) fn link(path: &str, query: &str, rel: &str) -> String {
    format!("<http://10.0.0.7:3000{path}?{query}>; rel=\"{rel}\"")
}

pub(super) fn page(person: &Person) -> String {
    match person.acct.split_once('@') {
        Some((name, server)) => format!("https://{server}/@{name}"),
        None => format!("https://own.example/@{}", person.acct),
    }
}

pub(super) fn account(person: &Person) -> Value {
    let page = page(person);
    let view = json!({
        "id": person.id.to_string(),
        "username": person.acct.split('@').next(),
        "acct": person.acct,
        "display_name": format!("Name of {}", person.acct),
        "locked": false,
        "bot": false,
        "group": false,
        "indexable": true,
        "discoverable": true,
        "noindex": false,
        "created_at": "2022-01-01T00:00:00.000Z",
        "note": "",
        "url": page,
        "uri": page.replace("/@", "/users/"),
        "avatar": "https://files.own.example/a.png",
        "avatar_static": "https://files.own.example/a.png",
        "header": "https://files.own.example/h.png",
        "header_static": "https://files.own.example/h.png",
        "followers_count": 1,
        "following_count": 1,
        "statuses_count": 1,
        "emojis": [],
        "fields": [],
    });
    over(view, &person.with)
}

pub(super) fn credentials(person: &Person) -> Value {
    let own = json!({
        "source": {
            "fields": [], "follow_requests_count": 0, "indexable": true, "note": "", "privacy": "public", "sensitive": false,
        },
        "role": { "id": "0", "name": "", "permissions": "0", "color": "", "highlighted": false },
    });
    over(account(person), &own)
}

pub(super) fn status(world: &World, status: &Status) -> Value {
    let person = &world.people[&status.account];
    let files: Vec<Value> =
        status.files.iter().enumerate().map(|(n, of)| file(world, &format!("{}{n}", status.id), of)).collect();
    let boosted = status.boosts.and_then(|id| world.statuses.get(&id));
    let view = json!({
        "id": status.id.to_string(),
        "created_at": status.created.format(&Rfc3339).unwrap(),
        "account": account(person),
        "content": "<p>drawn today</p>",
        "visibility": "public",
        "sensitive": false,
        "spoiler_text": "",
        "media_attachments": files,
        "mentions": [],
        "tags": [],
        "emojis": [],
        "reblogs_count": 0,
        "favourites_count": 0,
        "replies_count": 0,
        "uri": format!("{}/statuses/{}", page(person).replace("/@", "/users/"), status.id),
        "url": format!("{}/{}", page(person), status.id),
        "in_reply_to_account_id": status.answers.map(|id| id.to_string()),
        "reblog": boosted.map(|boosted| self::status(world, boosted)),
    });
    over(view, &status.with)
}

fn file(world: &World, id: &str, file: &File) -> Value {
    let at = |name: &String| format!("{}/media/{name}", world.files);
    match file {
        File::Image(name) => json!({
            "id": id, "type": "image", "url": at(name), "preview_url": at(name), "remote_url": null,
            "description": "a face", "meta": null, "blurhash": null,
        }),
        File::Elsewhere(name) => json!({
            "id": id, "type": "unknown", "url": null, "preview_url": null,
            "remote_url": format!("https://elsewhere.example/{name}"),
        }),
        File::Processing(_) => {
            json!({ "id": id, "type": "image", "url": null, "preview_url": null, "remote_url": null })
        }
        File::Video => json!({ "id": id, "type": "video", "url": "https://files.own.example/a.mp4" }),
    }
}

/// Members of `with` put over those of `of`.
fn over(mut of: Value, with: &Value) -> Value {
    for (name, value) in with.as_object().into_iter().flatten() {
        of[name] = value.clone();
    }
    of
}

/// Members that nobody knows, in every object.
pub(super) fn with_odd_members(value: Value) -> Value {
    each(value, &|mut members| {
        members.insert("later_addition".into(), json!({ "level": 9, "of": [null, "x"] }));
        members
    })
}

/// What programs of another make do with it.
pub(super) fn as_made(value: Value, make: Make) -> Value {
    if make != Make::Other {
        return value;
    }
    each(value, &|members| {
        let members = members.into_iter().filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "indexable" | "discoverable" | "noindex" | "group" | "emojis" | "fields" | "tags" | "meta" | "blurhash"
            )
        });
        let number = |name: &str, value: &Value| {
            let id = value.as_str().filter(|_| name == "id")?;
            id.parse::<u64>().ok()
        };
        members
            .map(|(name, value)| number(&name, &value).map_or((name.clone(), value), |id| (name, json!(id))))
            .collect()
    })
}

fn each(value: Value, change: &impl Fn(Map<String, Value>) -> Map<String, Value>) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(change(members.into_iter().map(|(name, member)| (name, each(member, change))).collect()))
        }
        Value::Array(items) => items.into_iter().map(|item| each(item, change)).collect(),
        other => other,
    }
}
