//! Each way in which Discord takes no session, or lets one fall silent, and what the bot does about it.

use std::time::Duration;

use mekiki::discord::{Fatal, Patience, ShardRange};

use super::fake::{Draft, Out};
use super::inside::{Inside, Odds};
use super::stage::Stage;
use super::watching::{ONE, OTHER};

/// The watchdog of a bot with little time. The fake's heart has to beat faster than it is taken for silent.
const HASTY: Patience = Patience {
    look: Duration::from_millis(50),
    silence: Duration::from_secs(4),
    connecting: Duration::from_secs(4),
    accepting: Duration::from_secs(3),
    restarts: 2,
    first_pause: Duration::from_millis(20),
    longest_pause: Duration::from_millis(100),
    connections: 40,
};
const HEARTBEAT: u64 = 500;

fn hasty() -> Odds {
    Odds { patience: HASTY, ..Odds::default() }
}

async fn stage(seed: u64) -> Option<Stage> {
    let stage = Stage::watching(seed).await?;
    stage.discord.gateway(|gateway| gateway.heartbeat = HEARTBEAT);
    Some(stage)
}

/// A picture posted now is answered, once.
async fn answers(stage: &Stage, scene: u64) {
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[scene]));
    stage.discord.reply_to(at).await;
    assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
}

/// The first identify is refused with this code, the next is taken.
async fn refused_at_first(seed: u64, code: u16) {
    let Some(stage) = stage(seed).await else { return };
    stage.discord.gateway(|gateway| gateway.refuse = (1, code));
    let bot = Inside::start(&stage, hasty()).await;
    stage
        .discord
        .wait("another session", |world| {
            (world.gateway.identifies > 1 && world.gateway.connected() == world.gateway.advised as usize).then_some(())
        })
        .await;
    answers(&stage, ONE).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_authenticated_is_tried_anew() {
    refused_at_first(621, 4003).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_shard_is_asked_for_anew() {
    refused_at_first(622, 4010).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shard_too_few_becomes_as_many_as_discord_advises_then() {
    refused_at_first(623, 4011).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_version_is_tried_anew() {
    refused_at_first(624, 4012).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_by_hand_that_are_too_few_end_the_program_with_the_number_needed() {
    let Some(stage) = stage(625).await else { return };
    stage.discord.gateway(|gateway| gateway.refuse = (1, 4011));
    let one = ShardRange { from: 0, to: 1, total: 1 };
    let bot = Inside::start(&stage, Odds { shards: Some(one), ..hasty() }).await;
    let ended = bot.ends().await;
    assert!(matches!(ended, Err(Fatal::TooFewShards { given: 1, needed: 2 })), "{ended:?}");
    assert_eq!(stage.discord.gateway(|gateway| gateway.identifies), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_never_taken_ends_the_program_after_some_tries() {
    let Some(stage) = stage(626).await else { return };
    stage.discord.gateway(|gateway| gateway.refuse = (u32::MAX, 4010));
    let patience = Patience { connections: 3, longest_pause: Duration::from_mins(1), ..HASTY };
    let bot = Inside::start(&stage, Odds { patience, ..Odds::default() }).await;
    let ended = bot.ends().await;
    assert!(matches!(ended, Err(Fatal::Shard(0))), "{ended:?}");
    assert_eq!(stage.discord.gateway(|gateway| gateway.identifies), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_that_discord_does_not_know_end_the_program_at_once() {
    let Some(stage) = stage(627).await else { return };
    stage.discord.gateway(|gateway| gateway.refuse = (u32::MAX, 4013));
    let ended = Inside::start(&stage, hasty()).await.ends().await;
    assert!(matches!(ended, Err(Fatal::Intents)), "{ended:?}");
    assert_eq!(stage.discord.gateway(|gateway| gateway.identifies), 1);
}

/// Serenity waits for ever for a connection that is taken and never answered: `held` of them, then all is well again.
async fn held(seed: u64, held: u32) {
    let Some(stage) = stage(seed).await else { return };
    let bot = Inside::on_discord(&stage, hasty()).await;
    answers(&stage, ONE).await;
    let before = stage.discord.gateway(|gateway| {
        gateway.hold = held;
        gateway.control(|| Out::Cut);
        gateway.identifies
    });
    let is_back = |world: &mut super::fake::World| {
        (world.gateway.identifies > before && world.gateway.connected() > 0).then_some(())
    };
    stage.discord.wait("a new session", is_back).await;
    assert_eq!(stage.discord.gateway(|gateway| gateway.hold), 0);
    answers(&stage, OTHER).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_restarts_a_shard_that_waits_for_an_answer_that_never_comes() {
    held(631, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_makes_the_connection_anew_where_a_restart_does_not_help() {
    held(632, 2).await;
}
