//! Bluesky, by app password: home, single accounts, lists.
//!
//! Feeds come newest first with the service's own cursors: [`walk`](super::walk) reads them. Pictures are those of the service's
//! image server, at its full size.

mod api;
mod labels;
mod names;
mod post;
mod session;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use self::api::{Api, Purpose, Refusal};
use self::post::Entry;
use self::session::Session;
use super::walk::{Line, Walk};
use super::{Account, Answer, Feed, Http, Page, Timeline, TimelineError, TimelinePost, Vault};
use crate::domain::PostSource;
use crate::pipeline::Clock;

/// The largest page.
const LIMIT: &str = "100";
/// `getPosts` takes no more.
const BATCH: usize = 25;
/// Pages of follows that are read: 10,000 accounts.
const FOLLOWS: usize = 100;
/// How long a feed is left alone when nothing more is there.
const HOME: Duration = Duration::from_mins(1);
const AUTHOR: Duration = Duration::from_mins(5);

/// Which account reads, and where.
#[derive(Debug, Clone)]
pub struct BlueskySettings {
    /// The account's own server, or `https://bsky.social` for all that Bluesky hosts.
    pub service: Url,
    /// Its handle, DID or mail address.
    pub identifier: String,
    pub app_password: SecretString,
    /// Whether reposts are handed out, credited to the author.
    pub reposts: bool,
}

#[derive(Debug)]
pub struct Bluesky {
    api: Api,
    session: Session,
    reposts: bool,
}

impl Bluesky {
    /// The vault must be this adapter's alone.
    pub fn new(settings: BlueskySettings, http: Arc<dyn Http>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        let session = Session::new(settings.identifier, settings.app_password, vault);
        Self { api: Api::new(settings.service, http, clock), session, reposts: settings.reposts }
    }

    async fn query(&self, purpose: Purpose, name: &str, parameters: &[(&str, &str)]) -> Result<Value, Refusal> {
        self.session.query(&self.api, purpose, name, parameters).await
    }

    /// One page of a feed.
    async fn page(&self, feed: &Feed, place: Option<&str>) -> Result<Value, Refusal> {
        let (name, of) = match feed {
            Feed::Home => ("app.bsky.feed.getTimeline", None),
            Feed::Author(did) => ("app.bsky.feed.getAuthorFeed", Some(("actor", did.as_str()))),
            Feed::List(uri) => ("app.bsky.feed.getListFeed", Some(("list", uri.as_str()))),
        };
        let mut parameters: Vec<(&str, &str)> = of.into_iter().chain([("limit", LIMIT)]).collect();
        if matches!(feed, Feed::Author(_)) {
            // Not `posts_with_media`: that leaves out reposts, and on the reference server all but `embed.images`.
            parameters.push(("filter", "posts_and_author_threads"));
        }
        parameters.extend(place.map(|place| ("cursor", place)));
        self.query(Purpose::Polling, name, &parameters).await
    }

    async fn poll_feed(&self, feed: &Feed, cursor: Option<&str>) -> Result<Page, TimelineError> {
        let wait = if matches!(feed, Feed::Author(_)) { AUTHOR } else { HOME };
        let walk = Walk::read(cursor);
        let place = walk.as_ref().and_then(Walk::place);
        let answer = match (self.page(feed, place).await, &walk) {
            (Ok(answer), _) => answer,
            // The place of a page that the service no longer knows.
            (Err(Refusal::Said { status: StatusCode::BAD_REQUEST, error, .. }), Some(walk))
                if place.is_some() && error == "InvalidRequest" =>
            {
                let mut walk = walk.clone();
                walk.restart();
                return Ok(Page { posts: Vec::new(), cursor: walk.written(), more: true, wait: Duration::ZERO });
            }
            (Err(refusal), _) => return Err(missing(feed, refusal)),
        };
        let now = self.api.clock.now();
        let items = answer["feed"].as_array().ok_or_else(|| TimelineError::Answer("there is no feed in it".into()))?;
        let entries: Vec<Entry> = items.iter().filter_map(|item| post::entry(item, self.reposts, now)).collect();
        if entries.len() < items.len() {
            tracing::debug!(skipped = items.len() - entries.len(), "lines of a Bluesky feed are of no known kind");
        }
        let lines: Vec<Line> = entries.iter().map(|entry| entry.line.clone()).collect();
        let (walk, stride) = match walk {
            None => Walk::begin(&lines, now),
            Some(mut walk) => {
                let stride = walk.take(&lines, answer["cursor"].as_str());
                (walk, stride)
            }
        };
        if stride.gave_up {
            tracing::warn!(?feed, "the timeline is too far ahead: its older posts are given up");
        }
        let mut met = HashSet::new();
        let new = stride.new.iter().filter_map(|&at| entries[at].post.clone());
        let posts: Vec<TimelinePost> = new.filter(|post| met.insert(post.id.clone())).collect();
        let wait = if stride.more { Duration::ZERO } else { wait };
        Ok(Page { posts, cursor: walk.written(), more: stride.more, wait })
    }

