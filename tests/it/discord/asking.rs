//! People who ask for a score: by prefix, command, menu, mention and direct message.

use mekiki::domain::{SendKind, SendState};
use serde_json::json;

use super::fake::{Asker, Draft, Picture, Place};
use super::stage::{Stage, key, link};
use super::watching::{ONE, OTHER, card};

#[tokio::test(flavor = "multi_thread")]
async fn the_prefix_takes_a_file_a_link_a_reply_or_the_last_picture() {
    let Some(mut stage) = Stage::watching(401).await else { return };
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    let say = |draft: Draft| stage.discord.post(talk, draft);
    let ben = || Draft::by(stage.ben);
    let with_file = say(ben().says("!score").scenes(&[ONE]));
    let (_, answer) = stage.discord.reply_to(with_file).await;
    card(&stage.discord, &answer);

    let picture = say(Draft::by(stage.cleo).scenes(&[OTHER]));
    for i in 0..10 {
        say(Draft::by(stage.cleo).says(format!("talk {i}")));
    }
    let alone = say(ben().says("!score"));
    stage.discord.reply_to(alone).await;
    let replying = say(ben().says("!score").replying(picture.1));
    stage.discord.reply_to(replying).await;
    let elsewhere = stage.discord.elsewhere(&Picture::scene(5));
    for link in [format!("https://discord.com{}", link(stage.guild, picture)), elsewhere] {
        let linked = say(ben().says(format!("!score {link}")));
        let (_, answer) = stage.discord.reply_to(linked).await;
        card(&stage.discord, &answer);
    }
    let unsafe_link = say(ben().says("!score http://pictures.invalid/a.png"));
    let (_, answer) = stage.discord.reply_to(unsafe_link).await;
    assert!(answer.text().contains("https://") && answer.files.is_empty(), "{}", answer.text());

    // Nothing to score is said.
    let empty = stage.discord.channel(Place::text(stage.guild), "empty");
    let nothing = stage.discord.post(empty, ben().says("!score"));
    let (_, answer) = stage.discord.reply_to(nothing).await;
    assert!(!answer.text().is_empty() && answer.files.is_empty());
    let faceless = stage.discord.post(empty, ben().says("!score").shows(Picture::empty(1)));
    let (_, answer) = stage.discord.reply_to(faceless).await;
    assert!(!answer.text().is_empty() && answer.files.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prefix_can_be_another() {
    let Some(mut stage) = Stage::watching(402).await else { return };
    stage.set_env("MEKIKI_PREFIX", "me.");
    stage.start().await;
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    let other = stage.discord.post(talk, Draft::by(stage.ben).says("!score").scenes(&[ONE]));
    let asked = stage.discord.post(talk, Draft::by(stage.ben).says("me.score").scenes(&[ONE]));
    stage.discord.reply_to(asked).await;
    assert!(stage.discord.world(|world| world.replies_to(other)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn slash_commands_and_the_menu_answer_in_time_and_in_the_askers_language() {
    let Some(mut stage) = Stage::watching(403).await else { return };
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    stage.discord.commands().await;
    let ben = Asker::new(stage.ben, talk);
    let english = stage.discord.slash_picture(ben, "score", Picture::scene(ONE));
    let japanese = stage.discord.slash_picture(ben.in_japanese(), "score", Picture::scene(ONE));
    let (_, first) = stage.discord.answer(&english).await;
    let (_, second) = stage.discord.answer(&japanese).await;
    card(&stage.discord, &first);
    assert_ne!(first.text(), second.text());
    assert!(second.text().chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c)), "{}", second.text());
    for token in [&english, &japanese] {
        let took = stage.discord.acknowledged(token).await.took.unwrap();
        assert!(took < std::time::Duration::from_secs(3), "{took:?}");
    }

    let picture = stage.discord.post(talk, Draft::by(stage.cleo).scenes(&[OTHER]));
    let token = stage.discord.menu(ben, "Score", picture.1);
    let (_, answer) = stage.discord.answer(&token).await;
    card(&stage.discord, &answer);

    let url = format!("https://discord.com{}", link(stage.guild, picture));
    let token = stage.discord.slash(ben, "score", json!([{ "name": "link", "type": 3, "value": url }]));
    let (_, answer) = stage.discord.answer(&token).await;
    card(&stage.discord, &answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_and_direct_messages_are_answered() {
    let Some(mut stage) = Stage::watching(404).await else { return };
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    let bot = stage.discord.bot();
    let mention = stage.discord.post(talk, Draft::by(stage.ben).says(format!("<@{bot}> score")).scenes(&[ONE]));
    let (_, answer) = stage.discord.reply_to(mention).await;
    card(&stage.discord, &answer);
    let direct = stage.discord.direct(stage.ben);
    let asked = stage.discord.post(direct, Draft::by(stage.ben).scenes(&[OTHER]));
    let (_, answer) = stage.discord.reply_to(asked).await;
    card(&stage.discord, &answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bot_is_no_member_its_menu_works_all_the_same() {
    let Some(mut stage) = Stage::watching(405).await else { return };
    let elsewhere = stage.discord.guild(&[stage.cleo, stage.ben]);
    let bot = stage.discord.bot();
    let talk = stage.discord.channel(Place::text(elsewhere), "foreign");
    stage.discord.world(|world| world.guilds.get_mut(&elsewhere).unwrap().members.remove(&bot));
    stage.start().await;
    stage.discord.commands().await;
    let picture = stage.discord.post(talk, Draft::by(stage.cleo).scenes(&[ONE]));
    let token = stage.discord.menu(Asker::new(stage.ben, talk), "Score", picture.1);
    let (_, answer) = stage.discord.answer(&token).await;
    card(&stage.discord, &answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_message_follows_its_edits_and_its_deletion() {
    let Some(mut stage) = Stage::watching(406).await else { return };
    let talk = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    stage.discord.commands().await;
    // In a watched channel beside the reply, and in one that is not.
    for channel in [stage.art, talk] {
        let picture = stage.discord.post(channel, Draft::by(stage.cleo).scenes(&[ONE]));
        let replying = stage.discord.post(channel, Draft::by(stage.ben).says("!score").replying(picture.1));
        let (by_prefix, _) = stage.discord.reply_to(replying).await;
        let token = stage.discord.menu(Asker::new(stage.ada, channel).in_japanese(), "Score", picture.1);
        let (by_menu, answer) = stage.discord.answer(&token).await;
        let (before, _) = card(&stage.discord, &answer);
        stage.discord.edit_pictures(picture, vec![Picture::scene(OTHER)]);
        for id in [by_prefix, by_menu] {
            stage
                .discord
                .wait("the edited answer", |world| {
                    let answer = world.said(channel).into_iter().find(|(known, _)| *known == id)?.1;
                    let [(bytes, _)] = &world.shown(&answer)[..] else { return None };
                    (image::load_from_memory(bytes).unwrap() != before).then_some(())
                })
                .await;
        }
        stage.discord.delete(picture);
        stage
            .discord
            .wait("no answers", |world| {
                let left = world.said(channel).into_iter().any(|(id, _)| id == by_prefix || id == by_menu);
                (!left).then_some(())
            })
            .await;
        stage
            .until("the removal", async |store| store.asked_posts(key(picture)).await.unwrap().is_empty().then_some(()))
            .await;
    }
    // What went while the bot was away is followed when it is back.
    let picture = stage.discord.post(talk, Draft::by(stage.cleo).scenes(&[ONE]));
    let token = stage.discord.menu(Asker::new(stage.ada, talk), "Score", picture.1);
    let (id, _) = stage.discord.answer(&token).await;
    stage.send(picture, SendKind::Answer, SendState::Sent).await;
    stage.kill();
    stage.discord.delete(picture);
    stage.start().await;
    stage
        .discord
        .wait("no answer", |world| (!world.said(talk).iter().any(|(known, _)| *known == id)).then_some(()))
        .await;
}
