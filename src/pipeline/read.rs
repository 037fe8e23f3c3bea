//! What the outlets show, scored for one scope and one viewer.

use super::intake::blocking;
use super::learn::LearnError;
use super::views::{
    FaceInPost, FaceView, GalleryFilter, NotPromoted, PickView, PictureView, PostView, ScoresByRating, TasteView,
};
use super::{CurrentTaste, Pipeline};
use crate::domain::{CALIBRATED_AT, FaceId, Judgement, PictureId, PostId, Rater, Scope, Stars};
use crate::store::{BlobKind, FaceRow, PostFilter, PostRow, StoreError};
use crate::taste::scores_left_out;

/// Faces that the taste page counts.
const FACES_COUNTED: u32 = 3_000;
/// Best and worst faces that it shows.
const EXTREMES: usize = 12;

impl From<GalleryFilter> for PostFilter {
    fn from(filter: GalleryFilter) -> Self {
        match filter {
            GalleryFilter::All => Self::All,
            GalleryFilter::Picked => Self::Picked,
            GalleryFilter::Skipped => Self::Skipped,
            GalleryFilter::Failed => Self::Failed,
        }
    }
}

impl Pipeline {
    pub async fn post_view(&self, scope: Scope, viewer: &Rater, id: PostId) -> Result<Option<PostView>, StoreError> {
        match self.store().post(id).await? {
            Some(row) => Ok(Some(self.view(scope, viewer, row).await?)),
            None => Ok(None),
        }
    }

    /// Posts newest first, those below `before`.
    pub async fn gallery(
        &self,
        scope: Scope,
        viewer: &Rater,
        filter: GalleryFilter,
        before: Option<PostId>,
        limit: u32,
    ) -> Result<Vec<PostView>, StoreError> {
        let mut views = Vec::new();
        for row in self.store().posts(filter.into(), before, limit).await? {
            views.push(self.view(scope, viewer, row).await?);
        }
        Ok(views)
    }

    /// Published picks newest first, those after the pick of `before`.
    pub async fn pick_views(
        &self,
        scope: Scope,
        viewer: &Rater,
        before: Option<PostId>,
        limit: u32,
    ) -> Result<Vec<PickView>, StoreError> {
        let mut views = Vec::new();
        for pick in self.store().picks(scope, before, limit).await? {
            if let Some(post) = self.post_view(scope, viewer, pick.post).await? {
                views.push(PickView { post, picked_at: pick.picked_at, score: pick.score });
            }
        }
        Ok(views)
    }

    pub async fn taste_view(&self, scope: Scope, viewer: &Rater) -> Result<TasteView, StoreError> {
        let store = self.store();
        let counts = store.rating_counts(scope).await?;
        let (current, newest) = (store.current_taste(scope).await?, store.newest_taste(scope).await?);
        let mut histogram = [0u32; 16];
        let mut scored = Vec::new();
        if let Some(taste) = self.taste(scope) {
            for (post, row) in store.newest_faces(FACES_COUNTED).await? {
                let mean = taste.taste.score(&row.face.features).mean();
                histogram[(((mean - 1.0) * 4.0) as usize).min(15)] += 1;
                scored.push((mean, post, row));
            }
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let worst_from = scored.len().saturating_sub(EXTREMES).max(EXTREMES.min(scored.len()));
        let worst = self.faces_in_posts(scope, viewer, scored[worst_from..].iter().rev()).await?;
        let best = self.faces_in_posts(scope, viewer, scored.iter().take(EXTREMES)).await?;
        Ok(TasteView {
            calibration: self.calibration(scope).await?,
            ups: counts.ups,
            downs: counts.downs,
            stars: counts.stars,
            version: current.as_ref().map(|t| t.id),
            held_out: current.and_then(|t| t.fit.held_out),
            not_promoted: newest.and_then(|t| {
                let ((refused, ratings), in_use) =
                    t.fit.held_out.zip(t.fit.incumbent_spearman).filter(|_| !t.fit.promoted)?;
                Some(NotPromoted { refused, in_use, ratings })
            }),
            histogram,
            by_rating: self.scores_by_rating(scope).await?,
            best,
            worst,
        })
    }

    /// For each rating that was given, how the faces rated so would score had they not been rated.
    async fn scores_by_rating(&self, scope: Scope) -> Result<Vec<ScoresByRating>, StoreError> {
        let examples = self.examples(scope).await?;
        if examples.len() < CALIBRATED_AT as usize {
            return Ok(Vec::new());
        }
        let prior = match self.upon(scope).await {
            Ok(upon) => upon.map(|u| u.taste),
            Err(LearnError::Store(error)) => return Err(error),
            Err(LearnError::Fit(_)) => None,
        };
        let rated: Vec<(Judgement, f32)> = blocking(move || match scores_left_out(&examples, prior.as_ref()) {
            Ok(scores) => examples.iter().map(|e| e.judgement).zip(scores).collect(),
            // It has been said where the fit failed for the same reason.
            Err(_) => Vec::new(),
        })
        .await;
        Ok(by_rating(&rated))
    }

    async fn faces_in_posts<'a>(
        &self,
        scope: Scope,
        viewer: &Rater,
        faces: impl Iterator<Item = &'a (f32, PostId, FaceRow)>,
    ) -> Result<Vec<FaceInPost>, StoreError> {
        let taste = self.taste(scope);
        let mut views = Vec::new();
        for (_, post, face) in faces {
            let ratings = self.store().own_ratings(scope, viewer, face.picture).await?;
            let mut view = self.face_view(taste.as_deref(), face);
            view.rating = ratings.get(&face.id).copied();
            let over_age_gate = self.is_restricted(*post, face.picture).await?;
            views.push(FaceInPost { post: *post, over_age_gate, face: view });
        }
        Ok(views)
    }

