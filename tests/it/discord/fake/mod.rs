//! A Discord on loopback: REST, gateway and CDN in one server over one world, driven by the test.
//!
//! A test starts one with [`Discord::start`], fills it ([`Discord::guild`] and its like), points the program at
//! [`Discord::settings`], lets people post, react and click, and waits for what it wants to see. Every request of the
//! program is checked against Discord's description of its API: a breach fails the test when the Discord is dropped.

mod cdn;
mod contract;
mod faults;
mod gateway;
mod ids;
mod interact;
mod limits;
mod messages;
mod people;
mod pictures;
mod rest;
mod setup;
mod shapes;
mod tls;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use faults::{Dice, Fault, Faults};
pub(crate) use gateway::{Gateway, Out};
pub(crate) use interact::Asker;
pub(crate) use limits::Limits;
pub(crate) use people::Draft;
pub(crate) use pictures::Picture;
pub(crate) use setup::Place;
pub(crate) use world::{Message, Reaction, World, id, kind};

use contract::Contract;
use shapes::Shapes;

use crate::bot::PATIENCE;

/// A message: its channel and its id.
pub(crate) type At = (u64, u64);

pub(crate) struct Discord {
    inner: Arc<Inner>,
    server: JoinHandle<()>,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
}

pub(crate) struct Inner {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    limits: Mutex<Option<Limits>>,
    contract: Option<Contract>,
    answers_too: Mutex<bool>,
    breaches: Mutex<Vec<String>>,
    /// Requests by method and path.
    asked: Mutex<BTreeMap<String, u64>>,
    /// Requests that were refused: method, path, status, Discord's code.
    refused: Mutex<Vec<(String, u16, u32)>>,
    changed: watch::Sender<u64>,
}

/// The lock, also after a test has failed while it held it: what was seen is still to be told.
fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn world<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut held(&self.world))
    }

    pub(crate) fn faults<T>(&self, with: impl FnOnce(&mut Faults) -> T) -> T {
        with(&mut held(&self.faults))
    }

    /// Wakes whoever waits for something to become true.
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    fn breach(&self, what: String) {
        eprintln!("BREACH: {what}");
        held(&self.breaches).push(what);
        self.touch();
    }

    fn record(&self, method: &str, path: &str) {
        *held(&self.asked).entry(format!("{method} {path}")).or_default() += 1;
        self.touch();
    }

    fn refused(&self, method: &str, path: &str, status: u16, code: u32) {
        held(&self.refused).push((format!("{method} {path}"), status, code));
    }

    fn route(&self, path: &[String]) -> String {
        let described = self.contract.as_ref().and_then(|contract| contract.route(path)).map(str::to_owned);
        described.unwrap_or_else(|| path.join("/"))
    }

    fn fault(&self, method: &str, route: &str, path: &str) -> Option<Fault> {
        // A program that learns nothing at its start ends; that is not what is tried here.
        if route.starts_with("/gateway") || route.starts_with("/oauth2") || route.starts_with("/applications") {
            return None;
        }
        self.faults(|faults| faults.of(method, route, path))
    }

    fn limits(&self, method: &str, route: &str, path: &str) -> Option<limits::Window> {
        held(&self.limits).as_ref().map(|limits| limits.of(method, route, path))
    }

    fn checks_answers(&self) -> bool {
        *held(&self.answers_too)
    }
}

impl Discord {
    /// `None`, said loudly, where the shapes of Discord's events are not at hand.
    pub(crate) async fn start(seed: u64) -> Option<Self> {
        let shapes = Shapes::load()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut world = World::new(shapes, base.clone(), format!("token-of-{seed}-on-loopback"));
        world.gateway.dice = Dice::new(seed);
        let inner = Arc::new(Inner {
            world: Mutex::new(world),
            faults: Mutex::new(Faults::new(seed)),
            limits: Mutex::new(None),
            contract: Contract::load(),
            answers_too: Mutex::new(false),
            breaches: Mutex::default(),
            asked: Mutex::default(),
            refused: Mutex::default(),
            changed: watch::channel(0).0,
        });
        let serving = Arc::clone(&inner);
        let router = Router::new()
            .fallback(move |request: Request| route(Arc::clone(&serving), request))
            .layer(axum::extract::DefaultBodyLimit::max(64 * 1024 * 1024));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some(Self { inner, server, base })
    }

