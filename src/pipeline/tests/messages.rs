//! Messages: what is claimed together, dead links, and waiting for the end.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::domain::{MessageKey, SendState};

const KEY: MessageKey = MessageKey { channel: 20, message: 50 };

/// Answers as it was told to; an unknown key cannot be asked about.
#[derive(Debug, Default)]
struct FakeLinks {
    fresh: HashMap<&'static str, Fresh>,
    asked: AtomicUsize,
}

impl FreshLinks for FakeLinks {
    fn fresh<'a>(
        &'a self,
        message: MessageKey,
        key: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Fresh, String>> + Send + 'a>> {
        assert_eq!(message, KEY);
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.fresh.get(key).cloned().ok_or_else(|| "no connection".into());
        Box::pin(std::future::ready(found))
    }
}

/// A pipeline that may fetch from a server where only `/good` is a picture; everything else has died.
struct Linked {
    home: Home,
    links: Arc<FakeLinks>,
    base: Url,
}

impl Linked {
    async fn new(fresh: impl Fn(&Url) -> Vec<(&'static str, Fresh)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let base = Url::parse(&format!("http://{}", listener.local_addr().expect("has one"))).expect("is one");
        let app = axum::Router::new().route("/good", axum::routing::get(|| std::future::ready(drawn(0))));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let links = Arc::new(FakeLinks { fresh: fresh(&base).into_iter().collect(), asked: AtomicUsize::default() });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FakeClock(Mutex::new(NOW)));
        let pipeline = Pipeline::new(Parts {
            fetcher: Fetcher::new(FetchRules { also: vec![base.clone()] }).expect("builds"),
            links: Some(Arc::clone(&links) as Arc<dyn FreshLinks>),
            ..parts(folder.path(), &clock, Engine::stopped()).await
        });
        Self { home: Home { folder, clock, pipeline: Arc::new(pipeline) }, links, base }
    }

    fn url(&self, path: &str) -> String {
        self.base.join(path).expect("is one").into()
    }

    async fn claim(&self, pictures: &[(&str, &str)]) -> Vec<PostId> {
        let pictures = pictures
            .iter()
            .map(|(key, path)| MessagePicture { key: (*key).into(), url: self.url(path), title: None })
            .collect();
        self.home.pipeline.claim_message(&incoming(pictures)).await.expect("claims")
    }

    async fn step(&self, post: PostId) -> Result<Option<PostState>, StepError> {
        self.home.pipeline.step(post).await
    }

    fn asked(&self) -> usize {
        self.links.asked.load(Ordering::Relaxed)
    }

    async fn reply(&self) -> SendState {
        self.home.pipeline.sends_of(KEY).await.expect("reads")[0].state
    }
}

fn incoming(pictures: Vec<MessagePicture>) -> IncomingMessage {
    IncomingMessage {
        message: KEY,
        guild: 1,
        watched: 20,
        author: Author::default(),
        author_id: Rater::discord(10),
        link: "https://discord.com/channels/1/20/50".into(),
        posted_at: NOW,
        marked_restricted: false,
        pictures,
        reply: true,
    }
}

#[tokio::test]
async fn a_link_that_lives_asks_nobody() {
    let linked = Linked::new(|_| Vec::new()).await;
    let posts = linked.claim(&[("a", "/good")]).await;
    assert_eq!(linked.step(posts[0]).await.expect("fetches"), Some(PostState::Fetched));
    assert_eq!(linked.asked(), 0);
}

#[tokio::test]
async fn of_a_dead_link_the_message_is_asked_for_the_new_one() {
    let good = |base: &Url| vec![("a", Fresh::Link(base.join("/good").expect("is one").into()))];
    let linked = Linked::new(good).await;
    let posts = linked.claim(&[("a", "/dead")]).await;
    assert_eq!(linked.step(posts[0]).await.expect("fetches"), Some(PostState::Fetched));
    assert_eq!(linked.asked(), 1);
}

#[tokio::test]
async fn a_new_link_that_is_dead_too_is_asked_for_again_later() {
    let linked = Linked::new(|base| vec![("a", Fresh::Link(base.join("/dead").expect("is one").into()))]).await;
    let posts = linked.claim(&[("a", "/dead")]).await;
    let error = linked.step(posts[0]).await.expect_err("there is nothing");
    assert_eq!((error.is_retryable(), linked.asked()), (true, 1), "{error}");
}

