//! The outbox on a real database, against a small Discord on loopback.

mod fake;
mod following;
mod picks;
mod storm;

use image::RgbImage;
use time::Duration;
use time::macros::datetime;

use super::*;
use crate::domain::{
    Author, COLOUR_DIMS, Confidence, DeskRules, EMBEDDING_DIMS, Face, Features, GuildSettings, MessageKey, NewPost,
    Origin, PerceptualHash, PickStyle, PictureBox, PictureId, Place, PostId, PostSource, Rater, Safety, SendFailure,
    SendId, Size, Verdict,
};
use crate::fetch::{FetchRules, Fetcher};
use crate::pipeline::{Clock, NewSend, Parts};
use crate::store::{AnalysedPicture, BlobKind, Blobs, CroppedFace, Picture, Store};
use crate::vision::Engine;
use crate::vision::decode::DecodeLimits;
use fake::{Fake, Fault, Sent};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const GUILD: u64 = 1;
const SCOPE: Scope = Scope::Guild(GUILD);
const CHANNEL: u64 = 20;
const CURATED: u64 = 30;

#[derive(Debug)]
struct FakeClock(Mutex<OffsetDateTime>);

impl Clock for FakeClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn breaker(clock: &Arc<FakeClock>) -> Arc<Breaker> {
    Arc::new(Breaker::new(Arc::clone(clock) as Arc<dyn Clock>))
}

struct Home {
    _folder: tempfile::TempDir,
    clock: Arc<FakeClock>,
    pipeline: Arc<Pipeline>,
    fake: Fake,
    http: Arc<Http>,
    outbox: Arc<Outbox>,
    pictures: std::cell::Cell<u64>,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FakeClock(Mutex::new(NOW)));
        let pipeline = Arc::new(Pipeline::new(Parts {
            store: Store::open(&folder.path().join("mekiki.db")).await.expect("opens"),
            blobs: Blobs::open(folder.path()).expect("opens"),
            engine: Engine::stopped(),
            fetcher: Fetcher::new(FetchRules::default()).expect("builds"),
            links: None,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            limits: DecodeLimits::default(),
            rules: DeskRules::default(),
            learn_from: Vec::new(),
            models: "none".into(),
            workers: 1,
        }));
        let (fake, http) = Fake::start().await;
        let outbox = Arc::new(Outbox::new(Arc::clone(&pipeline), Arc::clone(&http), Arc::default(), breaker(&clock)));
        Self { _folder: folder, clock, pipeline, fake, http, outbox, pictures: std::cell::Cell::new(0) }
    }

    /// As after a restart: nothing but the database is remembered.
    fn restart(&mut self) {
        let (pipeline, http) = (Arc::clone(&self.pipeline), Arc::clone(&self.http));
        self.outbox = Arc::new(Outbox::new(pipeline, http, Arc::default(), breaker(&self.clock)));
    }

    fn advance(&self, by: Duration) {
        *self.clock.0.lock().expect("not poisoned") += by;
    }

    async fn settings(&self, settings: GuildSettings) {
        self.pipeline.set_guild(GUILD, &settings).await.expect("writes");
    }

    /// A picture of the message that was posted, analysed and decided on.
    async fn post(&self, source: MessageKey, part: u32, faces: usize, restricted: bool) -> PostId {
        let store = self.pipeline.store();
        self.pictures.set(self.pictures.get() + 1);
        let picture = analysed(self.pipeline.blobs(), self.pictures.get(), faces);
        let post = NewPost {
            source: PostSource::Discord,
            external_id: format!("{source}/{part}-{}", self.pictures.get()),
            origin: Origin::Link { url: "https://cdn.example/1.png".into() },
            title: None,
            author: Author { name: Some("Aoi_*".into()), link: Some("https://discord.com/users/5".into()) },
            link: Some(format!("https://discord.com/channels/{GUILD}/{source}")),
            posted_at: NOW,
            marked_restricted: restricted,
            scope: SCOPE,
            place: Some(Place { message: source, part, author: Rater("discord:5".into()), asked: false }),
        };
        let post = store.claim(&post).await.expect("claims").post();
        store.set_fetched(post, picture.picture.id).await.expect("writes");
        assert!(store.set_analysed(post, &picture).await.expect("writes"));
        store.restore_verdict(SCOPE, post, Verdict::Repost, NOW).await.expect("writes");
        if !self.fake.lock().sources.contains(&source.message) {
            self.fake.lock().sources.push(source.message);
        }
        post
    }

    async fn claim(&self, kind: SendKind, source: MessageKey, post: Option<PostId>, channel: u64) -> SendId {
        let send = NewSend { kind, scope: SCOPE, source, post, channel };
        self.pipeline.store().claim_send(&send, self.pipeline.now()).await.expect("writes").expect("is new")
    }

    async fn reply(&self, source: MessageKey) -> SendId {
        self.claim(SendKind::Reply, source, None, source.channel).await
    }

    /// A post that is a pick, with its row.
    async fn pick(&self, source: MessageKey, restricted: bool) -> (PostId, SendId) {
        let post = self.post(source, 0, 1, restricted).await;
        let picture = self.pipeline.store().post(post).await.expect("reads").and_then(|p| p.picture).expect("has one");
        self.pipeline.store().restore_pick(SCOPE, post, picture, 4.6, NOW).await.expect("writes");
        (post, self.claim(SendKind::Pick, source, Some(post), CURATED).await)
    }

    /// Does all that is due now, as [`Outbox::run`] does.
    async fn work(&self) {
        loop {
            let rows = self.pipeline.store().due_sends(self.pipeline.now()).await.expect("reads");
            for row in &rows {
                self.outbox.handle(row).await;
            }
            let mut published = false;
            for (_, step) in self.outbox.publishing(self.pipeline.now()).await.expect("reads") {
                if let publish::Step::Do(job) = step {
                    self.outbox.publish(job).await;
                    published = true;
                }
            }
            if rows.is_empty() && !published {
                return;
            }
        }
    }

    async fn row(&self, id: SendId) -> SendRow {
        self.pipeline.store().send(id).await.expect("reads").expect("is there")
    }

    async fn state(&self, id: SendId) -> SendState {
        self.row(id).await.state
    }

    fn only(&self, channel: u64) -> Sent {
        let messages = self.fake.messages(channel);
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }
}

