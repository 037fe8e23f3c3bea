//! The store on a real file.

mod asking;
mod database;
mod desk;
mod guild_desk;
mod guilds;
mod messages;
mod posts;
mod privacy;
mod ratings;
mod reactions;
mod sends;
mod spending;
mod timelines;

use std::collections::HashSet;
use std::time::Instant;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::domain::{
    Author, COLOUR_DIMS, Calibration, Candidate, Confidence, DeskRules, EMBEDDING_DIMS, Face, FaceId, Features,
    Judgement, NewPost, Origin, Outlet, PerceptualHash, PictureBox, PictureId, PostId, PostSource, PostState, Rater,
    Rating, RatingSource, Safety, Scope, Score, Size, Skip, Stars, Target, Verdict,
};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&folder.path().join("mekiki.db")).await.expect("opens");
        Self { folder, store }
    }

    async fn reopen(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.folder.path().join("mekiki.db")).await.expect("opens again");
        Self { store, ..self }
    }

    /// A post of a picture, analysed, with one face a confidence.
    async fn analysed(&self, source: PostSource, picture: &AnalysedPicture) -> PostId {
        let post = self.store.claim(&new_post(source, picture.picture.id)).await.expect("claims").post();
        self.store.set_fetched(post, picture.picture.id).await.expect("writes");
        assert!(self.store.set_analysed(post, picture).await.expect("writes"));
        post
    }

    async fn decide(&self, post: PostId, picture: &AnalysedPicture, mean: f32, now: OffsetDateTime) -> Verdict {
        let case = case(post, picture, mean);
        self.store.decide_posts(&[case], &RULES, now).await.expect("decides")[0].expect("the post is there")
    }

    async fn rate(&self, rater: &str, target: Target, judgement: Option<&str>, at: OffsetDateTime) {
        let rating = Rating {
            scope: Scope::Local,
            rater: Rater(rater.into()),
            target,
            judgement: judgement.map(|j| j.parse().expect("a judgement")),
            source: RatingSource::Local,
            at,
            score_visible: false,
        };
        assert!(self.store.add_rating(&rating).await.expect("writes"), "the target is there");
    }

    async fn faces(&self, analysed: &AnalysedPicture) -> Vec<FaceId> {
        self.store.faces(analysed.picture.id).await.expect("reads").iter().map(|f| f.id).collect()
    }

    async fn judgements(&self) -> Vec<String> {
        let rated = self.store.rated_faces(Scope::Local, &RatingSource::ALL).await.expect("reads");
        rated.iter().map(|r| r.judgement.to_string()).collect()
    }
}

const RULES: DeskRules = DeskRules {
    outlet: Some(Outlet::Feed),
    threshold: 4.0,
    top_share: None,
    picks_per_hour: 2,
    repeat_after: Duration::days(90),
    age_gate: true,
    outlet_restricted: false,
    exploration: 0.0,
};

fn new_post(source: PostSource, picture: PictureId) -> NewPost {
    NewPost {
        source,
        external_id: picture.to_string(),
        origin: Origin::Spool { picture },
        title: None,
        author: Author::default(),
        link: None,
        posted_at: NOW,
        marked_restricted: false,
        scope: Scope::Local,
        place: None,
    }
}

fn features(value: f32) -> Features {
    Features { embedding: vec![value; EMBEDDING_DIMS], colour: vec![1.0 / COLOUR_DIMS as f32; COLOUR_DIMS] }
}

/// A picture whose crops nobody shares, with a face for each confidence.
fn picture(n: u8, hash: u64, faces: &[f32]) -> AnalysedPicture {
    let picture = Picture {
        id: PictureId([n; 32]),
        size: Size::new(100, 80),
        format: "png".into(),
        hash: PerceptualHash(hash),
        safety: Safety { drawing: 1.0, explicit_drawing: 0.0, neutral: 0.0, explicit_photo: 0.0, suggestive: 0.0 },
        features: features(0.5),
        preview: BlobId::of(&[n, 0]),
        models: "face-v2+embed-v2".into(),
        analysed_at: NOW,
    };
    let bounds = PictureBox::new(1.0, 2.0, 30.0, 40.0);
    let face = |confidence| Face { bounds, confidence: Confidence(confidence), features: features(confidence) };
    let faces = (1..).zip(faces).map(|(i, &c)| CroppedFace { face: face(c), crop: BlobId::of(&[n, i]) }).collect();
    AnalysedPicture { picture, faces }
}

fn case(post: PostId, analysed: &AnalysedPicture, mean: f32) -> Case {
    Case {
        scope: Scope::Local,
        post,
        candidate: Candidate {
            picture: analysed.picture.id,
            best: Some(Score::new(mean, 0.2, Calibration::from_ratings(20))),
            marked_restricted: false,
            restricted_probability: 0.0,
            over_age_gate: false,
            asked: false,
        },
        hash: analysed.picture.hash,
        taste: None,
    }
}

fn taste(ratings: u32, promoted: bool) -> FittedTaste {
    FittedTaste {
        scope: Scope::Local,
        fitted_at: NOW,
        ratings,
        seen: 0,
        model: vec![1, 2, 3],
        held_out: None,
        incumbent_spearman: (!promoted).then_some(0.5),
        promoted,
        upon: None,
    }
}
