//! Edits and deletions: what the bot said follows, also after it was away.

use super::fake::{At, Draft, Picture};
use super::stage::{Stage, key};
use super::watching::{ONE, OTHER, card};

use mekiki::domain::{SendKind, SendState};

/// Waits until nothing of a message is left, here and on Discord.
async fn gone(stage: &Stage, at: At) {
    stage.discord.wait("no reply", |world| world.replies_to(at).is_empty().then_some(())).await;
    let picks = stage.picks;
    let link = super::stage::link(stage.guild, at);
    stage
        .discord
        .wait("no pick", |world| (!world.said(picks).iter().any(|(_, pick)| pick.text().contains(&link))).then_some(()))
        .await;
    stage
        .until("the removal", async |store| store.message_posts(key(at), false).await.unwrap().is_empty().then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_post_takes_its_reply_its_pick_and_its_crops_along() {
    let Some(mut stage) = Stage::curating(201).await else { return };
    let crops = stage.crops();
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.discord.reply_to(at).await;
    stage.pick_of(at).await;
    assert!(stage.crops() > crops);
    stage.discord.delete(at);
    gone(&stage, at).await;
    stage.send(at, SendKind::Reply, SendState::Gone).await;
    stage.send(at, SendKind::Pick, SendState::Gone).await;
    assert_eq!(stage.crops(), crops);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_deleted_together_or_while_the_bot_was_away_are_followed() {
    let Some(mut stage) = Stage::curating(202).await else { return };
    stage.start().await;
    let mut posts = Vec::new();
    for seed in [ONE, OTHER, 5, 6] {
        let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[seed]));
        stage.discord.reply_to(at).await;
        posts.push(at);
    }
    stage.discord.bulk_delete(stage.art, &[posts[0].1, posts[1].1]);
    gone(&stage, posts[0]).await;
    gone(&stage, posts[1]).await;
    stage.kill();
    stage.discord.delete(posts[2]);
    stage.start().await;
    gone(&stage, posts[2]).await;
    assert_eq!(stage.discord.world(|world| world.replies_to(posts[3])).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_swaps_the_picture_is_scored_anew_in_the_same_reply() {
    let Some(mut stage) = Stage::watching(203).await else { return };
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    let (id, first) = stage.discord.reply_to(at).await;
    let (before, _) = card(&stage.discord, &first);
    // Words alone change nothing.
    stage.discord.edit_text(at, "a new text");
    stage.discord.edit_pictures(at, vec![Picture::scene(OTHER)]);
    let edited = stage
        .discord
        .wait("the edited reply", |world| {
            let (_, reply) = world.replies_to(at).into_iter().next()?;
            let [(bytes, _)] = &world.shown(&reply)[..] else { return None };
            (image::load_from_memory(bytes).unwrap() != before).then_some(reply)
        })
        .await;
    assert_eq!(edited.replies_to(), Some(at.1));
    assert_eq!(stage.discord.world(|world| world.replies_to(at))[0].0, id);
    // A picture without a face, and the reply has nothing to say.
    stage.discord.edit_pictures(at, vec![Picture::empty(4)]);
    stage.discord.wait("no reply", |world| world.replies_to(at).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_pictures_goes_and_the_reply_shows_the_others() {
    let Some(mut stage) = Stage::watching(204).await else { return };
    stage.start().await;
    let at = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE, OTHER]));
    stage.discord.reply_to(at).await;
    stage.discord.drop_picture(at, 0);
    stage
        .until("one picture", async |store| {
            (store.message_posts(key(at), false).await.unwrap().len() == 1).then_some(())
        })
        .await;
    stage.discord.delete(at);
    gone(&stage, at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_posted_and_edited_while_the_bot_was_away_is_answered_once() {
    let Some(mut stage) = Stage::watching(205).await else { return };
    stage.start().await;
    let seen = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.discord.reply_to(seen).await;
    stage.kill();
    let missed = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[OTHER]));
    let thread = stage.discord.thread(stage.art, "opened meanwhile");
    let deep = stage.discord.post(thread, Draft::by(stage.ben).scenes(&[5]));
    let gone_again = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[6]));
    stage.discord.delete(gone_again);
    stage.discord.edit_pictures(seen, vec![Picture::scene(7)]);
    stage.start().await;
    stage.discord.reply_to(missed).await;
    stage.discord.reply_to(deep).await;
    stage
        .until("the edit", async |store| {
            let posts = store.message_posts(key(seen), false).await.unwrap();
            let post = store.post(*posts.first()?).await.unwrap()?;
            post.picture.is_some_and(|p| p == mekiki::domain::PictureId::of(&Picture::scene(7).bytes)).then_some(())
        })
        .await;
    // Away and back again: nothing is said twice.
    stage.kill();
    stage.start().await;
    let last = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[8]));
    stage.discord.reply_to(last).await;
    for at in [seen, missed, deep, last] {
        assert_eq!(stage.discord.world(|world| world.replies_to(at)).len(), 1);
    }
}
