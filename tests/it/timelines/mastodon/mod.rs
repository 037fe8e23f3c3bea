//! The Mastodon adapter against servers in memory, and against `mastodon-mock` where that is installed.

pub(crate) mod fake;
mod mock;
mod openapi;
mod streams;
mod views;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mekiki::domain::PostSource;
use mekiki::timelines::mastodon::{Mastodon, MastodonSettings};
use mekiki::timelines::{Feed, Page, Timeline, TimelineError, TimelinePost};
use serde_json::{Value, json};
use time::Duration;

use self::fake::{FakeMastodon, File, Make, TOKEN};
use super::edge::{ManualClock, Way};

/// A fake, the way to it, and the adapter.
struct Stage {
    clock: Arc<ManualClock>,
    fake: FakeMastodon,
    way: Arc<Way>,
    mastodon: Mastodon,
}

impl Stage {
    fn new() -> Self {
        let clock = ManualClock::new();
        let fake = FakeMastodon::new(clock.clone());
        let way = Way::to(fake.router());
        let mastodon = start(&way, &clock, true);
        Self { clock, fake, way, mastodon }
    }

    /// As after a restart.
    fn restarted(&mut self, boosts: bool) {
        self.mastodon = start(&self.way, &self.clock, boosts);
    }

    /// A followed account.
    fn artist(&self, acct: &str) -> u64 {
        let id = self.fake.account(acct);
        self.fake.follow(id);
        id
    }

    fn image(&self) -> Vec<File> {
        vec![File::Image(self.fake.picture(b"drawing"))]
    }

    /// Answers the post's id as the adapter has it.
    fn draw(&self, account: u64) -> String {
        self.clock.advance(Duration::seconds(1));
        id(self.fake.post(account, self.image()))
    }

    /// Polls as long as more is there.
    async fn drain(&self, feed: &Feed, cursor: &mut Option<String>) -> Vec<TimelinePost> {
        let mut posts = Vec::new();
        for _ in 0..500 {
            let page = self.mastodon.poll(feed, cursor.as_deref()).await.unwrap();
            posts.extend(page.posts);
            *cursor = Some(page.cursor);
            if !page.more {
                return posts;
            }
        }
        panic!("it never ends");
    }

    async fn newest(&self, feed: &Feed) -> Page {
        self.mastodon.poll(feed, None).await.unwrap()
    }
}

/// Whatever a test did: it was as Mastodon has it, and the token went to nobody else.
impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.fake.breaches(), [""; 0]);
            let hosts = &self.fake.world().hosts;
            assert!(hosts.iter().all(|host| host == "own.example" || host == "streaming.own.example"), "{hosts:?}");
        }
    }
}

fn start(way: &Arc<Way>, clock: &Arc<ManualClock>, boosts: bool) -> Mastodon {
    let settings = MastodonSettings { server: "https://own.example".parse().unwrap(), token: TOKEN.into(), boosts };
    Mastodon::new(settings, way.clone(), clock.clone())
}

fn id(of: u64) -> String {
    format!("own.example/{of}")
}

fn ids(posts: &[TimelinePost]) -> Vec<&str> {
    posts.iter().map(|post| post.id.as_str()).collect()
}

#[tokio::test]
async fn an_account_is_found_here_and_elsewhere() {
    let stage = Stage::new();
    let ai = stage.fake.account("ai");
    let far = stage.fake.stranger("far@other.example");
    for written in ["ai", "@ai", "ai@own.example", "https://own.example/@ai", "https://own.example/@ai/115"] {
        let found = stage.mastodon.find(written).await.unwrap();
        assert_eq!((found.id, found.handle), (id(ai), "ai@own.example".to_owned()), "{written}");
        assert_eq!(found.link, "https://own.example/@ai");
        assert!(!found.bot && !found.protected && !found.unlisted);
    }
    for written in ["@far@other.example", "far@Other.Example", "https://other.example/@far"] {
        stage.fake.world().people.get_mut(&far).unwrap().met = false;
        let found = stage.mastodon.find(written).await.unwrap();
        assert_eq!((found.id, found.handle), (id(far), "far@other.example".to_owned()), "{written}");
    }
    for written in ["nobody", "nobody@other.example", "https://other.example/@nobody", "https://other.example/", "a b"]
    {
        let error = stage.mastodon.find(written).await.unwrap_err();
        assert!(matches!(error, TimelineError::NoSuchAccount(_)), "{written}: {error:?}");
    }
    stage.fake.world().people.get_mut(&ai).unwrap().with = json!({ "bot": true, "locked": true, "indexable": false });
    let found = stage.mastodon.find("ai").await.unwrap();
    assert!(found.bot && found.protected && found.unlisted);
    stage.fake.world().people.get_mut(&ai).unwrap().with = json!({ "suspended": true });
    assert!(matches!(stage.mastodon.find("ai").await, Err(TimelineError::NoSuchAccount(_))));
    assert_eq!(stage.mastodon.source(), PostSource::Mastodon);
}

