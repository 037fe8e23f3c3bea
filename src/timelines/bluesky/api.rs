//! One request to the service and what its answer says.

use std::sync::Arc;

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::pipeline::Clock;
use crate::timelines::limits::Limits;
use crate::timelines::{Http, TimelineError};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Signing in has limits of its own.
    SignIn,
    /// Somebody asked.
    People,
    Polling,
}

/// Why an answer is not the one that was hoped for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The service's own name for it.
    Said {
        status: StatusCode,
        error: String,
        message: String,
    },
    Other(TimelineError),
}

impl From<TimelineError> for Refusal {
    fn from(error: TimelineError) -> Self {
        Self::Other(error)
    }
}

impl Refusal {
    pub(super) fn is_of_the_token(&self) -> bool {
        match self {
            Self::Said { status, error, .. } => {
                *status == StatusCode::UNAUTHORIZED || matches!(error.as_str(), "ExpiredToken" | "InvalidToken")
            }
            Self::Other(_) => false,
        }
    }
}

impl From<Refusal> for TimelineError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Other(error) => error,
            Refusal::Said { status, error, message } => {
                let said = format!("Bluesky answers {} {error}: {message}", status.as_u16());
                if status.is_server_error() { Self::Service(said) } else { Self::Answer(said) }
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Api {
    service: Url,
    http: Arc<dyn Http>,
    pub(super) clock: Arc<dyn Clock>,
    signing_in: Limits,
    reading: Limits,
}

impl Api {
    pub(super) fn new(service: Url, http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        Self { service, http, clock, signing_in: Limits::default(), reading: Limits::default() }
    }

    /// A query: `GET` with the access token.
    pub(super) async fn query(
        &self,
        purpose: Purpose,
        name: &str,
        parameters: &[(&str, &str)],
        bearer: &SecretString,
    ) -> Result<Value, Refusal> {
        let mut url = self.url(name)?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.send(purpose, (Method::GET, &url), Some(bearer), None).await
    }

    /// A procedure: `POST`.
    pub(super) async fn procedure(
        &self,
        name: &str,
        bearer: Option<&SecretString>,
        input: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let url = self.url(name)?;
        self.send(Purpose::SignIn, (Method::POST, &url), bearer, input).await
    }

    fn url(&self, name: &str) -> Result<Url, TimelineError> {
        let path = format!("xrpc/{name}");
        self.service.join(&path).map_err(|_| TimelineError::Service("the service's address cannot be used".into()))
    }

    async fn send(
        &self,
        purpose: Purpose,
        (method, url): (Method, &Url),
        bearer: Option<&SecretString>,
        input: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let limits = if purpose == Purpose::SignIn { &self.signing_in } else { &self.reading };
        let now = self.clock.now();
        if purpose == Purpose::Polling { limits.allow_polling(now) } else { limits.allow(now) }?;
        let mut request =
            http::Request::builder().method(method).uri(url.as_str()).header("Accept", "application/json");
        if let Some(token) = bearer {
            let mut value = http::HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| TimelineError::SignIn("what was kept to sign in to Bluesky cannot be used".into()))?;
            value.set_sensitive(true);
            request = request.header("Authorization", value);
        }
        if input.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        let body = input.map(|input| input.to_string().into_bytes()).unwrap_or_default();
        let request =
            request.body(body).map_err(|_| TimelineError::Service("the service's address cannot be used".into()))?;
        let answer = self.http.send(request).await?;
        limits.hear(&answer, self.clock.now())?;
        let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
        if answer.status().is_success() {
            return body.ok_or_else(|| TimelineError::Answer("Bluesky's answer is no JSON".into()).into());
        }
        let body = body.unwrap_or_default();
        // Other people's words, and at times a whole page of them.
        let text = |name: &str| body[name].as_str().unwrap_or_default().chars().take(200).collect();
        Err(Refusal::Said { status: answer.status(), error: text("error"), message: text("message") })
    }
}
