//! The REST API: requests taken apart, checked, and answered from the world.

mod guilds;
mod interactions;
mod messages;
mod reactions;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use serenity::all::Permissions;
use serenity::futures::stream;

pub(in crate::discord::fake) use messages::snapshot;

use super::Inner;
use super::contract::Asked;
use super::faults::Fault;
use super::limits::Window;
use super::world::World;

/// A file sent along.
pub(super) struct Part {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// A request, taken apart.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) files: Vec<Part>,
    authorised: Option<String>,
}

impl Call {
    pub(super) fn body(&self) -> &Value {
        self.body.as_ref().unwrap_or(&Value::Null)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.query(name).and_then(|value| value.parse().ok())
    }
}

/// An error as Discord answers it.
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: &'static str,
    /// Of a 429.
    pub(super) retry_after: Option<Duration>,
}

pub(super) fn failure(status: u16, code: u32, message: &'static str) -> Failure {
    Failure { status, code, message, retry_after: None }
}

pub(super) fn unknown(code: u32, message: &'static str) -> Failure {
    failure(404, code, message)
}

/// `None`: 204 without a body.
pub(super) type Answer = Result<Option<Value>, Failure>;

/// Refuses what the bot may not do.
pub(super) fn allow(world: &World, channel: u64, needed: Permissions) -> Result<(), Failure> {
    let Some(found) = world.channels.get(&channel) else { return Err(unknown(10003, "Unknown Channel")) };
    let may = world.permissions(world.bot, channel);
    if found.guild.is_some() && !may.view_channel() {
        return Err(failure(403, 50001, "Missing Access"));
    }
    if may.contains(needed) { Ok(()) } else { Err(failure(403, 50013, "Missing Permissions")) }
}

/// One request, to its answer.
pub(super) async fn handle(inner: &Arc<Inner>, request: Request) -> Response {
    let call = match take_apart(request).await {
        Ok(call) => call,
        Err(what) => {
            inner.breach(format!("a request cannot be read: {what}"));
            return StatusCode::BAD_REQUEST.into_response();
        }
    };
    let path = call.path.join("/");
    inner.record(&call.method, &path);
    check(inner, &call);
    let route = inner.route(&call.path);
    let fault = inner.fault(&call.method, &route, &path);
    if fault == Some(Fault::Slow) {
        let slowness = inner.faults(|faults| faults.silence);
        tokio::time::sleep(slowness).await;
    }
    let fault = fault.filter(|fault| *fault != Fault::Slow);
    if let Some(fault) = fault.filter(|fault| !fault.is_done()) {
        return broken(inner, fault).await;
    }
    let limits = inner.limits(&call.method, &route, &path);
    let too_many = limits.filter(|window| window.over);
    let answer = match too_many {
        Some(window) => {
            Err(Failure { retry_after: Some(window.reset), ..failure(429, 0, "You are being rate limited.") })
        }
        None => inner.world(|world| answer(world, &call)),
    };
    inner.touch();
    if let Some(fault) = fault {
        return broken(inner, fault).await;
    }
    let (status, body, retry_after) = match answer {
        Ok(None) => (204, Value::Null, None),
        Ok(Some(body)) => (if created(&call) { 201 } else { 200 }, body, None),
        Err(failure) => {
            inner.refused(&call.method, &path, failure.status, failure.code);
            let mut body = json!({ "message": failure.message, "code": failure.code });
            if let Some(after) = failure.retry_after {
                body["retry_after"] = json!(after.as_secs_f64());
                body["global"] = json!(false);
            }
            (failure.status, body, failure.retry_after)
        }
    };
    if let (Some(contract), true) = (&inner.contract, inner.checks_answers()) {
        for breach in contract.answer_breaches(&call.method, &call.path, status, &body) {
            if status < 300 {
                inner.breach(format!("the fake's own answer to {} {path}: {breach}", call.method));
            }
        }
    }
    let headers = rate_headers(retry_after, &route, limits);
    let status = StatusCode::from_u16(status).expect("a status");
    if body.is_null() {
        return (status, headers).into_response();
    }
    (status, headers, axum::Json(body)).into_response()
}

/// What Discord answers with 201.
fn created(call: &Call) -> bool {
    call.method == "PUT" && call.path.len() == 5 && call.path[0] == "guilds" && call.path[2] == "members"
}