#[tokio::test]
async fn where_nobody_can_be_asked_now_it_is_tried_again() {
    let linked = Linked::new(|_| Vec::new()).await;
    let posts = linked.claim(&[("a", "/dead")]).await;
    let error = linked.step(posts[0]).await.expect_err("there is nothing");
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_picture_that_is_gone_goes_alone_and_a_message_that_is_gone_goes_whole() {
    let linked = Linked::new(|_| vec![("a", Fresh::PictureGone), ("b", Fresh::MessageGone)]).await;
    let posts = linked.claim(&[("a", "/dead"), ("b", "/dead"), ("c", "/good")]).await;
    let pipeline = &linked.home.pipeline;
    assert_eq!(linked.step(posts[0]).await.expect("follows"), None);
    assert_eq!(pipeline.message_posts(KEY, false).await.expect("reads"), posts[1..]);
    assert_eq!(linked.reply().await, SendState::Waiting);
    assert_eq!(linked.step(posts[1]).await.expect("follows"), None);
    assert_eq!(pipeline.message_posts(KEY, false).await.expect("reads"), []);
    assert_eq!(linked.reply().await, SendState::Gone);
}

#[tokio::test]
async fn a_message_that_shows_nothing_any_more_goes_whole() {
    let linked = Linked::new(|_| Vec::new()).await;
    linked.claim(&[("a", "/good")]).await;
    assert!(linked.claim(&[]).await.is_empty());
    assert_eq!(linked.reply().await, SendState::Gone);
    assert!(!linked.home.pipeline.is_message_known(KEY).await.expect("reads"));
}

#[tokio::test]
async fn a_deleted_channel_takes_all_its_messages_along() {
    let linked = Linked::new(|_| Vec::new()).await;
    linked.claim(&[("a", "/good")]).await;
    assert_eq!(linked.home.pipeline.channel_deleted(2).await.expect("writes"), 0, "another one");
    assert_eq!(linked.home.pipeline.channel_deleted(20).await.expect("writes"), 1);
    assert_eq!(linked.reply().await, SendState::Gone);
    assert_eq!(linked.home.pipeline.cursors().await.expect("reads"), []);
}

#[tokio::test]
async fn who_waits_is_woken_by_the_last_end() {
    let linked = Linked::new(|_| vec![("b", Fresh::PictureGone)]).await;
    let posts = linked.claim(&[("a", "/good"), ("b", "/dead")]).await;
    let pipeline = Arc::clone(&linked.home.pipeline);
    let short = std::time::Duration::from_millis(1);
    assert!(!pipeline.wait_done(&posts, short).await.expect("reads"));
    let all = posts.clone();
    let long = std::time::Duration::from_mins(1);
    let waiting = tokio::spawn(async move { pipeline.wait_done(&all, long).await });
    // The engine has stopped: this one fails for good after its tries.
    for _ in 0..TRIES {
        linked.home.pipeline.finish(posts[0]).await;
    }
    assert!(!linked.home.pipeline.wait_done(&posts, short).await.expect("reads"), "one of two is there");
    linked.home.pipeline.finish(posts[1]).await;
    assert!(waiting.await.expect("ends").expect("reads"));
}

#[tokio::test]
async fn what_is_asked_about_is_answered_once_and_never_a_watched_post() {
    let linked = Linked::new(|_| Vec::new()).await;
    let watched = linked.claim(&[("a", "/good")]).await;
    let ask = Ask {
        external_id: "ask:7".into(),
        scope: Scope::User(11),
        message: KEY,
        author: Author::default(),
        author_id: Rater::discord(10),
        link: None,
        posted_at: NOW,
        marked_restricted: false,
        pictures: vec![MessagePicture { key: "a".into(), url: linked.url("/good"), title: None }],
    };
    let pipeline = &linked.home.pipeline;
    let asked = pipeline.claim_asked(&ask).await.expect("claims");
    assert_eq!(pipeline.claim_asked(&ask).await.expect("claims"), asked);
    assert_ne!(asked, watched);
    let item = pipeline.store().work_item(asked[0]).await.expect("reads").expect("is there");
    assert_eq!((item.asked, item.scope, item.message), (true, Scope::User(11), Some(KEY)));
    // The message changes: what was asked about it stays.
    linked.claim(&[("z", "/good")]).await;
    assert_eq!(pipeline.message_posts(KEY, true).await.expect("reads"), asked);
}