#[tokio::test]
async fn a_boost_is_credited_to_its_author_and_can_be_left_out() {
    let mut stage = Stage::new();
    let (friend, stranger) = (stage.artist("friend"), stage.fake.account("stranger@other.example"));
    let original = stage.fake.post(stranger, stage.image());
    stage.clock.advance(Duration::hours(1));
    stage.fake.boost(friend, original);
    let own = stage.draw(friend);
    let page = stage.newest(&Feed::Home).await;
    assert_eq!(ids(&page.posts), [&id(original), &own]);
    assert_eq!(page.posts[0].author.handle, "stranger@other.example");
    assert_eq!(page.posts[0].by.as_ref().map(|by| by.handle.as_str()), Some("friend@own.example"));
    assert_eq!(page.posts[0].posted_at, stage.fake.world().statuses[&original].created);
    assert_eq!(page.posts[0].link, format!("https://other.example/@stranger/{original}"));
    assert_eq!(page.posts[1].by, None);
    assert_eq!(ids(&stage.newest(&Feed::Author(id(friend))).await.posts), [&id(original), &own]);
    stage.restarted(false);
    assert_eq!(ids(&stage.newest(&Feed::Home).await.posts), [&own]);
    assert_eq!(ids(&stage.newest(&Feed::Author(id(friend))).await.posts), [&own]);
}

#[tokio::test]
async fn warnings_and_visibility_restrict_or_hold() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    let cases: [(Value, bool, Option<&str>); 7] = [
        (json!({}), false, None),
        (json!({ "sensitive": true }), true, None),
        (json!({ "spoiler_text": "eye contact" }), true, None),
        (json!({ "visibility": "unlisted" }), false, Some("unlisted")),
        (json!({ "visibility": "private" }), false, Some("protected")),
        (json!({ "visibility": "direct", "sensitive": true }), true, Some("protected")),
        (json!({ "later": "addition" }), false, None),
    ];
    for (with, restricted, held) in cases {
        stage.clock.advance(Duration::seconds(1));
        let posted = id(stage.fake.post_as(ai, stage.image(), |status| status.with = with.clone()));
        let page = stage.newest(&Feed::Home).await;
        let post = page.posts.iter().find(|post| post.id == posted).unwrap();
        assert_eq!((post.restricted, post.held), (restricted, held), "{with}");
    }
    stage.fake.world().people.get_mut(&ai).unwrap().with = json!({ "noindex": true });
    let page = stage.newest(&Feed::Home).await;
    assert_eq!(page.posts[0].held, Some("unlisted"));
}

#[tokio::test]
async fn an_authors_feed_has_threads_but_no_answers_to_others() {
    let stage = Stage::new();
    let (ai, other) = (stage.artist("ai"), stage.fake.account("other"));
    let thread = stage.fake.post_as(ai, stage.image(), |status| status.answers = Some(ai));
    stage.fake.post_as(ai, stage.image(), |status| status.answers = Some(other));
    stage.fake.post_as(ai, vec![File::Video], |_| {});
    let page = stage.newest(&Feed::Author(id(ai))).await;
    assert_eq!(ids(&page.posts), [id(thread)]);
}

