//! The rating page: twenty faces by keyboard with an undo, and a connection that stumbles.

use std::collections::HashSet;

use mekiki::samples::sample_set;

use super::in_browser;
use super::page::Page;

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
        self.until_text("#milestone-box", &format!("{ratings} ratings;")).await;
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
