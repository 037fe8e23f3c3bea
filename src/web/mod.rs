//! The local web page: a source of pictures, an outlet for picks, and the place where the taste is taught.
//!
//! Server-rendered with [`maud`]; a small script makes it lively, and without it every form still works. The page knows
//! the rest of the bot through [`Backend`] alone.
//!
//! One request's way through: response headers → failures into words → Host and origin check ([`security`]) → token
//! ([`access`]) → a handler of one of the rooms ([`gallery`], [`post`], [`asking`], [`boxes`], [`feed`], [`taste`], [`upload`], [`api`],
//! [`media`], [`atom`], [`ops`]).

mod lang;

mod access;
mod api;
mod asking;
mod assets;
mod atom;
mod backend;
mod boxes;
mod card;
mod failure;
mod feed;
mod gallery;
mod layout;
mod media;
mod ops;
mod post;
mod security;
mod taste;
mod upload;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post as form, put};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

pub use crate::domain::Lang;
pub use backend::{Answer, Backend, HealthView, Media, ModelView, RateError, Standing, SubmitError, Upload};

/// How the page is reached and spoken to.
#[derive(Debug, Clone, Default)]
pub struct WebSettings {
    /// Asked for on every page, feed and API call when set. Must be set when the page is bound to more than loopback.
    pub token: Option<SecretString>,
    /// Where people reach the page, such as `https://mekiki.example.org`, without a path. Its host is accepted besides
    /// loopback, and the feed's links start with it.
    pub public_url: Option<String>,
    /// Language for visitors who have not chosen one; `None` asks their browser.
    pub lang: Option<Lang>,
    /// How artists reach the operator; shown at the foot of each page.
    pub contact: Option<String>,
}

/// Files that are received at the same time; each may hold [`upload::FILE_LIMIT`] bytes in memory.
const UPLOADS_AT_ONCE: usize = 4;

/// The address of a Discord server's feed, as a feed reader can open it; `None` when the page cannot be reached from
/// outside.
pub fn guild_feed_address(settings: &WebSettings, guild: u64) -> Option<String> {
    let base = settings.public_url.as_deref()?;
    let keys = settings.token.as_ref().map(access::Keys::new);
    Some(format!("{base}{}", access::shared_path(keys.as_ref(), &atom::guild_path(guild))))
}

/// What every handler can reach.
#[derive(Clone)]
struct AppState {
    backend: Arc<dyn Backend>,
    settings: Arc<WebSettings>,
    keys: Option<Arc<access::Keys>>,
    uploads: Arc<Semaphore>,
}

/// The whole page as a service.
pub fn router(backend: Arc<dyn Backend>, settings: WebSettings) -> Router {
    let keys = settings.token.as_ref().map(|token| Arc::new(access::Keys::new(token)));
    let uploads = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
    let state = AppState { backend, settings: Arc::new(settings), keys, uploads };
    Router::new()
        .route("/", get(gallery::page))
        .route("/picture/{post}", get(post::page))
        .route("/feed", get(feed::page))
        .route("/feed.xml", get(atom::feed))
        .route("/guild/{guild}/feed.xml", get(atom::guild_feed))
        .route("/taste", get(taste::page))
        .route("/rate", get(asking::page))
        .route("/boxes", get(boxes::next))
        .merge(actions())
        .route("/media/picture/{picture}", get(media::picture))
        .route("/media/thumb/{picture}", get(media::thumbnail))
        .route("/media/crop/{face}", get(media::crop))
        .route("/healthz", get(ops::health))
        .route("/metrics", get(ops::metrics))
        .route("/assets/{version}/{name}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .fallback(async || failure::Failure::NotFound)
        .layer(from_fn_with_state(state.clone(), access::require_token))
        .layer(from_fn_with_state(state.clone(), security::same_site_only))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(state.clone(), failure::say))
        .layer(from_fn(security::response_headers))
        .with_state(state)
}

/// What changes something: plain forms, and the same for the script.
fn actions() -> Router<AppState> {
    Router::new()
        .route("/upload", form(upload::by_form).layer(upload::body_limit()))
        .route("/faces/{face}/rating", form(post::rate))
        .route("/posts/{post}/remove", form(post::remove))
        .route("/rate", form(asking::vote))
        .route("/boxes/{picture}", get(boxes::page).post(boxes::save))
        .route("/lang", form(lang::choose))
        .route("/login", form(access::sign_in))
        .route("/logout", form(access::sign_out))
        .route("/api/pictures", form(upload::by_script).layer(upload::body_limit()))
        .route("/api/posts", get(api::posts))
        .route("/api/posts/{post}", get(api::post).delete(api::remove))
        .route("/api/ask", get(asking::more))
        .route("/api/boxes/{picture}", put(boxes::save_by_script))
        .route("/api/faces/{face}/rating", put(api::rate).delete(api::take_back))
}

/// What a page needs to know of its visitor.
struct Visitor {
    lang: Lang,
    /// Path of the page, to mark where one is.
    path: String,
    /// The page asks for a token and got it: there is something to sign out of.
    signed_in: bool,
    /// How artists reach the operator.
    contact: Option<String>,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self {
            lang: Lang::of(&parts.headers, app.settings.lang),
            path: parts.uri.path().to_owned(),
            signed_in: app.keys.is_some(),
            contact: app.settings.contact.clone(),
        })
    }
}