fn source(message: u64) -> MessageKey {
    MessageKey { channel: CHANNEL, message }
}

fn analysed(blobs: &Blobs, n: u64, faces: usize) -> AnalysedPicture {
    let features = Features { embedding: vec![0.1; EMBEDDING_DIMS], colour: vec![0.1; COLOUR_DIMS] };
    let jpeg = |shade: u8| crate::vision::jpeg(&RgbImage::from_pixel(224, 224, image::Rgb([shade, n as u8, 90])));
    let face = |i: usize| CroppedFace {
        face: Face {
            bounds: PictureBox::new(1.0, 2.0, 30.0, 40.0),
            confidence: Confidence(0.9 - i as f32 / 100.0),
            features: features.clone(),
        },
        crop: blobs.put(BlobKind::Crop, &jpeg(i as u8)).expect("writes"),
    };
    let picture = Picture {
        id: PictureId::of(&n.to_le_bytes()),
        size: Size::new(640, 480),
        format: "png".into(),
        hash: PerceptualHash(n),
        safety: Safety { drawing: 1.0, explicit_drawing: 0.0, neutral: 0.0, explicit_photo: 0.0, suggestive: 0.0 },
        features: features.clone(),
        preview: blobs.put(BlobKind::Crop, &jpeg(200)).expect("writes"),
        models: "none".into(),
        analysed_at: NOW,
    };
    AnalysedPicture { picture, faces: (0..faces).map(face).collect() }
}

