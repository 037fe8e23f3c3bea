//! A Bluesky in memory: accounts, posts, sessions that expire, limits that are kept, and a clock that is given.
//!
//! Cheap to clone; [`FakeBluesky::router`] can be served or called in process. Every request and every answer is held against
//! the lexicons, and what does not fit is found in [`FakeBluesky::breaches`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use mekiki::pipeline::Clock;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::lexicon::Lexicons;
use super::views;

const ACCESS: Duration = Duration::hours(2);
const REFRESH: Duration = Duration::days(60);
/// Requests in five minutes, as the service's own.
const LIMIT: u64 = 3000;
const WINDOW: Duration = Duration::minutes(5);

/// What a post holds besides text.
#[derive(Debug, Clone)]
pub(crate) enum Embed {
    None,
    /// Names of pictures, see [`FakeBluesky::picture`].
    Images(Vec<String>),
    Gallery(Vec<String>),
    /// A gallery with an item of a kind that nobody knows before each picture.
    OddGallery(Vec<String>),
    /// Another post, by its URI.
    Quote(String),
    QuoteWithImages(String, Vec<String>),
    QuoteWithVideo(String),
    Video,
    External,
    /// Of a kind that nobody knows.
    Unknown,
}

#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) uri: String,
    pub(crate) author: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) indexed: OffsetDateTime,
    pub(crate) embed: Embed,
    /// By moderators.
    pub(crate) labels: Vec<String>,
    /// By the author.
    pub(crate) own_labels: Vec<String>,
    /// The account whose post is answered.
    pub(crate) answers: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) did: String,
    pub(crate) handle: String,
    pub(crate) labels: Vec<String>,
    pub(crate) gone: bool,
}

