//! Commands that change what the bot does, by the people who may use them.

use mekiki::domain::{RatingSource, Scope};
use serde_json::{Value, json};

use super::fake::{Asker, Draft, Place};
use super::stage::Stage;
use super::watching::{ONE, OTHER};

fn sub(name: &str, options: &Value) -> Value {
    json!([{ "name": name, "type": 1, "options": options }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_watches_a_channel_and_leaves_it_again() {
    let Some(mut stage) = Stage::watching(801).await else { return };
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    stage.discord.commands().await;
    let ada = Asker::new(stage.ada, talk).moderating();
    let channel = |id: u64| json!([{ "name": "channel", "type": 7, "value": id.to_string() }]);
    let before = stage.discord.post(talk, Draft::by(stage.ben).scenes(&[ONE]));
    let token = stage.discord.slash(ada, "watch", sub("add", &channel(talk)));
    let (_, answer) = stage.discord.answer(&token).await;
    assert!(answer.text().contains(&talk.to_string()), "{}", answer.said);
    let after = stage.discord.post(talk, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.discord.reply_to(after).await;
    assert!(stage.discord.world(|world| world.replies_to(before)).is_empty());
    let (_, list) = stage.discord.answer(&stage.discord.slash(ada, "watch", sub("list", &json!([])))).await;
    assert!(list.text().contains(&talk.to_string()) && list.text().contains(&stage.art.to_string()));
    stage.discord.answer(&stage.discord.slash(ada, "watch", sub("remove", &channel(talk)))).await;
    let unwatched = stage.discord.post(talk, Draft::by(stage.ben).scenes(&[5]));
    let watched = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[6]));
    stage.discord.reply_to(watched).await;
    assert!(stage.discord.world(|world| world.replies_to(unwatched)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn moderator_commands_ask_for_manage_guild_and_every_command_speaks_japanese() {
    let Some(mut stage) = Stage::watching(802).await else { return };
    stage.start().await;
    let commands = stage.discord.commands().await;
    let names: Vec<&str> = commands.iter().filter_map(|c| c["name"].as_str()).collect();
    for name in ["setup", "watch", "curate", "score", "rate", "top", "taste", "subscribe", "stats", "privacy", "export"]
    {
        assert!(names.contains(&name), "no /{name} among {names:?}");
    }
    for name in ["forget", "optout", "help", "ping", "Score"] {
        assert!(names.contains(&name), "no {name} among {names:?}");
    }
    for command in &commands {
        if command["type"] == 1 {
            assert!(command["description_localizations"]["ja"].is_string(), "{command}");
        }
        let name = command["name"].as_str().unwrap();
        let moderators = ["setup", "watch", "curate", "follow", "unfollow", "following", "account"].contains(&name);
        let permission = &command["default_member_permissions"];
        assert_eq!(permission == "32", moderators, "{name}: {permission}");
    }
    let score = commands.iter().find(|c| c["name"] == "Score").unwrap();
    assert!(score["integration_types"].as_array().is_some_and(|types| types.contains(&json!(1))), "{score}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_forgotten_after_a_second_click_and_not_before() {
    let Some(mut stage) = Stage::watching(803).await else { return };
    stage.start().await;
    stage.discord.commands().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE]));
    let (reply, _) = stage.discord.reply_to(post).await;
    let (ben, cleo) = (stage.ben, stage.cleo);
    stage.discord.vote((stage.art, reply), ben, "up:").await;
    stage.discord.react(post, cleo, "👎");
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    let asker = Asker::new(ben, stage.art);
    let export = stage.discord.slash(asker, "export", sub("me", &json!([])));
    let (_, export) = stage.discord.answer(&export).await;
    assert!(export.ephemeral && !export.files.is_empty(), "{}", export.said);
    let token = stage.discord.slash(asker, "forget", sub("me", &json!([])));
    let (question, answer) = stage.discord.answer(&token).await;
    assert!(answer.ephemeral && !answer.components().is_empty(), "{}", answer.said);
    stage.judged(post, &[(ben, "up"), (cleo, "down")]).await;
    let confirm = answer.components()[0]["custom_id"].as_str().unwrap().to_owned();
    let token = stage.discord.click(asker, question, &confirm);
    stage.discord.acknowledged(&token).await;
    stage.judged(post, &[(cleo, "down")]).await;
    let store = stage.store().await;
    assert!(store.ledger().await.unwrap().iter().all(|line| line.rater.discord_id() != Some(ben)));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_channel_says_is_kept_apart_from_what_is_said_to_the_bot() {
    let Some(mut stage) = Stage::watching(804).await else { return };
    stage.start().await;
    let post = stage.discord.post(stage.art, Draft::by(stage.ada).scenes(&[ONE]));
    let (reply, _) = stage.discord.reply_to(post).await;
    stage.discord.react(post, stage.ben, "👍");
    stage.discord.vote((stage.art, reply), stage.cleo, "down:").await;
    stage.judged(post, &[(stage.ben, "up"), (stage.cleo, "down")]).await;
    let store = stage.store().await;
    let lines = store.ledger().await.unwrap();
    store.close().await;
    let of = |who: u64| {
        let own = |line: &&mekiki::domain::Rating| {
            line.rater.discord_id() == Some(who) && line.scope == Scope::Guild(stage.guild)
        };
        lines.iter().rfind(own).map(|line| (line.source, line.score_visible))
    };
    assert_eq!(of(stage.ben), Some((RatingSource::Channel, true)));
    assert_eq!(of(stage.cleo), Some((RatingSource::Interaction, true)));
}
