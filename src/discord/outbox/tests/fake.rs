//! As much of Discord's REST API as the outbox uses, on loopback, with faults on demand. The whole-bot tests have a whole
//! one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use serenity::http::{Http, HttpBuilder};

pub(super) const ME: u64 = 99;

/// What happens to one request instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Refused with this status and code; nothing is done.
    Refuse(u16, u32),
    /// Done, but the answer is HTTP 502.
    LoseAnswer,
    /// Done, but the answer makes no sense.
    Garble,
}

#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) id: u64,
    /// The request's body.
    pub(super) body: Value,
    pub(super) files: usize,
    pub(super) crossposted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) channels: BTreeMap<u64, Vec<Sent>>,
    /// Source messages that are there.
    pub(super) sources: Vec<u64>,
    pub(super) restricted: Vec<u64>,
    pub(super) faults: VecDeque<Fault>,
    pub(super) requests: Vec<String>,
    pub(super) enforce_nonce: bool,
    last_id: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Fake(Arc<Mutex<Server>>);

impl Fake {
    /// Listens; answers itself and a client that speaks to it.
    pub(super) async fn start() -> (Self, Arc<Http>) {
        let fake = Self::default();
        {
            let mut server = fake.lock();
            server.enforce_nonce = true;
            server.last_id = 1_000_000;
        }
        let app = Router::new()
            .route("/api/v10/users/@me", get(me))
            .route("/api/v10/channels/{channel}", get(channel))
            .route("/api/v10/channels/{channel}/messages", get(list).post(create))
            .route("/api/v10/channels/{channel}/messages/{message}", patch(edit).delete(delete))
            .route("/api/v10/channels/{channel}/messages/{message}/crosspost", post(crosspost))
            .with_state(fake.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("has an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let http = HttpBuilder::new("Bot x").proxy(format!("http://{address}")).ratelimiter_disabled(true).build();
        (fake, Arc::new(http))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Server> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bot's messages of a channel.
    pub(super) fn messages(&self, channel: u64) -> Vec<Sent> {
        self.lock().channels.get(&channel).cloned().unwrap_or_default()
    }

    /// A message that a command has sent; answers its id.
    pub(super) fn say(&self, channel: u64, text: &str) -> u64 {
        let mut server = self.lock();
        server.last_id += 1;
        let id = server.last_id;
        let sent = Sent { id, body: json!({ "content": text }), files: 0, crossposted: false };
        server.channels.entry(channel).or_default().push(sent);
        id
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }
}

fn refuse(status: u16, code: u32, errors: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({ "code": code, "message": "no", "errors": errors }))).into_response()
}

fn message(channel: u64, sent: &Sent) -> Value {
    let mut components = sent.body["components"].clone();
    if components.is_null() {
        components = json!([]);
    }
    json!({
        "id": sent.id.to_string(), "channel_id": channel.to_string(), "content": sent.body["content"].as_str().unwrap_or(""),
        "author": { "id": ME.to_string(), "username": "mekiki", "bot": true }, "timestamp": "2026-11-24T12:00:00Z",
        "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
        "pinned": false, "type": 0, "components": components, "message_reference": sent.body["message_reference"],
    })
}

/// Nothing, or what goes wrong before or after it is done.
fn next_fault(fake: &Fake, request: String) -> Option<Fault> {
    let mut server = fake.lock();
    server.requests.push(request);
    server.faults.pop_front()
}

fn answered(fault: Option<Fault>, answer: Value) -> Response {
    match fault {
        Some(Fault::LoseAnswer) => StatusCode::BAD_GATEWAY.into_response(),
        Some(Fault::Garble) => Json(json!({ "odd": true })).into_response(),
        _ => Json(answer).into_response(),
    }
}

/// The JSON of a request, and how many files came with it.
async fn body(request: Request) -> (Value, usize) {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/") {
        return (Json::from_request(request, &()).await.expect("is JSON").0, 0);
    }
    let mut parts = Multipart::from_request(request, &()).await.expect("is multipart");
    let (mut json, mut files) = (Value::Null, 0);
    while let Some(part) = parts.next_field().await.expect("can be read") {
        if part.name() == Some("payload_json") {
            json = serde_json::from_slice(&part.bytes().await.expect("can be read")).expect("is JSON");
        } else {
            files += 1;
            part.bytes().await.expect("can be read");
        }
    }
    (json, files)
}

