//! A backend in memory, and one-line requests to the page in front of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use time::macros::datetime;
use tower::ServiceExt;

use crate::domain::{
    Author, BoxLabels, Calibration, Confidence, FaceId, Judgement, PictureBox, PictureId, PostId, Score, Size, TasteId,
    Verdict,
};
use crate::pipeline::{
    BoxesView, FaceInPost, FaceView, GalleryFilter, LabelCounts, NotPromoted, PickView, PictureView, PostSource,
    PostState, PostView, Question, ScoresByRating, TasteView,
};
use crate::web::{
    Answer, Backend, HealthView, Media, ModelView, RateError, Standing, SubmitError, Upload, WebSettings, router,
};

/// What the page may ask for, kept in memory.
#[derive(Default)]
pub(super) struct Fixture {
    pub(super) posts: Mutex<Vec<PostView>>,
    pub(super) ratings: Mutex<HashMap<FaceId, (Judgement, bool)>>,
    pub(super) uploads: Mutex<Vec<Upload>>,
    pub(super) pictures: Mutex<HashMap<PictureId, Media>>,
    pub(super) crops: Mutex<HashMap<FaceId, Bytes>>,
    pub(super) labels: Mutex<HashMap<PictureId, BoxLabels>>,
    pub(super) busy: bool,
    pub(super) broken: bool,
}

impl Fixture {
    pub(super) fn with(posts: Vec<PostView>) -> Self {
        Self { posts: Mutex::new(posts), ..Self::default() }
    }

    fn calibration(&self) -> Calibration {
        Calibration::from_ratings(self.ratings.lock().unwrap().len() as u32)
    }

    fn shown(&self, post: &PostView) -> PostView {
        let ratings = self.ratings.lock().unwrap();
        let mut post = post.clone();
        for face in &mut post.faces {
            face.rating = ratings.get(&face.id).map(|r| r.0);
        }
        post
    }
}

