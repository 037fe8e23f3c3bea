//! How far likeness reaches, which block says how much, and how much of the ratings' scatter is noise: by marginal
//! likelihood, seen from the ratings alone.

use std::collections::HashMap;

use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par, Side};
use serde::{Deserialize, Serialize};

use super::kernel::{Distances, Faces, Shape};
use super::posterior::{MEAN_VARIANCE, spread_out};

/// Variances in stars², the kernel's shape, and how fast ratings fade.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Hyperparameters {
    /// Prior variance of the score over typical faces.
    pub(super) signal: f64,
    /// Variance of a star rating around the score.
    pub(super) noise: f64,
    pub(super) shape: Shape,
    /// Days in which a rating comes to count half, its noise twice: for a taste that drifts. `None`: ratings last.
    #[serde(default)]
    pub(super) half_life: Option<f64>,
}

/// A handful of ratings says little about any of them, so each has a log-normal prior around this.
pub(super) const PRIOR: Hyperparameters = Hyperparameters {
    signal: 1.4,
    noise: 0.35,
    shape: Shape { length: 1.0, picture: 0.2, colour: 0.2 },
    half_life: None,
};

/// Down to a taste that sees nothing in the features, up to one that uses the whole scale.
const SIGNALS: [f64; 6] = [0.09, 0.18, 0.35, 0.7, 1.4, 2.8];
/// Up to somewhat more than stars drawn by lot have (2.0).
const NOISES: [f64; 8] = [0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.2];
const LENGTHS: [f64; 4] = [0.5, 0.7, 1.0, 1.4];
const SHARES: [f64; 4] = [0.05, 0.1, 0.2, 0.4];
const HALF_LIVES: [Option<f64>; 6] = [None, Some(360.0), Some(180.0), Some(90.0), Some(45.0), Some(20.0)];

/// Log odds against fading: most tastes last for as long as there are ratings of them, and what fades is lost.
const FADING: f64 = 3.0;
/// A rating's noise does not grow beyond this many doublings.
const DOUBLINGS: f64 = 12.0;
/// Half a dozen numbers don't need more ratings than this, and a factorisation for each trial does cost.
const ROWS: usize = 144;
/// Each number climbs in turn, the others standing still, at most this often.
const ROUNDS: usize = 3;

/// What was said of some faces.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// Judgements less what was expected before.
    pub(super) targets: &'a [f64],
    /// Variance of each beyond that of stars.
    pub(super) extra_noise: &'a [f64],
    /// Covariance of `i` and `j` beside likeness: same rater.
    pub(super) raters: &'a [u64],
    /// Days from each to the newest.
    pub(super) ages: &'a [f64],
}

impl Said<'_> {
    /// Variance of rating `i` around the score.
    pub(super) fn noise(&self, at: Hyperparameters, i: usize) -> f64 {
        let doublings = at.half_life.map_or(0.0, |days| (self.ages[i] / days).min(DOUBLINGS));
        (at.noise + self.extra_noise[i]) * doublings.exp2()
    }
}

/// A place on the grid: signal, noise, length, picture, colour, half-life.
type Place = [usize; 6];

const SIZES: Place = [SIGNALS.len(), NOISES.len(), LENGTHS.len(), SHARES.len(), SHARES.len(), HALF_LIVES.len()];
const HALF_LIFE: usize = 5;
/// That of [`PRIOR`].
const START: Place = [4, 3, 2, 2, 2, 0];

fn of(place: Place) -> Hyperparameters {
    let shape = Shape { length: LENGTHS[place[2]], picture: SHARES[place[3]], colour: SHARES[place[4]] };
    Hyperparameters { signal: SIGNALS[place[0]], noise: NOISES[place[1]], shape, half_life: HALF_LIVES[place[5]] }
}

/// The place on the grid from which no step up or down along one number leads to a higher posterior density, seen from
/// ratings spread evenly over time.
pub(super) fn choose(faces: &Faces, said: Said, offset_variance: f64) -> Hyperparameters {
    let rows = spread_out(faces.len(), ROWS);
    let faces = faces.pick(&rows);
    let distances = Distances::new(&faces, &faces);
    let targets = Mat::from_fn(rows.len(), 1, |i, _| said.targets[rows[i]]);
    let oldest = said.ages.iter().copied().fold(0.0, f64::max);
    let mut likeness = (PRIOR.shape, distances.likeness(PRIOR.shape));
    let mut known: HashMap<Place, f64> = HashMap::new();
    let mut density = |place: Place| -> f64 {
        if let Some(found) = known.get(&place) {
            return *found;
        }
        let at = of(place);
        if likeness.0 != at.shape {
            likeness = (at.shape, distances.likeness(at.shape));
        }
        let covariance = Mat::from_fn(rows.len(), rows.len(), |i, j| {
            // The factorisation reads the lower triangle.
            if i < j {
                return 0.0;
            }
            let same = said.raters[rows[i]] == said.raters[rows[j]];
            let noise = if i == j { said.noise(at, rows[i]) } else { 0.0 };
            at.signal * f64::from(likeness.1[(i, j)]) + MEAN_VARIANCE + if same { offset_variance } else { 0.0 } + noise
        });
        let found = log_evidence(&covariance, &targets) + log_prior(at);
        known.insert(place, found);
        found
    };
    let (mut place, mut best) = (START, density(START));
    for _ in 0..ROUNDS {
        let before = place;
        // First, or a change of mind is taken for noise; and all are tried, for a slow fade may gain nothing where a fast one
        // does. None is where nothing is old enough.
        for (i, days) in HALF_LIVES.iter().enumerate() {
            let mut next = place;
            next[HALF_LIFE] = i;
            if days.is_none_or(|days| oldest >= days / 2.0) && density(next) > best {
                (place, best) = (next, density(next));
            }
        }
        for number in 0..HALF_LIFE {
            for up in [true, false] {
                while let Some(next) = step(place, number, up) {
                    let found = density(next);
                    if found <= best {
                        break;
                    }
                    (place, best) = (next, found);
                }
            }
        }
        if place == before {
            break;
        }
    }
    of(place)
}

fn step(mut place: Place, number: usize, up: bool) -> Option<Place> {
    place[number] = if up { place[number] + 1 } else { place[number].checked_sub(1)? };
    (place[number] < SIZES[number]).then_some(place)
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
        - at.half_life.map_or(0.0, |_| FADING)
}
