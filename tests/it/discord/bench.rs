//! `make bench-discord`: how long a reply takes at two posts a second, and how much memory many posts leave.

use std::time::Duration;

use super::fake::{At, Draft, Picture};
use super::stage::Stage;
use crate::bot::PATIENCE;

/// Posts that are timed, at this rate.
const TIMED: usize = 120;
const RATE: u32 = 2;
/// Posts without their reply while the memory is filled.
const AHEAD: usize = 24;
/// What the product promises.
const P95: Duration = Duration::from_millis(1500);
const RSS: u64 = 350;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make bench-discord"]
async fn bench() {
    let posts = variable("POSTS").and_then(|text| text.parse().ok()).unwrap_or(1000usize);
    let mut stage = Stage::curating(7).await.expect("the specs are beside the checkout");
    (0..TIMED as u64).for_each(|i| drop(Picture::scene(3000 + i)));
    stage.start().await;
    // The first one warms the model.
    let first = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[2999]));
    stage.discord.reply_to(first).await;

    let mut every = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut timed = Vec::new();
    for i in 0..TIMED as u64 {
        every.tick().await;
        timed.push(stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[3000 + i])));
    }
    let mut took = Vec::new();
    for &at in &timed {
        // A drawing whose face is not found gets no reply.
        if let Some(time) = replied(&stage, at, Duration::from_secs(10)).await {
            took.push(time);
        }
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    println!("{TIMED} posts at {RATE} a second: {} replies", took.len());
    println!("post to reply: p50 {:?}, p95 {:?}, most {:?}", at(0.5), at(0.95), at(1.0));

    let mut memory = Vec::new();
    let mut waiting: Vec<At> = Vec::new();
    for i in TIMED..posts {
        let picture = Picture::scene(3000 + (i % TIMED) as u64).again(i as u64);
        waiting.push(stage.discord.post(stage.art, Draft::by(stage.ben).shows(picture)));
        if waiting.len() >= AHEAD {
            let oldest = waiting.remove(0);
            replied(&stage, oldest, Duration::from_secs(5)).await;
            stage.discord.world(|world| world.forget_bytes(oldest));
        }
        if i % 1000 == 0 {
            memory.push((i, resident(&mut stage)));
        }
    }
    for at in waiting {
        replied(&stage, at, Duration::from_secs(5)).await;
    }
    let (now, most) = resident(&mut stage);
    println!("resident memory on the way (MB, now and most): {memory:?}");
    println!("resident memory after {posts} posts: {now} MB, at most {most} MB");
    assert!(at(0.95) < P95, "p95 is over {P95:?}");
    assert!(now < RSS, "more than {RSS} MB");
}

/// From a post to its reply, by the ids' times.
async fn replied(stage: &Stage, at: At, patience: Duration) -> Option<Duration> {
    let reply = async {
        stage.discord.wait_within(PATIENCE, "a reply", |world| world.replies_to(at).first().map(|(id, _)| *id)).await
    };
    let id = tokio::time::timeout(patience, reply).await.ok()?;
    Some(Duration::from_millis((id >> 22) - (at.1 >> 22)))
}

/// Resident memory of the program in MB: now, and at most so far.
fn resident(stage: &mut Stage) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", stage.bot().process())).expect("Linux");
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a process has memory");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

#[expect(clippy::disallowed_methods, reason = "how long to run is the caller's word, not the program's setting")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
