//! What is read, in each dialect.

use std::time::Duration as Wait;

use mekiki::domain::Micros;
use mekiki::timelines::{Feed, Timeline, TimelineError};
use time::Duration;

use super::stage::{Stage, ids};
use super::world::{Fault, Post, Speech};

const DIALECTS: [Speech; 3] = [Speech::Tweet, Speech::Mixed, Speech::Post];

#[tokio::test]
async fn every_post_comes_once_whatever_the_order_of_its_page() {
    for speech in DIALECTS {
        let Some(stage) = Stage::new(speech, "100").await else { return };
        let ada = stage.person("ada");
        stage.world().shuffled = true;
        let mut expected = vec![stage.world().picture(ada)];
        let mut cursor = None;
        let mut found = stage.all(&Feed::Home, &mut cursor).await;
        for _ in 0..230 {
            stage.go_on(Duration::seconds(1));
            expected.push(stage.world().picture(ada));
            stage.world().post(Post { author: ada, ..Post::default() });
        }
        found.extend(stage.all(&Feed::Home, &mut cursor).await);
        assert!(stage.all(&Feed::Home, &mut cursor).await.is_empty(), "nothing new");
        let mut numbers = ids(&found);
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{speech:?}");
        assert!(found.iter().all(|p| p.author.handle == "ada" && p.pictures[0].url.ends_with("?name=orig")));
        stage.check().await;
        let users = stage.world().served.users;
        if speech != Speech::Post {
            assert_eq!(
                (users, stage.world().requests("/2/users")),
                (2, 9),
                "me and ada were paid once, and seven pages"
            );
        }
    }
}

#[tokio::test]
async fn reposts_and_quotes_are_credited_to_their_authors_and_paid_once() {
    for speech in DIALECTS {
        let Some(stage) = Stage::new(speech, "100").await else { return };
        let (ada, ben) = (stage.person("ada"), stage.person("ben"));
        let cleo = stage.person("cleo");
        // Not followed, a week old.
        stage.world().followed.pop();
        stage.go_on(Duration::days(-7));
        let old = stage.world().post(Post { author: cleo, pictures: 2, sensitive: true, ..Post::default() });
        let quoted = stage.world().picture(cleo);
        stage.go_on(Duration::days(7));
        let mut cursor = None;
        let own = stage.world().picture(ben);
        let first = stage.all(&Feed::Home, &mut cursor).await;
        assert_eq!(ids(&first), [own]);
        for by in [ada, ben] {
            stage.world().post(Post { author: by, reposts: Some(old), ..Post::default() });
        }
        let quote = stage.world().post(Post { author: ada, quotes: Some(quoted), pictures: 1, ..Post::default() });
        stage.world().post(Post { author: ada, reply: true, pictures: 1, ..Post::default() });
        stage.world().post(Post { author: ada, reposts: Some(12_345), ..Post::default() });
        let found = stage.all(&Feed::Home, &mut cursor).await;
        let mut short: Vec<_> = found
            .iter()
            .map(|p| {
                (
                    p.id.parse::<u64>().unwrap(),
                    &*p.author.handle,
                    p.by.as_ref().map(|by| &*by.handle),
                    p.pictures.len(),
                    p.restricted,
                )
            })
            .collect();
        short.sort_unstable();
        let mut expected = [
            (old, "cleo", Some("ada"), 2, true),
            (quoted, "cleo", Some("ada"), 1, false),
            (quote, "ada", None, 1, false),
        ];
        expected.sort_unstable();
        assert_eq!(short, expected, "{speech:?}");
        let lookups = stage.world().requests("/2/tweets");
        stage.world().post(Post { author: ada, reposts: Some(old), ..Post::default() });
        assert_eq!(ids(&stage.all(&Feed::Home, &mut cursor).await), [old], "again, and the store knows it");
        assert_eq!(stage.world().requests("/2/tweets"), lookups, "remembered for a day");
        stage.check().await;
    }
}

#[tokio::test]
async fn authors_and_lists_are_read_from_where_they_were_left() {
    for speech in DIALECTS {
        let Some(stage) = Stage::new(speech, "100").await else { return };
        let (ada, ben) = (stage.person("ada"), stage.person("ben"));
        stage.world().lists.insert(77, vec![ada, ben]);
        let author = Feed::Author(ada.to_string());
        let list = Feed::List("77".into());
        let (mut at_author, mut at_list) = (None, None);
        let mut expected = [Vec::new(), Vec::new()];
        let mut found = [Vec::new(), Vec::new()];
        for round in 0..4 {
            for n in 0..9 * round {
                stage.go_on(Duration::seconds(1));
                let by = if n % 3 == 0 { ben } else { ada };
                let id = stage.world().picture(by);
                expected[1].push(id);
                if by == ada {
                    expected[0].push(id);
                }
            }
            found[0].extend(ids(&stage.all(&author, &mut at_author).await));
            found[1].extend(ids(&stage.all(&list, &mut at_list).await));
        }
        assert_eq!(found, expected, "{speech:?}");
        stage.check().await;
    }
}