    async fn find_account(&self, name: &str) -> Result<Account, TimelineError> {
        let nobody = || TimelineError::NoSuchAccount(format!("there is no account {name} on Bluesky"));
        let actor = names::actor(name).ok_or_else(nobody)?;
        match self.query(Purpose::People, "app.bsky.actor.getProfile", &[("actor", &actor)]).await {
            Ok(profile) => post::account(&profile, self.api.clock.now())
                .ok_or_else(|| TimelineError::Answer("the profile has no DID".into())),
            Err(Refusal::Said { status, .. }) if is_about_the_request(status) => Err(nobody()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Those of them that are not shown. What is missing is asked for once more: the service leaves out what it cannot put
    /// together at the moment, too, and what is gone here is deleted elsewhere.
    async fn gone_of(&self, posts: &[String]) -> Result<Vec<String>, TimelineError> {
        let missing = self.not_shown(posts).await?;
        self.not_shown(&missing).await
    }

    async fn not_shown(&self, posts: &[String]) -> Result<Vec<String>, TimelineError> {
        let mut missing = Vec::new();
        for batch in posts.chunks(BATCH) {
            let uris: Vec<(&str, &str)> = batch.iter().map(|uri| ("uris", uri.as_str())).collect();
            let answer = self.query(Purpose::Polling, "app.bsky.feed.getPosts", &uris).await?;
            let views =
                answer["posts"].as_array().ok_or_else(|| TimelineError::Answer("there are no posts in it".into()))?;
            let now = self.api.clock.now();
            let shown = views.iter().filter(|view| !post::is_hidden(view, now)).filter_map(|view| view["uri"].as_str());
            let shown: HashSet<&str> = shown.collect();
            missing.extend(batch.iter().filter(|uri| !shown.contains(uri.as_str())).cloned());
        }
        Ok(missing)
    }

    async fn all_follows(&self) -> Result<Vec<Account>, TimelineError> {
        let did = self.session.did(&self.api).await?;
        let (mut accounts, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..FOLLOWS {
            let mut parameters = vec![("actor", did.as_str()), ("limit", LIMIT)];
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let answer = self.query(Purpose::People, "app.bsky.graph.getFollows", &parameters).await?;
            let now = self.api.clock.now();
            let page = answer["follows"].as_array().map(Vec::as_slice).unwrap_or_default();
            accounts.extend(page.iter().filter_map(|profile| post::account(profile, now)));
            cursor = answer["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(accounts)
    }
}

/// Refusals that mean that what is followed is not there, or not for us.
fn missing(feed: &Feed, refusal: Refusal) -> TimelineError {
    let Refusal::Said { status, error, message } = &refusal else { return refusal.into() };
    let names_it = matches!(error.as_str(), "BlockedActor" | "BlockedByActor" | "UnknownList" | "AccountTakedown")
        || message.to_ascii_lowercase().contains("not found")
        || message.to_ascii_lowercase().contains("deactivated");
    match feed {
        Feed::Author(_) if is_about_the_request(*status) && names_it => {
            TimelineError::NoSuchAccount("the account has gone from Bluesky, or blocks the one that reads".into())
        }
        Feed::List(_) if is_about_the_request(*status) && names_it => {
            TimelineError::NoSuchAccount("there is no such list on Bluesky".into())
        }
        _ => refusal.into(),
    }
}

fn is_about_the_request(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND)
}

impl Timeline for Bluesky {
    fn source(&self) -> PostSource {
        PostSource::Bluesky
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
}
