//! Taste: ratings and features in, a score with a spread out.
//!
//! The learner is a Gaussian process on frozen features. How alike two faces are is said by the [`kernel`]; a judgement is
//! read as an observation on the scale 1–5 with a noise of its own ([`observation`]); the kernel's shape, signal and noise
//! are chosen by marginal likelihood ([`evidence`]); the posterior is kept as weights of the likeness to some rated faces,
//! and a low-rank matrix for the spread ([`posterior`]). [`challenge`] decides whether a new fit may replace the one in use.
//! What to ask next is in [`ask`], why a face scores as it does in [`why`], how good scores are in [`evaluate`].
//!
//! A taste can stand upon another: a person's upon their guild's. Then only what differs is learnt, and where nothing was
//! rated the score is the other's.
//!
//! A fit has no clock and no randomness, and does not depend on the order of its examples.

pub mod ask;
mod codec;
pub mod evaluate;
mod evidence;
mod kernel;
mod observation;
mod posterior;
mod promotion;
pub mod trial;
pub mod why;

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

pub use codec::DecodeError;
pub use kernel::Blocks;
pub use promotion::{Duel, HeldOut, Incumbent, Promotion, challenge, challenge_upon};

use crate::domain::{COLOUR_DIMS, Calibration, EMBEDDING_DIMS, Features, Judgement, Score};
use evidence::{Hyperparameters, Said};
use kernel::Faces;
use posterior::{Design, Heard, Posterior};

/// One standing rating and what the taste sees of the judged face or picture.
#[derive(Debug, Clone)]
pub struct Example {
    pub features: Arc<Features>,
    pub judgement: Judgement,
    /// When it was judged. The newest ratings decide whether a new fit is promoted.
    pub at: OffsetDateTime,
    /// Near-duplicates share one: they are never on both sides of a split.
    pub group: u64,
    /// Who judged. Where several did, each may be stricter or kinder than the others without that being taste.
    pub rater: u64,
    /// A lot decided that it was seen, no score: such ratings judge a taste fairly.
    pub by_lot: bool,
}

/// Why nothing could be learnt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    #[error("there are no ratings to learn from: rate a few faces first")]
    NoRatings,
    #[error(
        "rating {index} (counted from 0) has {found} {block} features where {expected} are needed: the face was analysed by another model, analyse it again"
    )]
    WrongLength { index: usize, block: &'static str, expected: usize, found: usize },
    #[error(
        "rating {index} (counted from 0) has a {block} feature that is no number (position {position}): analyse the face again"
    )]
    NotFinite { index: usize, block: &'static str, position: usize },
}

/// A fitted taste: cheap to score with, and small enough to store (about 1.1 MB; 2 KB a rating while there are few).
#[derive(Clone, PartialEq)]
pub struct Taste {
    ratings: u32,
    newest: OffsetDateTime,
    posterior: Posterior,
    /// What was expected before the first rating.
    upon: Option<Arc<Taste>>,
}

impl fmt::Debug for Taste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taste")
            .field("ratings", &self.ratings)
            .field("newest", &self.newest)
            .field("hyperparameters", &self.posterior.at)
            .field("upon", &self.upon)
            .finish_non_exhaustive()
    }
}

impl Taste {
    /// Learns from one rating or more; with few, scores stay near the prior (3, wide) and are called uncalibrated.
    pub fn fit(examples: &[Example]) -> Result<Self, FitError> {
        Self::fit_upon(examples, None)
    }

    /// As [`Self::fit`], but before anything was rated scores are those of `prior`: a guild's for a person of it. It should
    /// not have learnt from these very ratings, or they count twice and the spread comes out too narrow.
    pub fn fit_upon(examples: &[Example], prior: Option<&Arc<Self>>) -> Result<Self, FitError> {
        check(examples)?;
        let known = Known::new(in_order(examples), prior);
        let design = known.design(known.hyperparameters());
        Ok(known.taste(&design, &design.heard(&design.all()), prior))
    }

    /// The mean is the posterior mean, clamped to 1.0–5.0. The spread is the standard deviation of the *person's next
    /// rating* of this face in stars: uncertainty of the taste plus the scatter that it cannot explain. So
    /// mean ± 1.28 spreads should hold 80 % of ratings to come, which is what someone reading "3.9 ± 0.8" expects and
    /// what can be checked; the posterior of the mean alone would shrink to nothing with enough ratings of a
    /// random rater.
    ///
    /// Features of a wrong length or that are no numbers give the middle of the scale with the widest spread.
    pub fn score(&self, features: &Features) -> Score {
        let Some(face) = Faces::one(features) else {
            return Score::new(f32::NAN, f32::NAN, self.calibration());
        };
        let (mean, variance) = self.predict_one(&face);
        let spread = (variance + self.posterior.at.noise).sqrt();
        Score::new((observation::PRIOR_MEAN + mean) as f32, spread as f32, self.calibration())
    }

    /// As [`Self::predict`], of one face.
    fn predict_one(&self, face: &Faces) -> (f64, f64) {
        let (mean, variance) = self.posterior.predict_one(face);
        (mean + self.upon.as_ref().map_or(0.0, |prior| prior.predict_one(face).0), variance)
    }

    /// Mean (less the middle of the scale) and variance of each face's score, without the rating's noise.
    fn predict(&self, faces: &Faces) -> Vec<(f64, f64)> {
        let mut predictions = self.posterior.predict(faces);
        if let Some(prior) = &self.upon {
            for (own, expected) in predictions.iter_mut().zip(prior.predict(faces)) {
                own.0 += expected.0;
            }
        }
        predictions
    }

