//! Faults, kills, edits and deletions in any order: in the end each source that is there has one reply, and no other has
//! any.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const SOURCES: u64 = 8;

async fn storm(seed: u64, kills: bool) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut home = Home::new().await;
    // With kills a request may still be on its way when the next start looks: then Discord's memory of nonces counts.
    home.fake.lock().enforce_nonce = kills;
    let (mut there, mut sends) = (Vec::new(), Vec::new());
    for n in 0..SOURCES {
        let at = MessageKey { channel: CHANNEL + n % 3, message: 1000 + n };
        let posts = [home.post(at, 0, 1, false).await, home.post(at, 1, 1, false).await];
        sends.push(home.reply(at).await);
        there.push((at, posts));
    }
    let all = there.clone();
    for _ in 0..60 {
        if rng.random_bool(0.4) {
            let faults =
                [Fault::Refuse(429, 0), Fault::Refuse(500, 0), Fault::LoseAnswer, Fault::LoseAnswer, Fault::Garble];
            home.fake.fault(*faults.choose(&mut rng).expect("there are faults"));
        }
        match rng.random_range(0..10) {
            0 if there.len() > 2 => {
                let (at, _) = there.remove(rng.random_range(0..there.len()));
                home.fake.lock().sources.retain(|&id| id != at.message);
                home.pipeline.source_deleted(at).await.expect("deletes");
            }
            1 => {
                let (_, posts) = there.choose(&mut rng).expect("some are left");
                home.pipeline.remove(posts[1]).await.expect("removes");
            }
            2 => home.advance(Duration::seconds(rng.random_range(1..20))),
            3 if kills => home.restart(),
            4 if there.len() > 2 => {
                // Deleted while its reply is on the way.
                let due = home.pipeline.store().due_sends(home.pipeline.now()).await.expect("reads");
                let Some(row) = due.first() else { continue };
                there.retain(|(at, _)| Some(*at) != row.source);
                let deletion = async {
                    let pause = std::time::Duration::from_micros(rng.random_range(0..6000));
                    let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
                    let source = row.source.expect("of a message");
                    home.fake.lock().sources.retain(|&id| id != source.message);
                    home.pipeline.source_deleted(source).await.expect("deletes");
                };
                tokio::join!(home.outbox.handle(row), deletion);
            }
            _ => {
                let due = home.pipeline.store().due_sends(home.pipeline.now()).await.expect("reads");
                let Some(row) = due.choose(&mut rng) else { continue };
                let patience = std::time::Duration::from_micros(rng.random_range(200..8000));
                if kills && rng.random_bool(0.3) {
                    // Dropped wherever it is: as good as a kill.
                    let _ = tokio::time::timeout(patience, home.outbox.handle(row)).await;
                } else {
                    home.outbox.handle(row).await;
                }
            }
        }
    }
    home.fake.lock().faults.clear();
    home.restart();
    home.pipeline.store().reopen_changes().await.expect("writes");
    for _ in 0..20 {
        home.work().await;
        home.advance(Duration::minutes(5));
    }
    for (at, _) in &all {
        let expected = usize::from(there.iter().any(|(other, _)| other == at));
        let messages = home.fake.messages(at.channel);
        let about = messages.iter().filter(|m| {
            m.body["message_reference"]["message_id"].as_str().is_some_and(|id| id.parse() == Ok(at.message))
        });
        assert_eq!(about.count(), expected, "seed {seed}: {at}");
    }
    for id in sends {
        let state = home.state(id).await;
        assert!(matches!(state, SendState::Sent | SendState::Gone), "seed {seed}: {state:?}");
    }
}

#[tokio::test]
async fn one_reply_each_whatever_goes_wrong_on_the_way() {
    for seed in 0..6 {
        storm(seed, false).await;
    }
}

#[tokio::test]
async fn one_reply_each_whenever_the_program_is_killed() {
    for seed in 100..106 {
        storm(seed, true).await;
    }
}
