//! A Mastodon server in memory: accounts here and elsewhere, statuses, a user stream, limits that are kept, and a clock that is
//! given.
//!
//! Cheap to clone; [`FakeMastodon::router`] can be served or called in process. Every request and every answer is held against
//! the description, and what does not fit is found in [`FakeMastodon::breaches`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use mekiki::pipeline::Clock;
use serde_json::{Value, json};
use serenity::futures::stream;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::openapi::OpenApi;
use super::views;

/// Requests in five minutes, as the server's own.
const LIMIT: u64 = 300;
const WINDOW: Duration = Duration::minutes(5);
pub(crate) const TOKEN: &str = "token-of-the-reader";

/// A file of a status.
#[derive(Debug, Clone)]
pub(crate) enum File {
    /// By its name, see [`FakeMastodon::picture`].
    Image(String),
    /// Not kept on this server.
    Elsewhere(String),
    /// Will be an image of that name.
    Processing(String),
    Video,
}

#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) account: u64,
    pub(crate) created: OffsetDateTime,
    pub(crate) files: Vec<File>,
    pub(crate) boosts: Option<u64>,
    /// The account that is answered.
    pub(crate) answers: Option<u64>,
    /// Put over what is sent.
    pub(crate) with: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) acct: String,
    pub(crate) with: Value,
    /// Known to this server, or only where it lives.
    pub(crate) met: bool,
    pub(crate) gone: bool,
}

/// How this server differs from Mastodon 4.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Make {
    #[default]
    Mastodon,
    /// Before 4.3: no batches of statuses.
    Older,
    /// Another program: ids are numbers, members are missing, no `Link`, no batches, no streams.
    Other,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) people: BTreeMap<u64, Person>,
    pub(crate) statuses: BTreeMap<u64, Status>,
    follows: Vec<u64>,
    lists: HashMap<u64, Vec<u64>>,
    pictures: HashMap<String, Vec<u8>>,
    /// Where files are, without a slash at its end.
    pub(crate) files: String,
    count: u64,
    pub(crate) make: Make,
    token: String,
    window: Option<OffsetDateTime>,
    used: u64,
    limit: u64,
    status: Option<u16>,
    streams: Vec<UnboundedSender<String>>,
    requests: Vec<String>,
    /// That requests were meant for.
    pub(crate) hosts: BTreeSet<String>,
    breaches: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct FakeMastodon {
    world: Arc<Mutex<World>>,
    described: Option<Arc<OpenApi>>,
    clock: Arc<dyn Clock>,
}

