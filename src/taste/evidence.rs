//! Signal and noise by marginal likelihood: how much of the ratings' variance the features explain.

use std::cmp::Ordering;

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};
use serde::{Deserialize, Serialize};

use super::posterior::Design;

/// Variances in stars².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Hyperparameters {
    /// Prior variance of the score over typical faces.
    pub(super) signal: f64,
    /// Variance of a star rating around the score.
    pub(super) noise: f64,
}

/// Down to a taste that sees nothing in the features, up to one that uses the whole scale.
const SIGNALS: [f64; 7] = [0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0];
/// Up to somewhat more than stars drawn by lot have (2.0).
const NOISES: [f64; 8] = [0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.2];

/// A handful of ratings says little about either, so both have a log-normal prior: a factor of 2 to either side.
const PRIOR: Hyperparameters = Hyperparameters { signal: 1.0, noise: 0.4 };
const PRIOR_LOG_DEVIATION: f64 = 0.7;

/// Two numbers don't need more ratings than this, and a factorisation for each pair does cost.
const ROWS: usize = 256;

/// The pair with the highest posterior density on the grid, seen from ratings spread evenly over time.
pub(super) fn choose(design: &Design) -> Hyperparameters {
    let rows = design.spread_out(ROWS);
    let faces = Mat::from_fn(design.dims(), rows.len(), |i, j| design.faces[(i, rows[j])]);
    let mut gram = Mat::<f32>::zeros(rows.len(), rows.len());
    faer::linalg::matmul::matmul(&mut gram, Accum::Replace, faces.transpose(), &faces, 1.0, Par::Seq);
    let targets = Mat::from_fn(rows.len(), 1, |i, _| design.targets[rows[i]]);
    let extra: Vec<f64> = rows.iter().map(|&i| design.extra_noise[i]).collect();
    let mut best = (f64::NEG_INFINITY, PRIOR);
    for signal in SIGNALS {
        for noise in NOISES {
            let pair = Hyperparameters { signal, noise };
            let density = log_evidence(&gram, &targets, &extra, pair) + log_prior(pair);
            if density > best.0 {
                best = (density, pair);
            }
        }
    }
    best.1
}

/// Log marginal likelihood of the targets, up to a constant.
fn log_evidence(gram: &Mat<f32>, targets: &Mat<f64>, extra: &[f64], at: Hyperparameters) -> f64 {
    let covariance = Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| {
        match i.cmp(&j) {
            Ordering::Less => 0.0, // the factorisation reads the lower triangle
            Ordering::Equal => at.signal * f64::from(gram[(i, j)]) + at.noise + extra[i],
            Ordering::Greater => at.signal * f64::from(gram[(i, j)]),
        }
    });
    let Ok(factor) = covariance.llt(Side::Lower) else { return f64::NEG_INFINITY };
    let mut whitened = targets.clone();
    solve_lower_triangular_in_place(factor.L(), whitened.as_mut(), Par::Seq);
    let log_determinant: f64 = (0..extra.len()).map(|i| factor.L()[(i, i)].ln()).sum();
    -0.5 * whitened.squared_norm_l2() - log_determinant
}

fn log_prior(at: Hyperparameters) -> f64 {
    let density = |value: f64, centre: f64| -0.5 * ((value / centre).ln() / PRIOR_LOG_DEVIATION).powi(2);
    density(at.signal, PRIOR.signal) + density(at.noise, PRIOR.noise)
}
