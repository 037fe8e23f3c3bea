//! A guild with people, a watched channel and a curated one, and the real program as the bot in it.

use std::time::Duration;

use mekiki::domain::{
    GuildSettings, Judgement, MessageKey, Rater, Rating, RatingSource, Scope, SendKind, SendState, Stars, Target,
};
use mekiki::samples::Scene;
use mekiki::store::{SendRow, Store};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use super::fake::{At, Discord, Message, Place, kind};
use crate::bot::{Bot, PATIENCE};

/// Ratings that a guild starts with whose taste is calibrated.
const RATED: u64 = 12;

pub(super) struct Stage {
    pub(super) discord: Discord,
    data: TempDir,
    pub(super) guild: u64,
    /// The watched channel.
    pub(super) art: u64,
    /// The curated channel; an announcement channel.
    pub(super) picks: u64,
    /// Owner of the guild.
    pub(super) ada: u64,
    pub(super) ben: u64,
    pub(super) cleo: u64,
    settings: Vec<(&'static str, String)>,
    bot: Option<Bot>,
}

impl Stage {
    /// A guild whose channel `art` is watched; nothing is picked, nothing was rated.
    pub(super) async fn watching(seed: u64) -> Option<Self> {
        let stage = Self::set(seed, TempDir::new().unwrap()).await?;
        stage.settle(&GuildSettings::default()).await;
        Some(stage)
    }

    /// The same with a calibrated taste; every picture with a face is picked, to the channel `picks`.
    pub(super) async fn curating(seed: u64) -> Option<Self> {
        let stage = Self::set(seed, copy(rated_pictures().await)).await?;
        stage.calibrate(stage.guild).await;
        stage.settle(&stage.curates()).await;
        Some(stage)
    }

    async fn set(seed: u64, data: TempDir) -> Option<Self> {
        let discord = Discord::start(seed).await?;
        let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| discord.user(name));
        let guild = discord.guild(&[ada, ben, cleo]);
        let art = discord.channel(Place::text(guild), "art");
        let picks = discord.channel(Place::of_kind(guild, kind::ANNOUNCEMENT), "picks");
        let settings = discord.settings();
        Some(Self { discord, data, guild, art, picks, ada, ben, cleo, settings, bot: None })
    }

    /// Settings of a guild that picks every face.
    pub(super) fn curates(&self) -> GuildSettings {
        GuildSettings {
            curated: Some(self.picks),
            threshold: 1.0,
            picks_per_hour: 3600,
            age_gate: false,
            ..GuildSettings::default()
        }
    }

    /// Writes a guild's settings while the program does not run.
    pub(super) async fn settle(&self, settings: &GuildSettings) {
        let store = self.store().await;
        store.set_guild(self.guild, settings).await.unwrap();
        store.watch(self.guild, self.art).await.unwrap();
        store.close().await;
    }

    pub(super) async fn watch(&self, channel: u64) {
        let store = self.store().await;
        store.watch(self.guild, channel).await.unwrap();
        store.close().await;
    }

    /// Ratings of the pictures that were seen before, so that a guild's taste is calibrated.
    async fn calibrate(&self, guild: u64) {
        let store = self.store().await;
        let pictures = store.picture_ids().await.unwrap();
        for (i, &picture) in (0..RATED).zip(pictures.iter().cycle()) {
            let rating = Rating {
                scope: Scope::Guild(guild),
                rater: Rater::discord(1000 + i),
                target: Target::Picture(picture),
                judgement: Some(Judgement::Stars(Stars::try_from([4, 5, 3][i as usize % 3]).unwrap())),
                source: RatingSource::Interaction,
                at: OffsetDateTime::from_unix_timestamp(1_790_000_000 + i.cast_signed()).unwrap(),
                score_visible: false,
            };
            assert!(store.add_rating(&rating).await.unwrap());
        }
        store.close().await;
    }