    /// How many ratings it has learnt from. With few of its own, a taste is as calibrated as the one it stands upon.
    pub fn calibration(&self) -> Calibration {
        let own = Calibration::from_ratings(self.ratings);
        match &self.upon {
            Some(prior) if prior.calibration().is_calibrated() => Calibration::Calibrated { ratings: self.ratings },
            _ => own,
        }
    }

    /// The days in which a rating comes to count half, where this taste drifts.
    pub fn half_life(&self) -> Option<f64> {
        self.posterior.at.half_life
    }

    /// When the newest rating it learnt from was given.
    pub fn newest_rating(&self) -> OffsetDateTime {
        self.newest
    }
}

/// What each of the examples' faces would score, in their order, had neither it nor its near-duplicates been rated. What
/// the scores of rated faces are worth shows in these; those of the taste itself know the answers.
pub fn scores_left_out(examples: &[Example], prior: Option<&Arc<Taste>>) -> Result<Vec<f32>, FitError> {
    check(examples)?;
    let order = order(examples);
    let known = Known::new(order.iter().map(|&i| &examples[i]).collect(), prior);
    let groups: Vec<u64> = known.examples.iter().map(|e| e.group).collect();
    let means = known.design(known.hyperparameters()).means_left_out(&groups);
    let mut scores = vec![0.0; examples.len()];
    for ((&place, mean), before) in order.iter().zip(means).zip(&known.expected) {
        scores[place] = (observation::PRIOR_MEAN + mean + before).clamp(1.0, 5.0) as f32;
    }
    Ok(scores)
}

/// Checked examples in order, as numbers.
struct Known<'a> {
    examples: Vec<&'a Example>,
    faces: Faces,
    /// What was expected of each before, less the middle of the scale.
    expected: Vec<f64>,
    /// Judgements less what was expected before.
    targets: Vec<f64>,
    extra_noise: Vec<f64>,
    raters: Vec<u64>,
    /// Days from each to the newest.
    ages: Vec<f64>,
}

impl<'a> Known<'a> {
    fn new(examples: Vec<&'a Example>, prior: Option<&Arc<Taste>>) -> Self {
        let faces = Faces::new(examples.iter().map(|e| &*e.features));
        let expected: Vec<f64> = match prior {
            Some(prior) => prior.predict(&faces).into_iter().map(|(mean, _)| mean).collect(),
            None => vec![0.0; examples.len()],
        };
        let seen: Vec<_> = examples.iter().map(|e| observation::of(e.judgement)).collect();
        let newest = newest(&examples);
        Self {
            targets: seen
                .iter()
                .zip(&expected)
                .map(|(o, before)| o.target - observation::PRIOR_MEAN - before)
                .collect(),
            extra_noise: seen.iter().map(|o| o.extra_noise).collect(),
            raters: examples.iter().map(|e| e.rater).collect(),
            ages: examples.iter().map(|e| (newest - e.at).as_seconds_f64() / 86_400.0).collect(),
            expected,
            faces,
            examples,
        }
    }

    fn said(&self) -> Said<'_> {
        Said { targets: &self.targets, extra_noise: &self.extra_noise, raters: &self.raters, ages: &self.ages }
    }

    fn several_raters(&self) -> bool {
        self.raters.windows(2).any(|pair| pair[0] != pair[1])
    }

    fn hyperparameters(&self) -> Hyperparameters {
        evidence::choose(&self.faces, self.said(), if self.several_raters() { posterior::OFFSET_VARIANCE } else { 0.0 })
    }

    fn design(&self, at: Hyperparameters) -> Design {
        Design::new(&self.faces, self.said(), at)
    }

    /// `heard` is all of the design's.
    fn taste(&self, design: &Design, heard: &Heard, prior: Option<&Arc<Taste>>) -> Taste {
        Taste {
            ratings: u32::try_from(self.examples.len()).unwrap_or(u32::MAX),
            newest: newest(&self.examples),
            posterior: design.posterior(heard),
            upon: prior.cloned(),
        }
    }
}

/// The examples in an order that depends on what they are, not on how they came: sums of floats depend on order.
fn in_order(examples: &[Example]) -> Vec<&Example> {
    order(examples).into_iter().map(|i| &examples[i]).collect()
}

fn floats(e: &Example) -> impl Iterator<Item = &f32> {
    e.features.embedding.iter().chain(&e.features.colour)
}

/// Places of the examples in that order.
fn order(examples: &[Example]) -> Vec<usize> {
    let bits = |e: &Example| observation::of(e.judgement);
    let mut places: Vec<usize> = (0..examples.len()).collect();
    places.sort_by(|&a, &b| {
        let (a, b) = (&examples[a], &examples[b]);
        (a.at, a.group, a.rater)
            .cmp(&(b.at, b.group, b.rater))
            .then_with(|| bits(a).target.total_cmp(&bits(b).target))
            .then_with(|| bits(a).extra_noise.total_cmp(&bits(b).extra_noise))
            .then_with(|| {
                let differing = floats(a).zip(floats(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
                differing.unwrap_or(std::cmp::Ordering::Equal)
            })
    });
    places
}

fn newest(examples: &[&Example]) -> OffsetDateTime {
    examples.iter().map(|e| e.at).max().unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn check(examples: &[Example]) -> Result<(), FitError> {
    if examples.is_empty() {
        return Err(FitError::NoRatings);
    }
    for (index, example) in examples.iter().enumerate() {
        let Features { embedding, colour } = &*example.features;
        for (block, values, expected) in [("embedding", embedding, EMBEDDING_DIMS), ("colour", colour, COLOUR_DIMS)] {
            if values.len() != expected {
                return Err(FitError::WrongLength { index, block, expected, found: values.len() });
            }
            if let Some(position) = values.iter().position(|v| !v.is_finite()) {
                return Err(FitError::NotFinite { index, block, position });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
