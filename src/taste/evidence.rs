//! How far likeness reaches, which block says how much, and how much of the ratings' scatter is noise: by marginal
//! likelihood, seen from the ratings alone.

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par, Side};
use serde::{Deserialize, Serialize};

use super::kernel::{Distances, Faces, Shape};
use super::posterior::{MEAN_VARIANCE, spread_out};

/// Variances in stars², and the kernel's shape.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Hyperparameters {
    /// Prior variance of the score over typical faces.
    pub(super) signal: f64,
    /// Variance of a star rating around the score.
    pub(super) noise: f64,
    pub(super) shape: Shape,
}

/// A handful of ratings says little about any of them, so each has a log-normal prior around this.
pub(super) const PRIOR: Hyperparameters =
    Hyperparameters { signal: 1.4, noise: 0.35, shape: Shape { length: 1.0, picture: 0.2, colour: 0.2 } };

/// Down to a taste that sees nothing in the features, up to one that uses the whole scale.
const SIGNALS: [f64; 6] = [0.09, 0.18, 0.35, 0.7, 1.4, 2.8];
/// Up to somewhat more than stars drawn by lot have (2.0).
const NOISES: [f64; 8] = [0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.2];
const LENGTHS: [f64; 4] = [0.5, 0.7, 1.0, 1.4];
const SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];

/// Half a dozen numbers don't need more ratings than this, and a factorisation for each trial does cost.
const ROWS: usize = 144;
/// Each number is tried in turn, the others standing still, this often.
const ROUNDS: usize = 2;

/// What was said of some faces.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// Judgements less what was expected before.
    pub(super) targets: &'a [f64],
    /// Variance of each beyond that of stars.
    pub(super) extra_noise: &'a [f64],
    /// Covariance of `i` and `j` beside likeness: same rater.
    pub(super) raters: &'a [u64],
}

/// The highest posterior density found by turns on the grid, seen from ratings spread evenly over time.
pub(super) fn choose(faces: &Faces, said: Said, offset_variance: f64) -> Hyperparameters {
    let rows = spread_out(faces.len(), ROWS);
    let faces = faces.pick(&rows);
    let distances = Distances::new(&faces, &faces);
    let targets = Mat::from_fn(rows.len(), 1, |i, _| said.targets[rows[i]]);
    let extra: Vec<f64> = rows.iter().map(|&i| said.extra_noise[i]).collect();
    let beside = |i: usize, j: usize| {
        let same = said.raters[rows[i]] == said.raters[rows[j]];
        MEAN_VARIANCE + if same { offset_variance } else { 0.0 }
    };
    let density = |likeness: &Mat<f32>, at: Hyperparameters| {
        let covariance = Mat::from_fn(rows.len(), rows.len(), |i, j| {
            // The factorisation reads the lower triangle.
            if i < j {
                return 0.0;
            }
            let noise = if i == j { at.noise + extra[i] } else { 0.0 };
            at.signal * f64::from(likeness[(i, j)]) + beside(i, j) + noise
        });
        log_evidence(&covariance, &targets) + log_prior(at)
    };
    let (mut at, mut likeness) = (PRIOR, distances.likeness(PRIOR.shape));
    let mut best = density(&likeness, at);
    for _ in 0..ROUNDS {
        let heights = SIGNALS.map(|signal| Hyperparameters { signal, ..at });
        try_all(heights, &mut at, &mut best, |t| density(&likeness, t));
        let noises = NOISES.map(|noise| Hyperparameters { noise, ..at });
        try_all(noises, &mut at, &mut best, |t| density(&likeness, t));
        let lengths = LENGTHS.map(|length| Hyperparameters { shape: Shape { length, ..at.shape }, ..at });
        try_all(lengths, &mut at, &mut best, |t| density(&distances.likeness(t.shape), t));
        let pictures = SHARES.map(|picture| Hyperparameters { shape: Shape { picture, ..at.shape }, ..at });
        try_all(pictures, &mut at, &mut best, |t| density(&distances.likeness(t.shape), t));
        let colours = SHARES.map(|colour| Hyperparameters { shape: Shape { colour, ..at.shape }, ..at });
        try_all(colours, &mut at, &mut best, |t| density(&distances.likeness(t.shape), t));
        likeness = distances.likeness(at.shape);
    }
    at
}

fn try_all(
    trials: impl IntoIterator<Item = Hyperparameters>,
    at: &mut Hyperparameters,
    best: &mut f64,
    density: impl Fn(Hyperparameters) -> f64,
) {
    for trial in trials {
        let found = density(trial);
        if found > *best {
            (*best, *at) = (found, trial);
        }
    }
}

/// Log marginal likelihood of the targets, up to a constant.
fn log_evidence(covariance: &Mat<f64>, targets: &Mat<f64>) -> f64 {
    let Ok(factor) = covariance.llt(Side::Lower) else { return f64::NEG_INFINITY };
    let mut whitened = targets.clone();
    solve_lower_triangular_in_place(factor.L(), whitened.as_mut(), Par::Seq);
    let log_determinant: f64 = (0..targets.nrows()).map(|i| factor.L()[(i, i)].ln()).sum();
    -0.5 * whitened.squared_norm_l2() - log_determinant
}

fn log_prior(at: Hyperparameters) -> f64 {
    let density = |value: f64, centre: f64, deviation: f64| -0.5 * ((value / centre).ln() / deviation).powi(2);
    density(at.signal, PRIOR.signal, 0.7)
        + density(at.noise, PRIOR.noise, 0.7)
        + density(at.shape.length, PRIOR.shape.length, 0.5)
        + density(at.shape.picture, PRIOR.shape.picture, 0.7)
        + density(at.shape.colour, PRIOR.shape.colour, 0.7)
}