    pub(super) fn set_env(&mut self, name: &'static str, value: impl Into<String>) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.into()));
    }

    /// Starts the program and waits until it is on Discord.
    pub(super) async fn start(&mut self) {
        let before = self.discord.gateway(|gateway| gateway.identifies);
        self.launch();
        self.discord
            .wait("the bot on Discord", |world| {
                (world.gateway.identifies > before && world.gateway.connected() > 0).then_some(())
            })
            .await;
    }

    /// Starts the program.
    pub(super) fn launch(&mut self) {
        let settings: Vec<(&str, &str)> = self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.bot = Some(tokio::task::block_in_place(|| Bot::start(self.data.path(), &settings)));
    }

    /// Starts the program with a crash point and waits until it is on Discord.
    pub(super) async fn start_at(&mut self, point: &str) {
        self.set_env("FAILPOINTS", format!("{point}=return"));
        self.start().await;
        self.settings.retain(|(name, _)| *name != "FAILPOINTS");
    }

    pub(super) fn wait_for(&self, text: &str) {
        let bot = self.bot.as_ref().expect("the program runs");
        tokio::task::block_in_place(|| bot.wait_for(text));
    }

    /// SIGTERM. How the program ended, and after how long.
    pub(super) fn stop(&mut self) -> (std::process::ExitStatus, Duration) {
        let bot = self.bot.take().expect("the program runs");
        tokio::task::block_in_place(|| bot.stop())
    }

    /// The program's data folder.
    pub(super) fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// kill -9.
    pub(super) fn kill(&mut self) {
        self.bot.take().expect("the program runs").kill();
    }

    pub(super) fn bot(&mut self) -> &mut Bot {
        self.bot.as_mut().expect("the program runs")
    }

    /// The program's database, beside it.
    pub(super) async fn store(&self) -> Store {
        Store::open(&self.data.path().join("mekiki.db")).await.unwrap()
    }

