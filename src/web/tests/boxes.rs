//! The box editor: what it shows and what it saves.

use axum::http::{Method, StatusCode, header};
use serde_json::json;

use super::fixture::{Fixture, Site, pending, picked};
use crate::domain::{BoxLabels, PictureBox, PictureId};
use crate::pipeline::PostView;

fn site() -> Site {
    let swept = PostView { title: Some("swept.png".into()), ..picked(3) };
    Site::new(Fixture::with(vec![picked(1), picked(2), swept]))
}

fn path(n: u8) -> String {
    format!("/boxes/{}", PictureId([n; 32]))
}

#[tokio::test]
async fn the_boxes_found_are_shown_with_the_convention() {
    let site = site();
    let page = site.get("/boxes").await.body;
    assert!(page.contains("from the chin to just above the brows, and from cheek to cheek"));
    assert!(page.contains("The faces scored here stay as they are"), "what saving does not do is said");
    assert!(page.contains(&format!("action=\"{}\"", path(1))), "the first that nobody has labelled");
    assert!(page.contains("viewBox=\"0 0 800 600\""), "in the picture's own pixels");
    assert!(page.contains("<rect class=\"box\" x=\"100\" y=\"50\" width=\"100\" height=\"100\""), "{page}");
    assert!(page.contains("Done: 0. Waiting: 3.") && page.contains("Sora &amp; &lt;Aoi&gt;"));
    let later = site.get(&format!("/boxes?after={}", PictureId([1; 32]))).await.body;
    assert!(later.contains(&format!("action=\"{}\"", path(2))));
    let page = site.get_in("ja", &path(2)).await.body;
    assert!(page.contains("<h1>顔の枠を直す</h1>") && page.contains("あごから眉のすぐ上まで") && !page.contains("%{"));
    assert!(site.get("/picture/1").await.body.contains(&format!("href=\"{}\"", path(1))), "the post's menu leads here");
}

#[tokio::test]
async fn boxes_are_saved_by_form_and_by_script() {
    let site = site();
    let saved = |n: u8| site.fixture.labels.lock().unwrap().get(&PictureId([n; 32])).cloned();
    let form = format!("labels={}", r#"{"boxes":[[100,50,200,150]],"ignore":[[0,0,40,40]]}"#.replace('"', "%22"));
    let reply = site.post_form(&path(1), &form).await;
    assert_eq!((reply.status, reply.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/boxes"));
    let labels = BoxLabels {
        boxes: vec![PictureBox::new(100.0, 50.0, 200.0, 150.0)],
        ignore: vec![PictureBox::new(0.0, 0.0, 40.0, 40.0)],
    };
    assert_eq!(saved(1), Some(labels));
    let page = site.get(&path(1)).await.body;
    assert!(page.contains("class=\"box ignored\"") && page.contains("These boxes were saved before"));
    assert!(site.get("/boxes").await.body.contains(&format!("action=\"{}\"", path(2))), "the next waits");

    let put = async |path: &str, body: serde_json::Value| {
        let kind = [("content-type", "application/json")];
        site.send(Method::PUT, &format!("/api{path}"), &kind, body.to_string()).await
    };
    let reply = put(&path(2), json!({ "boxes": [[-9.0, 10.0, 900.0, 50.5]], "ignore": [] })).await;
    assert_eq!((reply.status, reply.json()["next"].clone()), (StatusCode::OK, json!("/boxes")));
    assert_eq!(saved(2).unwrap().boxes, [PictureBox::new(0.0, 10.0, 800.0, 50.5)], "cut to the picture");
    assert_eq!(put(&path(2), json!({ "boxes": [] })).await.status, StatusCode::OK, "no face at all is a label, too");
    assert_eq!(saved(2), Some(BoxLabels::default()));

    for bad in
        [json!({ "boxes": [[5, 5, 5, 9]] }), json!({ "boxes": [[900, 0, 950, 40]] }), json!({ "boxes": [[1, 2, 3]] })]
    {
        let reply = put(&path(1), bad.clone()).await;
        assert!(reply.status.is_client_error(), "{bad}: {}", reply.status);
    }
    assert_eq!(site.post_form(&path(1), "labels=none").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(put(&path(9), json!({ "boxes": [] })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(saved(1).unwrap().boxes.len(), 1, "nothing was overwritten");
}

#[tokio::test]
async fn what_cannot_be_drawn_on_is_said() {
    let site = site();
    assert!(site.get(&path(3)).await.body.contains("preview is no longer kept"));
    assert_eq!(site.get(&path(9)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/boxes/xyz").await.status, StatusCode::NOT_FOUND);
    let empty = Site::new(Fixture::default());
    assert!(empty.get("/boxes").await.body.contains("Every picture's boxes are confirmed"));
}

#[tokio::test]
async fn a_restricted_picture_is_blurred_in_the_editor_too() {
    let mut post = picked(1);
    post.picture.as_mut().unwrap().over_age_gate = true;
    let site = Site::new(Fixture::with(vec![post, pending(2)]));
    let page = site.get(&path(1)).await.body;
    assert!(page.contains("class=\"canvas gated\"") && page.contains("id=\"reveal-boxes\""));
}
