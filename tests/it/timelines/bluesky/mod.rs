//! The Bluesky adapter against a Bluesky in memory.

pub(crate) mod fake;
mod lexicon;
mod sessions;
mod views;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mekiki::domain::PostSource;
use mekiki::timelines::bluesky::{Bluesky, BlueskySettings};
use mekiki::timelines::{Feed, Page, Timeline, TimelineError, TimelinePost};
use time::Duration;

use self::fake::{Embed, FakeBluesky};
use super::edge::{ManualClock, MemoryVault, Way};

/// A fake, the way to it, and what the adapter keeps.
struct Stage {
    clock: Arc<ManualClock>,
    fake: FakeBluesky,
    way: Arc<Way>,
    vault: Arc<MemoryVault>,
    bluesky: Bluesky,
}

impl Stage {
    fn new() -> Self {
        let clock = ManualClock::new();
        let fake = FakeBluesky::new(clock.clone());
        let way = Way::to(fake.router());
        let vault = Arc::new(MemoryVault::default());
        let bluesky = start(&way, &vault, &clock, "pass-word-1234");
        Self { clock, fake, way, vault, bluesky }
    }

    /// As after a restart.
    fn restarted(&mut self) {
        self.restarted_with("pass-word-1234");
    }

    fn restarted_with(&mut self, password: &str) {
        self.bluesky = start(&self.way, &self.vault, &self.clock, password);
    }

    /// A followed account.
    fn artist(&self, handle: &str) -> String {
        let did = self.fake.account(handle);
        self.fake.follow(&did);
        did
    }

    fn image(&self, name: &str) -> Embed {
        Embed::Images(vec![self.fake.picture(name.as_bytes())])
    }

    fn draw(&self, did: &str) -> String {
        self.clock.advance(Duration::seconds(1));
        self.fake.post(did, self.image("drawing"))
    }

    /// Polls as long as more is there.
    async fn drain(&self, feed: &Feed, cursor: &mut Option<String>) -> Vec<TimelinePost> {
        let mut posts = Vec::new();
        for _ in 0..500 {
            let page = self.bluesky.poll(feed, cursor.as_deref()).await.unwrap();
            posts.extend(page.posts);
            *cursor = Some(page.cursor);
            if !page.more {
                return posts;
            }
        }
        panic!("it never ends");
    }

    async fn newest(&self, feed: &Feed) -> Page {
        self.bluesky.poll(feed, None).await.unwrap()
    }
}

/// Whatever a test did: it was as Bluesky has it.
impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.fake.breaches(), [""; 0]);
        }
    }
}

fn start(way: &Arc<Way>, vault: &Arc<MemoryVault>, clock: &Arc<ManualClock>, password: &str) -> Bluesky {
    let settings = BlueskySettings {
        service: "https://bsky.social".parse().unwrap(),
        identifier: "reader.test".into(),
        app_password: password.into(),
        reposts: true,
    };
    Bluesky::new(settings, way.clone(), vault.clone(), clock.clone())
}

fn ids(posts: &[TimelinePost]) -> Vec<&str> {
    posts.iter().map(|post| post.id.as_str()).collect()
}

#[tokio::test]
async fn an_account_is_found_however_it_is_written() {
    let stage = Stage::new();
    let did = stage.fake.account("ai.example.com");
    let link = format!("https://bsky.app/profile/{did}");
    for written in
        ["ai.example.com", "@Ai.example.com", &did, &link, "https://bsky.app/profile/ai.example.com/post/3k2a"]
    {
        let found = stage.bluesky.find(written).await.unwrap();
        assert_eq!((found.id.as_str(), found.handle.as_str()), (did.as_str(), "ai.example.com"), "{written}");
        assert_eq!(found.name.as_deref(), Some("Name of ai.example.com"));
        assert_eq!(found.link, "https://bsky.app/profile/ai.example.com");
        assert!(!found.bot && !found.protected && !found.unlisted);
    }
    for written in ["nobody.example.com", "nobody", "did:plc:abcdefghijklmnopqrstuvwx", "a b", ""] {
        let error = stage.bluesky.find(written).await.unwrap_err();
        assert!(matches!(error, TimelineError::NoSuchAccount(_)), "{written}: {error:?}");
    }
    assert_eq!(stage.bluesky.source(), PostSource::Bluesky);
}