#[tokio::test]
async fn lists_are_read_and_what_is_missing_is_said() {
    let stage = Stage::new();
    let (ai, other) = (stage.fake.account("ai"), stage.fake.account("other"));
    let list = stage.fake.list(&[ai]);
    let post = stage.draw(ai);
    stage.draw(other);
    assert_eq!(ids(&stage.newest(&Feed::List(list.to_string())).await.posts), [post]);
    let author = Feed::Author(id(ai));
    let cursor = stage.newest(&author).await.cursor;
    stage.fake.world().people.get_mut(&ai).unwrap().gone = true;
    for (feed, cursor) in [
        (author, Some(cursor.as_str())),
        (Feed::Author("elsewhere.example/7".into()), None),
        (Feed::Author(id(list)), None),
        (Feed::List("777".into()), None),
        (Feed::List("../home".into()), None),
    ] {
        let error = stage.mastodon.poll(&feed, cursor).await.unwrap_err();
        assert!(matches!(error, TimelineError::NoSuchAccount(_)), "{feed:?}: {error:?}");
    }
}

#[tokio::test]
async fn new_posts_come_once_oldest_first_after_outages_of_any_length() {
    for make in [Make::Mastodon, Make::Other] {
        let stage = Stage::new();
        stage.fake.limit(10_000);
        let artists: Vec<u64> = (0..7).map(|n| stage.artist(&format!("a{n}"))).collect();
        stage.fake.make(make);
        let first = stage.draw(artists[0]);
        let mut cursor = None;
        assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [&first]);
        for many in [1, 0, 39, 40, 41, 400] {
            stage.clock.advance(Duration::hours(3));
            let drawn: Vec<String> = (0..many).map(|n| stage.draw(artists[n % 7])).collect();
            assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), drawn, "{make:?} {many}");
        }
    }
}

#[tokio::test]
async fn the_same_poll_gives_the_same_and_a_lost_answer_costs_nothing() {
    let mut stage = Stage::new();
    let ai = stage.artist("ai");
    stage.draw(ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let drawn: Vec<String> = (0..150).map(|_| stage.draw(ai)).collect();
    let mut got = Vec::new();
    loop {
        stage.way.lose.store(1, Ordering::Relaxed);
        let lost = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
        assert!(matches!(lost, TimelineError::Service(_)), "{lost:?}");
        let once = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap();
        stage.restarted(true);
        let again = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap();
        assert_eq!(once, again);
        got.extend(again.posts);
        cursor = Some(again.cursor);
        if !again.more {
            break;
        }
    }
    assert_eq!(ids(&got), drawn);
}

/// Its server was down; the id goes by the date on it.
#[tokio::test]
async fn what_another_server_delivers_late_is_found() {
    let stage = Stage::new();
    let (ai, far) = (stage.artist("ai"), stage.artist("far@other.example"));
    for _ in 0..30 {
        stage.draw(ai);
    }
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let late = stage.fake.post_as(far, stage.image(), |status| status.created -= Duration::seconds(20));
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [id(late)]);
}

#[tokio::test]
async fn pictures_that_are_not_ready_are_waited_for() {
    let mut stage = Stage::new();
    let ai = stage.artist("ai");
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let (one, two) = (stage.fake.picture(b"one"), stage.fake.picture(b"two"));
    let slow = stage.fake.post(ai, vec![File::Image(one), File::Processing(two)]);
    let boosted = stage.fake.boost(ai, slow);
    let never = stage.fake.post(ai, vec![File::Image("a.png".into()), File::Processing("b.png".into())]);
    let deleted = stage.fake.post(ai, vec![File::Processing("c.png".into())]);
    let elsewhere = stage.fake.post(ai, vec![File::Elsewhere("d.png".into()), File::Elsewhere("e.swf".into())]);
    let got = stage.drain(&Feed::Home, &mut cursor).await;
    assert_eq!(ids(&got), [id(elsewhere)]);
    assert_eq!(got[0].pictures[0].url, "https://elsewhere.example/d.png");
    assert_eq!(got[0].pictures.len(), 1);
    assert!(stage.drain(&Feed::Home, &mut cursor).await.is_empty());
    // The cursor knows of them.
    stage.restarted(true);
    stage.fake.processed(slow);
    stage.fake.delete(deleted);
    let before = cursor.clone();
    let got = stage.drain(&Feed::Home, &mut cursor).await;
    assert_eq!(ids(&got), [id(slow)], "and once, although it was boosted");
    assert_eq!(got[0].pictures.len(), 2);
    assert_ne!(boosted, slow);
    let mut again = before;
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut again).await), [id(slow)]);
    // Some never come: what is there is taken after a day.
    stage.clock.advance(Duration::hours(23));
    assert!(stage.drain(&Feed::Home, &mut cursor).await.is_empty());
    stage.clock.advance(Duration::hours(1));
    let got = stage.drain(&Feed::Home, &mut cursor).await;
    assert_eq!((ids(&got), got[0].pictures.len()), (vec![id(never).as_str()], 1));
    stage.fake.asked();
    assert!(stage.drain(&Feed::Home, &mut cursor).await.is_empty());
    assert_eq!(stage.fake.asked(), ["/api/v1/timelines/home"], "nothing is waited for any more");
}

