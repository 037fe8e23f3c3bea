//! A loopback X: its state and clock are the test's, its requests and answers are held to the vendor's descriptions.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use mekiki::domain::Reads;
use mekiki::pipeline::Clock;
use mekiki::timelines::{Answer, Http, TimelineError};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

use super::contract::Contract;
use super::world::{Fault, Post, Speech, World};

pub(super) const CLIENT: &str = "client-1";
pub(super) const SECRET: &str = "not-to-be-printed";

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct FakeX {
    world: Arc<Mutex<World>>,
    contracts: Arc<[Contract; 2]>,
}

impl fmt::Debug for FakeX {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeX")
    }
}

impl FakeX {
    /// `None` where the vendor's descriptions are not there.
    pub(crate) fn new(world: World) -> Option<Self> {
        let contracts = [Contract::load("x-openapi-2.166.json")?, Contract::load("x-openapi-2.167.json")?];
        Some(Self { world: Arc::new(Mutex::new(world)), contracts: Arc::new(contracts) })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// The description that answers are held to.
    fn answers(&self, world: &World) -> &Contract {
        if world.speech == Speech::Tweet { &self.contracts[0] } else { &self.contracts[1] }
    }

    /// The description that requests are held to.
    fn requests(&self, world: &World) -> &Contract {
        if world.speech == Speech::Post { &self.contracts[1] } else { &self.contracts[0] }
    }
}

/// The fake without a socket; losses on the way are its own.
impl Http for FakeX {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>> {
        Box::pin(async move {
            let is_api = !request.uri().path().starts_with("/2/oauth2/");
            let fault = self.world().faults.front().copied().filter(|_| is_api);
            if fault == Some(Fault::Unreached) {
                self.world().faults.pop_front();
                return Err(TimelineError::Unreached("no connection".into()));
            }
            if fault == Some(Fault::Lost) {
                self.world().faults.pop_front();
            }
            let answer = self.router().oneshot(request.map(Body::from)).await.unwrap();
            if fault == Some(Fault::Lost) {
                return Err(TimelineError::Service("the connection broke".into()));
            }
            let (parts, body) = answer.into_parts();
            Ok(http::Response::from_parts(parts, to_bytes(body, usize::MAX).await.unwrap().to_vec()))
        })
    }
}

struct Asked {
    path: String,
    query: Vec<(String, String)>,
}

impl Asked {
    fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn list(&self, name: &str) -> BTreeSet<&str> {
        self.get(name).into_iter().flat_map(|value| value.split(',')).collect()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(|value| value.parse().ok())
    }

    fn most(&self) -> usize {
        self.number("max_results").unwrap_or(100) as usize
    }

