//! `make chaos-discord`: a thousand posts in ten channels while nearly everything goes wrong, and what came of them.

mod counts;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::variable;
use super::fake::{At, Dice, Draft, Gateway, Out, Picture, Place, kind};
use super::stage::Stage;
use counts::Counts;

const SEED: u64 = 4242;
/// Posts a second.
const RATE: u32 = 20;
/// Share of requests to the API and the CDN that go wrong.
const FAULTS: f64 = 0.1;
/// Share of events that come twice, and of those that come late.
const DISORDER: (f64, f64) = (0.02, 0.02);
/// Share of posts that show a picture which was not posted before.
const FRESH: f64 = 0.8;
/// Share of posts that are deleted, and of those whose picture is swapped.
const DELETED: f64 = 0.06;
const EDITED: f64 = 0.03;
/// Shares of the posts after which the program is killed, and those after which its connection ends.
const KILLS: [f64; 2] = [0.35, 0.72];
const RECONNECTS: [f64; 5] = [0.12, 0.26, 0.48, 0.6, 0.88];

/// What somebody posted.
pub(super) struct Posted {
    pub(super) at: At,
    pub(super) picture: u64,
    pub(super) deleted: bool,
    pub(super) edited: bool,
}

/// A time at which something happens to a post.
enum Later {
    Delete(usize),
    Edit(usize),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: make chaos-discord"]
async fn chaos() {
    let mut stage = Stage::curating(SEED).await.expect("the specs are beside the checkout");
    let channels = channels(&stage).await;
    let posts = variable("POSTS").and_then(|text| text.parse().ok()).unwrap_or(1000usize);
    let pictures: Vec<u64> = (1000..1000 + posts as u64).collect();
    let drawn = pictures.clone();
    tokio::task::spawn_blocking(move || drawn.into_iter().for_each(|seed| drop(Picture::scene(seed)))).await.unwrap();
    stage.start().await;
    stage.discord.faults(|faults| (faults.api, faults.cdn, faults.silence) = (FAULTS, FAULTS, Duration::from_secs(2)));
    stage.discord.gateway(|gateway| gateway.disorder = DISORDER);
    println!("{posts} posts in {} channels at {RATE} a second, {:.0} % faults", channels.len(), FAULTS * 100.0);

    let began = Instant::now();
    let posted = run(&mut stage, &channels, &pictures).await;
    println!("posted in {:.1} s", began.elapsed().as_secs_f64());
    stage.discord.gateway(Gateway::settle);
    counts::drained(&stage, &posted).await;
    println!("settled after {:.1} s", began.elapsed().as_secs_f64());

    let counts = Counts::of(&stage, &posted).await;
    let faults = stage.discord.faults(|faults| faults.happened.clone());
    println!("faults: {faults:?}");
    println!("{}", stage.discord.gateway(|g| format!("identified {} times, resumed {}", g.identifies, g.resumes)));
    counts.print();
    assert!(counts.is_clean(), "not all that should be 0 is 0");
}

/// Ten watched channels: open ones, one of voice, a thread, a forum post, and two for adults.
async fn channels(stage: &Stage) -> Vec<u64> {
    let discord = &stage.discord;
    let place = |place: Place, name: &str| discord.channel(place, name);
    let mut watched: Vec<u64> = (0..4).map(|i| place(Place::text(stage.guild), &format!("art {i}"))).collect();
    watched.push(place(Place::of_kind(stage.guild, kind::VOICE), "voice"));
    let adult: Vec<u64> = (0..2).map(|i| place(Place::nsfw(stage.guild), &format!("dark {i}"))).collect();
    let forum = place(Place::of_kind(stage.guild, kind::FORUM), "forum");
    watched.extend(&adult);
    for &channel in watched.iter().chain([&forum]) {
        stage.watch(channel).await;
    }
    watched.extend([discord.thread(forum, "a post"), discord.thread(adult[0], "a thread"), stage.art]);
    watched
}

/// Lets people post, delete and edit, kills the program and cuts its connection.
async fn run(stage: &mut Stage, channels: &[u64], pictures: &[u64]) -> Vec<Posted> {
    let after = |share: &f64| (pictures.len() as f64 * share) as usize;
    let mut dice = Dice::new(SEED);
    let mut posted: Vec<Posted> = Vec::new();
    let mut later: Vec<(Instant, Later)> = Vec::new();
    let mut every = tokio::time::interval(Duration::from_secs(1) / RATE);
    for (i, &fresh) in pictures.iter().enumerate() {
        every.tick().await;
        if KILLS.iter().any(|share| after(share) == i) {
            stage.kill();
            stage.launch();
        }
        if let Some(which) = RECONNECTS.iter().position(|share| after(share) == i) {
            stage.discord.gateway(|gateway| reconnect(gateway, which));
        }
        let picture = if dice.chance(FRESH) { fresh } else { pictures[dice.below(i + 1)] };
        let (author, channel) = ([stage.ada, stage.ben, stage.cleo][i % 3], channels[dice.below(channels.len())]);
        let at = stage.discord.post(channel, Draft::by(author).scenes(&[picture]));
        posted.push(Posted { at, picture, deleted: false, edited: false });
        let soon = Instant::now() + Duration::from_millis(200 + dice.below(8000) as u64);
        if dice.chance(DELETED) {
            later.push((soon, Later::Delete(i)));
        } else if dice.chance(EDITED) {
            later.push((soon, Later::Edit(i)));
        }
        later.retain(|(when, what)| {
            let due = *when <= Instant::now();
            if due {
                happen(stage, &mut posted, what);
            }
            !due
        });
    }
    for (_, what) in &later {
        happen(stage, &mut posted, what);
    }
    posted
}

fn happen(stage: &Stage, posted: &mut [Posted], what: &Later) {
    match *what {
        Later::Delete(i) => {
            stage.discord.delete(posted[i].at);
            posted[i].deleted = true;
        }
        Later::Edit(i) => {
            let picture = posted[i].picture + 10_000;
            stage.discord.edit_pictures(posted[i].at, vec![Picture::scene(picture)]);
            (posted[i].picture, posted[i].edited) = (picture, true);
        }
    }
}

fn reconnect(gateway: &mut Gateway, which: usize) {
    match which {
        0 => gateway.send_op(7, &Value::Null),
        1 => gateway.control(|| Out::Cut),
        2 => gateway.control(|| Out::Close(4000)),
        3 => gateway.send_op(9, &json!(true)),
        _ => gateway.lose_sessions(),
    }
}
