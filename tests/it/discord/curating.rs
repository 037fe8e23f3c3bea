//! The curated channel: what a pick says, how often there is one, and how it is published.

use mekiki::domain::{GuildSettings, PickStyle, Scope, SendKind, SendState, Skip, Verdict};
use serenity::all::Permissions;

use super::fake::{At, Draft, Picture};
use super::inside::{Inside, Odds};
use super::stage::{Stage, key, link};
use super::watching::{ONE, OTHER};

/// Waits for the verdict on a message's picture.
async fn verdict(stage: &Stage, at: At) -> Verdict {
    stage
        .until("a verdict", async |store| {
            let post = *store.message_posts(key(at), false).await.unwrap().first()?;
            store.verdict(Scope::Guild(stage.guild), post).await.unwrap()
        })
        .await
        .0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pick_names_its_author_and_its_post_and_pings_nobody() {
    let Some(mut stage) = Stage::curating(701).await else { return };
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).says("mine").scenes(&[ONE]));
    let (_, pick) = stage.pick_of(at).await;
    assert!(pick.text().contains("ben") || pick.text().contains(&stage.ben.to_string()), "{}", pick.said);
    assert!(pick.text().contains(&link(stage.guild, at)));
    assert_eq!(pick.pings, Vec::<u64>::new());
    assert!(!pick.files.is_empty(), "the crops: {}", pick.said);
    for button in ["up:", "down:"] {
        assert!(pick.component(button).is_some(), "no {button}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pick_is_a_forward_or_the_whole_picture_where_that_is_settled() {
    let Some(mut stage) = Stage::curating(702).await else { return };
    stage.settle(&GuildSettings { style: PickStyle::Picture, ..stage.curates() }).await;
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    let (_, pick) = stage.pick_of(at).await;
    let sizes: Vec<(u32, u32)> = stage
        .discord
        .world(|world| world.shown(&pick))
        .iter()
        .map(|(bytes, _)| image::load_from_memory(bytes).unwrap())
        .map(|picture| (picture.width(), picture.height()))
        .collect();
    let whole = image::load_from_memory(&Picture::scene(ONE).bytes).unwrap();
    assert!(sizes.contains(&(whole.width(), whole.height())), "{sizes:?}");
    // Killed before it has written that down, the next start would follow the style that is settled then.
    stage.send(at, SendKind::Pick, SendState::Sent).await;
    stage.kill();

    stage.settle(&GuildSettings { style: PickStyle::Forward, ..stage.curates() }).await;
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    let picks = stage.picks;
    let forward = |world: &mut super::fake::World| {
        let mut said = world.said(picks).into_iter();
        said.find(|(_, message)| super::fake::id(&message.said["message_reference"]["message_id"]) == at.1)
    };
    let (_, forward) = stage.discord.wait("a forward", forward).await;
    assert_eq!(forward.said["message_reference"]["type"], 1);
    stage.discord.delete(at);
    stage.discord.wait("only the pick before", |world| (world.said(picks).len() == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_picture_is_picked_once_and_an_hour_has_its_limit() {
    let Some(mut stage) = Stage::curating(703).await else { return };
    stage.settle(&GuildSettings { picks_per_hour: 2, ..stage.curates() }).await;
    stage.start().await;
    let first = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.pick_of(first).await;
    let same = stage.discord.post(stage.art, Draft::by(stage.cleo).scenes(&[ONE]));
    stage.discord.reply_to(same).await;
    assert_eq!(verdict(&stage, same).await, Verdict::Skip(Skip::AlreadyPosted));
    let second = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.pick_of(second).await;
    let third = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[54]));
    stage.discord.reply_to(third).await;
    assert_eq!(verdict(&stage, third).await, Verdict::Skip(Skip::HourlyLimit { limit: 2 }));
    assert_eq!(stage.discord.said(stage.picks).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_picks_are_published_at_once_and_the_tenth_place_of_the_hour_is_kept_for_a_digest() {
    let Some(mut stage) = Stage::curating(704).await else { return };
    stage.settle(&GuildSettings { curated_announces: true, ..stage.curates() }).await;
    stage.start().await;
    let mut posts = Vec::new();
    for seed in 60.. {
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        stage.send(at, SendKind::Reply, SendState::Sent).await;
        if verdict(&stage, at).await == Verdict::Repost {
            stage.pick_of(at).await;
            posts.push(at);
        }
        if posts.len() == 12 {
            break;
        }
    }
    let picks = stage.picks;
    let published = |world: &mut super::fake::World| {
        let said = world.said(picks);
        let published = said.iter().filter(|(_, m)| m.said["flags"].as_u64().unwrap_or(0) & 1 == 1).count();
        (published == 9).then_some(said.len())
    };
    assert_eq!(stage.discord.wait("nine published picks", published).await, 12);
    assert_eq!((stage.discord.asked("POST", "/crosspost"), stage.discord.refusals(429).len()), (9, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_nine_published_picks_an_hour_comes_as_a_digest_after_half_an_hour() {
    let Some(stage) = Stage::curating(707).await else { return };
    stage.settle(&GuildSettings { curated_announces: true, ..stage.curates() }).await;
    let bot = Inside::on_discord(&stage, Odds::default()).await;
    let mut posts = Vec::new();
    for seed in 60.. {
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        if stage.settled(at).await && verdict(&stage, at).await == Verdict::Repost {
            stage.send(at, SendKind::Pick, SendState::Sent).await;
            posts.push(stage.pick_of(at).await.0);
        }
        if posts.len() == 12 {
            break;
        }
    }
    let picks = stage.picks;
    let is_published = |message: &super::fake::Message| message.said["flags"].as_u64().unwrap_or(0) & 1 == 1;
    let published = |world: &mut super::fake::World| {
        let said = world.said(picks);
        (said.iter().filter(|(_, m)| is_published(m)).count() == 9).then_some(said.len())
    };
    assert_eq!(stage.discord.wait("nine published picks", published).await, 12);

    bot.clock.by(time::Duration::minutes(29));
    // Something else comes to its end: the outbox looks what is due.
    let empty = stage.discord.post(stage.art, Draft::by(stage.ben).shows(Picture::empty(1)));
    stage.silent(empty).await;
    assert_eq!(stage.discord.said(picks).len(), 12, "too early");
    bot.clock.by(time::Duration::minutes(2));
    let empty = stage.discord.post(stage.art, Draft::by(stage.ben).shows(Picture::empty(2)));
    stage.silent(empty).await;
    let digest = |world: &mut super::fake::World| {
        let digest = world.said(picks).into_iter().find(|(id, _)| !posts.contains(id));
        digest.filter(|(_, message)| is_published(message))
    };
    let (_, digest) = stage.discord.wait("a published digest", digest).await;
    let linked: Vec<bool> = posts.iter().map(|id| digest.content().contains(&format!("/{id}>"))).collect();
    assert_eq!(linked.iter().filter(|linked| **linked).count(), 3, "{}", digest.content());
    assert!(linked[..9].iter().all(|linked| !linked), "{linked:?}");
    assert_eq!((stage.discord.asked("POST", "/crosspost"), stage.discord.refusals(429).len()), (10, 0));
    assert_eq!(stage.discord.said(picks).len(), 13);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_pinged_where_there_are_any() {
    let Some(mut stage) = Stage::curating(705).await else { return };
    let role = stage.discord.role(stage.guild, "picks", Permissions::empty());
    stage.settle(&GuildSettings { subscribers: Some(role), ..stage.curates() }).await;
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).says("@everyone").scenes(&[ONE]));
    let (_, pick) = stage.pick_of(at).await;
    assert_eq!(pick.pings, [role]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bot_may_not_post_picks_it_stops_trying() {
    let Some(mut stage) = Stage::curating(706).await else { return };
    stage.discord.deny(stage.picks, Permissions::SEND_MESSAGES);
    stage.start().await;
    for seed in [ONE, OTHER, 54] {
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        stage.discord.reply_to(at).await;
        stage.send(at, SendKind::Pick, SendState::Failed).await;
    }
    let refused = stage.discord.refusals(403);
    assert!(refused.len() <= 6, "{refused:?}");
}