/// A line of somebody's feed.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) by: String,
    pub(crate) post: String,
    /// Its own URI, of reposts.
    pub(crate) repost: Option<String>,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) profiles: BTreeMap<String, Profile>,
    pub(crate) posts: BTreeMap<String, Post>,
    /// Sorted as the service sorts.
    items: BTreeMap<(OffsetDateTime, u64), Item>,
    follows: Vec<String>,
    lists: HashMap<String, Vec<String>>,
    /// Pictures' bytes, by name.
    pictures: HashMap<String, Vec<u8>>,
    /// Where pictures are, without a slash at its end.
    pub(crate) images: String,
    count: u64,
    password: String,
    access: HashMap<String, OffsetDateTime>,
    refresh: HashMap<String, OffsetDateTime>,
    spent: BTreeSet<String>,
    window: Option<OffsetDateTime>,
    used: u64,
    limit: u64,
    status: Option<u16>,
    refuses_places: bool,
    /// The next answer with posts leaves these out.
    pub(crate) unready: Vec<String>,
    requests: Vec<String>,
    breaches: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct FakeBluesky {
    world: Arc<Mutex<World>>,
    lexicons: Option<Arc<Lexicons>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl FakeBluesky {
    /// With one account that reads: `reader.test`, password `pass-word-1234`.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let world = World {
            images: "https://cdn.bsky.app".into(),
            password: "pass-word-1234".into(),
            limit: LIMIT,
            ..World::default()
        };
        let fake = Self { world: Arc::new(Mutex::new(world)), lexicons: Lexicons::load().map(Arc::new), clock };
        fake.account("reader.test");
        fake
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A new account; answers its DID.
    pub(crate) fn account(&self, handle: &str) -> String {
        let did = format!("did:plc:{}", views::name(handle, 24));
        let profile = Profile { did: did.clone(), handle: handle.into(), ..Profile::default() };
        self.world().profiles.insert(did.clone(), profile);
        did
    }

    /// The reader follows that account from now on.
    pub(crate) fn follow(&self, did: &str) {
        self.world().follows.push(did.into());
    }

    pub(crate) fn unfollow(&self, did: &str) {
        self.world().follows.retain(|follow| follow != did);
    }

    pub(crate) fn list(&self, members: &[&str]) -> String {
        let mut world = self.world();
        let uri = format!("at://{}/app.bsky.graph.list/{}", members[0], world.number("list"));
        world.lists.insert(uri.clone(), members.iter().map(|did| (*did).to_owned()).collect());
        uri
    }

    /// Pictures can be fetched under the name that this answers.
    pub(crate) fn picture(&self, bytes: &[u8]) -> String {
        let name = format!("bafkrei{}", views::name(&format!("{bytes:?}"), 52));
        self.world().pictures.insert(name.clone(), bytes.to_vec());
        name
    }

    /// Posts now; answers the URI.
    pub(crate) fn post(&self, did: &str, embed: Embed) -> String {
        self.post_as(did, embed, |_| {})
    }

    pub(crate) fn post_as(&self, did: &str, embed: Embed, change: impl FnOnce(&mut Post)) -> String {
        let now = self.clock.now();
        let mut world = self.world();
        let key = world.number("post");
        let mut post = Post {
            uri: format!("at://{did}/app.bsky.feed.post/{key}"),
            author: did.into(),
            created: now,
            indexed: now,
            embed,
            labels: Vec::new(),
            own_labels: Vec::new(),
            answers: None,
        };
        change(&mut post);
        let uri = post.uri.clone();
        world.line(post.created.min(post.indexed), Item { by: did.into(), post: uri.clone(), repost: None });
        world.posts.insert(uri.clone(), post);
        uri
    }

    pub(crate) fn repost(&self, by: &str, post: &str) {
        let now = self.clock.now();
        let mut world = self.world();
        let uri = format!("at://{by}/app.bsky.feed.repost/{}", world.number("repost"));
        world.line(now, Item { by: by.into(), post: post.into(), repost: Some(uri) });
    }

    pub(crate) fn delete(&self, uri: &str) {
        let mut world = self.world();
        world.posts.remove(uri).expect("there is such a post");
        world.items.retain(|_, item| item.post != uri);
    }

    /// Access tokens that were given expire at once.
    pub(crate) fn expire_access(&self) {
        let now = self.clock.now();
        self.world().access.values_mut().for_each(|until| *until = now);
    }

    /// All sessions are ended, as when the app password is removed or the account recovered.
    pub(crate) fn revoke(&self) {
        let mut world = self.world();
        world.access.clear();
        world.refresh.clear();
    }

    pub(crate) fn change_password(&self, password: &str) {
        self.world().password = password.into();
    }

    /// Requests in a window.
    pub(crate) fn limit(&self, limit: u64) {
        self.world().limit = limit;
    }

    /// Every request is answered with this status.
    pub(crate) fn fails(&self, status: Option<u16>) {
        self.world().status = status;
    }

    /// Cursors given so far are worth nothing any more.
    pub(crate) fn refuse_places(&self, refuses: bool) {
        self.world().refuses_places = refuses;
    }

    /// What was asked since the last call, by name.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.world().requests)
    }

    /// What did not fit the lexicons.
    pub(crate) fn breaches(&self) -> Vec<String> {
        self.world().breaches.clone()
    }

    fn respond(&self, request: &Request<()>, body: &[u8]) -> (u16, Value, Vec<(&'static str, String)>) {
        let now = self.clock.now();
        let path = request.uri().path();
        let Some(name) = path.strip_prefix("/xrpc/") else {
            return (404, json!({ "error": "InvalidRequest" }), Vec::new());
        };
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let mut world = self.world();
        world.requests.push(name.to_owned());
        if let Some(lexicons) = &self.lexicons {
            let breaches = lexicons.request_breaches(request.method().as_str(), name, &query, body);
            world.breaches.extend(breaches);
        }
        let (limited, headers) = world.counts(now);
        let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let result = if let Some(status) = world.status {
            Err((status, "InternalServerError", "Internal Server Error"))
        } else if limited {
            Err((429, "RateLimitExceeded", "Rate Limit Exceeded"))
        } else {
            world.dispatch(name, &query, body, bearer, now)
        };
        let (status, body) = match result {
            Ok(body) => (200, views::with_odd_members(body)),
            Err((status, error, message)) => (status, json!({ "error": error, "message": message })),
        };
        if let Some(lexicons) = &self.lexicons {
            let breaches = lexicons.answer_breaches(name, status, &body);
            world.breaches.extend(breaches);
        }
        (status, body, headers)
    }
}

