//! Features on a common scale, so that one prior fits all weights.
//!
//! Each block becomes shares of its sum, then square roots, as for the Hellinger distance: embeddings are outputs of a
//! rectifier and histograms are shares already, both long-tailed. Embedding dimensions are then standardised one by one; the
//! histogram is centred and scaled as a whole, since dividing rare colours by their small deviation lets them shout
//! (Spearman .59 instead of .62 at 30 ratings). The blocks share the prior's signal 3 : 1. A constant 1 is appended,
//! whose weight is the person's mean.
//!
//! Chosen on the simulated rater by nested cross-validation by group among 54 combinations (root, fourth root, none;
//! standardised, centred, unit length; weight .15–.35), which gave .62/.71/.75 at 30/100/400 ratings. They hardly
//! differ, so a plain one of the good ones was taken. Statistics of all known faces gave no more than those of the
//! rated ones.

use crate::domain::{COLOUR_DIMS, EMBEDDING_DIMS, Features};

/// Length of a scaled face: both blocks and the constant.
pub(super) const DIMS: usize = EMBEDDING_DIMS + COLOUR_DIMS + 1;

/// Share of the signal that the colours carry; flat between .2 and .3.
const COLOUR_SHARE: f64 = 0.25;
/// Mean variance of a feature, after the root, over the 633 rated faces: stands in while there are few ratings, with
/// the weight of [`PRIOR_FACES`].
const EMBEDDING_VARIANCE: f64 = 1.6e-4;
const COLOUR_VARIANCE: f64 = 0.002_64;
const PRIOR_FACES: f64 = 5.0;
/// Part of the mean variance added to each embedding dimension's, so that those that hardly vary don't explode.
const VARIANCE_FLOOR: f64 = 1.0;
/// Deviations beyond which a feature says no more: a freak value cannot drown all others.
const CLIP: f32 = 8.0;

/// Both blocks with their names and the lengths they must have.
pub(super) fn blocks(features: &Features) -> [(&'static str, &[f32], usize); 2] {
    [("embedding", &features.embedding, EMBEDDING_DIMS), ("colour", &features.colour, COLOUR_DIMS)]
}

/// How raw features become a scaled face.
#[derive(Clone, PartialEq)]
pub(super) struct Scaling {
    /// Of the rooted features; both blocks in a row.
    pub(super) mean: Vec<f32>,
    /// 1 / deviation.
    pub(super) factor: Vec<f32>,
}

impl Scaling {
    /// From the faces' features, each of the right length and finite.
    pub(super) fn from_faces<'a>(faces: impl Iterator<Item = &'a Features> + Clone) -> Self {
        let count = faces.clone().count().max(1) as f64;
        let mut mean = vec![0.0; DIMS - 1];
        for face in faces.clone() {
            for (m, x) in mean.iter_mut().zip(rooted(face)) {
                *m += f64::from(x) / count;
            }
        }
        let mut square = vec![0.0; DIMS - 1];
        for face in faces {
            for ((s, m), x) in square.iter_mut().zip(&mean).zip(rooted(face)) {
                *s += (f64::from(x) - m).powi(2);
            }
        }
        let shrunk = |square: &f64, prior| (square + PRIOR_FACES * prior) / (count + PRIOR_FACES);
        let (embedding, colour) = square.split_at(EMBEDDING_DIMS);
        let embedding: Vec<f64> = embedding.iter().map(|s| shrunk(s, EMBEDDING_VARIANCE)).collect();
        let floor = VARIANCE_FLOOR * embedding.iter().sum::<f64>() / EMBEDDING_DIMS as f64;
        let spread: f64 = embedding.iter().map(|v| v / (v + floor)).sum();
        let share = ((1.0 - COLOUR_SHARE) / spread).sqrt();
        let colour: f64 = colour.iter().map(|s| shrunk(s, COLOUR_VARIANCE)).sum();
        let factors = embedding.iter().map(|v| share / (v + floor).sqrt());
        let factors = factors.chain(std::iter::repeat_n((COLOUR_SHARE / colour).sqrt(), COLOUR_DIMS));
        Self { mean: mean.iter().map(|&m| m as f32).collect(), factor: factors.map(|f| f as f32).collect() }
    }

    /// The scaled face, [`DIMS`] long with a 1 at the end; `None` if lengths are wrong. Not a number stays so.
    pub(super) fn apply(&self, features: &Features) -> Option<Vec<f32>> {
        if blocks(features).iter().any(|(_, values, expected)| values.len() != *expected) {
            return None;
        }
        let mut out = vec![0.0; DIMS];
        self.write(features, &mut out);
        Some(out)
    }

    /// As [`Self::apply`], into `out` of length [`DIMS`], for features known to be of the right lengths.
    pub(super) fn write(&self, features: &Features, out: &mut [f32]) {
        let scaled = rooted(features).zip(&self.mean).zip(&self.factor);
        for (index, (out, ((x, mean), factor))) in out.iter_mut().zip(scaled).enumerate() {
            *out = ((x - mean) * factor).clamp(-clip(index), clip(index));
        }
        out[DIMS - 1] = 1.0;
    }
}

/// [`CLIP`] deviations in a scaled dimension's own unit.
fn clip(index: usize) -> f32 {
    let (share, dims) = if index < EMBEDDING_DIMS { (1.0 - COLOUR_SHARE, EMBEDDING_DIMS) } else { (COLOUR_SHARE, 1) };
    CLIP * (share / dims as f64).sqrt() as f32
}

/// Square roots, signs kept, of each feature's share in its block; both blocks in a row.
fn rooted(features: &Features) -> impl Iterator<Item = f32> {
    blocks(features).into_iter().flat_map(|(_, values, _)| {
        let total: f64 = values.iter().map(|x| f64::from(x.abs())).sum();
        let share = if total > 0.0 { total.recip() } else { 0.0 };
        values.iter().map(move |x| (f64::from(x.abs()) * share).sqrt().copysign(f64::from(*x)) as f32)
    })
}
