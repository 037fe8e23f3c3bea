//! The timelines that are set up.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use time::format_description::well_known::Rfc3339;

use super::fetcher;
use super::x::Books;
use crate::config::Config;
use crate::domain::Micros;
use crate::pipeline::{Clock, Pause, SystemClock};
use crate::timelines::bluesky::{Bluesky, BlueskySettings};
use crate::timelines::mastodon::{Mastodon, MastodonSettings};
use crate::timelines::rss::Rss;
use crate::timelines::x::{Ledger, Parts as XParts, Settings as XSettings, X};
use crate::timelines::{Client, Hosts, Safe, Timeline, Timelines};

/// Where adapters keep what they sign in with.
pub fn safe(config: &Config) -> anyhow::Result<Safe> {
    let folder: &Path = &config.data_dir;
    Safe::open(&folder.join("vault"), config.timelines.secret.as_ref())
        .with_context(|| format!("cannot use the vault in {}", folder.display()))
}

/// One adapter a service that is set up; X only with the books that its money is counted in.
pub fn timelines(config: &Config, books: Option<Books>) -> anyhow::Result<Arc<Timelines>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let fetcher = fetcher(config)?;
    let client = |hosts: Hosts| Arc::new(Client::new(fetcher.clone(), hosts));
    let mut all: Vec<Arc<dyn Timeline>> = vec![Arc::new(Rss::new(client(Hosts::Any), Arc::clone(&clock)))];
    if let Some(bluesky) = &config.timelines.bluesky {
        let settings = BlueskySettings {
            service: bluesky.server.clone(),
            identifier: bluesky.handle.clone(),
            app_password: bluesky.app_password.clone(),
            reposts: true,
        };
        let vault = Arc::new(safe(config)?.drawer("bluesky"));
        all.push(Arc::new(Bluesky::new(settings, client(Hosts::of(&bluesky.server)), vault, Arc::clone(&clock))));
    }
    if let Some(mastodon) = &config.timelines.mastodon {
        let settings =
            MastodonSettings { server: mastodon.server.clone(), token: mastodon.token.clone(), boosts: true };
        all.push(Arc::new(Mastodon::new(settings, client(Hosts::of(&mastodon.server)), Arc::clone(&clock))));
    }
    if let (Some(_), Some(books)) = (&config.timelines.x, books) {
        all.push(Arc::new(x(config, books)?));
    }
    Ok(Arc::new(Timelines::new(all)))
}

/// X's adapter.
pub fn x(config: &Config, books: Books) -> anyhow::Result<X> {
    let x = config.timelines.x.as_ref().context("X is not set up: X_CLIENT_ID is missing; .env.example says more")?;
    let mut settings = XSettings::new(x.client_id.clone(), Micros(x.budget));
    settings.client_secret.clone_from(&x.client_secret);
    settings.prices.post = Micros(x.price_post);
    settings.prices.user = Micros(x.price_user);
    if let Some(base) = &x.base {
        settings.base.clone_from(base);
        settings.authorize = base.join("i/oauth2/authorize").context("X_BASE is no base")?;
    }
    let books = Arc::new(books);
    let parts = XParts {
        http: Arc::new(Client::new(fetcher(config)?, Hosts::of(&settings.base))),
        vault: Arc::new(safe(config)?.drawer("x")),
        clock: Arc::new(SystemClock),
        ledger: Arc::clone(&books) as Arc<dyn Ledger>,
        people: books,
    };
    Ok(X::new(parts, settings))
}

/// Why a service is let alone, and until when.
pub fn trouble(pause: &Pause) -> String {
    let until = pause.until.format(&Rfc3339).unwrap_or_default();
    format!("{}: {}; asked again at {until}", pause.source.as_str(), pause.error)
}
