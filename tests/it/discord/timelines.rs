//! From a followed feed to the curated channel, and away again: the real program, a feed's server, the loopback Discord.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use mekiki::domain::{PostSource, Scope};
use serde_json::json;
use time::OffsetDateTime;
use tokio::net::TcpListener;

use super::fake::{Asker, Message, Picture};
use super::stage::Stage;
use super::watching::{ONE, OTHER};

/// Items of a gallery's feed, by the seed of their picture.
type Items = Arc<Mutex<Vec<u64>>>;

/// A gallery with a feed, on this machine.
struct Gallery {
    base: String,
    items: Items,
}

impl Gallery {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let items = Items::default();
        let app = axum::Router::new()
            .route("/feed.xml", get(feed))
            .route("/posts/{seed}", get(post))
            .route("/pictures/{seed}", get(async |Path(seed): Path<u64>| Picture::scene(seed).bytes.to_vec()))
            .with_state((base.clone(), Arc::clone(&items)));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base, items }
    }

    fn post(&self, seed: u64) {
        self.items.lock().unwrap().push(seed);
    }

    fn remove(&self, seed: u64) {
        self.items.lock().unwrap().retain(|&item| item != seed);
    }

    fn link(&self, seed: u64) -> String {
        format!("{}/posts/{seed}", self.base)
    }

    /// Follows it by command, and waits for the answer.
    async fn followed_by(&self, stage: &Stage) -> Message {
        let ada = Asker::new(stage.ada, stage.art).moderating();
        let name = json!([{ "name": "name", "type": 3, "value": format!("{}/feed.xml", self.base) }]);
        let token = stage.discord.slash(ada, "follow", json!([{ "name": "rss", "type": 1, "options": name }]));
        stage.discord.answer(&token).await.1
    }
}

async fn feed(State((base, items)): State<(String, Items)>) -> String {
    let item = |seed: &u64| {
        format!(
            "<item><title>{seed}</title><link>{base}/posts/{seed}</link><guid>{seed}</guid>\
             <enclosure url=\"{base}/pictures/{seed}\" type=\"image/png\" length=\"1\"/></item>"
        )
    };
    let items = items.lock().unwrap().iter().map(item).collect::<Vec<_>>().concat();
    format!(
        "<rss version=\"2.0\"><channel><title>Mika draws</title><link>{base}/</link><description>d</description>\
         {items}</channel></rss>"
    )
}

async fn post(State((_, items)): State<(String, Items)>, Path(seed): Path<u64>) -> StatusCode {
    if items.lock().unwrap().contains(&seed) { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn pick(stage: &Stage, link: &str) -> Message {
    let picks = stage.picks;
    let found = |world: &mut super::fake::World| world.said(picks).into_iter().find(|(_, m)| m.text().contains(link));
    stage.discord.wait("a pick", found).await.1
}

/// Makes the feed due now: its own pace is that of a quarter of an hour.
async fn read_now(stage: &Stage) {
    let store = stage.store().await;
    for feed in store.feeds().await.unwrap() {
        store.poll_again(feed.id, OffsetDateTime::UNIX_EPOCH).await.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_post_becomes_a_pick_with_its_artist_and_goes_with_its_source() {
    let Some(mut stage) = Stage::curating(951).await else { return };
    let gallery = Gallery::open().await;
    gallery.post(ONE);
    stage.set_env("RSS_BASE", gallery.base.clone());
    stage.start().await;
    stage.discord.commands().await;
    let answer = gallery.followed_by(&stage).await;
    assert!(answer.text().contains("Following"), "{}", answer.said);
    let shown = pick(&stage, &gallery.link(ONE)).await;
    assert!(shown.text().contains("Mika draws"), "{}", shown.said);
    assert!(!shown.files.is_empty() && shown.pings.is_empty(), "{}", shown.said);
    for (bytes, _) in stage.discord.world(|world| world.shown(&shown)) {
        let card = image::load_from_memory(&bytes).unwrap();
        let whole = image::load_from_memory(&Picture::scene(ONE).bytes).unwrap();
        assert_ne!((card.width(), card.height()), (whole.width(), whole.height()), "crops alone");
    }
    // A second one, while the first goes.
    gallery.post(OTHER);
    read_now(&stage).await;
    pick(&stage, &gallery.link(OTHER)).await;
    gallery.remove(ONE);
    let store = stage.store().await;
    store.checked(PostSource::Rss, &[gallery.link(ONE)], OffsetDateTime::UNIX_EPOCH).await.unwrap();
    store.close().await;
    let (picks, link, other) = (stage.picks, gallery.link(ONE), gallery.link(OTHER));
    stage
        .discord
        .wait("the pick to go", |world| {
            let said: Vec<String> = world.said(picks).into_iter().map(|(_, m)| m.text().clone()).collect();
            (!said.iter().any(|text| text.contains(&link)) && said.iter().any(|text| text.contains(&other)))
                .then_some(())
        })
        .await;
    let store = stage.store().await;
    assert!(store.posts_of_original(PostSource::Rss, &gallery.link(ONE)).await.unwrap().is_empty());
    let follows = store.follows(Scope::Guild(stage.guild)).await.unwrap();
    assert_eq!((follows.len(), follows[0].picks), (1, 1));
    store.close().await;
    stage.discord.check_answers();
}

/// The program dies at a point of reading; what was posted is picked once.
#[cfg(feature = "failpoints")]
async fn killed_while_reading(seed: u64, point: &str) {
    let Some(mut stage) = Stage::curating(seed).await else { return };
    let gallery = Gallery::open().await;
    stage.set_env("RSS_BASE", gallery.base.clone());
    let store = stage.store().await;
    let feed = mekiki::domain::Feed::Author(format!("{}/feed.xml", gallery.base));
    let follow = mekiki::pipeline::NewFollow {
        scope: Scope::Guild(stage.guild),
        source: PostSource::Rss,
        feed: &feed,
        account: None,
        added_by: "discord:1",
    };
    assert!(store.follow(&follow, OffsetDateTime::UNIX_EPOCH).await.unwrap());
    store.close().await;
    gallery.post(ONE);
    stage.start_at(point).await;
    stage.wait_for(&format!("crash point {point}"));
    stage.kill();
    let store = stage.store().await;
    let (taken, cursor) = {
        let posts = store.posts_of_original(PostSource::Rss, &gallery.link(ONE)).await.unwrap();
        (posts.len(), store.feeds().await.unwrap()[0].cursor.is_some())
    };
    store.close().await;
    assert_eq!((taken == 1, cursor), (point == "page_claimed", point == "page_claimed"), "both or none");

    gallery.post(OTHER);
    stage.start().await;
    read_now(&stage).await;
    for seed in [ONE, OTHER] {
        pick(&stage, &gallery.link(seed)).await;
    }
    let picks = stage.discord.said(stage.picks);
    assert_eq!(picks.len(), 2, "each once");
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_claim_a_page_is_read_again() {
    killed_while_reading(952, "page_read").await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_claim_a_page_is_not_taken_twice() {
    killed_while_reading(953, "page_claimed").await;
}