    /// What the program needs in its environment.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DISCORD_TOKEN", self.world(|world| world.token.clone())),
            ("DISCORD_BASE", self.base.clone()),
            ("MEKIKI_DEVICE", "cpu".into()),
        ]
    }

    pub(crate) fn world<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        let value = self.inner.world(with);
        self.inner.touch();
        value
    }

    pub(crate) fn faults<T>(&self, with: impl FnOnce(&mut Faults) -> T) -> T {
        self.inner.faults(with)
    }

    pub(crate) fn gateway<T>(&self, with: impl FnOnce(&mut Gateway) -> T) -> T {
        self.world(|world| with(&mut world.gateway))
    }

    /// Answers are checked against the description too, not only requests.
    pub(crate) fn check_answers(&self) {
        *held(&self.inner.answers_too) = true;
    }

    /// Waits until the world shows it.
    pub(crate) async fn wait<T>(&self, what: &str, shows: impl FnMut(&mut World) -> Option<T>) -> T {
        self.wait_within(PATIENCE, what, shows).await
    }

    pub(crate) async fn wait_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut shows: impl FnMut(&mut World) -> Option<T>,
    ) -> T {
        let mut changes = self.inner.changed.subscribe();
        let seen = async {
            loop {
                if let Some(found) = self.inner.world(&mut shows) {
                    return found;
                }
                changes.changed().await.unwrap();
            }
        };
        let Ok(found) = tokio::time::timeout(patience, seen).await else {
            let (refused, breaches) = (held(&self.inner.refused).clone(), self.breaches());
            panic!("{what} never came; refused: {refused:?}; breaches: {breaches:?}")
        };
        found
    }

    /// How often requests like this were made.
    pub(crate) fn asked(&self, method: &str, path_holds: &str) -> u64 {
        let asked = held(&self.inner.asked);
        asked.iter().filter(|(k, _)| k.starts_with(method) && k.contains(path_holds)).map(|(_, n)| n).sum()
    }

    /// Requests that were refused so.
    pub(crate) fn refusals(&self, status: u16) -> Vec<String> {
        let refused = held(&self.inner.refused);
        refused.iter().filter(|(_, s, _)| *s == status).map(|(asked, ..)| asked.clone()).collect()
    }

    pub(crate) fn breaches(&self) -> Vec<String> {
        held(&self.inner.breaches).clone()
    }

    /// Forgets the breaches that a test made itself.
    pub(crate) fn forgive(&self) {
        held(&self.inner.breaches).clear();
    }
}

impl Drop for Discord {
    fn drop(&mut self) {
        self.server.abort();
        if !std::thread::panicking() {
            let breaches = self.breaches();
            assert!(breaches.is_empty(), "the program's requests are not as Discord wants them: {breaches:#?}");
        }
    }
}

async fn route(inner: Arc<Inner>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/api/v10/") {
        return rest::handle(&inner, request).await;
    }
    if path.starts_with("/attachments/") || path.starts_with("/elsewhere/") {
        return cdn::handle(&inner, &request.uri().clone()).await;
    }
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(_) if inner.world(|world| world.gateway.down) => StatusCode::BAD_GATEWAY.into_response(),
        Ok(_) if inner.world(|world| world.gateway.holds()) => std::future::pending().await,
        Ok(upgrade) => upgrade.on_upgrade(move |socket| gateway::serve(inner, socket)),
        Err(_) => {
            inner.breach(format!("{} {path} is nothing of Discord's", parts.method));
            StatusCode::NOT_FOUND.into_response()
        }
    }
}
