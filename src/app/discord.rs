//! Discord, where a token is set: its client, and what it needs of the pipeline's beginning.

use std::sync::Arc;

use crate::config::Config;
use crate::discord::{App, Breaker, MessageLinks, Policy, Settings, ShardRange, breaker, build_http};
use crate::pipeline::{Pipeline, SystemClock};

/// What can be made before there is a pipeline.
#[derive(Debug)]
pub(super) struct Discord {
    settings: Settings,
    http: Arc<serenity::http::Http>,
    calls: Arc<Breaker>,
}

impl Discord {
    /// `None` without a token.
    pub(super) fn new(config: &Config, shards: Option<ShardRange>) -> Option<Self> {
        let discord = config.discord.as_ref()?;
        let settings = Settings {
            token: discord.token.clone(),
            base: discord.base.clone(),
            prefix: discord.prefix.clone(),
            policy: Policy { bots: discord.bots, webhooks: discord.webhooks },
            public_url: config.public_url.clone(),
            crops_days: config.crops_days,
            contact: config.contact.clone(),
            learn_from: config.learn_from.clone(),
            shards,
        };
        let http = Arc::new(build_http(&settings));
        Some(Self { settings, http, calls: breaker(Arc::new(SystemClock)) })
    }

    /// Finds a picture's link anew.
    pub(super) fn links(&self) -> Arc<MessageLinks> {
        Arc::new(MessageLinks { http: Arc::clone(&self.http), calls: Arc::clone(&self.calls) })
    }

    pub(super) fn app(self, pipeline: Arc<Pipeline>) -> App {
        App::new(pipeline, self.settings, self.http, self.calls)
    }
}
