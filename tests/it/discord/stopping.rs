//! SIGTERM while messages are on their way: what is under way ends, the rest is sent at the next start, all of it once.

use std::time::Duration;

use mekiki::domain::{SendKind, SendState};

use super::fake::{At, Draft, Fault};
use super::stage::{Stage, key};
use super::watching::{ONE, OTHER};

/// A stop has ten seconds for what is under way, and needs some more to leave Discord.
const AT_MOST: Duration = Duration::from_secs(30);

/// Two posts in one channel: the first one's reply is under way and meets the fault, the second one's waits behind it.
async fn stopped(stage: &mut Stage, fault: Fault, silence: Duration) -> [At; 2] {
    stage.start().await;
    let path = format!("channels/{}/messages", stage.art);
    stage.discord.faults(|faults| {
        faults.silence = silence;
        faults.next.push(("POST".into(), path.clone(), fault));
    });
    let first = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.send(first, SendKind::Reply, SendState::Sending).await;
    let under_way = |_: &mut super::fake::World| (stage.discord.asked("POST", &path) > 0).then_some(());
    stage.discord.wait("the request", under_way).await;
    let second = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.send(second, SendKind::Reply, SendState::Waiting).await;
    let (ended, took) = stage.stop();
    assert!(ended.success(), "{ended}");
    assert!(took < AT_MOST, "{took:?}");
    [first, second]
}

async fn state(stage: &Stage, at: At) -> SendState {
    let store = stage.store().await;
    let rows = store.sends_of(key(at)).await.unwrap();
    store.close().await;
    rows.iter().find(|row| row.kind == SendKind::Reply).unwrap().state
}

async fn each_comes_once(stage: &mut Stage, posts: [At; 2]) {
    stage.start().await;
    for at in posts {
        stage.discord.reply_to(at).await;
        stage.send(at, SendKind::Reply, SendState::Sent).await;
    }
    for at in posts {
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_before_the_program_and_the_rest_is_sent_at_the_next_start() {
    let Some(mut stage) = Stage::watching(661).await else { return };
    let posts = stopped(&mut stage, Fault::Slow, Duration::from_secs(3)).await;
    assert_eq!((state(&stage, posts[0]).await, state(&stage, posts[1]).await), (SendState::Sent, SendState::Waiting));
    let replies = posts.map(|at| stage.discord.world(|world| world.replies_to(at)).len());
    assert_eq!(replies, [1, 0]);
    each_comes_once(&mut stage, posts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_looked_for_at_the_next_start_and_not_sent_twice() {
    let Some(mut stage) = Stage::watching(662).await else { return };
    let posts = stopped(&mut stage, Fault::DoneAndSilent, Duration::from_mins(2)).await;
    assert_eq!(state(&stage, posts[0]).await, SendState::Sending);
    each_comes_once(&mut stage, posts).await;
}