async fn me() -> Response {
    Json(json!({ "id": ME.to_string(), "username": "mekiki", "discriminator": "0", "mfa_enabled": false, "verified": true }))
        .into_response()
}

async fn channel(State(fake): State<Fake>, Path(id): Path<u64>) -> Response {
    let nsfw = fake.lock().restricted.contains(&id);
    Json(json!({ "id": id.to_string(), "type": 0, "guild_id": "1", "name": "c", "position": 0, "nsfw": nsfw,
        "permission_overwrites": [] }))
    .into_response()
}

#[derive(serde::Deserialize)]
struct After {
    after: u64,
    limit: usize,
}

async fn list(State(fake): State<Fake>, Path(id): Path<u64>, Query(query): Query<After>) -> Response {
    let fault = next_fault(&fake, format!("GET {id}"));
    if let Some(Fault::Refuse(status, code)) = fault {
        return refuse(status, code, &json!({}));
    }
    let messages = fake.messages(id);
    let mut page: Vec<Value> =
        messages.iter().filter(|m| m.id > query.after).take(query.limit).map(|m| message(id, m)).collect();
    // Discord answers newest first.
    page.reverse();
    answered(fault, json!(page))
}

async fn create(State(fake): State<Fake>, Path(channel): Path<u64>, request: Request) -> Response {
    let (body, files) = body(request).await;
    let fault = next_fault(&fake, format!("POST {channel}"));
    if let Some(Fault::Refuse(status, code)) = fault {
        return refuse(status, code, &json!({}));
    }
    let mut server = fake.lock();
    if let Some(source) = body["message_reference"]["message_id"].as_str()
        && !server.sources.iter().any(|id| id.to_string() == source)
    {
        let why = json!({ "message_reference": { "_errors": [{ "code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message" }] } });
        return refuse(400, 50035, &why);
    }
    let (enforced, next) = (server.enforce_nonce && body["enforce_nonce"] == true, server.last_id + 1);
    let messages = server.channels.entry(channel).or_default();
    let same = messages.iter().find(|m| enforced && m.body["nonce"] == body["nonce"]).cloned();
    let sent = same.unwrap_or_else(|| {
        messages.push(Sent { id: next, body, files, crossposted: false });
        messages[messages.len() - 1].clone()
    });
    server.last_id = next;
    answered(fault, message(channel, &sent))
}

async fn edit(State(fake): State<Fake>, Path((channel, id)): Path<(u64, u64)>, request: Request) -> Response {
    let (body, files) = body(request).await;
    let fault = next_fault(&fake, format!("PATCH {channel}"));
    if let Some(Fault::Refuse(status, code)) = fault {
        return refuse(status, code, &json!({}));
    }
    let mut server = fake.lock();
    let Some(sent) = server.channels.entry(channel).or_default().iter_mut().find(|m| m.id == id) else {
        return refuse(404, 10008, &json!({}));
    };
    sent.files = files;
    for field in ["content", "components"] {
        sent.body[field] = body[field].clone();
    }
    let answer = message(channel, sent);
    answered(fault, answer)
}

async fn delete(State(fake): State<Fake>, Path((channel, id)): Path<(u64, u64)>) -> Response {
    let fault = next_fault(&fake, format!("DELETE {channel}"));
    if let Some(Fault::Refuse(status, code)) = fault {
        return refuse(status, code, &json!({}));
    }
    let mut server = fake.lock();
    let messages = server.channels.entry(channel).or_default();
    let before = messages.len();
    messages.retain(|m| m.id != id);
    match (messages.len() == before, fault) {
        (true, _) => refuse(404, 10008, &json!({})),
        (false, Some(_)) => StatusCode::BAD_GATEWAY.into_response(),
        (false, None) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn crosspost(State(fake): State<Fake>, Path((channel, id)): Path<(u64, u64)>) -> Response {
    let fault = next_fault(&fake, format!("CROSSPOST {channel}"));
    if let Some(Fault::Refuse(status, code)) = fault {
        return refuse(status, code, &json!({}));
    }
    let mut server = fake.lock();
    let Some(sent) = server.channels.entry(channel).or_default().iter_mut().find(|m| m.id == id) else {
        return refuse(404, 10008, &json!({}));
    };
    if std::mem::replace(&mut sent.crossposted, true) {
        return refuse(400, 40033, &json!({}));
    }
    let answer = message(channel, sent);
    answered(fault, answer)
}
