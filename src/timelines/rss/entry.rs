//! An entry of a feed as a post with pictures.

use std::collections::HashSet;

use feed_rs::model::{Entry, Feed as Document, MediaObject};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use url::Url;

use super::html;
use crate::timelines::{Account, TimelinePicture, TimelinePost};

/// Pictures of one entry that are taken.
const MOST_PICTURES: usize = 10;
const PICTURE_FILES: [&str; 7] = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".jpe"];
/// Categories that say that an entry is age-restricted.
const RESTRICTED: [&str; 7] = ["nsfw", "r-18", "r18", "18+", "adult", "explicit", "hentai"];

/// The feed as an account: who stands for entries without an author of their own.
pub(super) fn account(feed: &Url, document: &Document) -> Account {
    let title = document.title.as_ref().map(|title| title.content.trim().to_owned()).filter(|t| !t.is_empty());
    Account {
        id: feed.to_string(),
        handle: handle(feed),
        name: title,
        link: page(document).unwrap_or_else(|| feed.to_string()),
        bot: false,
        protected: false,
        unlisted: false,
    }
}

/// `blog.example/feed.xml`
fn handle(feed: &Url) -> String {
    let text = feed.as_str();
    text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

fn page(document: &Document) -> Option<String> {
    let is_page = |rel: Option<&str>| rel.is_none_or(|rel| rel == "alternate");
    document.links.iter().find(|link| is_page(link.rel.as_deref())).and_then(|link| web(&link.href))
}

/// An address of the web, written in its one way.
fn web(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| url.to_string())
}

/// `None` without pictures.
pub(super) fn post(feed: &Url, document: &Document, entry: &Entry, now: OffsetDateTime) -> Option<TimelinePost> {
    let own = entry.links.iter().find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let link = own.and_then(|link| web(&link.href));
    let base = link.as_deref().and_then(|link| Url::parse(link).ok()).unwrap_or_else(|| feed.clone());
    let pictures = pictures(entry, &base);
    if pictures.is_empty() {
        return None;
    }
    let posted = entry.published.or(entry.updated).map(|at| at.timestamp());
    let posted_at = posted.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).unwrap_or(now).min(now);
    Some(TimelinePost {
        id: link.clone().unwrap_or_else(|| format!("{feed}#{}", entry.id)),
        author: author(feed, document, entry),
        by: None,
        link: link.unwrap_or_else(|| page(document).unwrap_or_else(|| feed.to_string())),
        posted_at,
        restricted: is_restricted(document, entry),
        held: None,
        pictures,
    })
}

/// The entry's own author where it names one, else the feed.
fn author(feed: &Url, document: &Document, entry: &Entry) -> Account {
    let account = account(feed, document);
    let named = entry.authors.iter().find_map(|person| Some((person, person.name.as_deref()?.trim())));
    let Some((person, name)) = named.filter(|(_, name)| !name.is_empty()) else { return account };
    let link = person.uri.as_deref().and_then(web).unwrap_or_else(|| account.link.clone());
    if account.name.as_deref() == Some(name) {
        return Account { link, ..account };
    }
    Account {
        id: format!("{feed}#{name}"),
        handle: format!("{name} ({})", feed.host_str().unwrap_or_default()),
        name: Some(name.to_owned()),
        link,
        ..account
    }
}

fn is_restricted(document: &Document, entry: &Entry) -> bool {
    let says = |word: &str| RESTRICTED.contains(&word.trim().to_lowercase().as_str());
    let rated =
        document.rating.iter().chain(entry.media.iter().flat_map(|m| &m.content).filter_map(|c| c.rating.as_ref()));
    entry.categories.iter().any(|c| says(&c.term) || c.label.as_deref().is_some_and(says))
        || rated.map(|rating| rating.value.as_str()).any(says)
}

/// What the entry attaches; only where it attaches no picture, those in its text; only where there are none either, its
/// thumbnails.
fn pictures(entry: &Entry, base: &Url) -> Vec<TimelinePicture> {
    let mut taken = Taken::default();
    for media in &entry.media {
        let words = media.description.as_ref().or(media.title.as_ref()).map(|text| text.content.clone());
        for content in &media.content {
            let kind = content.content_type.as_ref().map(ToString::to_string);
            if let Some(url) = content.url.as_ref().filter(|url| is_picture(kind.as_deref(), url)) {
                taken.take(url.clone(), words.clone());
            }
        }
    }
    for link in entry.links.iter().filter(|link| link.rel.as_deref() == Some("enclosure")) {
        if let Ok(url) = base.join(&link.href)
            && is_picture(link.media_type.as_deref(), &url)
        {
            taken.take(url, link.title.clone());
        }
    }
    if taken.pictures.is_empty() {
        let content = entry.content.as_ref().and_then(|content| content.body.as_deref());
        let summary = entry.summary.as_ref().map(|summary| summary.content.as_str());
        for inline in content.into_iter().chain(summary).flat_map(|text| html::pictures(text, base)) {
            taken.take(inline.url, inline.alt);
        }
    }
    if taken.pictures.is_empty() {
        taken.pictures.extend(entry.media.iter().find_map(thumbnail));
    }
    taken.pictures
}

/// Pictures, each address once.
#[derive(Default)]
struct Taken {
    pictures: Vec<TimelinePicture>,
    seen: HashSet<Url>,
}

impl Taken {
    fn take(&mut self, url: Url, alt: Option<String>) {
        let is_web = matches!(url.scheme(), "http" | "https");
        if is_web && self.pictures.len() < MOST_PICTURES && self.seen.insert(url.clone()) {
            self.pictures.push(TimelinePicture { key: key(&url), url: url.into(), alt });
        }
    }
}

fn thumbnail(media: &MediaObject) -> Option<TimelinePicture> {
    let url = Url::parse(&media.thumbnails.first()?.image.uri).ok()?;
    Some(TimelinePicture { key: key(&url), url: url.into(), alt: None })
}

/// By its kind, or where none is given by its name.
fn is_picture(kind: Option<&str>, url: &Url) -> bool {
    match kind {
        Some(kind) => kind.starts_with("image/") && kind != "image/svg+xml",
        None => PICTURE_FILES.iter().any(|end| url.path().to_lowercase().ends_with(end)),
    }
}

/// Short and for good.
pub(super) fn key(text: impl AsRef<str>) -> String {
    hex::encode(&Sha256::digest(text.as_ref().as_bytes())[..8])
}
