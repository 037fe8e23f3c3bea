//! Why a face scores as it does: what is liked and disliked that looks most like it.

use super::{Pipeline, intake::blocking};
use crate::domain::{FaceId, Judgement, Rater, Scope, Score};
use crate::store::{FaceReport, StoreError};
use crate::taste::why::{Neighbour, Rated, why};

/// A rated face that looks like another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    pub face: FaceId,
    pub judgement: Judgement,
    /// As the taste in use sees it, 0–1.
    pub likeness: f32,
}

/// What a face's score rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    pub face: FaceId,
    /// `None` while the scope has no taste.
    pub score: Option<Score>,
    pub made_of: Option<MadeOf>,
    /// Most alike first; a few, for some may be in channels that not everybody sees.
    pub liked: Vec<Alike>,
    pub disliked: Vec<Alike>,
}

/// What a score is made of, in stars: before clamping, all of it added up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadeOf {
    /// What the faces that the taste remembers score on average.
    pub typical: f32,
    /// What the face's own look, its whole picture and its colours add to that or take off it.
    pub face: f32,
    pub picture: f32,
    pub colour: f32,
}

/// Faces of each kind that are thought of.
const NEAREST: usize = 8;

impl Pipeline {
    /// Nearest liked and disliked faces among what the scope's taste learns from, of other pictures; of restricted ones
    /// only where those may be shown. `None` when there is no such face.
    pub async fn why(&self, scope: Scope, face: FaceId, restricted: bool) -> Result<Option<Why>, StoreError> {
        let store = self.store();
        let Some(row) = store.face(face).await? else { return Ok(None) };
        let unknown = Why { face, score: None, made_of: None, liked: Vec::new(), disliked: Vec::new() };
        let Some(taste) = self.taste(scope) else { return Ok(Some(unknown)) };
        let mut rated = store.rated_faces(scope, &self.parts.learn_from).await?;
        rated.retain(|r| r.picture != row.picture);
        if !restricted {
            let hidden = store.restricted_pictures().await?;
            rated.retain(|r| !hidden.contains(&r.picture));
        }
        let (score, why) = blocking(move || {
            let rated: Vec<Rated<FaceId>> =
                rated.iter().map(|r| Rated { key: r.face, features: &r.features, judgement: r.judgement }).collect();
            (taste.taste.score(&row.face.features), why(&taste.taste, &row.face.features, &rated, NEAREST))
        })
        .await;
        // Features of another model have no reasons here.
        let Some(why) = why else { return Ok(Some(Why { score: Some(score), ..unknown })) };
        let blocks = why.blocks;
        let made_of = MadeOf {
            typical: why.typical,
            face: blocks.face as f32,
            picture: blocks.picture as f32,
            colour: blocks.colour as f32,
        };
        let alike = |n: &Neighbour<FaceId>| Alike { face: n.key, judgement: n.judgement, likeness: n.likeness };
        Ok(Some(Why {
            face,
            score: Some(score),
            made_of: Some(made_of),
            liked: why.liked.iter().map(alike).collect(),
            disliked: why.disliked.iter().map(alike).collect(),
        }))
    }

    /// Somebody says that this is no face: it is shown and scored no more. `None` when there is no such face, else whether
    /// the report is new.
    pub async fn report_not_a_face(&self, face: FaceId, rater: &Rater) -> Result<Option<bool>, StoreError> {
        let new = self.store().report_face(face, rater, self.parts.clock.now()).await?;
        if new == Some(true) {
            self.ratings.anywhere();
            self.sends.notify_one();
        }
        Ok(new)
    }

    /// All reported boxes: training material for the detector.
    pub async fn face_reports(&self) -> Result<Vec<FaceReport>, StoreError> {
        self.store().face_reports().await
    }
}
