//! What goes wrong: the gateway, the API, the process itself. Nothing is lost, nothing comes twice.

use std::time::Duration;

use serde_json::json;

use super::fake::{Draft, Fault, Out};
use super::stage::Stage;
use super::watching::{ONE, OTHER};

use mekiki::domain::{SendKind, SendState};

#[tokio::test(flavor = "multi_thread")]
async fn every_way_a_connection_ends_is_survived() {
    let Some(mut stage) = Stage::watching(601).await else { return };
    stage.start().await;
    let mut seeds = 20u64..;
    let endings: [&dyn Fn(&mut super::fake::Gateway); 7] = [
        &|gateway| gateway.send_op(7, &serde_json::Value::Null),
        &|gateway| gateway.send_op(9, &json!(true)),
        &|gateway| gateway.control(|| Out::Cut),
        &|gateway| gateway.control(|| Out::Close(4000)),
        &|gateway| gateway.control(|| Out::Close(4008)),
        &|gateway| gateway.control(|| Out::Close(4009)),
        // The session is lost: whatever was missed has to be looked up.
        &super::fake::Gateway::lose_sessions,
    ];
    for (i, ending) in endings.iter().enumerate() {
        let missed = stage.discord.world(|world| {
            ending(&mut world.gateway);
            i
        });
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seeds.next().unwrap()]));
        stage.discord.reply_to(at).await;
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1, "after ending {missed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_reconnects_loses_nothing_and_asks_for_no_new_session() {
    let Some(mut stage) = Stage::watching(606).await else { return };
    stage.start().await;
    let identifies = stage.discord.gateway(|gateway| gateway.identifies);
    let mut posts = Vec::new();
    for i in 0..12u64 {
        let resumes = stage.discord.gateway(|gateway| {
            match i % 4 {
                0 => gateway.send_op(7, &serde_json::Value::Null),
                1 => gateway.control(|| Out::Cut),
                2 => gateway.control(|| Out::Close(4000)),
                _ => gateway.send_op(9, &json!(true)),
            }
            gateway.resumes
        });
        posts.push(stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[70 + i])));
        stage.discord.wait("a resume", |world| (world.gateway.resumes > resumes).then_some(())).await;
    }
    let mut replies = 0;
    for &at in &posts {
        let answered = stage.settled(at).await;
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), usize::from(answered));
        replies += usize::from(answered);
    }
    assert!(replies > 6, "{replies}");
    assert_eq!(stage.discord.gateway(|gateway| gateway.identifies), identifies);
}

/// A message in a thread of which nothing is known, while Discord does not say whose thread it is.
async fn in_an_unknown_thread(stage: &mut Stage) -> super::fake::At {
    stage.start().await;
    let thread = stage.discord.untold_thread(stage.art, "found again");
    let path = format!("channels/{thread}");
    let failing = (0..60).map(|_| ("GET".to_owned(), path.clone(), Fault::Refused));
    stage.discord.faults(|faults| faults.next.extend(failing));
    let at = stage.discord.post(thread, Draft::by(stage.ben).scenes(&[ONE]));
    let asked = |_: &mut super::fake::World| (stage.discord.asked("GET", &path) > 5).then_some(());
    stage.discord.wait("questions about the thread", asked).await;
    // Its channel goes on meanwhile.
    let above = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.discord.reply_to(above).await;
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_a_thread_that_discord_does_not_tell_of_is_answered_when_it_does() {
    let Some(mut stage) = Stage::watching(607).await else { return };
    let at = in_an_unknown_thread(&mut stage).await;
    stage.discord.faults(|faults| faults.next.clear());
    stage.discord.reply_to(at).await;
    assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn also_after_a_restart() {
    let Some(mut stage) = Stage::watching(608).await else { return };
    let at = in_an_unknown_thread(&mut stage).await;
    stage.stop();
    stage.discord.faults(|faults| faults.next.clear());
    stage.start().await;
    stage.discord.reply_to(at).await;
    assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_made_anew() {
    let Some(mut stage) = Stage::watching(602).await else { return };
    stage.discord.gateway(|gateway| gateway.heartbeat = 1_000);
    stage.start().await;
    stage.discord.gateway(|gateway| gateway.deaf = true);
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    let before = stage.discord.gateway(|gateway| gateway.identifies + gateway.resumes);
    stage
        .discord
        .wait("another connection", |world| {
            (world.gateway.identifies + world.gateway.resumes > before).then(|| world.gateway.deaf = false)
        })
        .await;
    stage.discord.reply_to(at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_the_program_with_a_word_on_it() {
    let Some(mut stage) = Stage::watching(603).await else { return };
    stage.set_env("DISCORD_TOKEN", "quite-another-token");
    stage.launch();
    stage.wait_for("DISCORD_TOKEN");
    let refused = stage.discord.refusals(401).len();
    assert!(refused <= 5, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_twice_or_late_are_answered_once() {
    let Some(mut stage) = Stage::curating(604).await else { return };
    stage.start().await;
    stage.discord.gateway(|gateway| gateway.disorder = (0.5, 0.5));
    let mut posts = Vec::new();
    for seed in 30..40 {
        posts.push(stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed])));
    }
    stage.discord.gateway(super::fake::Gateway::settle);
    for &at in &posts {
        stage.discord.reply_to(at).await;
        stage.send(at, SendKind::Reply, SendState::Sent).await;
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_the_api_delays_a_reply_and_doubles_none() {
    let Some(mut stage) = Stage::watching(605).await else { return };
    stage.start().await;
    stage.discord.faults(|faults| faults.silence = Duration::from_secs(2));
    let kinds = [
        Fault::RateLimited,
        Fault::Refused,
        Fault::DoneAndRefused,
        Fault::Cut,
        Fault::DoneAndCut,
        Fault::DoneAndSilent,
    ];
    for (seed, fault) in (40..).zip(kinds) {
        let path = format!("channels/{}/messages", stage.art);
        stage.discord.faults(|faults| faults.next.push(("POST".into(), path, fault)));
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        stage.discord.reply_to(at).await;
        stage.send(at, SendKind::Reply, SendState::Sent).await;
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1, "after {fault:?}");
        assert_eq!(stage.discord.faults(|faults| faults.next.len()), 0, "{fault:?} did not happen");
    }
    for (seed, fault) in (50..).zip([Fault::Refused, Fault::Cut, Fault::DoneAndSilent]) {
        stage.discord.faults(|faults| faults.next.push(("GET".into(), "attachments/".into(), fault)));
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        stage.discord.reply_to(at).await;
    }
}

/// A picture is posted and the program dies at a crash point on its way out; at the next start it comes once.
async fn killed_at(seed: u64, point: &str) {
    let Some(mut stage) = Stage::curating(seed).await else { return };
    stage.start_at(point).await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.wait_for(&format!("crash point {point}"));
    stage.kill();
    stage.start().await;
    stage.discord.reply_to(at).await;
    stage.pick_of(at).await;
    stage.send(at, SendKind::Reply, SendState::Sent).await;
    stage.send(at, SendKind::Pick, SendState::Sent).await;
    let (replies, picks) = (stage.discord.world(|world| world.replies_to(at)), stage.discord.said(stage.picks));
    assert_eq!((replies.len(), picks.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_a_send_leaves_it_is_sent_once() {
    killed_at(611, "send_claimed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_a_send_arrived_it_is_found_and_not_sent_again() {
    killed_at(612, "send_sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_download_it_comes_once() {
    killed_at(613, "fetched").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_decision_it_comes_once() {
    killed_at(614, "decided").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_publishing_it_comes_once() {
    killed_at(615, "published").await;
}
