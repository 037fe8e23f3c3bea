//! The settings panel, and what people ask for besides scores: rounds of rating, the taste, the best, being left alone.

use mekiki::domain::{RatingSource, SendKind, SendState};
use serde_json::{Value, json};
use serenity::all::Permissions;

use super::fake::{Asker, Draft, Message, Place};
use super::stage::Stage;
use super::watching::{ONE, OTHER};

/// Clicks, and waits until the message has another part whose id starts so.
async fn turn(stage: &Stage, asker: Asker, channel: u64, message: u64, click: &str, shows: &str) -> Message {
    stage.discord.click(asker, message, click);
    stage
        .discord
        .wait(&format!("{shows} after {click}"), |world| {
            let message = world.message(channel, message)?;
            message.component(shows).is_some().then(|| message.clone())
        })
        .await
}

fn sub(name: &str) -> Value {
    json!([{ "name": name, "type": 1, "options": [] }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_is_led_through_the_settings_and_nobody_else_is() {
    let Some(mut stage) = Stage::watching(821).await else { return };
    stage.start().await;
    stage.discord.commands().await;
    let ada = Asker::new(stage.ada, stage.art).moderating();
    let token = stage.discord.slash(ada, "setup", json!([]));
    let (panel, first) = stage.discord.answer(&token).await;
    assert!(first.ephemeral && first.text().contains(&stage.art.to_string()), "{}", first.text());
    assert!(first.text().contains("every permission"), "{}", first.text());
    let turn = |click: &'static str, shows: &'static str| turn(&stage, ada, stage.art, panel, click, shows);
    turn("setup:2:show", "setup:3:show").await;
    turn("setup:3:show", "setup:3:ask").await;
    // Nothing is agreed to before it was read.
    let agreement = turn("setup:3:ask", "setup:3:learn:on").await;
    assert!(agreement.text().contains("Stored for it"), "{}", agreement.text());
    let store = stage.store().await;
    assert!(!store.guild(stage.guild).await.unwrap().learn_from_reactions);
    turn("setup:3:learn:on", "setup:3:learn:off").await;
    turn("setup:3:gate:off", "setup:3:gate:on").await;
    let settings = store.guild(stage.guild).await.unwrap();
    assert!(settings.learn_from_reactions && !settings.age_gate);
    // Somebody who came by the same buttons and moderates nothing.
    stage.discord.click(Asker::new(stage.ben, stage.art), panel, "setup:3:learn:off");
    turn("setup:3:gate:on", "setup:3:gate:off").await;
    assert!(store.guild(stage.guild).await.unwrap().learn_from_reactions);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_rating_hides_the_score_until_the_vote() {
    let Some(mut stage) = Stage::watching(822).await else { return };
    stage.start().await;
    stage.discord.commands().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE, OTHER]));
    stage.send(post, SendKind::Reply, SendState::Sent).await;
    let ben = Asker::new(stage.ben, stage.art);
    let (round, question) = stage.discord.answer(&stage.discord.slash(ben, "rate", json!([]))).await;
    assert!(question.ephemeral && !question.files.is_empty(), "{}", question.said);
    assert!(!question.text().contains('±'), "{}", question.text());
    let before = question.component("ask:4:").unwrap()["custom_id"].clone();
    stage.discord.click(ben, round, "ask:4:");
    let next = stage
        .discord
        .wait("what comes after a vote", |world| {
            let message = world.message(stage.art, round)?;
            let left = message.component("ask:4:").map(|part| part["custom_id"].clone());
            (left != Some(before.clone())).then(|| message.clone())
        })
        .await;
    assert!(next.text().contains("★4"), "{}", next.text());
    let store = stage.store().await;
    let ledger = store.ledger().await.unwrap();
    let line = ledger.iter().find(|line| line.rater.discord_id() == Some(stage.ben)).expect("the vote is kept");
    assert_eq!((line.source, line.score_visible), (RatingSource::Interaction, false));
    store.close().await;
    // Twice a day.
    stage.discord.answer(&stage.discord.slash(ben, "rate", json!([]))).await;
    let (_, third) = stage.discord.answer(&stage.discord.slash(ben, "rate", json!([]))).await;
    assert!(third.files.is_empty(), "{}", third.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_told_of_the_taste_the_best_and_the_counts() {
    let Some(mut stage) = Stage::curating(823).await else { return };
    stage.start().await;
    stage.discord.commands().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE]));
    stage.send(post, SendKind::Reply, SendState::Sent).await;
    let ben = Asker::new(stage.ben, stage.art);
    let (_, taste) = stage.discord.answer(&stage.discord.slash(ben, "taste", sub("show"))).await;
    assert!(taste.text().contains("ratings") && !taste.files.is_empty(), "{}", taste.said);
    let (_, top) = stage.discord.answer(&stage.discord.slash(ben, "top", json!([]))).await;
    assert!(top.text().contains(&post.1.to_string()), "{}", top.said);
    let (_, top) = stage.discord.answer(&stage.discord.slash(ben.in_japanese(), "top", json!([]))).await;
    assert!(top.text().contains("上位"), "{}", top.said);
    for name in ["stats", "help", "ping", "privacy", "subscribe"] {
        let (_, answer) = stage.discord.answer(&stage.discord.slash(ben, name, json!([]))).await;
        assert!(!answer.text().is_empty(), "{name}");
    }
    // The everyday ones, by prefix.
    for command in ["!taste", "!top day", "!top 1か月", "!stats", "!help", "!ping"] {
        let asked = stage.discord.post(stage.art, Draft::by(stage.ben).says(command));
        let (_, answer) = stage.discord.reply_to(asked).await;
        assert!(!answer.text().is_empty() && !answer.text().contains("my side"), "{command}: {}", answer.said);
    }
    let odd = stage.discord.post(stage.art, Draft::by(stage.ben).says("!top wek"));
    let (_, answer) = stage.discord.reply_to(odd).await;
    assert!(answer.text().contains("`wek`"), "{}", answer.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opts_out_is_left_alone_and_may_come_back() {
    let Some(mut stage) = Stage::watching(824).await else { return };
    stage.start().await;
    stage.discord.commands().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.send(post, SendKind::Reply, SendState::Sent).await;
    let ben = Asker::new(stage.ben, stage.art);
    let (_, answer) = stage.discord.answer(&stage.discord.slash(ben, "optout", sub("me"))).await;
    assert!(answer.ephemeral, "{}", answer.said);
    stage.discord.wait("the reply to go", |world| world.replies_to(post).is_empty().then_some(())).await;
    // Others cannot have it scored either; its poster can.
    let ada = Asker::new(stage.ada, stage.art);
    let (_, refused) = stage.discord.answer(&stage.discord.menu(ada, "Score", post.1)).await;
    assert!(refused.files.is_empty() && refused.text().contains("leave their pictures alone"), "{}", refused.said);
    stage.discord.answer(&stage.discord.slash(ben, "optout", sub("me"))).await;
    let again = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.discord.reply_to(again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_is_told_to_moderators_with_what_to_do() {
    let Some(mut stage) = Stage::watching(828).await else { return };
    stage.discord.deny(stage.art, Permissions::ATTACH_FILES);
    stage.start().await;
    stage.discord.commands().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.send(post, SendKind::Reply, SendState::Failed).await;
    let ada = Asker::new(stage.ada, stage.art).moderating();
    let (_, panel) = stage.discord.answer(&stage.discord.slash(ada, "setup", json!([]))).await;
    assert!(panel.text().contains("One message of the last day"), "{}", panel.text());
    assert!(panel.text().contains("Attach Files"), "{}", panel.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_about_what_they_may_not_see() {
    let Some(mut stage) = Stage::watching(829).await else { return };
    let secret = stage.discord.channel(Place::text(stage.guild), "secret");
    stage.discord.deny_to(secret, stage.ben, Permissions::VIEW_CHANNEL);
    stage.watch(secret).await;
    stage.start().await;
    stage.discord.commands().await;
    let open = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE]));
    stage.send(open, SendKind::Reply, SendState::Sent).await;
    let closed = stage.discord.post(secret, Draft::by(stage.ada).scenes(&[OTHER, 5, 6, 7]));
    stage.send(closed, SendKind::Reply, SendState::Sent).await;
    let ben = Asker::new(stage.ben, stage.art);
    let (_, question) = stage.discord.answer(&stage.discord.slash(ben, "rate", json!([]))).await;
    assert!(question.component("ask:4:").is_some(), "{}", question.text());
    let store = stage.store().await;
    let seen = store.message_posts(super::stage::key(open), false).await.unwrap();
    let post = base36(seen[0].0.unsigned_abs());
    for pair in
        question.component("ask:4:").unwrap()["custom_id"].as_str().unwrap().rsplit(':').next().unwrap().split('.')
    {
        assert!(pair.starts_with(&format!("{post}-")), "{pair} is not of post {post}");
    }
    store.close().await;
}

fn base36(mut n: u64) -> String {
    let mut digits = Vec::new();
    while n > 0 {
        digits.push(char::from_digit((n % 36) as u32, 36).unwrap());
        n /= 36;
    }
    digits.into_iter().rev().collect()
}
