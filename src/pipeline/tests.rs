//! The steps on a real database; with the real models where something has to be seen.

mod messages;
mod scopes;

use std::sync::{Mutex, PoisonError};

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;

use super::step::StepError;
use super::worker::TRIES;
use super::*;
use crate::domain::{Author, PostId, Rater, Rating, Scope, Target, Verdict};
use crate::fetch::{FetchRules, Fetcher};
use crate::samples::Scene;
use crate::store::{BlobKind, PostFilter};
use crate::vision::{EngineError, EngineOptions, Models};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

#[derive(Debug)]
struct FakeClock(Mutex<OffsetDateTime>);

impl FakeClock {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Home {
    folder: tempfile::TempDir,
    clock: Arc<FakeClock>,
    pipeline: Arc<Pipeline>,
}

impl Home {
    /// Its engine has stopped: every analysis fails, and could succeed later.
    async fn blind() -> Self {
        Self::new(Engine::stopped()).await
    }

    async fn seeing() -> Self {
        Self::new(seeing_engine()).await
    }

    async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(FakeClock(Mutex::new(NOW)));
        let pipeline = build(folder.path(), &clock, engine).await;
        Self { folder, clock, pipeline }
    }

    async fn submit(&self, source: PostSource, bytes: &[u8]) -> PostId {
        let submission = Submission {
            source,
            bytes: bytes.to_vec(),
            title: None,
            author: Author::default(),
            link: None,
            posted_at: None,
        };
        self.pipeline.submit(submission).await.expect("taken in")
    }

    async fn state(&self, post: PostId) -> PostState {
        self.pipeline.store().work_item(post).await.expect("reads").expect("is there").state
    }

    async fn error(&self, post: PostId) -> String {
        self.pipeline.store().post(post).await.expect("reads").and_then(|p| p.error).expect("has failed")
    }

    fn files(&self, kind: &str) -> usize {
        let files = walkdir::WalkDir::new(self.folder.path().join(kind)).into_iter();
        files.filter(|e| e.as_ref().is_ok_and(|e| e.file_type().is_file())).count()
    }

    async fn rate(&self, face: crate::domain::FaceId, judgement: &str, at: OffsetDateTime) {
        let rating = Rating {
            scope: Scope::Local,
            rater: Rater::owner(),
            target: Target::Face(face),
            judgement: Some(judgement.parse().expect("a judgement")),
            source: RatingSource::Local,
            at,
            score_visible: false,
        };
        assert!(self.pipeline.rate(&rating).await.expect("writes"));
    }
}

fn seeing_engine() -> Engine {
    Engine::start(Models::for_tests(), EngineOptions::default()).expect("starts")
}

async fn build(folder: &std::path::Path, clock: &Arc<FakeClock>, engine: Engine) -> Arc<Pipeline> {
    Arc::new(Pipeline::new(parts(folder, clock, engine).await))
}

async fn parts(folder: &std::path::Path, clock: &Arc<FakeClock>, engine: Engine) -> Parts {
    Parts {
        store: Store::open(&folder.join("mekiki.db")).await.expect("opens"),
        blobs: Blobs::open(folder).expect("opens"),
        engine,
        fetcher: Fetcher::new(FetchRules::default()).expect("builds"),
        links: None,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        limits: DecodeLimits::default(),
        rules: DeskRules { threshold: 1.0, ..DeskRules::default() },
        learn_from: vec![RatingSource::Local, RatingSource::Interaction],
        models: "face-v2+embed-v2".into(),
        workers: 2,
    }
}

fn drawn(seed: u64) -> Vec<u8> {
    Scene::new(seed).png().expect("a scene can be painted")
}

