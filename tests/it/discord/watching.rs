//! Pictures that people post where the bot watches.

use serenity::all::Permissions;

use super::fake::{Asker, Discord, Draft, Fault, Message, Picture, Place, kind};
use super::stage::Stage;

use mekiki::domain::{SendKind, SendState};

/// Scenes with one face and with several.
pub(super) const ONE: u64 = 3;
pub(super) const OTHER: u64 = 14;

/// Bytes and alternative text of the picture that a message shows.
pub(super) fn card(discord: &Discord, message: &Message) -> (image::DynamicImage, String) {
    let shown = discord.world(|world| world.shown(message));
    let [(bytes, text)] = &shown[..] else { panic!("{} files in {}", shown.len(), message.said) };
    (image::load_from_memory(bytes).unwrap(), text.clone().expect("alternative text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_answered_with_a_card_and_nobody_is_pinged() {
    let Some(mut stage) = Stage::watching(101).await else { return };
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).says("look at her").scenes(&[ONE]));
    let (_, reply) = stage.discord.reply_to(at).await;
    assert_eq!(reply.pings, Vec::<u64>::new(), "{}", reply.said);
    let (card, text) = card(&stage.discord, &reply);
    assert!(card.width() >= 200 && card.height() >= 100, "{}x{}", card.width(), card.height());
    assert!(text.len() > 10, "{text}");
    for button in ["up:", "down:", "rate:", "why:"] {
        assert!(reply.component(button).is_some(), "no {button} in {:?}", reply.components());
    }
    stage.send(at, SendKind::Reply, SendState::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pictures_get_one_reply_and_none_without_a_face_gets_any() {
    let Some(mut stage) = Stage::watching(102).await else { return };
    stage.start().await;
    let bare = stage.discord.post(stage.art, Draft::by(stage.ben).shows(Picture::empty(1)));
    let many = Draft::by(stage.ben).scenes(&[ONE]).shows(Picture::empty(2)).scenes(&[OTHER]);
    let many = stage.discord.post(stage.art, many);
    let talk = stage.discord.post(stage.art, Draft::by(stage.ben).says("no picture at all"));
    let (_, reply) = stage.discord.reply_to(many).await;
    card(&stage.discord, &reply);
    stage.silent(bare).await;
    assert_eq!(stage.discord.said(stage.art).len(), 1);
    let store = stage.store().await;
    assert_eq!(store.message_posts(super::stage::key(many), false).await.unwrap().len(), 3);
    assert_eq!(store.message_posts(super::stage::key(talk), false).await.unwrap().len(), 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_forum_posts_and_voice_chats_of_watched_channels_are_watched() {
    let Some(mut stage) = Stage::watching(103).await else { return };
    let forum = stage.discord.channel(Place::of_kind(stage.guild, kind::FORUM), "gallery");
    let voice = stage.discord.channel(Place::of_kind(stage.guild, kind::VOICE), "drawing together");
    let elsewhere = stage.discord.channel(Place::text(stage.guild), "talk");
    let early = stage.discord.thread(stage.art, "made before");
    stage.watch(forum).await;
    stage.watch(voice).await;
    stage.start().await;
    let late = stage.discord.thread(stage.art, "made later");
    let post = stage.discord.thread(forum, "my drawing");
    stage.discord.post(elsewhere, Draft::by(stage.ben).scenes(&[ONE]));
    for channel in [early, late, post, voice] {
        let at = stage.discord.post(channel, Draft::by(stage.ben).scenes(&[OTHER]));
        stage.discord.reply_to(at).await;
    }
    assert!(stage.discord.said(elsewhere).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn forwards_and_links_are_looked_at_like_files() {
    let Some(mut stage) = Stage::watching(104).await else { return };
    let elsewhere = stage.discord.channel(Place::text(stage.guild), "talk");
    stage.start().await;
    let source = stage.discord.post(elsewhere, Draft::by(stage.ben).scenes(&[ONE]));
    let forward = stage.discord.post(stage.art, Draft::by(stage.cleo).forwarding(source));
    stage.discord.reply_to(forward).await;
    let linked = stage.discord.post_link(stage.art, Draft::by(stage.ben), &Picture::scene(OTHER));
    stage.discord.reply_to(linked).await;
    stage.send(linked, SendKind::Reply, SendState::Sent).await;
    assert_eq!(stage.discord.said(stage.art).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_looked_at_and_other_bots_are_not_unless_settled_otherwise() {
    let Some(mut stage) = Stage::watching(105).await else { return };
    let machine = stage.discord.other_bot("machine");
    stage.start().await;
    let by_bot = stage.discord.post(stage.art, Draft::by(machine).scenes(&[ONE]));
    let by_hook = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]).through_a_webhook());
    stage.discord.reply_to(by_hook).await;
    assert!(stage.discord.world(|world| world.replies_to(by_bot)).is_empty());
    stage.kill();

    stage.set_env("MEKIKI_BOTS", "true");
    stage.set_env("MEKIKI_WEBHOOKS", "false");
    stage.start().await;
    let by_hook = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]).through_a_webhook());
    let by_bot = stage.discord.post(stage.art, Draft::by(machine).scenes(&[OTHER]));
    stage.discord.reply_to(by_bot).await;
    assert!(stage.discord.world(|world| world.replies_to(by_hook)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_died_is_asked_for_anew() {
    let Some(mut stage) = Stage::watching(106).await else { return };
    stage.start().await;
    stage.discord.faults(|faults| faults.next.push(("GET".into(), "/attachments/".into(), Fault::Expired)));
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.discord.reply_to(at).await;
    assert!(stage.discord.asked("GET", &format!("channels/{}/messages/{}", at.0, at.1)) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_where_the_bot_may_not_write_is_left_alone_without_trying_for_ever() {
    let Some(mut stage) = Stage::watching(107).await else { return };
    let quiet = stage.discord.channel(Place::text(stage.guild), "read only");
    let hidden = stage.discord.channel(Place::text(stage.guild), "hidden");
    stage.watch(quiet).await;
    stage.watch(hidden).await;
    stage.discord.deny(quiet, Permissions::SEND_MESSAGES);
    stage.discord.deny(hidden, Permissions::VIEW_CHANNEL);
    stage.start().await;
    let at = stage.discord.post(quiet, Draft::by(stage.ben).scenes(&[ONE]));
    stage.send(at, SendKind::Reply, SendState::Failed).await;
    let seen = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.discord.reply_to(seen).await;
    let refused = stage.discord.refusals(403);
    assert!(refused.len() <= 6, "{refused:?}");
    // Who may write again is answered again.
    stage.discord.deny(quiet, Permissions::empty());
    let at = stage.discord.post(quiet, Draft::by(stage.ben).scenes(&[ONE]));
    stage.discord.reply_to(at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_message_content_intent_the_bot_runs_on_and_says_how_to_switch_it_on() {
    let Some(mut stage) = Stage::watching(108).await else { return };
    stage.discord.world(|world| world.message_content = false);
    stage.start().await;
    stage.wait_for("Message Content");
    stage.discord.commands().await;
    let token = stage.discord.slash_picture(Asker::new(stage.ben, stage.art), "score", Picture::scene(ONE));
    let (_, answer) = stage.discord.answer(&token).await;
    card(&stage.discord, &answer);
    let bot = stage.discord.bot();
    let direct = stage.discord.direct(stage.ben);
    let asked = stage.discord.post(direct, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.discord.reply_to(asked).await;
    let asked = Draft::by(stage.ben).says(format!("<@{bot}> score")).scenes(&[OTHER]);
    let asked = stage.discord.post(stage.art, asked);
    stage.discord.reply_to(asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_picture_is_answered_with_a_covered_card() {
    let Some(mut stage) = Stage::watching(119).await else { return };
    stage.start().await;
    let covered = Picture { name: "SPOILER_drawn.png".into(), ..Picture::scene(ONE) };
    for (picture, is_covered) in [(covered, true), (Picture::scene(OTHER), false)] {
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).shows(picture));
        let (_, reply) = stage.discord.reply_to(at).await;
        let name = stage.discord.world(|world| world.files[&reply.files[0]].name.clone());
        assert_eq!(name.starts_with("SPOILER_"), is_covered, "{name}");
    }
}