async fn answer(State(fake): State<FakeBluesky>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if let Some(picture) = fake.world().served(parts.uri.path()) {
        return Response::builder().header("Content-Type", "image/png").body(picture.into()).unwrap();
    }
    let (status, body, headers) = fake.respond(&Request::from_parts(parts, ()), &body);
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.header("Content-Type", "application/json").body(body.to_string().into()).unwrap()
}

type Result<T> = std::result::Result<T, (u16, &'static str, &'static str)>;

impl World {
    /// A name that sorts by time, as the protocol's do.
    fn number(&mut self, of: &str) -> String {
        self.count += 1;
        format!("3k{}{:07}", &of[..1], self.count)
    }

    fn line(&mut self, at: OffsetDateTime, item: Item) {
        self.count += 1;
        self.items.insert((at, self.count), item);
    }

    fn served(&self, path: &str) -> Option<Vec<u8>> {
        let file = path.strip_prefix("/img/feed_fullsize/plain/")?.rsplit('/').next()?;
        self.pictures.get(file.split('@').next()?).cloned()
    }

    /// Counts a request; whether it is one too many, and the headers that say so.
    fn counts(&mut self, now: OffsetDateTime) -> (bool, Vec<(&'static str, String)>) {
        let reset = match self.window {
            Some(reset) if now < reset => reset,
            _ => {
                self.used = 0;
                now + WINDOW
            }
        };
        self.window = Some(reset);
        self.used += 1;
        let limited = self.used > self.limit;
        let mut headers = vec![
            ("RateLimit-Limit", self.limit.to_string()),
            ("RateLimit-Remaining", self.limit.saturating_sub(self.used).to_string()),
            ("RateLimit-Reset", reset.unix_timestamp().to_string()),
            ("RateLimit-Policy", format!("{};w=300", self.limit)),
        ];
        if limited {
            headers.push(("Retry-After", (reset - now).whole_seconds().to_string()));
        }
        (limited, headers)
    }

    fn dispatch(
        &mut self,
        name: &str,
        query: &[(String, String)],
        body: &[u8],
        bearer: &str,
        now: OffsetDateTime,
    ) -> Result<Value> {
        let one = |name: &str| query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        match name {
            "com.atproto.server.createSession" => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let known = body["identifier"] == "reader.test" && body["password"] == self.password.as_str();
                if known {
                    Ok(self.session(now))
                } else {
                    Err((401, "AuthenticationRequired", "Invalid identifier or password"))
                }
            }
            "com.atproto.server.refreshSession" => {
                if self.spent.contains(bearer) {
                    return Err((400, "ExpiredToken", "Token has been revoked"));
                }
                match self.refresh.remove(bearer) {
                    Some(until) if now < until => {
                        self.spent.insert(bearer.to_owned());
                        Ok(self.session(now))
                    }
                    Some(_) => Err((400, "ExpiredToken", "Token has expired")),
                    None => Err((400, "InvalidToken", "Token could not be verified")),
                }
            }
            _ => {
                match self.access.get(bearer) {
                    Some(until) if now < *until => {}
                    Some(_) => return Err((400, "ExpiredToken", "Token has expired")),
                    None if bearer.is_empty() => return Err((401, "AuthMissing", "Authentication Required")),
                    None => return Err((400, "InvalidToken", "Token could not be verified")),
                }
                let limit = one("limit").map_or(50, |limit| limit.parse().unwrap());
                match name {
                    "app.bsky.actor.getProfile" => Ok(views::profile(self.found(one("actor"))?, true)),
                    "app.bsky.feed.getTimeline" => {
                        let reader = self.found(Some("reader.test"))?.did.clone();
                        let shown = |item: &Item| item.by == reader || self.follows.contains(&item.by);
                        self.feed(shown, limit, one("cursor"))
                    }
                    "app.bsky.feed.getAuthorFeed" => {
                        let did = self.found(one("actor"))?.did.clone();
                        let filter = one("filter").unwrap_or("posts_with_replies");
                        let shown = |item: &Item| item.by == did && self.passes(item, filter);
                        self.feed(shown, limit, one("cursor"))
                    }
                    "app.bsky.feed.getListFeed" => {
                        let members = one("list").and_then(|list| self.lists.get(list));
                        let members = members.ok_or((400, "UnknownList", "List not found"))?;
                        self.feed(|item| item.repost.is_none() && members.contains(&item.by), limit, one("cursor"))
                    }
                    "app.bsky.feed.getPosts" => {
                        let asked = query.iter().filter(|(name, _)| name == "uris");
                        let unready = std::mem::take(&mut self.unready);
                        let asked = asked.filter(|(_, uri)| !unready.contains(uri));
                        let posts = asked.filter_map(|(_, uri)| self.posts.get(uri));
                        let posts = posts.filter(|post| !self.profiles[&post.author].gone);
                        Ok(json!({ "posts": posts.map(|post| views::post(self, post)).collect::<Vec<_>>() }))
                    }
                    "app.bsky.graph.getFollows" => {
                        let from = one("cursor").map_or(0, |cursor| cursor.parse().unwrap());
                        let page = self.follows.iter().skip(from).take(limit);
                        let page: Vec<Value> = page.map(|did| views::profile(&self.profiles[did], false)).collect();
                        let mut answer =
                            json!({ "subject": views::profile(self.found(one("actor"))?, false), "follows": page });
                        if from + limit < self.follows.len() {
                            answer["cursor"] = json!((from + limit).to_string());
                        }
                        Ok(answer)
                    }
                    _ => Err((501, "MethodNotImplemented", "Method Not Implemented")),
                }
            }
        }
    }

