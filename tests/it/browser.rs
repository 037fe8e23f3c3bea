//! What a person does on the page, in a real browser in front of the real program. Here the main job: hand in a drawing
//! and a photo, rate faces until the scores mean something, and find a pick in the feed.

mod boxes;
mod driver;
mod page;
mod pictures;
mod rate;

use std::collections::HashMap;
use std::path::PathBuf;

use mekiki::domain::PictureBox;
use mekiki::samples::{Attributes, HairColour, Scene, sample_set};

use crate::bot::{Bot, PATIENCE};
use driver::{Driver, Installed};
use page::{Face, Page};

/// Ratings after which a score is no longer called uncalibrated.
const CALIBRATED: usize = 10;
/// Ratings that the test gives.
const RATINGS: usize = 14;
/// A scene that is none of the samples.
const SEED: u64 = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_taste_is_taught_through_the_page_and_its_picks_reach_the_feed() {
    in_browser(|page, folder| async move {
        let scene = Scene::new(SEED);
        let files = Files {
            drawing: pictures::drawing(&folder, &scene),
            photos: [pictures::landscape(&folder)].into_iter().chain(pictures::real_photo()).collect(),
        };
        story(page, scene, files).await;
    })
    .await;
}

/// Runs a story on the page of a bot with its samples; it gets a folder for files.
async fn in_browser<F>(story: impl FnOnce(Page, PathBuf) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let folder = tempfile::tempdir().unwrap();
    in_browser_on(&folder, "true", story).await;
}

/// Runs a story on the page of a bot whose data lie in `data` of the folder.
async fn in_browser_on<F>(folder: &tempfile::TempDir, samples: &str, story: impl FnOnce(Page, PathBuf) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(installed) = Installed::find() else { return };
    let bot = Bot::start(&folder.path().join("data"), &[("MEKIKI_SAMPLES", samples)]);
    let driver = Driver::start(&installed);
    let client = driver.open(&folder.path().join("profile")).await;
    let page = Page::new(client.clone(), bot.url.clone());
    // In a task of its own, so that the browser is closed also when something is not as it should be.
    let outcome = tokio::spawn(story(page, folder.path().to_owned())).await;
    client.close().await.expect("the browser closes");
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

struct Files {
    drawing: PathBuf,
    photos: Vec<PathBuf>,
}

async fn story(page: Page, scene: Scene, files: Files) {
    page.open("/").await;
    page.until_settled(sample_set().len()).await;

    let photos: Vec<_> = files.photos.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    page.hand_in(files.photos.iter().chain([&files.drawing])).await;
    page.until_settled(sample_set().len() + photos.len() + 1).await;
    for photo in &photos {
        assert_eq!(page.faces_of(photo).await, [], "a photo has no drawn face");
        assert_eq!(page.verdict_of(photo).await, "Not picked: no drawn face was found.");
    }
    let found = page.faces_of("my drawing.png").await;
    assert_eq!(found.len(), scene.faces.len(), "one box a drawn face");
    for face in &scene.faces {
        let nearest = found.iter().map(|f| f.bounds.iou(&face.bounds)).fold(0.0, f32::max);
        assert!(nearest > 0.5, "no box lies on {:?}: {found:?}", face.bounds);
    }
    assert!(found.iter().all(|f| f.score.is_none()), "nothing is scored before the first rating");
    page.until_crops_are_shown("my drawing.png").await;

    let order: Vec<_> = page.faces().await.into_iter().map(|f| f.id).collect();
    let liked = &teach(&page, scene).await;
    // The last fit runs in the background.
    page.until_faces("the scores follow the ratings", |faces| {
        let scores = |like| faces.iter().filter(move |f| liked.get(&f.id) == Some(&like)).filter_map(|f| f.score);
        let mean = |like| scores(like).sum::<f32>() / scores(like).count() as f32;
        mean(true) > 3.5 && mean(false) < 2.5
    })
    .await;
    let faces = page.faces().await;
    assert!(faces.iter().all(|f| f.chip.is_empty()), "no score is uncalibrated any more");
    let now: Vec<_> = faces.into_iter().map(|f| f.id).collect();
    assert_eq!(now, order, "no face moved away while it was looked at");

    find_picks(&page).await;
}

/// Rates faces like someone who loves warm hair: the first by its button, the others by keyboard. Answers who was liked.
async fn teach(page: &Page, drawing: Scene) -> HashMap<String, bool> {
    let mut scenes: HashMap<String, Scene> = sample_set().into_iter().map(|s| (s.title().to_owned(), s)).collect();
    scenes.insert("my drawing.png".to_owned(), drawing);
    let mut liked = HashMap::new();
    while liked.len() < RATINGS {
        let face = if liked.is_empty() { page.faces().await.swap_remove(0) } else { next_unrated(page, &liked).await };
        let like = is_warm(who(&scenes, &face).hair.colour);
        let judgement = if like { "5" } else { "1" };
        if liked.is_empty() {
            page.click(&format!(".face[data-face='{}'] button[data-judgement='{judgement}']", face.id)).await;
        } else {
            page.press(judgement).await;
        }
        liked.insert(face.id, like);
        let n = liked.len();
        page.until_rated(n).await;
        if n < CALIBRATED {
            page.until_text("#standing", &format!("{n} of {CALIBRATED} ratings")).await;
            page.until_text(".chip", &format!("uncalibrated ({n} of {CALIBRATED})")).await;
        } else {
            page.until_text("#standing", &format!("Calibrated by {n} ratings.")).await;
            page.until_gone(".chip").await;
        }
    }
    assert!(liked.values().any(|l| *l) && liked.values().any(|l| !*l), "both kinds were rated: {liked:?}");
    liked
}

/// Steps on with the keyboard.
async fn next_unrated(page: &Page, rated: &HashMap<String, bool>) -> Face {
    for _ in 0..100 {
        page.press("j").await;
        let face = page.selected().await;
        if !rated.contains_key(&face.id) {
            return face;
        }
    }
    panic!("the keyboard finds no face that is not rated yet");
}

fn who<'s>(scenes: &'s HashMap<String, Scene>, face: &Face) -> &'s Attributes {
    let scene = scenes.get(&face.title).unwrap_or_else(|| panic!("no scene is called {}", face.title));
    let overlap = |bounds: PictureBox| bounds.iou(&face.bounds);
    let drawn = scene.faces.iter().max_by(|a, b| overlap(a.bounds).total_cmp(&overlap(b.bounds)));
    &drawn.unwrap().attributes
}