#[tokio::test]
async fn a_picture_goes_all_the_way_and_is_one_post_however_often_it_comes() {
    let home = Home::seeing().await;
    let post = home.submit(PostSource::Upload, &drawn(0)).await;
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Claimed, 1));
    home.pipeline.finish(post).await;
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Published, 0));
    let view = home.pipeline.post_view(Scope::Local, &Rater::owner(), post).await.expect("reads").expect("is there");
    assert_eq!(view.faces.len(), Scene::new(0).faces.len());
    assert!(view.faces.iter().all(|f| f.has_crop && f.score.is_none()));
    assert!(matches!(view.verdict, Some(Verdict::Skip(_))), "{:?}", view.verdict);
    let crops = home.files("crops");
    assert_eq!(crops, view.faces.len() + 1);
    assert_eq!(home.submit(PostSource::Upload, &drawn(0)).await, post);
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Published, 0));
    // By another source it is another post, and is not looked at again.
    let file = home.submit(PostSource::File, &drawn(0)).await;
    home.pipeline.finish(file).await;
    assert_eq!((home.state(file).await, home.files("spool"), home.files("crops")), (PostState::Published, 0, crops));
    for post in [post, file] {
        assert!(home.pipeline.remove(post).await.expect("removes"));
    }
    assert_eq!(home.files("crops"), 0);
}

#[tokio::test]
async fn a_step_that_fails_is_tried_again_with_growing_pauses_and_then_given_up() {
    let home = Home::blind().await;
    let post = home.submit(PostSource::Upload, &drawn(0)).await;
    let mut pauses = Vec::new();
    for _ in 1..TRIES {
        home.pipeline.finish(post).await;
        assert_eq!((home.state(post).await, home.files("spool")), (PostState::Fetched, 1));
        let now = home.clock.now();
        let due = home.pipeline.store().next_due(now).await.expect("reads").expect("is tried again");
        assert!(home.pipeline.store().due(now, 9).await.expect("reads").is_empty(), "not before its time");
        pauses.push((due - now).whole_seconds());
        home.clock.advance(due - now);
        assert_eq!(home.pipeline.store().due(home.clock.now(), 9).await.expect("reads").len(), 1);
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32]);
    home.pipeline.finish(post).await;
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Failed, 0));
    assert_eq!(home.error(post).await, EngineError::Stopped.to_string());
    assert_eq!(home.files("crops"), 0, "nothing of a picture that failed is kept");
    // Handed in again it gets as many tries as a new one.
    assert_eq!(home.submit(PostSource::Upload, &drawn(0)).await, post);
    home.pipeline.finish(post).await;
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Fetched, 1));
}

