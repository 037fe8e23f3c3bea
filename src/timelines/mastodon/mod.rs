//! Mastodon, and servers of other makes that speak as it does: home, single accounts, lists, and the user stream.
//!
//! Timelines come newest first, paged by `Link`: [`walk`](super::walk) reads them. `min_id` would read upwards and be simpler,
//! but a post that another server was late to deliver gets an id by its own date, below what was read already. Ids are the
//! server's own, so they carry its name here: those of another server are never mistaken for them.

mod accounts;
mod api;
mod listen;
mod names;
mod status;
mod stream;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use self::api::{Api, Purpose, Refusal};
use self::status::Entry;
use self::stream::Opening;
use super::walk::{Line, Walk};
use super::{Account, Answer, Events, Feed, Http, Page, Timeline, TimelineError, TimelinePost};
use crate::domain::PostSource;
use crate::pipeline::Clock;

/// The largest page of statuses.
const LIMIT: &str = "40";
/// `GET /api/v1/statuses` takes no more.
const BATCH: usize = 20;
/// How long a feed is left alone when nothing more is there.
const HOME: Duration = Duration::from_mins(1);
const AUTHOR: Duration = Duration::from_mins(5);
/// So many posts at a time may wait for their pictures, and for so long.
const WAITING: usize = 40;
const PATIENCE: time::Duration = time::Duration::hours(24);

/// Which account reads, and where.
#[derive(Debug, Clone)]
pub struct MastodonSettings {
    pub server: Url,
    /// Of an application under Preferences > Development, with the scope `read`.
    pub token: SecretString,
    /// Whether boosts are handed out, credited to the author.
    pub boosts: bool,
}

#[derive(Debug)]
pub struct Mastodon {
    api: Api,
    boosts: bool,
    /// The server knows how to give several statuses at once: Mastodon does from 4.3 on.
    no_batches: AtomicBool,
    opening: Arc<Mutex<Opening>>,
    /// Where the server streams, once it was asked.
    streams_at: tokio::sync::OnceCell<Option<Url>>,
}

/// How far a feed was read.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    walk: Walk,
    /// Posts that were passed while the server had not all of their pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    later: Vec<Later>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Later {
    /// Of the line: of a boost, the boost's own.
    id: String,
    /// When it is taken as it is, in seconds since 1970.
    until: i64,
}

impl Mastodon {
    pub fn new(settings: MastodonSettings, http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        Self {
            api: Api::new(settings.server, settings.token, http, clock),
            boosts: settings.boosts,
            no_batches: AtomicBool::new(false),
            opening: Arc::default(),
            streams_at: tokio::sync::OnceCell::new(),
        }
    }

