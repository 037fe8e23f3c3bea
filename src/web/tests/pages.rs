//! The pages in both languages, and what their forms do.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use insta::assert_snapshot;
use serde_json::json;

use super::fixture::{Fixture, Site, face, pending, picked};
use crate::domain::{Calibration, FaceId, Judgement, PictureId, PostId, Skip, Verdict};
use crate::pipeline::{PostState, PostView};
use crate::web::{Lang, Media, words};

fn skipped(id: i64, why: Skip) -> PostView {
    PostView { verdict: Some(Verdict::Skip(why)), picked_at: None, ..picked(id) }
}

/// Text between `from` and the next `to`.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from} in {text}")) + from.len();
    let end = text[start..].find(to).unwrap_or_else(|| panic!("no {to} after {from}"));
    &text[start..start + end]
}

#[test]
fn every_verdict_is_said_in_plain_words() {
    let verdicts = [
        Verdict::Repost,
        Verdict::Skip(Skip::NoFace),
        Verdict::Skip(Skip::Asked),
        Verdict::Skip(Skip::NoCuratedChannel),
        Verdict::Skip(Skip::OptedOut { artist: true }),
        Verdict::Skip(Skip::OptedOut { artist: false }),
        Verdict::Skip(Skip::Uncalibrated { ratings: 3 }),
        Verdict::Skip(Skip::BelowThreshold { best: 3.12, threshold: 4.0 }),
        Verdict::Skip(Skip::BelowThreshold { best: 3.96, threshold: 4.0 }),
        Verdict::Skip(Skip::NotInTopShare { rank: 12, of: 100, share: 0.05 }),
        Verdict::Skip(Skip::AgeGate { probability: 0.834 }),
        Verdict::Skip(Skip::MarkedAgeRestricted),
        Verdict::Skip(Skip::AlreadyPosted),
        Verdict::Skip(Skip::NearDuplicate { of: PictureId([7; 32]) }),
        Verdict::Skip(Skip::HourlyLimit { limit: 60 }),
    ];
    let say = |lang| verdicts.iter().map(|v| words::verdict(lang, v)).collect::<Vec<_>>().join("\n");
    assert_snapshot!(say(Lang::En), @r"
    Picked for the feed.
    Not picked: no drawn face was found.
    Not picked: somebody asked for its score; only what is posted by itself is picked.
    Not picked: this server has no channel for picks.
    Not picked: its artist does not want to be picked.
    Not picked: whoever posted it does not want to be picked.
    Not picked yet: your taste has 3 of the 10 ratings it needs. Rate some faces.
    Not picked: the best face scores 3.1, and a pick needs 4.0.
    Not picked: the best face scores 3.96, and a pick needs 4.0.
    Not picked: number 12 of 100 lately, where the best 5 % are picked.
    Not picked: looks age-restricted (83 %).
    Not picked: where it was posted, it is marked as age-restricted.
    Not picked: this very picture is in the feed already.
    Not picked: it looks almost the same as one that was picked before.
    Not picked for now: the limit of 60 picks an hour is reached.
    ");
    assert_snapshot!(say(Lang::Ja), @r"
    フィードに載せました。
    見送り：絵の中に顔が見つかりませんでした。
    見送り：採点を頼まれた絵です。選ばれるのは、投稿された絵だけです。
    見送り：このサーバーには、選んだ絵を載せるチャンネルがありません。
    見送り：作者が載せないでほしいと伝えています。
    見送り：投稿した人が載せないでほしいと伝えています。
    まだ選べません：好みを知るには評価が 10 件必要で、いまは 3 件です。顔を評価してください。
    見送り：最も高い顔が 3.1 点で、選ばれるには 4.0 点が必要です。
    見送り：最も高い顔が 3.96 点で、選ばれるには 4.0 点が必要です。
    見送り：最近の 100 枚中 12 位です。選ばれるのは上位 5 % です。
    見送り：年齢制限が必要な絵のようです（83 %）。
    見送り：投稿元で年齢制限つきとされています。
    見送り：同じ絵がすでにフィードにあります。
    見送り：すでに選ばれた絵とほとんど同じです。
    いまは見送り：1 時間に選べる上限（60 件）に達しています。
    ");
}

#[tokio::test]
async fn every_page_speaks_both_languages() {
    let site = Site::new(Fixture::with(vec![picked(1), pending(2)]));
    for (path, en, ja) in [
        ("/", "<title>Gallery · Mekiki</title>", "<title>ギャラリー · 目利き</title>"),
        ("/?filter=failed", "Nothing failed.", "失敗した絵はありません。"),
        ("/picture/1", "Picked for the feed with a score of 4.4.", "4.4 点でフィードに選ばれました。"),
        ("/feed", "<h1>Mekiki's picks</h1>", "<h1>目利きの厳選</h1>"),
        ("/taste", "<h1>Your taste</h1>", "<h1>あなたの好み</h1>"),
        ("/nowhere", "There is nothing at this address.", "このアドレスには何もありません。"),
    ] {
        for (lang, words) in [("en", en), ("ja", ja)] {
            let page = site.get_in(lang, path).await;
            assert!(page.body.contains(words), "{path} in {lang} lacks {words}: {}", page.body);
            assert!(page.body.contains(&format!("<html lang=\"{lang}\">")), "{path}");
            assert!(!page.body.contains("%{"), "{path} in {lang} has an unfilled text");
        }
    }
}

#[tokio::test]
async fn empty_pages_say_what_to_do_next() {
    let site = Site::new(Fixture::default());
    for (path, words) in [
        ("/", "Drop a drawing above"),
        ("/?filter=picked", "Rate some faces"),
        ("/feed", "Add pictures in the gallery"),
        ("/taste", "Add pictures and rate some faces"),
    ] {
        let page = site.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(words), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn a_face_row_shows_score_stars_and_buttons() {
    let mut post = picked(1);
    post.faces = vec![face(10, 4.24, Calibration::Uncalibrated { ratings: 3 })];
    let site = Site::new(Fixture::with(vec![post]));
    site.post_form("/faces/10/rating", "judgement=4&score_visible=true&post=1").await;
    let page = site.get("/").await.body;
    let row = between(&page, "<ol class=\"faces\">", "</ol>");
    assert_snapshot!(row.replace("><", ">\n<"));
}

#[tokio::test]
async fn boxes_are_drawn_in_the_pictures_own_pixels() {
    let page = Site::new(Fixture::with(vec![picked(1)])).get("/picture/1").await.body;
    let boxes = between(&page, "<svg class=\"boxes\"", "</svg>");
    assert_snapshot!(boxes.replace("><", ">\n<"));
}

#[tokio::test]
async fn user_texts_are_escaped_and_their_links_checked() {
    let mut post = picked(1);
    post.title = Some("<script>alert(1)</script>.png".into());
    post.author.link = Some("javascript:alert(1)".into());
    let site = Site::new(Fixture::with(vec![post]));
    for path in ["/", "/picture/1", "/feed"] {
        let page = site.get(path).await.body;
        assert!(page.contains("&lt;script&gt;alert(1)"), "{path}");
        assert!(!page.contains("<script>alert") && !page.contains("javascript:"), "{path}");
        assert!(page.contains("<b>Sora &amp; &lt;Aoi&gt;</b>"), "{path}: the name stays, without its link");
    }
}

#[tokio::test]
async fn restricted_pictures_are_blurred_until_asked_for() {
    let mut gated = skipped(1, Skip::AgeGate { probability: 0.8 });
    gated.picture.as_mut().unwrap().over_age_gate = true;
    let site = Site::new(Fixture::with(vec![gated, skipped(2, Skip::MarkedAgeRestricted), picked(3)]));
    for (path, blurred) in [("/picture/1", true), ("/picture/2", true), ("/picture/3", false)] {
        let page = site.get(path).await.body;
        assert_eq!(page.contains("post large gated"), blurred, "{path}");
        assert_eq!(page.contains("class=\"reveal\""), blurred, "{path}");
    }
    assert!(site.get("/taste").await.body.contains("<li class=\"gated\">"));
}

#[tokio::test]
async fn what_is_under_way_and_what_failed_is_said() {
    let failed = PostView { state: PostState::Failed, error: Some("not a picture".into()), ..pending(1) };
    let site = Site::new(Fixture::with(vec![failed, pending(2)]));
    let page = site.get("/").await.body;
    assert!(page.contains("Could not be scored: not a picture"));
    assert!(page.contains("Received. Waiting its turn…") && page.contains("class=\"face skeleton\""));
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "browsers without script look again");
    let page = site.get("/?filter=failed").await.body;
    assert!(page.contains("id=\"post-1\"") && !page.contains("id=\"post-2\"") && !page.contains("<noscript>"));
}

#[tokio::test]
async fn the_gallery_has_pages() {
    let site = Site::new(Fixture::with((1..=30).map(picked).collect()));
    let first = site.get("/").await.body;
    assert!(first.contains("id=\"post-30\"") && first.contains("id=\"post-7\"") && !first.contains("id=\"post-6\""));
    assert!(first.contains("rel=\"next\" href=\"/?filter=all&amp;before=7\""));
    let second = site.get("/?filter=all&before=7").await.body;
    assert!(second.contains("id=\"post-6\"") && second.contains("rel=\"first\"") && !second.contains("rel=\"next\""));
    assert!(!second.contains("data-live"), "an older page does not take new posts in");
    let feed = site.get("/feed").await.body;
    assert!(feed.contains("rel=\"next\" href=\"/feed?before=19\""));
    let older = site.get("/feed?before=19").await.body;
    assert!(older.contains("/picture/18") && !older.contains("/picture/19"));
}

#[tokio::test]
async fn rating_works_by_form_and_by_script_and_can_be_taken_back() {
    let site = Site::new(Fixture::with(vec![picked(1)]));
    let rating = || site.fixture.ratings.lock().unwrap().get(&FaceId(10)).copied();
    let reply = site.post_form("/faces/10/rating", "judgement=up&score_visible=true&post=1").await;
    assert_eq!((reply.status, reply.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/?filter=all#face-1-10"));
    assert_eq!(rating(), Some((Judgement::Up, true)));
    site.post_form("/faces/10/rating", "judgement=none").await;
    assert_eq!(rating(), None);

    let kind = ("content-type", "application/json");
    let put = async |path: &str, body: &str| site.send(Method::PUT, path, &[kind], body.to_owned()).await;
    let reply = put("/api/faces/10/rating", r#"{"judgement":"5","score_visible":false}"#).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json()["calibration"], json!({ "calibration": "uncalibrated", "ratings": 1 }));
    assert_eq!(reply.json()["message"], "1 of 10 ratings. Until then, scores are uncalibrated.");
    assert_eq!(reply.json()["standing"]["version"], 1);
    assert_eq!(rating().map(|(j, seen)| (j.to_string(), seen)), Some(("5".to_owned(), false)));
    let reply = site.send(Method::DELETE, "/api/faces/10/rating", &[], Body::empty()).await;
    assert_eq!((reply.status, rating()), (StatusCode::OK, None));

    assert_eq!(put("/api/faces/10/rating", r#"{"judgement":"6"}"#).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put("/api/faces/99/rating", r#"{"judgement":"5"}"#).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.post_form("/faces/10/rating", "judgement=7").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(rating(), None);
}

#[tokio::test]
async fn the_script_gets_cards_as_the_page_draws_them() {
    let site = Site::new(Fixture::with(vec![picked(1), picked(2), pending(3)]));
    let answer = site.get("/api/posts?ids=1,99&after=2").await.json();
    let ids: Vec<_> = answer["posts"].as_array().unwrap().iter().map(|p| (&p["id"], &p["settled"])).collect();
    assert_eq!(ids, [(&json!(1), &json!(true)), (&json!(3), &json!(false))]);
    assert_eq!(answer["gone"], json!([99]));
    let card = answer["posts"][0]["html"].as_str().unwrap();
    assert!(site.get("/").await.body.contains(card));
    let large = site.get("/api/posts?ids=1&view=large").await.json();
    assert!(site.get("/picture/1").await.body.contains(large["posts"][0]["html"].as_str().unwrap()));
    assert_eq!(site.get("/api/posts/1").await.json()["faces"][0]["bounds"], json!([100.0, 50.0, 200.0, 150.0]));
    assert_eq!(site.get("/api/posts/99").await.json()["error"]["code"], "not_found");
    assert_eq!(site.get("/api/posts?ids=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_post_can_be_removed() {
    let site = Site::new(Fixture::with(vec![picked(1)]));
    let reply = site.post_form("/posts/1/remove", "").await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert!(!site.fixture.posts.lock().unwrap().iter().any(|p| p.id == PostId(1)));
    assert_eq!(site.post_form("/posts/1/remove", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn media_and_assets_are_kept_by_browsers() {
    let fixture = Fixture::default();
    let id = PictureId([9; 32]);
    let media = Media { content_type: "image/png", bytes: "PNG".into() };
    fixture.pictures.lock().unwrap().insert(id, media);
    let drawing = Media { content_type: "image/svg+xml", bytes: "<svg/>".into() };
    fixture.pictures.lock().unwrap().insert(PictureId([8; 32]), drawing);
    let site = Site::new(fixture);
    let path = format!("/media/picture/{id}");
    let first = site.get(&path).await;
    assert_eq!((first.header(header::CONTENT_TYPE), first.body.as_str()), ("image/png", "PNG"));
    assert!(first.header(header::CACHE_CONTROL).contains("immutable"));
    let tag = [("if-none-match", first.header(header::ETAG))];
    assert_eq!(site.send(Method::GET, &path, &tag, Body::empty()).await.status, StatusCode::NOT_MODIFIED);
    let svg = format!("/media/picture/{}", PictureId([8; 32]));
    assert_eq!(site.get(&svg).await.status, StatusCode::NOT_FOUND, "a drawing with scripts is not served");
    assert_eq!(site.get("/media/picture/../../etc/passwd").await.status, StatusCode::NOT_FOUND);

    let page = site.get("/").await.body;
    for name in ["app.css", "app.js"] {
        let url = format!("/assets/{}/{name}", between(&page, "/assets/", "/"));
        let asset = site.get(&url).await;
        assert_eq!(asset.status, StatusCode::OK, "{url}");
        assert!(asset.header(header::CACHE_CONTROL).contains("immutable"));
    }
    assert_eq!(site.get("/assets/0/app.css").await.header(header::CACHE_CONTROL), "no-cache");
}

#[tokio::test]
async fn health_and_failures_inside_are_told_apart() {
    let site = Site::new(Fixture::default());
    assert_eq!(site.get("/healthz").await.json()["provider"], "cpu");
    assert!(site.get("/metrics").await.body.contains("mekiki_posts 1"));
    let broken = Site::new(Fixture { broken: true, ..Fixture::default() });
    assert_eq!(broken.get("/healthz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let page = broken.get("/").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("Something broke") && !page.body.contains("locked"));
}