#[tokio::test]
async fn waiting_for_room_is_no_failure() {
    let (engine, _queue) = Engine::full();
    let home = Home::new(engine).await;
    let post = home.submit(PostSource::Upload, &drawn(0)).await;
    for _ in 0..2 * TRIES {
        home.pipeline.finish(post).await;
        assert_eq!((home.state(post).await, home.files("spool")), (PostState::Fetched, 1));
        assert!(home.pipeline.store().due(home.clock.now(), 9).await.expect("reads").is_empty(), "not at once");
        home.clock.advance(Duration::SECOND);
        assert_eq!(home.pipeline.store().due(home.clock.now(), 9).await.expect("reads").len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_fails_at_once() {
    let home = Home::blind().await;
    let bytes = drawn(0);
    let post = home.submit(PostSource::Upload, &bytes[..bytes.len() / 2]).await;
    home.pipeline.finish(post).await;
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Failed, 0));
    let refused = Submission {
        source: PostSource::Upload,
        bytes: b"<html>no picture</html>".to_vec(),
        title: None,
        author: Author::default(),
        link: None,
        posted_at: None,
    };
    assert!(matches!(home.pipeline.submit(refused).await, Err(SubmitError::Decode(_))));
    assert_eq!(home.files("spool"), 0);
}

#[tokio::test]
async fn an_analysis_that_killed_the_program_three_times_is_not_tried_again() {
    let home = Home::seeing().await;
    let [bad, unlucky] =
        [home.submit(PostSource::Upload, &drawn(0)).await, home.submit(PostSource::File, &drawn(0)).await];
    for post in [bad, unlucky] {
        home.pipeline.step(post).await.expect("fetched");
    }
    for (post, kills) in [(bad, 3), (unlucky, 2)] {
        for _ in 0..kills {
            home.pipeline.store().begin_attempt(post).await.expect("counts");
        }
    }
    home.pipeline.finish(bad).await;
    assert_eq!((home.state(bad).await, home.files("spool")), (PostState::Failed, 1));
    assert_eq!(home.error(bad).await, StepError::Poison.to_string());
    // The other post's original was left to it.
    home.pipeline.finish(unlucky).await;
    assert_eq!((home.state(unlucky).await, home.files("spool")), (PostState::Published, 0));
}

#[tokio::test]
async fn a_post_that_is_removed_while_it_is_looked_at_leaves_nothing() {
    let home = Home::seeing().await;
    let post = home.submit(PostSource::Upload, &drawn(0)).await;
    home.pipeline.step(post).await.expect("fetched");
    let item = home.pipeline.store().work_item(post).await.expect("reads").expect("is there");
    assert!(home.pipeline.remove(post).await.expect("removes"));
    home.pipeline.analyse(&item).await.expect("no error");
    assert_eq!((home.files("spool"), home.files("crops")), (0, 0));
    assert!(home.pipeline.store().picture_ids().await.expect("reads").is_empty());
    assert_eq!(home.pipeline.step(post).await.expect("answers"), None);
}

#[tokio::test]
async fn a_start_tidies_what_a_kill_left_in_the_spool() {
    let home = Home::blind().await;
    let waiting = home.submit(PostSource::Upload, &drawn(0)).await;
    home.pipeline.blobs().put(BlobKind::Spool, b"spooled, never claimed").expect("writes");
    let done = home.submit(PostSource::Upload, &drawn(14)).await;
    home.pipeline.step(done).await.expect("fetched");
    // The analysis is written and the original still there.
    home.pipeline.store().set_analysed_before(done).await.expect("writes");
    assert_eq!(home.files("spool"), 3);
    assert_eq!(home.pipeline.tidy_spool().await.expect("tidies"), 2);
    home.pipeline.step(waiting).await.expect("fetched");
    assert_eq!(home.pipeline.tidy_spool().await.expect("tidies"), 0);
    assert_eq!(home.files("spool"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_ends_what_is_in_flight_and_the_next_start_the_rest() {
    let home = Home::seeing().await;
    home.pipeline.claim_samples().await.expect("claims");
    for post in &home.pipeline.store().posts(PostFilter::All, None, 20).await.expect("reads") {
        home.pipeline.remove(post.id).await.expect("four are enough");
    }
    let states = async || {
        let posts = home.pipeline.store().posts(PostFilter::All, None, 99).await.expect("reads");
        posts.into_iter().map(|p| p.state).collect::<Vec<_>>()
    };
    assert_eq!(states().await, [PostState::Claimed; 4]);
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&home.pipeline).run(stop.clone()));
    while states().await.iter().all(|&s| s == PostState::Claimed) {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.expect("no panic");
    let stopped = states().await;
    assert!(stopped.iter().all(|s| matches!(s, PostState::Claimed | PostState::Published)), "{stopped:?}");
    assert!(stopped.contains(&PostState::Published) && stopped.contains(&PostState::Claimed), "{stopped:?}");
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&home.pipeline).run(stop.clone()));
    while home.pipeline.store().pending_posts().await.expect("counts") > 0 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    running.await.expect("no panic");
    assert_eq!((states().await, home.files("spool")), (vec![PostState::Published; 4], 0));
}

#[tokio::test]
async fn a_panic_counts_as_a_failed_try() {
    let home = Home::blind().await;
    let post = home.submit(PostSource::Upload, &drawn(0)).await;
    let mut running = worker::InFlight::default();
    running.start(post, async { panic!("a mistake of ours, made on purpose by a test") });
    assert!(running.has(post));
    let panicked = running.next().await.expect("one was running");
    assert!(panicked == Some(post) && !running.has(post) && running.next().await.is_none());
    home.pipeline.after_panic(panicked).await;
    assert!(home.pipeline.store().due(NOW, 9).await.expect("reads").is_empty(), "not at once");
    assert_eq!(home.state(post).await, PostState::Claimed);
    for _ in 1..TRIES {
        home.pipeline.after_panic(Some(post)).await;
    }
    assert_eq!((home.state(post).await, home.files("spool")), (PostState::Failed, 0));
}

#[tokio::test]
async fn a_fit_lets_the_desk_look_again_and_a_start_notices_what_no_fit_has_seen() {
    let home = Home::seeing().await;
    let pipeline = &home.pipeline;
    let mut faces = Vec::new();
    let mut posts = Vec::new();
    // Twelve faces in few pictures.
    for seed in 0.. {
        if faces.len() >= 12 {
            break;
        }
        let post = home.submit(PostSource::Upload, &drawn(seed)).await;
        pipeline.finish(post).await;
        let view = pipeline.post_view(Scope::Local, &Rater::owner(), post).await.expect("reads").expect("is there");
        faces.extend(view.faces.iter().map(|f| f.id));
        posts.push(post);
    }
    let news = async || pipeline.has_news(Scope::Local).await.expect("reads");
    let picks = async || pipeline.store().picks(Scope::Local, None, 99).await.expect("reads").len();
    assert!(!news().await);
    assert_eq!(pipeline.learn(Scope::Local).await.expect("fits"), Learnt::Nothing);
    home.clock.advance(Duration::SECOND);
    for (i, &face) in faces.iter().enumerate().skip(1) {
        home.rate(face, if i % 2 == 0 { "5" } else { "1" }, home.clock.now()).await;
    }
    assert!(news().await, "ratings");
    home.clock.advance(Duration::SECOND);
    assert!(matches!(pipeline.learn(Scope::Local).await.expect("fits"), Learnt::Fitted { .. }));
    assert!(!news().await);
    // Decided again, not yet published; whoever takes the next step publishes.
    assert_eq!(picks().await, 0);
    for &post in &posts {
        pipeline.finish(post).await;
    }
    let picked = picks().await;
    assert!(picked > 0, "with a threshold of 1 every picture is a pick, unless it looks like another");
    pipeline.look_again(Scope::Local, pipeline.taste(Scope::Local).expect("is there").id).await.expect("looks");
    assert_eq!(picks().await, picked);
    // An imported rating is older than the fit, and new to it all the same.
    home.rate(faces[0], "3", NOW - Duration::days(9)).await;
    assert!(news().await, "an import");
    home.clock.advance(Duration::SECOND);
    pipeline.learn(Scope::Local).await.expect("fits");
    assert!(!news().await);
    // A version that cannot be read is fitted anew, as the log promises.
    let mut damaged = pipeline.store().newest_taste(Scope::Local).await.expect("reads").expect("fitted").fit;
    damaged.model = vec![1, 2, 3];
    pipeline.store().add_taste(&damaged).await.expect("writes");
    pipeline.load_taste(Scope::Local).await.expect("reads");
    assert!(pipeline.taste(Scope::Local).is_none());
    assert!(news().await, "a taste that cannot be read");
    pipeline.learn(Scope::Local).await.expect("fits");
    assert!(!news().await && pipeline.taste(Scope::Local).is_some());
    // A removed post takes ratings along.
    pipeline.remove(posts[0]).await.expect("removes");
    assert!(news().await, "a removed post");
    // What a stop cuts off is taken up at the next start.
    let restarted = build(home.folder.path(), &home.clock, Engine::stopped()).await;
    restarted.load_taste(Scope::Local).await.expect("reads");
    assert_eq!(restarted.taste(Scope::Local).map(|t| t.id), pipeline.taste(Scope::Local).map(|t| t.id));
    restarted.catch_up().await.expect("looks");
    tokio::time::timeout(std::time::Duration::from_secs(1), restarted.ratings.come()).await.expect("a fit is due");
}
