//! The one client for everything that comes from a link somebody gave: https only, public addresses only, caps on time
//! and size, no cookies.

use std::time::Duration;

use url::Url;

/// The whole of one download.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);

/// Why a link gave no bytes.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the link is not one that can be followed: {0}")]
    Refused(&'static str),
    /// 401, 403, 404, 410: expired, removed or never there.
    #[error("the link no longer leads to a picture (HTTP {0})")]
    Gone(u16),
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the server answered HTTP {0}")]
    Status(u16),
    #[error("the download failed: {0}")]
    Network(#[from] reqwest::Error),
}

impl FetchError {
    /// Whether trying again can help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Gone(_) | Self::TooLarge(_) => false,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Network(_) => true,
        }
    }

    /// A name that does not change with the wording.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "link_refused",
            Self::Gone(_) => "link_gone",
            Self::TooLarge(_) => "too_large",
            Self::Status(_) | Self::Network(_) => "download",
        }
    }
}

/// What may be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchRules {
    /// Hosts and ports that tests serve pictures from: allowed over plain http and on loopback, besides the public ones.
    pub also: Vec<Url>,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    rules: FetchRules,
}

impl Fetcher {
    pub fn new(rules: FetchRules) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("mekiki/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { client, rules })
    }

    /// The bytes behind the link, at most `cap` of them.
    pub async fn get(&self, link: &str, cap: usize) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(link).map_err(|_| FetchError::Refused("it is no address"))?;
        self.allow(&url)?;
        let mut answer = self.client.get(url).send().await.map_err(reqwest::Error::without_url)?;
        match answer.status().as_u16() {
            200..=299 => {}
            status @ (401 | 403 | 404 | 410) => return Err(FetchError::Gone(status)),
            status => return Err(FetchError::Status(status)),
        }
        if answer.content_length().is_some_and(|length| length > cap as u64) {
            return Err(FetchError::TooLarge(cap));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if bytes.len() + chunk.len() > cap {
                return Err(FetchError::TooLarge(cap));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn allow(&self, url: &Url) -> Result<(), FetchError> {
        let same = |other: &Url| {
            (other.scheme(), other.host(), other.port_or_known_default())
                == (url.scheme(), url.host(), url.port_or_known_default())
        };
        if self.rules.also.iter().any(same) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(FetchError::Refused("only https links are"));
        }
        match url.host() {
            Some(url::Host::Domain(_)) => Ok(()),
            _ => Err(FetchError::Refused("it names no host")),
        }
    }
}
