//! RSS, Atom and JSON feeds: galleries and blogs that list their pictures.

mod entry;
mod html;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use feed_rs::model::Feed as Document;
use http::header::{ACCEPT, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, USER_AGENT};
use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Account, Answer, Feed, Http, Page, Timeline, TimelineError};
use crate::domain::PostSource;
use crate::pipeline::Clock;

/// Between two reads of a feed, at least.
const AT_LEAST: Duration = Duration::from_mins(15);
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Entries that are remembered beside those that the feed lists now.
const REMEMBERED: usize = 500;
const KINDS: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, \
                     text/html;q=0.8, */*;q=0.5";
const AGENT: &str = concat!("mekiki/", env!("CARGO_PKG_VERSION"));

/// Where reading stopped.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    modified: Option<String>,
    /// Keys of entries, newest first.
    seen: Vec<String>,
}

/// Reads feeds; their addresses are their ids.
#[derive(Debug)]
pub struct Rss {
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
}

/// What lies behind an address.
struct Found {
    /// After redirects.
    url: Url,
    answer: Response<Vec<u8>>,
}

impl Rss {
    pub fn new(http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        Self { http, clock }
    }

    async fn ask(
        &self,
        method: Method,
        mut url: Url,
        headers: &[(http::HeaderName, &str)],
    ) -> Result<Found, TimelineError> {
        for _ in 0..=REDIRECTS {
            let mut request = http::Request::builder()
                .method(method.clone())
                .uri(url.as_str())
                .header(ACCEPT, KINDS)
                .header(USER_AGENT, AGENT);
            for (name, value) in headers {
                request = request.header(name, *value);
            }
            let request = request.body(Vec::new()).map_err(|e| TimelineError::Answer(e.to_string()))?;
            let answer = self.http.send(request).await?;
            if !answer.status().is_redirection() || answer.status() == StatusCode::NOT_MODIFIED {
                return Ok(Found { url, answer });
            }
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let nowhere = || TimelineError::Answer("it leads on to nowhere".into());
            url = url.join(to.ok_or_else(nowhere)?).map_err(|_| nowhere())?;
        }
        Err(TimelineError::Answer("it leads on and on".into()))
    }

    /// The feed behind an address: itself, or the one that the page there names.
    async fn discover(&self, url: Url) -> Result<(Url, Document), TimelineError> {
        let mut url = url;
        for look in 0..2 {
            let found = self.ask(Method::GET, url, &[]).await?;
            settled(&found.answer)?;
            let body = found.answer.body();
            match parsed(body, &found.url) {
                Ok(document) => return Ok((found.url, document)),
                Err(error) => {
                    let page = String::from_utf8_lossy(body);
                    let Some(feed) = html::feed_of(&page, &found.url).filter(|_| look == 0) else { return Err(error) };
                    url = feed;
                }
            }
        }
        Err(TimelineError::NoSuchAccount("the page names a feed that is none".into()))
    }

    async fn read(&self, id: &str, cursor: Option<&str>) -> Result<Page, TimelineError> {
        let url = Url::parse(id).map_err(|_| TimelineError::NoSuchAccount("this is no address of a feed".into()))?;
        let mut cursor: Cursor = cursor.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut headers = Vec::new();
        headers.extend(cursor.etag.as_deref().map(|etag| (IF_NONE_MATCH, etag)));
        headers.extend(cursor.modified.as_deref().map(|at| (IF_MODIFIED_SINCE, at)));
        let found = self.ask(Method::GET, url.clone(), &headers).await?;
        let unchanged = found.answer.status() == StatusCode::NOT_MODIFIED;
        let mut posts = Vec::new();
        if !unchanged {
            settled(&found.answer)?;
            // What the address itself says is kept: redirects may be for today alone.
            let document = parsed(found.answer.body(), &found.url)?;
            let now = self.clock.now();
            let known: HashSet<&String> = cursor.seen.iter().collect();
            let entries: Vec<_> = document.entries.iter().map(|entry| (entry::key(&entry.id), entry)).collect();
            let new = entries.iter().filter(|(key, _)| !known.contains(key));
            posts.extend(new.filter_map(|(_, entry)| entry::post(&url, &document, entry, now)));
            posts.sort_by_key(|post| post.posted_at);
            let listed: HashSet<&String> = entries.iter().map(|(key, _)| key).collect();
            let before = cursor.seen.iter().filter(|key| !listed.contains(key)).take(REMEMBERED).cloned();
            let mut unique = HashSet::new();
            let listed_once = entries.iter().map(|(key, _)| key.clone()).filter(|key| unique.insert(key.clone()));
            let seen = listed_once.chain(before).collect();
            let header = |name| found.answer.headers().get(name).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
            cursor = Cursor { etag: header(ETAG), modified: header(LAST_MODIFIED), seen };
        }
        let cursor = serde_json::to_string(&cursor).map_err(|e| TimelineError::Answer(e.to_string()))?;
        Ok(Page { posts, cursor, more: false, wait: AT_LEAST })
    }

    async fn lost(&self, posts: &[String]) -> Vec<String> {
        let mut silent: HashSet<String> = HashSet::new();
        let mut gone = Vec::new();
        for post in posts {
            // Those without a link of their own cannot be asked after: they go with their feed.
            let Some(url) = Url::parse(post).ok().filter(|url| url.fragment().is_none()) else { continue };
            let host = url.host_str().unwrap_or_default().to_owned();
            if silent.contains(&host) {
                continue;
            }
            match self.ask(Method::HEAD, url, &[]).await {
                Ok(found) if matches!(found.answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE) => {
                    gone.push(post.clone());
                }
                Ok(_) => {}
                // The same server's other posts are not waited for.
                Err(_) => {
                    silent.insert(host);
                }
            }
        }
        gone
    }
}

impl Timeline for Rss {
    fn source(&self) -> PostSource {
        PostSource::Rss
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Account> {
        Box::pin(async move {
            let name = name.trim();
            let address = if name.contains("://") { name.to_owned() } else { format!("https://{name}") };
            let none = || TimelineError::NoSuchAccount("this is no address of a feed: give its link".into());
            let url = Url::parse(&address).ok().filter(Url::has_host).ok_or_else(none)?;
            let (url, document) = self.discover(url).await?;
            Ok(entry::account(&url, &document))
        })
    }

    fn poll<'a>(&'a self, feed: &'a Feed, cursor: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(async move {
            match feed {
                Feed::Author(id) => self.read(id, cursor).await,
                Feed::Home | Feed::List(_) => {
                    Err(TimelineError::NoSuchAccount("feeds have neither home timeline nor lists".into()))
                }
            }
        })
    }

    fn gone<'a>(&'a self, posts: &'a [String]) -> Answer<'a, Vec<String>> {
        Box::pin(async move { Ok(self.lost(posts).await) })
    }

    fn follows(&self) -> Answer<'_, Vec<Account>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Whether the answer is one to be read.
fn settled(answer: &Response<Vec<u8>>) -> Result<(), TimelineError> {
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        404 | 410 => Err(TimelineError::NoSuchAccount("there is no feed at this address (any more)".into())),
        401 | 403 => Err(TimelineError::NoSuchAccount("the feed is not shown to everybody".into())),
        // Of this server alone: the others are read on.
        429 => Err(TimelineError::Service("the server asks to go slower".into())),
        status => Err(TimelineError::Service(format!("the server answered HTTP {status}"))),
    }
}

fn parsed(body: &[u8], url: &Url) -> Result<Document, TimelineError> {
    // Entries without an id are told apart by link and title, never by chance: they would be new each time.
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url.as_str()))
        .id_generator(|links, title, uri| {
            let link = links.first().map(|link| link.href.as_str()).or(uri).unwrap_or_default();
            let title = title.as_ref().map(|title| title.content.as_str()).unwrap_or_default();
            entry::key(format!("{link} {title}"))
        })
        .build();
    parser.parse(body).map_err(|error| TimelineError::Answer(format!("it is no feed: {error}")))
}