    /// Marked by the source, or over the age gate by the models.
    async fn is_restricted(&self, post: PostId, picture: PictureId) -> Result<bool, StoreError> {
        let marked = self.store().post(post).await?.is_some_and(|p| p.marked_restricted);
        Ok(marked || self.store().picture(picture).await?.is_some_and(|p| p.safety.is_restricted()))
    }

    async fn view(&self, scope: Scope, viewer: &Rater, row: PostRow) -> Result<PostView, StoreError> {
        let store = self.store();
        let picture = match row.picture {
            Some(id) => store.picture(id).await?,
            None => None,
        };
        let mut faces = Vec::new();
        if let Some(picture) = &picture {
            let taste = self.taste(scope);
            let ratings = store.own_ratings(scope, viewer, picture.id).await?;
            for face in store.faces(picture.id).await? {
                let mut view = self.face_view(taste.as_deref(), &face);
                view.rating = ratings.get(&face.id).copied();
                faces.push(view);
            }
            // Best first; without a taste the surest stay first.
            faces.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        }
        let pick = store.pick(scope, row.id).await?;
        Ok(PostView {
            id: row.id,
            source: row.source,
            state: row.state,
            // A step that is tried again has an error too, but nothing failed yet.
            error: row.error.filter(|_| row.state == crate::domain::PostState::Failed),
            error_code: row.error_code,
            title: row.title,
            author: row.author,
            link: row.link,
            posted_at: row.posted_at,
            picture: picture.map(|p| PictureView {
                id: p.id,
                size: p.size,
                restricted_probability: p.safety.restricted_probability(),
                over_age_gate: p.safety.is_restricted(),
            }),
            faces,
            verdict: store.verdict(scope, row.id).await?.map(|(verdict, _)| verdict),
            picked_at: pick.map(|p| p.picked_at),
            picked_score: pick.map(|p| p.score),
        })
    }

    fn face_view(&self, taste: Option<&CurrentTaste>, row: &FaceRow) -> FaceView {
        FaceView {
            id: row.id,
            bounds: row.face.bounds,
            confidence: row.face.confidence,
            score: taste.map(|t| t.taste.score(&row.face.features)),
            rating: None,
            has_crop: self.blobs().has(BlobKind::Crop, row.crop),
        }
    }

    /// JPEG of the oriented picture, long side at most 1280; `None` when it is no longer kept.
    pub async fn preview(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        match self.store().picture(id).await? {
            Some(picture) => self.blobs().get(BlobKind::Crop, picture.preview),
            None => Ok(None),
        }
    }

    /// JPEG of the face's crop, 224×224; `None` when it is no longer kept.
    pub async fn crop(&self, id: FaceId) -> Result<Option<Vec<u8>>, StoreError> {
        match self.store().face(id).await? {
            Some(face) => self.blobs().get(BlobKind::Crop, face.crop),
            None => Ok(None),
        }
    }

    /// Forgets a post with its pick; its picture too, if no other post shows it. False when there is no such post.
    pub async fn remove(&self, id: PostId) -> Result<bool, StoreError> {
        let Some(orphans) = self.store().remove_post(id).await? else { return Ok(false) };
        for blob in orphans {
            self.blobs().remove(BlobKind::Crop, blob)?;
        }
        // Its ratings went with it, and what Discord was told of it.
        self.ratings.anywhere();
        self.post_ended();
        Ok(true)
    }
}

/// All stars from five down; thumbs where there are some.
fn by_rating(rated: &[(Judgement, f32)]) -> Vec<ScoresByRating> {
    let stars = (1..=5u8).rev().filter_map(|n| Stars::try_from(n).ok()).map(Judgement::Stars);
    let row = |judgement: Judgement| {
        let scores: Vec<f32> = rated.iter().filter(|r| r.0 == judgement).map(|r| r.1).collect();
        let mut bins = [0; 16];
        for score in &scores {
            bins[(((score - 1.0) * 4.0).max(0.0) as usize).min(15)] += 1;
        }
        let mean = if scores.is_empty() { 3.0 } else { scores.iter().sum::<f32>() / scores.len() as f32 };
        ScoresByRating { judgement, bins, mean }
    };
    let thumbs = [Judgement::Up, Judgement::Down].into_iter().filter(|j| rated.iter().any(|r| r.0 == *j));
    if rated.is_empty() { Vec::new() } else { stars.chain(thumbs).map(row).collect() }
}

fn mean(face: &FaceView) -> f32 {
    face.score.map_or(0.0, |s| s.mean())
}