    fn ids(&self) -> Vec<&str> {
        self.get("ids").into_iter().flat_map(|value| value.split(',')).collect()
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

async fn answer(State(fake): State<FakeX>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let mut world = fake.world();
    if path == "/i/oauth2/authorize" {
        return authorize(&mut world, &pairs(parts.uri.query().unwrap_or_default()));
    }
    if path == "/2/oauth2/token" {
        return token(&mut world, &parts.headers, &pairs(std::str::from_utf8(&body).unwrap()));
    }
    let asked = Asked { path, query: pairs(parts.uri.query().unwrap_or_default()) };
    let (status, body, served) = api(&fake, &mut world, &asked, &parts.headers);
    let now = world.clock.now();
    if status == 200 {
        world.bill(served);
        world.log.push(asked.path.clone());
    }
    // 2.167 describes only some problems; those it leaves out are as 2.166 has them.
    let contract = if status == 200 || status == 400 { fake.answers(&world) } else { &fake.contracts[0] };
    let breaches = contract.answer_breaches(&asked.path, status, &body);
    world.breaches.extend(breaches);
    let used = world.asked.get(&window(&asked.path, now)).copied().unwrap_or(0);
    let garbled = status == 200 && world.faults.pop_front_if(|fault| *fault == Fault::Garbled).is_some();
    let kind = if status == 200 { "application/json; charset=utf-8" } else { "application/problem+json" };
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    let silent = body["detail"] == "Slow down";
    if !silent {
        let reset = (now.unix_timestamp() / 900 + 1) * 900;
        response = response
            .header("x-rate-limit-limit", world.limit.to_string())
            .header("x-rate-limit-remaining", world.limit.saturating_sub(used).to_string())
            .header("x-rate-limit-reset", reset.to_string());
    }
    let text = if garbled { "<html>Something went wrong".to_owned() } else { body.to_string() };
    response.body(text.into()).unwrap()
}

fn window(path: &str, now: OffsetDateTime) -> (String, i64) {
    let route: Vec<&str> = path.split('/').filter(|part| part.parse::<u64>().is_err()).collect();
    (route.join("/"), now.unix_timestamp() / 900)
}

fn problem(status: u16, title: &str, detail: &str, kind: &str) -> (u16, Value, Reads) {
    let kind =
        if kind == "about:blank" { kind.to_owned() } else { format!("https://api.twitter.com/2/problems/{kind}") };
    (status, json!({ "title": title, "detail": detail, "type": kind, "status": status }), Reads::default())
}

fn api(fake: &FakeX, world: &mut World, asked: &Asked, headers: &HeaderMap) -> (u16, Value, Reads) {
    let now = world.clock.now();
    if let Some(fault) =
        world.faults.pop_front_if(|fault| !matches!(fault, Fault::Garbled | Fault::Lost | Fault::Unreached))
    {
        match fault {
            Fault::Status(status) => {
                return problem(status, "Service Unavailable", "Service Unavailable", "about:blank");
            }
            Fault::Unlimited => return problem(429, "Too Many Requests", "Slow down", "about:blank"),
            Fault::Capped => {
                return problem(429, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", "usage-capped");
            }
            Fault::Pass => {}
            _ => world.tokens.access.clear(),
        }
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = bearer.strip_prefix("Bearer ").and_then(|token| world.tokens.access.get(token));
    if known.is_none_or(|ends| *ends <= now) {
        return problem(401, "Unauthorized", "Unauthorized", "about:blank");
    }
    if world.speech == Speech::Post && asked.get("tweet.fields").is_some() {
        let body = json!({
            "type": "https://api.x.com/2/problems/invalid-request", "title": "Invalid Request", "status": 400,
            "detail": "The query parameter [tweet.fields] is not known", "parameter": "tweet.fields",
        });
        return (400, body, Reads::default());
    }
    let breaches = fake.requests(world).breaches(&asked.path, &asked.query);
    if !breaches.is_empty() {
        world.breaches.extend(breaches);
        return problem(
            400,
            "Invalid Request",
            "One or more parameters to your request was invalid.",
            "invalid-request",
        );
    }
    let used = world.asked.entry(window(&asked.path, now)).or_default();
    *used += 1;
    if *used > world.limit {
        return problem(429, "Too Many Requests", "Too Many Requests", "about:blank");
    }
    let parts: Vec<&str> = asked.path.split('/').skip(2).collect();
    let body = match parts[..] {
        ["users", id, "timelines", "reverse_chronological"] => {
            assert_eq!(id.parse(), Ok(world.me), "only one's own home timeline can be read");
            timeline(world, asked, &world.followed.clone())
        }
        ["users", id, "tweets"] => author(world, asked, id),
        ["lists", id, "tweets"] => timeline(world, asked, &world.lists[&id.parse().unwrap()].clone()),
        ["tweets"] => by_ids(world, asked),
        ["users", "me"] => json!({ "data": user(world, world.me) }),
        ["users", "by", "username", name] => {
            let found =
                world.people.iter().find(|(_, member)| member.handle.eq_ignore_ascii_case(name)).map(|(id, _)| *id);
            match found {
                Some(id) => json!({ "data": user(world, id) }),
                None => json!({ "errors": [missing(world, "username", "user", name)] }),
            }
        }
        ["users"] => {
            let found = |id: &&str| world.people.contains_key(&id.parse().unwrap_or(0));
            let data: Vec<Value> =
                asked.ids().into_iter().filter(found).map(|id| user(world, id.parse().unwrap())).collect();
            let errors: Vec<Value> =
                asked.ids().into_iter().filter(|id| !found(id)).map(|id| missing(world, "ids", "user", id)).collect();
            whole(data, Map::new(), errors, None)
        }
        ["users", _, "following"] => {
            let from: usize = asked.get("pagination_token").map_or(0, |token| token[1..].parse().unwrap());
            let page: Vec<Value> =
                world.followed.iter().skip(from).take(asked.most()).map(|id| user(world, *id)).collect();
            let next = from + page.len();
            let token = (next < world.followed.len()).then(|| format!("F{next:0>17}"));
            whole(page, Map::new(), Vec::new(), Some((token, false)))
        }
        _ => panic!("nobody asks for {}", asked.path),
    };
    let count = |value: &Value| if value.is_object() { 1 } else { value.as_array().map_or(0, Vec::len) } as u64;
    let (data, includes) = (count(&body["data"]), &body["includes"]);
    let of_users = parts[0] == "users" && !["tweets", "reverse_chronological"].contains(parts.last().unwrap());
    let referenced = count(&includes["tweets"]) + count(&includes["posts"]);
    let served = Reads {
        posts: referenced + if of_users { 0 } else { data },
        users: count(&includes["users"]) + if of_users { data } else { 0 },
        media: count(&includes["media"]),
    };
    (200, body, served)
}

/// `meta` with its token, and whether it tells the ids.
fn whole(
    data: Vec<Value>,
    includes: Map<String, Value>,
    errors: Vec<Value>,
    meta: Option<(Option<String>, bool)>,
) -> Value {
    let mut body = Map::new();
    if let Some((token, ids)) = meta {
        let mut meta = json!({ "result_count": data.len() });
        if let Some(token) = token {
            meta["next_token"] = json!(token);
        }
        let number = |post: &Value| post["id"].as_str().and_then(|id| id.parse::<u64>().ok());
        if let (true, Some(newest), Some(oldest)) =
            (ids, data.iter().filter_map(number).max(), data.iter().filter_map(number).min())
        {
            meta["newest_id"] = json!(newest.to_string());
            meta["oldest_id"] = json!(oldest.to_string());
        }
        body.insert("meta".into(), meta);
    }
    let includes: Map<String, Value> =
        includes.into_iter().filter(|(_, list)| list.as_array().is_none_or(|list| !list.is_empty())).collect();
    for (name, value) in [("data", Value::from(data)), ("errors", Value::from(errors))] {
        if value != json!([]) {
            body.insert(name.into(), value);
        }
    }
    if !includes.is_empty() {
        body.insert("includes".into(), includes.into());
    }
    body.into()
}

/// Of the problem's resource, in the dialect's own words.
fn missing(world: &World, parameter: &str, kind: &str, id: &str) -> Value {
    let host = if world.speech == Speech::Tweet { "api.twitter.com" } else { "api.x.com" };
    let kind = if kind == "tweet" && world.speech != Speech::Tweet { "post" } else { kind };
    json!({
        "type": format!("https://{host}/2/problems/resource-not-found"), "title": "Not Found Error",
        "detail": format!("Could not find {kind} with {parameter}: [{id}]."),
        "resource_type": kind, "resource_id": id, "parameter": parameter, "value": id,
    })
}

fn user(world: &World, id: u64) -> Value {
    let member = &world.people[&id];
    json!({
        "id": id.to_string(), "name": format!("{} draws", member.handle), "username": member.handle,
        "protected": member.protected, "verified_sign": { "kind": "not known yet" },
    })
}

fn author(world: &World, asked: &Asked, id: &str) -> Value {
    let number = id.parse().unwrap();
    match world.people.get(&number) {
        None => json!({ "errors": [missing(world, "id", "user", id)], "meta": { "result_count": 0 } }),
        Some(member) if member.protected && !world.followed.contains(&number) => {
            let mut refused = missing(world, "id", "user", id);
            let host = if world.speech == Speech::Tweet { "api.twitter.com" } else { "api.x.com" };
            refused["type"] = json!(format!("https://{host}/2/problems/not-authorized-for-resource"));
            refused["title"] = json!("Authorization Error");
            refused["section"] = json!("data");
            json!({ "errors": [refused], "meta": { "result_count": 0 } })
        }
        Some(_) => timeline(world, asked, &[number]),
    }
}

fn timeline(world: &World, asked: &Asked, authors: &[u64]) -> Value {
    let no_replies = asked.list("exclude").contains("replies");
    let token = asked.get("pagination_token").map(|token| token[1..].parse::<u64>().unwrap());
    let until = [token, asked.number("until_id")].into_iter().flatten().min().unwrap_or(u64::MAX);
    let since = asked.number("since_id").unwrap_or(0);
    let fits = |(id, post): &(&u64, &Post)| {
        **id > since && **id < until && authors.contains(&post.author) && !(no_replies && post.reply)
    };
    let mut found = world.posts.iter().rev().filter(fits).map(|(id, _)| *id).peekable();
    let mut page: Vec<u64> = found.by_ref().take(asked.most()).collect();
    let token = found.peek().is_some().then(|| format!("P{:0>19}", page.last().unwrap()));
    if world.shuffled {
        // Neither order, the same each time.
        page.sort_by_key(|id| id.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    listed(world, asked, &page, Vec::new(), Some((token, true)))
}

fn by_ids(world: &World, asked: &Asked) -> Value {
    let number = |id: &str| id.parse::<u64>().unwrap();
    let (there, gone): (Vec<&str>, Vec<&str>) =
        asked.ids().into_iter().partition(|id| world.posts.contains_key(&number(id)));
    let errors = gone.into_iter().map(|id| missing(world, "ids", "tweet", id)).collect();
    listed(world, asked, &there.into_iter().map(number).collect::<Vec<_>>(), errors, None)
}

fn listed(
    world: &World,
    asked: &Asked,
    page: &[u64],
    mut errors: Vec<Value>,
    meta: Option<(Option<String>, bool)>,
) -> Value {
    let expansions = asked.list("expansions");
    let mut media = Vec::new();
    let mut users = BTreeSet::new();
    let mut referenced = Vec::new();
    for id in page {
        let post = &world.posts[id];
        if expansions.contains("attachments.media_keys") {
            media.extend(shown(*id, post));
        }
        users.insert(post.author);
        for to in [post.reposts, post.quotes].into_iter().flatten().filter(|_| expansions.contains("referenced_posts"))
        {
            match world.posts.get(&to) {
                // Without its media: 2.167 has no expansion for them.
                Some(original)
                    if !referenced
                        .iter()
                        .any(|known: &Value| known["id"].as_str().and_then(|id| id.parse().ok()) == Some(to)) =>
                {
                    users.insert(original.author);
                    referenced.push(rendered(world, asked, to));
                }
                Some(_) => {}
                None => errors.push(missing(world, "referenced_posts", "tweet", &to.to_string())),
            }
        }
    }
    let users: Vec<Value> =
        users.into_iter().filter(|_| expansions.contains("author_id")).map(|id| user(world, id)).collect();
    let includes = [("media", media), ("users", users), ("posts", referenced)];
    let includes = includes.into_iter().map(|(name, list)| (name.to_owned(), Value::from(list))).collect();
    whole(page.iter().map(|id| rendered(world, asked, *id)).collect(), includes, errors, meta)
}

fn shown(id: u64, post: &Post) -> Vec<Value> {
    let mut media: Vec<Value> = (0..post.pictures)
        .map(|n| json!({ "media_key": format!("3_{id}{n}"), "type": "photo", "url": format!("https://pbs.twimg.com/media/{id}{n}.jpg"), "glow": 7 }))
        .collect();
    if post.clip {
        media.push(json!({ "media_key": format!("7_{id}9"), "type": "video", "preview_image_url": "https://pbs.twimg.com/x.jpg" }));
        media.push(json!({ "media_key": format!("99_{id}8"), "type": "hologram" }));
    }
    media
}

/// In the words of the dialect, with the fields asked for and some that nobody knows.
fn rendered(world: &World, asked: &Asked, id: u64) -> Value {
    let post = &world.posts[&id];
    let tweet = world.speech == Speech::Tweet;
    let mut fields = asked.list("tweet.fields");
    fields.extend(asked.list("post.fields"));
    fields.extend(asked.list("expansions"));
    let asked_for = |names: &[&str]| names.iter().any(|name| fields.contains(name));
    let mut body = json!({ "id": id.to_string(), "text": "&lt;3 https://t.co/a", "mood": { "level": 3 } });
    if asked_for(&["author_id"]) {
        body["author_id"] = json!(post.author.to_string());
    }
    if asked_for(&["created_at"]) {
        let millis = i128::from(id >> 22) + 1_288_834_974_657;
        let at = OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).unwrap();
        body["created_at"] = json!(at.format(&Rfc3339).unwrap());
    }
    if asked_for(&["possibly_sensitive"]) {
        body["possibly_sensitive"] = json!(post.sensitive);
    }
    let keys: Vec<Value> = shown(id, post).into_iter().map(|media| media["media_key"].clone()).collect();
    if asked_for(&["attachments"]) && !keys.is_empty() {
        body["attachments"] = json!({ "media_keys": keys });
    }
    let references = [("retweeted", post.reposts), ("quoted", post.quotes)];
    let references: Vec<Value> =
        references.into_iter().filter_map(|(kind, to)| Some(json!({ "type": kind, "id": to?.to_string() }))).collect();
    if asked_for(&["referenced_tweets", "referenced_posts"]) && !references.is_empty() {
        body[if tweet { "referenced_tweets" } else { "referenced_posts" }] = json!(references);
    }
    body[if tweet { "edit_history_tweet_ids" } else { "edit_history_post_ids" }] = json!([id.to_string()]);
    body
}

/// The person allows it at once.
fn authorize(world: &mut World, query: &[(String, String)]) -> Response<Body> {
    let query: HashMap<&str, &str> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!((query["response_type"], query["client_id"]), ("code", CLIENT));
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(query["scope"].split(' ').all(|scope| !scope.contains("write")), "read only");
    let code = format!("CODE-{}", world.tokens.codes.len());
    world.tokens.codes.insert(code.clone(), query["code_challenge"].to_owned());
    let to = format!("{}?state={}&code={code}", query["redirect_uri"], query["state"]);
    Response::builder().status(StatusCode::FOUND).header(header::LOCATION, to).body(Body::empty()).unwrap()
}

fn token(world: &mut World, headers: &HeaderMap, form: &[(String, String)]) -> Response<Body> {
    let form: HashMap<&str, &str> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let public = said.is_none() && form.get("client_id") == Some(&CLIENT);
    let answer = |status: u16, body: Value| {
        let kind = "application/json;charset=utf-8";
        Response::builder().status(status).header(header::CONTENT_TYPE, kind).body(body.to_string().into()).unwrap()
    };
    if said != Some(&basic) && !public {
        return answer(
            401,
            json!({ "error": "unauthorized_client", "error_description": "Missing valid authorization header" }),
        );
    }
    let accepted =
        match form["grant_type"] {
            "refresh_token" => world.tokens.refresh.as_deref() == Some(form["refresh_token"]),
            "authorization_code" => world.tokens.codes.remove(form["code"]).is_some_and(|challenge| {
                challenge == BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"]))
            }),
            other => panic!("grant {other}"),
        };
    if !accepted {
        return answer(
            400,
            json!({ "error": "invalid_request", "error_description": "Value passed for the token was invalid." }),
        );
    }
    world.tokens.made += 1;
    let (access, refresh) = (format!("ACCESS-{}", world.tokens.made), format!("REFRESH-{}", world.tokens.made));
    let ends = world.clock.now() + Duration::hours(2);
    world.tokens.access.insert(access.clone(), ends);
    world.tokens.refresh = Some(refresh.clone());
    answer(
        200,
        json!({ "token_type": "bearer", "expires_in": 7200, "access_token": access, "scope": "tweet.read", "refresh_token": refresh }),
    )
}
