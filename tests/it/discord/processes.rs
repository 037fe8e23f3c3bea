//! Several processes of the program share the shards: `--shards a..b/n`, each with a data folder of its own.

use mekiki::domain::GuildSettings;
use mekiki::store::Store;
use tempfile::TempDir;

use super::fake::{Draft, Place};
use super::stage::{Stage, key};
use super::watching::{ONE, OTHER};
use crate::bot::Bot;

fn shard(guild: u64) -> u64 {
    (guild >> 22) % 2
}

/// Settings of a folder that has known both guilds, as after the shards were shared out anew.
async fn watches(folder: &TempDir, places: &[(u64, u64)]) {
    let store = Store::open(&folder.path().join("mekiki.db")).await.unwrap();
    for &(guild, channel) in places {
        store.set_guild(guild, &GuildSettings::default()).await.unwrap();
        store.watch(guild, channel).await.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_hear_each_their_own_guilds_and_answer_once() {
    let Some(stage) = Stage::watching(651).await else { return };
    let discord = &stage.discord;
    // Ids tell their time in milliseconds: some later the shard is the other one.
    let other = loop {
        let guild = discord.guild(&[stage.ada, stage.ben]);
        if shard(guild) != shard(stage.guild) {
            break guild;
        }
        tokio::task::yield_now().await;
    };
    let elsewhere = discord.channel(Place::text(other), "art");
    let mut places = [(stage.guild, stage.art), (other, elsewhere)];
    places.sort_by_key(|(guild, _)| shard(*guild));

    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for folder in &folders {
        watches(folder, &places).await;
    }
    let settings = discord.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let start = |folder: usize, shards: &str| {
        tokio::task::block_in_place(|| Bot::start_with(&["--shards", shards], folders[folder].path(), &settings))
    };
    let _bots = [start(0, "0..1/2"), start(1, "1..2/2")];
    discord.wait("both processes", |world| (world.gateway.shards() == [(0, 2), (1, 2)]).then_some(())).await;

    let posts = [(places[0].1, ONE), (places[1].1, OTHER)]
        .map(|(channel, scene)| discord.post(channel, Draft::by(stage.ben).scenes(&[scene])));
    for (own, &at) in posts.iter().enumerate() {
        discord.reply_to(at).await;
        for (folder, path) in folders.iter().enumerate() {
            let store = Store::open(&path.path().join("mekiki.db")).await.unwrap();
            let known = store.message_posts(key(at), false).await.unwrap().len();
            store.close().await;
            assert_eq!(known, usize::from(folder == own), "shard {own}'s message in folder {folder}");
        }
    }
    // After another session each reads its channels over, and only its own.
    let sessions = discord.gateway(|gateway| {
        gateway.lose_sessions();
        gateway.identifies
    });
    discord.wait("new sessions", |world| (world.gateway.identifies >= sessions + 2).then_some(())).await;
    for (own, scene) in [(0, 60), (1, 61)] {
        let at = discord.post(places[own].1, Draft::by(stage.ben).scenes(&[scene]));
        discord.reply_to(at).await;
        assert_eq!(discord.world(|world| world.replies_to(at)).len(), 1);
    }
    for at in posts {
        assert_eq!(discord.world(|world| world.replies_to(at)).len(), 1);
    }

    // A third one on the first's folder says what it needs instead of doing everything twice.
    let path = folders[0].path().to_owned();
    let third = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mekiki"));
        command.args(["serve", "--shards", "1..2/2"]).env("MEKIKI_DATA_DIR", path).env("MEKIKI_LISTEN", "127.0.0.1:0");
        command.output().unwrap()
    });
    let third = third.await.unwrap();
    let said = String::from_utf8_lossy(&third.stderr);
    assert!(!third.status.success() && said.contains("MEKIKI_DATA_DIR"), "{said}");
}
