//! What the adapter is built of.

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::money::{Ledger, People};
use crate::domain::{Micros, Prices};
use crate::pipeline::Clock;
use crate::timelines::{Http, Vault};

/// What config has to say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.x.com`, or a test's (`X_BASE`).
    pub base: Url,
    /// Where people allow the app: `https://x.com/i/oauth2/authorize`.
    pub authorize: Url,
    pub client_id: String,
    /// Of a confidential client; a public one has none.
    pub client_secret: Option<SecretString>,
    /// A month's.
    pub budget: Micros,
    pub prices: Prices,
}

impl Settings {
    /// For X itself.
    pub fn new(client_id: String, budget: Micros) -> Self {
        let url = |text| Url::parse(text).expect("a constant address");
        Self {
            base: url("https://api.x.com"),
            authorize: url("https://x.com/i/oauth2/authorize"),
            client_id,
            client_secret: None,
            budget,
            prices: Prices::default(),
        }
    }
}

/// What the adapter is built on.
#[derive(Debug, Clone)]
pub struct Parts {
    pub http: Arc<dyn Http>,
    pub vault: Arc<dyn Vault>,
    pub clock: Arc<dyn Clock>,
    pub ledger: Arc<dyn Ledger>,
    pub people: Arc<dyn People>,
}
