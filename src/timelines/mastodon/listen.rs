//! Opening the user stream.

use url::Url;

use super::Mastodon;
use super::api::{Purpose, Refusal};
use super::stream::{Stream, lock};
use crate::timelines::{Events, TimelineError};

impl Mastodon {
    pub(super) async fn open_stream(&self) -> Result<Option<Box<dyn Events>>, TimelineError> {
        let now = self.api.clock.now();
        if let Some(pause) = lock(&self.opening).pause(now) {
            return Err(TimelineError::Wait(pause));
        }
        let at = self.streams_at.get_or_try_init(|| self.where_streams_are()).await?;
        match self.api.open(at.as_ref(), "/api/v1/streaming/user").await {
            Ok(answer) if is_stream(&answer) => {
                let stream = Stream::new(
                    self.api.host.clone(),
                    answer.into_body(),
                    self.opening.clone(),
                    self.api.clock.clone(),
                );
                Ok(Some(Box::new(stream)))
            }
            // Some servers stream by websocket alone, or not at all.
            Ok(_) | Err(Refusal::Status(..)) => {
                lock(&self.opening).is_not_offered(now);
                Ok(None)
            }
            Err(Refusal::Other(error @ (TimelineError::SignIn(_) | TimelineError::Wait(_)))) => {
                lock(&self.opening).failed(now);
                Err(error)
            }
            Err(Refusal::Other(error)) => {
                tracing::debug!(%error, "the stream cannot be opened");
                Err(TimelineError::Wait(lock(&self.opening).failed(now)))
            }
        }
    }

    /// Large servers stream from a host of its own.
    async fn where_streams_are(&self) -> Result<Option<Url>, TimelineError> {
        let instance = match self.api.get(Purpose::Polling, "/api/v2/instance", "").await {
            Ok(instance) => instance,
            Err(Refusal::Status(..)) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        let said = instance["configuration"]["urls"]["streaming"].as_str().unwrap_or_default();
        let web = match said.split_once("://") {
            Some(("wss" | "https", rest)) => format!("https://{rest}"),
            Some(("ws" | "http", rest)) => format!("http://{rest}"),
            _ => return Ok(None),
        };
        Ok(Url::parse(&web).ok())
    }
}

fn is_stream<B>(answer: &http::Response<B>) -> bool {
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/event-stream")
}
