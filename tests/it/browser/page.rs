//! The page as a person sees and uses it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::{Client, Locator};
use mekiki::domain::PictureBox;
use serde::Deserialize;
use serde_json::Value;

use crate::bot::PATIENCE;

/// A face with its box, as the page shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Face {
    pub(super) id: String,
    /// Of its post.
    pub(super) title: String,
    pub(super) score: Option<f32>,
    /// "uncalibrated (3 of 10)" or "no score yet"; empty when the score needs no explanation.
    pub(super) chip: String,
    /// In the picture's own pixels.
    #[serde(rename = "box")]
    pub(super) bounds: PictureBox,
}

/// Reads the faces of a list of elements.
const READ_FACES: &str = r"
    const read = (face) => {
        const post = face.closest('.post');
        const rect = post.querySelector(`.boxes a[data-face='${face.dataset.face}'] rect`);
        const [x, y, w, h] = ['x', 'y', 'width', 'height'].map((name) => Number(rect.getAttribute(name)));
        const score = face.querySelector('.score b');
        return {
            id: face.dataset.face,
            title: post.querySelector('h2').textContent.trim(),
            score: score && Number(score.textContent),
            chip: face.querySelector('.chip')?.textContent ?? '',
            box: [x, y, x + w, y + h],
        };
    };
    const card = (title) => [...document.querySelectorAll('.post')].find((p) => p.querySelector('h2').textContent.trim() === title);
";

pub(super) struct Page {
    client: Client,
    base: String,
}

impl Page {
    pub(super) fn new(client: Client, base: String) -> Self {
        Self { client, base }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn open(&self, path: &str) {
        self.client.goto(&self.url(path)).await.unwrap();
    }

    /// The value of a JavaScript expression.
    pub(super) async fn value(&self, expression: &str, argument: &str) -> Value {
        let script = format!("{READ_FACES} return ({expression});");
        self.client.execute(&script, vec![argument.into()]).await.unwrap()
    }

    /// Waits until the expression is true.
    pub(super) async fn until(&self, what: &str, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(50));
        loop {
            look.tick().await;
            if self.value(expression, "").await == true {
                return;
            }
            if Instant::now() > deadline {
                let text = self.value("document.body.innerText", "").await;
                panic!("{what}: not so after {PATIENCE:?}. The page says:\n{}", text.as_str().unwrap_or_default());
            }
        }
    }

    /// Waits until there are `posts` cards and nothing is under way.
    pub(super) async fn until_settled(&self, posts: usize) {
        let all = format!("document.querySelectorAll('.post[data-settled=true]').length === {posts}");
        self.until(&format!("{posts} posts are done"), &all).await;
    }

    pub(super) async fn until_rated(&self, ratings: usize) {
        let said = format!("document.querySelector('#standing').dataset.ratings === '{ratings}'");
        self.until(&format!("{ratings} ratings were taken"), &said).await;
    }

    /// Waits until each element that matches holds the text, and there is one.
    pub(super) async fn until_text(&self, selector: &str, text: &str) {
        let all = format!(
            "((all) => all.length > 0 && all.every((e) => e.textContent.includes({text:?})))\
             ([...document.querySelectorAll({selector:?})])"
        );
        self.until(&format!("every {selector} says '{text}'"), &all).await;
    }

    pub(super) async fn until_gone(&self, selector: &str) {
        self.until(&format!("no {selector} is there"), &format!("!document.querySelector({selector:?})")).await;
    }

    pub(super) async fn until_crops_are_shown(&self, title: &str) {
        let shown = format!(
            "((crops) => crops.length > 0 && crops.every((crop) => crop.complete && crop.naturalWidth === 224))\
             ([...card({title:?}).querySelectorAll('img.crop')])"
        );
        self.until(&format!("the crops of {title} are shown"), &shown).await;
    }

    /// Chooses files in the page's own file field.
    pub(super) async fn hand_in(&self, files: impl Iterator<Item = &PathBuf>) {
        let paths: Vec<_> = files.map(|file| Path::to_str(file).unwrap()).collect();
        self.client.find(Locator::Css("#files")).await.unwrap().send_keys(&paths.join("\n")).await.unwrap();
    }

    /// A card that is drawn anew takes its buttons with it: what was found may be gone or hidden when it is pressed.
    pub(super) async fn click(&self, selector: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut again = tokio::time::interval(Duration::from_millis(50));
        loop {
            again.tick().await;
            let button = self.client.find(Locator::Css(selector)).await.unwrap();
            match button.click().await {
                Ok(()) => return,
                Err(error) => assert!(Instant::now() < deadline, "{selector} cannot be clicked: {error}"),
            }
        }
    }

    /// Drags with the mouse, from and to points of the window.
    pub(super) async fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let move_to = |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(40)), x, y };
        let halfway = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let mouse = MouseActions::new("mouse".into())
            .then(move_to(from))
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(move_to(halfway))
            .then(move_to(to))
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// Presses a key wherever the keyboard is. Not by way of the element in focus: a card that is drawn anew takes it away.
    pub(super) async fn press(&self, key: &str) {
        let value = key.chars().next().expect("a key");
        let keyboard = KeyActions::new("keyboard".into());
        let pressed = keyboard.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        self.client.perform_actions(pressed).await.unwrap();
    }

    pub(super) async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = "[...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())";
        serde_json::from_value(self.value(texts, selector).await).unwrap()
    }

    /// Every face on the page, in the order of the page.
    pub(super) async fn faces(&self) -> Vec<Face> {
        let faces = "[...document.querySelectorAll('.face[data-face]')].map(read)";
        serde_json::from_value(self.value(faces, "").await).unwrap()
    }

    /// Waits until the faces are as they should be.
    pub(super) async fn until_faces(&self, what: &str, are_so: impl Fn(&[Face]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut look = tokio::time::interval(Duration::from_millis(100));
        loop {
            look.tick().await;
            let faces = self.faces().await;
            if are_so(&faces) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: not so after {PATIENCE:?}: {faces:#?}");
        }
    }

    /// The face that the keyboard is on.
    pub(super) async fn selected(&self) -> Face {
        serde_json::from_value(self.value("read(document.querySelector('.face.on'))", "").await).unwrap()
    }

    pub(super) async fn faces_of(&self, title: &str) -> Vec<Face> {
        let faces = "[...card(arguments[0]).querySelectorAll('.face[data-face]')].map(read)";
        serde_json::from_value(self.value(faces, title).await).unwrap()
    }

    pub(super) async fn verdict_of(&self, title: &str) -> String {
        let verdict = self.value("card(arguments[0]).querySelector('.verdict').textContent.trim()", title).await;
        verdict.as_str().unwrap().to_owned()
    }
}
