//! Discord, where a token is set: its client, and what it needs of the pipeline's beginning.

use std::sync::Arc;

use super::serve::web_settings;
use crate::config::Config;
use crate::discord::{
    App, Breaker, FeedAddresses, MessageLinks, Patience, Policy, Rest, Settings, ShardRange, breaker,
};
use crate::pipeline::{Pipeline, SystemClock};
use crate::web::guild_feed_address;

/// What can be made before there is a pipeline.
#[derive(Debug)]
pub(super) struct Discord {
    settings: Settings,
    rest: Arc<Rest>,
    calls: Arc<Breaker>,
}

impl Discord {
    /// `None` without a token.
    pub(super) fn new(config: &Config, shards: Option<ShardRange>) -> Option<Self> {
        let discord = config.discord.as_ref()?;
        let page = web_settings(config);
        let settings = Settings {
            token: discord.token.clone(),
            base: discord.base.clone(),
            prefix: discord.prefix.clone(),
            policy: Policy { bots: discord.bots, webhooks: discord.webhooks },
            feeds: FeedAddresses::new(move |guild| guild_feed_address(&page, guild)),
            crops_days: config.crops_days,
            contact: config.contact.clone(),
            learn_from: config.learn_from.clone(),
            shards,
            patience: Patience::default(),
        };
        let rest = Arc::new(Rest::new(&settings));
        Some(Self { settings, rest, calls: breaker(Arc::new(SystemClock)) })
    }

    /// Finds a picture's link anew.
    pub(super) fn links(&self) -> Arc<MessageLinks> {
        Arc::new(MessageLinks { rest: Arc::clone(&self.rest), calls: Arc::clone(&self.calls) })
    }

    pub(super) fn app(self, pipeline: Arc<Pipeline>) -> App {
        App::new(pipeline, self.settings, self.rest, self.calls)
    }
}
