//! What an adapter stands on, in memory: a clock by hand, a vault, and the way to a fake without a network.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, BodyDataStream};
use mekiki::pipeline::Clock;
use mekiki::timelines::{Answer, Http, Pieces, TimelineError, Vault};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serenity::futures::StreamExt;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(datetime!(2026-11-24 12:00 UTC))))
    }

    /// Stands at the machine's own time, for services that go by that.
    #[expect(clippy::disallowed_methods, reason = "what another program dates is dated by the machine")]
    pub(crate) fn at_present() -> Arc<Self> {
        Arc::new(Self(Mutex::new(OffsetDateTime::now_utc())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// Keeps its secret over the adapter's lives, and can refuse to.
#[derive(Debug, Default)]
pub(crate) struct MemoryVault {
    secret: Mutex<Option<SecretString>>,
    pub(crate) broken: AtomicBool,
}

impl MemoryVault {
    pub(crate) fn secret(&self) -> Option<String> {
        self.secret.lock().unwrap().as_ref().map(|secret| secret.expose_secret().to_owned())
    }
}

impl Vault for MemoryVault {
    fn read(&self) -> Answer<'_, Option<SecretString>> {
        let secret = self.secret().map(SecretString::from);
        Box::pin(async move { Ok(secret) })
    }

    fn keep(&self, secret: SecretString) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err(TimelineError::Service("the disk is full".into()));
            }
            *self.secret.lock().unwrap() = Some(secret);
            Ok(())
        })
    }
}

/// The way to a fake in this process; it can be cut before the request or before the answer.
#[derive(Debug)]
pub(crate) struct Way {
    router: Router,
    /// Requests get nowhere.
    pub(crate) down: AtomicBool,
    /// So manieth answer from now is lost: the service has done its part. None at 0.
    pub(crate) lose: AtomicUsize,
}

impl Way {
    pub(crate) fn to(router: Router) -> Arc<Self> {
        Arc::new(Self { router, down: AtomicBool::new(false), lose: AtomicUsize::new(0) })
    }

    pub(crate) async fn ask(&self, request: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        http::Response::from_parts(parts, body.to_vec())
    }
}

impl Http for Way {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Vec<u8>>> {
        Box::pin(async move {
            let cut = || TimelineError::Service("the connection was cut".into());
            if self.down.load(Ordering::Relaxed) {
                return Err(cut());
            }
            let answer = self.ask(request).await;
            let count = |left: usize| left.checked_sub(1);
            let lost = self.lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) == Ok(1);
            if lost { Err(cut()) } else { Ok(answer) }
        })
    }

    fn open(&self, request: http::Request<Vec<u8>>) -> Answer<'_, http::Response<Box<dyn Pieces>>> {
        Box::pin(async move {
            if self.down.load(Ordering::Relaxed) {
                return Err(TimelineError::Service("the connection was cut".into()));
            }
            let answer = self.router.clone().oneshot(request.map(Body::from)).await.unwrap();
            Ok(answer.map(|body| -> Box<dyn Pieces> { Box::new(Flow(body.into_data_stream())) }))
        })
    }
}

/// A body that goes on.
struct Flow(BodyDataStream);

impl Pieces for Flow {
    fn next(&mut self) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let piece = self.0.next().await.transpose();
            Ok(piece.map_err(|_| TimelineError::Service("the stream was cut".into()))?.map(Vec::from))
        })
    }
}

/// A file of `../shared/specs`; `None`, said loudly, where this checkout has no such folder beside it.
pub(crate) fn spec(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/specs").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("!!! SKIPPED: {} is not there; requests and answers are not checked !!!", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).expect("the specs are JSON"))
}