impl Backend for Fixture {
    fn submit(&self, upload: Upload) -> Answer<'_, Result<PostId, SubmitError>> {
        Box::pin(async move {
            if self.broken {
                return Err(anyhow::anyhow!("the disk is full").into());
            }
            if self.busy {
                return Err(SubmitError::Busy);
            }
            if upload.bytes.starts_with(b"<html") {
                let message = "this is a web page. Save the picture itself and upload that".to_owned();
                return Err(SubmitError::Decode { code: "not_a_picture", message });
            }
            let mut posts = self.posts.lock().unwrap();
            let id = PostId(posts.iter().map(|p| p.id.0).max().unwrap_or(0) + 1);
            let mut post = pending(id.0);
            post.title.clone_from(&upload.title);
            posts.push(post);
            self.uploads.lock().unwrap().push(upload);
            Ok(id)
        })
    }

    fn post(&self, id: PostId) -> Answer<'_, anyhow::Result<Option<PostView>>> {
        Box::pin(async move { Ok(self.posts.lock().unwrap().iter().find(|p| p.id == id).map(|p| self.shown(p))) })
    }

    fn gallery(
        &self,
        filter: GalleryFilter,
        before: Option<PostId>,
        limit: u32,
    ) -> Answer<'_, anyhow::Result<Vec<PostView>>> {
        Box::pin(async move {
            if self.broken {
                anyhow::bail!("the database is locked");
            }
            let mut posts: Vec<_> = self.posts.lock().unwrap().iter().map(|p| self.shown(p)).collect();
            posts.sort_by_key(|p| std::cmp::Reverse(p.id));
            posts.retain(|p| before.is_none_or(|b| p.id < b));
            posts.retain(|p| match filter {
                GalleryFilter::All => true,
                GalleryFilter::Picked => p.verdict == Some(Verdict::Repost),
                GalleryFilter::Skipped => matches!(p.verdict, Some(Verdict::Skip(_))),
                GalleryFilter::Failed => p.state == PostState::Failed,
            });
            posts.truncate(limit as usize);
            Ok(posts)
        })
    }

    fn picks(&self, before: Option<PostId>, limit: u32) -> Answer<'_, anyhow::Result<Vec<PickView>>> {
        Box::pin(async move {
            let mut posts = self.gallery(GalleryFilter::Picked, None, u32::MAX).await?;
            posts.sort_by_key(|p| std::cmp::Reverse((p.picked_at, p.id)));
            if let Some(before) = before {
                let at = posts.iter().position(|p| p.id == before).map_or(posts.len(), |i| i + 1);
                posts.drain(..at);
            }
            posts.truncate(limit as usize);
            let pick = |post: PostView| PickView { picked_at: post.picked_at.unwrap(), score: 4.44, post };
            Ok(posts.into_iter().map(pick).collect())
        })
    }

    fn guild_picks(&self, guild: u64, limit: u32) -> Answer<'_, anyhow::Result<Option<Vec<PickView>>>> {
        Box::pin(async move { if guild == 7 { Ok(Some(self.picks(None, limit).await?)) } else { Ok(None) } })
    }

    fn rate(
        &self,
        face: FaceId,
        judgement: Option<Judgement>,
        score_visible: bool,
    ) -> Answer<'_, Result<Calibration, RateError>> {
        Box::pin(async move {
            if !self.posts.lock().unwrap().iter().any(|p| p.faces.iter().any(|f| f.id == face)) {
                return Err(RateError::NoSuchFace);
            }
            let mut ratings = self.ratings.lock().unwrap();
            match judgement {
                Some(judgement) => ratings.insert(face, (judgement, score_visible)),
                None => ratings.remove(&face),
            };
            drop(ratings);
            Ok(self.calibration())
        })
    }

    fn ask(&self, n: usize, not: Vec<FaceId>) -> Answer<'_, anyhow::Result<Vec<Question>>> {
        Box::pin(async move {
            let ratings = self.ratings.lock().unwrap().clone();
            let posts = self.posts.lock().unwrap();
            let open = posts.iter().flat_map(|p| p.faces.iter().map(move |f| (p, f.id)));
            let open = open.filter(|(_, f)| !not.contains(f) && !ratings.contains_key(f));
            Ok(open.take(n).map(|(post, face)| Question { post: post.clone(), face }).collect())
        })
    }

    fn question(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Question>>> {
        Box::pin(async move {
            let posts = self.posts.lock().unwrap();
            let post = posts.iter().find(|p| p.faces.iter().any(|f| f.id == face));
            Ok(post.map(|p| Question { post: self.shown(p), face }))
        })
    }

    fn next_to_label(&self, after: Option<PictureId>) -> Answer<'_, anyhow::Result<Option<PictureId>>> {
        Box::pin(async move {
            let labels = self.labels.lock().unwrap();
            let posts = self.posts.lock().unwrap();
            let ids = posts.iter().filter_map(|p| p.picture.as_ref().map(|p| p.id));
            let mut open = ids.filter(|id| !labels.contains_key(id));
            Ok(match after {
                Some(after) => open.skip_while(|id| *id != after).nth(1),
                None => open.next(),
            })
        })
    }

    fn boxes(&self, picture: PictureId) -> Answer<'_, anyhow::Result<Option<BoxesView>>> {
        Box::pin(async move {
            let labels = self.labels.lock().unwrap();
            let posts = self.posts.lock().unwrap();
            let post = posts.iter().find(|p| p.picture.as_ref().is_some_and(|p| p.id == picture));
            Ok(post.map(|post| BoxesView {
                picture: post.picture.clone().unwrap(),
                post: Some(post.clone()),
                has_preview: post.title.as_deref() != Some("swept.png"),
                found: post.faces.iter().map(|f| f.bounds).collect(),
                saved: labels.get(&picture).cloned(),
                counts: LabelCounts { labelled: labels.len() as u32, waiting: (posts.len() - labels.len()) as u32 },
            }))
        })
    }

    fn save_boxes(&self, picture: PictureId, labels: BoxLabels) -> Answer<'_, anyhow::Result<bool>> {
        Box::pin(async move {
            self.labels.lock().unwrap().insert(picture, labels);
            Ok(true)
        })
    }

    fn standing(&self) -> Answer<'_, anyhow::Result<Standing>> {
        let calibration = self.calibration();
        Box::pin(async move { Ok(Standing { calibration, version: Some(TasteId(i64::from(calibration.ratings()))) }) })
    }

    fn taste(&self) -> Answer<'_, anyhow::Result<TasteView>> {
        Box::pin(async move {
            let posts = self.posts.lock().unwrap();
            let mut found: Vec<_> = posts
                .iter()
                .flat_map(|p| p.faces.iter().map(move |f| (p, f)))
                .filter(|(_, f)| f.score.is_some())
                .map(|(p, f)| FaceInPost {
                    post: p.id,
                    over_age_gate: p.picture.as_ref().is_some_and(|p| p.over_age_gate),
                    face: f.clone(),
                })
                .collect();
            let mean = |f: &FaceInPost| f.face.score.map_or(0.0, |s| s.mean());
            found.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
            let mut histogram = [0; 16];
            for face in &found {
                histogram[(((mean(face) - 1.0) * 4.0) as usize).min(15)] += 1;
            }
            let known = self.calibration().is_calibrated();
            Ok(TasteView {
                calibration: self.calibration(),
                ups: 3,
                downs: 1,
                stars: [1, 0, 2, 4, 3],
                version: known.then_some(TasteId(7)),
                held_out: known.then_some((0.62, 24)),
                not_promoted: known.then_some(NotPromoted { refused: 0.51, in_use: 0.62, ratings: 12 }),
                histogram,
                by_rating: (1..=5u8)
                    .rev()
                    .filter(|_| known)
                    .map(|stars| {
                        let mut bins = [0; 16];
                        bins[usize::from(stars) * 3 - 1] = u32::from(stars);
                        bins[usize::from(stars) * 3 - 2] = 2;
                        let judgement = Judgement::Stars(stars.try_into().unwrap());
                        ScoresByRating { judgement, bins, mean: f32::from(stars) * 0.75 + 0.9 }
                    })
                    .collect(),
                best: found.iter().take(6).cloned().collect(),
                worst: found.iter().rev().take(6).cloned().collect(),
            })
        })
    }

    fn remove(&self, post: PostId) -> Answer<'_, anyhow::Result<bool>> {
        Box::pin(async move {
            let mut posts = self.posts.lock().unwrap();
            let before = posts.len();
            posts.retain(|p| p.id != post);
            Ok(posts.len() < before)
        })
    }

    fn picture(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Media>>> {
        Box::pin(async move { Ok(self.pictures.lock().unwrap().get(&id).cloned()) })
    }

    fn thumbnail(&self, id: PictureId) -> Answer<'_, anyhow::Result<Option<Bytes>>> {
        Box::pin(async move { Ok(self.pictures.lock().unwrap().get(&id).map(|m| m.bytes.clone())) })
    }

    fn crop(&self, face: FaceId) -> Answer<'_, anyhow::Result<Option<Bytes>>> {
        Box::pin(async move { Ok(self.crops.lock().unwrap().get(&face).cloned()) })
    }

    fn health(&self) -> Answer<'_, HealthView> {
        Box::pin(async move {
            HealthView {
                ok: !self.broken,
                version: "0.1.0".into(),
                provider: "cpu".into(),
                models: vec![ModelView { name: "face".into(), version: "v0".into() }],
                database_ok: !self.broken,
                queue_depth: 0,
                queue_capacity: 64,
                notes: vec![],
            }
        })
    }

    fn metrics(&self) -> String {
        "# TYPE mekiki_posts gauge\nmekiki_posts 1\n".to_owned()
    }
}