impl FakeMastodon {
    /// `own.example`, with one account that reads.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let world = World {
            files: "https://files.own.example".into(),
            token: TOKEN.into(),
            limit: LIMIT,
            count: 100,
            ..World::default()
        };
        let fake = Self { world: Arc::new(Mutex::new(world)), described: OpenApi::load().map(Arc::new), clock };
        fake.account("reader");
        fake
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// An account that the server knows: `name`, or `name@elsewhere`.
    pub(crate) fn account(&self, acct: &str) -> u64 {
        let mut world = self.world();
        world.count += 1;
        let id = world.count;
        let with = json!({ "indexable": true, "discoverable": true });
        world.people.insert(id, Person { id, acct: acct.into(), with, met: true, gone: false });
        id
    }

    /// One that it will know once it has asked there.
    pub(crate) fn stranger(&self, acct: &str) -> u64 {
        let id = self.account(acct);
        self.world().people.get_mut(&id).unwrap().met = false;
        id
    }

    pub(crate) fn follow(&self, id: u64) {
        self.world().follows.push(id);
    }

    pub(crate) fn list(&self, members: &[u64]) -> u64 {
        let mut world = self.world();
        world.count += 1;
        let id = world.count;
        world.lists.insert(id, members.to_vec());
        id
    }

    /// Pictures can be fetched under the name that this answers.
    pub(crate) fn picture(&self, bytes: &[u8]) -> String {
        let mut world = self.world();
        world.count += 1;
        let name = format!("{}.png", world.count);
        world.pictures.insert(name.clone(), bytes.to_vec());
        name
    }

    /// Posts now; answers the server's id.
    pub(crate) fn post(&self, account: u64, files: Vec<File>) -> u64 {
        self.post_as(account, files, |_| {})
    }

    pub(crate) fn post_as(&self, account: u64, files: Vec<File>, change: impl FnOnce(&mut Status)) -> u64 {
        let created = self.clock.now();
        let mut world = self.world();
        let mut status = Status { id: 0, account, created, files, boosts: None, answers: None, with: json!({}) };
        change(&mut status);
        // By its own date, as Mastodon gives ids to what comes from elsewhere.
        world.count += 1;
        let ms = u64::try_from(status.created.unix_timestamp_nanos() / 1_000_000).unwrap();
        status.id = (ms << 16) + world.count % (1 << 16);
        let id = status.id;
        world.statuses.insert(id, status);
        if world.follows.contains(&account) {
            let status = views::status(&world, &world.statuses[&id]);
            if let Some(described) = &self.described {
                let breaches = described.status_breaches(&status);
                world.breaches.extend(breaches);
            }
            world.tell("update", &status.to_string());
        }
        id
    }

    pub(crate) fn boost(&self, by: u64, of: u64) -> u64 {
        self.post_as(by, Vec::new(), |status| status.boosts = Some(of))
    }

    /// The status, and boosts of it.
    pub(crate) fn delete(&self, id: u64) {
        let mut world = self.world();
        world.statuses.remove(&id).expect("there is such a status");
        world.statuses.retain(|_, status| status.boosts != Some(id));
        world.tell("delete", &id.to_string());
    }

    /// What was processing is there now.
    pub(crate) fn processed(&self, id: u64) {
        for file in &mut self.world().statuses.get_mut(&id).unwrap().files {
            if let File::Processing(name) = file {
                *file = File::Image(name.clone());
            }
        }
    }

    pub(crate) fn make(&self, make: Make) {
        self.world().make = make;
    }

    pub(crate) fn change_token(&self, token: &str) {
        self.world().token = token.into();
    }

    /// Requests in a window.
    pub(crate) fn limit(&self, limit: u64) {
        self.world().limit = limit;
    }

    /// Every request is answered with this status.
    pub(crate) fn fails(&self, status: Option<u16>) {
        self.world().status = status;
    }

    /// Streams that are open get this as it is.
    pub(crate) fn say(&self, text: &str) {
        self.world().streams.retain(|stream| stream.send(text.to_owned()).is_ok());
    }

    pub(crate) fn end_streams(&self) {
        self.world().streams.clear();
    }

    /// Paths that were asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.world().requests)
    }

    /// What did not fit the description.
    pub(crate) fn breaches(&self) -> Vec<String> {
        self.world().breaches.clone()
    }

    fn respond(&self, request: &Request<Body>) -> Response<Body> {
        let now = self.clock.now();
        let (method, path) = (request.method().as_str(), request.uri().path());
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let mut world = self.world();
        world.requests.push(path.to_owned());
        world.hosts.extend(request.uri().host().map(str::to_owned));
        if let Some(described) = &self.described {
            let breaches = described.request_breaches(method, path, &query);
            world.breaches.extend(breaches);
        }
        let (limited, mut headers) = world.counts(now);
        let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let known = bearer.strip_prefix("Bearer ") == Some(world.token.as_str());
        let result = if let Some(status) = world.status {
            Err((status, "It does not work today"))
        } else if limited {
            Err((429, "Too many requests"))
        } else if !known {
            Err((401, "The access token is invalid"))
        } else if path == "/api/v1/streaming/user" && world.make != Make::Other {
            return world.stream();
        } else {
            world.dispatch(path, &query, self.described.as_deref())
        };
        let (status, body, link) = match result {
            Ok((body, link)) => (200, body, link),
            Err((status, error)) => (status, json!({ "error": error }), None),
        };
        headers.extend(link.filter(|_| world.make != Make::Other).map(|link| ("Link", link)));
        let body = views::as_made(views::with_odd_members(body), world.make);
        if let Some(described) = self.described.as_ref().filter(|_| world.make != Make::Other) {
            let breaches = described.answer_breaches(method, path, status, &body);
            world.breaches.extend(breaches);
        }
        let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response.header("Content-Type", "application/json").body(body.to_string().into()).unwrap()
    }
}

async fn answer(State(fake): State<FakeMastodon>, request: Request<Body>) -> Response<Body> {
    let file = request.uri().path().strip_prefix("/media/").map(str::to_owned);
    if let Some(picture) = file.and_then(|file| fake.world().pictures.get(&file).cloned()) {
        return Response::builder().header("Content-Type", "image/png").body(picture.into()).unwrap();
    }
    fake.respond(&request)
}