    fn session(&mut self, now: OffsetDateTime) -> Value {
        self.count += 1;
        let (access, refresh) = (format!("access.{}", self.count), format!("refresh.{}", self.count));
        self.access.insert(access.clone(), now + ACCESS);
        self.refresh.insert(refresh.clone(), now + REFRESH);
        let did = self.found(Some("reader.test")).expect("the reader").did.clone();
        json!({ "accessJwt": access, "refreshJwt": refresh, "did": did, "handle": "reader.test", "active": true })
    }

    fn found(&self, actor: Option<&str>) -> Result<&Profile> {
        let is = |profile: &&Profile| Some(profile.did.as_str()) == actor || Some(profile.handle.as_str()) == actor;
        let found = self.profiles.values().find(is).filter(|profile| !profile.gone);
        found.ok_or((400, "InvalidRequest", "Profile not found"))
    }

    /// As the reference server filters author feeds.
    fn passes(&self, item: &Item, filter: &str) -> bool {
        let post = &self.posts[&item.post];
        match filter {
            "posts_with_media" => item.repost.is_none() && matches!(post.embed, Embed::Images(_)),
            "posts_no_replies" => item.repost.is_some() || post.answers.is_none(),
            "posts_and_author_threads" => {
                item.repost.is_some() || post.answers.as_ref().is_none_or(|answered| *answered == item.by)
            }
            _ => true,
        }
    }

    /// A page. Lines of accounts that have gone are taken out after it was cut: pages can be short, or empty.
    fn feed(&self, shown: impl Fn(&Item) -> bool, limit: usize, cursor: Option<&str>) -> Result<Value> {
        let before = match cursor {
            Some(_) if self.refuses_places => return Err((400, "InvalidRequest", "Malformed cursor")),
            Some(cursor) => {
                let (ms, count) = cursor.split_once("::").ok_or((400, "InvalidRequest", "Malformed cursor"))?;
                Some((views::from_ms(ms.parse().unwrap()), count.parse().unwrap()))
            }
            None => None,
        };
        let older = self.items.iter().rev().filter(|(at, _)| before.is_none_or(|before| **at < before));
        let page: Vec<_> = older.filter(|(_, item)| shown(item)).take(limit).collect();
        let mut answer = json!({});
        if let Some(((at, count), _)) = page.last() {
            answer["cursor"] = json!(format!("{}::{count}", views::ms(*at)));
        }
        let alive = page.iter().filter(|(_, item)| !self.profiles[&self.posts[&item.post].author].gone);
        let mut lines: Vec<Value> = alive.map(|(at, item)| views::line(self, item, at.0)).collect();
        if !lines.is_empty() {
            // What the service will think of next.
            let mut odd = lines[0].clone();
            odd["reason"] = json!({ "$type": "app.bsky.feed.defs#reasonTrending", "rank": 1 });
            lines.insert(lines.len() / 2, odd);
        }
        answer["feed"] = json!(lines);
        Ok(answer)
    }
}
