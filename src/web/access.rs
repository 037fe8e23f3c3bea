//! The token: asked for by every page, feed and API call once it is configured.
//!
//! The token itself travels only in the sign-in form and in `Authorization: Bearer`. What browsers and feed readers
//! keep is derived from it by HMAC-SHA-256, so that neither a stolen cookie nor a logged feed address gives it away,
//! and a new token revokes them all. A feed reader can send neither cookie nor header: the feed's address carries a key
//! (`?key=`) that opens that one path for reading, and so does the address of each crop in the feed.

use axum::Form;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use super::failure::Failure;
use super::{AppState, security};

const COOKIE: &str = "mekiki";
const SIGN_IN_FOR_SECONDS: u32 = 90 * 24 * 60 * 60;

/// Derives and checks what the token opens.
#[derive(Clone)]
pub(super) struct Keys(Hmac<Sha256>);

impl Keys {
    pub(super) fn new(token: &SecretString) -> Self {
        Self::of(token.expose_secret())
    }

    fn of(token: &str) -> Self {
        Self(Hmac::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length"))
    }

    fn mac(&self, purpose: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose)
    }

    /// What the browser keeps.
    fn session(&self) -> String {
        hex::encode(self.mac("session").finalize().into_bytes())
    }

    /// The key that opens `path` for reading.
    pub(super) fn link_key(&self, path: &str) -> String {
        hex::encode(self.mac(&format!("read {path}")).finalize().into_bytes())
    }

    /// Compares in constant time.
    fn fits(&self, purpose: &str, given: &str) -> bool {
        hex::decode(given).is_ok_and(|given| self.mac(purpose).verify_slice(&given).is_ok())
    }

    /// Whether `given` is the token. Both are hashed first, so the comparison tells nothing of length or content.
    fn is_token(&self, given: &str) -> bool {
        let given = Self::of(given).mac("session").finalize().into_bytes();
        self.mac("session").verify_slice(&given).is_ok()
    }

    fn open(&self, request: &Request) -> bool {
        let headers = request.headers();
        let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
        if bearer.is_some_and(|token| self.is_token(token.trim())) {
            return true;
        }
        if security::cookie(headers, COOKIE).is_some_and(|c| self.fits("session", c)) {
            return true;
        }
        let key = request.uri().query().and_then(|q| q.split('&').find_map(|p| p.strip_prefix("key=")));
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        reads && key.is_some_and(|key| self.fits(&format!("read {}", request.uri().path()), key))
    }
}

/// `path` as a feed reader can open it: with its key where a token is asked for.
pub(super) fn shared_path(keys: Option<&Keys>, path: &str) -> String {
    keys.map_or_else(|| path.to_owned(), |k| format!("{path}?key={}", k.link_key(path)))
}

/// Lets through who has the token; others may see how to sign in, the style sheet, and whether the bot is alive.
pub(super) async fn require_token(
    State(app): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(keys) = &app.keys else { return Ok(next.run(request).await) };
    if keys.open(&request) {
        return Ok(next.run(request).await);
    }
    let path = request.uri().path();
    if path == "/healthz" {
        return Ok(super::ops::alive(&app).await);
    }
    if path.starts_with("/assets/") || path == "/favicon.ico" || path == "/login" || path == "/lang" {
        return Ok(next.run(request).await);
    }
    Err(Failure::SignIn { wrong: false })
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
}

/// `POST /login`: trades the token for a cookie.
pub(super) async fn sign_in(
    State(app): State<AppState>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, Failure> {
    let back = Redirect::to(&security::back(&headers));
    let Some(keys) = &app.keys else { return Ok(back.into_response()) };
    if !keys.is_token(form.token.trim()) {
        return Err(Failure::SignIn { wrong: true });
    }
    let cookie = session_cookie(&app, &keys.session(), SIGN_IN_FOR_SECONDS);
    // Not back to /login itself, where a wrong attempt leaves one.
    let back = if security::back(&headers) == "/login" { Redirect::to("/") } else { back };
    Ok(([(header::SET_COOKIE, cookie)], back).into_response())
}

/// `POST /logout`
pub(super) async fn sign_out(State(app): State<AppState>) -> impl IntoResponse {
    ([(header::SET_COOKIE, session_cookie(&app, "", 0))], Redirect::to("/"))
}

fn session_cookie(app: &AppState, value: &str, seconds: u32) -> String {
    let secure = app.settings.public_url.as_deref().is_some_and(|u| u.starts_with("https://"));
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}
