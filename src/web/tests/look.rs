//! Serves the page over pictures from a folder, for looking at it: `cargo test --lib look -- --ignored`.

use std::path::Path;

use axum::body::Bytes;

use super::fixture::{Fixture, face, pending, picked};
use crate::domain::{Calibration, FaceId, PictureBox, PictureId, Score, Size, Skip, Verdict};
use crate::pipeline::{PictureView, PostState, PostView};
use crate::web::{Media, WebSettings, router};

/// `MEKIKI_LOOK` names a folder with pictures, `faces.jsonl` (`{"file", "width", "height", "boxes"}` a line) and
/// `crop-N.jpg` for face N; `MEKIKI_LOOK_TOKEN` sets a token, `MEKIKI_LOOK_RATED` how many ratings there are.
#[tokio::test]
#[ignore = "serves until it is stopped"]
async fn look() {
    let variable = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let folder = variable("MEKIKI_LOOK").expect("MEKIKI_LOOK names a folder of pictures");
    let rated = variable("MEKIKI_LOOK_RATED").and_then(|n| n.parse().ok()).unwrap_or(12);
    let fixture = load(Path::new(&folder), rated);
    let token = variable("MEKIKI_LOOK_TOKEN").map(Into::into);
    let settings = WebSettings { token, ..WebSettings::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8085").await.unwrap();
    axum::serve(listener, router(std::sync::Arc::new(fixture), settings)).await.unwrap();
}

fn load(folder: &Path, rated: u32) -> Fixture {
    let fixture = Fixture::default();
    let lines = std::fs::read_to_string(folder.join("faces.jsonl")).unwrap();
    let calibration = Calibration::from_ratings(rated);
    let mut next_face = 0;
    for (line, id) in lines.lines().zip(1_i64..) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes: Bytes = std::fs::read(folder.join(row["file"].as_str().unwrap())).unwrap().into();
        let picture = PictureId([id as u8; 32]);
        fixture.pictures.lock().unwrap().insert(picture, Media { content_type: "image/jpeg", bytes });
        let boxes: Vec<[f32; 4]> = serde_json::from_value(row["boxes"].clone()).unwrap();
        let mut post = picked(id);
        post.title = row["title"].as_str().map(Into::into);
        post.faces.clear();
        for (i, b) in boxes.into_iter().enumerate() {
            let mean = 4.9 - 0.63 * (next_face % 6) as f32 - 0.11 * i as f32;
            let mut face = face(next_face, mean, calibration);
            face.bounds = PictureBox::from(b);
            if rated == 0 {
                face.score = None;
            }
            if let Ok(crop) = std::fs::read(folder.join(format!("crop-{next_face}.jpg"))) {
                fixture.crops.lock().unwrap().insert(FaceId(next_face), crop.into());
            } else {
                face.has_crop = false;
            }
            if (next_face as u32) < rated {
                let judgement =
                    if next_face % 3 == 0 { "up".parse() } else { ((next_face % 5) + 1).to_string().parse() };
                fixture.ratings.lock().unwrap().insert(face.id, (judgement.unwrap(), true));
            }
            post.faces.push(face);
            next_face += 1;
        }
        let size = Size::new(row["width"].as_u64().unwrap() as u32, row["height"].as_u64().unwrap() as u32);
        let over_age_gate = id % 7 == 5;
        let restricted_probability = if over_age_gate { 0.83 } else { 0.02 };
        post.picture = Some(PictureView { id: picture, size, restricted_probability, over_age_gate });
        post.verdict = Some(verdict(&post, over_age_gate));
        if post.verdict != Some(Verdict::Repost) {
            post.picked_at = None;
            post.picked_score = None;
        }
        fixture.posts.lock().unwrap().push(post);
    }
    let mut failed = pending(200);
    failed.state = PostState::Failed;
    failed.title = Some("holiday-notes.png".into());
    failed.error_code = Some("not_a_picture".into());
    failed.error = Some("this is a PDF, not a picture; send the picture itself as PNG, JPEG or WebP".into());
    fixture.posts.lock().unwrap().extend([failed, pending(201)]);
    fixture
}

fn verdict(post: &PostView, over_age_gate: bool) -> Verdict {
    let best = post.faces.iter().filter_map(|f| f.score).max_by(|a, b| a.mean().total_cmp(&b.mean()));
    let known = best.map(|b: Score| b.calibration());
    match (best, known) {
        (None, _) => Verdict::Skip(Skip::NoFace),
        _ if over_age_gate => Verdict::Skip(Skip::AgeGate { probability: 0.83 }),
        (_, Some(Calibration::Uncalibrated { ratings })) => Verdict::Skip(Skip::Uncalibrated { ratings }),
        (Some(best), _) if best.mean() < 4.0 => {
            Verdict::Skip(Skip::BelowThreshold { best: best.mean(), threshold: 4.0 })
        }
        _ if post.id.0 % 4 == 3 => Verdict::Skip(Skip::NearDuplicate { of: PictureId([1; 32]) }),
        _ => Verdict::Repost,
    }
}
