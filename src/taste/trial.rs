//! A taste on trial: how well it would score faces of groups it never saw, after so many ratings, over many splits.
//!
//! Every figure is a mean over the splits, with an interval from a bootstrap over groups: groups are drawn again with
//! replacement, the same draw in all splits, so that the interval is about other faces and not about other splits.

use std::collections::BTreeMap;
use std::fmt;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::evaluate::{
    EIGHTY_PERCENT, auc, coverage, mean_absolute_error, precision_at_top, quadratic_kappa, spearman,
};
use super::{Example, FitError, Taste, observation};
use crate::domain::Judgement;

/// What is held out in each split, and how often it is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub splits: u64,
    pub held_out_groups: usize,
    pub bootstraps: u64,
}

impl Plan {
    /// Twenty splits, 180 groups held out, or three tenths where there are fewer than 600.
    pub fn for_groups(groups: usize) -> Self {
        Self { splits: 20, held_out_groups: 180.min(groups * 3 / 10), bootstraps: 200 }
    }
}

/// What was learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    Ratings(usize),
    /// Everything that is not held out.
    All,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratings(n) => write!(f, "{n}"),
            Self::All => f.write_str("all"),
        }
    }
}

pub const SIZES: [Size; 6] =
    [Size::Ratings(10), Size::Ratings(30), Size::Ratings(100), Size::Ratings(300), Size::Ratings(400), Size::All];

/// A figure over the splits: mean, and the 95 % interval of the bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// All figures of one size. `None` where no split gave one.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub spearman: Option<Estimate>,
    pub kappa: Option<Estimate>,
    pub mean_absolute_error: Option<Estimate>,
    pub precision_top_5_percent: Option<Estimate>,
    /// Of 80 % intervals.
    pub coverage: Option<Estimate>,
    /// After so many thumbs (≥ 4 as 👍, ≤ 2 as 👎, threes left out), on faces of either kind.
    pub auc: Option<Estimate>,
    /// Of scores within each half star from 1 to 5: how many, their mean, and the mean rating of those faces.
    pub calibration: [(usize, f64, f64); 8],
    /// For each true rating 1–5, how many scores fell into each quarter star from 1 to 5.
    pub histogram: [[usize; 16]; 5],
}

/// One held-out face's prediction.
#[derive(Clone, Copy)]
struct Predicted {
    group: u64,
    mean: f32,
    spread: f32,
    rating: f32,
}

/// Fits on every split at every size that it has ratings for; `done` is called after each fit.
pub fn run(examples: &[Example], plan: Plan, mut done: impl FnMut()) -> Result<BTreeMap<Size, Figures>, FitError> {
    let splits: Vec<_> = (0..plan.splits).map(|seed| split(examples, plan, seed)).collect();
    let mut table = BTreeMap::new();
    for size in SIZES {
        let (mut stars, mut thumbs) = (Vec::new(), Vec::new());
        for (pool, held_out) in &splits {
            if let Some(learnt) = first(pool, size) {
                stars.push(predict(learnt, held_out)?);
            }
            let pool = as_thumbs(pool);
            let held_out: Vec<Example> = held_out.iter().filter(|e| thumb(e).is_some()).cloned().collect();
            if let Some(learnt) = first(&pool, size) {
                thumbs.push(predict(learnt, &held_out)?);
            }
            done();
        }
        if !stars.is_empty() {
            table.insert(size, figures(&stars, &thumbs, plan));
        }
    }
    Ok(table)
}

/// Fits that [`run`] makes at most, for a progress bar.
pub fn steps(plan: Plan) -> u64 {
    plan.splits * SIZES.len() as u64
}