#[tokio::test]
async fn an_account_says_what_it_is() {
    let stage = Stage::new();
    let did = stage.fake.account("ai.example.com");
    stage.fake.world().profiles.get_mut(&did).unwrap().labels = vec!["bot".into(), "!no-unauthenticated".into()];
    let found = stage.bluesky.find(&did).await.unwrap();
    assert!(found.bot && found.unlisted);
}

#[tokio::test]
async fn a_posts_own_pictures_are_found_in_each_embed() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    let quoted = stage.draw(&ai);
    let names: Vec<String> = (0..20).map(|n| stage.fake.picture(&[n])).collect();
    let cases = [
        (Embed::Images(names[..4].to_vec()), vec![0, 1, 2, 3]),
        (Embed::Gallery(names.clone()), (0..20).collect()),
        (Embed::OddGallery(names[..2].to_vec()), vec![0, 1]),
        (Embed::QuoteWithImages(quoted.clone(), names[4..6].to_vec()), vec![4, 5]),
        (Embed::Quote(quoted.clone()), vec![]),
        (Embed::QuoteWithVideo(quoted), vec![]),
        (Embed::Video, vec![]),
        (Embed::External, vec![]),
        (Embed::Unknown, vec![]),
        (Embed::None, vec![]),
    ];
    for (embed, pictures) in cases {
        stage.clock.advance(Duration::seconds(1));
        let shown = format!("{embed:?}");
        let uri = stage.fake.post(&ai, embed);
        let page = stage.newest(&Feed::Author(ai.clone())).await;
        let Some(post) = page.posts.iter().find(|post| post.id == uri) else {
            assert!(pictures.is_empty(), "{shown}");
            continue;
        };
        let url = |n: &usize| format!("https://cdn.bsky.app/img/feed_fullsize/plain/{ai}/{}@jpeg", names[*n]);
        let urls: Vec<&str> = post.pictures.iter().map(|picture| picture.url.as_str()).collect();
        assert_eq!(urls, pictures.iter().map(url).collect::<Vec<_>>(), "{shown}");
        let keys: std::collections::BTreeSet<&str> = post.pictures.iter().map(|picture| picture.key.as_str()).collect();
        assert_eq!(keys.len(), pictures.len(), "{shown}");
        assert_eq!((post.author.id.as_str(), post.by.as_ref()), (ai.as_str(), None));
        let key = uri.rsplit('/').next().unwrap();
        assert_eq!(post.link, format!("https://bsky.app/profile/{ai}/post/{key}"));
    }
}

#[tokio::test]
async fn labels_restrict_or_hold_a_post() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    let label = |of_post: &'static str, own: &'static str, of_author: &'static str| {
        let stage = &stage;
        let ai = ai.clone();
        async move {
            let list = |label: &str| Some(label).filter(|l| !l.is_empty()).map(str::to_owned).into_iter().collect();
            stage.clock.advance(Duration::seconds(1));
            stage.fake.world().profiles.get_mut(&ai).unwrap().labels = list(of_author);
            let uri = stage.fake.post_as(&ai, stage.image("a"), |post| {
                (post.labels, post.own_labels) = (list(of_post), list(own));
            });
            let page = stage.newest(&Feed::Home).await;
            let post = page.posts.into_iter().find(|post| post.id == uri).unwrap();
            (post.restricted, post.held)
        }
    };
    assert_eq!(label("", "", "").await, (false, None));
    for restricting in ["porn", "sexual", "nudity", "graphic-media", "!warn"] {
        assert_eq!(label(restricting, "", "").await, (true, None), "{restricting}");
        assert_eq!(label("", restricting, "").await, (true, None), "{restricting}");
        assert_eq!(label("", "", restricting).await, (true, None), "{restricting}");
    }
    assert_eq!(label("!hide", "", "").await, (false, Some("hidden")));
    assert_eq!(label("", "", "!hide").await, (false, Some("hidden")));
    assert_eq!(label("porn", "", "!no-unauthenticated").await, (true, Some("unlisted")));
    assert_eq!(label("!hide", "", "!no-unauthenticated").await, (false, Some("hidden")));
}

