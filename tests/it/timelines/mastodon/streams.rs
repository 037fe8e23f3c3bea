//! The user stream: what it tells, and what happens when it ends or is not there.

use std::sync::atomic::Ordering;

use mekiki::timelines::{Event, Events, Feed, Timeline, TimelineError};
use time::Duration;

use super::fake::{File, Make};
use super::{Stage, id, ids};

async fn listens(stage: &Stage) -> Box<dyn Events> {
    stage.mastodon.listen().await.unwrap().expect("the server streams")
}

#[tokio::test]
async fn what_happens_is_told_and_polled() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let before = stage.draw(ai);
    let mut events = listens(&stage).await;
    assert!(stage.fake.world().hosts.contains("streaming.own.example"));
    assert_eq!(events.next().await.unwrap(), Event::New, "what came before it was open");
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [before]);
    stage.fake.say(":thump\n");
    stage.fake.post(ai, vec![]);
    stage.fake.say("event: notification\ndata: {}\n\nevent: later.addition\ndata: [1]\n\n");
    let drawn = stage.draw(ai);
    assert_eq!(events.next().await.unwrap(), Event::New);
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [&drawn]);
    let status = stage.fake.post(ai, vec![File::Video]);
    stage.fake.delete(status);
    assert_eq!(events.next().await.unwrap(), Event::New);
    assert_eq!(events.next().await.unwrap(), Event::Gone(id(status)));
}

/// Waiting for an event can be given up for something else, and taken up again.
#[tokio::test]
async fn no_event_is_lost_when_waiting_is_given_up() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    let mut events = listens(&stage).await;
    assert_eq!(events.next().await.unwrap(), Event::New);
    for _ in 0..5 {
        tokio::select! {
            biased;
            event = events.next() => panic!("{event:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    stage.fake.say("event: delete\nda");
    tokio::select! {
        biased;
        event = events.next() => panic!("{event:?}"),
        () = tokio::task::yield_now() => {}
    }
    stage.fake.say("ta: 17\n\n");
    assert_eq!(events.next().await.unwrap(), Event::Gone(id(17)));
    stage.draw(ai);
    assert_eq!(events.next().await.unwrap(), Event::New);
}

#[tokio::test]
async fn a_stream_that_ends_is_opened_again_after_a_pause_and_nothing_is_missed() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    let mut cursor = None;
    stage.drain(&Feed::Home, &mut cursor).await;
    let mut events = listens(&stage).await;
    assert_eq!(events.next().await.unwrap(), Event::New);
    stage.fake.end_streams();
    assert!(matches!(events.next().await, Err(TimelineError::Service(_))));
    let drawn = stage.draw(ai);
    let error = stage.mastodon.listen().await.unwrap_err();
    assert!(matches!(error, TimelineError::Wait(wait) if wait.as_secs() == 1), "{error:?}");
    stage.clock.advance(Duration::seconds(1));
    let mut events = listens(&stage).await;
    assert_eq!(events.next().await.unwrap(), Event::New);
    assert_eq!(ids(&stage.drain(&Feed::Home, &mut cursor).await), [drawn]);
}

#[tokio::test]
async fn pauses_grow_while_the_server_is_away_and_polling_does_not_mind() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    listens(&stage).await;
    let mut pauses = Vec::new();
    stage.way.down.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        let TimelineError::Wait(pause) = stage.mastodon.listen().await.unwrap_err() else { panic!("it waits") };
        pauses.push(pause.as_secs());
        stage.clock.advance(Duration::try_from(pause).unwrap());
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    stage.way.down.store(false, Ordering::Relaxed);
    let drawn = stage.draw(ai);
    assert_eq!(ids(&stage.newest(&Feed::Home).await.posts), [drawn]);
    assert!(stage.mastodon.listen().await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_without_streams_is_polled() {
    let stage = Stage::new();
    let ai = stage.artist("ai");
    stage.fake.make(Make::Other);
    assert!(stage.mastodon.listen().await.unwrap().is_none());
    let error = stage.mastodon.listen().await.unwrap_err();
    assert!(matches!(error, TimelineError::Wait(wait) if wait.as_secs() == 3600), "{error:?}");
    let drawn = stage.draw(ai);
    assert_eq!(ids(&stage.newest(&Feed::Home).await.posts), [drawn]);
}

#[tokio::test]
async fn a_token_that_ended_is_said() {
    let stage = Stage::new();
    stage.fake.change_token("another");
    assert!(matches!(stage.mastodon.listen().await, Err(TimelineError::SignIn(_))));
}