type Result<T> = std::result::Result<T, (u16, &'static str)>;
type Listed = (Value, Option<String>);

impl World {
    fn tell(&mut self, event: &str, data: &str) {
        let text = format!("event: {event}\ndata: {data}\n\n");
        self.streams.retain(|stream| stream.send(text.clone()).is_ok());
    }

    fn stream(&mut self) -> Response<Body> {
        let (sender, receiver) = unbounded_channel();
        sender.send(":)\n".to_owned()).unwrap();
        self.streams.push(sender);
        let next = |mut receiver: UnboundedReceiver<String>| async move {
            receiver.recv().await.map(|text| (Ok::<_, std::io::Error>(text), receiver))
        };
        let body = Body::from_stream(stream::unfold(receiver, next));
        Response::builder().header("Content-Type", "text/event-stream").body(body).unwrap()
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
        let headers = vec![
            ("X-RateLimit-Limit", self.limit.to_string()),
            ("X-RateLimit-Remaining", self.limit.saturating_sub(self.used).to_string()),
            ("X-RateLimit-Reset", reset.format(&Rfc3339).unwrap()),
        ];
        (self.used > self.limit, headers)
    }

    fn dispatch(&mut self, path: &str, query: &[(String, String)], described: Option<&OpenApi>) -> Result<Listed> {
        let one = |name: &str| query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let yes = |name: &str| one(name) == Some("true");
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').skip(2).collect();
        let alone = |body: Value| Ok((body, None));
        match parts.as_slice() {
            ["timelines", "home"] => {
                let reader = self.reader();
                let shown = |status: &Status| status.account == reader || self.follows.contains(&status.account);
                Ok(self.page(path, query, shown))
            }
            ["timelines", "list", id] => {
                let members =
                    id.parse().ok().and_then(|id: u64| self.lists.get(&id)).ok_or((404, "Record not found"))?;
                Ok(self.page(path, query, |status| members.contains(&status.account)))
            }
            ["accounts", "lookup"] => {
                let found = self.people.values().find(|p| p.met && !p.gone && Some(p.acct.as_str()) == one("acct"));
                alone(views::account(found.ok_or((404, "Record not found"))?))
            }
            ["accounts", "verify_credentials"] => {
                let me = &self.people[&self.reader()];
                alone(views::credentials(me))
            }
            ["accounts", id, "statuses"] => {
                let id = self.person(id)?.id;
                let shown = |status: &Status| {
                    status.account == id
                        && !(yes("exclude_reblogs") && status.boosts.is_some())
                        && !(yes("only_media") && status.files.is_empty())
                        && !(yes("exclude_replies") && status.answers.is_some_and(|answered| answered != id))
                };
                Ok(self.page(path, query, shown))
            }
            ["accounts", id, "following"] => {
                self.person(id)?;
                let from: usize = one("max_id").map_or(0, |max| max.parse().unwrap());
                let limit: usize = one("limit").map_or(40, |limit| limit.parse().unwrap());
                let page = self.follows.iter().skip(from).take(limit).map(|id| views::account(&self.people[id]));
                let next = from + limit;
                let link = (next < self.follows.len())
                    .then(|| views::link(path, &format!("limit={limit}&max_id={next}"), "next"));
                Ok((page.collect(), link))
            }
            ["search"] => {
                let asked = one("q").unwrap_or_default().trim_start_matches('@').to_owned();
                let found = self.people.values_mut().find(|p| p.acct == asked || views::page(p) == asked);
                let found = found.filter(|person| person.met || yes("resolve")).filter(|person| !person.gone);
                let accounts: Vec<Value> = found
                    .map(|person| {
                        person.met = true;
                        views::account(person)
                    })
                    .into_iter()
                    .collect();
                alone(json!({ "accounts": accounts, "statuses": [], "hashtags": [] }))
            }
            ["statuses"] if self.make == Make::Mastodon => {
                let ids: Vec<u64> = query.iter().filter_map(|(_, id)| id.parse().ok()).collect();
                if ids.len() > 20 {
                    return Err((422, "Too many statuses"));
                }
                let found = ids.iter().filter_map(|id| self.statuses.get(id));
                alone(found.map(|status| views::status(self, status)).collect())
            }
            ["statuses", id] => {
                let status = id.parse().ok().and_then(|id: u64| self.statuses.get(&id));
                alone(views::status(self, status.ok_or((404, "Record not found"))?))
            }
            ["instance"] if self.make != Make::Other => {
                let mut instance = described.map_or_else(|| json!({}), |described| described.example("Instance"));
                instance["configuration"]["urls"]["streaming"] = json!("wss://streaming.own.example");
                alone(instance)
            }
            _ => Err((404, "Not found")),
        }
    }

    fn reader(&self) -> u64 {
        *self.people.keys().next().unwrap()
    }

    fn person(&self, id: &str) -> Result<&Person> {
        let person = id.parse().ok().and_then(|id: u64| self.people.get(&id));
        person.filter(|person| person.met && !person.gone).ok_or((404, "Record not found"))
    }

    /// A page of statuses, newest first, and its links; `min_id` reads upwards.
    fn page(&self, path: &str, query: &[(String, String)], shown: impl Fn(&Status) -> bool) -> Listed {
        let one = |name: &str| query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let id = |name: &str| one(name).map(|id| id.parse::<u64>().unwrap());
        let limit = one("limit").map_or(20, |limit| limit.parse().unwrap()).min(40);
        let below = id("max_id").unwrap_or(u64::MAX);
        let above = id("min_id").or(id("since_id")).unwrap_or(0);
        let all = self.statuses.values().filter(|status| status.id < below && status.id > above && shown(status));
        let mut page: Vec<&Status> =
            if one("min_id").is_some() { all.take(limit).collect() } else { all.rev().take(limit).collect() };
        page.sort_by_key(|status| std::cmp::Reverse(status.id));
        let kept = query.iter().filter(|(name, _)| !name.ends_with("_id"));
        let kept: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        let mut links = Vec::new();
        if let Some(last) = page.last().filter(|_| page.len() == limit) {
            links.push(views::link(path, &format!("{kept}&max_id={}", last.id), "next"));
        }
        if let Some(first) = page.first() {
            links.push(views::link(path, &format!("{kept}&min_id={}", first.id), "prev"));
        }
        let body = page.into_iter().map(|status| views::status(self, status)).collect();
        (body, (!links.is_empty()).then(|| links.join(", ")))
    }
}