#[tokio::test]
async fn a_repost_is_credited_to_its_author_and_can_be_left_out() {
    let mut stage = Stage::new();
    let (friend, stranger) = (stage.artist("friend.example.com"), stage.fake.account("stranger.example.com"));
    let original = stage.draw(&stranger);
    stage.clock.advance(Duration::hours(1));
    stage.fake.repost(&friend, &original);
    let page = stage.newest(&Feed::Home).await;
    assert_eq!(ids(&page.posts), [&original]);
    assert_eq!(page.posts[0].author.id, stranger);
    assert_eq!(page.posts[0].by.as_ref().map(|by| by.id.as_str()), Some(friend.as_str()));
    assert_eq!(page.posts[0].posted_at, stage.fake.world().posts[&original].created);
    // One's own posts, again: nobody brought them in.
    let own = stage.draw(&friend);
    stage.fake.repost(&friend, &own);
    let page = stage.newest(&Feed::Author(friend.clone())).await;
    assert_eq!(ids(&page.posts), [&original, &own], "each once");
    assert_eq!(page.posts[1].by, None);
    let settings = BlueskySettings {
        service: "https://bsky.social".parse().unwrap(),
        identifier: "reader.test".into(),
        app_password: "pass-word-1234".into(),
        reposts: false,
    };
    stage.bluesky = Bluesky::new(settings, stage.way.clone(), stage.vault.clone(), stage.clock.clone());
    let page = stage.newest(&Feed::Author(friend)).await;
    assert_eq!(ids(&page.posts), [&own]);
}

#[tokio::test]
async fn an_authors_feed_has_threads_but_no_answers_to_others() {
    let stage = Stage::new();
    let (ai, other) = (stage.artist("ai.example.com"), stage.fake.account("other.example.com"));
    let thread = stage.fake.post_as(&ai, stage.image("a"), |post| post.answers = Some(ai.clone()));
    stage.fake.post_as(&ai, stage.image("a"), |post| post.answers = Some(other.clone()));
    let gallery = stage.fake.post(&ai, Embed::Gallery(vec![stage.fake.picture(b"g")]));
    let page = stage.newest(&Feed::Author(ai)).await;
    assert_eq!(ids(&page.posts), [thread, gallery]);
}

#[tokio::test]
async fn a_list_is_read_and_a_missing_one_is_said() {
    let stage = Stage::new();
    let (ai, other) = (stage.fake.account("ai.example.com"), stage.fake.account("other.example.com"));
    let list = stage.fake.list(&[&ai]);
    let post = stage.draw(&ai);
    stage.draw(&other);
    let page = stage.newest(&Feed::List(list.clone())).await;
    assert_eq!(ids(&page.posts), [post]);
    let missing = Feed::List(format!("{list}x"));
    let error = stage.bluesky.poll(&missing, None).await.unwrap_err();
    assert!(matches!(error, TimelineError::NoSuchAccount(_)), "{error:?}");
}

#[tokio::test]
async fn new_posts_come_once_oldest_first_after_outages_of_any_length() {
    let stage = Stage::new();
    let artists: Vec<String> = (0..7).map(|n| stage.artist(&format!("a{n}.example.com"))).collect();
    let first = stage.draw(&artists[0]);
    let mut cursor = None;
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [&first]);
    for many in [1, 0, 99, 100, 101, 950] {
        stage.clock.advance(Duration::hours(3));
        let drawn: Vec<String> = (0..many).map(|n| stage.draw(&artists[n % 7])).collect();
        assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), drawn, "{many}");
    }
}

