//! A real process for each crash point.

use std::path::Path;
use std::time::Instant;

use mekiki::domain::{PictureId, Scope};
use mekiki::samples::Scene;
use mekiki::store::{PostFilter, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::bot::{Bot, PATIENCE};

/// Every picture with a calibrated score is a pick.
const SETTINGS: [(&str, &str); 2] = [("MEKIKI_THRESHOLD", "1.0"), ("MEKIKI_DEVICE", "cpu")];
/// Seed of the picture that is on its way when the program dies.
const LATE: u64 = 0;
/// Ratings that calibrate a taste.
const CALIBRATED_AT: usize = 10;

/// What a visitor of the page can do and see.
#[derive(Clone)]
struct Visitor {
    url: String,
    http: reqwest::Client,
}

impl Visitor {
    fn new(bot: &Bot) -> Self {
        Self { url: bot.url.clone(), http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap() }
    }

    /// The claimed post; `None` when the program died before it answered.
    async fn upload(&self, seed: u64) -> Option<i64> {
        let file = reqwest::multipart::Part::bytes(Scene::new(seed).png().unwrap()).file_name("drawn.png");
        let form = reqwest::multipart::Form::new().part("picture", file);
        let request = self.http.post(format!("{}/api/pictures", self.url)).header("Origin", &self.url);
        let answer: Value = request.multipart(form).send().await.ok()?.json().await.ok()?;
        Some(answer["results"][0]["post"].as_i64().unwrap_or_else(|| panic!("not taken in: {answer}")))
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    /// Asks again and again, since another process cannot be awaited, until the answer is as wanted.
    async fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.json(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{path} stays {answer}");
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }

    async fn published(&self, post: i64) -> Value {
        self.wait(&format!("/api/posts/{post}"), |view| {
            assert_ne!(view["state"], "failed", "{view}");
            view["state"] == "published"
        })
        .await
    }

    async fn rate(&self, face: i64, judgement: &str) {
        let request = self.http.put(format!("{}/api/faces/{face}/rating", self.url));
        let request = request.header("Origin", &self.url).json(&json!({ "judgement": judgement }));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Entries of the feed that lead to this post.
    async fn feed_entries(&self, post: i64) -> usize {
        let feed = feed_rs::parser::parse(self.get("/feed.xml").await.as_bytes()).unwrap();
        let page = format!("/picture/{post}");
        feed.entries.iter().filter(|e| e.links.iter().any(|l| l.href.ends_with(&page))).count()
    }
}

/// A data folder to start from.
struct Before {
    folder: TempDir,
    posts: Vec<i64>,
    faces: Vec<i64>,
}

impl Before {
    /// Pictures that have been seen, and one rating fewer than a taste needs; the last fit has seen them all.
    async fn almost_calibrated() -> &'static Self {
        static MADE: OnceCell<Before> = OnceCell::const_new();
        MADE.get_or_init(Self::make_almost_calibrated).await
    }

    async fn make_almost_calibrated() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bot = Bot::start(folder.path(), &SETTINGS);
        let visitor = Visitor::new(&bot);
        let (mut posts, mut faces) = (Vec::new(), Vec::new());
        for seed in (1..).filter(|&seed| Scene::new(seed).faces.len() >= 3) {
            let post = visitor.upload(seed).await.unwrap();
            let view = visitor.published(post).await;
            faces.extend(view["faces"].as_array().unwrap().iter().map(|face| face["id"].as_i64().unwrap()));
            posts.push(post);
            if faces.len() >= CALIBRATED_AT {
                break;
            }
        }
        let mut version = None;
        for (&face, judgement) in faces.iter().zip(["4", "5", "3"].into_iter().cycle()).take(CALIBRATED_AT - 1) {
            visitor.rate(face, judgement).await;
            let fitted = visitor.wait("/api/posts", |a| a["standing"]["version"].as_i64() > version).await;
            version = fitted["standing"]["version"].as_i64();
        }
        bot.kill();
        Self { folder, posts, faces }
    }

    /// The tenth rating has come, and the desk has looked again at all that was skipped.
    async fn tasted() -> &'static Self {
        static MADE: OnceCell<Before> = OnceCell::const_new();
        MADE.get_or_init(Self::make_tasted).await
    }

    async fn make_tasted() -> Self {
        let this = Self::almost_calibrated().await.copy();
        let bot = Bot::start(this.folder.path(), &SETTINGS);
        let visitor = Visitor::new(&bot);
        visitor.rate(this.faces[CALIBRATED_AT - 1], "5").await;
        for &post in &this.posts {
            decided(&visitor, post).await;
        }
        bot.kill();
        this
    }

    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in walkdir::WalkDir::new(self.folder.path()) {
            let entry = entry.unwrap();
            let to = folder.path().join(entry.path().strip_prefix(self.folder.path()).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
        Self { folder, posts: self.posts.clone(), faces: self.faces.clone() }
    }
}

/// Waits until the desk has decided with a calibrated taste, and that is published. The state alone does not say so: it
/// is read before the verdict, which may be a newer one.
async fn decided(visitor: &Visitor, post: i64) {
    let done = |view: &Value| match view["verdict"]["verdict"].as_str() {
        Some("repost") => view["state"] == "published" && !view["picked_at"].is_null(),
        _ => view["verdict"]["why"]["reason"] != "uncalibrated",
    };
    visitor.wait(&format!("/api/posts/{post}"), done).await;
}

/// Starts the program with a crash point.
fn start_at(folder: &Path, point: &str) -> Bot {
    let failpoints = format!("{point}=return");
    let settings: Vec<_> = SETTINGS.into_iter().chain([("FAILPOINTS", failpoints.as_str())]).collect();
    Bot::start(folder, &settings)
}

fn spooled(folder: &Path) -> usize {
    let files = walkdir::WalkDir::new(folder.join("spool")).into_iter();
    files.filter(|entry| entry.as_ref().unwrap().file_type().is_file()).count()
}

/// What the database says of a picture: its posts, the faces it has, its picks.
async fn in_database(folder: &Path, picture: PictureId) -> (usize, usize, usize) {
    let store = Store::open(&folder.join("mekiki.db")).await.unwrap();
    store.check().await.unwrap();
    let posts = store.posts(PostFilter::All, None, 1000).await.unwrap();
    let picks = store.picks(Scope::Local, None, 1000).await.unwrap();
    let faces = store.faces(picture).await.unwrap();
    store.close().await;
    let posts = posts.iter().filter(|p| p.picture == Some(picture)).count();
    (posts, faces.len(), picks.iter().filter(|p| p.picture == picture).count())
}

/// A picture is uploaded, and the program dies at the crash point on its way.
async fn upload_dies_at(point: &str) {
    let before = Before::tasted().await.copy();
    let folder = before.folder.path();
    let picture = PictureId::of(&Scene::new(LATE).png().unwrap());
    let bot = start_at(folder, point);
    let visitor = Visitor::new(&bot);
    let upload = tokio::spawn(async move { visitor.upload(LATE).await });
    tokio::task::block_in_place(|| bot.wait_for(&format!("crash point {point}")));
    bot.kill();
    let answered = upload.await.unwrap();

    let bot = Bot::start(folder, &SETTINGS);
    let visitor = Visitor::new(&bot);
    let after = before.posts.iter().max().unwrap();
    let found = visitor.json(&format!("/api/posts?after={after}")).await["posts"].as_array().unwrap().len();
    if point == "spooled" {
        // The visitor has no answer, and nothing of the upload is left.
        assert_eq!((answered, found, spooled(folder)), (None, 0, 0));
    } else {
        assert_eq!(found, 1);
    }
    // Whoever got no answer tries again: it is the same post.
    let post = visitor.upload(LATE).await.unwrap();
    assert!(answered.is_none_or(|answered| answered == post));
    let view = visitor.published(post).await;
    assert_eq!(view["verdict"]["verdict"], "repost", "{view}");
    let faces = view["faces"].as_array().unwrap().len();
    assert_eq!((faces, visitor.feed_entries(post).await, spooled(folder)), (Scene::new(LATE).faces.len(), 1, 0));
    bot.kill();
    assert_eq!(in_database(folder, picture).await, (1, faces, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_claim_an_upload_leaves_nothing_and_can_be_repeated() {
    upload_dies_at("spooled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_claim_a_picture_comes_to_its_end_once() {
    upload_dies_at("claimed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_fetch_a_picture_comes_to_its_end_once() {
    upload_dies_at("fetched").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_analysis_a_picture_comes_to_its_end_once() {
    upload_dies_at("analysed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_decision_a_picture_comes_to_its_end_once() {
    upload_dies_at("decided").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_publishing_a_picture_is_not_published_again() {
    upload_dies_at("published").await;
}

/// The rating that calibrates the taste comes, and the program dies at the crash point in what follows.
async fn learning_dies_at(point: &str, fits_kept: u32) {
    let before = Before::almost_calibrated().await.copy();
    let folder = before.folder.path();
    let bot = start_at(folder, point);
    Visitor::new(&bot).rate(before.faces[CALIBRATED_AT - 1], "5").await;
    tokio::task::block_in_place(|| bot.wait_for(&format!("crash point {point}")));
    bot.kill();
    let store = Store::open(&folder.join("mekiki.db")).await.unwrap();
    assert_eq!(store.ledger().await.unwrap().len(), CALIBRATED_AT);
    assert_eq!(store.newest_taste(Scope::Local).await.unwrap().unwrap().fit.ratings, fits_kept);
    assert!(store.picks(Scope::Local, None, 9).await.unwrap().is_empty());
    store.close().await;

    let bot = Bot::start(folder, &SETTINGS);
    let visitor = Visitor::new(&bot);
    let mut entries = 0;
    for &post in &before.posts {
        decided(&visitor, post).await;
        entries += visitor.feed_entries(post).await;
    }
    bot.kill();
    let store = Store::open(&folder.join("mekiki.db")).await.unwrap();
    let picks = store.picks(Scope::Local, None, 99).await.unwrap();
    assert!(entries > 0 && entries == picks.len(), "{entries} entries of {picks:?}");
    assert_eq!(store.ledger().await.unwrap().len(), CALIBRATED_AT);
    assert_eq!(store.newest_taste(Scope::Local).await.unwrap().unwrap().fit.ratings, CALIBRATED_AT as u32);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_rating_and_its_fit_the_taste_is_fitted_at_the_next_start() {
    learning_dies_at("rated", CALIBRATED_AT as u32 - 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_fit_and_the_desks_second_look_the_picks_come_at_the_next_start() {
    learning_dies_at("fitted", CALIBRATED_AT as u32).await;
}