#[tokio::test]
async fn accounts_are_found_by_name_and_by_link_and_paid_once_a_day() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    let ada = stage.person("Ada");
    let found = stage.x.find("@ada").await.unwrap();
    assert_eq!((found.id, &*found.handle, &*found.link), (ada.to_string(), "Ada", "https://x.com/Ada"));
    stage.x.find("https://twitter.com/ADA/status/5").await.unwrap();
    assert_eq!(stage.world().served.users, 1);
    stage.go_on(Duration::hours(25));
    stage.x.find("ada").await.unwrap();
    assert_eq!(stage.world().served.users, 2);
    let nobody = stage.x.find("nobody").await.unwrap_err();
    assert!(matches!(&nobody, TimelineError::NoSuchAccount(words) if words.contains("@nobody")), "{nobody}");
    assert!(matches!(stage.x.find("not a name").await, Err(TimelineError::NoSuchAccount(_))));
    stage.check().await;
}

#[tokio::test]
async fn a_protected_account_is_read_by_its_followers_and_held_back() {
    for speech in DIALECTS {
        let Some(stage) = Stage::new(speech, "5").await else { return };
        let ada = stage.person("ada");
        stage.world().people.get_mut(&ada).unwrap().protected = true;
        stage.world().picture(ada);
        let found = stage.all(&Feed::Home, &mut None).await;
        assert_eq!((found[0].held, found[0].author.protected), (Some("protected"), true));
        stage.world().followed.clear();
        for id in [ada, 999] {
            let refused = stage.x.poll(&Feed::Author(id.to_string()), None).await;
            assert!(matches!(refused, Err(TimelineError::NoSuchAccount(_))), "{speech:?} {refused:?}");
        }
        stage.check().await;
    }
}

#[tokio::test]
async fn what_was_deleted_is_noticed_in_batches_of_a_hundred() {
    for speech in DIALECTS {
        let Some(stage) = Stage::new(speech, "5").await else { return };
        let ada = stage.person("ada");
        let kept: Vec<u64> = (0..230).map(|_| stage.world().picture(ada)).collect();
        let mut gone = Vec::new();
        for id in kept.iter().step_by(50) {
            stage.world().posts.remove(id);
            gone.push(id.to_string());
        }
        let asked: Vec<String> = kept.iter().map(u64::to_string).collect();
        assert_eq!(stage.x.gone(&asked).await.unwrap(), gone);
        assert_eq!(stage.x.gone(&["no number".into()]).await.unwrap(), ["no number"]);
        assert_eq!(stage.world().requests("/2/tweets"), 3);
        assert_eq!(stage.spending().await.spent, Micros(225 * 5_000), "{speech:?}: those that are there");
        assert_eq!(stage.spending().await.reading, Micros(0));
        stage.check().await;
    }
}

#[tokio::test]
async fn whom_the_account_follows_is_read_in_pages() {
    let Some(stage) = Stage::new(Speech::Mixed, "5").await else { return };
    let handles: Vec<String> = (0..230).map(|n| format!("artist_{n}")).collect();
    for handle in &handles {
        stage.person(handle);
    }
    let found: Vec<String> = stage.x.follows().await.unwrap().into_iter().map(|account| account.handle).collect();
    assert_eq!(found, handles);
    let ada = stage.x.find("artist_7").await.unwrap();
    stage.world().picture(ada.id.parse().unwrap());
    assert_eq!(stage.all(&Feed::Home, &mut None).await.len(), 1);
    assert_eq!(stage.world().served.users, 231, "each once, and me");
    stage.check().await;
}

#[tokio::test]
async fn limits_are_waited_for() {
    let Some(stage) = Stage::new(Speech::Tweet, "5").await else { return };
    stage.world().limit = 2;
    let mut cursor = None;
    stage.go_on(Duration::minutes(10));
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    let used_up = stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    assert!(used_up.wait >= Wait::from_secs(301) && used_up.wait <= Wait::from_secs(305), "{:?}", used_up.wait);
    let refused = stage.poll(&Feed::Home, &mut cursor).await.unwrap_err();
    assert!(matches!(refused, TimelineError::Wait(wait) if wait == Wait::from_secs(301)), "{refused:?}");
    stage.go_on(Duration::seconds(301));
    stage.poll(&Feed::Home, &mut cursor).await.unwrap();
    stage.world().faults.extend([Fault::Unlimited, Fault::Unlimited, Fault::Capped, Fault::Status(503)]);
    for seconds in [60, 120] {
        let refused = stage.poll(&Feed::Home, &mut cursor).await.unwrap_err();
        assert!(matches!(refused, TimelineError::Wait(wait) if wait == Wait::from_secs(seconds)), "{refused:?}");
    }
    assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Budget)));
    assert!(matches!(stage.poll(&Feed::Home, &mut cursor).await, Err(TimelineError::Service(_))));
    stage.check().await;
}