#[tokio::test]
async fn the_same_poll_gives_the_same_and_a_lost_answer_costs_nothing() {
    let mut stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    stage.draw(&ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let drawn: Vec<String> = (0..350).map(|_| stage.draw(&ai)).collect();
    let mut got = Vec::new();
    loop {
        stage.way.lose.store(1, Ordering::Relaxed);
        let lost = stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
        assert!(matches!(lost, TimelineError::Service(_)), "{lost:?}");
        let once = stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.unwrap();
        stage.restarted();
        let again = stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.unwrap();
        assert_eq!(once, again);
        got.extend(again.posts);
        cursor = Some(again.cursor);
        if !again.more {
            break;
        }
    }
    assert_eq!(ids(&got), drawn);
}

#[tokio::test]
async fn what_is_sorted_in_late_is_found_and_what_was_deleted_is_no_trouble() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    let drawn: Vec<String> = (0..60).map(|_| stage.draw(&ai)).collect();
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    // Written a while ago, arrived only now.
    let late = stage.fake.post_as(&ai, stage.image("late"), |post| post.created -= Duration::seconds(30));
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [&late]);
    for uri in &drawn[40..] {
        stage.fake.delete(uri);
    }
    assert!(stage.drain(&Feed::Home, &mut cursor).await.is_empty());
    // Dated back by years: it stands where nobody looks, as on the service itself.
    stage.fake.post_as(&ai, stage.image("old"), |post| post.created -= Duration::days(1000));
    let new = stage.draw(&ai);
    let got = stage.drain(&Feed::Home, &mut cursor).await;
    assert_eq!(got.last().map(|post| post.id.as_str()), Some(new.as_str()));
    // Dated into the future: it counts as posted when it came.
    let future = stage.fake.post_as(&ai, stage.image("future"), |post| post.created += Duration::days(1000));
    let got = stage.drain(&Feed::Home, &mut cursor).await;
    assert_eq!(ids(&got), [&future]);
    assert_eq!(got[0].posted_at, stage.fake.world().posts[&future].indexed);
}

#[tokio::test]
async fn pages_emptied_by_the_service_are_read_past() {
    let stage = Stage::new();
    let (ai, gone) = (stage.artist("ai.example.com"), stage.artist("gone.example.com"));
    stage.draw(&ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let wanted = stage.draw(&ai);
    for _ in 0..250 {
        stage.draw(&gone);
    }
    stage.fake.world().profiles.get_mut(&gone).unwrap().gone = true;
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [wanted]);
}

#[tokio::test]
async fn after_everything_known_was_unfollowed_old_posts_do_not_come_up() {
    let stage = Stage::new();
    let (loud, quiet) = (stage.artist("loud.example.com"), stage.artist("quiet.example.com"));
    for _ in 0..300 {
        stage.draw(&quiet);
    }
    stage.clock.advance(Duration::hours(5));
    for _ in 0..200 {
        stage.draw(&loud);
    }
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    stage.fake.unfollow(&loud);
    let new = stage.draw(&quiet);
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [new]);
}

#[tokio::test]
async fn cursors_that_the_service_forgot_cost_no_post() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    stage.draw(&ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let drawn: Vec<String> = (0..350).map(|_| stage.draw(&ai)).collect();
    let mut got = Vec::new();
    for at in 0..4 {
        stage.fake.refuse_places(at == 2);
        let page = stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.unwrap();
        got.extend(page.posts);
        cursor = Some(page.cursor);
    }
    got.extend(stage.drain(&Feed::Home, &mut cursor).await);
    assert_eq!(ids(&got), drawn);
}

