//! The one client for everything that comes from a link somebody gave: https only, public addresses only, caps on time
//! and size, no cookies, and each redirect checked like the link itself.

mod address;
mod names;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::LOCATION;
use url::{Host, Url};

use names::{Names, NoPublicAddress, PublicOnly, SystemNames};

/// The whole of one download, redirects included.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// Of an open stream.
const SILENCE: Duration = Duration::from_secs(90);
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Names that mean this machine or its own network, and all below them.
const OWN_NAMES: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain"];

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
    Network(#[source] reqwest::Error),
    #[error("the server took too long")]
    TooSlow,
}

impl FetchError {
    /// Whether trying again can help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Gone(_) | Self::TooLarge(_) => false,
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::Network(_) | Self::TooSlow => true,
        }
    }

    /// A name that does not change with the wording.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "link_refused",
            Self::Gone(_) => "link_gone",
            Self::TooLarge(_) => "too_large",
            Self::Status(_) | Self::Network(_) | Self::TooSlow => "download",
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
        Self::with_names(rules, Arc::new(SystemNames))
    }

    fn with_names(rules: FetchRules, names: Arc<dyn Names>) -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("mekiki/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // A proxy would look names up by itself.
            .no_proxy()
            .dns_resolver(Arc::new(PublicOnly(names)))
            .connect_timeout(CONNECT)
            .build()
            .map_err(FetchError::Network)?;
        Ok(Self { client, rules })
    }

    /// The bytes behind the link, at most `cap` of them.
    pub async fn get(&self, link: &str, cap: usize) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(link).map_err(|_| FetchError::Refused("it is no address"))?;
        tokio::time::timeout(TIMEOUT, async { body(self.follow(url).await?, cap).await })
            .await
            .unwrap_or(Err(FetchError::TooSlow))
    }

    /// What a service answers to this request, whatever the status: at most `cap` bytes, redirects not followed.
    pub async fn ask(
        &self,
        request: http::Request<Vec<u8>>,
        cap: usize,
    ) -> Result<http::Response<Vec<u8>>, FetchError> {
        let request = reqwest::Request::try_from(request).map_err(|_| FetchError::Refused("it is no address"))?;
        self.allow(request.url())?;
        tokio::time::timeout(TIMEOUT, async {
            let answer = self.client.execute(request).await.map_err(failed)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut whole = http::Response::new(body(answer, cap).await?);
            *whole.status_mut() = status;
            *whole.headers_mut() = headers;
            Ok(whole)
        })
        .await
        .unwrap_or(Err(FetchError::TooSlow))
    }

    /// The beginning of an answer that is read piece by piece, for as long as its server likes.
    pub async fn open(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<OpenBody>, FetchError> {
        let request = reqwest::Request::try_from(request).map_err(|_| FetchError::Refused("it is no address"))?;
        self.allow(request.url())?;
        let answer = tokio::time::timeout(TIMEOUT, self.client.execute(request)).await;
        let answer = answer.map_err(|_| FetchError::TooSlow)?.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut open = http::Response::new(OpenBody(answer));
        *open.status_mut() = status;
        *open.headers_mut() = headers;
        Ok(open)
    }

    /// The answer at the end of the redirects.
    async fn follow(&self, mut url: Url) -> Result<Response, FetchError> {
        for _ in 0..=REDIRECTS {
            self.allow(&url)?;
            let answer = self.client.get(url.clone()).send().await.map_err(failed)?;
            match answer.status().as_u16() {
                200..=299 => return Ok(answer),
                301 | 302 | 303 | 307 | 308 => {
                    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    let to = to.ok_or(FetchError::Refused("it leads on to nowhere"))?;
                    url = url.join(to).map_err(|_| FetchError::Refused("it leads on to what is no address"))?;
                }
                status @ (401 | 403 | 404 | 410) => return Err(FetchError::Gone(status)),
                status => return Err(FetchError::Status(status)),
            }
        }
        Err(FetchError::Refused("it leads on and on"))
    }

    /// What can be told from the link alone; the addresses of its host are checked when it is connected to.
    fn allow(&self, url: &Url) -> Result<(), FetchError> {
        let same = |other: &Url| {
            (other.scheme(), other.host(), other.port_or_known_default())
                == (url.scheme(), url.host(), url.port_or_known_default())
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Refused("it carries a name or password"));
        }
        if self.rules.also.iter().any(same) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(FetchError::Refused("only https links are"));
        }
        if url.port().is_some() {
            return Err(FetchError::Refused("it names a port"));
        }
        match url.host() {
            Some(Host::Domain(name)) if is_public_name(name) => Ok(()),
            Some(Host::Domain(_)) => Err(FetchError::Refused("its host is no public one")),
            // In whichever notation: addresses have no certificate, and no business in a link.
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => Err(FetchError::Refused("it names an address instead of a host")),
            None => Err(FetchError::Refused("it names no host")),
        }
    }
}

/// The body of an answer that goes on.
#[derive(Debug)]
pub struct OpenBody(Response);

impl OpenBody {
    /// What has come next; `None` at the end. Servers that keep a stream open say so now and then: one that says nothing for
    /// too long has gone.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let piece = tokio::time::timeout(SILENCE, self.0.chunk()).await.map_err(|_| FetchError::TooSlow)?;
        Ok(piece.map_err(failed)?.map(Vec::from))
    }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let below = |own: &str| name.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !OWN_NAMES.iter().any(|own| below(own))
}

async fn body(mut answer: Response, cap: usize) -> Result<Vec<u8>, FetchError> {
    if answer.content_length().is_some_and(|length| length > cap as u64) {
        return Err(FetchError::TooLarge(cap));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > cap {
            return Err(FetchError::TooLarge(cap));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Links carry signatures: none of them goes into a log.
fn failed(error: reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        if inner.is::<NoPublicAddress>() {
            return FetchError::Refused("its host is no public one");
        }
        cause = inner.source();
    }
    FetchError::Network(error.without_url())
}
