//! One request to the server and what its answer says.

use std::sync::Arc;

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::pipeline::Clock;
use crate::timelines::limits::Limits;
use crate::timelines::{Http, Pieces, TimelineError};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody asked.
    People,
    Polling,
}

/// Why an answer is not the one that was hoped for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A status that may mean something to whoever asked.
    Status(StatusCode, String),
    Other(TimelineError),
}

impl From<TimelineError> for Refusal {
    fn from(error: TimelineError) -> Self {
        Self::Other(error)
    }
}

impl From<Refusal> for TimelineError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Other(error) => error,
            Refusal::Status(status, said) => Self::Answer(format!("the server answers {}: {said}", status.as_u16())),
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) items: Vec<Value>,
    /// The query of the next page, where the answer says one.
    pub(super) next: Option<String>,
    /// The answer says nothing of pages at all.
    pub(super) silent: bool,
}

#[derive(Debug)]
pub(super) struct Api {
    server: Url,
    /// Its name, as it stands in accounts.
    pub(super) host: String,
    token: SecretString,
    http: Arc<dyn Http>,
    pub(super) clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Api {
    pub(super) fn new(server: Url, token: SecretString, http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        let name = server.host_str().unwrap_or_default();
        let host = server.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        Self { server, host, token, http, clock, limits: Limits::default() }
    }

    /// `path` begins with a slash; `query` is encoded already, or empty.
    pub(super) async fn get(&self, purpose: Purpose, path: &str, query: &str) -> Result<Value, Refusal> {
        let answer = self.send(purpose, path, query).await?;
        json(&answer)
    }

    pub(super) async fn sheet(&self, purpose: Purpose, path: &str, query: &str) -> Result<Sheet, Refusal> {
        let answer = self.send(purpose, path, query).await?;
        let Value::Array(items) = json(&answer)? else {
            return Err(TimelineError::Answer("the server's answer is no list".into()).into());
        };
        let links = answer.headers().get_all("link").iter().filter_map(|value| value.to_str().ok());
        let links: Vec<&str> = links.collect();
        let next = links.iter().find_map(|links| next_query(links));
        Ok(Sheet { items, next, silent: links.is_empty() })
    }

    async fn send(&self, purpose: Purpose, path: &str, query: &str) -> Result<http::Response<Vec<u8>>, Refusal> {
        let now = self.clock.now();
        if purpose == Purpose::Polling { self.limits.allow_polling(now) } else { self.limits.allow(now) }?;
        let mut url = self.server.clone();
        url.set_path(path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let answer = self.http.send(self.request(&url, "application/json")?).await?;
        self.limits.hear(&answer, self.clock.now())?;
        match answer.status() {
            // The home timeline is being put together anew: what is there is not all of it.
            StatusCode::PARTIAL_CONTENT => Err(TimelineError::Wait(std::time::Duration::from_secs(30)).into()),
            status if status.is_success() => Ok(answer),
            status => Err(refusal(status, answer.body())),
        }
    }

    /// A stream that the server leaves open; at another address, where it says so.
    pub(super) async fn open(&self, at: Option<&Url>, path: &str) -> Result<http::Response<Box<dyn Pieces>>, Refusal> {
        let mut url = at.unwrap_or(&self.server).clone();
        url.set_path(path);
        self.limits.allow(self.clock.now())?;
        let answer = self.http.open(self.request(&url, "text/event-stream")?).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(refusal(status, b"")),
        }
    }

    fn request(&self, url: &Url, accept: &str) -> Result<http::Request<Vec<u8>>, TimelineError> {
        let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", self.token.expose_secret().trim()))
            .map_err(|_| TimelineError::SignIn("the Mastodon token holds characters that no token has".into()))?;
        bearer.set_sensitive(true);
        http::Request::get(url.as_str())
            .header("Accept", accept)
            .header("Authorization", bearer)
            .body(Vec::new())
            .map_err(|_| TimelineError::Service("the server's address cannot be used".into()))
    }
}

fn json(answer: &http::Response<Vec<u8>>) -> Result<Value, Refusal> {
    let read = serde_json::from_slice(answer.body());
    read.map_err(|_| TimelineError::Answer("the server's answer is no JSON".into()).into())
}

fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said: String = body["error"].as_str().unwrap_or_default().chars().take(200).collect();
    match status {
        StatusCode::UNAUTHORIZED => Refusal::Other(TimelineError::SignIn(
            "the server does not accept the Mastodon token: make a new one under Preferences > Development, with the \
             scope read, and set it"
                .into(),
        )),
        StatusCode::FORBIDDEN => Refusal::Other(TimelineError::SignIn(format!(
            "the server forbids that to the Mastodon token ({said}): it needs the scope read, and an account in good standing"
        ))),
        status if status.is_server_error() => {
            Refusal::Other(TimelineError::Service(format!("the server answers {}: {said}", status.as_u16())))
        }
        status => Refusal::Status(status, said),
    }
}

/// The query of the link to the next page. Its host is not asked: the token is for this server alone.
fn next_query(links: &str) -> Option<String> {
    links.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').filter_map(|p| p.trim().strip_prefix("rel="));
        let is_next = is_next.map(|rel| rel.trim_matches('"')).any(|rel| rel.split(' ').any(|rel| rel == "next"));
        let query = target.split_once('?')?.1;
        (is_next && !query.is_empty()).then(|| query.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_next_page() {
        for (links, next) in [
            (r#"<https://a.b/api?max_id=1>; rel="next", <https://a.b/api?min_id=2>; rel="prev""#, Some("max_id=1")),
            (
                r#"<https://a.b/api?min_id=2>; rel="prev", <https://evil.c/x?max_id=a%2Cb&limit=4>;rel=next"#,
                Some("max_id=a%2Cb&limit=4"),
            ),
            (r#"<https://a.b/api?max_id=1>; title="x"; rel="last next""#, Some("max_id=1")),
            (r#"<https://a.b/api?min_id=2>; rel="prev""#, None),
            (r#"<https://a.b/api>; rel="next""#, None),
            ("", None),
            ("<", None),
            (r#"https://a.b/?x; rel="next""#, None),
        ] {
            assert_eq!(next_query(links).as_deref(), next, "{links}");
        }
    }
}
