//! The timelines that are set up.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use time::format_description::well_known::Rfc3339;

use super::fetcher;
use crate::config::Config;
use crate::pipeline::{Clock, Pause, SystemClock};
use crate::timelines::rss::Rss;
use crate::timelines::{Client, Hosts, Safe, Timeline, Timelines};

/// Where adapters keep what they sign in with.
pub fn safe(config: &Config) -> anyhow::Result<Safe> {
    let folder: &Path = &config.data_dir;
    Safe::open(&folder.join("vault"), config.timelines.secret.as_ref())
        .with_context(|| format!("cannot use the vault in {}", folder.display()))
}

/// One adapter a service that is set up.
pub fn timelines(config: &Config) -> anyhow::Result<Arc<Timelines>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let fetcher = fetcher(config)?;
    let client = |hosts: Hosts| Arc::new(Client::new(fetcher.clone(), hosts));
    let all: Vec<Arc<dyn Timeline>> = vec![Arc::new(Rss::new(client(Hosts::Any), Arc::clone(&clock)))];
    Ok(Arc::new(Timelines::new(all)))
}

/// Why a service is let alone, and until when.
pub fn trouble(pause: &Pause) -> String {
    let until = pause.until.format(&Rfc3339).unwrap_or_default();
    format!("{}: {}; asked again at {until}", pause.source.as_str(), pause.error)
}
