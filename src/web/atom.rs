//! The curated feed as Atom (RFC 4287).

use std::str::FromStr;

use atom_syndication::{Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use sha2::{Digest, Sha256};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::failure::Failure;
use super::{AppState, Lang, Visitor, access, media, security, words};
use crate::pipeline::{PickView, PostView};

const ENTRIES: u32 = 50;

/// `GET /feed.xml`
pub(super) async fn feed(
    State(app): State<AppState>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let picks = app.backend.picks(None, ENTRIES).await?;
    Ok(answer(&app, &visitor, &headers, &picks, None))
}

/// `GET /guild/{guild}/feed.xml`: a Discord server's picks, for its people: entries lead to the posts there.
pub(super) async fn guild_feed(
    State(app): State<AppState>,
    Path(guild): Path<u64>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let picks = app.backend.guild_picks(guild, ENTRIES).await?.ok_or(Failure::NotFound)?;
    Ok(answer(&app, &visitor, &headers, &picks, Some(guild)))
}

pub(super) fn guild_path(guild: u64) -> String {
    format!("/guild/{guild}/feed.xml")
}

fn answer(app: &AppState, visitor: &Visitor, headers: &HeaderMap, picks: &[PickView], guild: Option<u64>) -> Response {
    // An empty feed has no date of its own; one that never changes keeps its ETag.
    let updated = picks.iter().map(|p| p.picked_at).max().unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let writer = Writer { app, lang: visitor.lang, base: security::base_url(headers, &app.settings), guild };
    let body = writer.feed(picks, updated).to_string();
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
    let fresh = [
        (header::ETAG, tag.clone()),
        (header::LAST_MODIFIED, http_date(updated)),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::VARY, "Accept-Language, Cookie".to_owned()),
    ];
    if is_not_modified(headers, &tag, updated) {
        return (StatusCode::NOT_MODIFIED, fresh).into_response();
    }
    (fresh, [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], body).into_response()
}

/// `If-None-Match` decides where it is sent: a removed pick changes the feed without a newer date.
fn is_not_modified(headers: &HeaderMap, tag: &str, updated: OffsetDateTime) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return media::is_known(headers, tag);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok()).and_then(parse_http_date);
    since.is_some_and(|since| updated.unix_timestamp() <= since.unix_timestamp())
}

/// IMF-fixdate, such as `Tue, 24 Nov 2026 12:00:00 GMT`.
fn http_date(at: OffsetDateTime) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    at.to_offset(time::UtcOffset::UTC).format(format).expect("a date has all of these parts")
}

fn parse_http_date(text: &str) -> Option<OffsetDateTime> {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
}

fn date(at: OffsetDateTime) -> FixedDateTime {
    FixedDateTime::from_str(&words::rfc3339(at)).expect("RFC 3339 is what it reads")
}

/// A stable `urn:uuid:` (version 8: made of a hash) of what it names.
fn urn(name: &str) -> String {
    let mut id: [u8; 16] = Sha256::digest(name)[..16].try_into().expect("16 of 32 bytes");
    id[6] = 0x80 | id[6] & 0x0f;
    id[8] = 0x80 | id[8] & 0x3f;
    let hex = hex::encode(id);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// XML 1.0 knows no control characters but tab and line ends, not even escaped.
fn clean(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r') || !c.is_control()).collect()
}

struct Writer<'a> {
    app: &'a AppState,
    lang: Lang,
    base: String,
    /// Of a Discord server; `None`: the owner's own.
    guild: Option<u64>,
}