#[tokio::test]
async fn a_watched_post_is_replied_to_once_and_nobody_is_pinged() {
    let home = Home::new().await;
    let (at, silent) = (source(1000), source(1001));
    home.post(at, 0, 2, false).await;
    home.post(silent, 0, 0, false).await;
    let (id, quiet) = (home.reply(at).await, home.reply(silent).await);
    home.work().await;
    home.work().await;
    assert_eq!((home.state(id).await, home.state(quiet).await), (SendState::Sent, SendState::Silent));
    let sent = home.only(CHANNEL);
    assert_eq!(home.row(id).await.message, Some(sent.id));
    assert_eq!(sent.body["enforce_nonce"], true);
    assert!(sent.body["nonce"].as_str().is_some_and(|nonce| (1..=25).contains(&nonce.len())), "{}", sent.body);
    assert_eq!(sent.body["message_reference"]["message_id"], "1000");
    assert_eq!(sent.body["message_reference"]["fail_if_not_exists"], true);
    let mentions = &sent.body["allowed_mentions"];
    assert_eq!((&mentions["parse"], &mentions["replied_user"]), (&serde_json::json!([]), &serde_json::json!(false)));
    assert_eq!(sent.body["flags"], 4096, "without a sound");
    assert_eq!(sent.files, 1);
    assert!(sent.body["attachments"][0]["description"].as_str().is_some_and(|alt| alt.starts_with("Score card")));
    let menu = &sent.body["components"][1]["components"][0];
    assert_eq!(menu["options"].as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn what_was_cut_off_is_looked_for_and_not_sent_again() {
    for fault in [Fault::LoseAnswer, Fault::Garble] {
        let mut home = Home::new().await;
        // Discord remembers nonces for some minutes only.
        home.fake.lock().enforce_nonce = false;
        let at = source(1000);
        home.post(at, 0, 1, false).await;
        let id = home.reply(at).await;
        home.fake.fault(fault);
        home.work().await;
        assert_eq!(home.state(id).await, SendState::Sending, "{fault:?}");
        home.advance(Duration::HOUR);
        home.restart();
        home.work().await;
        assert_eq!(home.state(id).await, SendState::Sent, "{fault:?}");
        assert_eq!(home.only(CHANNEL).id, home.row(id).await.message.expect("is known"));
    }
    // One that never left is sent.
    let mut home = Home::new().await;
    let at = source(1000);
    home.post(at, 0, 1, false).await;
    let id = home.reply(at).await;
    assert!(home.pipeline.store().begin_send(id).await.expect("writes"));
    home.restart();
    // Not even when looking fails at first.
    home.fake.fault(Fault::Refuse(429, 0));
    home.work().await;
    assert_eq!((home.state(id).await, home.fake.messages(CHANNEL).len()), (SendState::Sending, 0));
    home.advance(Duration::MINUTE);
    home.work().await;
    assert_eq!(home.state(id).await, SendState::Sent);
    home.only(CHANNEL);
}

#[tokio::test]
async fn discord_is_asked_again_with_growing_pauses_and_not_forever() {
    let home = Home::new().await;
    let at = source(1000);
    home.post(at, 0, 1, false).await;
    let id = home.reply(at).await;
    let mut pauses = Vec::new();
    for _ in 0..TRIES {
        home.fake.fault(Fault::Refuse(429, 0));
        home.work().await;
        let now = home.pipeline.now();
        if let Some(next) = home.pipeline.store().next_send_due(now).await.expect("reads") {
            pauses.push((next - now).whole_seconds());
            home.advance(next - now);
        }
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300]);
    assert_eq!(home.state(id).await, SendState::Failed);
    assert_eq!(home.fake.lock().requests.len(), TRIES as usize);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_the_channel_let_alone_for_a_while() {
    let home = Home::new().await;
    for n in 0..3 {
        home.post(source(1000 + n), 0, 1, false).await;
    }
    let first = home.reply(source(1000)).await;
    let second = home.reply(source(1001)).await;
    home.fake.fault(Fault::Refuse(403, 50013));
    home.work().await;
    let failed = home.pipeline.failed_sends(Some(SCOPE), NOW - Duration::DAY).await.expect("reads");
    assert_eq!(failed.iter().map(|s| s.id).collect::<Vec<_>>(), [second, first]);
    for row in failed {
        assert_eq!(row.failure, Some(SendFailure::Permission));
        let error = row.error.expect("says why");
        assert!(error.contains("Attach Files") && error.contains("<#20>"), "{error}");
    }
    assert_eq!(home.fake.lock().requests.len(), 1, "the second was not even tried");
    home.advance(REFUSED_FOR);
    let third = home.reply(source(1002)).await;
    home.work().await;
    assert_eq!(home.state(third).await, SendState::Sent);
}

#[tokio::test]
async fn what_is_age_restricted_is_shown_in_age_restricted_channels_only() {
    let home = Home::new().await;
    home.settings(GuildSettings { curated: Some(CURATED), ..GuildSettings::default() }).await;
    let (_, pick) = home.pick(source(1000), true).await;
    let reply = home.reply(source(1000)).await;
    home.work().await;
    assert_eq!(home.state(pick).await, SendState::Failed);
    assert!(home.fake.messages(CURATED).is_empty());
    // The reply says the score, and shows nothing.
    assert_eq!(home.state(reply).await, SendState::Sent);
    assert_eq!(home.only(CHANNEL).files, 0);
    home.fake.lock().restricted = vec![CURATED, CHANNEL];
    home.fake.lock().channels.clear();
    let (_, pick) = home.pick(source(1001), true).await;
    home.reply(source(1001)).await;
    home.work().await;
    assert_eq!(home.state(pick).await, SendState::Sent);
    assert_eq!((home.only(CURATED).files, home.only(CHANNEL).files), (1, 1));
}