/// The request against the description of the API.
fn check(inner: &Inner, call: &Call) {
    let Some(contract) = &inner.contract else { return };
    let files: Vec<(String, String)> = call.files.iter().map(|p| (p.field.clone(), p.name.clone())).collect();
    let asked =
        Asked { method: &call.method, path: &call.path, query: &call.query, body: call.body.as_ref(), files: &files };
    for breach in contract.breaches(&asked) {
        inner.breach(format!("{} /{}: {breach}", call.method, call.path.join("/")));
    }
}

async fn take_apart(request: Request) -> Result<Call, String> {
    let method = request.method().to_string();
    let path = request.uri().path().trim_start_matches("/api/v10").trim_start_matches('/');
    let path = path.split('/').map(decoded).collect();
    let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let kind = text(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
    let authorised = text(request.headers(), header::AUTHORIZATION);
    let mut call = Call { method, path, query, body: None, files: Vec::new(), authorised };
    if kind.starts_with("multipart/form-data") {
        let mut form = Multipart::from_request(request, &()).await.map_err(|e| e.to_string())?;
        while let Some(field) = form.next_field().await.map_err(|e| e.to_string())? {
            let (part, name) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
            let bytes = field.bytes().await.map_err(|e| e.to_string())?;
            if part == "payload_json" {
                call.body = Some(serde_json::from_slice(&bytes).map_err(|e| e.to_string())?);
            } else {
                let (name, bytes) = (name.unwrap_or_default(), Arc::new(bytes.to_vec()));
                call.files.push(Part { field: part, name, bytes });
            }
        }
    } else {
        let bytes = Bytes::from_request(request, &()).await.map_err(|e| e.to_string())?;
        if !bytes.is_empty() {
            call.body = Some(serde_json::from_slice(&bytes).map_err(|e| e.to_string())?);
        }
    }
    Ok(call)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn decoded(part: &str) -> String {
    let form = format!("p={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn answer(world: &mut World, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let by_token = matches!(path[..], ["webhooks" | "interactions", ..]);
    if !by_token && call.authorised.as_deref() != Some(&format!("Bot {}", world.token)) {
        return Err(failure(401, 0, "401: Unauthorized"));
    }
    match (call.method.as_str(), &path[..]) {
        (_, ["channels", _, "messages", ..]) => messages::answer(world, call, &path),
        (_, ["interactions" | "webhooks", ..]) => interactions::answer(world, call, &path),
        _ => guilds::answer(world, call, &path),
    }
}

/// How a request ends that meets a fault.
pub(super) async fn broken(inner: &Inner, fault: Fault) -> Response {
    let (retry_after, silence) = inner.faults(|faults| (faults.retry_after, faults.silence));
    match fault {
        Fault::RateLimited => {
            let body = json!({
                "message": "You are being rate limited.", "retry_after": retry_after.as_secs_f64(), "global": false,
            });
            let headers = rate_headers(Some(retry_after), "fault", None);
            (StatusCode::TOO_MANY_REQUESTS, headers, axum::Json(body)).into_response()
        }
        Fault::Refused | Fault::DoneAndRefused => {
            let body = json!({ "message": "500: Internal Server Error", "code": 0 });
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
        }
        Fault::Expired => StatusCode::NOT_FOUND.into_response(),
        Fault::Slow => StatusCode::OK.into_response(),
        Fault::Cut | Fault::DoneAndCut => cut(),
        Fault::DoneAndSilent => {
            tokio::time::sleep(silence).await;
            cut()
        }
    }
}

/// A body that breaks off at once: the server closes the connection.
fn cut() -> Response {
    Body::from_stream(stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut off")) })).into_response()
}

fn rate_headers(retry_after: Option<Duration>, bucket: &str, limits: Option<Window>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        headers.insert(name, value.parse().expect("a header"));
    };
    let bucket: String = bucket.chars().filter(char::is_ascii_alphanumeric).collect();
    let refused = retry_after.map(|reset| Window { limit: 5, remaining: 0, reset, over: true });
    if let Some(Window { limit, remaining, reset, .. }) = limits.or(refused) {
        set("x-ratelimit-limit", limit.to_string());
        set("x-ratelimit-remaining", remaining.to_string());
        set("x-ratelimit-reset-after", format!("{:.3}", reset.as_secs_f64()));
        set("x-ratelimit-reset", format!("{:.3}", super::ids::unix_time() + reset.as_secs_f64()));
        set("x-ratelimit-bucket", bucket);
    }
    if let Some(after) = retry_after {
        set("retry-after", format!("{:.3}", after.as_secs_f64()));
        set("x-ratelimit-scope", "user".into());
    }
    headers
}