    /// The server's own id.
    fn own<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix(self.api.host.as_str())?.strip_prefix('/').filter(|id| is_id(id))
    }

    /// The path of a feed and the query of its head.
    fn address(&self, feed: &Feed) -> Result<(String, String), TimelineError> {
        let mut query = vec![("limit", LIMIT)];
        let path = match feed {
            Feed::Home => "/api/v1/timelines/home".to_owned(),
            Feed::List(id) if is_id(id) => format!("/api/v1/timelines/list/{id}"),
            Feed::List(_) => return Err(TimelineError::NoSuchAccount("there is no such list on the server".into())),
            Feed::Author(id) => {
                let id = self.own(id).ok_or_else(|| {
                    TimelineError::NoSuchAccount(format!(
                        "the account was followed by way of another server than {}: follow it again",
                        self.api.host
                    ))
                })?;
                // Answers to others are left out; the author's own threads are not.
                query.push(("exclude_replies", "true"));
                if !self.boosts {
                    // A boost has no media of its own, so that this alone would leave boosts out.
                    query.extend([("exclude_reblogs", "true"), ("only_media", "true")]);
                }
                format!("/api/v1/accounts/{id}/statuses")
            }
        };
        Ok((path, encoded(&query)))
    }

    async fn poll_feed(&self, feed: &Feed, cursor: Option<&str>) -> Result<Page, TimelineError> {
        let wait = if matches!(feed, Feed::Author(_)) { AUTHOR } else { HOME };
        let (path, head) = self.address(feed)?;
        let place: Option<Place> = cursor.and_then(|cursor| serde_json::from_str(cursor).ok());
        let (walk, mut later) = place.map_or((None, Vec::new()), |place| (place.walk.current(), place.later));
        let query = walk.as_ref().and_then(Walk::place).unwrap_or(&head);
        let sheet = match self.api.sheet(Purpose::Polling, &path, query).await {
            Ok(sheet) => sheet,
            Err(Refusal::Status(StatusCode::NOT_FOUND | StatusCode::GONE, _)) => return Err(self.missing(feed)),
            Err(refusal) => return Err(refusal.into()),
        };
        let now = self.api.clock.now();
        let entry = |status: &Value| status::entry(status, &self.api.host, self.boosts, now);
        let entries: Vec<Entry> = sheet.items.iter().filter_map(entry).collect();
        if entries.len() < sheet.items.len() {
            tracing::debug!(skipped = sheet.items.len() - entries.len(), "statuses cannot be read");
        }
        let lines: Vec<Line> = entries.iter().map(|entry| entry.line.clone()).collect();
        let next = sheet.next.or_else(|| {
            // A server that says nothing of pages is asked for what is older than the last line.
            let last = lines.last().filter(|_| sheet.silent)?;
            Some(format!("{head}&{}", encoded(&[("max_id", &last.key)])))
        });
        let (walk, stride) = match walk {
            None => Walk::begin(&lines, now),
            Some(mut walk) => {
                let stride = walk.take(&lines, next.as_deref());
                (walk, stride)
            }
        };
        if stride.gave_up {
            tracing::warn!(?feed, "the timeline is too far ahead: its older posts are given up");
        }
        let mut posts = if stride.more { Vec::new() } else { self.by_now(&mut later, now).await? };
        for entry in stride.new.iter().map(|&at| &entries[at]) {
            if entry.waits && later.len() < WAITING && is_id(&entry.line.key) {
                later.push(Later { id: entry.line.key.clone(), until: (now + PATIENCE).unix_timestamp() });
            } else {
                posts.extend(entry.post.clone());
            }
        }
        let mut met = HashSet::new();
        posts.retain(|post: &TimelinePost| met.insert(post.id.clone()));
        let cursor = serde_json::to_string(&Place { walk, later }).expect("numbers and text");
        let wait = if stride.more { Duration::ZERO } else { wait };
        Ok(Page { posts, cursor, more: stride.more, wait })
    }

    /// Those that waited for their pictures and have them by now, or have waited too long.
    async fn by_now(&self, later: &mut Vec<Later>, now: OffsetDateTime) -> Result<Vec<TimelinePost>, TimelineError> {
        if later.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = later.iter().map(|later| later.id.as_str()).collect();
        let (found, missing) = self.statuses(&ids).await?;
        let missing: HashSet<String> = missing.into_iter().map(str::to_owned).collect();
        let entry = |status: &Value| status::entry(status, &self.api.host, self.boosts, now);
        let entries: Vec<Entry> = found.iter().filter_map(entry).collect();
        let mut posts = Vec::new();
        later.retain(|later| {
            let entry = entries.iter().find(|entry| entry.line.key == later.id);
            let over = later.until <= now.unix_timestamp();
            match entry {
                Some(entry) if entry.waits && !over => true,
                Some(entry) => {
                    posts.extend(entry.post.clone());
                    false
                }
                None => !over && !missing.contains(&later.id),
            }
        });
        Ok(posts)
    }

    fn missing(&self, feed: &Feed) -> TimelineError {
        match feed {
            Feed::Home => TimelineError::Answer("the server has no home timeline".into()),
            Feed::Author(_) => TimelineError::NoSuchAccount(format!("the account has gone from {}", self.api.host)),
            Feed::List(_) => TimelineError::NoSuchAccount(format!("there is no such list on {}", self.api.host)),
        }
    }

    /// What the server has of these, and which of them are gone. Ids are its own.
    async fn statuses<'a>(&self, ids: &[&'a str]) -> Result<(Vec<Value>, Vec<&'a str>), TimelineError> {
        let (mut found, mut unsure) = (Vec::new(), Vec::new());
        for batch in ids.chunks(BATCH) {
            let all = if self.no_batches.load(Ordering::Relaxed) { None } else { self.batch(batch).await? };
            let all = all.unwrap_or_default();
            let ids: HashSet<String> = all.iter().filter_map(|status| status::text(&status["id"])).collect();
            unsure.extend(batch.iter().copied().filter(|id| !ids.contains(*id)));
            found.extend(all);
        }
        let mut gone = Vec::new();
        // A server may leave one out for other reasons: each is asked for by itself.
        for id in unsure {
            match self.api.get(Purpose::Polling, &format!("/api/v1/statuses/{id}"), "").await {
                Ok(status) => found.push(status),
                Err(Refusal::Status(StatusCode::NOT_FOUND | StatusCode::GONE, _)) => gone.push(id),
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok((found, gone))
    }

    /// `None` from a server that does not know how.
    async fn batch(&self, ids: &[&str]) -> Result<Option<Vec<Value>>, TimelineError> {
        let query: Vec<(&str, &str)> = ids.iter().map(|id| ("id[]", *id)).collect();
        match self.api.sheet(Purpose::Polling, "/api/v1/statuses", &encoded(&query)).await {
            Ok(sheet) => Ok(Some(sheet.items)),
            Err(Refusal::Status(..) | Refusal::Other(TimelineError::Answer(_) | TimelineError::SignIn(_))) => {
                self.no_batches.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn gone_of(&self, posts: &[String]) -> Result<Vec<String>, TimelineError> {
        // Of another server nothing is known here.
        let ids: Vec<&str> = posts.iter().filter_map(|post| self.own(post)).collect();
        let (_, gone) = self.statuses(&ids).await?;
        Ok(gone.into_iter().map(|id| format!("{}/{id}", self.api.host)).collect())
    }
}

fn encoded(query: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

/// Ids are opaque, but they go into paths.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

impl Timeline for Mastodon {
    fn source(&self) -> PostSource {
        PostSource::Mastodon
    }

    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Account> {
        Box::pin(self.find_account(name))
    }

    fn poll<'a>(&'a self, feed: &'a Feed, cursor: Option<&'a str>) -> Answer<'a, Page> {
        Box::pin(self.poll_feed(feed, cursor))
    }

    fn gone<'a>(&'a self, posts: &'a [String]) -> Answer<'a, Vec<String>> {
        Box::pin(self.gone_of(posts))
    }

    fn follows(&self) -> Answer<'_, Vec<Account>> {
        Box::pin(self.all_follows())
    }

    fn listen(&self) -> Answer<'_, Option<Box<dyn Events>>> {
        Box::pin(self.open_stream())
    }
}