#[tokio::test]
async fn an_account_that_went_is_said() {
    let stage = Stage::new();
    let ai = stage.fake.account("ai.example.com");
    stage.draw(&ai);
    let feed = Feed::Author(ai.clone());
    let cursor = stage.newest(&feed).await.cursor;
    stage.fake.world().profiles.get_mut(&ai).unwrap().gone = true;
    let error = stage.bluesky.poll(&feed, Some(&cursor)).await.unwrap_err();
    assert!(matches!(error, TimelineError::NoSuchAccount(_)), "{error:?}");
}

#[tokio::test]
async fn deleted_and_hidden_posts_are_gone() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    let drawn: Vec<String> = (0..60).map(|_| stage.draw(&ai)).collect();
    stage.fake.asked();
    assert!(stage.bluesky.gone(&drawn).await.unwrap().is_empty());
    let asked = stage.fake.asked().into_iter().filter(|name| name == "app.bsky.feed.getPosts").count();
    assert_eq!(asked, 3, "25 at a time");
    stage.fake.delete(&drawn[3]);
    stage.fake.delete(&drawn[59]);
    stage.fake.world().posts.get_mut(&drawn[30]).unwrap().labels = vec!["!hide".into()];
    stage.fake.world().posts.get_mut(&drawn[31]).unwrap().labels = vec!["porn".into()];
    let gone = stage.bluesky.gone(&drawn).await.unwrap();
    assert_eq!(gone, [&drawn[3], &drawn[30], &drawn[59]].map(String::clone));
    // Left out once for reasons of the service's own.
    stage.fake.world().unready = vec![drawn[5].clone()];
    assert_eq!(stage.bluesky.gone(&drawn[4..8]).await.unwrap(), [""; 0]);
    // What cannot be asked is not gone.
    stage.fake.fails(Some(502));
    let error = stage.bluesky.gone(&drawn).await.unwrap_err();
    assert!(matches!(error, TimelineError::Service(_)), "{error:?}");
    assert!(stage.bluesky.gone(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn all_follows_are_listed() {
    let stage = Stage::new();
    let dids: Vec<String> = (0..230).map(|n| stage.artist(&format!("a{n}.example.com"))).collect();
    let follows = stage.bluesky.follows().await.unwrap();
    assert_eq!(follows.into_iter().map(|account| account.id).collect::<Vec<_>>(), dids);
}

#[tokio::test]
async fn limits_are_kept_and_people_have_the_last_requests() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    stage.draw(&ai);
    stage.fake.limit(50);
    let mut cursor = None;
    let mut polls = 0;
    let wait = loop {
        match stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await {
            Ok(page) => cursor = Some(page.cursor),
            Err(TimelineError::Wait(wait)) => break wait,
            Err(other) => panic!("{other}"),
        }
        polls += 1;
    };
    // One was signing in; a tenth of the 50 is left.
    assert_eq!((polls, wait.as_secs()), (44, 300));
    assert!(stage.bluesky.find(&ai).await.is_ok());
    stage.clock.advance(Duration::seconds(300));
    assert!(stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.is_ok());
    // Another program on the same address used them up.
    stage.fake.limit(0);
    let told = stage.bluesky.find(&ai).await.unwrap_err();
    assert!(matches!(told, TimelineError::Wait(wait) if wait.as_secs() == 300), "{told:?}");
    stage.fake.asked();
    let error = stage.bluesky.find(&ai).await.unwrap_err();
    assert!(matches!(error, TimelineError::Wait(_)), "{error:?}");
    assert_eq!(stage.fake.asked(), [""; 0], "nothing is asked meanwhile");
}

#[tokio::test]
async fn a_service_that_fails_loses_nothing() {
    let stage = Stage::new();
    let ai = stage.artist("ai.example.com");
    stage.draw(&ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let drawn = stage.draw(&ai);
    for status in [500, 502, 503] {
        stage.fake.fails(Some(status));
        let error = stage.bluesky.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
        assert!(matches!(error, TimelineError::Service(_)), "{status}: {error:?}");
    }
    stage.fake.fails(None);
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [drawn]);
}
