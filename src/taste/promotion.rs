//! Whether a new fit may replace the taste in use.
//!
//! Both are refitted without ratings that then judge them, so neither is asked what it has been told. The newest fifth
//! of the ratings (ten at least, near-duplicates together) is the jury. It is split in two: while one half is held
//! out, the other may be learnt from, so that what has come since the last fit is both tried and learnt. The taste in
//! use learns from what it had when it was fitted, the new one from everything; each ranks the whole jury, and the new
//! one is promoted unless it ranks it worse.
//!
//! "Worse" means by more than [`MARGIN`]. Measured on streams of 160 ratings of the simulated rater, a fit after each:
//! without a margin 49 % of the fits are refused by chance and the taste in use is 6.5 ratings old on average; with it
//! 22 % and 1.1. With ratings drawn by lot from the 80th on it keeps a rank agreement of .633 (.636 without a margin)
//! where promoting all would end at .613. When the newest ratings are nothing but noise, nobody ranks them well, and no
//! jury of them can tell: this guards best where noise came first and honest ratings after it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::evaluate::spearman;
use super::posterior::Design;
use super::{Example, FitError, Known, Taste, check, in_order, observation};
use crate::domain::CALIBRATED_AT;

/// The jury is this part of all ratings …
const JURY_SHARE: usize = 5;
/// … but no fewer ratings than this, or ranks would be dice.
const JURY_AT_LEAST: usize = 10;
/// Rank agreement by which a fit must be worse to be refused: less comes from single neighbours changing places.
const MARGIN: f32 = 0.02;

/// Rank agreement with the newest ratings, none of which had been learnt from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Spearman's rank correlation, −1–1; 0 if all were scored the same.
    pub spearman: f32,
    pub ratings: u32,
}

/// What became of a new fit. `Display` says it in plain words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Promotion {
    /// The new taste takes over. `held_out` is how it ranked the newest ratings, if there were enough to judge by.
    Promoted { held_out: Option<HeldOut> },
    /// The one in use stays: the new one ranks the newest ratings worse.
    Kept { current: HeldOut, challenger: HeldOut },
}

impl fmt::Display for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promoted { held_out: None } => f.write_str("promoted: too few ratings to judge it by"),
            Self::Promoted { held_out: Some(HeldOut { spearman, ratings }) } => {
                write!(f, "promoted: rank agreement {spearman:.2} with the newest {ratings} ratings, held out")
            }
            Self::Kept { current, challenger } => write!(
                f,
                "not promoted: rank agreement {:.3} with the newest {} ratings, held out, where the taste in use has {:.3}",
                challenger.spearman, challenger.ratings, current.spearman
            ),
        }
    }
}

/// Fits a new taste on all `examples` (the scope's standing ratings) and judges it against the one in use.
///
/// Promoted without judgement: the first taste, one that follows an uncalibrated one, and one with too few ratings to
/// form a jury and still learn from as many as calibration asks for.
pub fn challenge(current: Option<&Taste>, examples: &[Example]) -> Result<(Taste, Promotion), FitError> {
    challenge_upon(current, examples, None)
}

/// As [`challenge`], for a taste that stands upon another: see [`Taste::fit_upon`].
pub fn challenge_upon(
    current: Option<&Taste>,
    examples: &[Example],
    prior: Option<&Arc<Taste>>,
) -> Result<(Taste, Promotion), FitError> {
    check(examples)?;
    let known = Known::new(in_order(examples.iter()), prior);
    // Kernel, signal and noise are chosen once, from everything, and both sides are tried with them: what is compared is
    // what the ratings since the last fit teach, and a fit of half a dozen numbers costs more than one of the weights.
    let design = known.design(known.hyperparameters());
    let challenger = known.taste(&design, prior);
    let jury = Jury::call(&known.examples);
    let agreement = |may_learn: &dyn Fn(&Example) -> bool| jury.as_ref()?.agreement(&known, &design, prior, may_learn);
    let everything = agreement(&|_| true);
    let promotion = match (current, everything) {
        (Some(current), Some(challenger)) if current.calibration().is_calibrated() => {
            match agreement(&|e| e.at <= current.newest_rating()) {
                Some(current) if current.spearman - challenger.spearman > MARGIN => {
                    Promotion::Kept { current, challenger }
                }
                _ => Promotion::Promoted { held_out: Some(challenger) },
            }
        }
        (_, held_out) => Promotion::Promoted { held_out },
    };
    Ok((challenger, promotion))
}

/// The newest ratings in two halves, and the rest, as places in the examples.
struct Jury {
    rest: Vec<usize>,
    halves: [Vec<usize>; 2],
}

impl Jury {
    /// `None` if what would be left to learn from is too little.
    fn call(examples: &[&Example]) -> Option<Self> {
        let size = (examples.len() / JURY_SHARE).max(JURY_AT_LEAST);
        let mut jury = Self { rest: Vec::new(), halves: [Vec::new(), Vec::new()] };
        // A group is called whole, when its newest rating is met; groups take turns between the halves.
        let mut half_of: HashMap<u64, usize> = HashMap::new();
        let (mut called, mut members) = (0, HashMap::<u64, usize>::new());
        for example in examples {
            *members.entry(example.group).or_default() += 1;
        }
        for example in examples.iter().rev() {
            if called >= size {
                break;
            }
            let turn = half_of.len() % 2;
            half_of.entry(example.group).or_insert_with(|| {
                called += members[&example.group];
                turn
            });
        }
        for (index, example) in examples.iter().enumerate() {
            match half_of.get(&example.group) {
                Some(&half) => jury.halves[half].push(index),
                None => jury.rest.push(index),
            }
        }
        (jury.rest.len() >= CALIBRATED_AT as usize).then_some(jury)
    }

    /// How well a taste that learns from the examples it `may_learn` from ranks the jury. `None` where that cannot be
    /// said: the jury judges all alike, or nothing is left to learn from.
    fn agreement(
        &self,
        known: &Known,
        design: &Design,
        prior: Option<&Arc<Taste>>,
        may_learn: &dyn Fn(&Example) -> bool,
    ) -> Option<HeldOut> {
        let expected = prior.map(|p| p.predict(&known.faces));
        let (mut scores, mut ratings) = (Vec::new(), Vec::new());
        for (held_out, other) in [(0, 1), (1, 0)] {
            let rows = self.rest.iter().chain(&self.halves[other]).copied();
            let rows: Vec<usize> = rows.filter(|&i| may_learn(known.examples[i])).collect();
            if rows.is_empty() {
                return None;
            }
            let means = design.means(known.said(), &rows);
            let before = |i: usize| expected.as_ref().map_or(0.0, |e| e[i].0);
            scores.extend(self.halves[held_out].iter().map(|&i| (means[i] + before(i)) as f32));
            let said = self.halves[held_out].iter().map(|&i| observation::rank_value(known.examples[i].judgement));
            ratings.extend(said);
        }
        // With all ratings alike there is no order; with all scores alike there is one, and it was missed.
        spearman(&ratings, &ratings)?;
        let spearman = spearman(&scores, &ratings).unwrap_or(0.0);
        Some(HeldOut { spearman, ratings: u32::try_from(ratings.len()).unwrap_or(u32::MAX) })
    }
}