fn is_warm(hair: HairColour) -> bool {
    matches!(hair, HairColour::Red | HairColour::Orange | HairColour::Pink | HairColour::Blonde | HairColour::Brown)
}

/// A pick is on the gallery, on the feed's page and in the Atom feed, with a crop that can be fetched.
async fn find_picks(page: &Page) {
    page.until_text(".verdict.picked", "Picked for the feed with a score of ").await;
    page.open("/feed").await;
    let shown = page.texts(".pick h2").await;
    assert!(!shown.is_empty(), "the feed's page shows the pick");
    page.until("the pick's picture is shown", "document.querySelector('.pick img').naturalWidth > 0").await;

    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let fetch = async |url: &str| client.get(url).send().await.unwrap().error_for_status().unwrap();
    let xml = fetch(&page.url("/feed.xml")).await.bytes().await.unwrap();
    let feed = feed_rs::parser::parse(xml.as_ref()).unwrap();
    let titles: Vec<_> = feed.entries.iter().map(|e| e.title.as_ref().unwrap().content.clone()).collect();
    assert!(shown.iter().all(|title| titles.contains(title)), "{shown:?} is not in {titles:?}");
    let entry = &feed.entries[0];
    let html = entry.content.as_ref().unwrap().body.as_ref().unwrap();
    let crop = html.split_once("<img src=\"").unwrap().1.split_once('"').unwrap().0;
    let crop = fetch(crop).await;
    assert_eq!(crop.headers()["content-type"], "image/jpeg");
    assert!(image::load_from_memory(&crop.bytes().await.unwrap()).is_ok());
}
