//! The rating page's questions: which faces to ask for, and what they were asked for.

use std::collections::HashMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Pipeline;
use super::choosing::{Candidate, choose, direction, one_of_each_group};
use super::intake::blocking;
use super::views::Question;
use crate::domain::{FaceId, Rater, Scope};
use crate::store::{Asking, BlobKind, StoreError};

/// Faces that are looked at for one round of questions: the newest that are not rated.
const POOL: u32 = 2_000;

/// How many questions are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskFor {
    pub questions: usize,
    /// Faces that were skipped, or are on the page already.
    pub not: Vec<FaceId>,
    /// Decides the random part.
    pub seed: u64,
}

impl Pipeline {
    /// The faces most worth a rating by this viewer, of each near-duplicate group one picture's; and writes down that they
    /// were asked for and with what chance.
    pub async fn ask_next(&self, scope: Scope, viewer: &Rater, ask: AskFor) -> Result<Vec<Question>, StoreError> {
        let store = self.store();
        let faces = store.open_faces(scope, viewer, POOL).await?;
        let mut before = store.judged_pictures(scope, viewer).await?;
        // What looks like a face that is skipped or on the page is not asked for either.
        let shown = |face: &FaceId| ask.not.contains(face);
        before.extend(faces.iter().filter(|f| shown(&f.row.id)).map(|f| (f.row.picture, f.hash)));
        let posts: HashMap<_, _> = faces.iter().map(|f| (f.row.id, f.post)).collect();
        let (taste, blobs) = (self.taste(scope), self.blobs().clone());
        let choices = blocking(move || {
            let pool = faces
                .into_iter()
                .filter(|f| blobs.has(BlobKind::Crop, f.row.crop))
                .map(|f| Candidate {
                    face: f.row.id,
                    picture: f.row.picture,
                    hash: f.hash,
                    spread: taste.as_ref().map_or(1.0, |t| t.taste.score(&f.row.face.features).spread()),
                    direction: direction(&f.row.face.features.embedding),
                })
                .collect();
            let mut pool = one_of_each_group(pool, &before);
            pool.retain(|c| !ask.not.contains(&c.face));
            choose(&pool, ask.questions, &mut ChaCha8Rng::seed_from_u64(ask.seed))
        })
        .await;
        let asked: Vec<Asking> =
            choices.iter().map(|c| Asking { face: c.face, by_lot: c.by_lot, propensity: c.propensity }).collect();
        store.add_asked(scope, viewer, &asked, self.parts.clock.now()).await?;
        let mut questions = Vec::with_capacity(choices.len());
        for choice in choices {
            if let Some(post) = self.post_view(scope, viewer, posts[&choice.face]).await? {
                questions.push(Question { post, face: choice.face });
            }
        }
        Ok(questions)
    }

    /// The question for one face, whether it was rated or not; `None` when no post shows it.
    pub async fn question(&self, scope: Scope, viewer: &Rater, face: FaceId) -> Result<Option<Question>, StoreError> {
        let Some(post) = self.store().post_of_face(face).await? else { return Ok(None) };
        Ok(self.post_view(scope, viewer, post).await?.map(|post| Question { post, face }))
    }
}