pub(super) fn pending(id: i64) -> PostView {
    PostView {
        id: PostId(id),
        source: PostSource::Upload,
        state: PostState::Claimed,
        error: None,
        error_code: None,
        title: Some(format!("drawing-{id}.png")),
        author: Author::default(),
        link: None,
        posted_at: datetime!(2026-11-24 12:00 UTC),
        picture: None,
        faces: vec![],
        verdict: None,
        picked_at: None,
        picked_score: None,
    }
}

pub(super) fn face(id: i64, mean: f32, calibration: Calibration) -> FaceView {
    FaceView {
        id: FaceId(id),
        bounds: PictureBox::new(100.0, 50.0, 200.0, 150.0),
        confidence: Confidence(0.97),
        score: Some(Score::new(mean, 0.4, calibration)),
        rating: None,
        has_crop: true,
    }
}

/// A picked post with one face; the face's id is ten times the post's.
pub(super) fn picked(id: i64) -> PostView {
    PostView {
        state: PostState::Published,
        author: Author { name: Some("Sora & <Aoi>".into()), link: Some("https://example.org/sora?a=1&b=2".into()) },
        link: Some("https://example.org/work".into()),
        picture: Some(PictureView {
            id: PictureId([id as u8; 32]),
            size: Size::new(800, 600),
            restricted_probability: 0.02,
            over_age_gate: false,
        }),
        faces: vec![face(id * 10, 4.44, Calibration::Calibrated { ratings: 12 })],
        verdict: Some(Verdict::Repost),
        picked_at: Some(datetime!(2026-11-24 12:30 UTC) + time::Duration::minutes(id)),
        picked_score: Some(4.44),
        ..pending(id)
    }
}

/// An answer of the page.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A page to send requests to.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) fixture: Arc<Fixture>,
    service: axum::Router,
}

impl Site {
    pub(super) fn new(fixture: Fixture) -> Self {
        Self::with(fixture, WebSettings::default())
    }

    pub(super) fn with(fixture: Fixture, settings: WebSettings) -> Self {
        let fixture = Arc::new(fixture);
        Self { service: router(fixture.clone(), settings), fixture }
    }

    /// As a browser on this very page would send it, unless `headers` say otherwise; an empty value leaves one out.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut all = HeaderMap::new();
        let usual = [("host", "localhost:8080"), ("sec-fetch-site", "same-origin")];
        for (name, value) in usual.iter().chain(headers) {
            all.insert(header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in all.iter().filter(|(_, v)| !v.is_empty()) {
            request = request.header(name, value);
        }
        let answer = self.service.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        Reply { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    pub(super) async fn get_in(&self, lang: &str, path: &str) -> Reply {
        self.send(Method::GET, path, &[("accept-language", lang)], Body::empty()).await
    }

    pub(super) async fn post_form(&self, path: &str, form: &str) -> Reply {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let referer = ("referer", "http://localhost:8080/?filter=all");
        self.send(Method::POST, path, &[kind, referer], form.to_owned()).await
    }
}
