//! The rating page: twenty faces by keyboard with an undo, a connection that stumbles, and a long session.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use image::{Rgb, RgbImage};
use mekiki::domain::{
    Author, COLOUR_DIMS, Confidence, EMBEDDING_DIMS, Face, Features, NewPost, Origin, PerceptualHash, PictureBox,
    PictureId, PostSource, Safety, Scope, Size,
};
use mekiki::samples::sample_set;
use mekiki::store::{AnalysedPicture, BlobKind, Blobs, CroppedFace, Picture, Store};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use time::macros::datetime;

use super::page::Page;
use super::{in_browser, in_browser_on};

/// The face asked for now.
const SHOWN: &str = "document.querySelector('.question:not(.ready)')?.dataset.face ?? ''";

impl Page {
    async fn asked(&self) -> String {
        self.value(SHOWN, "").await.as_str().unwrap().to_owned()
    }

    /// Presses a key and waits for another face; answers the one that was there.
    async fn judge(&self, key: &str) -> String {
        let face = self.asked().await;
        self.press(key).await;
        self.until("another face is shown", &format!("(({SHOWN}) || {face:?}) !== {face:?}")).await;
        face
    }

    async fn until_counted(&self, ratings: usize) {
        self.until_text("#milestone-box", &format!("Ratings: {ratings}.")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_faces_are_rated_by_keyboard_with_an_undo_and_a_stumble() {
    in_browser(|page, _| async move {
        page.open("/").await;
        page.until_settled(sample_set().len()).await;
        page.open("/rate").await;
        page.until("the script runs", "document.querySelectorAll('.question').length > 1").await;
        let mut judged = Vec::new();
        for key in ["1", "2", "3", "4", "5", "u", "d", "+", "-", "3"].into_iter().cycle().take(20) {
            let hidden = "!document.querySelector('.question .score') && document.querySelector('.question .window')";
            page.until("the face is there without a score", &format!("Boolean({hidden})")).await;
            judged.push(page.judge(key).await);
        }
        assert_eq!(judged.iter().collect::<HashSet<_>>().len(), 20, "no face is asked for twice: {judged:?}");
        page.until_counted(20).await;
        page.until_text("#last", "Yours: 3 of 5").await;
        page.until("the score is told after the vote", "Boolean(document.querySelector('#last .score b'))").await;

        page.press("z").await;
        let last = judged.pop().unwrap();
        page.until("the last face is shown again", &format!("({SHOWN}) === {last:?}")).await;
        page.until_counted(19).await;
        assert_eq!(page.judge("s").await, last, "skipping goes on");
        page.until_counted(19).await;
        page.press("z").await;
        page.until("a skip is undone, too", &format!("({SHOWN}) === {last:?}")).await;
        page.judge("5").await;
        page.until_counted(20).await;

        // The connection is gone: rating goes on, and what was said is kept in the browser.
        page.value("(window.fetch = () => Promise.reject(new TypeError('offline'))) && true", "").await;
        for key in ["2", "4", "u"] {
            judged.push(page.judge(key).await);
        }
        page.until_text("#unsent", "Waiting to be sent: 3.").await;
        page.open("/rate").await;
        page.until_counted(23).await;
        page.until("all is sent", "document.querySelector('#unsent').hidden && localStorage['mekiki.unsent'] === '[]'")
            .await;

        // The gallery knows each of them.
        page.open("/").await;
        page.until_rated(23).await;
        let standing =
            page.value("[...document.querySelectorAll('.rating')].map((f) => f.dataset.standing ?? '')", "").await;
        let standing: Vec<String> = serde_json::from_value(standing).unwrap();
        assert_eq!(standing.iter().filter(|s| !s.is_empty()).count(), 23, "{standing:?}");
    })
    .await;
}

/// Faces in the library of the long session, and how many of them are rated.
const LIBRARY: u64 = 400;
const SESSION: usize = 300;

/// A library of made-up faces, each in a picture of its own, unlike all others.
async fn library(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let (store, blobs) = (Store::open(&folder.join("mekiki.db")).await.unwrap(), Blobs::open(folder).unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for n in 0..LIBRARY {
        let colour = Rgb(rng.random::<[u8; 3]>());
        let jpeg = mekiki::vision::jpeg(&RgbImage::from_fn(224, 224, |x, y| {
            if (x / 28 + y / 28) % 2 == 0 { colour } else { Rgb([n as u8, 90, 90]) }
        }));
        let blob = blobs.put(BlobKind::Crop, &jpeg).unwrap();
        let mut id = [7; 32];
        id[..8].copy_from_slice(&n.to_le_bytes());
        let features = Features {
            embedding: (0..EMBEDDING_DIMS).map(|_| rng.random_range(-1.0..1.0)).collect(),
            colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS],
        };
        let face = Face {
            bounds: PictureBox::new(60.0, 70.0, 160.0, 170.0),
            confidence: Confidence(0.9),
            features: features.clone(),
        };
        let analysed = AnalysedPicture {
            picture: Picture {
                id: PictureId(id),
                size: Size::new(224, 224),
                format: "jpeg".into(),
                hash: PerceptualHash(rng.random()),
                safety: Safety {
                    drawing: 1.0,
                    explicit_drawing: 0.0,
                    neutral: 0.0,
                    explicit_photo: 0.0,
                    suggestive: 0.0,
                },
                features,
                preview: blob,
                models: "made up".into(),
                analysed_at: datetime!(2026-11-24 12:00 UTC),
            },
            faces: vec![CroppedFace { face, crop: blob }],
        };
        let post = NewPost {
            source: PostSource::File,
            external_id: n.to_string(),
            origin: Origin::Spool { picture: PictureId(id) },
            title: Some(format!("face {n}")),
            author: Author::default(),
            link: None,
            posted_at: datetime!(2026-11-24 12:00 UTC),
            marked_restricted: false,
            scope: Scope::Local,
            place: None,
        };
        let post = store.claim(&post).await.unwrap().post();
        store.set_fetched(post, PictureId(id)).await.unwrap();
        assert!(store.set_analysed(post, &analysed).await.unwrap());
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_faces_come_without_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    library(&folder.path().join("data")).await;
    in_browser_on(&folder, "false", |page, _| async move {
        page.open("/rate").await;
        page.until("the script runs", "document.querySelectorAll('.question').length > 1").await;
        let started = std::time::Instant::now();
        let mut slowest = Duration::ZERO;
        let mut judged = HashSet::new();
        for key in ["1", "2", "3", "4", "5"].into_iter().cycle().take(SESSION) {
            let face = page.asked().await;
            let pressed = std::time::Instant::now();
            page.press(key).await;
            page.until("another face is shown", &format!("![{face:?}, ''].includes({SHOWN})")).await;
            slowest = slowest.max(pressed.elapsed());
            judged.insert(face);
        }
        let took = started.elapsed();
        eprintln!("{SESSION} faces in {took:?}, the slowest change in {slowest:?}");
        assert_eq!(judged.len(), SESSION, "no face came twice");
        // Twelve faces lie ready when more are fetched: at two seconds a face, a fetch of twenty seconds is not noticed.
        assert!(took < Duration::from_mins(10) && slowest < Duration::from_secs(20), "{took:?}, {slowest:?}");
        page.until_counted(SESSION).await;
    })
    .await;
}