#[tokio::test]
async fn deleted_posts_are_gone_whichever_way_the_server_tells() {
    for make in [Make::Mastodon, Make::Older, Make::Other] {
        let stage = Stage::new();
        let ai = stage.artist("ai");
        stage.fake.make(make);
        let statuses: Vec<u64> = (0..45).map(|_| stage.fake.post(ai, stage.image())).collect();
        let mut posts: Vec<String> = statuses.iter().copied().map(id).collect();
        posts.push("elsewhere.example/7".into());
        stage.fake.asked();
        assert!(stage.mastodon.gone(&posts).await.unwrap().is_empty());
        let asked = stage.fake.asked().len();
        assert_eq!(asked, if make == Make::Mastodon { 3 } else { 46 }, "{make:?}");
        stage.fake.delete(statuses[3]);
        stage.fake.delete(statuses[44]);
        assert_eq!(stage.mastodon.gone(&posts).await.unwrap(), [id(statuses[3]), id(statuses[44])], "{make:?}");
        // What cannot be asked is not gone.
        stage.fake.fails(Some(503));
        assert!(matches!(stage.mastodon.gone(&posts).await, Err(TimelineError::Service(_))));
        stage.fake.fails(None);
        stage.fake.change_token("another");
        assert!(matches!(stage.mastodon.gone(&posts).await, Err(TimelineError::SignIn(_))));
    }
}

#[tokio::test]
async fn all_follows_are_listed() {
    let stage = Stage::new();
    let accounts: Vec<String> = (0..170).map(|n| id(stage.artist(&format!("a{n}")))).collect();
    let follows = stage.mastodon.follows().await.unwrap();
    assert_eq!(follows.into_iter().map(|account| account.id).collect::<Vec<_>>(), accounts);
}

#[tokio::test]
async fn limits_are_kept_and_people_have_the_last_requests() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    stage.draw(ai);
    let mut cursor = None;
    let mut polls = 0;
    let wait = loop {
        match stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await {
            Ok(page) => cursor = Some(page.cursor),
            Err(TimelineError::Wait(wait)) => break wait,
            Err(other) => panic!("{other}"),
        }
        polls += 1;
    };
    assert_eq!((polls, wait.as_secs()), (290, 300));
    assert!(stage.mastodon.find("ai").await.is_ok());
    stage.fake.limit(0);
    assert!(matches!(stage.mastodon.find("ai").await, Err(TimelineError::Wait(wait)) if wait.as_secs() == 300));
    stage.fake.asked();
    assert!(matches!(stage.mastodon.find("ai").await, Err(TimelineError::Wait(_))));
    assert_eq!(stage.fake.asked(), [""; 0], "nothing is asked meanwhile");
    stage.fake.limit(300);
    stage.clock.advance(Duration::seconds(300));
    assert!(stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.is_ok());
}

#[tokio::test]
async fn a_token_that_ended_and_a_server_that_fails_are_told_apart() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    stage.draw(ai);
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let drawn = stage.draw(ai);
    for status in [500, 502, 503] {
        stage.fake.fails(Some(status));
        let error = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
        assert!(matches!(error, TimelineError::Service(_)), "{status}: {error:?}");
    }
    // The home timeline is put together anew: its beginning would look like all of it.
    stage.fake.fails(Some(206));
    let error = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
    assert!(matches!(error, TimelineError::Wait(_)), "{error:?}");
    stage.fake.fails(None);
    stage.fake.change_token("another");
    let error = stage.mastodon.poll(&Feed::Home, cursor.as_deref()).await.unwrap_err();
    let TimelineError::SignIn(said) = &error else { panic!("{error:?}") };
    assert!(said.contains("Development") && !said.contains(TOKEN), "{said}");
    assert!(!format!("{:?}", stage.mastodon).contains(TOKEN));
    stage.fake.change_token(TOKEN);
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [drawn]);
}