impl Writer<'_> {
    /// Absolute address that a feed reader can open.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where an entry leads: the post on Discord for a server's people, who have no business on the owner's page.
    fn page_of(&self, post: &PostView) -> String {
        let on_discord = self.guild.and(post.link.as_deref()).and_then(security::web_link);
        on_discord.map_or_else(|| self.url(&format!("/picture/{}", post.id.0)), ToOwned::to_owned)
    }

    fn shared_url(&self, path: &str) -> String {
        self.url(&access::shared_path(self.app.keys.as_deref(), path))
    }

    fn feed(&self, picks: &[PickView], updated: OffsetDateTime) -> Feed {
        let instance = self.app.settings.public_url.as_deref().unwrap_or("local");
        let path = self.guild.map_or_else(|| "/feed.xml".to_owned(), guild_path);
        let mut links = vec![link("self", self.shared_url(&path), Some("application/atom+xml"))];
        let name = if let Some(guild) = self.guild {
            format!("mekiki feed {instance} guild {guild}")
        } else {
            links.push(link("alternate", self.url("/feed"), Some("text/html")));
            format!("mekiki feed {instance}")
        };
        Feed {
            title: Text::plain(tr!(self.lang, "feed.title")),
            subtitle: Some(Text::plain(tr!(self.lang, "feed.claim"))),
            id: urn(&name),
            updated: date(updated),
            authors: vec![Person { name: tr!(self.lang, "app.name").into_owned(), ..Person::default() }],
            generator: Some(Generator {
                value: "Mekiki".to_owned(),
                uri: None,
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            links,
            lang: Some(self.lang.code().to_owned()),
            entries: picks.iter().map(|pick| self.entry(pick)).collect(),
            ..Feed::default()
        }
    }

    fn entry(&self, pick: &PickView) -> Entry {
        let post = &pick.post;
        let picture = post.picture.as_ref().map_or_else(String::new, |p| p.id.to_string());
        let mut links = vec![link("alternate", self.page_of(post), Some("text/html"))];
        links.extend(post.link.as_deref().and_then(security::web_link).map(|l| link("via", l.to_owned(), None)));
        let authors = post.author.name.as_deref().map(|name| Person {
            name: clean(name),
            email: None,
            uri: post.author.link.as_deref().and_then(security::web_link).map(ToOwned::to_owned),
            ..Person::default()
        });
        Entry {
            title: Text::plain(clean(&words::title(self.lang, post))),
            // A picture may be picked again after some months: that is another entry.
            id: urn(&format!("mekiki pick {picture} {}", words::rfc3339(pick.picked_at))),
            updated: date(pick.picked_at),
            published: Some(date(pick.picked_at)),
            authors: authors.into_iter().collect(),
            links,
            content: Some(Content {
                content_type: Some("html".to_owned()),
                lang: Some(self.lang.code().to_owned()),
                value: Some(clean(&self.content(pick))),
                ..Content::default()
            }),
            ..Entry::default()
        }
    }

    /// Crops and credit; the picture itself stays behind the link.
    fn content(&self, pick: &PickView) -> String {
        let (lang, post) = (self.lang, &pick.post);
        let author_link = post.author.link.as_deref().and_then(security::web_link);
        html! {
            p {
                @for (i, face) in post.faces.iter().enumerate().filter(|(_, f)| f.has_crop) {
                    a href=(self.page_of(post)) {
                        img src=(self.shared_url(&format!("/media/crop/{}", face.id.0))) width="192" height="192"
                            alt=(tr!(lang, "face.alt", number = i + 1));
                    }
                    " "
                }
            }
            p {
                (tr!(lang, "feed.score", score = words::tenths(pick.score)))
                @if let Some(name) = post.author.name.as_deref().or(author_link) {
                    " · " (tr!(lang, "credit.by")) " "
                    @if let Some(link) = author_link { a href=(link) { (name) } } @else { (name) }
                }
                @if let Some(link) = post.link.as_deref().and_then(security::web_link) {
                    " · " a href=(link) { (tr!(lang, "credit.work")) }
                }
            }
        }
        .into_string()
    }
}

fn link(rel: &str, href: String, mime_type: Option<&str>) -> Link {
    Link { rel: rel.to_owned(), href, mime_type: mime_type.map(ToOwned::to_owned), ..Link::default() }
}