/// What may be learnt from, shuffled, and what is held out.
pub fn split(examples: &[Example], plan: Plan, seed: u64) -> (Vec<Example>, Vec<Example>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut groups: Vec<u64> = examples.iter().map(|e| e.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.shuffle(&mut rng);
    let held_out = &groups[..plan.held_out_groups.min(groups.len())];
    let (held_out, mut pool): (Vec<Example>, Vec<Example>) =
        examples.iter().cloned().partition(|e| held_out.contains(&e.group));
    pool.shuffle(&mut rng);
    (pool, held_out)
}

fn first(pool: &[Example], size: Size) -> Option<&[Example]> {
    match size {
        Size::Ratings(n) => pool.get(..n),
        Size::All => (!pool.is_empty()).then_some(pool),
    }
}

fn thumb(example: &Example) -> Option<Judgement> {
    match observation::rank_value(example.judgement) {
        r if r >= 4.0 => Some(Judgement::Up),
        r if r <= 2.0 => Some(Judgement::Down),
        _ => None,
    }
}

fn as_thumbs(pool: &[Example]) -> Vec<Example> {
    pool.iter().filter_map(|e| Some(Example { judgement: thumb(e)?, ..e.clone() })).collect()
}

fn predict(learnt: &[Example], held_out: &[Example]) -> Result<Vec<Predicted>, FitError> {
    let taste = Taste::fit(learnt)?;
    let predicted = |e: &Example| {
        let score = taste.score(&e.features);
        let rating = observation::rank_value(e.judgement);
        Predicted { group: e.group, mean: score.mean(), spread: score.spread(), rating }
    };
    Ok(held_out.iter().map(predicted).collect())
}

fn figures(stars: &[Vec<Predicted>], thumbs: &[Vec<Predicted>], plan: Plan) -> Figures {
    let means = |p: &[Predicted]| p.iter().map(|p| p.mean).collect::<Vec<f32>>();
    let ratings = |p: &[Predicted]| p.iter().map(|p| p.rating).collect::<Vec<f32>>();
    let of = |splits: &[Vec<Predicted>], figure: &dyn Fn(&[Predicted]) -> Option<f32>| estimate(splits, plan, figure);
    let (mut calibration, mut histogram) = ([(0, 0.0, 0.0); 8], [[0; 16]; 5]);
    for p in stars.iter().flatten() {
        let bin = &mut calibration[(((p.mean - 1.0) * 2.0) as usize).min(7)];
        *bin = (bin.0 + 1, bin.1 + f64::from(p.mean), bin.2 + f64::from(p.rating));
        let row = (p.rating.round() as usize).clamp(1, 5) - 1;
        histogram[row][(((p.mean - 1.0) * 4.0) as usize).min(15)] += 1;
    }
    for (count, mean, rating) in calibration.iter_mut().filter(|bin| bin.0 > 0) {
        *mean /= *count as f64;
        *rating /= *count as f64;
    }
    Figures {
        spearman: of(stars, &|p| spearman(&means(p), &ratings(p))),
        kappa: of(stars, &|p| quadratic_kappa(&means(p), &ratings(p))),
        mean_absolute_error: of(stars, &|p| mean_absolute_error(&means(p), &ratings(p))),
        precision_top_5_percent: of(stars, &|p| precision_at_top(&means(p), &ratings(p), 0.05)),
        coverage: of(stars, &|p| {
            let intervals: Vec<_> = p.iter().map(|p| (p.mean, p.spread)).collect();
            coverage(&intervals, &ratings(p), EIGHTY_PERCENT)
        }),
        auc: of(thumbs, &|p| auc(&means(p), &p.iter().map(|p| p.rating > 3.0).collect::<Vec<_>>())),
        calibration,
        histogram,
    }
}

fn estimate(splits: &[Vec<Predicted>], plan: Plan, figure: &dyn Fn(&[Predicted]) -> Option<f32>) -> Option<Estimate> {
    let over_splits = |of: &dyn Fn(&[Predicted]) -> Option<f32>| {
        let found: Vec<f64> = splits.iter().filter_map(|p| of(p)).map(f64::from).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>() / found.len() as f64)
    };
    let mean = over_splits(figure)?;
    let mut groups: Vec<u64> = splits.iter().flatten().map(|p| p.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut drawn: Vec<f64> = (0..plan.bootstraps)
        .filter_map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut times: BTreeMap<u64, usize> = BTreeMap::new();
            for _ in 0..groups.len() {
                *times.entry(groups[rng.random_range(0..groups.len())]).or_default() += 1;
            }
            let again = |p: &[Predicted]| -> Vec<Predicted> {
                p.iter().flat_map(|p| std::iter::repeat_n(*p, times.get(&p.group).copied().unwrap_or(0))).collect()
            };
            over_splits(&|p| figure(&again(p)))
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn.get(((drawn.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(mean);
    Some(Estimate { mean, low: at(0.025), high: at(0.975) })
}
