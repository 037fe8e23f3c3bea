//! Why a face scores as it does: what is liked and disliked that looks most like it.

use super::{Pipeline, intake::blocking};
use crate::domain::{FaceId, Features, Judgement, PictureId, Rater, Scope, Score};
use crate::store::{FaceReport, RatedFace, StoreError};

/// A rated face that looks like another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    pub face: FaceId,
    pub judgement: Judgement,
    /// Cosine of the standardised embeddings, −1–1.
    pub likeness: f32,
    /// By the taste in use.
    pub score: Option<Score>,
}

/// What a face's score rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    pub face: FaceId,
    /// `None` while the scope has no taste.
    pub score: Option<Score>,
    /// Most alike first; a few, for some may be in channels that not everybody sees.
    pub liked: Vec<Alike>,
    pub disliked: Vec<Alike>,
}

impl Pipeline {
    /// Nearest liked and disliked faces among what the scope's taste learns from, of other pictures; of restricted ones
    /// only where those may be shown. `None` when there is no such face.
    pub async fn why(&self, scope: Scope, face: FaceId, restricted: bool) -> Result<Option<Why>, StoreError> {
        let store = self.store();
        let Some(row) = store.face(face).await? else { return Ok(None) };
        let mut rated = store.rated_faces(scope, &self.parts.learn_from).await?;
        if !restricted {
            let hidden = store.restricted_pictures().await?;
            rated.retain(|r| !hidden.contains(&r.picture));
        }
        let taste = self.taste(scope);
        let score = taste.as_ref().map(|t| t.taste.score(&row.face.features));
        let (liked, disliked) = blocking(move || {
            let (liked, disliked) = nearest(&row.face.features, row.picture, &rated);
            let alike = |(i, likeness): (usize, f32)| Alike {
                face: rated[i].face,
                judgement: rated[i].judgement,
                likeness,
                score: taste.as_ref().map(|t| t.taste.score(&rated[i].features)),
            };
            (liked.into_iter().map(alike).collect(), disliked.into_iter().map(alike).collect())
        })
        .await;
        Ok(Some(Why { face, score, liked, disliked }))
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

/// Whether the judgement says liked (true), disliked (false), or neither.
fn is_liked(judgement: Judgement) -> Option<bool> {
    match judgement {
        Judgement::Up => Some(true),
        Judgement::Down => Some(false),
        Judgement::Stars(stars) => match stars.get() {
            4.. => Some(true),
            3 => None,
            _ => Some(false),
        },
    }
}

/// Places with their cosine, most alike first.
type Nearest = Vec<(usize, f32)>;

/// Faces of each kind that are thought of.
const NEAREST: usize = 8;

/// The liked and the disliked faces most like the target; none of the target's own picture.
fn nearest(target: &Features, own: PictureId, rated: &[RatedFace]) -> (Nearest, Nearest) {
    let standard = Standard::of(rated.iter().map(|r| r.features.embedding.as_slice()), target.embedding.len());
    let target = standard.apply(&target.embedding);
    let (mut liked, mut disliked) = (Nearest::new(), Nearest::new());
    for (i, other) in rated.iter().enumerate() {
        let Some(is_liked) = is_liked(other.judgement) else { continue };
        if other.picture == own || other.features.embedding.len() != target.len() {
            continue;
        }
        let likeness = cosine(&target, &standard.apply(&other.features.embedding));
        if is_liked { &mut liked } else { &mut disliked }.push((i, likeness));
    }
    for found in [&mut liked, &mut disliked] {
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(NEAREST);
    }
    (liked, disliked)
}

/// Makes the dimensions of an embedding comparable: square roots (its outputs are long-tailed), less the mean, over the
/// deviation.
pub(super) struct Standard {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Standard {
    pub(super) fn of<'a>(embeddings: impl Iterator<Item = &'a [f32]> + Clone, dims: usize) -> Self {
        let embeddings = embeddings.filter(|e| e.len() == dims);
        let count = embeddings.clone().count().max(1) as f32;
        let mut mean = vec![0.0; dims];
        for embedding in embeddings.clone() {
            for (m, x) in mean.iter_mut().zip(embedding) {
                *m += root(*x) / count;
            }
        }
        let mut variance = vec![0.0f32; dims];
        for embedding in embeddings {
            for ((v, m), x) in variance.iter_mut().zip(&mean).zip(embedding) {
                *v += (root(*x) - m).powi(2) / count;
            }
        }
        // With few faces a dimension may not vary by chance: the mean variance keeps it from drowning the rest.
        let floor = variance.iter().sum::<f32>() / dims.max(1) as f32 + f32::MIN_POSITIVE;
        let factor = variance.iter().map(|v| (v + floor).sqrt().recip()).collect();
        Self { mean, factor }
    }

    pub(super) fn apply(&self, embedding: &[f32]) -> Vec<f32> {
        embedding.iter().zip(&self.mean).zip(&self.factor).map(|((x, m), f)| (root(*x) - m) * f).collect()
    }
}

fn root(x: f32) -> f32 {
    x.abs().sqrt().copysign(x)
}

/// 0 where one of them has no direction.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::domain::{PerceptualHash, RatingSource};

    fn rated(n: u8, judgement: &str, embedding: [f32; 3]) -> RatedFace {
        RatedFace {
            face: FaceId(n.into()),
            picture: PictureId([n; 32]),
            hash: PerceptualHash(0),
            features: Features { embedding: embedding.to_vec(), colour: Vec::new() },
            rater: Rater::owner(),
            judgement: judgement.parse().expect("a judgement"),
            source: RatingSource::Local,
            at: OffsetDateTime::UNIX_EPOCH,
            score_visible: false,
            by_lot: false,
        }
    }

    #[test]
    fn the_nearest_of_each_side_is_found_and_none_of_the_same_picture() {
        let faces = [
            rated(1, "up", [9.0, 1.0, 0.0]),
            rated(2, "4", [8.0, 0.0, 1.0]),
            rated(3, "3", [9.0, 0.9, 0.1]),
            rated(4, "down", [0.0, 9.0, 1.0]),
            rated(5, "2", [1.0, 1.0, 9.0]),
        ];
        let target = Features { embedding: vec![9.0, 0.9, 0.1], colour: Vec::new() };
        let (liked, disliked) = nearest(&target, PictureId([9; 32]), &faces);
        let places = |found: &Nearest| found.iter().map(|n| n.0).collect::<Vec<_>>();
        assert_eq!((places(&liked), places(&disliked)), (vec![0, 1], vec![3, 4]));
        assert!(liked[0].1 > 0.9 && disliked[0].1 < 0.0, "{liked:?} {disliked:?}");
        let (liked, _) = nearest(&target, PictureId([1; 32]), &faces);
        assert_eq!(places(&liked), [1], "not the same picture");
        assert_eq!(nearest(&target, PictureId([9; 32]), &faces[2..3]), (vec![], vec![]), "a 3 is neither");
        assert_eq!(nearest(&target, PictureId([9; 32]), &[]), (vec![], vec![]));
    }

    #[test]
    fn one_rated_face_has_no_direction_and_does_no_harm() {
        let target = Features { embedding: vec![1.0, 2.0, 3.0], colour: Vec::new() };
        let (liked, _) = nearest(&target, PictureId([9; 32]), &[rated(1, "5", [4.0, 4.0, 4.0])]);
        assert_eq!(liked, [(0, 0.0)]);
        let broken = rated(2, "5", [4.0, 4.0, 4.0]);
        let broken = RatedFace { features: Features { embedding: vec![1.0], colour: Vec::new() }, ..broken };
        assert_eq!(nearest(&target, PictureId([9; 32]), &[broken]), (vec![], vec![]));
    }
}
