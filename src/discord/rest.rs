//! Discord's REST interface.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use serenity::all::HttpBuilder;
use serenity::http::Http;
use url::Url;

use super::Settings;

/// The client for Discord's REST interface. Serenity makes one for each connection: everybody asks through the newest, so
/// that all requests wait for the same rate limits.
#[derive(Debug)]
pub struct Rest {
    token: SecretString,
    base: Option<Url>,
    client: Option<reqwest::Client>,
    current: RwLock<Arc<Http>>,
}

impl Rest {
    /// With a base, everything goes there over plain HTTP, and nothing waits for rate limits; without, to Discord, with
    /// serenity's limiter.
    pub fn new(settings: &Settings) -> Self {
        Self::build(settings, None)
    }

    /// The same through this client, which may find `discord.com` elsewhere.
    pub fn with_client(settings: &Settings, client: reqwest::Client) -> Self {
        Self::build(settings, Some(client))
    }

    fn build(settings: &Settings, client: Option<reqwest::Client>) -> Self {
        let (token, base) = (settings.token.clone(), settings.base.clone());
        let current = RwLock::new(Arc::new(http(&token, base.as_ref(), client.as_ref())));
        Self { token, base, client, current }
    }

    /// For one request: another connection may bring another.
    pub fn http(&self) -> Arc<Http> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One for a new connection, which takes it as a value.
    pub(super) fn fresh(&self) -> Http {
        http(&self.token, self.base.as_ref(), self.client.as_ref())
    }

    /// The connection has made this of it.
    pub(super) fn use_http(&self, http: Arc<Http>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = http;
    }
}

fn http(token: &SecretString, base: Option<&Url>, client: Option<&reqwest::Client>) -> Http {
    let mut builder = HttpBuilder::new(token.expose_secret());
    if let Some(client) = client {
        builder = builder.client(client.clone());
    }
    match base {
        // Serenity's limiter knows no proxy: it would send the request to the real Discord.
        Some(base) => builder.proxy(base.as_str().trim_end_matches('/')).ratelimiter_disabled(true).build(),
        None => builder.build(),
    }
}
