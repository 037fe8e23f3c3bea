//! What is posted where only adults look stays there: threads, forwards and all.

use mekiki::domain::{Scope, SendKind, SendState};

use super::fake::{Draft, Place};
use super::stage::{Stage, key};
use super::watching::{ONE, OTHER};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_a_restricted_channel_is_picked_into_an_open_one() {
    let Some(mut stage) = Stage::curating(501).await else { return };
    let adult = stage.discord.channel(Place::nsfw(stage.guild), "after dark");
    let thread = stage.discord.thread(adult, "a thread inherits");
    let unwatched = stage.discord.channel(Place::nsfw(stage.guild), "unwatched");
    stage.watch(adult).await;
    stage.start().await;
    let direct = stage.discord.post(adult, Draft::by(stage.ben).scenes(&[5]));
    let inherited = stage.discord.post(thread, Draft::by(stage.ben).scenes(&[6]));
    let hidden = stage.discord.post(unwatched, Draft::by(stage.ben).scenes(&[7]));
    let forwarded = stage.discord.post(stage.art, Draft::by(stage.ben).forwarding(hidden));
    for at in [direct, inherited] {
        stage.discord.reply_to(at).await;
    }
    stage
        .until("the forward's verdict", async |store| {
            let post = *store.message_posts(key(forwarded), false).await.unwrap().first()?;
            store.verdict(Scope::Guild(stage.guild), post).await.unwrap()
        })
        .await;
    // The channel is opened and closed while the bot looks on.
    stage.discord.restrict(stage.art, true);
    let now_adult = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[8]));
    stage.discord.reply_to(now_adult).await;
    stage.discord.restrict(stage.art, false);
    let open = stage.discord.post(stage.art, Draft::by(stage.ben).scenes(&[ONE]));
    stage.pick_of(open).await;
    stage.send(open, SendKind::Pick, SendState::Sent).await;
    assert_eq!(stage.discord.said(stage.picks).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_curated_channel_takes_restricted_pictures() {
    let Some(mut stage) = Stage::curating(502).await else { return };
    let adult = stage.discord.channel(Place::nsfw(stage.guild), "after dark");
    stage.discord.restrict(stage.picks, true);
    stage.watch(adult).await;
    let settings = mekiki::domain::GuildSettings { curated_restricted: true, ..stage.curates() };
    stage.settle(&settings).await;
    stage.start().await;
    let at = stage.discord.post(adult, Draft::by(stage.ben).scenes(&[OTHER]));
    stage.pick_of(at).await;
}