    /// Asks the database again and again, since another process cannot be awaited, until it shows what is wanted.
    pub(super) async fn until<T>(&self, what: &str, mut ask: impl AsyncFnMut(&Store) -> Option<T>) -> T {
        let store = self.store().await;
        let asked = async {
            let mut every = tokio::time::interval(Duration::from_millis(30));
            loop {
                every.tick().await;
                if let Some(found) = ask(&store).await {
                    return found;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, asked).await;
        store.close().await;
        found.unwrap_or_else(|_| panic!("{what} never came to the database"))
    }

    /// Waits until what goes out about a message has come to this state.
    pub(super) async fn send(&self, at: At, kind: SendKind, state: SendState) -> SendRow {
        let key = key(at);
        self.until(&format!("{kind:?} {state:?}"), async |store| {
            let rows = store.sends_of(key).await.unwrap();
            rows.into_iter().find(|row| row.kind == kind && row.state == state)
        })
        .await
    }

    /// Waits until a message was looked at; whether there is a reply.
    pub(super) async fn settled(&self, at: At) -> bool {
        let key = key(at);
        let state = self.until("a reply or none", async |store| {
            let rows = store.sends_of(key).await.unwrap();
            rows.into_iter().find(|row| matches!(row.state, SendState::Sent | SendState::Silent)).map(|row| row.state)
        });
        state.await == SendState::Sent
    }

    /// Waits until a message was looked at and nothing was said of it.
    pub(super) async fn silent(&self, at: At) {
        self.send(at, SendKind::Reply, SendState::Silent).await;
    }

    /// What people's judgements of the message's first picture are now, in the guild's scope, by their ids.
    pub(super) async fn judgements(&self, store: &Store, at: At) -> Vec<(u64, String)> {
        let Some(&post) = store.message_posts(key(at), false).await.unwrap().first() else { return Vec::new() };
        let Some(picture) = store.post(post).await.unwrap().and_then(|post| post.picture) else { return Vec::new() };
        standing(store, Scope::Guild(self.guild), Target::Picture(picture)).await
    }

    /// Waits until the judgements of a message are these.
    pub(super) async fn judged(&self, at: At, wanted: &[(u64, &str)]) {
        let mut wanted: Vec<(u64, String)> = wanted.iter().map(|(who, what)| (*who, (*what).to_owned())).collect();
        wanted.sort();
        let mut seen = Vec::new();
        let store = self.store().await;
        let asked = async {
            let mut every = tokio::time::interval(Duration::from_millis(30));
            loop {
                every.tick().await;
                seen = self.judgements(&store, at).await;
                if seen == wanted {
                    return;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE / 4, asked).await;
        store.close().await;
        assert!(found.is_ok(), "the judgements are {seen:?}, not {wanted:?}");
    }

    /// Waits for the pick of a message's picture in the curated channel.
    pub(super) async fn pick_of(&self, at: At) -> (u64, Message) {
        let (picks, link) = (self.picks, link(self.guild, at));
        self.discord.wait("a pick", |world| world.said(picks).into_iter().find(|(_, m)| m.text().contains(&link))).await
    }

    /// Files of crops in the program's folder.
    pub(super) fn crops(&self) -> usize {
        let files = walkdir::WalkDir::new(self.data.path().join("crops")).into_iter();
        files.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file())).count()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(bot) = &self.bot
        {
            eprintln!("the program said:\n{}", bot.said().join("\n"));
        }
    }
}

pub(super) fn key((channel, message): At) -> MessageKey {
    MessageKey { channel, message }
}

/// Where Discord shows a message.
pub(super) fn link(guild: u64, (channel, message): At) -> String {
    format!("/channels/{guild}/{channel}/{message}")
}

/// Everybody's judgement of a target that stands, by their ids.
pub(super) async fn standing(store: &Store, scope: Scope, target: Target) -> Vec<(u64, String)> {
    let mut stand = std::collections::BTreeMap::new();
    for line in store.ledger().await.unwrap() {
        if (line.scope, line.target) != (scope, target) {
            continue;
        }
        let Some(who) = line.rater.discord_id() else { continue };
        match line.judgement {
            Some(judgement) => stand.insert(who, judgement.to_string()),
            None => stand.remove(&who),
        };
    }
    stand.into_iter().collect()
}

/// A data folder in which pictures with many faces were seen.
async fn rated_pictures() -> &'static TempDir {
    static MADE: OnceCell<TempDir> = OnceCell::const_new();
    MADE.get_or_init(async || {
        let folder = TempDir::new().unwrap();
        let bot = tokio::task::block_in_place(|| Bot::start(folder.path(), &[("MEKIKI_DEVICE", "cpu")]));
        let http = reqwest::Client::new();
        let mut seen = 0;
        for seed in (200..).filter(|&seed| Scene::new(seed).faces.len() >= 3).take(4) {
            let file = reqwest::multipart::Part::bytes(Scene::new(seed).png().unwrap()).file_name("drawn.png");
            let form = reqwest::multipart::Form::new().part("picture", file);
            let request = http.post(format!("{}/api/pictures", bot.url)).header("Origin", &bot.url);
            request.multipart(form).send().await.unwrap().error_for_status().unwrap();
            seen += 1;
        }
        let store = Store::open(&folder.path().join("mekiki.db")).await.unwrap();
        let mut every = tokio::time::interval(Duration::from_millis(30));
        let all = async {
            while store.pending_posts().await.unwrap() > 0 || store.picture_ids().await.unwrap().len() < seen {
                every.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("the pictures are analysed");
        store.close().await;
        bot.kill();
        folder
    })
    .await
}

fn copy(of: &TempDir) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in walkdir::WalkDir::new(of.path()) {
        let entry = entry.unwrap();
        let to = folder.path().join(entry.path().strip_prefix(of.path()).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to).unwrap();
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
    folder
}
