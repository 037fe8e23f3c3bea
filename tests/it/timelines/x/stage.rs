//! The adapter on a loopback X, with a real database for its money.

use std::sync::{Arc, Mutex};

use mekiki::app::x::Books;
use mekiki::domain::{Micros, PostSource, Spending};
use mekiki::pipeline::Clock;
use mekiki::store::Store;
use mekiki::timelines::x::{Parts, Settings, X};
use mekiki::timelines::{Answer, Feed, Http, Page, Timeline, TimelineError, TimelinePost, Vault};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::fake::{CLIENT, FakeX, SECRET};
use super::world::{Speech, World};

/// Keeps in memory.
#[derive(Debug, Default)]
pub(super) struct OpenVault(pub(super) Mutex<Option<SecretString>>);

impl Vault for OpenVault {
    fn read(&self) -> Answer<'_, Option<SecretString>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }

    fn keep(&self, secret: SecretString) -> Answer<'_, ()> {
        *self.0.lock().unwrap() = Some(secret);
        Box::pin(async { Ok(()) })
    }
}

impl OpenVault {
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().as_ref().map(|secret| secret.expose_secret().to_owned()).unwrap_or_default()
    }
}

pub(super) struct Stage {
    pub(super) fake: FakeX,
    pub(super) x: X,
    pub(super) vault: Arc<OpenVault>,
    pub(super) store: Store,
    budget: Micros,
    folder: TempDir,
}

pub(super) fn settings(budget: Micros) -> Settings {
    Settings { client_secret: Some(SecretString::from(SECRET)), ..Settings::new(CLIENT.into(), budget) }
}

impl Stage {
    /// Signed in. `None` where the vendor's descriptions are not there.
    pub(super) async fn new(speech: Speech, budget: &str) -> Option<Self> {
        let mut world = World::new(speech);
        let ends = world.clock.now() + Duration::hours(2);
        world.tokens.access.insert("ACCESS-0".into(), ends);
        world.tokens.refresh = Some("REFRESH-0".into());
        let fake = FakeX::new(world)?;
        let session = json!({ "access": "ACCESS-0", "refresh": "REFRESH-0", "expires_at": ends.unix_timestamp() });
        let vault = Arc::new(OpenVault(Mutex::new(Some(SecretString::from(session.to_string())))));
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("mekiki.db")).await.unwrap();
        let budget = budget.parse().unwrap();
        let x = built(&fake, &vault, &store, settings(budget), Arc::new(fake.clone())).await;
        Some(Self { fake, x, vault, store, budget, folder })
    }

    pub(super) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.fake.world()
    }

    /// Killed and started again.
    pub(super) async fn restarted(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.folder.path().join("mekiki.db")).await.unwrap();
        let x = built(&self.fake, &self.vault, &store, settings(self.budget), Arc::new(self.fake.clone())).await;
        Self { x, store, ..self }
    }

    pub(super) fn person(&self, handle: &str) -> u64 {
        self.world().person(handle)
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.world().clock.now()
    }

    pub(super) fn go_on(&self, by: Duration) {
        self.world().clock.go_on(by);
    }

    pub(super) async fn spending(&self) -> Spending {
        let now = self.now();
        self.store.spending(PostSource::X, now).await.unwrap()
    }

    pub(super) async fn poll(&self, feed: &Feed, cursor: &mut Option<String>) -> Result<Page, TimelineError> {
        let page = self.x.poll(feed, cursor.as_deref()).await?;
        *cursor = Some(page.cursor.clone());
        Ok(page)
    }

    /// Polls until there is no more for now.
    pub(super) async fn all(&self, feed: &Feed, cursor: &mut Option<String>) -> Vec<TimelinePost> {
        let mut posts = Vec::new();
        loop {
            let page = self.poll(feed, cursor).await.unwrap();
            posts.extend(page.posts);
            if !page.more {
                return posts;
            }
        }
    }

    /// What was counted is what X bills, and what was asked and answered is as X describes it.
    pub(super) async fn check(&self) {
        assert_eq!(self.spending().await.taken(), self.world().billed(), "the account and the bill");
        assert_eq!(self.world().breaches, [""; 0]);
    }
}

pub(super) async fn built(
    fake: &FakeX,
    vault: &Arc<OpenVault>,
    store: &Store,
    settings: Settings,
    http: Arc<dyn Http>,
) -> X {
    let books = Arc::new(Books::open(store.clone()).await.unwrap());
    let clock: Arc<dyn Clock> = Arc::new(fake.world().clock.clone());
    X::new(
        Parts { http, vault: Arc::clone(vault) as _, clock, ledger: Arc::clone(&books) as _, people: books },
        settings,
    )
}

pub(super) fn base(of: &str) -> Url {
    Url::parse(of).unwrap()
}

pub(super) fn ids(posts: &[TimelinePost]) -> Vec<u64> {
    posts.iter().map(|post| post.id.parse().unwrap()).collect()
}
