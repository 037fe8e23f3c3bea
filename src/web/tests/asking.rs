//! The rating page: by form and by script, the score out of sight.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::json;

use super::fixture::{Fixture, Site, picked};
use crate::domain::FaceId;

fn site() -> Site {
    Site::new(Fixture::with((1..=4).map(picked).collect()))
}

impl Site {
    fn rating(&self, face: i64) -> Option<(String, bool)> {
        self.fixture.ratings.lock().unwrap().get(&FaceId(face)).map(|(j, seen)| (j.to_string(), *seen))
    }

    /// Presses a button of the form on a page, as a browser without script does; answers where it leads.
    async fn press(&self, page: &str, vote: &str) -> String {
        let body = self.get(page).await.body;
        let form = body.split("id=\"votes\"").nth(1).unwrap().split("</form>").next().unwrap();
        assert!(form.contains(&format!("name=\"vote\" value=\"{vote}\"")), "{page} has no button {vote}");
        let value = |input: &str, name: &str| {
            let text = input.split(&format!("{name}=\"")).nth(1)?;
            Some(text.split('"').next().unwrap().to_owned())
        };
        let hidden = form.split("<input type=\"hidden\"").skip(1).map(|input| {
            let input = input.split('>').next().unwrap();
            format!("{}={}", value(input, "name").unwrap(), value(input, "value").unwrap_or_default())
        });
        let fields: Vec<String> = hidden.chain([format!("vote={vote}")]).collect();
        let reply = self.post_form("/rate", &fields.join("&")).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{fields:?}");
        reply.header(header::LOCATION).to_owned()
    }
}

#[tokio::test]
async fn a_face_is_asked_for_without_its_score() {
    let site = site();
    let page = site.get("/rate").await.body;
    let stage = page.split("id=\"stage\"").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(stage.contains("data-face=\"10\"") && stage.contains("/media/crop/10"), "{stage}");
    assert!(stage.contains("by") && stage.contains("Sora &amp; &lt;Aoi&gt;"), "the artist is named");
    assert!(!page.contains("4.4") && !page.contains("class=\"score"), "no score before the vote");
    for vote in ["down", "up", "1", "2", "3", "4", "5", "skip", "undo"] {
        assert!(stage.contains(&format!("name=\"vote\" value=\"{vote}\"")), "{vote}");
    }
    assert!(page.contains("Ratings: 0. Next milestone: 10."));
    let page = site.get_in("ja", "/rate").await.body;
    assert!(page.contains("<h1>顔を評価する</h1>") && page.contains("とばす") && !page.contains("%{"));
}

#[tokio::test]
async fn without_a_script_votes_skips_and_undoes_go_from_face_to_face() {
    let site = site();
    assert_eq!(site.press("/rate", "4").await, "/rate?last=10");
    assert_eq!(site.rating(10), Some(("4".into(), false)), "the score was out of sight");
    let page = site.get("/rate?last=10").await.body;
    assert!(page.contains("data-face=\"20\""), "the next face");
    assert!(page.contains("Yours: 4 of 5") && page.contains("<b>4.4</b>"), "now the score is told");
    assert!(page.contains("Ratings: 1. Next milestone: 10."));

    assert_eq!(site.press("/rate?last=10", "skip").await, "/rate?not=20&last=10");
    assert!(site.get("/rate?not=20&last=10").await.body.contains("data-face=\"30\""));
    assert_eq!(site.press("/rate?not=20&last=10", "undo").await, "/rate?face=10&not=20");
    assert_eq!(site.rating(10), None);
    assert!(site.get("/rate?face=10&not=20").await.body.contains("data-face=\"10\""), "it is shown again");
    assert_eq!(site.press("/rate?face=10&not=20", "undo").await, "/rate?not=20", "there is no more to undo");
    assert_eq!(site.press("/rate?not=20", "up").await, "/rate?not=20&last=10");
    site.press("/rate?not=20&last=10", "down").await;
    assert_eq!(site.press("/rate?not=20&last=30", "5").await, "/rate?not=20&last=40");
    let page = site.get("/rate?not=20&last=40").await.body;
    assert!(page.contains("No face is left to ask for") && !page.contains("data-face="));
    assert_eq!(site.press("/rate?not=20&last=40", "undo").await, "/rate?face=40&not=20", "the last can be undone");
    let rated: Vec<_> = [10, 20, 30, 40].into_iter().filter(|f| site.rating(*f).is_some()).collect();
    assert_eq!(rated, [10, 30]);
}

#[tokio::test]
async fn what_is_no_vote_is_refused() {
    let site = site();
    for form in ["face=10&vote=6", "face=10&vote=", "vote=4", "face=10&vote=4&not=1,x"] {
        assert_eq!(site.post_form("/rate", form).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
    assert_eq!(site.post_form("/rate", "face=99&vote=4").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/rate?face=99").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/rate?not=x").await.status, StatusCode::BAD_REQUEST);
    assert!(site.fixture.ratings.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_face_of_a_restricted_picture_is_not_shown() {
    let mut post = picked(1);
    post.picture.as_mut().unwrap().over_age_gate = true;
    let site = Site::new(Fixture::with(vec![post]));
    assert_eq!(site.get("/rate?face=10").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_script_fetches_ahead_and_hears_of_the_score_after_the_vote() {
    let site = site();
    let answer = site.get("/api/ask?n=2&not=20").await.json();
    let faces: Vec<_> = answer["questions"].as_array().unwrap().iter().map(|q| &q["face"]).collect();
    assert_eq!(faces, [&json!(10), &json!(30)]);
    let html = answer["questions"][0]["html"].as_str().unwrap();
    assert!(html.contains("/media/crop/10") && !html.contains("4.4"), "{html}");
    assert!(site.get("/rate").await.body.contains(html), "the page draws it the same");
    assert_eq!(site.get("/api/ask?n=2&not=x").await.status, StatusCode::BAD_REQUEST);

    let kind = [("content-type", "application/json")];
    let put = async |body: &str| site.send(Method::PUT, "/api/faces/10/rating", &kind, body.to_owned()).await.json();
    let answer = put(r#"{"judgement":"2","score_visible":false}"#).await;
    let last = answer["last"].as_str().unwrap();
    assert!(last.contains("Yours: 2 of 5") && last.contains("<b>4.4</b>"), "{last}");
    assert!(answer["standing"]["milestone"].as_str().unwrap().contains("Ratings: 1. Next milestone: 10."));
    assert_eq!(put(r#"{"judgement":"2","score_visible":true}"#).await["last"], json!(null), "it was in sight before");
    let reply = site.send(Method::DELETE, "/api/faces/10/rating", &[], Body::empty()).await;
    assert_eq!((reply.json()["last"].clone(), site.rating(10)), (json!(null), None));
}
