//! Taste: ratings and features in, a score with a spread out.
//!
//! The learner is Bayesian linear regression. A face's features are standardised ([`scaling`]), a judgement is read as
//! an observation on the scale 1–5 with a noise of its own ([`observation`]), signal and noise are chosen by marginal
//! likelihood ([`evidence`]), and the posterior is kept as one weight vector for the mean and a low-rank matrix for the
//! spread ([`posterior`]). [`challenge`] decides whether a new fit may replace the one in use.
//!
//! A fit has no clock and no randomness, and does not depend on the order of its examples.

mod codec;
pub mod evaluate;
mod evidence;
mod observation;
mod posterior;
mod promotion;
mod scaling;

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

pub use codec::DecodeError;
pub use promotion::{HeldOut, Promotion, challenge};

use crate::domain::{Calibration, Features, Judgement, Score};
use evidence::Hyperparameters;
use posterior::Posterior;
use scaling::Scaling;

/// One standing rating and what the taste sees of the judged face or picture.
#[derive(Debug, Clone)]
pub struct Example {
    pub features: Arc<Features>,
    pub judgement: Judgement,
    /// When it was judged. The newest ratings decide whether a new fit is promoted.
    pub at: OffsetDateTime,
    /// Near-duplicates share one: they are never on both sides of a split.
    pub group: u64,
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

/// A fitted taste: cheap to score with, and small enough to store (about 1 MB; below 128 ratings 8 KB each).
#[derive(Clone, PartialEq)]
pub struct Taste {
    ratings: u32,
    newest: OffsetDateTime,
    hyperparameters: Hyperparameters,
    scaling: Scaling,
    posterior: Posterior,
}

impl fmt::Debug for Taste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taste")
            .field("ratings", &self.ratings)
            .field("newest", &self.newest)
            .field("hyperparameters", &self.hyperparameters)
            .finish_non_exhaustive()
    }
}

impl Taste {
    /// Learns from one rating or more; with few, scores stay near the prior (3, wide) and are called uncalibrated.
    pub fn fit(examples: &[Example]) -> Result<Self, FitError> {
        check(examples)?;
        let examples = in_order(examples.iter());
        let scaling = Scaling::from_faces(examples.iter().map(|e| &*e.features));
        let design = posterior::Design::new(&scaling, &examples);
        let hyperparameters = evidence::choose(&design);
        let posterior = posterior::Posterior::fit(&design, hyperparameters);
        Ok(Self {
            ratings: u32::try_from(examples.len()).unwrap_or(u32::MAX),
            newest: newest(&examples),
            hyperparameters,
            scaling,
            posterior,
        })
    }

    /// The mean is the posterior mean, clamped to 1.0–5.0. The spread is the standard deviation of the *person's next
    /// rating* of this face in stars: uncertainty of the taste plus the scatter that a linear taste cannot explain. So
    /// mean ± 1.28 spreads should hold 80 % of ratings to come, which is what someone reading "3.9 ± 0.8" expects and
    /// what can be checked; the posterior of the mean alone would shrink to nothing with enough ratings of a
    /// random rater.
    ///
    /// Features of a wrong length or that are no numbers give the middle of the scale with the widest spread.
    pub fn score(&self, features: &Features) -> Score {
        let Some(face) = self.scaling.apply(features) else {
            return Score::new(f32::NAN, f32::NAN, self.calibration());
        };
        let (mean, variance) = self.posterior.predict(&face);
        let spread = (variance + self.hyperparameters.noise).sqrt();
        Score::new((observation::PRIOR_MEAN + mean) as f32, spread as f32, self.calibration())
    }

    pub fn calibration(&self) -> Calibration {
        Calibration::from_ratings(self.ratings)
    }

    /// When the newest rating it learnt from was given.
    pub fn newest_rating(&self) -> OffsetDateTime {
        self.newest
    }
}

/// The examples in an order that depends on what they are, not on how they came: sums of floats depend on order.
fn in_order<'a>(examples: impl Iterator<Item = &'a Example>) -> Vec<&'a Example> {
    let mut examples: Vec<_> = examples.collect();
    let bits = |e: &Example| observation::of(e.judgement);
    examples.sort_by(|a, b| {
        let floats = |e: &'a Example| e.features.embedding.iter().chain(&e.features.colour);
        (a.at, a.group)
            .cmp(&(b.at, b.group))
            .then_with(|| bits(a).target.total_cmp(&bits(b).target))
            .then_with(|| bits(a).extra_noise.total_cmp(&bits(b).extra_noise))
            .then_with(|| {
                let differing = floats(a).zip(floats(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
                differing.unwrap_or(std::cmp::Ordering::Equal)
            })
    });
    examples
}

fn newest(examples: &[&Example]) -> OffsetDateTime {
    examples.iter().map(|e| e.at).max().unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn check(examples: &[Example]) -> Result<(), FitError> {
    if examples.is_empty() {
        return Err(FitError::NoRatings);
    }
    for (index, example) in examples.iter().enumerate() {
        for (block, values, expected) in scaling::blocks(&example.features) {
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
