//! How adapters ask: through the one client of [`crate::fetch`], each of them only the hosts that are its service's.

use url::Url;

use super::{Answer, Http, Pieces, TimelineError};
use crate::domain::PostSource;
use crate::fetch::{FetchError, Fetcher, OpenBody};

/// Bytes of an answer that are read.
const LARGEST: usize = 8 << 20;

/// Which hosts an adapter may ask, and where pictures of its service may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any of the public Internet.
    Any,
    /// These and what lies below them.
    Only(Vec<String>),
}

impl Hosts {
    /// The host of this address, and what lies below it.
    pub fn of(url: &Url) -> Self {
        Self::Only(url.host_str().map(str::to_owned).into_iter().collect())
    }

    pub fn allow(&self, url: &str) -> bool {
        let Self::Only(hosts) = self else { return true };
        let Ok(url) = Url::parse(url) else { return false };
        let Some(host) = url.host_str() else { return false };
        let host = host.strip_suffix('.').unwrap_or(host);
        hosts.iter().any(|allowed| {
            host.strip_suffix(allowed.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

/// Where pictures of a service may lie. Anything else that a post names is not fetched.
pub(super) fn picture_hosts(source: PostSource) -> Hosts {
    match source {
        PostSource::X => Hosts::Only(vec!["twimg.com".into()]),
        // Mastodon's servers, Bluesky's personal data servers and feeds keep pictures wherever they like.
        _ => Hosts::Any,
    }
}

/// [`Http`] over a [`Fetcher`].
#[derive(Debug)]
pub struct Client {
    fetcher: Fetcher,
    hosts: Hosts,
}

impl Client {
    pub fn new(fetcher: Fetcher, hosts: Hosts) -> Self {
        Self { fetcher, hosts }
    }
}

impl Http for Client {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>> {
        Box::pin(async move {
            if !self.hosts.allow(&request.uri().to_string()) {
                return Err(elsewhere());
            }
            self.fetcher.ask(request, LARGEST).await.map_err(failed)
        })
    }

    fn open(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Box<dyn Pieces>>> {
        Box::pin(async move {
            if !self.hosts.allow(&request.uri().to_string()) {
                return Err(elsewhere());
            }
            let answer = self.fetcher.open(request).await.map_err(failed)?;
            Ok(answer.map(|body| -> Box<dyn Pieces> { Box::new(Stream(body)) }))
        })
    }
}

struct Stream(OpenBody);

impl Pieces for Stream {
    fn next(&mut self) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.0.next().await.map_err(failed) })
    }
}

fn elsewhere() -> TimelineError {
    TimelineError::Answer("it leads to a host that is not the service's".into())
}

fn failed(error: FetchError) -> TimelineError {
    match error {
        error @ (FetchError::Refused(_) | FetchError::TooLarge(_)) => TimelineError::Answer(error.to_string()),
        FetchError::Network(error) if error.is_connect() => TimelineError::Unreached("no connection came about".into()),
        error => TimelineError::Service(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_the_service_are_asked() {
        let hosts = Hosts::Only(vec!["x.com".into()]);
        for url in ["https://x.com/a", "https://api.x.com/2/tweets", "https://API.X.COM./a"] {
            assert!(hosts.allow(url), "{url}");
        }
        for url in [
            "https://notx.com/",
            "https://x.com.evil.example/",
            "https://evil.example/x.com",
            "https://x.com@evil.example/",
            "https://evil.example#x.com",
            "https://10.0.0.1/",
            "x.com",
            "",
        ] {
            assert!(!hosts.allow(url), "{url}");
        }
        assert!(Hosts::Any.allow("https://anywhere.example/"));
    }

    #[tokio::test]
    async fn a_host_that_is_not_the_services_is_not_even_looked_up() {
        let fetcher = Fetcher::new(crate::fetch::FetchRules::default()).unwrap();
        let client = Client::new(fetcher, Hosts::Only(vec!["x.com".into()]));
        for uri in ["https://evil.example/", "https://127.0.0.1/", "http://[::1]/"] {
            let asked = http::Request::get(uri).body(Vec::new()).unwrap();
            assert!(matches!(client.send(asked).await, Err(TimelineError::Answer(_))), "{uri}");
        }
    }
}
