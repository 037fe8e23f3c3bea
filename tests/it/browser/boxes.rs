//! The box editor: boxes are drawn, moved, resized, marked and removed, and what is saved is there again.

use fantoccini::key::Key;
use mekiki::samples::sample_set;
use serde::Deserialize;

use super::in_browser;
use super::page::Page;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Labels {
    boxes: Vec<[f64; 4]>,
    ignore: Vec<[f64; 4]>,
}

impl Page {
    async fn labels(&self) -> Labels {
        let text = self.value("document.querySelector('[name=labels]').value", "").await;
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    }

    /// A point of the picture in the window.
    async fn on_screen(&self, x: f64, y: f64) -> (f64, f64) {
        let point = format!(
            "((p) => [p.x, p.y])(new DOMPoint({x}, {y}).matrixTransform(document.querySelector('#drawing').getScreenCTM()))"
        );
        serde_json::from_value(self.value(&point, "").await).unwrap()
    }

    async fn drag_in_picture(&self, from: (f64, f64), to: (f64, f64)) {
        let (from, to) = (self.on_screen(from.0, from.1).await, self.on_screen(to.0, to.1).await);
        self.drag(from, to).await;
    }

    /// The boxes in the drawing, once there are so many.
    async fn until_drawn(&self, boxes: usize) {
        let drawn = format!("document.querySelectorAll('#drawing g').length === {boxes}");
        self.until(&format!("{boxes} boxes are drawn"), &drawn).await;
    }
}

/// Within two pixels of the screen and the rounding.
fn assert_near(found: [f64; 4], expected: [f64; 4], pixel: f64) {
    let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 2.0 * pixel + 0.1);
    assert!(near, "{found:?} is not {expected:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn boxes_are_drawn_moved_resized_and_removed() {
    in_browser(|page, _| async move {
        page.open("/").await;
        page.until_settled(sample_set().len()).await;
        page.open("/boxes").await;
        let found = page.labels().await;
        assert!(!found.boxes.is_empty() && found.ignore.is_empty(), "the faces found are there: {found:?}");
        let faces = found.boxes.len();
        page.until_drawn(faces).await;
        let picture = page.value("document.querySelector('#editor').dataset.picture", "").await;
        let size =
            page.value("document.querySelector('#drawing').getAttribute('viewBox').split(' ').map(Number)", "").await;
        let [_, _, width, height]: [f64; 4] = serde_json::from_value(size).unwrap();
        let pixel = page.value("document.querySelector('#drawing').getBoundingClientRect().width", "").await;
        let pixel = width / pixel.as_f64().unwrap();

        // Drawn in a corner where no face is, then moved by its middle, then made larger by its corner.
        let [left, top] = [0.02 * width, 0.02 * height];
        let side = 0.08 * width;
        page.drag_in_picture((left, top), (left + side, top + side)).await;
        page.until_drawn(faces + 1).await;
        assert_near(page.labels().await.boxes[faces], [left, top, left + side, top + side], pixel);
        let (dx, dy) = (0.01 * width, 0.03 * height);
        let middle = (left + side / 2.0, top + side / 2.0);
        page.drag_in_picture(middle, (middle.0 + dx, middle.1 + dy)).await;
        let moved = [left + dx, top + dy, left + side + dx, top + side + dy];
        assert_near(page.labels().await.boxes[faces], moved, 2.0 * pixel);
        let drawn = page.labels().await.boxes[faces];
        page.drag_in_picture((drawn[2], drawn[3]), (drawn[2] + side, drawn[3])).await;
        let wide = [drawn[0], drawn[1], drawn[2] + side, drawn[3]];
        assert_near(page.labels().await.boxes[faces], wide, pixel);

        // By keyboard: to the right, narrower, and undone.
        let before = page.labels().await.boxes[faces];
        page.press(&Key::Right.to_string()).await;
        let after = page.labels().await.boxes[faces];
        assert!(
            (after[0] - before[0]) > 0.5 && ((after[2] - before[2]) - (after[0] - before[0])).abs() < 0.2,
            "{after:?}"
        );
        page.press("z").await;
        assert_near(page.labels().await.boxes[faces], before, 0.0);

        // The surest face goes; the drawn one is doubtful.
        page.press("i").await;
        assert_eq!(page.labels().await.ignore.len(), 1);
        page.press("n").await;
        page.press(&Key::Delete.to_string()).await;
        page.until_drawn(faces).await;
        let labels = page.labels().await;
        assert_eq!((labels.boxes.len(), labels.ignore.len()), (faces - 1, 1));
        assert_near(labels.ignore[0], wide, pixel);

        page.press(&Key::Enter.to_string()).await;
        page.until(
            "the next picture is shown",
            &format!("(document.querySelector('#editor')?.dataset.picture ?? {picture}) !== {picture}"),
        )
        .await;
        page.until_text(".tools", "Done: 1. Waiting: 23.").await;
        page.open(&format!("/boxes/{}", picture.as_str().unwrap())).await;
        assert_eq!(page.labels().await, labels, "what was saved is there again");
        page.until_text("#saved-before", "These boxes were saved before").await;
        // What is scored stays as it was found.
        page.press("r").await;
        page.until_drawn(faces).await;
        assert_eq!(page.labels().await.boxes.len(), faces);
    })
    .await;
}
